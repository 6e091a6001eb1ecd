// From a forked child to a running program: the one place where xbeat starts other code.
//
// The child is in its own session and (where there is one) its own control group from its first
// instruction on, has the three standard descriptors and no other, default signals, umask 022, no
// ambition to outlive its parent unless it was launched for that, and no shell between it and the
// program. What goes wrong after the fork comes back through a pipe that closes itself when
// execve(2) succeeds.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/cgroup.h"
#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::agent {

/// Who a launched program runs as. Looked up before the fork.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

/// The identity of a user of the system. Code::NotFound if there is none of that name.
[[nodiscard]] Result<Identity> find_user(const std::string& name);

struct ChildPlan {
    std::string path;                      // executed by name unless program_fd is given
    int program_fd = -1;                   // executed by descriptor (binaries only)
    std::vector<std::string> arguments;    // argv, with argv[0]
    std::vector<std::string> environment;  // "NAME=value"
    std::string directory = "/";
    int standard_input = -1;  // borrowed; the child's 0, 1 and 2
    int standard_output = -1;
    int standard_error = -1;
    int control_group = -1;    // an opened folder, or -1
    rlim_t files_max = 1024;   // soft limit of open files
    bool hold = false;         // wait for a byte on `gate` before executing
    bool outlives_us = false;  // launched: no parent-death signal
    std::optional<Identity> identity;
};

struct Child {
    pid_t pid = 0;
    sys::Fd pidfd;
    sys::Fd status;  // read end: ChildFault if it could not execute; end of file when it did
    sys::Fd gate;    // write end: one byte lets it go on; closing it ends it. Closed if not held
};

/// What the child writes to `status` before it gives up.
struct ChildFault {
    enum class Stage : int { Directory, Identity, Execute };
    Stage stage = Stage::Execute;
    int error = 0;
};

/// Forks. Code::System if the kernel refuses. A control group that the kernel refuses is done
/// without.
[[nodiscard]] Result<Child> fork_child(const ChildPlan& plan);

}  // namespace xbeat::agent
