// The hooks: what changed between two instants of a run, and under which cause.
#include "schedule/explain.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"

namespace xbeat::schedule {
namespace {

bool same_entries(const Table& a, const Table& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](const Allowed& one, const Allowed& other) {
               return one.node == other.node && one.score == other.score;
           });
}

// What decided between two nodes with one score, in the order in which it is looked at.
std::string tie_between(const World& world, const Allowed& chosen, const Allowed& rival,
                        const Node* active) {
    if (world.options.placement != "minimal") {
        if (world.options.placement == "balanced" &&
            compare_capacity(*chosen.node, *rival.node) < 0) {
            return "it has more capacity left";
        }
        if (chosen.node->assigned_count < rival.node->assigned_count) {
            return "it has fewer resources";
        }
    }
    if (chosen.node == active) return "it runs there";
    return "its name comes first";
}

void note_promotion(Explanation& told, const Resource& instance, const ScoreWatch::About& about,
                    Score before, Score after) {
    if (before == after) return;
    told.changes.push_back(
        {.resource = instance.id,
         .node = instance.assigned == nullptr ? std::string() : instance.assigned->name,
         .cause = about.cause,
         .is_promotion = true,
         .id = std::string(about.id),
         .other = std::string(about.other),
         .before = before,
         .after = after});
}

}  // namespace

void ScoreWatch::snapshot(const Resource& resource) {
    before_.emplace_back(&resource, resource.allowed);
    for (const Resource* child : resource.children) snapshot(*child);
}

void ScoreWatch::begin(const Resource& resource, const About& about) {
    about_.cause = about.cause;
    about_.id = about.id;
    about_.other = about.other;
    snapshot(resource);
}

void ScoreWatch::end() {
    for (const auto& [resource, old] : before_) {
        if (same_entries(old, resource->allowed)) continue;
        for (const Allowed& entry : resource->allowed) {
            const Allowed* was = old.find(entry.node);
            const Score before = was == nullptr ? Score::of(entry.node->initial_score) : was->score;
            if (was != nullptr && before == entry.score) continue;
            ScoreChange change = about_;
            change.resource = resource->id;
            change.node = entry.node->name;
            change.before = before;
            change.after = entry.score;
            explanation_->changes.push_back(std::move(change));
        }
    }
}

PromotionWatch::PromotionWatch(World& world, const Resource& instance, ScoreWatch::About about)
    : explanation_(world.record.explanation),
      instance_(instance),
      about_(about),
      before_(instance.priority) {}

PromotionWatch::~PromotionWatch() {
    if (explanation_ == nullptr) return;
    note_promotion(*explanation_, instance_, about_, Score::of(before_),
                   Score::of(instance_.priority));
}

void note_promotion(World& world, const Resource& instance, const ScoreWatch::About& about,
                    Score before, Score after) {
    if (world.record.explanation == nullptr) return;
    note_promotion(*world.record.explanation, instance, about, before, after);
}

void note_score(World& world, const Resource& resource, const Node& node,
                const ScoreWatch::About& about, Score before, Score after) {
    if (world.record.explanation == nullptr || before == after) return;
    world.record.explanation->changes.push_back({.resource = resource.id,
                                                 .node = node.name,
                                                 .cause = about.cause,
                                                 .id = std::string(about.id),
                                                 .other = std::string(about.other),
                                                 .before = before,
                                                 .after = after});
}

PromotionSumWatch::PromotionSumWatch(World& world, const Resource& clone)
    : explanation_(world.record.explanation), clone_(clone) {
    if (explanation_ == nullptr) return;
    for (const Resource* instance : clone.children) {
        last_.push_back(Score::of(instance->priority));
        take(*instance, {ScoreCause::Role}, Score::of(instance->sort_index));
    }
}

void PromotionSumWatch::note(ScoreWatch::About about) {
    if (explanation_ == nullptr) return;
    for (const Resource* instance : clone_.children) {
        const Node* chosen = place_of(*instance, false);
        const Allowed* entry = chosen == nullptr ? nullptr : clone_.allowed.find(chosen);
        if (entry != nullptr && instance->sort_index >= 0) take(*instance, about, entry->score);
    }
}

void PromotionSumWatch::take(const Resource& instance, const ScoreWatch::About& about,
                             Score score) {
    const auto at = std::find(clone_.children.begin(), clone_.children.end(), &instance);
    Score& last = last_[static_cast<std::size_t>(at - clone_.children.begin())];
    const Node* chosen = place_of(instance, false);
    if (chosen == nullptr) return;
    note_promotion(*explanation_, instance, about, last, score);
    last = score;
}

void note_choice(World& world, const Resource& resource, const std::vector<Allowed>& nodes,
                 const Node* chosen, const Node* prefer, std::string_view why_prefer) {
    if (world.record.explanation == nullptr) return;
    Decision decision{.resource = &resource,
                      .changes = world.record.explanation->changes.size(),
                      .nodes = nodes,
                      .tie = {},
                      .equals = {}};
    if (nodes.empty()) decision.nodes = sorted_nodes(world, resource.allowed, active_on(resource));
    const auto at = std::find_if(nodes.begin(), nodes.end(),
                                 [chosen](const Allowed& each) { return each.node == chosen; });
    if (at != nodes.end() && is_usable(*chosen) && at->score >= Score()) {
        const Allowed* rival = nullptr;
        for (const Allowed& each : nodes) {
            if (each.node == chosen || each.score != at->score || !is_usable(*each.node)) continue;
            if (rival == nullptr) rival = &each;
            decision.equals.push_back(each.node);
        }
        if (rival != nullptr) {
            decision.tie = prefer == chosen ? std::string(why_prefer)
                                            : tie_between(world, *at, *rival, active_on(resource));
        }
    }
    world.record.decisions.push_back(std::move(decision));
}

void note_unpaired(World& world, const Resource& instance, const Resource& with) {
    if (world.record.explanation == nullptr) return;
    const Node* place = place_of(instance, false);
    world.record.unpaired.emplace_back(
        &instance, concat("no instance of ", with.id, " will run ",
                          place == nullptr ? "where it could be" : concat("on ", place->name),
                          " for it to go with (interleave)"));
}

ExplanationMark explanation_mark(const World& world) {
    if (world.record.explanation == nullptr) return {};
    return {world.record.explanation->changes.size(), world.record.decisions.size()};
}

void roll_back_explanation(World& world, const ExplanationMark& mark) {
    if (world.record.explanation == nullptr) return;
    world.record.explanation->changes.resize(mark.changes);
    world.record.decisions.resize(mark.decisions);
}

void note_flow(World& world, const Step& step, std::uint32_t before, std::string_view why) {
    if (world.record.explanation == nullptr) return;
    world.record.flows.push_back(
        {.step = &step, .before = before, .after = step.flags, .why = std::string(why)});
}

void note_flow(World& world, const Step& step, std::uint32_t before, const Step& by,
               bool by_first) {
    if (world.record.explanation == nullptr) return;
    world.record.flows.push_back({.step = &step,
                                  .by = &by,
                                  .by_first = by_first,
                                  .before = before,
                                  .after = step.flags,
                                  .why = {}});
}

}  // namespace xbeat::schedule
