// Agents and fence devices: what their runs do to the truth, and what they say about it.
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "tests/sim/world.h"

namespace xbeat::xsim {
namespace {

constexpr std::string_view kFenceClass = "stonith";

bool is_shot(const node::RunAgent& call) {
    return call.agent_class == kFenceClass &&
           (call.action == "reboot" || call.action == "off" || call.action == "on");
}

std::string target_of(const node::RunAgent& call) {
    for (const auto& [name, value] : call.parameters) {
        if (name == "nodename") return value;
    }
    return {};
}

}  // namespace

Prng& World::agent_stream(std::size_t index, const std::string& resource) {
    const auto [found, is_new] = agent_streams_.try_emplace(concat(index, ' ', resource), Prng(0));
    if (is_new) found->second = Prng(sub_seed(settings_.seed, resource, 1000 + index));
    return found->second;
}

// Claims I-20 and, for the members of a group, I-18.
void World::check_start(std::size_t index, const node::RunAgent& call) {
    if (call.agent_class == kFenceClass) return;
    for (const auto& [id, run] : hosts_[index].runs) {
        if (run.call.resource != call.resource || run.call.agent_class == kFenceClass) continue;
        truth_.violate("I-20",
                       concat(name_of(index), ": two operations of ", call.resource,
                              " at once: ", run.call.action, " and ", call.action),
                       now_);
    }
    for (const auto& [id, run] : hosts_[index].runs) {
        const std::string& other = run.call.resource;
        const bool moves = run.call.action == "start" || run.call.action == "stop";
        if (!moves || run.call.agent_class == kFenceClass) continue;
        const auto before = [this](const std::string& first, const std::string& second) {
            const auto found = comes_after_.find(second);
            return found != comes_after_.end() && found->second == first;
        };
        const bool is_early = (call.action == "start" && before(other, call.resource)) ||
                              (call.action == "stop" && before(call.resource, other));
        if (!is_early) continue;
        truth_.violate("I-18",
                       concat(name_of(index), ": ", call.action, " of ", call.resource,
                              " does not wait for the ", run.call.action, " of ", other),
                       now_);
    }
}

void World::run_agent(std::size_t index, node::RunAgent call) {
    Host& host = hosts_[index];
    trace(concat(name_of(index), "  runs ", call.resource, ' ', call.action));
    digest_.add(call.resource);
    digest_.add(call.action);
    check_start(index, call);
    Run run{.call = std::move(call), .began = now_, .number = next_run_++};
    const OperationId operation = run.call.operation;
    if (is_shot(run.call)) {
        host.runs.emplace(operation, run);
        return run_fence(index, run);
    }
    Prng& prng = agent_stream(index, run.call.resource);
    if (run.call.action == "start" && run.call.agent_class != kFenceClass) {
        truth_.start_begins(index, run.call.resource, now_,
                            is_replaceable(1 - index, run.call.resource));
        check_gates();
    }
    if (run.call.action == "monitor") host.last_monitor[run.call.resource] = now_;
    Nanos span = spread(prng, kMilli, 60 * kMilli);
    if (chance(prng, std::max(agent_faults_.slow, settings_.slow_agents))) span *= 50;
    const bool hangs = chance(prng, agent_faults_.hang) || span >= run.call.timeout.count();
    if (hangs) span = run.call.timeout.count();
    const std::uint64_t number = run.number;
    host.runs.emplace(operation, std::move(run));
    guarded(now_ + span, index, true, [this, index, operation, number, hangs] {
        end_agent(index, operation, number, 0,
                  hangs ? execute::AgentStatus::TimedOut : execute::AgentStatus::Done, {});
    });
}

// What a run of a resource's agent did, and its exit code if it ended by itself.
int World::resource_outcome(std::size_t index, const node::RunAgent& call, bool is_killed,
                            Prng& prng) {
    if (call.agent_class == kFenceClass) {
        return chance(prng, fence_faults_.refuse) ? 1 : 0;  // its monitor, list or status
    }
    const std::string& resource = call.resource;
    const bool fails = !is_killed && chance(prng, agent_faults_.fail);
    if (call.action == "start") {
        if (!is_killed && !fails) return 0;
        reach(is_killed ? State::StartTimedOut : State::StartFailed);
        // It came up nevertheless, or it did not.
        if (chance(prng, 50)) truth_.stopped(index, resource);
        return 1;
    }
    if (call.action == "stop") {
        if (!is_killed && !fails && !hosts_[index].stops_fail) {
            truth_.stopped(index, resource);
            return 0;
        }
        reach(is_killed ? State::StopTimedOut : State::StopFailed);
        truth_.may_be_fenced(index);
        if (is_killed && chance(prng, 50)) truth_.stopped(index, resource);
        return 1;
    }
    if (call.action == "migrate_to") {
        const bool is_possible =
            truth_.is_active(index, resource) && is_awake(1 - index) && has_wires();
        if (is_killed || fails || !is_possible) {
            // It arrived nevertheless, or it did not.
            if (!is_possible || !chance(prng, 50)) return 1;
            reach(State::MigrationLost);
            truth_.moved(index, resource, now_);
            return 1;
        }
        reach(State::Migrated);
        truth_.moved(index, resource, now_);
        check_gates();
        return 0;
    }
    if (call.action == "monitor" || call.action == "migrate_from") {
        const bool is_active = truth_.is_active(index, resource);
        if (is_active && !fails) return 0;
        reach(State::MonitorFailed);
        return is_active ? 1 : 7;
    }
    return 0;
}

void World::end_agent(std::size_t index, OperationId operation, std::uint64_t number, int rc,
                      execute::AgentStatus status, std::string reason) {
    Host& host = hosts_[index];
    const auto found = host.runs.find(operation);
    if (found == host.runs.end() || found->second.number != number) return;
    const Run run = std::move(found->second);
    host.runs.erase(found);
    const bool is_done = status == execute::AgentStatus::Done;
    if (!is_shot(run.call)) {
        rc = resource_outcome(index, run.call, !is_done, agent_stream(index, run.call.resource));
    }
    if (is_done && run.call.watch && rc == 0) host.watched.insert(run.call.resource);
    execute::AgentDone done;
    done.operation = operation;
    done.status = status;
    done.rc = is_done ? rc : 0;
    done.exit_reason = std::move(reason);
    if (run.call.action == "list") done.output = "pm01\npm02\n";
    const Nanos gone = local(index) - (now_ - run.began);
    done.started_at = Instant(Duration(gone));
    done.ended_at = Instant(Duration(local(index)));
    deliver(index, done);
}

// The executor's children die with it: a half start may run, a half stop may have worked.
void World::cut_short(std::size_t index) {
    Host& host = hosts_[index];
    for (auto& [operation, run] : host.runs) {
        if (is_shot(run.call)) {
            reach(State::ShooterDied);
            Prng& prng = agent_stream(index, run.call.resource);
            const std::string target = target_of(run.call);
            const std::size_t victim = target == name_of(0) ? 0 : 1;
            // The device may have understood before its caller died.
            if (run.call.action == "on" || !chance(prng, 50)) continue;
            after(spread(prng, kMilli, 5 * kSecond),
                  [this, victim, action = run.call.action] { (void)shoot(victim, action, false); });
            continue;
        }
        (void)resource_outcome(index, run.call, true, agent_stream(index, run.call.resource));
    }
    host.runs.clear();
}

void World::kill_service(std::size_t index, const std::string& resource) {
    Host& host = hosts_[index];
    if (!host.is_powered || !truth_.is_active(index, resource)) return;
    trace(concat(name_of(index), " service ", resource, " dies"));
    reach(State::ServiceDied);
    truth_.stopped(index, resource);
    if (!host.watched.contains(resource)) return;
    guarded(now_ + 100 * kMicro, index, true, [this, index, resource] {
        deliver(index, node::ProcessExited{.resource = resource,
                                           .pid = 4711,
                                           .code = 0,
                                           .signal = 9,
                                           .was_oom = false,
                                           .at = Instant(Duration(local(index)))});
    });
}

// --- Fence devices ------------------------------------------------------------------------------

// Switches the machine off, and on again for a reboot. `is_confirmed`: whoever asked is told.
int World::shoot(std::size_t victim, const std::string& action, bool is_confirmed) {
    Prng& prng = agent_stream(victim, "power switch");
    trace(concat("the switch of ", name_of(victim), ": ", action, is_confirmed ? "" : ", late"));
    if (action != "on") {
        if (!is_confirmed) reach(State::FenceLate);
        const bool was_on = is_powered(victim);
        cut_power(victim);
        if (is_confirmed) {
            truth_.proven_off(victim);
            shot_at_[victim] = now_;
            const Nanos other = shot_at_[1 - victim];
            if (was_on && other >= 0 && now_ - other < kSecond && !is_powered(1 - victim)) {
                reach(State::FenceMutual);
            }
        }
        if (action == "off" || chance(prng, fence_faults_.never_boot)) return 0;
    }
    after(between(prng, kSecond, 4 * kSecond), [this, victim] { boot(victim); });
    return 0;
}

void World::run_fence(std::size_t index, const Run& run) {
    Prng& prng = agent_stream(index, run.call.resource);
    const std::string target = target_of(run.call);
    const std::size_t victim = target == name_of(0) ? 0 : 1;
    const std::string action = run.call.action;
    const OperationId operation = run.call.operation;
    const std::uint64_t number = run.number;
    const Nanos timeout = run.call.timeout.count();
    if (action != "on") truth_.shot_at(victim, now_);
    if (action != "on" && !hosts_[victim].runs.empty()) reach(State::FenceDuringFailover);
    if (chance(prng, fence_faults_.hang)) {
        reach(State::FenceTimedOut);
        if (chance(prng, 50)) {
            after(timeout + spread(prng, kMilli, 20 * kSecond),
                  [this, victim, action] { (void)shoot(victim, action, false); });
        }
        return guarded(now_ + timeout, index, true, [this, index, operation, number] {
            end_agent(index, operation, number, 0, execute::AgentStatus::TimedOut, {});
        });
    }
    const bool refuses = chance(prng, fence_faults_.refuse) || victim == index;
    const bool lies = chance(prng, fence_faults_.lie);
    if (refuses) reach(State::FenceRefused);
    const Nanos span = spread(prng, 5 * kMilli, 40 * kMilli);
    guarded(now_ + span, index, true,
            [this, index, operation, number, victim, action, refuses, lies] {
                const auto found = hosts_[index].runs.find(operation);
                if (found == hosts_[index].runs.end() || found->second.number != number) return;
                if (lies && !refuses) {
                    reach(State::FenceLied);
                    truth_.suspend_exclusivity();
                } else if (!refuses) {
                    note_fence(victim, action);
                    (void)shoot(victim, action, true);
                }
                end_agent(index, operation, number, refuses ? 1 : 0, execute::AgentStatus::Done,
                          refuses ? "the device refuses" : "");
            });
}

// Claim I-6 is about the cluster's own decisions, not about a person's.
void World::note_fence(std::size_t victim, const std::string& action) {
    if (action == "on") return;
    if (now_ < operator_fence_until_) return;
    ++automatic_fences_;
    truth_.fenced(victim, now_);
}

}  // namespace xbeat::xsim
