#include "schedule/settle.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/explain.h"
#include "schedule/propagate.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

bool is_ancestor(const Resource& ancestor, const Resource& of) {
    for (const Resource* at = of.parent; at != nullptr; at = at->parent) {
        if (at == &ancestor) return true;
    }
    return false;
}

// A collective resource's start is done when its "running" event is; with notifications, when
// everybody has been told.
Step& completion_for_ordering(Step& step) {
    Resource* resource = step.resource;
    if (resource == nullptr || resource->kind == Kind::Primitive || step.interval_ms > 0) {
        return step;
    }
    if (step.task == Task::Notify || step.task == Task::Notified) return step;
    Task complete = completion_of(step.task);
    if (complete == Task::None) complete = step.task;
    if (resource->notify && is_clone_or_bundle(*resource)) {
        const std::string key =
            concat(resource->id, "_confirmed-post_notify_", to_string(complete), "_0");
        const std::vector<Step*> found = find_steps_by_key(*resource, key);
        if (!found.empty()) return *found.front();
        return step;
    }
    Step* found = find_step(*resource, complete);
    return found == nullptr ? step : *found;
}

const Node* place_for_ordering(const Step& step) {
    if (step.resource == nullptr || step.resource->kind != Kind::Group ||
        step.task != Task::Start) {
        return step.node;
    }
    for (const Resource* member : step.resource->children) {
        if (member->assigned != nullptr) return member->assigned;
    }
    return step.node;
}

class PairUpdate {
public:
    PairUpdate(World& world, Step& first, Step& then, Effects effects)
        : world_(world), first_(first), then_(then), effects_(effects) {}

    // `seen`, `then_seen`: the flags of each as the other sees them.
    Changed run(std::uint32_t seen, std::uint32_t then_seen, const Node* place) {
        seen_ = seen;
        then_seen_ = then_seen;
        node_ = place;
        if (has(kFirstDrivesThenOnNode)) {
            effects_ = (effects_ & ~kFirstDrivesThenOnNode) | kFirstDrivesThen;
            node_ = first_.node;
        }
        drive();
        count_enough();
        gate();
        if (has(kUnmigratableThenBlocks)) then_method(flag::kOptional, kUnmigratableThenBlocks);
        if (has(kFirstElseThen)) then_method(flag::kOptional, kFirstElseThen);
        if (has(kPlain)) then_method(flag::kRunnable, kPlain);
        // Changes nothing but that instances which interleave are ordered by pairs.
        if (has(kSerialize)) then_method(flag::kRunnable, kSerialize);
        if (has(kAsymmetric)) then_method(flag::kRunnable, kAsymmetric);
        pull();
        return changed_;
    }

private:
    [[nodiscard]] bool has(Effects effects) const { return (effects_ & effects) != 0; }

    void then_method(std::uint32_t filter, Effects effects, std::uint32_t mask = ~0U) {
        if (then_.resource == nullptr) return;
        changed_ |= update_pair(world_, *then_.resource, first_, then_, node_, seen_ & mask, filter,
                                effects);
    }

    void drive() {
        if (has(kFirstDrivesThen)) {
            if (then_.resource != nullptr) {
                then_method(flag::kOptional, kFirstDrivesThen, flag::kOptional);
            } else if ((seen_ & flag::kOptional) == 0 && then_.is(flag::kOptional)) {
                set_optional(then_, false);
                changed_.then = true;
            }
        }
        if (has(kRestartPair)) then_method(flag::kOptional | flag::kRunnable, kRestartPair);
        if (has(kThenDrivesFirst)) {
            if (first_.resource != nullptr) {
                changed_ |= update_pair(world_, *first_.resource, first_, then_, node_, seen_,
                                        flag::kOptional, kThenDrivesFirst);
            } else if ((seen_ & flag::kOptional) == 0 && first_.is(flag::kRunnable)) {
                first_.flags &= ~flag::kRunnable;
                changed_.first = true;
            }
        }
        if (has(kPromotedThenDrivesFirst)) {
            then_method(flag::kOptional, kPromotedThenDrivesFirst, flag::kOptional);
        }
    }

    void count_enough() {
        if (!has(kMinRunnable)) return;
        if (then_.resource != nullptr) {
            then_method(flag::kRunnable, kMinRunnable);
        } else if ((seen_ & flag::kRunnable) != 0) {
            ++then_.runnable_before;
            if (then_.runnable_before >= then_.required_runnable_before &&
                !then_.is(flag::kRunnable)) {
                then_.flags |= flag::kRunnable;
                changed_.then = true;
            }
        }
    }

    void gate() {
        if (has(kNestedRemoteProbe) && then_.resource != nullptr) {
            const bool up = first_.resource != nullptr && !first_.resource->running_on.empty();
            if ((seen_ & flag::kRunnable) != 0 || !up) {
                then_method(flag::kRunnable, kFirstGates);
            }
        }
        if (!has(kFirstGates)) return;
        if (then_.resource != nullptr) {
            then_method(flag::kRunnable, kFirstGates);
        } else if ((seen_ & flag::kRunnable) == 0 && then_.is(flag::kRunnable)) {
            block_then();
        }
    }

    void pull() {
        if (has(kFirstPullsThen) && first_.is(flag::kRunnable) && (seen_ & flag::kOptional) == 0) {
            then_.flags |= flag::kAlwaysInGraph;
        }
        if (has(kThenPullsFirst) && (then_seen_ & flag::kOptional) == 0) {
            first_.flags |= flag::kAlwaysInGraph;
        }
        if (has(kFirstDrivesThen | kThenDrivesFirst | kRestartPair) && first_.resource != nullptr &&
            !first_.resource->managed && first_.resource->blocked && !first_.is(flag::kRunnable) &&
            first_.task == Task::Stop && then_.is(flag::kRunnable)) {
            block_then();
        }
    }

    void block_then() {
        const std::uint32_t before = then_.flags;
        then_.flags &= ~flag::kRunnable;
        changed_.then = true;
        note_flow(world_, then_, before, first_, true);
        // Such a block is no trigger in crm_simulate's summary.
        if (!world_.record.flows.empty()) world_.record.flows.back().is_trigger = false;
    }

    World& world_;
    Step& first_;
    Step& then_;
    Effects effects_;
    std::uint32_t seen_ = 0;
    std::uint32_t then_seen_ = 0;
    const Node* node_ = nullptr;
    Changed changed_;
};

void settle_after(World& world, Step& step) {
    // The newest first; what is linked meanwhile has its turn when its step changes.
    for (std::size_t at = step.after.size(); at-- > 0;) settle(world, *step.after[at].step);
}

void cancel_first(Step& first, const Step& then, Effects effects) {
    if (first.resource == nullptr || (effects & kThenCancelsFirst) == 0 ||
        then.is(flag::kOptional)) {
        return;
    }
    set_optional(first, true);
    if (first.task == Task::ReloadAgent) first.resource->reload = false;
}

// One input of a step. True if the step's own flags changed.
bool settle_input(World& world, Step& then, std::size_t at) {
    Edge& edge = then.before[at];
    if (edge.effects == kNone) return false;
    Step* first = edge.step;
    const Node* first_place = place_for_ordering(*first);
    const Node* then_place = place_for_ordering(then);
    if ((edge.effects & kSameNode) != 0 && first_place != nullptr && then_place != nullptr &&
        first_place != then_place) {
        edge.effects = kNone;
        return false;
    }
    cancel_first(*first, then, edge.effects);
    if (first->resource != nullptr && then.resource != nullptr &&
        first->resource != then.resource && !is_ancestor(*first->resource, *then.resource)) {
        first = &completion_for_ordering(*first);
    }
    const Effects effects = edge.effects;
    if (first != edge.step) {
        // The completion stands for the step itself from now on.
        if (!link_steps(*first, then, effects)) return false;
        then.before[at].effects = kNone;
        return true;
    }
    const std::uint32_t seen = flags_for_ordering(*first, then_place);
    const std::uint32_t then_seen = flags_for_ordering(then, first_place);
    const Changed changed =
        PairUpdate(world, *first, then, effects).run(seen, then_seen, then.node);
    if (changed.first) {
        settle_after(world, *first);
        settle(world, *first);
    }
    return changed.then;
}

void mark_blocked(World& world, Resource& resource, Task task, const Resource& primary) {
    for (Step* step : resource.steps) {
        if (step->task != task || !step->is(flag::kRunnable)) continue;
        step->flags &= ~flag::kRunnable;
        if (world.record.explanation != nullptr) {
            note_flow(world, *step, step->flags | flag::kRunnable,
                      concat("it has to be with ", primary.id, ", which cannot come up"));
        }
        block_colocated(world, *step);
        settle(world, *step);
        settle_after(world, *step);
    }
    for (Resource* child : resource.children) mark_blocked(world, *child, task, primary);
}

}  // namespace

std::uint32_t flags_for_ordering(Step& step, const Node* node) {
    if (step.resource == nullptr) return step.flags;
    std::uint32_t flags = step_flags(step, nullptr);
    if (node == nullptr || !is_clone(*step.resource)) return flags;
    const bool runnable = (flags & flag::kRunnable) != 0;
    flags = step_flags(step, node);
    return runnable ? flags | flag::kRunnable : flags;
}

void settle(World& world, Step& then) {
    const std::uint32_t before = then.flags;
    if (then.is(flag::kNeedsEnough)) {
        then.runnable_before = 0;
        if (then.required_runnable_before == 0) then.required_runnable_before = 1;
        then.flags &= ~flag::kRunnable;
    }
    bool changed = false;
    for (std::size_t at = then.before.size(); at-- > 0;) {
        if (settle_input(world, then, at)) changed = true;
    }
    if (then.is(flag::kNeedsEnough)) changed = before != then.flags;
    if (!changed) return;
    if ((before & flag::kRunnable) != 0 && !then.is(flag::kRunnable)) {
        block_colocated(world, then);
    }
    settle(world, then);
    settle_after(world, then);
}

void block_colocated(World& world, Step& step) {
    if (step.is(flag::kRunnable) || step.resource == nullptr) return;
    const bool is_start = step.task == Task::Start;
    if (!is_start && step.task != Task::Promote) return;
    Resource* resource = top_of(*step.resource, true);
    // Only if no instance can do it does the collective resource fail to.
    for (const Resource* child : resource->children) {
        const Step* peer = find_step(*child, step.task);
        if (peer != nullptr && peer->is(flag::kRunnable)) return;
    }
    for (const Colocation* each : resource->colocated_by) {
        if (each->score != Score::always()) continue;
        if (!is_start && each->primary_role != Role::Promoted) continue;
        mark_blocked(world, *each->dependent,
                     each->dependent_role == Role::Promoted ? Task::Promote : Task::Start,
                     *resource);
    }
}

}  // namespace xbeat::schedule
