// The environment of an agent, built from nothing: what xbeatd itself was started with never
// reaches it.
//
// OCF agents get the variables that the shell library of resource-agents reads and that Pacemaker's
// executor sets; fence and LSB agents get PATH and a locale. PATH is fixed and led by the folder of
// the shims (crm_attribute and its like), which agents also find through HA_SBIN_DIR.
// Source: OCF Resource Agent API 1.1, section "Parameter passing"; ocf-shellfuncs and
// ocf-directories of resource-agents 4.12.
#pragma once

#include <string>
#include <vector>

#include "agent/exec_protocol.h"
#include "core/result.h"

namespace xbeat::agent {

struct EnvironmentOptions {
    std::string ocf_root = "/usr/lib/ocf";
    std::string shim_directory = {};  // empty: no shims, HA_SBIN_DIR is /usr/sbin
    std::string temporary_directory = "/run/resource-agents";
    std::string log_file = {};  // empty: agents' own log lines go to standard error
};

/// "NAME=value" entries in the order of their names, each name once.
///
/// Code::Invalid for a parameter's name outside [A-Za-z_][A-Za-z0-9_]{0,127}, one that is given
/// twice, a value with a NUL, parameters of an LSB or fence agent (they go nowhere or to standard
/// input), or an extra variable whose name does not begin with OCF_, HA_, PCMK_, CRM_ or XBEAT_ (so
/// LD_*, BASH_ENV, IFS, PYTHON* and PATH cannot be set). An extra variable replaces a standard one
/// of that name. Alert agents get their parameters under their own names, but for LD_*, PATH and
/// others that change what runs.
[[nodiscard]] Result<std::vector<std::string>> agent_environment(const Spawn& spawn,
                                                                 const EnvironmentOptions& options);

/// For launched programs: PATH, LANG and the given variables; those may be any valid name except
/// LD_*, which the dynamic linker would obey in a program that runs as root.
[[nodiscard]] Result<std::vector<std::string>> launch_environment(const Launch& launch);

/// [A-Za-z_][A-Za-z0-9_]{0,127}
[[nodiscard]] bool is_variable_name(std::string_view name);

}  // namespace xbeat::agent
