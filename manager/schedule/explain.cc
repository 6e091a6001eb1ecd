// The hooks: what changed between two instants of a run, and under which cause.
#include "schedule/explain.h"

#include <algorithm>

namespace xbeat::schedule {
namespace {

bool same_entries(const Table& a, const Table& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](const Allowed& one, const Allowed& other) {
               return one.node == other.node && one.score == other.score;
           });
}

}  // namespace

void ScoreWatch::snapshot(const Resource& resource) {
    before_.emplace_back(&resource, resource.allowed);
    if (resource.kind == Kind::Bundle && resource.bundle != nullptr) {
        for (const Replica& replica : resource.bundle->parts) {
            for (const Resource* part : {replica.ip, replica.container, replica.connection}) {
                if (part != nullptr) snapshot(*part);
            }
        }
    }
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
    if (explanation_ == nullptr || before_ == instance_.priority) return;
    explanation_->changes.push_back(
        {.resource = instance_.id,
         .node = instance_.assigned == nullptr ? std::string() : instance_.assigned->name,
         .cause = about_.cause,
         .is_promotion = true,
         .id = std::string(about_.id),
         .other = std::string(about_.other),
         .before = Score::of(before_),
         .after = Score::of(instance_.priority)});
}

std::size_t explanation_mark(const World& world) {
    return world.record.explanation == nullptr ? 0 : world.record.explanation->changes.size();
}

void roll_back_explanation(World& world, std::size_t mark) {
    if (world.record.explanation != nullptr) world.record.explanation->changes.resize(mark);
}

void note_flow(World& world, const Step& step, std::uint32_t before, const Step* by,
               std::string_view why) {
    if (world.record.explanation == nullptr) return;
    world.record.flows.push_back(
        {.step = &step, .by = by, .before = before, .after = step.flags, .why = std::string(why)});
}

}  // namespace xbeat::schedule
