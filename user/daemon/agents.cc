#include "daemon/agents.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "agent/allow_list.h"
#include "core/text.h"
#include "daemon/log.h"
#include "execute/alert.h"
#include "sys/stable_hash.h"

namespace xbeat::daemon {
namespace {

constexpr std::uint16_t kUnitsSlot = 1;  // tells its replies from those of the built-in agents
constexpr const char* kInitScripts = "/etc/init.d";
// Runs of our own: the manager counts from 1 and does not get that far.
constexpr std::uint64_t kMetadataRuns = std::uint64_t{1} << 63U;
// A start's result waits for it, once; an agent that does not answer counts as one that tells
// nothing.
constexpr Duration kMetadataTimeout = std::chrono::seconds(5);

std::int64_t changed_at_ns(const std::string& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) return 0;
    return std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec;
}

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
    if (spawn->agent_class == agent::AgentClass::Ocf && !is_builtin && run.watch) {
        ask_metadata(run);
    }
    const Result<void> sent =
        is_builtin ? parts_.builtins.start(*spawn, now) : parts_.exec->send(*spawn);
    if (!sent) {
        described_runs_.erase(run.operation);
        return answer(run.operation, node::AgentStatus::Failed, sent.error().context, now);
    }
    if (run.watch || is_stop)
        watched_runs_[run.operation] = {.resource = run.resource,
                                        .kind = is_stop    ? Watching::Stop
                                                : is_probe ? Watching::Probe
                                                           : Watching::Start};
    if (is_builtin) receive_builtins(now);
}

// Beside the run, so that nothing waits for it unless the run is the quicker one.
void Agents::ask_metadata(const node::RunAgent& run) {
    const std::string file =
        concat(agent::AllowedRoots{}.ocf_root, "/resource.d/", run.provider, '/', run.type);
    const std::int64_t file_ns = changed_at_ns(file);
    if (file_ns == 0) return;  // the run will say that it is missing
    const std::string agent = concat(run.provider, ':', run.type);
    Description& description = descriptions_[agent];
    if (!description.is_asked && description.file_ns != file_ns) {
        const OperationId id{kMetadataRuns | next_metadata_++};
        const Result<void> sent = parts_.exec->send(agent::Metadata{
            .id = id, .provider = run.provider, .type = run.type, .timeout = kMetadataTimeout});
        if (!sent) return note_failure("metadata-missing", sent);
        description.is_asked = true;
        description.file_ns = file_ns;
        metadata_runs_.emplace(id, agent);
    }
    if (description.is_asked) described_runs_.emplace(run.operation, agent);
}

/// True if it was the answer to a question of our own.
bool Agents::take_metadata(const agent::Reply& reply) {
    const auto found = metadata_runs_.find(agent::operation_of(reply));
    if (found == metadata_runs_.end()) return false;
    if (std::holds_alternative<agent::Spawned>(reply)) return true;
    const std::string agent = metadata_runs_.extract(found).mapped();
    Description& description = descriptions_[agent];
    description.is_asked = false;
    const std::size_t colon = agent.find(':');
    node::AgentDescribed described{
        .provider = agent.substr(0, colon), .type = agent.substr(colon + 1), .metadata = {}};
    const auto* done = std::get_if<agent::Done>(&reply);
    if (done != nullptr && done->exit_code == 0 && done->signal == 0) {
        described.metadata = done->output;
    } else {
        description.file_ns = 0;  // asked again by the next run
    }
    events_.emplace_back(std::move(described));
    for (node::AgentDone& waiting : std::exchange(description.waiting, {})) {
        deliver(std::move(waiting));
    }
    return true;
}

void Agents::deliver(node::AgentDone done) {
    if (const auto run = described_runs_.find(done.operation); run != described_runs_.end()) {
        Description& description = descriptions_[run->second];
        if (description.is_asked) return description.waiting.push_back(std::move(done));
        described_runs_.erase(run);
    }
    events_.emplace_back(std::move(done));
    finish_watched(std::get<node::AgentDone>(events_.back()));
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
    if (take_metadata(reply)) return;
    if (std::holds_alternative<agent::WillNews>(reply)) {
        is_overtaken_ = true;
        notes_.push_back(
            Log::note(Level::Error, "last-will-begun",
                      "this process gave no sign of life while the lease was out: xbeat-exec stops "
                      "what runs here. This life ends; the next one begins with probes"));
        return;
    }
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
        deliver(std::move(made));
    } else if (const auto* failed = std::get_if<agent::Failed>(&reply)) {
        lsb_runs_.erase(failed->id);
        deliver(make_done(*failed, now));
    } else if (const auto* spawned = std::get_if<agent::Spawned>(&reply)) {
        hold(spawned->id, *spawned);
    }
}

std::vector<node::Event> Agents::take() { return std::exchange(events_, {}); }
std::vector<Note> Agents::take_notes() { return std::exchange(notes_, {}); }

}  // namespace xbeat::daemon
