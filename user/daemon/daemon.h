// The daemon: its parts, and the loop that moves what happens from one to the other.
//
// One thread, one ring. Each turn waits for completions, hands them to the parts, and then asks
// every part for news until there is none; only the host steps the manager. The reflex thread and
// the store's thread are behind their own classes.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "daemon/config.h"
#include "heart/heart.h"

namespace xbeat::daemon {

struct Places {
    std::string config_file = "/etc/xbeat/xbeat.toml";
    std::string state_dir = "/var/lib/xbeat";
    std::string run_dir = "/run/xbeat";
    std::string log_dir = "/var/log/xbeat";  // agents' own log
    std::string exec_program;                // of xbeat-exec
    bool verbose = false;
};

enum class Ending : std::uint8_t {
    Left,       // the manager left the cluster cleanly: heart stopped, gate away
    Silent,     // likewise, but it was no member: the gate stays closed
    Abandoned,  // a second signal: resources and heart are as they were
    Overtaken,  // xbeat-exec carries out the last will: to be started again
};

/// Runs until the end. Errors: everything that makes a start impossible, in words for the operator.
[[nodiscard]] Result<Ending> run_daemon(const Places& places, const Config& config,
                                        const heart::Secret& secret);

}  // namespace xbeat::daemon
