// Leases: what the peer grants, what the witness grants, what the gate lets through.
//
// Claims that are checked here, on the truth: of two nodes that run one resource at most one can
// send in its name at any instant (I-1 and I-8 for what needs no more than a lease), never two are
// exclusive (I-5), and a node whose lease was said to be over has none (I-3).
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "tests/sim/world.h"
#include "xb_gate.h"

namespace xbeat::xsim {
namespace {

constexpr Duration kLookInterval = 1s;            // as user/daemon/lease_guard.h
constexpr Nanos kWatchdogTimeout = 10 * kSecond;  // of the device
constexpr std::size_t kDatagramsRemembered = 64;
constexpr std::uint64_t kWithoutEnd = UINT64_MAX;

}  // namespace

bool World::is_gate_open(std::size_t index) const {
    const Host& host = hosts_[index];
    if (!host.is_powered) return false;
    // A clean end takes the gate away, unless what runs there is unknown.
    if (!has_leases() || (!host.has_heart && !host.keeps_gate)) return true;
    return xb_gate_is_open(host.kernel.lease_until(), host.exclusive_until,
                           static_cast<std::uint64_t>(local(index))) != 0;
}

// A start elsewhere is right although nobody can know that the resource has stopped here.
bool World::is_replaceable(std::size_t index, const std::string& resource) const {
    if (!has_leases() || needs_fencing_.contains(resource)) return false;
    const Host& host = hosts_[index];
    return host.is_powered ? !is_gate_open(index) : now_ >= host.may_serve_until;
}

// When that node's clock will show that time.
Nanos World::world_time(std::size_t index, Nanos local_time) const {
    constexpr Nanos kMillion = 1'000'000;
    return now_ + (local_time - local(index)) * kMillion / (kMillion + hosts_[index].drift_ppm);
}

// What has an end is the witness's word, and no longer than that: by any clock. And at its end the
// gate closes, whatever has become of the daemon.
void World::check_exclusivity(std::size_t index) {
    const Host& host = hosts_[index];
    const auto until = static_cast<Nanos>(host.exclusive_until);
    if (host.exclusive_until == kWithoutEnd || until <= local(index)) return;
    const Nanos end = world_time(index, until);
    const Instant end_there =
        witness_time() + Duration(end - now_ + drifted(end - now_, settings_.witness_drift_ppm));
    const bool is_kept =
        has_shared_disk()
            ? shared_disk_.keeps_for(index, end)
            : witness_.keeps_for(NodeId{static_cast<std::uint16_t>(index + 1)}, end_there);
    if (!is_kept) {
        truth_.violate("I-5",
                       concat(name_of(index), " is exclusive for longer than the ",
                              arbiter::to_string(settings_.arbiter), " said"),
                       now_);
    }
    at(end + kMicro, [this, index, machine = host.machine] {
        const Host& later = hosts_[index];
        if (later.machine != machine || !(later.has_heart || later.keeps_gate)) return;
        const auto now = static_cast<std::uint64_t>(local(index));
        const bool has_right = std::max(later.kernel.lease_until(), later.exclusive_until) > now;
        if (has_right || !is_gate_open(index)) return;
        truth_.violate("I-8", concat("the gate of ", name_of(index), " is open without a right"),
                       now_);
    });
}

void World::check_gates() {
    if (!has_leases() || !truth_.is_exclusivity_promised()) return;
    if (!is_gate_open(0) || !is_gate_open(1)) return;
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (!hosts_[i].is_silenced || !hosts_[i].has_heart) continue;
        truth_.violate("I-8",
                       concat("the lease of ", name_of(i), " was said to be over, and it has one"),
                       now_);
    }
    for (const std::string& resource : truth_.active(0)) {
        if (!truth_.is_active(1, resource)) continue;
        truth_.violate("I-8", concat("both nodes can send in the name of ", resource), now_);
    }
}

// --- A daemon's life ----------------------------------------------------------------------------

void World::begin_lease(std::size_t index) {
    Host& host = hosts_[index];
    const NodeId self{static_cast<std::uint16_t>(index + 1)};
    if (has_shared_disk()) {
        host.disk_lease.emplace(
            arbiter::DiskLease::Options{.self = self,
                                        .other = NodeId{static_cast<std::uint16_t>(2 - index)},
                                        .life = host.life});
    } else {
        host.client.emplace(
            WitnessClient::Options{.keys = witness_keys_, .node = self, .life = host.life},
            Instant(Duration(local(index))));
    }
    host.was_lease_valid = false;
    host.lease_told_at.reset();
    host.has_said_goodbye = false;
    hosts_[1 - index].is_silenced = false;
    guarded(now_, index, true, [this, index] { read_mail(index); });
}

void World::end_lease(std::size_t index) {
    Host& host = hosts_[index];
    host.client.reset();
    host.disk_lease.reset();
    host.mail.clear();
    host.ended.clear();
    ++host.arbiter_timer;
}

// Nothing leaves a machine without power. But whoever starts what it ran before its lease is over
// cannot have known.
void World::lose_gate(std::size_t index) {
    Host& host = hosts_[index];
    host.may_serve_until = now_;
    host.received.clear();
    if (!is_gate_open(index)) return;
    if (host.exclusive_until == kWithoutEnd || (!host.has_heart && !host.keeps_gate)) {
        host.may_serve_until = INT64_MAX;
        return;
    }
    const auto until =
        static_cast<Nanos>(std::max(host.exclusive_until, host.kernel.lease_until()));
    host.may_serve_until += (until - local(index)) / (1'000'000 + host.drift_ppm) * 1'000'000;
}

// --- What the daemon's host does ----------------------------------------------------------------

// As user/daemon/lease_guard.cc.
void World::look_at_lease(std::size_t index, bool is_wake) {
    Host& host = hosts_[index];
    const Instant now = Instant(Duration(local(index)));
    const Instant until = Instant(Duration(static_cast<Nanos>(host.kernel.lease_until())));
    const bool is_valid = until > now;
    const bool is_due = !host.lease_told_at || now >= *host.lease_told_at + kLookInterval;
    if (!is_wake && !is_due && is_valid == host.was_lease_valid) return;
    host.was_lease_valid = is_valid;
    host.lease_told_at = now;
    step_once(index, node::LeaseSeen{.peer = NodeId{static_cast<std::uint16_t>(2 - index)},
                                     .until = until});
}

bool World::lease_command(std::size_t index, const node::Command& command) {
    if (const auto* question = std::get_if<node::AskArbiter>(&command)) {
        Host& host = hosts_[index];
        const Instant now = Instant(Duration(local(index)));
        if (host.disk_lease) {
            host.disk_lease->ask(*question, now);
            pump_disk(index);
        } else {
            host.client->ask(*question, now);
            pump(index);
        }
        return true;
    }
    if (const auto* exclusivity = std::get_if<node::SetExclusivity>(&command)) {
        set_exclusivity(index, exclusivity->until);
        return true;
    }
    if (std::holds_alternative<node::StopWatchdog>(command)) {
        stop_watchdog(index);
        return true;
    }
    return false;
}

void World::set_exclusivity(std::size_t index, Instant until) {
    Host& host = hosts_[index];
    const Nanos ns = until.time_since_epoch().count();
    host.exclusive_until = until == Instant::max() ? kWithoutEnd : static_cast<std::uint64_t>(ns);
    if (ns <= local(index) || !truth_.is_exclusivity_promised()) return;
    const std::size_t other = 1 - index;
    const Host& theirs = hosts_[other];
    if (host.exclusive_until == kWithoutEnd && !truth_.is_vouched_for(other)) {
        truth_.violate("I-3",
                       concat(name_of(index), " is exclusive without end, and nothing proves that ",
                              name_of(other), " is off"),
                       now_);
    }
    const bool is_theirs = theirs.is_powered && theirs.has_heart && !theirs.has_said_goodbye &&
                           theirs.exclusive_until > static_cast<std::uint64_t>(local(other));
    if (is_theirs) truth_.violate("I-5", "both nodes are exclusive", now_);
    check_exclusivity(index);
    check_gates();
}

void World::stop_watchdog(std::size_t index) {
    reach(State::WatchdogLetGo);
    if (!settings_.has_watchdog) {
        hosts_[index].is_helpless = true;
        return;
    }
    after(kWatchdogTimeout, [this, index, machine = hosts_[index].machine] {
        if (hosts_[index].machine != machine || !hosts_[index].is_powered) return;
        trace(concat("the watchdog of ", name_of(index), " resets it"));
        cut_power(index);
        after(kSecond, [this, index] { boot(index); });
    });
}

void World::take_lease_note(std::size_t index, const Note& note) {
    const std::size_t other = 1 - index;
    if (note.kind == "exclusivity-granted") reach(State::Exclusive);
    if (note.kind == "yielded") reach(State::Yielded);
    if (note.kind == "left" && note.node == name_of(index)) {
        hosts_[index].has_said_goodbye = true;
        hosts_[other].is_silenced = false;
    }
    if (note.kind == "lease-lost") hosts_[other].is_silenced = false;
    if (note.kind != "lease-ran-out") return;
    reach(State::LeaseRanOut);
    if (truth_.is_exclusivity_promised() && is_gate_open(other) && hosts_[other].has_heart) {
        truth_.violate("I-3",
                       concat(name_of(index), " believes that the lease of ", name_of(other),
                              " is over, and it is not"),
                       now_);
    }
    const auto& mine = truth_.active(index);
    if (!truth_.active(other).empty() && mine.empty()) reach(State::SilentDouble);
    hosts_[other].is_silenced = hosts_[other].is_powered && hosts_[other].has_heart;
}

// --- The witness --------------------------------------------------------------------------------

Instant World::witness_time() const {
    return Instant(Duration(witness_offset_ + now_ + drifted(now_, settings_.witness_drift_ppm)));
}

void World::start_witness() {
    if (witness_.is_up()) return;
    trace("the witness starts");
    witness_.start(witness_prng_.next() | 1U, witness_time());
}

void World::crash_witness() {
    if (!witness_.is_up()) return;
    trace("the witness crashes");
    reach(State::WitnessCrashed);
    witness_.stop();
}

void World::send_datagram(std::size_t node, std::size_t from_witness,
                          const wire::WitnessDatagram& datagram) {
    Wire& wire = witness_wires_[node][from_witness];
    std::deque<wire::WitnessDatagram>& said = said_[node][from_witness];
    said.push_back(datagram);
    if (said.size() > kDatagramsRemembered) said.pop_front();
    if (wire.cuts > 0) return;
    const auto happens = [&wire](std::uint64_t permille) {
        return permille > 0 && wire.prng.below(1000) < permille;
    };
    const int copies = happens(wire.duplicate_permille) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        if (happens(wire.loss_permille)) continue;
        Nanos delay = wire.delay;
        if (wire.jitter > 0) delay += between(wire.prng, 0, wire.jitter);
        wire::WitnessDatagram bytes = datagram;
        if (happens(wire.damage_permille)) {
            bytes[wire.prng.below(bytes.size())] ^=
                static_cast<std::uint8_t>(1U << wire.prng.below(8));
        }
        after(delay,
              [this, node, from_witness, bytes] { arrive_datagram(node, from_witness, bytes); });
    }
}

void World::replay_datagrams(std::size_t node, Prng& prng) {
    for (std::size_t way = 0; way < 2; ++way) {
        const std::deque<wire::WitnessDatagram>& said = said_[node][way];
        if (said.empty()) continue;
        reach(State::DatagramReplayed);
        const wire::WitnessDatagram old = said[prng.below(said.size())];
        after(1, [this, node, way, old] { arrive_datagram(node, way, old); });
    }
}

void World::arrive_datagram(std::size_t node, std::size_t from_witness,
                            const wire::WitnessDatagram& datagram) {
    if (from_witness == 0) {
        const auto answer = witness_.take(datagram, witness_time());
        if (answer) send_datagram(node, 1, *answer);
        return;
    }
    Host& host = hosts_[node];
    if (!host.client) return;
    host.mail.push_back(datagram);
    read_mail(node);
}

// A daemon that stands still finds its socket full, and its deadlines past, when it goes on.
void World::read_mail(std::size_t index) {
    Host& host = hosts_[index];
    if (host.disk_lease) return serve_disk(index);
    if (!host.client || host.is_frozen || host.is_stalled) return;
    const Instant now = Instant(Duration(local(index)));
    for (const wire::WitnessDatagram& datagram : std::exchange(host.mail, {})) {
        host.client->take(datagram, now);
    }
    host.client->tick(now);
    pump(index);
}

void World::pump(std::size_t index) {
    Host& host = hosts_[index];
    for (const wire::WitnessDatagram& datagram : host.client->take_datagrams()) {
        send_datagram(index, 0, datagram);
    }
    tell_answers(index, host.client->take_answers());
    wake_for_arbiter(index, host.client->deadline());
}

void World::tell_answers(std::size_t index, std::vector<arbiter::ArbiterAnswer> answers) {
    for (arbiter::ArbiterAnswer& answer : answers) {
        trace(concat(name_of(index), ' ', arbiter::to_string(settings_.arbiter), ": question ",
                     answer.request, ' ', arbiter::to_string(answer.reply)));
        guarded(now_, index, true,
                [this, index, answer = std::move(answer)] { deliver(index, answer); });
    }
}

void World::wake_for_arbiter(std::size_t index, Instant when) {
    const Nanos span = when.time_since_epoch().count() - local(index);
    guarded(now_ + std::max<Nanos>(span, 0) + kMicro, index, true,
            [this, index, number = ++hosts_[index].arbiter_timer] {
                if (hosts_[index].arbiter_timer == number) read_mail(index);
            });
}

}  // namespace xbeat::xsim
