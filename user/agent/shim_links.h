// The folder of links by which agents find `xbeat` under the names of Pacemaker's tools.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/result.h"

namespace xbeat::agent {

inline constexpr std::string_view kShimFolder = "shims";  // in the daemon's run directory

/// The tools that shim/ plays.
inline constexpr std::array<std::string_view, 18> kShimNames = {
    "attrd_updater", "cibadmin",     "crm_attribute", "crm_error",  "crm_failcount",
    "crm_master",    "crm_mon",      "crm_node",      "crm_report", "crm_resource",
    "crm_shadow",    "crm_simulate", "crm_standby",   "crm_ticket", "crm_verify",
    "crmadmin",      "pacemakerd",   "stonith_admin"};

/// Makes RUN_DIR/shims (0755) with a link of each name to `program`; links that are right stay.
/// The folder's path. Code::System if the kernel refuses.
[[nodiscard]] Result<std::string> make_shim_links(const std::string& run_dir,
                                                  const std::string& program);

/// The command line's program: beside this one, else where packages put it; empty if it is nowhere.
[[nodiscard]] std::string find_command_line();

}  // namespace xbeat::agent
