#include "fence/fencer.h"

#include <algorithm>

#include "core/text.h"

namespace xbeat::fence {
namespace {

using execute::AgentDone;
using execute::AgentStatus;
using execute::RunAgent;

std::string failure_text(const Device& device, std::string_view action, const AgentDone& done) {
    std::string text = concat(device.id, " (", device.type, "): ", action);
    switch (done.status) {
        case AgentStatus::Done:
            text += concat(" ended with ", done.rc);
            break;
        case AgentStatus::TimedOut:
            text += " timed out";
            break;
        case AgentStatus::Killed:
            text += " was killed";
            break;
        case AgentStatus::NotInstalled:
            text += ": the agent is not installed";
            break;
        case AgentStatus::NotAllowed:
            text += ": the agent is not safe to run";
            break;
        case AgentStatus::Failed:
            text += ": the agent could not be run";
            break;
    }
    if (!done.exit_reason.empty()) text += concat(": ", done.exit_reason);
    return text;
}

}  // namespace

void Fencer::begin(const Order& order, const cib::Element& cib, Now now) {
    if (jobs_.contains(order.target)) return;
    Job job;
    job.order = order;
    job.began = now.boot;
    const bool is_reboot = order.action == "reboot";
    std::vector<Level> levels = levels_for(cib, order.target, executor_, order.action);
    // One node behind several devices: only when all are off at once is it off, so a reboot is
    // made of all the offs and then the ons.
    std::vector<Level> offs;
    std::vector<Level> ons;
    if (is_reboot) {
        offs = levels_for(cib, order.target, executor_, "off");
        ons = levels_for(cib, order.target, executor_, "on");
    }
    for (std::size_t i = 0; i < levels.size(); ++i) {
        std::vector<Shot> shots;
        if (is_reboot && levels[i].size() > 1) {
            for (Device& device : offs[i]) shots.push_back({std::move(device), "off", false});
            for (Device& device : ons[i]) shots.push_back({std::move(device), "on", true});
        } else {
            for (Device& device : levels[i]) {
                shots.push_back({std::move(device), order.action, false});
            }
        }
        job.levels.push_back(std::move(shots));
    }
    if (order.delay > Duration{}) job.resume_at = now.boot + order.delay;
    Job& kept = jobs_.emplace(order.target, std::move(job)).first->second;
    advance(kept, now);
}

bool Fencer::recall(std::string_view target) {
    const auto job = jobs_.find(target);
    if (job == jobs_.end()) return true;
    if (job->second.has_shot || job->second.run) return false;
    jobs_.erase(job);
    return true;
}

bool Fencer::has_shot(std::string_view target) const {
    const auto job = jobs_.find(target);
    return job != jobs_.end() && job->second.has_shot;
}

// Goes on as far as possible: to the next run, the next delay, or the end. Ends because each turn
// either stops or moves to a later shot or level. `job` is gone afterwards if it finished.
void Fencer::advance(Job& job, Now now) {
    if (job.resume_at && *job.resume_at > now.boot) return;
    job.resume_at.reset();
    if (job.level >= job.levels.size()) {
        if (job.levels.empty()) {
            job.reason = concat("no fence device serves ", job.order.target, " from ", executor_);
        }
        return finish(job, false, now);
    }
    std::vector<Shot>& shots = job.levels[job.level];
    if (job.shot >= shots.size()) return finish(job, true, now);
    const Shot& shot = shots[job.shot];
    if (shot.device.must_ask_list && !job.has_asked) {
        job.is_asking = true;
        return launch(job, shot, "list");
    }
    const bool is_first_run = job.attempt == 0 && !shot.may_fail && !job.has_delayed;
    if (is_first_run) {
        job.has_delayed = true;
        Duration delay = shot.device.delay_base;
        if (shot.device.delay_max > delay) {
            const auto spread = static_cast<std::uint64_t>((shot.device.delay_max - delay).count());
            delay += Duration(static_cast<std::int64_t>(prng_.below(spread + 1)));
        }
        if (delay > Duration{}) {
            job.resume_at = now.boot + delay;
            return;
        }
    }
    ++job.attempt;
    job.has_shot = true;
    launch(job, shot, shot.device.agent_action);
}

void Fencer::launch(Job& job, const Shot& shot, std::string_view action) {
    const Device& device = shot.device;
    const OperationId run{(*next_run_)++};
    RunAgent call{.operation = run,
                  .agent_class = "stonith",
                  .provider = {},
                  .type = device.type,
                  .resource = device.id,
                  .action = std::string(action),
                  .timeout = device.timeout > Duration{} ? device.timeout : job.order.timeout,
                  .parameters = device.parameters,
                  .watch = false};
    if (!job.is_asking) {
        if (!device.plug_argument.empty()) {
            call.parameters.emplace_back(device.plug_argument, device.plug);
        }
        call.parameters.emplace_back("nodename", job.order.target);
    }
    call.parameters.emplace_back("action", action);
    job.run = run;
    out_.run.push_back(std::move(call));
}

bool Fencer::agent_done(const AgentDone& done, Now now) {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&done](const auto& each) {
        return each.second.run == done.operation;
    });
    if (found == jobs_.end()) return false;
    Job& job = found->second;
    job.run.reset();
    if (job.is_asking) {
        job.is_asking = false;
        const Device& device = job.levels[job.level][job.shot].device;
        const bool is_answered = done.status == AgentStatus::Done && done.rc == 0;
        if (is_answered && lists(done.output, device.plug)) {
            job.has_asked = true;
        } else {
            job.reason = is_answered ? concat(device.id, " does not list ", device.plug)
                                     : failure_text(device, "list", done);
            next_level(job);
        }
        advance(job, now);
        return true;
    }
    shot_done(job, done, now);
    return true;
}

void Fencer::shot_done(Job& job, const AgentDone& done, Now now) {
    const Shot& shot = job.levels[job.level][job.shot];
    const bool is_confirmed = done.status == AgentStatus::Done && done.rc == 0;
    if (is_confirmed && !shot.may_fail) {
        if (!job.confirmed.empty()) job.confirmed += ',';
        job.confirmed += shot.device.id;
    }
    if (!is_confirmed) {
        job.reason = failure_text(shot.device, shot.device.agent_action, done);
        if (job.attempt < shot.device.attempts) return advance(job, now);
    }
    if (is_confirmed || shot.may_fail) {
        ++job.shot;
        job.attempt = 0;
        job.has_asked = false;
        job.has_delayed = false;
    } else {
        next_level(job);
    }
    advance(job, now);
}

void Fencer::next_level(Job& job) {
    ++job.level;
    job.shot = 0;
    job.attempt = 0;
    job.has_asked = false;
    job.has_delayed = false;
    job.confirmed.clear();
}

void Fencer::finish(Job& job, bool succeeded, Now now) {
    out_.outcomes.push_back({.target = job.order.target,
                             .action = job.order.action,
                             .succeeded = succeeded,
                             .device = job.confirmed,
                             .reason = succeeded ? std::string() : job.reason,
                             .began = job.began,
                             .ended = now.boot});
    const std::string target = job.order.target;
    jobs_.erase(target);
}

void Fencer::wake(Now now) {
    std::vector<std::string> due;
    for (const auto& [target, job] : jobs_) {
        if (job.resume_at && *job.resume_at <= now.boot) due.push_back(target);
    }
    for (const std::string& target : due) {
        const auto job = jobs_.find(target);
        if (job != jobs_.end()) advance(job->second, now);
    }
}

std::optional<Instant> Fencer::next_deadline() const {
    std::optional<Instant> first;
    for (const auto& [target, job] : jobs_) {
        if (job.resume_at && (!first || *job.resume_at < *first)) first = job.resume_at;
    }
    return first;
}

FencerOutput Fencer::take() {
    FencerOutput out = std::move(out_);
    out_ = {};
    return out;
}

}  // namespace xbeat::fence
