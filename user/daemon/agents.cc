#include "daemon/agents.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "daemon/log.h"
#include "execute/alert.h"
#include "sys/stable_hash.h"

namespace xbeat::daemon {
namespace {

constexpr std::uint16_t kUnitsSlot = 1;  // tells its replies from those of the built-in agents
constexpr const char* kInitScripts = "/etc/init.d";

}  // namespace

std::uint64_t watch_cookie(std::string_view resource) {
    // 0 is left out because it looks like nothing.
    return std::max<std::uint64_t>(1, sys::stable_hash(resource));
}

Agents::Agents(Parts parts, ring::Ring& ring) : parts_(std::move(parts)), ring_(ring) {
    arm();
    ring_.poll(parts_.builtins.fd(), POLLIN, {.op = ring::Op::BuiltinReplies});
    ring_.poll(parts_.watch.event_fd(), POLLIN, {.op = ring::Op::WatchEvents});
}

std::string Agents::describe_watch() const {
    return parts_.watch.mode() == heart::Watch::Mode::Tracing
               ? "tracing"
               : concat("pidfds: ", parts_.watch.why_not_tracing());
}

void Agents::arm() { ring_.poll(parts_.exec->fd(), POLLIN, {.op = ring::Op::ExecReplies}); }

void Agents::run(const node::RunAgent& given, Instant now) {
    node::RunAgent run = given;
    if (run.agent_class == "service") run.agent_class = resolve_service(run.type, kInitScripts);
    if (run.agent_class == "systemd") return run_unit(run, now);
    if (run.agent_class != execute::kAlertClass) {
        resources_.try_emplace(watch_cookie(run.resource), run.resource);
    }
    if (run.agent_class == "lsb") lsb_runs_[run.operation] = run.action;
    Result<agent::Spawn> spawn = make_spawn(run);
    if (!spawn) {
        const bool is_missing = spawn.error().code == Code::NotFound;
        return answer(run.operation,
                      is_missing ? node::AgentStatus::NotInstalled : node::AgentStatus::Failed,
                      spawn.error().context, now);
    }
    const bool is_stop = run.action == "stop";
    const bool is_probe = run.watch && run.action == "monitor";
    // The processes that a probe finds are no children of it; only the watch of an earlier daemon
    // can know them.
    spawn->hold = run.watch && !is_probe;
    const bool is_builtin = spawn->agent_class == agent::AgentClass::Ocf &&
                            agent::Builtins::has(spawn->provider, spawn->type);
    const Result<void> sent =
        is_builtin ? parts_.builtins.start(*spawn, now) : parts_.exec->send(*spawn);
    if (!sent) return answer(run.operation, node::AgentStatus::Failed, sent.error().context, now);
    if (run.watch || is_stop)
        watched_runs_[run.operation] = {.resource = run.resource,
                                        .kind = is_stop    ? Watching::Stop
                                                : is_probe ? Watching::Probe
                                                           : Watching::Start};
    if (is_builtin) receive_builtins(now);
}

// Nothing to be watched: a unit's processes are systemd's children, and it tells how they fare.
void Agents::run_unit(const node::RunAgent& run, Instant now) {
    if (!units_) {
        Result<agent::Units> made = agent::Units::create({});
        if (!made) {
            return answer(run.operation, node::AgentStatus::Failed, made.error().context, now);
        }
        units_.emplace(*std::move(made));
        arm_units();
    }
    agent::Spawn spawn;
    spawn.id = run.operation;
    spawn.type = run.type;
    spawn.action = run.action;
    spawn.resource = run.resource;
    spawn.timeout = std::clamp(run.timeout, agent::kTimeoutMin, agent::kTimeoutMax);
    units_->start(spawn, now);
    receive_units(now);
}

void Agents::arm_units() {
    ring_.poll(units_->fd(), POLLIN, {.op = ring::Op::BuiltinReplies, .slot = kUnitsSlot});
}

void Agents::receive_units(Instant now) {
    if (!units_) return;
    for (agent::Reply& reply : units_->receive(now)) take_reply(std::move(reply), now);
}

/// The child stands still before the agent's first instruction: now nothing of it can be missed.
void Agents::hold(OperationId operation, const agent::Spawned& spawned) {
    const auto found = watched_runs_.find(operation);
    if (found == watched_runs_.end() || found->second.kind != Watching::Start) return;
    note_failure("watch-failed",
                 parts_.watch.add(spawned.pid, watch_cookie(found->second.resource)));
    note_failure("agent-release-failed", parts_.exec->send(agent::Release{operation}));
}

void Agents::finish_watched(const node::AgentDone& done) {
    const auto run = watched_runs_.extract(done.operation);
    if (run.empty()) return;
    const std::uint64_t cookie = watch_cookie(run.mapped().resource);
    const bool has_ended = done.status == node::AgentStatus::Done;
    const bool succeeded = has_ended && done.rc == 0;
    constexpr int kNotRunning = 7;  // OCF's code
    const Watching kind = run.mapped().kind;
    // A start that failed, a stop that succeeded and a probe that found nothing leave nothing to
    // watch; after a stop that failed, what is still there counts again.
    const bool is_gone = kind == Watching::Start  ? !succeeded
                         : kind == Watching::Stop ? succeeded
                                                  : has_ended && done.rc == kNotRunning;
    if (is_gone) {
        note_failure("watch-failed", parts_.watch.remove(cookie));
        return;
    }
    if (kind == Watching::Probe && !succeeded) return;
    // What was never added is no trouble.
    const Result<void> armed = parts_.watch.arm(cookie);
    if (!armed && armed.error().code != Code::NotFound) note_failure("watch-failed", armed);
    drain_watch();
}

void Agents::note_failure(const char* kind, const Result<void>& outcome) {
    if (!outcome) notes_.push_back(Log::note(Level::Warning, kind, outcome.error().context));
}

void Agents::drain_watch() {
    const Result<std::size_t> drained =
        parts_.watch.drain([this](const heart::WatchEvent& event) { take_exit(event); });
    if (!drained)
        notes_.push_back(Log::note(Level::Warning, "watch-failed", drained.error().context));
    if (parts_.watch.lost() == lost_noted_) return;
    lost_noted_ = parts_.watch.lost();
    notes_.push_back(Log::note(Level::Warning, "watch-events-lost",
                               "exits of processes were lost; the monitors will find what failed"));
}

void Agents::take_exit(const heart::WatchEvent& event) {
    if (event.kind != heart::WatchEvent::Kind::Exit) return;
    const auto resource = resources_.find(event.cookie);
    if (resource == resources_.end()) return;
    const bool is_main = event.is_top || event.is_root || !event.has_status;
    const bool is_abnormal = event.signal != 0 || event.out_of_memory;
    if (!is_main) {
        if (!is_abnormal) return;
        Instant& reported = worker_reported_[event.cookie];
        if (event.at < reported + kWorkerReportInterval) return;
        reported = event.at;
    }
    events_.emplace_back(node::ProcessExited{.resource = resource->second,
                                             .pid = event.pid,
                                             .code = event.exit_code,
                                             .signal = event.signal,
                                             .was_oom = event.out_of_memory,
                                             .at = event.at});
}

void Agents::answer(OperationId operation, node::AgentStatus status, std::string reason,
                    Instant now) {
    node::AgentDone done;
    done.operation = operation;
    done.status = status;
    done.rc = status == node::AgentStatus::NotInstalled ? 5 : 1;  // OCF's "not installed", "error"
    done.exit_reason = std::move(reason);
    done.started_at = now;
    done.ended_at = now;
    events_.emplace_back(std::move(done));
}

void Agents::kill(OperationId operation, Instant now) {
    // Only one of the two knows the run; the other one ignores it.
    parts_.builtins.kill(operation, now);
    receive_builtins(now);
    if (units_) units_->kill(operation, now);
    receive_units(now);
    const Result<void> sent = parts_.exec->send(agent::Kill{operation});
    // If xbeat-exec is gone, so is the run; its answer is on the way.
    if (!sent)
        notes_.push_back(Log::note(Level::Warning, "agent-kill-failed", sent.error().context));
}

void Agents::unwatch(const std::string& resource) {
    const Result<void> disarmed = parts_.watch.disarm(watch_cookie(resource));
    if (!disarmed && disarmed.error().code != Code::NotFound)
        note_failure("watch-failed", disarmed);
}

void Agents::complete(const ring::Completion& completion, Instant now) {
    if (completion.token.op == ring::Op::WatchEvents) {
        if (!completion.more)
            ring_.poll(parts_.watch.event_fd(), POLLIN, {.op = ring::Op::WatchEvents});
        return drain_watch();
    }
    if (completion.token.op == ring::Op::BuiltinReplies && completion.token.slot == kUnitsSlot) {
        if (!completion.more) arm_units();
        return receive_units(now);
    }
    if (completion.token.op == ring::Op::BuiltinReplies) {
        if (!completion.more)
            ring_.poll(parts_.builtins.fd(), POLLIN, {.op = ring::Op::BuiltinReplies});
        return receive_builtins(now);
    }
    if (!completion.more) arm();
    receive(now);
}

void Agents::receive(Instant now) {
    Result<std::vector<agent::Reply>> replies = parts_.exec->receive();
    if (!replies) {
        notes_.push_back(Log::note(Level::Error, "executor-failed", replies.error().context));
        return;
    }
    for (agent::Reply& reply : *replies) {
        if (!parts_.builtins.consume(reply, now)) take_reply(std::move(reply), now);
    }
    receive_builtins(now);
    if (parts_.exec->restarts() == restarts_noted_) return;
    restarts_noted_ = parts_.exec->restarts();
    Note note = Log::note(Level::Warning, "executor-restarted",
                          "xbeat-exec ended and was started again; what it ran has failed");
    note.fields = {{"pid", std::to_string(parts_.exec->pid())},
                   {"restarts", std::to_string(parts_.exec->restarts())}};
    notes_.push_back(std::move(note));
}

void Agents::receive_builtins(Instant now) {
    for (agent::Reply& reply : parts_.builtins.receive(now)) take_reply(std::move(reply), now);
    for (agent::builtin::AttributeUpdate& update : parts_.builtins.take_attributes()) {
        if (update.node.empty()) continue;  // asked for by hand, outside of a plan
        node::SetAttribute wanted;
        wanted.node = std::move(update.node);
        wanted.name = std::move(update.name);
        wanted.remove = !update.value.has_value();
        if (update.value) wanted.value = *std::move(update.value);
        // At least a moment of calm: then a value that is in force already is not written again.
        wanted.dampen_ms = std::max<std::int64_t>(
            1, std::chrono::duration_cast<std::chrono::milliseconds>(update.dampening).count());
        events_.emplace_back(
            node::ClientRequest{.client = {}, .user = "built-in agent", .body = std::move(wanted)});
    }
}

void Agents::take_reply(agent::Reply reply, Instant now) {
    if (const auto* done = std::get_if<agent::Done>(&reply)) {
        if (done->output_cut) {
            Note note = Log::note(Level::Warning, "agent-output-cut",
                                  "an agent printed more than is kept; the rest was dropped");
            note.fields = {{"operation", std::to_string(done->id.value)},
                           {"bytes_max", std::to_string(kAgentOutputBytesMax)}};
            notes_.push_back(std::move(note));
        }
        node::AgentDone made = make_done(*done);
        const auto lsb = lsb_runs_.extract(done->id);
        if (!lsb.empty()) made.rc = ocf_code_of_lsb(lsb.mapped(), made.rc);
        events_.emplace_back(std::move(made));
        finish_watched(std::get<node::AgentDone>(events_.back()));
    } else if (const auto* failed = std::get_if<agent::Failed>(&reply)) {
        lsb_runs_.erase(failed->id);
        events_.emplace_back(make_done(*failed, now));
        finish_watched(std::get<node::AgentDone>(events_.back()));
    } else if (const auto* spawned = std::get_if<agent::Spawned>(&reply)) {
        hold(spawned->id, *spawned);
    }
}

std::vector<node::Event> Agents::take() { return std::exchange(events_, {}); }
std::vector<Note> Agents::take_notes() { return std::exchange(notes_, {}); }

}  // namespace xbeat::daemon
