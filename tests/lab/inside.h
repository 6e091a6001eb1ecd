// What the first process of a machine does before it becomes init: it furnishes its namespaces.
//
// Private to the machine: /run, /dev/shm, /proc, /sys (so that /sys/class/net is its own), /etc,
// /var/lib, /var/log, and /usr/sbin and the agents' folder with the lab's own laid over the host's.
// Shared and read as they are: the rest of the host's file system.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace xbeat::lab {

struct Inside {
    std::string name;               // host name
    std::string namespace_path;     // of its network namespace
    std::string directory;          // the machine's folder: etc, lib, log, power.sock
    std::string sbin;               // the lab's programs, laid over /usr/sbin
    std::string ocf;                // the lab's agents, laid over /usr/lib/ocf/resource.d
    std::string cgroup;             // its folder in the cgroup2 tree; empty: none
    std::vector<std::string> init;  // what to become
};

/// Never returns when it succeeds: the calling process, which must be PID 1 of new mount, PID, UTS
/// and IPC namespaces, becomes `init`.
Error become_init(const Inside& inside);

}  // namespace xbeat::lab
