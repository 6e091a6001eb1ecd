// The node's own configuration: /etc/xbeat/xbeat.toml and the cluster key, read and checked whole.
//
// Everything that can be wrong is found here, before anything is touched: the text (with its line),
// unknown keys (with a suggestion), values out of range, nodes and links that contradict each
// other, and a key file that is missing, short, long or readable by others. What the cluster shall
// run is not here but in the CIB. The profiles' figures are explained in xbeat.toml(5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/heart.h"
#include "heart/ip_address.h"
#include "node/node.h"
#include "wire/witness.h"

namespace xbeat::daemon {

constexpr std::size_t kTomlBytesMax = std::size_t{1} << 20U;  // larger files are rejected
constexpr std::size_t kNameBytesMax = 64;                     // of a cluster, node or link
constexpr std::size_t kKeyBytes = 32;
constexpr Duration kArbiterLeaseMin = 100ms;  // shorter exclusivity would end at every hiccup
constexpr Duration kGrantMin = 20ms;  // to the peer: several periods, and a wake-up of its daemon
constexpr Duration kFenceHandicap = 20ms;      // more than a fence device's lock takes
constexpr Duration kSinglePathTauMin = 100ms;  // one path only: faster verdicts are refused

/// How fast peers are judged: a row of the table of profiles, or what [timing] made of it.
struct Timing {
    Duration period{};               // 0.1 ms .. 1 s
    std::uint32_t suspect = 0;       // unanswered probes until suspect, 1..dead
    std::uint32_t dead = 0;          // ... until dead, ..10000
    Duration stall_after = 1s;       // >= 10 periods, <= stall_limit
    Duration stall_limit = 10s;      // .. 1 h
    bool allow_single_path = false;  // verdicts under kSinglePathTauMin with one path only

    /// How long a peer is silent until it is dead, without jitter.
    [[nodiscard]] Duration tau() const { return period * dead; }
    friend bool operator==(const Timing&, const Timing&) = default;
};

/// The named row: metal-fast, metal, vm, cloud, compat. Empty for any other name.
[[nodiscard]] std::optional<Timing> find_profile(std::string_view name);

struct LinkConfig {
    std::string name;
    std::string interface;
    heart::IpAddress address;
    std::uint16_t vlan = 0;
    friend bool operator==(const LinkConfig&, const LinkConfig&) = default;
};

struct NodeConfig {
    std::string name;
    NodeId id;
    std::vector<LinkConfig> links;
    friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

/// [arbiter]: who breaks the tie, and what it is asked for.
struct ArbiterConfig {
    node::ArbiterKind kind = node::ArbiterKind::Fence;
    // Unless given: 20 ms, or four periods of the beat if that is longer. A peer that hears nothing
    // says so with its next beat, and the side that serves judges in the lap after that.
    std::optional<Duration> handicap;
    heart::IpAddress witness;  // None unless kind is Witness
    std::uint16_t witness_port = wire::kWitnessPort;
    std::string disk;     // empty unless kind is Disk; an absolute path
    Duration lease = 3s;  // of exclusivity, kArbiterLeaseMin..kWitnessLeaseMax
    friend bool operator==(const ArbiterConfig&, const ArbiterConfig&) = default;
};

struct Config {
    std::string cluster;
    std::string key_file;
    std::string profile = "vm";
    Timing timing;
    NodeId self;
    std::uint16_t port = 7455;
    heart::Mode heart_mode = heart::Mode::Auto;
    ArbiterConfig arbiter;
    bool unsafe_takeover = false;
    std::string watchdog;                 // a device such as /dev/watchdog; empty: none
    std::size_t recording_megabytes = 0;  // of the manager's run; 0: it is not recorded
    std::vector<NodeConfig> nodes;        // in the file's order; self is among them

    [[nodiscard]] const NodeConfig& self_node() const;
    [[nodiscard]] const NodeConfig* find(NodeId id) const;
    /// The other node of a pair; 0 if there is none.
    [[nodiscard]] NodeId peer() const;
    friend bool operator==(const Config&, const Config&) = default;
};

/// Reads the text of a configuration. `file` stands in messages; `host_name` is who we are if the
/// text has no `self`. Errors: Invalid with "FILE:LINE: what is wrong and what to do", Limit with
/// the limit. The key file is not looked at.
[[nodiscard]] Result<Config> parse_config(std::string_view text, std::string_view file,
                                          std::string_view host_name);

/// Reads and parses a file. Errors: NotFound, Denied and System for the file, else as above.
[[nodiscard]] Result<Config> load_config(const std::string& file);

/// The cluster secret: exactly 32 bytes in a regular file, owned by root (or by who runs this
/// process), with mode 0400 or 0600. Anything else is an error that says what to do: NotFound,
/// Denied (owner, mode), Invalid (size, kind).
[[nodiscard]] Result<heart::Secret> load_key(const std::string& file);

/// What differs between two configurations in a way that only a restart can take up, as the keys'
/// names; empty if nothing does.
[[nodiscard]] std::vector<std::string> needs_restart(const Config& old_config,
                                                     const Config& new_config);

}  // namespace xbeat::daemon
