// Which sections a status page has, and of whom: crm_mon's --include, --exclude, --node and
// --resource.
#pragma once

#include <string>
#include <string_view>

#include "cli/render_status.h"
#include "cli/status_input.h"
#include "core/result.h"

namespace xbeat::cli {

/// Applies "+bans,-nodes,none" from left to right: a name alone or with a plus is shown, with a
/// minus hidden; `all`, `none` and `default` mean every section. Code::Invalid, with the names that
/// there are, for another one.
[[nodiscard]] Result<void> apply_sections(std::string_view list, StatusOptions& options);

/// The names, with commas between them, as crm_mon writes them.
[[nodiscard]] std::string section_names();

/// Leaves only what concerns this node and this resource (or what holds it); empty: all.
/// Code::NotFound if there is none of that name.
[[nodiscard]] Result<void> keep_only(StatusInput& input, std::string_view node,
                                     std::string_view resource);

}  // namespace xbeat::cli
