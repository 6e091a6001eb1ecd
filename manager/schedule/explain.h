// Recording why: the hooks that stages call, and the end where they become an Explanation.
//
// Without an Explanation to fill a hook is one comparison. No decision looks at what is recorded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schedule/explanation.h"
#include "schedule/plan.h"
#include "schedule/world.h"

namespace xbeat::schedule {

/// Compares the tables of a resource and everything below it before and after, and records what
/// changed in between under one cause. For a promotion it compares the promotion priority.
class ScoreWatch {
public:
    struct About {
        ScoreCause cause;
        std::string_view id = {};
        std::string_view other = {};
    };
    ScoreWatch(World& world, const Resource& resource, About about)
        : explanation_(world.record.explanation) {
        if (explanation_ != nullptr) begin(resource, about);
    }
    ScoreWatch(const ScoreWatch&) = delete;
    ScoreWatch& operator=(const ScoreWatch&) = delete;
    ~ScoreWatch() {
        if (explanation_ != nullptr) end();
    }

private:
    void begin(const Resource& resource, const About& about);
    void end();
    void snapshot(const Resource& resource);

    Explanation* explanation_;
    ScoreChange about_;
    std::vector<std::pair<const Resource*, Table>> before_;
};

/// The same for the score that decides about a promotion.
class PromotionWatch {
public:
    PromotionWatch(World& world, const Resource& instance, ScoreWatch::About about);
    PromotionWatch(const PromotionWatch&) = delete;
    PromotionWatch& operator=(const PromotionWatch&) = delete;
    ~PromotionWatch();

private:
    Explanation* explanation_;
    const Resource& instance_;
    ScoreWatch::About about_;
    std::int32_t before_;
};

/// How much was recorded so far, and back to it: for trials that are undone.
[[nodiscard]] std::size_t explanation_mark(const World& world);
void roll_back_explanation(World& world, std::size_t mark);

/// The flags of `step` changed because of `by` (or, without it, because of `why`).
void note_flow(World& world, const Step& step, std::uint32_t before, const Step* by,
               std::string_view why = {});

/// Fills the rest of world.record.explanation; `number`: a step's index -> its action in the plan,
/// or ~0 if it is not there.
void finish_explanation(World& world, const Plan& plan, const std::vector<std::uint32_t>& number);

}  // namespace xbeat::schedule
