// The status as crm_mon's XML and as a page of HTML. Agents and tools parse the XML: elements,
// attributes and their values are those of crm_mon 2.1 (API schema 2.25).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "cli/exit_code.h"
#include "cli/render_status.h"
#include "cli/status_input.h"

namespace xbeat::cli {

/// The sections of the document, chosen by the options as those of the text are.
[[nodiscard]] std::vector<cib::Element> status_elements(const StatusInput& input,
                                                        const StatusOptions& options);

/// A whole document: `elements`, and behind them how it went. `request` is what was asked, as the
/// root's attribute repeats it.
[[nodiscard]] std::string render_result(std::string_view request,
                                        std::vector<cib::Element> elements, ExitCode code,
                                        const std::vector<std::string>& errors = {});

/// Both together, for what can be shown.
[[nodiscard]] std::string render_xml(const StatusInput& input, const StatusOptions& options,
                                     std::string_view request);

/// A whole document without scripts or links; `refresh_s` > 0 lets a browser load it anew.
[[nodiscard]] std::string render_html(const StatusInput& input, const StatusOptions& options,
                                      int refresh_s);

}  // namespace xbeat::cli
