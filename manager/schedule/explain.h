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

/// One change of one score.
void note_score(World& world, const Resource& resource, const Node& node,
                const ScoreWatch::About& about, Score before, Score after);

/// One change of the score that decides about a promotion.
void note_promotion(World& world, const Resource& instance, const ScoreWatch::About& about,
                    Score before, Score after);

/// How the score for a promotion of each of a clone's instances becomes final: at its construction
/// they have their own, and each note() takes what the clone's table has for their nodes meanwhile.
class PromotionSumWatch {
public:
    PromotionSumWatch(World& world, const Resource& clone);
    void note(ScoreWatch::About about);

private:
    void take(const Resource& instance, const ScoreWatch::About& about, Score score);

    Explanation* explanation_;
    const Resource& clone_;
    std::vector<Score> last_;
};

/// A place was chosen among `nodes`, sorted; `prefer` was to be taken if it is as good as any, and
/// `why_prefer` says why.
void note_choice(World& world, const Resource& resource, const std::vector<Allowed>& nodes,
                 const Node* chosen, const Node* prefer = nullptr,
                 std::string_view why_prefer = {});

/// No instance of `with` is to be where `instance` is, so that it cannot be there either.
void note_unpaired(World& world, const Resource& instance, const Resource& with);

/// How much was recorded so far, and back to it: for trials that are undone.
struct ExplanationMark {
    std::size_t changes = 0;
    std::size_t decisions = 0;
};
[[nodiscard]] ExplanationMark explanation_mark(const World& world);
void roll_back_explanation(World& world, const ExplanationMark& mark);

/// The flags of `step` changed because of `why`.
void note_flow(World& world, const Step& step, std::uint32_t before, std::string_view why);

/// The flags of `step` changed because of `by`, which comes before it, or after it.
void note_flow(World& world, const Step& step, std::uint32_t before, const Step& by, bool by_first);

/// Fills the rest of world.record.explanation; `number`: a step's index -> its action in the plan,
/// or ~0 if it is not there.
void finish_explanation(World& world, const Plan& plan, const std::vector<std::uint32_t>& number);

}  // namespace xbeat::schedule
