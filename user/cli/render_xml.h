// The status as crm_mon's XML and as a page of HTML. Agents and tools parse the XML: elements,
// attributes and their values are those of crm_mon 2.1 (API schema 2.25).
#pragma once

#include <string>
#include <string_view>

#include "cli/render_status.h"
#include "cli/status_input.h"

namespace xbeat::cli {

/// `request` is what was asked, as the root's attribute repeats it. The options choose the sections
/// as they do for text; resources and nodes are always there.
[[nodiscard]] std::string render_xml(const StatusInput& input, const StatusOptions& options,
                                     std::string_view request);

/// The same where nothing can be shown: `code` and a sentence.
[[nodiscard]] std::string render_xml_error(int code, std::string_view message,
                                           std::string_view request);

/// A whole document without scripts or links; `refresh_s` > 0 lets a browser load it anew.
[[nodiscard]] std::string render_html(const StatusInput& input, const StatusOptions& options,
                                      int refresh_s);

}  // namespace xbeat::cli
