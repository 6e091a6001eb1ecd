#include "support/sim_world.h"

#include <algorithm>
#include <cstdio>

#include "core/text.h"
#include "node/recording.h"
#include "wire/record.h"

namespace xbeat::sim {
namespace {

constexpr Duration kSuspectAfter = 3ms;
constexpr Duration kDeadAfter = 5ms;
constexpr Duration kStalledAfter = 1s;
constexpr Duration kChannelTimeout = 300ms;

}  // namespace

std::string World::name_of(std::size_t index) { return concat("pm0", index + 1); }

World::World(Settings settings)
    : settings_(settings), prng_(settings.seed), hosts_(settings.nodes), deliver_at_(2) {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        hosts_[i].boot_offset = std::chrono::milliseconds(prng_.below(1'000'000));
    }
}

void World::at(Duration when, std::function<void()> action) {
    queue_.emplace(std::pair(when, sequence_++), std::move(action));
}

void World::trace(const std::string& text) const {
    if (!settings_.has_trace) return;
    std::fprintf(stderr, "%12.6f %s\n", static_cast<double>(now_.count()) / 1e9, text.c_str());
}

void World::violate(const std::string& what) {
    if (!violation_.empty()) return;
    violation_ = concat("seed ", settings_.seed, " at ", now_.count() / 1000, " us: ", what);
    trace("VIOLATION " + violation_);
}

void World::run(Duration span) {
    (void)run_until([] { return false; }, span);
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
    const Duration end = now_ + limit;
    while (violation_.empty()) {
        if (condition()) return true;
        if (queue_.empty() || queue_.begin()->first.first > end) break;
        const auto first = queue_.begin();
        now_ = first->first.first;
        const std::function<void()> action = std::move(first->second);
        queue_.erase(first);
        action();
    }
    if (!violation_.empty()) return false;
    now_ = end;
    return condition();
}

// --- Nodes ---------------------------------------------------------------------------------------

void World::boot(std::size_t index) {
    Host& host = hosts_[index];
    if (host.is_powered) return;
    host.is_powered = true;
    host.heart = prng_.next() | 1U;
    // A booted kernel runs nothing of before.
    host.active.clear();
    host.watched.clear();
    trace(name_of(index) + " boots");
    start_daemon(index);
}

void World::start_daemon(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.is_powered || host.node) return;
    node::Options options;
    options.self = NodeId{static_cast<std::uint16_t>(index + 1)};
    options.cluster = "sim";
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        options.nodes.push_back({.id = NodeId{static_cast<std::uint16_t>(i + 1)},
                                 .name = name_of(i),
                                 .paths = {"ic0", "ic1"}});
    }
    options.arbiter = settings_.arbiter;
    options.unsafe_takeover = settings_.unsafe_takeover;
    options.handicap = settings_.handicap;
    options.protocol_newest = settings_.newest.at(index);
    options.seed = prng_.next();
    host.node = std::make_unique<node::Node>(options);
    host.recording.clear();
    if (settings_.is_recorded) {
        host.recording = node::encode_head({.program = "test", .begun = {}, .options = options});
    }
    host.life = prng_.next() | 1U;
    host.seen_term = 0;
    host.accepted_heart.reset();
    host.verdict = node::PeerState::Unknown;
    node::Started started;
    started.daemon = Incarnation{host.life};
    started.heart = Incarnation{host.heart};
    started.snapshot = host.disk.snapshot;
    started.snapshot_index = host.disk.snapshot_index;
    for (const auto& [at_index, bytes] : host.disk.log) started.log.emplace_back(at_index, bytes);
    started.meta = host.disk.meta;
    trace(name_of(index) + " daemon starts");
    step(index, started);
    connect_soon();
    judge_hearts();
}

void World::kill_daemon(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node) return;
    trace(name_of(index) + " daemon killed");
    host.node.reset();
    host.life = 0;
    ++host.wake_number;
    // What was running is cut short: a half start is a start, a half stop is none.
    host.runs.clear();
    // Some prefix of what was handed to the disk got there.
    const std::size_t kept =
        host.disk.pending.empty() ? 0 : prng_.below(host.disk.pending.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) {
        if (!host.disk.pending[i].fails) apply_write(host.disk, host.disk.pending[i].write);
    }
    host.disk.pending.clear();
    disconnect("the peer closed it");
    judge_hearts();
}

void World::crash(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.is_powered) return;
    trace(name_of(index) + " loses power");
    kill_daemon(index);
    host.is_powered = false;
    host.heart = 0;
    judge_hearts();
}

void World::power_off(std::size_t index) {
    crash(index);
    hosts_[index].active.clear();  // confirmed by the device
    ++fences_;
}

// --- Stepping ------------------------------------------------------------------------------------

void World::step(std::size_t index, const node::Event& event) {
    Host& host = hosts_[index];
    if (!host.node) return;
    const Now now{.boot = Instant(now_ + host.boot_offset),
                  .calendar = EpochSeconds{1'700'000'000 + now_.count() / 1'000'000'000}};
    node::Output output = host.node->step(now, event);
    if (settings_.is_recorded) {
        host.recording +=
            node::encode_step({.now = now, .event = event, .output = node::digest_of(output)});
    }
    honour(index, std::move(output));
    check(index);
}

void World::honour(std::size_t index, node::Output output) {
    Host& host = hosts_[index];
    const std::uint64_t life = host.life;
    for (node::Write& write : output.persist) persist(index, std::move(write));
    for (node::Message& message : output.send) send(index, std::move(message));
    for (Note& note : output.notes) {
        trace(concat(name_of(index), " note ", note.kind, ": ", note.text));
        digest_ = (digest_ ^ wire::checksum(note.kind + note.text)) * 0x100000001b3U;
        notes_.push_back(std::move(note));
    }
    for (node::Reply& reply : output.replies) {
        trace(concat(name_of(index),
                     " reply: ", reply.outcome ? *reply.outcome : reply.outcome.error().context));
        const auto asked = asked_.find(reply.client.value);
        if (asked != asked_.end() && reply.outcome && host.node) {
            // The node that answers may lag behind; the epoch it knows is at least a bound.
            const std::int64_t epoch = parse_integer(host.node->cib().get("epoch")).value_or(0);
            if (epoch >= acknowledged_.epoch) {
                acknowledged_ = {.marker = asked->second, .epoch = epoch};
            }
        }
        host.replies.push_back(std::move(reply));
    }
    bool exits = false;
    for (node::Command& command : output.run) {
        if (auto* run = std::get_if<node::RunAgent>(&command)) run_agent(index, std::move(*run));
        if (auto* kill = std::get_if<node::KillAgent>(&command)) {
            after(1ms, [this, index, life, operation = kill->operation] {
                end_agent(index, life, operation, 0, execute::AgentStatus::Killed);
            });
        }
        if (auto* unwatch = std::get_if<node::Unwatch>(&command)) {
            host.watched.erase(unwatch->resource);
        }
        if (auto* accept = std::get_if<node::AcceptPeer>(&command)) {
            host.accepted_heart = accept->heart.value;
            host.verdict = node::PeerState::Unknown;
            judge_hearts();
        }
        if (std::get_if<node::ForgetPeer>(&command) != nullptr) host.accepted_heart.reset();
        if (std::get_if<node::ResetChannel>(&command) != nullptr) {
            after(Duration(0), [this, generation = channel_] {
                if (generation == channel_) disconnect("reset");
            });
        }
        if (const auto* exit = std::get_if<node::Exit>(&command)) {
            exits = true;
            last_exit_ = *exit;
        }
    }
    if (output.wake_at) {
        const std::uint64_t number = ++host.wake_number;
        const Duration when = std::max(now_, output.wake_at->time_since_epoch() - host.boot_offset);
        at(when, [this, index, life, number] {
            if (hosts_[index].life == life && hosts_[index].wake_number == number) {
                step(index, node::Wake{});
            }
        });
    }
    if (exits) {
        after(2ms, [this, index, life] {
            if (hosts_[index].life != life) return;
            // What the cluster does not manage stays as it is.
            const bool is_managed = hosts_[index].node->cib().find_id("cbo-maintenance") == nullptr;
            for (const std::string& resource : hosts_[index].active) {
                if (!is_managed) break;
                violate(concat(name_of(index), " left cleanly with ", resource, " active"));
            }
            kill_daemon(index);
            hosts_[index].heart = 0;
            judge_hearts();
        });
    }
}

void World::check(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node) return;
    const std::uint64_t term = host.node->term().value;
    if (term < host.seen_term) violate(concat(name_of(index), ": the term went back"));
    host.seen_term = term;
    if (host.node->coordinator() == name_of(index)) {
        const auto [known, is_new] = coordinators_.emplace(term, index);
        if (!is_new && known->second != index) {
            violate(concat("two coordinators in term ", term));
        }
    }
    std::map<std::string, std::size_t> where;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        for (const std::string& resource : hosts_[i].active) {
            const auto [other, is_new] = where.emplace(resource, i);
            if (!is_new) {
                violate(concat(resource, " may be active on ", name_of(other->second), " and ",
                               name_of(i)));
            }
        }
    }
}

// --- Disk ----------------------------------------------------------------------------------------

void World::persist(std::size_t index, node::Write write) {
    Disk& disk = hosts_[index].disk;
    const bool fails =
        !disk.works || prng_.below(100) < static_cast<std::uint64_t>(faults_.disk_failure_percent);
    disk.pending.push_back({.sequence = sequence_, .write = std::move(write), .fails = fails});
    disk.busy_until =
        std::max(disk.busy_until, now_) + std::chrono::microseconds(200 + prng_.below(3000));
    if (disk.is_stuck) return;
    at(disk.busy_until, [this, index, life = hosts_[index].life] { finish_write(index, life); });
}

void World::set_disk_works(std::size_t index, bool works) { hosts_[index].disk.works = works; }

void World::set_disk_stuck(std::size_t index, bool is_stuck) {
    Disk& disk = hosts_[index].disk;
    disk.is_stuck = is_stuck;
    if (is_stuck) return;
    for (std::size_t i = 0; i < disk.pending.size(); ++i) {
        at(now_ + 1ms, [this, index, life = hosts_[index].life] { finish_write(index, life); });
    }
}

void World::finish_write(std::size_t index, std::uint64_t life) {
    Host& host = hosts_[index];
    if (host.life != life || host.disk.pending.empty() || host.disk.is_stuck) return;
    const PendingWrite done = std::move(host.disk.pending.front());
    host.disk.pending.pop_front();
    node::Persisted persisted{.ticket = done.write.ticket, .outcome = {}};
    if (done.fails) {
        persisted.outcome = Error{Code::System, "no space left on device", 28};
    } else {
        apply_write(host.disk, done.write);
    }
    step(index, persisted);
}

void World::apply_write(Disk& disk, const node::Write& write) {
    if (const auto* record = std::get_if<node::AppendRecord>(&write.body)) {
        disk.log[record->index] = record->bytes;
    } else if (const auto* cut = std::get_if<node::TruncateLog>(&write.body)) {
        disk.log.erase(disk.log.lower_bound(cut->from), disk.log.end());
    } else if (const auto* snapshot = std::get_if<node::SaveSnapshot>(&write.body)) {
        disk.snapshot = snapshot->bytes;
        disk.snapshot_index = snapshot->index;
        disk.log.erase(disk.log.begin(), disk.log.upper_bound(snapshot->index));
    } else {
        const auto& meta = std::get<node::PutMeta>(write.body);
        disk.meta[meta.key] = meta.value;
    }
}

// --- Channel -------------------------------------------------------------------------------------

bool World::can_connect() const {
    return hosts_.size() == 2 && hosts_[0].node && hosts_[1].node && !is_cut_ && !is_channel_cut_;
}

void World::connect_soon() {
    after(std::chrono::milliseconds(5 + prng_.below(40)), [this] {
        if (is_connected_ || !can_connect()) return;
        is_connected_ = true;
        ++channel_;
        deliver_at_ = {now_, now_};
        const std::uint64_t generation = channel_;
        tell_channel(0, true, {});
        after(std::chrono::microseconds(prng_.below(3000)), [this, generation] {
            if (generation == channel_ && is_connected_) tell_channel(1, true, {});
        });
    });
}

void World::disconnect(const std::string& reason) {
    if (!is_connected_) return;
    is_connected_ = false;
    ++channel_;
    tell_channel(0, false, reason);
    tell_channel(1, false, reason);
    connect_soon();
}

void World::tell_channel(std::size_t index, bool is_up, const std::string& reason) {
    const NodeId peer{static_cast<std::uint16_t>(2 - index)};
    if (is_up) {
        step(index, node::ChannelUp{peer});
    } else {
        step(index, node::ChannelDown{.peer = peer, .reason = reason});
    }
}

void World::send(std::size_t from, node::Message message) {
    if (!is_connected_) return;
    const std::size_t to = 1 - from;
    if (is_cut_ || is_channel_cut_) return;  // it dies in the socket; the timeout will tell
    deliver_at_[from] =
        std::max(deliver_at_[from], now_ + std::chrono::microseconds(50 + prng_.below(400)));
    // Never before the receiver knows of the channel.
    deliver_at_[from] = std::max(deliver_at_[from], now_ + 3ms);
    at(deliver_at_[from],
       [this, to, from, generation = channel_, bytes = std::move(message.bytes)]() mutable {
           if (generation != channel_ || !is_connected_ || is_cut_ || is_channel_cut_) return;
           step(to, node::MessageReceived{.peer = NodeId{static_cast<std::uint16_t>(from + 1)},
                                          .bytes = std::move(bytes)});
       });
}

void World::drop_channel() { disconnect("broken"); }

void World::set_channel_cut(bool is_cut) {
    if (is_channel_cut_ == is_cut) return;
    is_channel_cut_ = is_cut;
    trace(is_cut ? "channel cut" : "channel mended");
    if (is_cut) {
        after(kChannelTimeout, [this, generation = channel_] {
            if (generation == channel_ && (is_cut_ || is_channel_cut_)) disconnect("timed out");
        });
    } else {
        // Bytes were lost in between: the connection cannot go on.
        disconnect("broken");
        connect_soon();
    }
}

void World::set_partition(bool is_cut) {
    if (is_cut_ == is_cut) return;
    is_cut_ = is_cut;
    trace(is_cut ? "interconnect cut" : "interconnect mended");
    if (is_cut) {
        after(kChannelTimeout, [this, generation = channel_] {
            if (generation == channel_ && is_cut_) disconnect("timed out");
        });
    } else {
        disconnect("broken");
        connect_soon();
    }
    judge_hearts();
}

// --- Heart ---------------------------------------------------------------------------------------

void World::judge_hearts() {
    if (hosts_.size() != 2) return;
    for (std::size_t i = 0; i < 2; ++i) {
        for (const Duration delay : {Duration(0), kSuspectAfter, kDeadAfter, kStalledAfter}) {
            after(delay + std::chrono::microseconds(prng_.below(500)),
                  [this, i] { judge_heart(i); });
        }
    }
}

void World::judge_heart(std::size_t index) {
    Host& host = hosts_[index];
    if (!host.node || !host.accepted_heart) return;
    const Host& peer = hosts_[1 - index];
    const bool answers = peer.is_powered && !is_cut_ && peer.heart == *host.accepted_heart;
    node::PeerState state = host.verdict;
    if (answers) {
        const bool has_daemon = peer.node != nullptr;
        if (has_daemon) {
            host.last_answer = now_;
            state = node::PeerState::Alive;
        } else if (now_ - host.last_answer >= kStalledAfter) {
            state = node::PeerState::Stalled;
        }
    } else if (host.verdict != node::PeerState::Unknown) {
        // The silence began when the last event that changed reachability was seen.
        state = host.verdict == node::PeerState::Suspect || host.verdict == node::PeerState::Dead
                    ? node::PeerState::Dead
                    : node::PeerState::Suspect;
    }
    if (state == host.verdict) return;
    host.verdict = state;
    if (state == node::PeerState::Suspect) {
        after(kDeadAfter - kSuspectAfter, [this, index] { judge_heart(index); });
    }
    node::PeerVerdict verdict;
    verdict.peer = NodeId{static_cast<std::uint16_t>(2 - index)};
    verdict.state = state;
    verdict.evidence.last_answer = Instant(host.last_answer + host.boot_offset);
    verdict.evidence.judged_at = Instant(now_ + host.boot_offset);
    verdict.evidence.unanswered = 5;
    step(index, verdict);
}

// --- Agents --------------------------------------------------------------------------------------

void World::fail_next(const std::string& action, const std::string& resource, int rc, int times) {
    Script& script = scripts_[{action, resource}];
    script.rc = rc;
    script.times = times;
}

void World::delay_next(const std::string& action, const std::string& resource, Duration duration) {
    scripts_[{action, resource}].duration = duration;
}

void World::run_agent(std::size_t index, node::RunAgent call) {
    Host& host = hosts_[index];
    trace(concat(name_of(index), " runs ", call.type, ' ', call.resource, ' ', call.action));
    runs_.push_back(call);
    const bool is_shot =
        call.agent_class == "stonith" && call.action != "monitor" && call.action != "list";
    if (!is_shot) {
        for (const auto& [id, run] : host.runs) {
            if (run.call.resource == call.resource && run.call.agent_class != "stonith") {
                violate(concat(name_of(index), ": two operations of ", call.resource,
                               " at once: ", run.call.action, " and ", call.action));
            }
        }
    }
    const bool begins = call.action == "start" || call.action == "migrate_from";
    if (begins && call.agent_class != "stonith") {
        host.active.insert(call.resource);  // from here on it may run
        if (call.watch) host.watched.insert(call.resource);
    }
    Duration duration =
        faults_.agent_min +
        Duration(static_cast<std::int64_t>(prng_.below(static_cast<std::uint64_t>(
            std::max<std::int64_t>(1, (faults_.agent_max - faults_.agent_min).count())))));
    const auto script = scripts_.find({call.action, call.resource});
    if (script != scripts_.end() && script->second.duration) {
        duration = *script->second.duration;
        script->second.duration.reset();
    }
    const OperationId operation = call.operation;
    const bool times_out = duration > call.timeout;
    if (times_out) duration = call.timeout;
    host.runs.emplace(operation, Run{.call = call, .began = now_});
    after(duration, [this, index, life = host.life, operation, times_out] {
        const auto run = hosts_[index].runs.find(operation);
        if (hosts_[index].life != life || run == hosts_[index].runs.end()) return;
        const node::RunAgent ended = run->second.call;
        if (times_out) {
            return end_agent(index, life, operation, 1, execute::AgentStatus::TimedOut);
        }
        end_agent(index, life, operation, outcome_of(index, ended), execute::AgentStatus::Done);
    });
}

// The agent's exit code, and what its run did to the world.
int World::outcome_of(std::size_t index, const node::RunAgent& call) {
    Host& host = hosts_[index];
    const auto script = scripts_.find({call.action, call.resource});
    std::optional<int> wanted;
    if (script != scripts_.end() && script->second.times > 0) {
        --script->second.times;
        wanted = script->second.rc;
    }
    if (call.agent_class == "stonith") {
        const bool fails =
            !fence_works_ || wanted ||
            prng_.below(100) < static_cast<std::uint64_t>(faults_.fence_failure_percent);
        if (call.action == "monitor" || call.action == "list") return fence_works_ ? 0 : 1;
        if (fails) return wanted.value_or(1);
        std::string target;
        for (const auto& [name, value] : call.parameters) {
            if (name == "nodename") target = value;
        }
        const std::size_t victim = index_of(target);
        if (call.action == "on") return 0;
        if (victim == index) return 1;
        power_off(victim);
        if (call.action == "reboot" && boots_after_fence_) {
            after(std::chrono::milliseconds(1000 + prng_.below(3000)),
                  [this, victim] { boot(victim); });
        }
        return 0;
    }
    const bool is_random_failure =
        prng_.below(100) < static_cast<std::uint64_t>(faults_.agent_failure_percent);
    if (call.action == "monitor") {
        if (wanted) return *wanted;
        return host.active.contains(call.resource) ? 0 : 7;
    }
    if (wanted || is_random_failure) {
        if (call.action == "start") host.active.erase(call.resource);  // it did not come up
        return wanted.value_or(1);
    }
    if (call.action == "stop" || call.action == "migrate_to") host.active.erase(call.resource);
    return 0;
}

void World::end_agent(std::size_t index, std::uint64_t life, OperationId operation, int rc,
                      execute::AgentStatus status) {
    Host& host = hosts_[index];
    const auto run = host.runs.find(operation);
    if (host.life != life || run == host.runs.end()) return;
    const Run ended = run->second;
    host.runs.erase(run);
    execute::AgentDone done;
    done.operation = operation;
    done.status = status;
    done.rc = rc;
    if (ended.call.action == "list") done.output = "pm01\npm02\n";
    if (rc != 0) done.exit_reason = "simulated";
    done.started_at = Instant(ended.began + host.boot_offset);
    done.ended_at = Instant(now_ + host.boot_offset);
    step(index, done);
}

void World::kill_service(std::size_t index, const std::string& resource) {
    Host& host = hosts_[index];
    if (host.active.erase(resource) == 0) return;
    trace(concat(name_of(index), " service ", resource, " killed"));
    if (!host.watched.contains(resource)) return;
    step(index, node::ProcessExited{.resource = resource,
                                    .pid = 4711,
                                    .code = 0,
                                    .signal = 9,
                                    .was_oom = false,
                                    .at = Instant(now_ + host.boot_offset)});
}

void World::request(std::size_t index, node::RequestBody body) {
    step(index, node::ClientRequest{
                    .client = ClientId{next_client_++}, .user = "uid 0", .body = std::move(body)});
}

void World::change_configuration(std::size_t index, const std::vector<std::string>& resources) {
    const std::string marker = concat("m", next_marker_++);
    asked_[next_client_] = marker;
    request(index, node::ReplaceConfiguration{configuration(resources, marker), ""});
}

std::string World::lost_change() {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (!hosts_[i].node) continue;
        const cib::Element& cib = hosts_[i].node->cib();
        const std::int64_t epoch = parse_integer(cib.get("epoch")).value_or(0);
        const cib::Element* marker = cib.find_id("cbo-marker");
        const std::string_view found = marker == nullptr ? "none" : marker->get("value");
        if (epoch < acknowledged_.epoch ||
            (epoch == acknowledged_.epoch && found != acknowledged_.marker &&
             !acknowledged_.marker.empty())) {
            return concat(name_of(i), " has ", found, " of epoch ", epoch, ", but ",
                          acknowledged_.marker, " of epoch ", acknowledged_.epoch,
                          " was acknowledged");
        }
    }
    return {};
}

// --- Questions -----------------------------------------------------------------------------------

std::size_t World::index_of(const std::string& name) const {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (name_of(i) == name) return i;
    }
    return 0;
}

node::Node* World::node(std::size_t index) { return hosts_[index].node.get(); }

bool World::is_active(std::size_t index, const std::string& resource) const {
    return hosts_[index].is_powered && hosts_[index].active.contains(resource);
}

std::string World::coordinator() const {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (hosts_[i].node && hosts_[i].node->coordinator() == name_of(i)) return name_of(i);
    }
    return {};
}

bool World::both_members() {
    for (Host& host : hosts_) {
        if (!host.node || host.node->coordinator().empty()) return false;
        if (host.node->peers().empty() || !host.node->peers().front().is_member) return false;
    }
    return true;
}

bool World::is_idle() {
    return std::all_of(hosts_.begin(), hosts_.end(), [](const Host& host) {
        return !host.node || host.node->activity() == "idle" ||
               host.node->activity() == "follows the coordinator";
    });
}

bool World::are_equal() {
    return hosts_.size() == 2 && hosts_[0].node && hosts_[1].node &&
           cib::print_xml(hosts_[0].node->cib()) == cib::print_xml(hosts_[1].node->cib());
}

bool World::has_note(const std::string& kind) const {
    return std::any_of(notes_.begin(), notes_.end(),
                       [&kind](const Note& note) { return note.kind == kind; });
}

int World::count_runs(const std::string& action, const std::string& resource) const {
    return static_cast<int>(
        std::count_if(runs_.begin(), runs_.end(), [&](const node::RunAgent& run) {
            return run.action == action && run.resource == resource;
        }));
}

std::optional<Result<std::string>> World::last_reply(std::size_t index) const {
    if (hosts_[index].replies.empty()) return std::nullopt;
    return hosts_[index].replies.back().outcome;
}

std::string configuration(const std::vector<std::string>& resources, const std::string& marker,
                          bool has_fencing) {
    std::string text = concat(
        "<configuration><crm_config><cluster_property_set id=\"cib-bootstrap-options\">"
        "<nvpair id=\"cbo-marker\" name=\"cluster-name\" value=\"",
        marker, "\"/><nvpair id=\"cbo-fencing\" name=\"stonith-enabled\" value=\"",
        has_fencing ? "true" : "false",
        "\"/></cluster_property_set></crm_config><nodes>"
        "<node id=\"1\" uname=\"pm01\"/><node id=\"2\" uname=\"pm02\"/></nodes><resources>");
    for (const std::string& name : resources) {
        text += concat("<primitive id=\"", name,
                       "\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"><operations>"
                       "<op id=\"",
                       name,
                       "-monitor\" name=\"monitor\" interval=\"10s\" timeout=\"20s\"/>"
                       "</operations></primitive>");
    }
    if (has_fencing) {
        text +=
            "<primitive id=\"power\" class=\"stonith\" type=\"fence_sim\"><instance_attributes "
            "id=\"power-ia\"><nvpair id=\"power-list\" name=\"pcmk_host_list\" value=\"pm01 "
            "pm02\"/></instance_attributes></primitive>";
    }
    text += "</resources><constraints/></configuration>";
    return text;
}

}  // namespace xbeat::sim
