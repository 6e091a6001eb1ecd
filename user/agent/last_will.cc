#include "agent/last_will.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/text.h"

namespace xbeat::agent {

bool WillWatch::is_due(Instant now, const std::optional<heart::LeaseReading>& lease) {
    const bool is_late = looked_at_ && now - *looked_at_ > kWillLateMax;
    looked_at_ = now;
    if (!lease || lease->is_open(now)) {
        bad_since_.reset();
        return false;
    }
    if (is_late || !bad_since_) bad_since_ = now;
    return now - *bad_since_ >= patience_;
}

Result<void> WillRun::check(const Will& will) {
    const auto refuse = [](std::uint32_t place, std::string_view why) {
        return Error{.code = Code::Invalid, .context = concat("stop ", place, ' ', why)};
    };
    if (will.stops.size() > kWillStopsMax) {
        return Error{.code = Code::Invalid, .context = "too many stops"};
    }
    if (will.patience < kTimeoutMin || will.patience > kTimeoutMax) {
        return Error{.code = Code::Invalid, .context = "its patience is out of range"};
    }
    for (std::uint32_t place = 0; place < will.stops.size(); ++place) {
        const WillStop& stop = will.stops[place];
        const Spawn& run = stop.run;
        const bool is_known = run.agent_class == AgentClass::Ocf ||
                              run.agent_class == AgentClass::Lsb ||
                              run.agent_class == AgentClass::Systemd;
        if (!is_known) return refuse(place, "is of a class that has none");
        if (run.action != "stop" && run.action != "demote") return refuse(place, "does not stop");
        if (run.resource.empty()) return refuse(place, "names no resource");
        if (!run.input.empty()) return refuse(place, "has standard input");
        if (run.timeout < kTimeoutMin || run.timeout > kTimeoutMax) {
            return refuse(place, "has a time-out out of range");
        }
        const bool is_forward = std::all_of(stop.after.begin(), stop.after.end(),
                                            [place](std::uint32_t each) { return each < place; });
        if (!is_forward) return refuse(place, "comes after itself or a later one");
    }
    return {};
}

WillRun::WillRun(Will will)
    : will_(std::move(will)), states_(will_.stops.size()), troubles_(will_.stops.size()) {
    XB_CHECK(check(will_).has_value());
}

bool WillRun::may_begin(std::uint32_t place) const {
    const std::vector<std::uint32_t>& after = will_.stops[place].after;
    if (has_ceased_ || states_[place] != State::Waiting) return false;
    return std::all_of(after.begin(), after.end(),
                       [this](std::uint32_t each) { return states_[each] == State::Succeeded; });
}

std::vector<std::uint32_t> WillRun::take_ready() {
    std::vector<std::uint32_t> ready;
    for (std::uint32_t place = 0; place < states_.size() && running_ < kWillParallel; ++place) {
        if (!may_begin(place)) continue;
        states_[place] = State::Running;
        ++running_;
        ready.push_back(place);
    }
    return ready;
}

void WillRun::ended(std::uint32_t place, std::string trouble) {
    XB_CHECK(place < states_.size());
    XB_CHECK(states_[place] == State::Running);
    --running_;
    states_[place] = trouble.empty() ? State::Succeeded : State::Failed;
    if (trouble.empty()) ++succeeded_;
    troubles_[place] = std::move(trouble);
}

bool WillRun::is_settled() const {
    if (running_ > 0) return false;
    for (std::uint32_t place = 0; place < states_.size(); ++place) {
        if (may_begin(place)) return false;
    }
    return true;
}

Duration WillRun::wait_max() const {
    Duration longest{};
    for (std::size_t place = 0; place < states_.size(); ++place) {
        if (states_[place] == State::Running) {
            longest = std::max(longest, will_.stops[place].run.timeout);
        }
    }
    return longest;
}

std::string WillRun::summary() const {
    std::string stopped;
    std::string failed;
    std::string left;
    for (std::size_t place = 0; place < states_.size(); ++place) {
        const Spawn& run = will_.stops[place].run;
        const std::string name =
            run.action == "stop" ? run.resource : concat(run.resource, " (", run.action, ')');
        std::string& list = states_[place] == State::Succeeded ? stopped
                            : states_[place] == State::Failed  ? failed
                                                               : left;
        list += concat(list.empty() ? "" : ", ", name);
        if (states_[place] == State::Failed) list += concat(" (", troubles_[place], ')');
    }
    const auto part = [](std::string_view title, const std::string& list) {
        return list.empty() ? std::string() : concat("; ", title, ' ', list);
    };
    return concat("stopped ", stopped.empty() ? "nothing" : stopped, part("failed:", failed),
                  part("not stopped:", left));
}

std::string trouble_of(const Reply& end) {
    if (const auto* failed = std::get_if<Failed>(&end)) return failed->text;
    const auto* done = std::get_if<Done>(&end);
    XB_CHECK(done != nullptr);
    if (done->timed_out) return "timed out";
    if (done->killed || done->signal != 0) return concat("ended by signal ", done->signal);
    if (done->exit_code == 0) return {};
    const std::string code = concat("exit code ", done->exit_code);
    return done->exit_reason.empty() ? code : concat(code, ": ", done->exit_reason);
}

std::string will_socket(const std::string& run_dir) { return concat(run_dir, "/last-will"); }

}  // namespace xbeat::agent
