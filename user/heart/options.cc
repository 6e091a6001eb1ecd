#include "heart/options.h"

#include <algorithm>
#include <set>

#include "core/limits.h"
#include "core/text.h"
#include "sys/chance.h"

namespace xbeat::heart {
namespace {

static_assert(kPathsMax == XB_PATHS_MAX);

constexpr Duration kPeriodMin = 100us;
constexpr Duration kPeriodMax = 1s;
constexpr std::uint32_t kMissesMax = 10'000;
constexpr std::uint16_t kVlanMax = 4094;
// A lap this many periods after the one before was late: answers may still be waiting.
constexpr std::uint32_t kLatePeriods = 2;
// Receive work that a processor owes for a period may hide an answer; below kWaitMin and above
// kWaitMax a period says nothing about how long softirqs usually take.
constexpr Duration kWaitMin = 200us;
constexpr Duration kWaitMax = 5ms;
// Longer than real-time threads can keep a processor (sched_rt_period_us), and than we have seen
// hosts take one away. What holds judgement up for longer does so no more.
constexpr Duration kWaitLost = 1s;
// A probe's send time is remembered for XB_SENT_SLOTS laps, so the grace ends a little before that.
constexpr std::uint32_t kGraceMaxPeriods = XB_SENT_SLOTS - 4;
constexpr std::uint32_t kUpRunMin = 10;
constexpr std::uint32_t kUpRunMax = 50;

Error invalid(std::string text) {
    return {.code = Code::Invalid, .context = std::move(text), .system_errno = 0};
}

std::uint64_t nanoseconds(Duration duration) {
    return static_cast<std::uint64_t>(duration.count());
}

Result<void> check_timing(const Options& options) {
    if (options.period < kPeriodMin || options.period > kPeriodMax) {
        return invalid("heart: the period must be 0.1 ms to 1 s");
    }
    if (options.k_dead < 1 || options.k_dead > kMissesMax) {
        return invalid("heart: k_dead must be 1 to 10000");
    }
    if (options.k_suspect < 1 || options.k_suspect > options.k_dead) {
        return invalid("heart: k_suspect must be 1 to k_dead");
    }
    if (options.stall_after < 10 * options.period) {
        return invalid("heart: stall_after must be at least 10 periods");
    }
    if (options.grace_min < 0ns || options.grace_min > kGraceMaxPeriods * options.period) {
        return invalid("heart: grace_min must be 0 to 60 periods");
    }
    return {};
}

Result<void> check_links(const Options& options) {
    if (options.links.empty() || options.links.size() > kPathsMax) {
        return invalid("heart: there must be 1 to 8 links");
    }
    std::set<std::uint8_t> numbers;
    for (const LinkOptions& link : options.links) {
        if (link.path.value >= kPathsMax) return invalid("heart: paths are numbered 0 to 7");
        if (!numbers.insert(link.path.value).second) {
            return invalid(concat("heart: two links have path number ", link.path.value));
        }
        if (link.interface.empty() || link.interface.size() > 15) {
            return invalid("heart: an interface name has 1 to 15 characters");
        }
        if (link.local.size() == 0) {
            return invalid(concat("heart: link ", link.interface, " has no local address"));
        }
        if (link.vlan > kVlanMax) return invalid("heart: a VLAN id is 1 to 4094, or 0 for none");
    }
    return {};
}

Result<void> check_peer(const Options& options, const PeerOptions& peer) {
    if (peer.node.value < 1 || peer.node.value > options.peers_max || peer.node == options.self) {
        return invalid(concat("heart: ", peer.node.value, " cannot be a peer's node id"));
    }
    if (peer.paths.empty()) return invalid(concat("heart: peer ", peer.node.value, " has no path"));
    std::set<std::uint8_t> numbers;
    for (const PeerPath& path : peer.paths) {
        const auto link =
            std::find_if(options.links.begin(), options.links.end(),
                         [&](const LinkOptions& other) { return other.path == path.path; });
        if (link == options.links.end()) {
            return invalid(concat("heart: no link carries path ", path.path.value));
        }
        if (link->local.family != path.remote.family) {
            return invalid(concat("heart: the two ends of path ", path.path.value, " to peer ",
                                  peer.node.value, " are not of one address family"));
        }
        if (!numbers.insert(path.path.value).second) {
            return invalid(concat("heart: path ", path.path.value, " to peer ", peer.node.value,
                                  " is given twice"));
        }
    }
    return {};
}

}  // namespace

Result<void> check_options(const Options& options) {
    if (options.peers_max < 1 || options.peers_max > XB_NODE_MAX) {
        return invalid("heart: peers_max must be 1 to 1000");
    }
    if (options.self.value < 1 || options.self.value > options.peers_max) {
        return invalid("heart: this node's id must be 1 to peers_max");
    }
    if (options.port == 0) return invalid("heart: the UDP port must not be 0");
    if (options.pin_dir.empty() || options.pin_dir.front() != '/') {
        return invalid("heart: pin_dir must be an absolute path");
    }
    XB_TRY(check_timing(options));
    XB_TRY(check_links(options));
    std::set<std::uint16_t> nodes;
    for (const PeerOptions& peer : options.peers) {
        XB_TRY(check_peer(options, peer));
        if (!nodes.insert(peer.node.value).second) {
            return invalid(concat("heart: peer ", peer.node.value, " is given twice"));
        }
    }
    return {};
}

Result<void> write_control(const Options& options, const Store& store, bool is_new) {
    xb_control& control = *store.control;
    const std::uint64_t period = nanoseconds(options.period);
    const std::uint64_t grace_max = kGraceMaxPeriods * period;
    control.self = options.self.value;
    publish(control.port, options.port);
    publish(control.cluster_tag, options.cluster_tag);
    publish(control.period_ns, period);
    publish(control.late_ns, kLatePeriods * period);
    publish(control.stall_ns, std::max(kLatePeriods, options.k_suspect) * period);
    publish(control.grace_min_ns,
            options.grace_min > 0ns ? nanoseconds(options.grace_min) : period / 2);
    publish(control.grace_max_ns, grace_max);
    // Twice the time to a verdict, but never less than the longest round trip that is judged.
    publish(control.fresh_ns, std::max(2 * options.k_dead * period, XB_SENT_SLOTS * period));
    publish(control.wait_ns, nanoseconds(std::clamp<Duration>(options.period, kWaitMin, kWaitMax)));
    publish(control.wait_max_ns, nanoseconds(kWaitLost));
    publish(control.k_suspect, options.k_suspect);
    publish(control.k_dead, options.k_dead);
    publish(control.k_up, std::clamp(2 * options.k_dead, kUpRunMin, kUpRunMax));
    publish(control.stall_ticks, static_cast<std::uint32_t>(options.stall_after / options.period));
    publish(control.key_id, std::uint32_t{options.key_id.value});
    if (!is_new) return {};
    publish(control.incarnation, sys::random_number());
    return {};
}

void write_roster(const Options& options, const Store& store) {
    publish(store.control->roster_count, 0);
    for (std::size_t node = 0; node < store.peers.size(); node++) {
        const auto configured =
            std::find_if(options.peers.begin(), options.peers.end(),
                         [&](const PeerOptions& peer) { return peer.node.value == node; });
        if (configured != options.peers.end()) continue;
        publish(store.peers[node].incarnation, 0U);
        publish(store.peers[node].path_mask, 0U);
    }
    for (std::size_t i = 0; i < options.peers.size(); i++) {
        const PeerOptions& peer = options.peers[i];
        std::uint32_t mask = 0;
        for (const PeerPath& path : peer.paths) mask |= 1U << path.path.value;
        publish(store.peers[peer.node.value].path_mask, mask);
        publish(store.roster[i], peer.node.value);
    }
    publish(store.control->roster_count, options.peers.size());
}

}  // namespace xbeat::heart
