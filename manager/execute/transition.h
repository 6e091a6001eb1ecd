// A plan that is being carried out: which actions are done, which run, which may start now.
//
// An action may start when all its inputs are done. What starting one means, and what its result
// means for the cluster, is decided by who walks the plan.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "schedule/plan.h"

namespace xbeat::execute {

enum class Progress : std::uint8_t { Waiting, Running, Done, Failed };

class Transition {
public:
    Transition(schedule::Plan plan, std::int64_t number, Now began);

    [[nodiscard]] const schedule::Plan& plan() const { return plan_; }
    [[nodiscard]] const schedule::Action& action(std::uint32_t index) const {
        return plan_.actions[index];
    }
    [[nodiscard]] std::int64_t number() const { return number_; }
    [[nodiscard]] Now began() const { return began_; }
    [[nodiscard]] Progress progress(std::uint32_t index) const { return progress_[index]; }

    /// Actions that wait and whose inputs are all done: higher priority first, then by number.
    [[nodiscard]] std::vector<std::uint32_t> ready() const;
    void set(std::uint32_t index, Progress progress);
    /// All actions that come after this one, near or far, by number.
    [[nodiscard]] std::vector<std::uint32_t> dependents(std::uint32_t index) const;

    /// No further action of this plan may start.
    [[nodiscard]] bool is_aborted() const { return is_aborted_; }
    void abort() { is_aborted_ = true; }
    [[nodiscard]] bool has_failures() const { return has_failures_; }
    /// Nothing runs and nothing can start any more.
    [[nodiscard]] bool is_settled() const;
    /// Actions that are more than bookkeeping (pseudo events): done, and all.
    [[nodiscard]] std::size_t real_done() const;
    [[nodiscard]] std::size_t real_total() const;
    [[nodiscard]] std::size_t running() const { return running_; }

private:
    schedule::Plan plan_;
    std::int64_t number_ = 0;
    Now began_;
    std::vector<Progress> progress_;
    std::vector<std::uint32_t> open_inputs_;  // how many inputs of each action are not done
    std::vector<std::vector<std::uint32_t>> followers_;
    std::size_t running_ = 0;
    bool is_aborted_ = false;
    bool has_failures_ = false;
};

}  // namespace xbeat::execute
