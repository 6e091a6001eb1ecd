// Which file an agent's name leads to, and whether it may run.
//
// An agent runs as root, so whoever could change the file, or any folder above it, could become
// root. The path is walked from "/" one component at a time without following links; every folder
// and the file must belong to root and be writable by nobody else, and the file must be regular,
// executable and neither set-uid nor set-gid. The file stays open: a program is executed on that
// very descriptor (execveat); a script is executed by its path, because its interpreter would
// otherwise get /dev/fd/N as its name (agents look at $0) and a stray descriptor. That is as safe:
// in a chain of folders that only root may write, nobody else can swap what was checked.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "agent/exec_protocol.h"
#include "sys/fd.h"

namespace xbeat::agent {

struct AllowedRoots {
    std::string ocf_root = "/usr/lib/ocf";      // agents: resource.d/PROVIDER/TYPE below it
    std::string fence_directory = "/usr/sbin";  // only names that begin with fence_
    std::string lsb_directory = "/etc/init.d";
};

struct AgentFile {
    sys::Fd fd;              // the opened file, close-on-exec
    std::string path;        // absolute, without links
    bool is_script = false;  // begins with "#!"
};

struct Refusal {
    FailReason reason = FailReason::NotAllowed;
    std::string text;  // one sentence with the path
};

/// Finds and opens the agent. Refusals: BadRequest for names that are not plain ones (empty, with
/// '/', a leading dot, ...), Missing, NotAllowed, NotExecutable, System.
[[nodiscard]] std::variant<AgentFile, Refusal> open_agent(const AllowedRoots& roots,
                                                          AgentClass agent_class,
                                                          std::string_view provider,
                                                          std::string_view type);

/// Opens `path` (absolute) under the same rules.
[[nodiscard]] std::variant<AgentFile, Refusal> open_allowed(std::string_view path);

/// Letters, digits, '_', '-' and '.', not beginning with '.' or '-', 1 to 255 bytes.
[[nodiscard]] bool is_plain_name(std::string_view name);

}  // namespace xbeat::agent
