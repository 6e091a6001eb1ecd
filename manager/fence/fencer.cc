#include "fence/fencer.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace xbeat::fence {
namespace {

using execute::AgentDone;
using execute::AgentStatus;
using execute::RunAgent;

}  // namespace

void Fencer::begin(const Order& order, const cib::Element& cib, Now now) {
    if (jobs_.contains(order.target)) return;
    Job job;
    job.order = order;
    job.began = now.boot;
    const bool is_reboot = order.action == "reboot";
    std::vector<Level> levels =
        levels_for(cib, order.target, executor_, order.action, now.calendar);
    if (order.action == "on" && order.target == executor_) {
        Level unfencing = unfencing_of(cib, order.target, now.calendar);
        if (!unfencing.empty()) levels = {std::move(unfencing)};
    }
    // One node behind several devices: only when all are off at once is it off, so a reboot is
    // made of all the offs and then the ons.
    std::vector<Level> offs;
    std::vector<Level> ons;
    if (is_reboot) {
        offs = levels_for(cib, order.target, executor_, "off", now.calendar);
        ons = levels_for(cib, order.target, executor_, "on", now.calendar);
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
    job.is_waiting = is_busy(shot.device);
    if (job.is_waiting) return;  // until an agent of the device has ended
    if (!job.has_asked) {
        const Asking question = question_for(job, shot.device);
        if (question != Asking::Nothing) return ask(job, shot.device, question);
        job.has_asked = true;
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
    launch(job, shot.device, shot.device.shot);
}

// As many of the device's agents run as it takes at one time. Its monitors are not counted: a shot
// waits for nothing that only looks.
bool Fencer::is_busy(const Device& device) const {
    if (device.action_limit < 0) return false;
    const auto running = std::count_if(jobs_.begin(), jobs_.end(), [&device](const auto& each) {
        const Job& job = each.second;
        return job.run && job.levels[job.level][job.shot].device.id == device.id;
    });
    return running >= device.action_limit;
}

// A device may have become free.
void Fencer::advance_waiting(Now now) {
    std::vector<std::string> waiting;
    for (const auto& [target, job] : jobs_) {
        if (job.is_waiting) waiting.push_back(target);
    }
    for (const std::string& target : waiting) {
        const auto job = jobs_.find(target);
        if (job != jobs_.end()) advance(job->second, now);
    }
}

Fencer::Asking Fencer::question_for(const Job& job, const Device& device) const {
    switch (device.check) {
        case HostCheck::Known:
            return Asking::Nothing;
        case HostCheck::List:
            return Asking::List;
        case HostCheck::Status:
            return Asking::Status;
        case HostCheck::Default:
            break;
    }
    if (job.is_mute) return Asking::List;
    const auto known = abilities_.find(device.type);
    if (known == abilities_.end()) return Asking::Metadata;
    if (known->second.has_list) return Asking::List;
    return known->second.has_status ? Asking::Status : Asking::Nothing;
}

void Fencer::ask(Job& job, const Device& device, Asking asking) {
    static const execute::DeviceCall kMetadata{.action = "metadata", .attempts = 1, .timeout = {}};
    job.asking = asking;
    ++job.attempt;
    launch(job, device,
           asking == Asking::Metadata ? kMetadata
           : asking == Asking::List   ? device.list
                                      : device.status);
}

void Fencer::launch(Job& job, const Device& device, const execute::DeviceCall& call) {
    const auto known = abilities_.find(device.type);
    const bool wants_plug = job.asking == Asking::Nothing || job.asking == Asking::Status;
    RunAgent run = make_run(device, call, known == abilities_.end() ? nullptr : &known->second,
                            wants_plug ? job.order.target : std::string(), job.order.timeout);
    run.operation = OperationId{(*next_run_)++};
    job.run = run.operation;
    out_.run.push_back(std::move(run));
}

bool Fencer::agent_done(const AgentDone& done, Now now) {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&done](const auto& each) {
        return each.second.run == done.operation;
    });
    if (found == jobs_.end()) return false;
    Job& job = found->second;
    job.run.reset();
    if (job.asking == Asking::Nothing) {
        shot_done(job, done, now);
    } else {
        asked(job, done);
        advance(job, now);
    }
    advance_waiting(now);
    return true;
}

// The device has answered whether it can shoot the target, or its agent how it can be asked.
void Fencer::asked(Job& job, const AgentDone& done) {
    const Device& device = job.levels[job.level][job.shot].device;
    const Asking asking = std::exchange(job.asking, Asking::Nothing);
    const bool has_ended = done.status == AgentStatus::Done;
    if (asking == Asking::Metadata) {
        job.attempt = 0;
        const Result<Abilities> abilities = read_abilities(done.output);
        if (has_ended && done.rc == 0 && abilities) {
            abilities_[device.type] = *abilities;
        } else {
            job.is_mute = true;
        }
        return;
    }
    constexpr std::int32_t kIsOff = 2;  // of `status`: the plug is known, and off
    const bool is_list = asking == Asking::List;
    const bool is_answered = has_ended && (done.rc == 0 || (!is_list && done.rc == kIsOff));
    const execute::DeviceCall& call = is_list ? device.list : device.status;
    if (!is_answered && job.attempt < call.attempts) return;
    if (is_answered && (!is_list || lists(done.output, device.plug))) {
        job.has_asked = true;
        job.attempt = 0;
        return;
    }
    job.reason = is_answered
                     ? concat(device.id, " does not list ", device.plug)
                     : concat(device.id, " (", device.type, "): ", failure_text(call.action, done));
    next_level(job);
}

void Fencer::shot_done(Job& job, const AgentDone& done, Now now) {
    const Shot& shot = job.levels[job.level][job.shot];
    const bool is_confirmed = done.status == AgentStatus::Done && done.rc == 0;
    if (is_confirmed && !shot.may_fail) {
        if (!job.confirmed.empty()) job.confirmed += ',';
        job.confirmed += shot.device.id;
    }
    if (!is_confirmed) {
        job.reason = concat(shot.device.id, " (", shot.device.type,
                            "): ", failure_text(shot.device.shot.action, done));
        if (job.attempt < shot.device.shot.attempts) return advance(job, now);
    }
    if (is_confirmed || shot.may_fail) {
        ++job.shot;
        next_shot(job);
    } else {
        next_level(job);
    }
    advance(job, now);
}

void Fencer::next_shot(Job& job) {
    job.attempt = 0;
    job.has_asked = false;
    job.has_delayed = false;
    job.is_mute = false;
}

void Fencer::next_level(Job& job) {
    ++job.level;
    job.shot = 0;
    job.confirmed.clear();
    next_shot(job);
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
