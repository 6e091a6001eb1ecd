// Hearts and channels: frames on four wires, and the one encrypted connection beside them.
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "tests/sim/world.h"

namespace xbeat::xsim {
namespace {

constexpr Nanos kVerdictDelay = 50 * kMicro;  // ring buffer, reflex thread, queue
constexpr Nanos kUserTimeout = 2 * kSecond;   // unacknowledged bytes break a connection
constexpr Nanos kKeepAlive = 3 * kSecond;     // an idle one notices later
constexpr std::size_t kBeatsRemembered = 256;
constexpr std::size_t kFramesHeld = 64;  // by the NIC of a machine that is frozen

node::PeerState state_of(std::uint8_t state) {
    switch (state) {
        case XB_PEER_ALIVE:
            return node::PeerState::Alive;
        case XB_PEER_SUSPECT:
            return node::PeerState::Suspect;
        case XB_PEER_DEAD:
            return node::PeerState::Dead;
        case XB_PEER_STALLED:
            return node::PeerState::Stalled;
        default:
            return node::PeerState::Unknown;
    }
}

}  // namespace

// --- Beats --------------------------------------------------------------------------------------

void World::lap(std::size_t index) {
    Host& host = hosts_[index];
    host.kernel.lap(static_cast<std::uint64_t>(local(index)), lap_);
    host.next_lap = now_ + settings_.timing.period * 1'000'000 / (1'000'000 + host.drift_ppm);
    // The lists are one for all laps; a verdict makes no frame and a frame makes no lap.
    for (const Verdict& verdict : lap_.verdicts) take_verdict(index, verdict);
    for (const xb_beat& probe : lap_.probes) send_frame(index, probe.path, probe);
}

// Only a stall that lasts is a cause; the node's clock may run fast.
void World::watch_stall(std::size_t index) {
    const Nanos limit = settings_.stall_limit.count();
    const Nanos due = hosts_[index].stalled_since + limit - limit / 1000;
    const auto look = [this, index] {
        if (hosts_[index].kernel.peer_state() != XB_PEER_STALLED) return;
        truth_.may_be_fenced(1 - index);
    };
    if (due <= now_) return look();
    after(due - now_, look);
}

void World::take_verdict(std::size_t index, const Verdict& verdict) {
    const std::size_t other = 1 - index;
    ++disturbances_;
    const NodeId peer{static_cast<std::uint16_t>(other + 1)};
    if (!verdict.is_peer) {
        if (verdict.after == XB_PATH_UNKNOWN) return;
        const bool is_up = verdict.after == XB_PATH_UP;
        guarded(now_ + kVerdictDelay, index, true, [this, index, peer, verdict, is_up] {
            if (is_up) connect_soon(kMilli);
            deliver(index, node::PathVerdict{.peer = peer,
                                             .path = PathId{verdict.path},
                                             .is_up = is_up,
                                             .reason = is_up ? "answers again" : "silent"});
        });
        return;
    }
    node::PeerVerdict event{.peer = peer, .state = state_of(verdict.after), .evidence = {}};
    trace(
        concat(name_of(index), " heart: ", name_of(other), " is ", health::to_string(event.state)));
    if (event.state == node::PeerState::Stalled) {
        hosts_[index].stalled_since = now_;
        watch_stall(index);
    }
    const std::uint32_t theirs = hosts_[other].kernel.peer_state();
    if (event.state == node::PeerState::Dead) {
        truth_.may_be_fenced(other);
        // Claim I-27: silence came first, here or at the peer that told us so.
        const Nanos silence = now_ - hosts_[index].heard_at;
        const bool was_called =
            theirs == XB_PEER_DEAD ||
            hosts_[other].ended_accusing == hosts_[index].kernel.peer_incarnation();
        const bool is_told = hosts_[index].kernel.is_called_dead() && was_called;
        if (!is_told && silence < (settings_.timing.dead - 1) * settings_.timing.period) {
            truth_.violate("I-27",
                           concat(name_of(index), " calls ", name_of(other), " dead after only ",
                                  silence / kMicro, " us of silence"),
                           now_);
        }
        if (theirs == XB_PEER_DEAD && hosts_[other].has_heart) reach(State::BothDead);
    }
    if (event.state == node::PeerState::Suspect && theirs == XB_PEER_SUSPECT) {
        reach(State::BothSuspect);
    }
    event.evidence.last_answer =
        Instant(Duration(static_cast<std::int64_t>(verdict.answered_ns - verdict.rtt_ns)));
    event.evidence.last_heard = Instant(Duration(static_cast<std::int64_t>(verdict.heard_ns)));
    event.evidence.judged_at = Instant(Duration(local(index)));
    event.evidence.unanswered = verdict.misses;
    event.evidence.rtt_p99 = Duration(static_cast<std::int64_t>(verdict.grace_ns));
    guarded(now_ + kVerdictDelay, index, true, [this, index, event] { deliver(index, event); });
}

void World::send_frame(std::size_t from, std::uint8_t path, const xb_beat& beat) {
    Wire& wire = wires_[path][from];
    if (wire.cuts > 0) return;
    const std::size_t to = 1 - from;
    const auto happens = [&wire](std::uint64_t permille) {
        return permille > 0 && wire.prng.below(1000) < permille;
    };
    if (happens(wire.loss_permille)) return;
    Nanos delay = wire.delay;
    if (wire.jitter > 0) delay += between(wire.prng, 0, wire.jitter);
    Flying flying{.to = static_cast<std::uint8_t>(to), .path = path, .beat = beat};
    if (happens(wire.damage_permille)) {
        auto* bytes = reinterpret_cast<unsigned char*>(&flying.beat);
        bytes[wire.prng.below(sizeof flying.beat)] ^=
            static_cast<unsigned char>(1U << wire.prng.below(8));
        reach(State::FrameForged);
    }
    frames_.add(now_ + delay, flying);
    if (happens(wire.duplicate_permille)) frames_.add(now_ + delay * 2, flying);
}

void World::take_frame(const Flying& frame) {
    Host& host = hosts_[frame.to];
    if (has_leases() && host.has_heart && host.is_frozen) {
        if (host.received.size() < kFramesHeld) host.received.emplace_back(frame.path, frame.beat);
    }
    if (!host.has_heart || host.is_frozen) return;
    std::deque<Flying>& heard = heard_[frame.to];
    if (wires_[frame.path][1 - frame.to].damage_permille > 0) {
        heard.push_back(frame);
        if (heard.size() > kBeatsRemembered) heard.pop_front();
    }
    const std::uint64_t lease_before = host.kernel.lease_until();
    const std::optional<xb_beat> answer =
        host.kernel.receive(frame.beat, frame.path, static_cast<std::uint64_t>(local(frame.to)));
    if (host.kernel.fresh_probes() != host.fresh_probes) {
        host.fresh_probes = host.kernel.fresh_probes();
        host.heard_at = now_;
    }
    if (answer) send_frame(frame.to, frame.path, *answer);
    // It was closed and is open now: the only way in which a beat changes what may be sent.
    if (host.kernel.lease_until() == lease_before || !has_leases()) return;
    if (lease_before <= static_cast<std::uint64_t>(local(frame.to))) check_gates();
}

void World::replay_beat(std::size_t index, Prng& prng) {
    if (heard_[index].empty()) return;
    const Flying old = heard_[index][prng.below(heard_[index].size())];
    reach(State::FrameReplayed);
    ++disturbances_;
    frames_.add(now_ + 1, old);
}

bool World::is_still() const {
    if (!settings_.may_skip || !frames_.empty()) return false;
    // What fills a frozen machine's NIC is what it answers first when it goes on.
    for (const Host& host : hosts_) {
        if (has_leases() && host.has_heart && host.is_frozen && host.received.size() < kFramesHeld)
            return false;
    }
    for (const auto& path : wires_) {
        for (const Wire& wire : path) {
            const bool is_lucky = wire.jitter == 0 && wire.loss_permille == 0 &&
                                  wire.duplicate_permille == 0 && wire.damage_permille == 0;
            if (!is_lucky) return false;
        }
    }
    return hosts_[0].drift_ppm == 0 && hosts_[1].drift_ppm == 0;
}

// A lap that is like the last two, with nothing on the wires, is followed by laps like it until
// something else happens: they are counted and not walked. True if the next laps were moved.
bool World::try_skip(std::size_t index, Nanos end) {
    if (!is_still()) return false;
    const Nanos period = settings_.timing.period;
    const Nanos next_lap = hosts_[index].next_lap;
    std::uint64_t laps = end > next_lap ? static_cast<std::uint64_t>((end - next_lap) / period) : 0;
    if (laps < 2) return false;
    Anchor& anchor = anchors_[index];
    const bool is_next = anchor.at == next_lap - period && anchor.disturbances == disturbances_;
    bool is_steady = is_next && anchor.deltas.has_value();
    Anchor fresh{.at = next_lap, .disturbances = disturbances_, .scalars = {}, .deltas = {}};
    if (is_next) fresh.deltas.emplace();
    for (std::size_t i = 0; i < kNodes; ++i) {
        const Host& host = hosts_[i];
        fresh.scalars[i] = host.kernel.scalars();
        if (!is_next) continue;
        Scalars& delta = (*fresh.deltas)[i];
        for (std::size_t j = 0; j < kScalars; ++j) {
            delta[j] = fresh.scalars[i][j] - anchor.scalars[i][j];
        }
        is_steady = is_steady && delta == (*anchor.deltas)[i];
        const bool walks = host.has_heart && !host.is_frozen;
        is_steady = is_steady && (!walks || host.kernel.may_skip(delta, laps));
    }
    if (!is_steady || laps < 2) {
        anchor = fresh;
        return false;
    }
    reach(State::QuietSkipped);
    const Nanos span = static_cast<Nanos>(laps) * period;
    for (std::size_t i = 0; i < kNodes; ++i) {
        Host& host = hosts_[i];
        if (!host.has_heart || host.is_frozen) continue;
        host.kernel.skip((*fresh.deltas)[i], laps, static_cast<std::uint64_t>(period));
        host.next_lap += span;
        if (host.fresh_probes != host.kernel.fresh_probes()) host.heard_at += span;
        host.fresh_probes = host.kernel.fresh_probes();
    }
    anchor = {};
    return true;
}

// --- The channel --------------------------------------------------------------------------------

bool World::is_awake(std::size_t index) const {
    const Host& host = hosts_[index];
    return host.node && !host.is_frozen && !host.is_stalled;
}

bool World::is_usable() const {
    for (const Host& host : hosts_) {
        if (!host.is_powered || host.is_frozen) return false;
    }
    return has_wires();
}

bool World::has_wires() const {
    if (channel_cuts_ > 0) return false;
    return std::any_of(wires_.begin(), wires_.end(),
                       [](const auto& path) { return path[0].cuts == 0 && path[1].cuts == 0; });
}

void World::network_changed() {
    ++disturbances_;
    const bool is_now = is_usable();
    if (is_now == was_usable_) return;
    was_usable_ = is_now;
    const std::uint64_t number = ++usable_number_;
    if (is_now) {
        for (std::size_t i = 0; i < kNodes; ++i) {
            std::deque<Segment> held = std::move(ends_[i].held);
            ends_[i].held.clear();
            for (Segment& segment : held) fly(i, ends_[i].connection, std::move(segment));
        }
        connect_soon(between(channel_prng_, kMilli, 100 * kMilli));
        return;
    }
    for (std::size_t i = 0; i < kNodes; ++i) {
        const std::uint64_t connection = ends_[i].connection;
        if (connection == 0) continue;
        after(kKeepAlive + between(channel_prng_, 0, kSecond), [this, i, connection, number] {
            if (usable_number_ == number) close_end(i, connection, "timed out");
        });
    }
}

void World::cut_channel(int by) {
    channel_cuts_ += by;
    network_changed();
}

void World::drop_channel() {
    for (std::size_t i = 0; i < kNodes; ++i) {
        const std::uint64_t connection = ends_[i].connection;
        if (connection != 0) close_end(i, connection, "broken");
    }
}

void World::connect_soon(Nanos span) {
    if (is_connecting_) return;
    is_connecting_ = true;
    after(span, [this] {
        is_connecting_ = false;
        connect();
    });
}

void World::connect() {
    const bool is_one = ends_[0].connection == ends_[1].connection && ends_[0].connection != 0;
    if (is_one) return;
    if (!is_usable() || !is_awake(0) || !is_awake(1)) {
        // Both sides have to be there; whoever comes up begins anew.
        if (hosts_[0].node && hosts_[1].node) {
            connect_soon(between(channel_prng_, 100 * kMilli, 500 * kMilli));
        }
        return;
    }
    const std::uint64_t connection = next_connection_++;
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (ends_[i].connection != 0) close_end(i, ends_[i].connection, "replaced");
        ends_[i] = {};
        ends_[i].connection = connection;
        ends_[i].last_arrival = now_;
    }
    trace(concat("connection ", connection));
    for (std::size_t i = 0; i < kNodes; ++i) {
        const NodeId peer{static_cast<std::uint16_t>(2 - i)};
        const Nanos ready = now_ + between(channel_prng_, 0, 3 * kMilli);
        ends_[1 - i].last_arrival = ready;  // no message before the receiver knows of the channel
        guarded(ready, i, true, [this, i, connection, peer] {
            if (ends_[i].connection == connection) deliver(i, node::ChannelUp{peer});
        });
    }
}

void World::close_end(std::size_t index, std::uint64_t connection, std::string reason) {
    if (ends_[index].connection != connection || connection == 0) return;
    trace(concat(name_of(index), " channel down: ", reason));
    ends_[index] = {};
    const NodeId peer{static_cast<std::uint16_t>(2 - index)};
    guarded(now_, index, true, [this, index, peer, reason = std::move(reason)] {
        deliver(index, node::ChannelDown{.peer = peer, .reason = reason});
    });
    after(200 * kMicro, [this, index, connection] {
        if (is_usable()) close_end(1 - index, connection, "the peer closed it");
    });
    connect_soon(between(channel_prng_, 10 * kMilli, 100 * kMilli));
}

void World::send(std::size_t from, std::string bytes) {
    End& end = ends_[from];
    if (end.connection == 0) return;
    Segment segment{.number = ++end.sent, .bytes = std::move(bytes)};
    if (is_usable() && end.held.empty()) return fly(from, end.connection, std::move(segment));
    end.held.push_back(std::move(segment));
    after(kUserTimeout, [this, from, connection = end.connection, number = usable_number_] {
        const bool waits = !ends_[from].held.empty() && usable_number_ == number;
        if (waits) close_end(from, connection, "timed out");
    });
}

void World::fly(std::size_t from, std::uint64_t connection, Segment segment) {
    End& end = ends_[from];
    end.last_arrival =
        std::max(end.last_arrival + 1, now_ + between(channel_prng_, 50 * kMicro, 450 * kMicro));
    at(end.last_arrival, [this, to = 1 - from, connection, segment = std::move(segment)]() mutable {
        arrive(to, connection, std::move(segment));
    });
}

void World::arrive(std::size_t to, std::uint64_t connection, Segment segment) {
    if (ends_[to].connection != connection || connection == 0) return;
    // A machine that stands still finds in its NIC what came meanwhile, before the end of the
    // connection.
    if (!has_wires() || !hosts_[to].is_powered) {
        // It is lost on the wire and sent again when that is mended, if the connection lives.
        End& sender = ends_[1 - to];
        if (sender.connection == connection) sender.held.push_back(std::move(segment));
        return;
    }
    // Whatever was lost meanwhile and came again: a stream keeps its order.
    End& end = ends_[to];
    end.early.emplace(segment.number, std::move(segment.bytes));
    const NodeId peer{static_cast<std::uint16_t>(2 - to)};
    while (!end.early.empty() && end.early.begin()->first == end.taken + 1) {
        ++end.taken;
        std::string bytes = std::move(end.early.begin()->second);
        end.early.erase(end.early.begin());
        guarded(now_, to, true, [this, to, peer, connection, bytes = std::move(bytes)] {
            if (ends_[to].connection != connection) return;
            deliver(to, node::MessageReceived{.peer = peer, .bytes = bytes});
        });
    }
}

}  // namespace xbeat::xsim
