#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "replicate/apply.h"
#include "wire/record.h"

namespace xbeat::xsim {
namespace {

constexpr std::uint64_t kEventsAtOnceMax = 100'000;
constexpr std::int64_t kEpoch = 1'700'000'000;

NodeId id_of(std::size_t index) { return NodeId{static_cast<std::uint16_t>(index + 1)}; }

// Term and index stand at fixed places in a stored record: after the version byte.
std::uint64_t word_at(const std::string& bytes, std::size_t place) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8 && place + i < bytes.size(); ++i) {
        word |= std::uint64_t{static_cast<unsigned char>(bytes[place + i])} << (8 * i);
    }
    return word;
}

}  // namespace

std::string World::name_of(std::size_t node) { return concat("pm0", node + 1); }

World::World(Settings settings)
    : settings_(std::move(settings)),
      witness_keys_(make_witness_keys(sub_seed(settings_.seed, "witness keys"))),
      witness_(witness_keys_),
      shared_disk_(
          settings_.seed,
          {.now = [this] { return now_; },
           .after = [this](Nanos span, Action action) { after(span, std::move(action)); },
           .ended = [this](std::size_t node,
                           const SharedDisk::Request& request) { request_ended(node, request); },
           .reach = [this](State state) { reach(state); }}),
      witness_prng_(stream(settings_.seed, "witness")),
      identities_(stream(settings_.seed, "identities")),
      channel_prng_(stream(settings_.seed, "channel")) {
    Prng shape = stream(settings_.seed, "shape");
    const std::uint64_t secret = shape.next();
    hosts_.reserve(kNodes);
    for (std::size_t i = 0; i < kNodes; ++i) {
        Host& host =
            hosts_.emplace_back(Kernel(static_cast<std::uint16_t>(i + 1), settings_.timing, secret),
                                Disk(stream(settings_.seed, "disk", i)));
        host.boot_offset = between(shape, 0, 1'000'000 * kSecond);
        host.drift_ppm = settings_.drift_ppm[i];
        host.disk.may_tear = settings_.disks_may_tear;
        host.disk.may_garble = settings_.disks_may_garble;
        shot_at_[i] = -1;
    }
    // Round trips stay below half a period.
    const Nanos longest = std::min<Nanos>(200 * kMicro, settings_.timing.period / 5);
    for (std::size_t path = 0; path < kPaths; ++path) {
        for (std::size_t sender = 0; sender < kNodes; ++sender) {
            Wire& wire = wires_[path][sender];
            wire.prng = stream(settings_.seed, "wire", path * 2 + sender);
            wire.delay = between(shape, 10 * kMicro, longest);
        }
    }
    if (!has_leases()) return;
    witness_offset_ = between(witness_prng_, 0, 1'000'000 * kSecond);
    for (std::size_t node = 0; node < kNodes; ++node) {
        for (std::size_t way = 0; way < 2; ++way) {
            Wire& wire = witness_wires_[node][way];
            wire.prng = stream(settings_.seed, "witness wire", node * 2 + way);
            wire.delay = spread(witness_prng_, 20 * kMicro, 4 * kMilli);
        }
    }
}

Nanos World::local(std::size_t index) const {
    const Host& host = hosts_[index];
    return host.boot_offset + now_ + drifted(now_, host.drift_ppm);
}

void World::run_until(Nanos end) {
    constexpr Nanos kNever = INT64_MAX;
    while (!has_failed()) {
        const Nanos planned = agenda_.empty() ? kNever : agenda_.first_at();
        const Nanos frame = frames_.empty() ? kNever : frames_.first_at();
        std::size_t lapper = kNodes;
        Nanos next_lap = kNever;
        for (std::size_t i = 0; i < kNodes; ++i) {
            const Host& host = hosts_[i];
            if (!host.has_heart || host.is_frozen || host.next_lap >= next_lap) continue;
            next_lap = host.next_lap;
            lapper = i;
        }
        const Nanos next = std::min({planned, frame, next_lap});
        if (next > end) break;
        // A node that asks to be woken at once, for ever, never lets the time go on.
        at_this_instant_ = next == now_ ? at_this_instant_ + 1 : 0;
        if (at_this_instant_ > kEventsAtOnceMax) {
            truth_.violate("I-30", "without end at one instant", now_);
        }
        if (planned == next) {
            now_ = next;
            const Action action = agenda_.take();
            action();
        } else if (frame == next) {
            now_ = next;
            take_frame(frames_.take());
        } else if (!try_skip(lapper, std::min(planned, end + 1))) {
            now_ = next;
            lap(lapper);
        }
    }
    if (!has_failed()) now_ = end;
}

void World::guarded(Nanos when, std::size_t index, bool needs_daemon, Action action) {
    at(when, [this, index, machine = hosts_[index].machine,
              life = needs_daemon ? hosts_[index].life : 0, action = std::move(action)] {
        Host& host = hosts_[index];
        if (host.machine != machine || (life != 0 && host.life != life)) return;
        if (!host.is_frozen) return action();
        host.frozen.push_back([this, index, machine, life, action] {
            const Host& later = hosts_[index];
            if (later.machine == machine && (life == 0 || later.life == life)) action();
        });
    });
}

// --- Machines and processes ---------------------------------------------------------------------

void World::boot(std::size_t index) {
    Host& host = hosts_[index];
    if (host.is_powered) return;
    if (is_kept_off_[index] && !(has_wires() && is_awake(1 - index))) return;
    trace(concat(name_of(index), " boots"));
    if (last_boot_ >= 0 && now_ - last_boot_ < kSecond) reach(State::BootBothAtOnce);
    last_boot_ = now_;
    host.is_powered = true;
    host.is_frozen = false;
    ++host.machine;
    host.has_heart = false;
    host.keeps_gate = false;
    host.watched.clear();
    host.exclusive_until = 0;
    host.is_helpless = false;
    host.received.clear();
    truth_.booted(index);
    start_daemon(index);
    if (host.crashes_after) {
        guarded(now_ + *host.crashes_after, index, false, [this, index] { cut_power(index); });
    }
}

void World::start_daemon(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.is_powered || host.node || host.is_frozen) return;
    // A full disk may still hold a right to start alone that ended when the other one was met.
    if (is_kept_off_[index] && !(has_wires() && is_awake(1 - index))) return;
    const bool is_adopted = host.has_heart;
    if (!host.has_heart) {
        if (host.kernel.peer_state() == XB_PEER_DEAD) {
            host.ended_accusing = host.kernel.incarnation();
        }
        host.kernel.boot(next_incarnation());
        host.has_heart = true;
        host.next_lap = now_ + between(identities_, 1, settings_.timing.period);
        host.fresh_probes = 0;
    }
    ++disturbances_;
    node::Options options;
    options.self = id_of(index);
    options.cluster = "sim";
    for (std::size_t i = 0; i < kNodes; ++i) {
        options.nodes.push_back({.id = id_of(i), .name = name_of(i), .paths = {"ic0", "ic1"}});
    }
    options.arbiter = settings_.arbiter;
    options.handicap = settings_.handicap;
    options.protocol_newest = settings_.newest[index];
    options.stall_limit = settings_.stall_limit;
    options.lease = settings_.lease;
    options.exclusivity = settings_.exclusivity;
    options.seed = identities_.next();
    host.node = std::make_unique<node::Node>(options);
    host.life = next_incarnation();
    host.led_term = 0;
    host.terms_led.clear();
    host.seen_epoch.clear();
    if (has_leases()) begin_lease(index);
    truth_.life_began(index);
    if (truth_.has_claims(index)) reach(State::DaemonRestarted);
    node::Started started;
    started.daemon = Incarnation{host.life};
    started.heart = Incarnation{host.kernel.incarnation()};
    started.heart_adopted = is_adopted;
    host.disk.read_into(started);
    const auto fact = started.meta.find("fence_counts");
    const std::vector<std::string_view> counted =
        split_words(fact == started.meta.end() ? std::string_view() : fact->second);
    const auto shots = std::count(counted.begin(), counted.end(), name_of(1 - index));
    truth_.fences_remembered(1 - index, static_cast<std::size_t>(shots));
    trace(concat(name_of(index), " daemon starts"));
    // As everything, the first step is nobody else's step.
    guarded(now_, index, true, [this, index, started] { deliver(index, started); });
    guarded(now_ + settings_.progress_interval, index, true,
            [this, index, life = host.life] { tick_progress(index, life); });
    network_changed();
    connect_soon(between(channel_prng_, 5 * kMilli, 50 * kMilli));
}

void World::tick_progress(std::size_t index, std::uint64_t life) {
    Host& host = hosts_[index];
    if (!host.is_stalled) {
        host.kernel.make_progress();
        ++disturbances_;
    }
    guarded(now_ + settings_.progress_interval, index, true,
            [this, index, life] { tick_progress(index, life); });
}

void World::kill_daemon(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node) return;
    trace(concat(name_of(index), " daemon killed"));
    truth_.may_be_fenced(index);
    if (!host.runs.empty()) reach(State::DaemonKilledBusy);
    const std::uint64_t connection = ends_[index].connection;
    host.node.reset();
    host.life = 0;
    host.waiting.clear();
    host.is_stalled = false;
    ++host.wake_number;
    ++host.stall_number;
    if (has_leases()) end_lease(index);
    cut_short(index);
    host.disk.lose_daemon();
    host.watched.clear();
    ends_[index] = {};
    // Its kernel closes what it had open.
    if (host.is_powered && connection != 0) {
        after(200 * kMicro, [this, index, connection] {
            if (is_usable()) close_end(1 - index, connection, "the peer closed it");
        });
    }
    ++disturbances_;
    network_changed();
}

void World::cut_power(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.is_powered) return;
    trace(concat(name_of(index), " loses power"));
    if (has_leases()) lose_gate(index);
    shared_disk_.lose_power(index);
    host.is_powered = false;
    host.is_frozen = false;
    host.has_heart = false;
    host.frozen.clear();
    ++host.machine;
    ++host.thaw_number;
    host.disk.extra_latency = 0;
    if (host.disk.lose_power() > 0) {
        reach(State::LostWrites);
        ++cuts_while_writing_;
    }
    kill_daemon(index);
    truth_.power_lost(index);
    host.was_replaced = false;
    ++disturbances_;
    network_changed();
}

void World::kill_executor(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node || host.runs.empty()) return;
    trace(concat(name_of(index), " executor killed"));
    reach(State::ExecutorDied);
    std::vector<std::pair<OperationId, std::uint64_t>> ended;
    for (const auto& [operation, run] : host.runs) ended.emplace_back(operation, run.number);
    for (const auto& [operation, number] : ended) {
        end_agent(index, operation, number, 0, execute::AgentStatus::Failed, "executor died");
    }
}

void World::stall_daemon(std::size_t index, Nanos span) {
    Host& host = hosts_[index];
    if (!host.node || host.is_stalled) return;
    trace(concat(name_of(index), " daemon stands still for ", span / kMilli, " ms"));
    host.is_stalled = true;
    guarded(now_ + span, index, true, [this, index, number = ++host.stall_number] {
        if (hosts_[index].stall_number != number) return;
        hosts_[index].is_stalled = false;
        trace(concat(name_of(index), " daemon goes on"));
        resume(index);
        read_mail(index);
    });
}

void World::freeze(std::size_t index, Nanos span) {
    Host& host = hosts_[index];
    if (!host.is_powered || host.is_frozen) return;
    trace(concat(name_of(index), " freezes for ", span / kMilli, " ms"));
    host.is_frozen = true;
    host.was_replaced = false;
    ++disturbances_;
    network_changed();
    after(span, [this, index, machine = host.machine, number = ++host.thaw_number] {
        Host& thawed = hosts_[index];
        if (thawed.machine != machine || thawed.thaw_number != number) return;
        trace(concat(name_of(index), " thaws"));
        if (thawed.was_replaced) reach(State::FrozenThawedOut);
        thawed.is_frozen = false;
        thawed.next_lap = now_ + 1 + settings_.timing.period / 3;
        ++disturbances_;
        std::deque<Action> actions = std::move(thawed.frozen);
        thawed.frozen.clear();
        for (Action& action : actions) at(now_, std::move(action));
        for (const auto& [path, beat] : thawed.received) {
            frames_.add(now_ + 1,
                        {.to = static_cast<std::uint8_t>(index), .path = path, .beat = beat});
        }
        thawed.received.clear();
        network_changed();
        resume(index);
        read_mail(index);
    });
}

void World::step_calendar(std::size_t index, std::int64_t seconds) {
    trace(concat(name_of(index), " wall clock steps by ", seconds, " s"));
    hosts_[index].calendar_step += seconds;
    reach(State::ClockStepped);
}

// --- Steps --------------------------------------------------------------------------------------

void World::deliver(std::size_t index, node::Event event) {
    Host& host = hosts_[index];
    if (!host.node) return;
    if (host.is_frozen || host.is_stalled || !host.waiting.empty()) {
        host.waiting.push_back(std::move(event));
        return;
    }
    step(index, event);
}

// The daemon takes what has piled up, in order, each in a step of its own.
void World::resume(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node || host.is_frozen || host.is_stalled || host.waiting.empty()) return;
    const node::Event event = std::move(host.waiting.front());
    host.waiting.pop_front();
    step(index, event);
    if (!host.waiting.empty()) guarded(now_, index, true, [this, index] { resume(index); });
}

// As user/daemon/host.cc does it: what the gate reads is told before the event.
void World::step(std::size_t index, const node::Event& event) {
    const bool is_first = std::holds_alternative<node::Started>(event);
    if (has_leases() && !is_first) {
        look_at_lease(index, std::holds_alternative<node::Wake>(event));
    }
    step_once(index, event);
}

void World::step_once(std::size_t index, const node::Event& event) {
    Host& host = hosts_[index];
    const Now now{.boot = Instant(Duration(local(index))),
                  .calendar = EpochSeconds{kEpoch + now_ / kSecond + host.calendar_step}};
    ++steps_;
    digest_.add(static_cast<std::uint64_t>(now_) * 4 + index);
    digest_.add(event.index());
    // A person who cleans up has looked: shots are counted anew.
    const auto* asked = std::get_if<node::ClientRequest>(&event);
    if (asked != nullptr && std::holds_alternative<node::Cleanup>(asked->body)) {
        for (std::size_t i = 0; i < kNodes; ++i) truth_.fences_remembered(i, 0);
    }
    const auto* verdict = std::get_if<node::PeerVerdict>(&event);
    // Again: the target may have joined since the heart said so.
    if (verdict != nullptr && verdict->state == node::PeerState::Dead) {
        truth_.may_be_fenced(1 - index);
    }
    // A node that was joining when it lost the peer, or has not heard that it is in, begins a new
    // life, whose history is empty and whose transient attributes are none, as with Pacemaker.
    const cib::Element* own = replicate::node_state(host.node->cib(), concat(index + 1));
    const bool is_in = own != nullptr && own->get("crmd") == "online";
    const bool is_loss = verdict != nullptr && verdict->state == node::PeerState::Dead && is_in &&
                         !host.node->tells_of_earlier_life() && host.node->activity() != "joining";
    std::map<std::string, std::string> counts;
    if (is_loss) counts = fail_counts(index);
    node::Output output = host.node->step(now, event);
    if (is_loss) check_fail_counts(index, counts);
    if (std::holds_alternative<node::Started>(event)) check_log(index, output);
    see_configuration(index);
    honour(index, std::move(output));
    check(index);
}

void World::see_configuration(std::size_t index) {
    Host& host = hosts_[index];
    const cib::Element& cib = host.node->cib();
    if (cib.get("epoch") == host.seen_epoch) return;
    host.seen_epoch = cib.get("epoch");
    const cib::Element* marker = cib.find_id("cbo-marker");
    if (marker != nullptr) in_force_.emplace(marker->get("value"));
}

// Claim I-16: what the power cut left of a record is found, and nothing is made of it.
void World::check_log(std::size_t index, const node::Output& output) {
    if (!hosts_[index].disk.take_torn()) return;
    const bool is_found = std::any_of(
        output.notes.begin(), output.notes.end(),
        [](const Note& note) { return note.kind == "log-cut" || note.kind == "store-corrupt"; });
    if (is_found) return;
    truth_.violate("I-16", concat(name_of(index), " believes a torn record"), now_);
}

void World::honour(std::size_t index, node::Output output) {
    Host& host = hosts_[index];
    for (node::Write& write : output.persist) host.disk.queue(std::move(write));
    begin_commit(index);
    for (node::Message& message : output.send) {
        digest_.add(message.bytes);
        send(index, std::move(message.bytes));
    }
    for (const Note& note : output.notes) take_cause(index, note);
    for (node::Command& each : output.run) command(index, each);
    for (const node::Reply& reply : output.replies) take_reply(index, reply);
    for (const Note& note : output.notes) take_note(index, note);
    ++host.wake_number;
    if (output.wake_at) set_wake(index, *output.wake_at);
}

void World::set_wake(std::size_t index, Instant when) {
    const Nanos span = when.time_since_epoch().count() - local(index);
    // A clock that runs fast or slow is at most 500 ppm off; what comes early comes again.
    arm_wake(index, now_ + std::max<Nanos>(span, 0) + (span > 0 ? 1000 : 0),
             hosts_[index].wake_number);
}

void World::arm_wake(std::size_t index, Nanos when, std::uint64_t number) {
    guarded(when, index, true, [this, index, number] {
        if (hosts_[index].wake_number == number) deliver(index, node::Wake{});
    });
}

void World::command(std::size_t index, node::Command& command) {
    Host& host = hosts_[index];
    if (auto* run = std::get_if<node::RunAgent>(&command)) return run_agent(index, std::move(*run));
    if (auto* kill = std::get_if<node::KillAgent>(&command)) {
        const auto run = host.runs.find(kill->operation);
        if (run == host.runs.end()) return;
        guarded(now_ + kMilli, index, true,
                [this, index, operation = kill->operation, number = run->second.number] {
                    end_agent(index, operation, number, 0, execute::AgentStatus::Killed, {});
                });
    } else if (auto* unwatch = std::get_if<node::Unwatch>(&command)) {
        host.watched.erase(unwatch->resource);
    } else if (auto* accept = std::get_if<node::AcceptPeer>(&command)) {
        host.kernel.set_peer(accept->heart.value);
        ++disturbances_;
    } else if (std::get_if<node::ForgetPeer>(&command) != nullptr) {
        host.kernel.forget_peer();
        ++disturbances_;
    } else if (auto* grant = std::get_if<node::SetGrant>(&command)) {
        host.kernel.set_grant(static_cast<std::uint64_t>(grant->lease.count()));
        if (grant->lease > Duration{}) hosts_[1 - index].is_silenced = false;
        ++disturbances_;
    } else if (std::get_if<node::ResetChannel>(&command) != nullptr) {
        guarded(now_, index, true, [this, index, connection = ends_[index].connection] {
            if (connection != 0) close_end(index, connection, "reset by this node");
        });
    } else if (const auto* exit = std::get_if<node::Exit>(&command)) {
        guarded(now_ + 2 * kMilli, index, true,
                [this, index, life = host.life, keeps_gate = exit->keeps_gate] {
                    leave(index, life, keeps_gate);
                });
    } else if (has_leases()) {
        lease_command(index, command);
    }
}

void World::leave(std::size_t index, std::uint64_t life, bool keeps_gate) {
    Host& host = hosts_[index];
    if (host.life != life) return;
    host.keeps_gate = keeps_gate;
    reach(State::LeftCleanly);
    trace(concat(name_of(index), " has left"));
    kill_daemon(index);
    host.has_heart = false;
    hosts_[1 - index].is_silenced = false;
    ++disturbances_;
}

// A stop whose end the coordinator was never told is a failed stop, and a reason to shoot, whatever
// became of it: known before the shot that goes out with the same step.
void World::take_cause(std::size_t index, const Note& note) {
    // A machine that thawed welcomes anew whom it had never found missing; and that one has not
    // come in.
    const std::size_t other = 1 - index;
    const bool is_missed = note.kind == "failover-started" &&
                           note.text.ends_with("did not come back") && !is_member(other);
    if (is_missed) truth_.may_be_fenced(other);
    if (note.kind != "action-failed" || !note.text.starts_with("stop ")) return;
    for (std::size_t node = 0; node < kNodes; ++node) {
        if (note.node == name_of(node)) truth_.may_be_fenced(node);
    }
}

void World::take_note(std::size_t index, const Note& note) {
    trace(concat(name_of(index), "  ", note.kind, ": ", note.text));
    digest_.add(note.kind);
    digest_.add(note.text);
    if (note.kind == "transition-started") ++transitions_;
    if (note.kind == "joined" && note.node != name_of(index)) {
        truth_.joined(1 - index);
        // Whoever hears of the joining late finds it stalled already.
        watch_stall(index);
        if (settings_.newest[0] != settings_.newest[1]) reach(State::TwoReleases);
        is_kept_off_[1 - index] = false;
    }
    static constexpr std::pair<std::string_view, State> kTold[] = {
        {"fence-recalled", State::FenceRecalled},   {"no-safe-takeover", State::NoSafeTakeover},
        {"state-diverged", State::StateDiverged},   {"log-cut", State::TornRecord},
        {"channel-resumed", State::SessionResumed}, {"config-refused", State::ChangeAborted},
        {"peer-stalled", State::StalledPeer},       {"caught-up", State::CaughtUp}};
    for (const auto& [kind, state] : kTold) {
        if (note.kind == kind) reach(state);
    }
    if (note.kind == "left" && note.node == name_of(index)) truth_.left(index);
    // Claim I-15: a session loses nothing, over however many channels it goes.
    if (note.kind == "message-refused") truth_.violate("I-15", note.text, now_);
    if (note.kind == "peer-refused" && note.text.find("was fenced") != std::string::npos) {
        reach(State::LifeOfTheDead);
    }
    if (note.kind == "coordinator") {
        if (note.text.find("starts alone") != std::string::npos) reach(State::StartedAlone);
        // Claim I-14: with a term begin the numbers of its operations.
        for (const auto& [name, value] : note.fields) {
            if (name != "term" || hosts_[index].terms_led.insert(value).second) continue;
            truth_.violate("I-14", concat(name_of(index), " leads term ", value, " twice"), now_);
        }
    }
    if (note.kind == "failover-started" && note.text.ends_with("stalled")) {
        reach(State::StalledTooLong);
    }
    if (note.kind == "coordinator" && hosts_[1 - index].is_frozen) {
        hosts_[1 - index].was_replaced = true;
    }
    if (has_leases()) take_lease_note(index, note);
    if (note.kind == "action-failed") check_wait(index, note);
    if (!ambushes_.empty()) spring_ambushes(index, note);
}

// Claim I-25: nothing waits for the answer of a node that is lost.
void World::check_wait(std::size_t index, const Note& note) {
    if (note.node == name_of(index) || is_member(index)) return;
    if (note.text.find("did not answer in time") == std::string::npos) return;
    truth_.violate(
        "I-25", concat(name_of(index), " waited for an answer of a node that it had lost"), now_);
}

// The action is an event of its own: nobody's step is cut in the middle.
void World::spring_ambushes(std::size_t index, const Note& note) {
    // The coordinator's word is on its way to the other node.
    const bool is_order = note.kind == "action-started" && note.node != name_of(index) &&
                          note.text.starts_with("start ");
    for (Ambush& ambush : ambushes_) {
        const bool is_meant =
            ambush.note == note.kind || (is_order && ambush.note == "start-ordered");
        if (is_meant && --ambush.left == 0) after(0, std::move(ambush.action));
    }
    std::erase_if(ambushes_, [](const Ambush& ambush) { return ambush.left == 0; });
}

void World::crash_after_ack(std::size_t index) {
    if (!crash_at_ack_) return;
    const CrashAtAck crash = *std::exchange(crash_at_ack_, std::nullopt);
    reach(State::CrashedAtAck);
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (i != index && !crash.both) continue;
        after(crash.after, [this, i] { cut_power(i); });
        after(crash.after + crash.boots_after, [this, i] { boot(i); });
    }
}

void World::take_reply(std::size_t index, const node::Reply& reply) {
    trace(concat(name_of(index), "  reply ", reply.client.value, ": ",
                 reply.outcome ? *reply.outcome : reply.outcome.error().context));
    digest_.add(reply.client.value * 2 + (reply.outcome ? 1 : 0));
    const auto asked = asked_.find(reply.client.value);
    if (asked == asked_.end()) return;
    const std::uint64_t marker = asked->second;
    asked_.erase(asked);
    const Host& host = hosts_[index];
    if (!reply.outcome || !host.node) return;
    reach(State::ChangeAcknowledged);
    ++acknowledged_count_;
    crash_after_ack(index);
    if (!in_force_.contains(concat('m', marker))) {
        truth_.violate("I-12", concat("m", marker, " was acknowledged and never in force"), now_);
    }
    const cib::Element* found = host.node->cib().find_id("cbo-marker");
    // A later change may have taken its place already; then that one is what has to stay.
    if (found == nullptr || found->get("value") != concat('m', marker)) return;
    const std::int64_t epoch = parse_integer(host.node->cib().get("epoch")).value_or(0);
    if (epoch == acknowledged_.epoch && marker != acknowledged_.marker &&
        truth_.is_exclusivity_promised()) {
        truth_.violate("I-12", concat("two configurations were acknowledged as epoch ", epoch),
                       now_);
    }
    if (epoch > acknowledged_.epoch) acknowledged_ = {.marker = marker, .epoch = epoch};
}

std::string World::lost_change(std::size_t index) const {
    const node::Node* node = hosts_[index].node.get();
    if (node == nullptr || acknowledged_.marker == 0) return {};
    const std::int64_t epoch = parse_integer(node->cib().get("epoch")).value_or(0);
    const cib::Element* found = node->cib().find_id("cbo-marker");
    const std::string_view marker = found == nullptr ? "none" : found->get("value");
    const bool is_lost =
        epoch < acknowledged_.epoch ||
        (epoch == acknowledged_.epoch && marker != concat('m', acknowledged_.marker));
    if (!is_lost) return {};
    return concat(name_of(index), " has ", marker, " of epoch ", epoch, ", but m",
                  acknowledged_.marker, " of epoch ", acknowledged_.epoch, " was acknowledged");
}

void World::check(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node) return;
    const std::uint64_t term = host.node->term().value;
    truth_.knows_term(index, term, now_);
    if (host.node->coordinator() != name_of(index)) return;
    truth_.coordinates(index, term, now_);
    if (host.led_term == term) return;
    // Who has no lease leads nobody but itself, until it gets one or yields.
    if (has_leases() && !is_gate_open(index)) return;
    host.led_term = term;
    // Whoever begins to lead has all that was ever acknowledged, unless a device lied: then both
    // may have gone on alone.
    std::string lost = lost_change(index);
    if (!lost.empty() && truth_.is_exclusivity_promised())
        truth_.violate("I-10", std::move(lost), now_);
    if (!hosts_[1 - index].runs.empty()) reach(State::TermMidTransition);
}

std::map<std::string, std::string> World::fail_counts(std::size_t index) const {
    std::map<std::string, std::string> out;
    const cib::Element* node = replicate::node_state(hosts_[index].node->cib(), concat(index + 1));
    const cib::Element* holder = node == nullptr ? nullptr : node->child("transient_attributes");
    if (holder == nullptr) return out;
    for (const cib::Element& set : holder->children) {
        for (const cib::Element& pair : set.children) {
            if (pair.get("name").starts_with("fail-count-")) {
                out[std::string(pair.get("name"))] = pair.get("value");
            }
        }
    }
    return out;
}

void World::check_fail_counts(std::size_t index, const std::map<std::string, std::string>& before) {
    // What waited for the peer's disk may be in force by now, with other definitions of operations.
    const Host& host = hosts_[index];
    if (host.node->cib().get("epoch") != host.seen_epoch) return;
    const std::map<std::string, std::string> after = fail_counts(index);
    for (const auto& [name, value] : before) {
        if (after.contains(name)) continue;
        truth_.violate("I-13",
                       concat(name, " of ", name_of(index), " was ", value,
                              " and is forgotten after the loss of the peer"),
                       now_);
    }
}

// --- Disks --------------------------------------------------------------------------------------

void World::begin_commit(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node || !host.disk.can_begin()) return;
    guarded(now_ + host.disk.begin(), index, true, [this, index] { finish_commit(index); });
}

void World::finish_commit(std::size_t index) {
    Host& host = hosts_[index];
    const std::vector<node::Write> writes = host.disk.under_way();
    std::vector<node::Persisted> answers = host.disk.finish();
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto* record = std::get_if<node::AppendRecord>(&writes[i].body);
        if (record == nullptr || !answers[i].outcome) continue;
        truth_.record_durable(index, word_at(record->bytes, 1), record->index.value,
                              wire::checksum(record->bytes), now_);
    }
    if (!host.disk.works) reach(State::DiskFailed);
    begin_commit(index);
    for (node::Persisted& answer : answers) deliver(index, std::move(answer));
}

// --- Operators ----------------------------------------------------------------------------------

ClientId World::request(std::size_t index, node::RequestBody body, std::uint64_t marker) {
    const ClientId client{next_client_++};
    Host& host = hosts_[index];
    if (!host.node) return client;
    if (marker != 0) asked_[client.value] = marker;
    if (std::holds_alternative<node::FenceNode>(body)) {
        reach(State::OperatorFenced);
        operator_fence_until_ = now_ + 120 * kSecond;
        for (std::size_t i = 0; i < kNodes; ++i) truth_.may_be_fenced(i);
    }
    if (marker != 0 && host.node->coordinator() != name_of(index)) {
        reach(State::ChangeByFollower);
    }
    trace(concat("request ", client.value, " at ", name_of(index), ", kind ", body.index(),
                 ", marker ", marker));
    guarded(now_, index, true, [this, index, client, body = std::move(body)] {
        deliver(index, node::ClientRequest{.client = client, .user = "uid 0", .body = body});
    });
    return client;
}

// --- Questions ----------------------------------------------------------------------------------

bool World::is_member(std::size_t index) const {
    const node::Node* node = hosts_[index].node.get();
    if (node == nullptr || node->coordinator().empty()) return false;
    const std::vector<node::PeerView> peers = node->peers();
    return !peers.empty() && peers.front().is_member;
}

bool World::is_idle() const {
    return std::all_of(hosts_.begin(), hosts_.end(), [](const Host& host) {
        if (!host.node) return true;
        const std::string activity = host.node->activity();
        return activity == "idle" || activity == "follows the coordinator";
    });
}

bool World::are_equal() const {
    return hosts_[0].node && hosts_[1].node && hosts_[0].node->cib() == hosts_[1].node->cib();
}

std::string World::describe() const {
    std::string text;
    for (std::size_t i = 0; i < kNodes; ++i) {
        const Host& host = hosts_[i];
        text += concat(name_of(i), ": ",
                       !host.is_powered ? std::string("no power")
                       : !host.node     ? std::string("no daemon")
                                        : host.node->activity());
        for (const std::string& resource : truth_.active(i)) text += concat(' ', resource);
        text += "; ";
    }
    if (!are_equal()) text += "the copies differ; ";
    return text;
}

Nanos World::last_monitor(std::size_t index, const std::string& resource) const {
    const auto found = hosts_[index].last_monitor.find(resource);
    return found == hosts_[index].last_monitor.end() ? -1 : found->second;
}

}  // namespace xbeat::xsim
