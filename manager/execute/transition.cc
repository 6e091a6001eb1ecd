#include "execute/transition.h"

#include <algorithm>

#include "core/check.h"

namespace xbeat::execute {

Transition::Transition(schedule::Plan plan, std::int64_t number, Now began)
    : plan_(std::move(plan)),
      number_(number),
      began_(began),
      progress_(plan_.actions.size(), Progress::Waiting),
      open_inputs_(plan_.actions.size(), 0),
      followers_(plan_.actions.size()) {
    for (std::uint32_t i = 0; i < plan_.actions.size(); ++i) {
        for (const std::uint32_t input : plan_.actions[i].inputs) {
            XB_CHECK(input < plan_.actions.size());
            followers_[input].push_back(i);
            ++open_inputs_[i];
        }
    }
}

std::vector<std::uint32_t> Transition::ready() const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < progress_.size(); ++i) {
        if (progress_[i] == Progress::Waiting && open_inputs_[i] == 0) out.push_back(i);
    }
    std::stable_sort(out.begin(), out.end(), [this](std::uint32_t a, std::uint32_t b) {
        return plan_.actions[a].priority > plan_.actions[b].priority;
    });
    return out;
}

void Transition::set(std::uint32_t index, Progress progress) {
    XB_CHECK(index < progress_.size());
    const Progress before = progress_[index];
    if (before == progress) return;
    XB_CHECK(before != Progress::Done);
    if (before == Progress::Running) --running_;
    if (progress == Progress::Running) ++running_;
    progress_[index] = progress;
    if (progress == Progress::Failed) has_failures_ = true;
    if (progress == Progress::Done) {
        for (const std::uint32_t follower : followers_[index]) --open_inputs_[follower];
    }
}

std::vector<std::uint32_t> Transition::dependents(std::uint32_t index) const {
    std::vector<bool> seen(progress_.size(), false);
    std::vector<std::uint32_t> to_visit = {index};
    while (!to_visit.empty()) {
        const std::uint32_t at = to_visit.back();
        to_visit.pop_back();
        for (const std::uint32_t follower : followers_[at]) {
            if (seen[follower]) continue;
            seen[follower] = true;
            to_visit.push_back(follower);
        }
    }
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < seen.size(); ++i) {
        if (seen[i]) out.push_back(i);
    }
    return out;
}

bool Transition::is_settled() const { return running_ == 0 && (is_aborted_ || ready().empty()); }

std::size_t Transition::real_total() const {
    return static_cast<std::size_t>(std::count_if(
        plan_.actions.begin(), plan_.actions.end(),
        [](const auto& action) { return action.kind != schedule::ActionKind::Pseudo; }));
}

std::size_t Transition::real_done() const {
    std::size_t done = 0;
    for (std::uint32_t i = 0; i < progress_.size(); ++i) {
        if (plan_.actions[i].kind == schedule::ActionKind::Pseudo) continue;
        if (progress_[i] == Progress::Done) ++done;
    }
    return done;
}

}  // namespace xbeat::execute
