#include "execute/local.h"

#include <algorithm>
#include <chrono>

#include "core/text.h"
#include "execute/device_call.h"
#include "execute/history.h"

namespace xbeat::execute {
namespace {

using wire::Operation;
using wire::OperationResult;
using wire::OpStatus;

constexpr std::int32_t kOk = 0;
constexpr std::int32_t kError = 1;
constexpr std::int32_t kNoPermission = 4;
constexpr std::int32_t kNotInstalled = 5;
constexpr std::int32_t kNotRunning = 7;

bool is_recurring(const Operation& operation) { return operation.interval_ms > 0; }

// Anything that may change what the resource does; a monitor in between would judge half a state.
bool changes_state(const Operation& operation) {
    if (is_recurring(operation)) return false;
    for (const std::string_view task : {"start", "stop", "promote", "demote", "migrate_to",
                                        "migrate_from", "reload", "reload-agent"}) {
        if (operation.task == task) return true;
    }
    return false;
}

// The actions after which the resource's processes are worth watching: those that may leave some
// behind, and a probe, which may find some.
bool leaves_processes(const Operation& operation) {
    if (is_recurring(operation)) return false;
    return operation.task == "start" || operation.task == "migrate_from" ||
           operation.task == "monitor";
}

std::int64_t whole_ms(Duration span) {
    return std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

struct Outcome {
    std::int32_t rc = 0;
    OpStatus status = OpStatus::Done;
};

Outcome outcome_of(const AgentDone& done) {
    switch (done.status) {
        case AgentStatus::Done:
            return {.rc = done.rc, .status = OpStatus::Done};
        case AgentStatus::TimedOut:
            return {.rc = kError, .status = OpStatus::TimedOut};
        case AgentStatus::NotInstalled:
            return {.rc = kNotInstalled, .status = OpStatus::NotInstalled};
        case AgentStatus::NotAllowed:
            return {.rc = kNoPermission, .status = OpStatus::Error};
        case AgentStatus::Killed:
        case AgentStatus::Failed:
            return {.rc = kError, .status = OpStatus::Error};
    }
    return {.rc = kError, .status = OpStatus::Error};
}

OperationResult answer(const Operation& operation, std::int32_t rc, Now now) {
    OperationResult result;
    result.id = operation.id;
    result.rc = rc;
    result.changed = now.calendar;
    return result;
}

}  // namespace

void Local::accept(Operation operation, Now now) {
    if (changes_state(operation)) end_monitors(operation.resource);
    if (is_recurring(operation) && operation.task != "cancel") {
        Monitor& monitor = monitors_[{operation.resource, operation.key}];
        monitor = {};
        monitor.operation = operation;
        // A run of an older registration that still waits would report under the old number.
        Slot& slot = slots_[operation.resource];
        std::erase_if(slot.queue, [&operation](const Job& job) {
            return job.is_repeat && job.operation.key == operation.key;
        });
    }
    enqueue({.operation = std::move(operation),
             .queued_at = now.boot,
             .is_repeat = false,
             .trigger = {}},
            now);
}

void Local::enqueue(Job job, Now now) {
    const std::string resource = job.operation.resource;
    slots_[resource].queue.push_back(std::move(job));
    start_next(resource, now);
}

void Local::start_next(const std::string& resource, Now now) {
    Slot& slot = slots_[resource];
    while (!slot.running && !slot.queue.empty()) {
        Job job = std::move(slot.queue.front());
        slot.queue.pop_front();
        if (!answer_without_agent(job, now)) run_agent(slot, std::move(job), now);
    }
    if (!slot.running && slot.queue.empty()) slots_.erase(resource);
}

// What needs no agent: ending monitors, and the parts of a fence device that the manager itself
// plays. Fencing does not go through the device's resource, so starting one means: it answers.
bool Local::answer_without_agent(const Job& job, Now now) {
    const Operation& operation = job.operation;
    std::optional<std::int32_t> rc;
    if (operation.task == "cancel") {
        monitors_.erase({operation.resource, operation.key});
        rc = kOk;
    } else if (operation.task == "delete") {
        end_monitors(operation.resource);
        rc = kOk;
    } else if (operation.agent_class == "stonith") {
        const bool is_started = devices_.contains(operation.resource);
        if (operation.task == "stop") {
            devices_.erase(operation.resource);
            rc = kOk;
        } else if (operation.task == "monitor" && !is_recurring(operation)) {
            rc = is_started ? kOk : kNotRunning;
        } else if (operation.task != "start" && operation.task != "monitor") {
            rc = kOk;
        }
    }
    if (!rc) return false;
    report(job, answer(operation, *rc, now));
    return true;
}

// A stop undoes what was started: with the parameters of that start, whatever is configured by now.
// Else a changed address would stay on the interface, and so would that of a deleted resource,
// which has no parameters any more. CRM_meta_* are of the stop itself.
void Local::keep_parameters(Operation& operation) {
    if (operation.agent_class == "stonith") return;
    const bool sets_up = operation.task == "start" || operation.task == "migrate_from" ||
                         operation.task == "reload" || operation.task == "reload-agent";
    if (sets_up) {
        Parameters& own = started_with_[operation.resource];
        own = operation.parameters;
        std::erase_if(own, [](const auto& one) { return is_meta(one.first); });
    } else if (operation.task == "stop") {
        complete_stop(operation);
    }
}

void Local::complete_stop(wire::Operation& operation) const {
    const auto started = started_with_.find(operation.resource);
    if (started == started_with_.end()) return;
    Parameters& parameters = operation.parameters;
    std::erase_if(parameters, [](const auto& one) { return !is_meta(one.first); });
    parameters.insert(parameters.begin(), started->second.begin(), started->second.end());
}

void Local::describe(std::string_view provider, std::string_view type, AgentFacts facts) {
    facts_.insert_or_assign({std::string(provider), std::string(type)}, std::move(facts));
}

const AgentFacts* Local::facts_of(const Operation& operation) const {
    if (operation.agent_class != "ocf") return nullptr;
    const auto found = facts_.find({operation.agent_provider, operation.agent_type});
    return found == facts_.end() ? nullptr : &found->second;
}

void Local::run_agent(Slot& slot, Job job, Now now) {
    keep_parameters(job.operation);
    const Operation& operation = job.operation;
    const OperationId run{(*next_run_)++};
    RunAgent call{.operation = run,
                  .agent_class = operation.agent_class,
                  .provider = operation.agent_provider,
                  .type = operation.agent_type,
                  .resource = operation.resource,
                  .action = operation.task,
                  .timeout = std::chrono::milliseconds(operation.timeout_ms),
                  .parameters = {},
                  .watch = leaves_processes(operation)};
    const bool is_device = operation.agent_class == "stonith";
    if (is_device) {
        const DeviceCall monitor = device_call(operation.parameters, "monitor");
        call.action = monitor.action;
        if (monitor.timeout > Duration{}) call.timeout = monitor.timeout;
        call.watch = false;
        ++job.runs;
    }
    // The plan says reload-agent, whatever name the agent's age gives it.
    const AgentFacts* facts = facts_of(operation);
    if (operation.task == "reload-agent" && facts != nullptr && !facts->reload_action.empty()) {
        call.action = facts->reload_action;
    }
    for (const auto& parameter : operation.parameters) {
        const std::string_view name = parameter.first;
        if (is_device && (name.starts_with("pcmk_") || is_meta(name))) continue;
        call.parameters.push_back(parameter);
    }
    if (operation.task == "stop" || operation.task == "migrate_to") {
        out_.unwatch.push_back(operation.resource);
    }
    runs_.emplace(run, operation.resource);
    out_.run.push_back(std::move(call));
    job.queued_at = std::min(job.queued_at, now.boot);
    slot.running = Running{.job = std::move(job), .run = run};
}

bool Local::agent_done(const AgentDone& done, Now now) {
    const auto run = runs_.find(done.operation);
    if (run == runs_.end()) return false;
    const std::string resource = run->second;
    runs_.erase(run);
    Slot& slot = slots_[resource];
    if (!slot.running || slot.running->run != done.operation) return true;
    Running running = std::move(*slot.running);
    slot.running.reset();

    // A monitor that could not be run, or that its executor took along when it died, says nothing
    // about the resource: a service is not restarted for the death of who looks at it. What fails
    // twice is reported.
    const bool is_lost = done.status == AgentStatus::Failed;
    if (is_lost && running.job.operation.task == "monitor" && !running.job.was_lost) {
        running.job.was_lost = true;
        slot.queue.push_front(std::move(running.job));
        start_next(resource, now);
        return true;
    }

    const Outcome outcome = outcome_of(done);
    // A device that is busy answers the next time; fencing does not depend on its monitor.
    const Operation& operation = running.job.operation;
    const bool has_failed = outcome.rc != kOk && done.status != AgentStatus::Killed;
    if (operation.agent_class == "stonith" && has_failed &&
        running.job.runs < device_call(operation.parameters, "monitor").attempts) {
        slot.queue.push_front(std::move(running.job));
        start_next(resource, now);
        return true;
    }
    OperationResult result = answer(running.job.operation, outcome.rc, now);
    result.op_status = static_cast<std::int32_t>(outcome.status);
    if (running.job.operation.task == "stop" && outcome.rc == kOk) started_with_.erase(resource);
    result.exit_reason = done.exit_reason;
    result.exec_ms = whole_ms(done.ended_at - done.started_at);
    result.queue_ms = whole_ms(done.started_at - running.job.queued_at);
    result.trigger = running.job.trigger;
    if (const AgentFacts* facts = facts_of(running.job.operation)) {
        result.parameters = record_parameters(*facts, running.job.operation);
    }
    if (running.job.operation.agent_class == "stonith" && running.job.operation.task == "start" &&
        outcome.rc == kOk && outcome.status == OpStatus::Done) {
        devices_.insert(resource);
    }
    if (is_recurring(running.job.operation)) {
        monitor_done(running.job, std::move(result), now);
    } else {
        report(running.job, result);
    }
    start_next(resource, now);
    return true;
}

void Local::monitor_done(const Job& job, OperationResult result, Now now) {
    const auto found = monitors_.find({job.operation.resource, job.operation.key});
    const bool is_registered =
        found != monitors_.end() && found->second.operation.id == job.operation.id;
    if (!is_registered) {
        // It was ended while it ran. Its first result is still owed; a later one means nothing.
        if (!job.is_repeat) {
            result.op_status = static_cast<std::int32_t>(OpStatus::Cancelled);
            report(job, result);
        }
        return;
    }
    Monitor& monitor = found->second;
    const bool is_news =
        !monitor.has_reported || monitor.rc != result.rc || monitor.op_status != result.op_status;
    result.is_change = monitor.has_reported;
    monitor.has_reported = true;
    monitor.rc = result.rc;
    monitor.op_status = result.op_status;
    if (is_news) report(job, result);
    if (monitor.is_wanted_again) {
        monitor.is_wanted_again = false;
        monitor.due.reset();
        slots_[job.operation.resource].queue.push_front({.operation = monitor.operation,
                                                         .queued_at = now.boot,
                                                         .is_repeat = true,
                                                         .trigger = monitor.trigger});
    } else {
        monitor.due = now.boot + std::chrono::milliseconds(monitor.operation.interval_ms);
    }
}

void Local::report(const Job& job, const OperationResult& result) {
    OperationResult numbered = result;
    numbered.id = job.operation.id;
    numbered.call_id = next_call_++;
    // Whoever reads the report needs to know what was run, not with which parameters.
    Operation operation = job.operation;
    drop_parameters(operation);
    out_.results.push_back({.operation = std::move(operation), .result = std::move(numbered)});
}

void Local::process_exited(std::string_view resource, std::string trigger, Now now) {
    // Without a change of state under way; otherwise the exit is part of it.
    if (const auto slot = slots_.find(resource); slot != slots_.end()) {
        const auto is_change = [](const Job& job) { return changes_state(job.operation); };
        const bool is_changing =
            (slot->second.running && is_change(slot->second.running->job)) ||
            std::any_of(slot->second.queue.begin(), slot->second.queue.end(), is_change);
        if (is_changing) return;
    }
    // The monitor with the shortest interval is the one meant to notice first.
    Monitor* chosen = nullptr;
    for (auto& [key, monitor] : monitors_) {
        if (key.first != resource) continue;
        if (chosen == nullptr || monitor.operation.interval_ms < chosen->operation.interval_ms) {
            chosen = &monitor;
        }
    }
    if (chosen == nullptr) return;
    if (!chosen->due) {
        chosen->is_wanted_again = true;
        chosen->trigger = std::move(trigger);
        return;
    }
    chosen->due.reset();
    enqueue({.operation = chosen->operation,
             .queued_at = now.boot,
             .is_repeat = true,
             .trigger = std::move(trigger)},
            now);
}

void Local::end_monitors(std::string_view resource) {
    for (auto monitor = monitors_.begin(); monitor != monitors_.end();) {
        const bool is_meant = resource.empty() || monitor->first.first == resource;
        monitor = is_meant ? monitors_.erase(monitor) : std::next(monitor);
    }
    for (auto& [name, slot] : slots_) {
        if (!resource.empty() && name != resource) continue;
        std::erase_if(slot.queue, [](const Job& job) { return job.is_repeat; });
        // A monitor in flight must not keep a stop waiting; its end still arrives.
        if (slot.running && is_recurring(slot.running->job.operation)) {
            out_.kill.push_back(slot.running->run);
        }
    }
}

void Local::wake(Now now) {
    std::vector<Job> due;
    for (auto& [key, monitor] : monitors_) {
        if (!monitor.due || *monitor.due > now.boot) continue;
        monitor.due.reset();
        due.push_back({.operation = monitor.operation,
                       .queued_at = now.boot,
                       .is_repeat = true,
                       .trigger = {}});
    }
    for (Job& job : due) enqueue(std::move(job), now);
}

std::optional<Instant> Local::next_deadline() const {
    std::optional<Instant> first;
    for (const auto& [key, monitor] : monitors_) {
        if (monitor.due && (!first || *monitor.due < *first)) first = monitor.due;
    }
    return first;
}

std::vector<Operation> Local::unfinished() const {
    std::vector<Operation> out;
    for (const auto& [name, slot] : slots_) {
        if (slot.running && !slot.running->job.is_repeat) {
            out.push_back(slot.running->job.operation);
        }
        for (const Job& job : slot.queue) {
            if (!job.is_repeat) out.push_back(job.operation);
        }
    }
    return out;
}

bool Local::is_busy(std::string_view resource) const { return slots_.contains(resource); }

LocalOutput Local::take() {
    LocalOutput out = std::move(out_);
    out_ = {};
    return out;
}

}  // namespace xbeat::execute
