// Pacemaker's commands for agents that call them: the program `xbeat` under their names.
//
// Agents written for Pacemaker ask their cluster through its tools and read what these print. The
// tools here take the same options, as far as the agents of Debian's packages use them, print the
// same lines and end with the same codes, and speak to xbeatd. They stand in a folder that only
// agents have in PATH and HA_SBIN_DIR, so a real Pacemaker beside them is not disturbed. What only
// shows (crm_mon and its like) is answered by the command line itself.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shim/cluster.h"

namespace xbeat::shim {

// Exit codes, from Pacemaker's own table (crm_exit_t).
constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kNotSupported = 3;
constexpr int kNotAllowed = 4;
constexpr int kUsage = 64;
constexpr int kSoftware = 70;
constexpr int kOutput = 74;
constexpr int kConfiguration = 78;
constexpr int kDisconnected = 102;
constexpr int kOld = 103;
constexpr int kNoSuch = 105;
constexpr int kUnsafe = 107;
constexpr int kExists = 108;
constexpr int kTimedOut = 124;

struct Io {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    /// A variable of the caller's environment; empty if it is not set.
    std::function<std::string(const char*)> environment;
};

/// The names of all shims, for the folder of links.
[[nodiscard]] std::span<const std::string_view> names();

/// The words for the command line itself, where the tool only shows what `xbeat` shows: crm_mon,
/// crm_simulate, lists of agents. Empty for everything else.
[[nodiscard]] std::optional<std::vector<std::string>> as_command(
    std::string_view name, std::span<const std::string> arguments);

[[nodiscard]] bool is_shim(std::string_view name);

/// Runs the tool and returns its exit code. Requires: is_shim(name) and no as_command().
[[nodiscard]] int run(std::string_view name, std::span<const std::string> arguments, Io& io,
                      Cluster& cluster);

}  // namespace xbeat::shim
