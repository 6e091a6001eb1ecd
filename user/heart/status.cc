#include "heart/status.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace xbeat::heart {
namespace {

Instant instant(std::uint64_t ns) { return Instant(Duration(static_cast<std::int64_t>(ns))); }
Duration duration(std::uint64_t ns) { return Duration(static_cast<std::int64_t>(ns)); }

constexpr std::array<std::string_view, XB_COUNTERS_COUNT> kCounterNames = {
#define XB_COUNTER_TEXT(name, text) text,
    XB_COUNTERS(XB_COUNTER_TEXT)
#undef XB_COUNTER_TEXT
};

static_assert(static_cast<int>(PeerState::Alive) == XB_PEER_ALIVE);
static_assert(static_cast<int>(PeerState::Suspect) == XB_PEER_SUSPECT);
static_assert(static_cast<int>(PeerState::Dead) == XB_PEER_DEAD);
static_assert(static_cast<int>(PeerState::Stalled) == XB_PEER_STALLED);
static_assert(static_cast<int>(PathState::Up) == XB_PATH_UP);
static_assert(static_cast<int>(PathState::Down) == XB_PATH_DOWN);

}  // namespace

std::string_view to_string(Mode mode) {
    switch (mode) {
        case Mode::Auto:
            return "auto";
        case Mode::Native:
            return "native";
        case Mode::Generic:
            return "generic";
        case Mode::Udp:
            return "udp";
    }
    return "?";
}

std::optional<Mode> parse_mode(std::string_view text) {
    for (const Mode mode : {Mode::Auto, Mode::Native, Mode::Generic, Mode::Udp}) {
        if (to_string(mode) == text) return mode;
    }
    return std::nullopt;
}

std::string_view to_string(PeerState state) {
    switch (state) {
        case PeerState::Unknown:
            return "unknown";
        case PeerState::Alive:
            return "alive";
        case PeerState::Suspect:
            return "suspect";
        case PeerState::Dead:
            return "dead";
        case PeerState::Stalled:
            return "stalled";
    }
    return "?";
}

std::string_view to_string(PathState state) {
    switch (state) {
        case PathState::Unknown:
            return "unknown";
        case PathState::Up:
            return "up";
        case PathState::Down:
            return "down";
    }
    return "?";
}

std::string_view to_string(Trouble trouble) {
    switch (trouble) {
        case Trouble::None:
            return "none";
        case Trouble::LinkMissing:
            return "link-missing";
        case Trouble::LinkDown:
            return "link-down";
        case Trouble::NextHopMissing:
            return "next-hop-missing";
        case Trouble::ProgramDetached:
            return "program-detached";
        case Trouble::NativeFailed:
            return "native-failed";
        case Trouble::ThreadedNapi:
            return "threaded-napi";
        case Trouble::BeatLost:
            return "beat-lost";
    }
    return "?";
}

HeartEvent to_event(const xb_event& record) {
    HeartEvent event;
    event.peer = NodeId{record.node};
    event.path = PathId{record.path};
    if (record.kind == XB_EVENT_PEER) {
        event.kind = EventKind::Peer;
        event.peer_before = static_cast<PeerState>(record.before);
        event.peer_state = static_cast<PeerState>(record.after);
    } else {
        event.kind = EventKind::Path;
        event.path_state = static_cast<PathState>(record.after);
    }
    event.at = instant(record.at_ns);
    event.sequence = record.sequence;
    event.answered_sequence = record.answered_sequence;
    event.sent_at = instant(record.sent_ns);
    event.answered_at = instant(record.answered_ns);
    event.heard_at = instant(record.heard_ns);
    event.rtt = duration(record.rtt_ns);
    event.grace = duration(record.grace_ns);
    event.unanswered = record.misses;
    event.unsent = record.unsent_misses;
    event.tick_gap = duration(record.gap_ns);
    event.ticks_late = record.late;
    event.daemon_progress = record.daemon_progress;
    event.flags = record.flags;
    return event;
}

Duration quantile(const std::array<std::uint64_t, 64>& histogram, std::uint64_t share) {
    const std::uint64_t total =
        std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
    if (total == 0) return Duration(0);
    const std::uint64_t wanted = std::max<std::uint64_t>(1, (total * share + 999) / 1000);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < histogram.size(); i++) {
        seen += histogram[i];
        if (seen >= wanted) return duration(i >= 62 ? INT64_MAX : (std::uint64_t{2} << i) - 1);
    }
    return Duration::max();
}

PathStatus path_status(const Store& store, NodeId node, PathId number) {
    const xb_path& path = store.paths[place_of(node.value, number.value)];
    PathStatus status;
    status.path = number;
    status.state = static_cast<PathState>(observe(path.state));
    status.remote.family = store.control->links[number.value].family == 6 ? IpAddress::Family::V6
                                                                          : IpAddress::Family::V4;
    std::memcpy(status.remote.bytes.data(), path.remote, status.remote.bytes.size());
    status.next_hop_known = observe(path.usable) != 0;
    for (std::size_t i = 0; i < status.rtt_histogram.size(); i++) {
        status.rtt_histogram[i] = observe(path.rtt_histogram[i]);
    }
    status.rtt_min = duration(observe(path.rtt_min_ns));
    status.rtt_max = duration(observe(path.rtt_max_ns));
    status.rtt_p50 = std::min(quantile(status.rtt_histogram, 500), status.rtt_max);
    status.rtt_p99 = std::min(quantile(status.rtt_histogram, 990), status.rtt_max);
    status.sent = observe(path.sent);
    status.unsent = observe(path.unsent);
    status.answered = observe(path.answers);
    status.lost = observe(path.lost);
    status.unanswered = observe(path.misses);
    status.heard_at = instant(observe(path.heard_ns));
    status.grace = duration(observe(path.grace_used_ns));
    return status;
}

PeerStatus peer_status(const Store& store, NodeId node) {
    const xb_peer& peer = store.peers[node.value];
    PeerStatus status;
    status.node = node;
    status.incarnation = observe(peer.incarnation);
    if (status.incarnation != 0 && observe(peer.seen_epoch) == observe(peer.epoch)) {
        status.state = static_cast<PeerState>(observe(peer.state));
        status.since = instant(observe(peer.since_ns));
    }
    status.heard_at = instant(observe(peer.heard_ns));
    status.daemon_progress = observe(peer.daemon_progress);
    status.executor_progress = observe(peer.executor_progress);
    status.flags = observe(peer.flags);
    status.grant = status.state == PeerState::Dead ? 0ns : duration(observe(peer.grant_ns));
    status.lease_until = instant(observe(peer.lease_until_ns));
    return status;
}

std::vector<Counter> counters(const Store& store) {
    std::vector<Counter> result;
    for (std::size_t i = 0; i < kCounterNames.size(); i++) {
        result.push_back({.name = kCounterNames[i], .value = observe(store.counters->value[i])});
    }
    return result;
}

}  // namespace xbeat::heart
