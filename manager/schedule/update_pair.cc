// What one ordering does to the flags of two steps: plain steps, groups, and clones instance by
// instance, interleaved or as a whole.
#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/explain.h"
#include "schedule/settle.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

// What a primitive does for a collective resource's event.
Task plain_task(Task task) {
    switch (task) {
        case Task::Started:
            return Task::Start;
        case Task::Stopped:
            return Task::Stop;
        case Task::Promoted:
            return Task::Promote;
        case Task::Demoted:
            return Task::Demote;
        default:
            return task;
    }
}

// The task that a step is about: a notification is about another.
Task named_task(const Step& step) {
    switch (step.task) {
        case Task::Notify:
        case Task::Notified: {
            // "..._notify_TASK_0": the notification stands for the task itself.
            const std::size_t at = step.key.find("_notify_");
            if (at == std::string::npos) return step.task;
            std::string_view rest = std::string_view(step.key).substr(at + 8);
            rest = rest.substr(0, rest.rfind('_'));
            return parse_task(rest);
        }
        default:
            return step.task;
    }
}

// Groups have completion events of their own; only primitives stand for both with one step.
Task task_in(const Step& step, const Resource& instance) {
    const Task task = named_task(step);
    return instance.kind == Kind::Primitive ? plain_task(task) : task;
}

Step* part_step(const Resource& part, Task task, const Node* node) {
    for (auto at = part.steps.rbegin(); at != part.steps.rend(); ++at) {
        Step* step = *at;
        if (step->task != task || step->interval_ms != 0) continue;
        if (node == nullptr || step->node == node) return step;
    }
    return nullptr;
}

void handle_restart(Step& first, Step& then, std::uint32_t filter) {
    const bool restart = (filter & flag::kOptional) != 0 && !then.is(flag::kOptional);
    const bool stranded = (filter & flag::kRunnable) != 0 && !then.is(flag::kRunnable) &&
                          then.resource != nullptr && then.resource->managed &&
                          then.resource == first.resource;
    if (!restart && !stranded) return;
    if (first.is(flag::kRunnable)) set_optional(first, false);
    if (!then.is(flag::kOptional)) set_optional(first, false);
    if (!then.is(flag::kMigratable)) first.flags &= ~flag::kMigratable;
    if (!first.is(flag::kOptional) && !first.is(flag::kRunnable)) then.flags &= ~flag::kRunnable;
}

void handle_asymmetric(const Step& first, Step& then) {
    if (then.resource == nullptr || first.is(flag::kRunnable)) return;
    const Role role = role_of(*then.resource, true);
    if (role <= Role::Stopped && then.task == Task::Stop) return;
    if (role >= Role::Started && then.task == Task::Start && then.is(flag::kOptional) &&
        then.node != nullptr && then.resource->running_on.size() == 1 &&
        then.resource->running_on.front() == then.node) {
        return;
    }
    set_optional(then, false);
    then.flags &= ~flag::kRunnable;
}

Changed update_steps(World& world, Step& first, Step& then, std::uint32_t seen,
                     std::uint32_t filter, Effects effects) {
    const std::uint32_t first_before = first.flags;
    const std::uint32_t then_before = then.flags;
    const bool on_optional = (filter & flag::kOptional) != 0;
    if ((effects & kAsymmetric) != 0) handle_asymmetric(first, then);
    if ((effects & kThenDrivesFirst) != 0 && (then_before & flag::kOptional) == 0) {
        if (on_optional && (seen & flag::kOptional) == 0) set_optional(first, false);
        if ((seen & flag::kMigratable) != 0 && !then.is(flag::kMigratable)) {
            first.flags &= ~flag::kMigratable;
        }
    }
    if ((effects & kPromotedThenDrivesFirst) != 0 && on_optional && then.resource != nullptr &&
        then.resource->role == Role::Promoted && !then.is(flag::kOptional)) {
        set_optional(first, false);
        if (first.is(flag::kMigratable) && !then.is(flag::kMigratable)) {
            first.flags &= ~flag::kMigratable;
        }
    }
    if ((effects & kUnmigratableThenBlocks) != 0 && on_optional) {
        if (!then.is(flag::kMigratable | flag::kRunnable)) first.flags &= ~flag::kRunnable;
        if (!then.is(flag::kOptional)) set_optional(first, false);
    }
    if ((effects & kFirstElseThen) != 0 && on_optional && !first.is(flag::kRunnable)) {
        then.flags &= ~(flag::kMigratable | flag::kPseudo);
    }
    if ((effects & kFirstDrivesThen) != 0 && on_optional && then.is(flag::kOptional) &&
        (seen & flag::kOptional) == 0 && !first.is(flag::kMigratable)) {
        set_optional(then, false);
    }
    if ((effects & kFirstGates) != 0 && (filter & flag::kRunnable) != 0 &&
        then.is(flag::kRunnable) && (seen & flag::kRunnable) == 0) {
        then.flags &= ~(flag::kRunnable | flag::kMigratable);
    }
    if ((effects & kRestartPair) != 0) handle_restart(first, then, filter);
    Changed changed;
    changed.then = then.flags != then_before;
    changed.first = first.flags != first_before;
    if (world.record.explanation != nullptr) {
        if (changed.then) note_flow(world, then, then_before, first, true);
        if (changed.first) note_flow(world, first, first_before, then, false);
    }
    if (changed.then && then.resource != nullptr && then.resource->parent != nullptr) {
        settle(world, then);
    }
    return changed;
}

void settle_followers(World& world, const Step& step) {
    for (std::size_t at = 0; at < step.after.size(); ++at) settle(world, *step.after[at].step);
}

bool can_interleave(const Step& first, const Step& then) {
    if (first.resource == nullptr || then.resource == nullptr || first.resource == then.resource ||
        !is_clone_or_bundle(*first.resource) || !is_clone_or_bundle(*then.resource)) {
        return false;
    }
    const bool going_down = then.task == Task::Stop || then.task == Task::Demote;
    return interleaves(going_down ? *first.resource : *then.resource);
}

enum class Side : std::uint8_t { First, Then };

// The step of an instance that takes part in an interleaved ordering. Of a bundle's replica, what
// comes first is what runs inside, for the others need the service and not the container; except
// that a stop is that of the container. What comes second is the container, except for roles,
// which only what runs inside has.
Step* instance_step(const Step& collective, const Resource& instance, Side side, Task task,
                    const Node* node) {
    const bool is_stop = collective.task == Task::Stop || collective.task == Task::Stopped;
    const Task plain = plain_task(collective.task);
    const bool is_role = plain == Task::Promote || plain == Task::Demote;
    if (side == Side::First ? !is_stop : is_role) {
        const Replica* replica = replica_of(instance);
        if (replica != nullptr && replica->container == &instance && replica->child != nullptr) {
            return part_step(*replica->child, task, nullptr);
        }
    }
    return part_step(instance, task, node);
}

Changed update_interleaved(World& world, Step& first, Step& then, const Node* node,
                           std::uint32_t filter, Effects effects) {
    Changed changed;
    const bool current = first.task == Task::Stopped || first.task == Task::Demoted ||
                         first.key.ends_with("_stopped_0") || first.key.ends_with("_demoted_0");
    for (Resource* then_instance : instances_of(*then.resource)) {
        Resource* first_instance =
            compatible_instance(world, *then_instance, *first.resource, Role::Unknown, current);
        if (first_instance == nullptr) {
            // Nobody to pair with: it may go down, but not come up.
            if (!current && (effects & (kFirstGates | kFirstDrivesThen)) != 0 &&
                place_of(*then_instance, false) != nullptr) {
                note_unpaired(world, *then_instance, *first.resource);
                assign_to(world, *then_instance, nullptr, true, true);
                changed.then = true;
            }
            continue;
        }
        Step* first_step = instance_step(first, *first_instance, Side::First,
                                         task_in(first, *first_instance), node);
        Step* then_step = instance_step(then, *then_instance, Side::Then, then.task, node);
        if (first_step == nullptr || then_step == nullptr) continue;
        if (link_steps(*first_step, *then_step, effects)) changed |= Changed{true, true};
        changed |= update_pair(world, *then_instance, *first_step, *then_step, node,
                               step_flags(*first_step, node), filter, effects);
    }
    return changed;
}

Changed update_instances(World& world, Step& first, Step& then, const Node* node,
                         std::uint32_t seen, std::uint32_t filter, Effects effects) {
    if (can_interleave(first, then)) {
        return update_interleaved(world, first, then, node, filter, effects);
    }
    Changed changed = update_steps(world, first, then, seen, filter, effects);
    if (then.resource == nullptr || !is_clone_or_bundle(*then.resource)) return changed;
    for (Resource* instance : instances_of(*then.resource)) {
        Step* step = part_step(*instance, then.task, node);
        if (step == nullptr || (step_flags(*step, node) & flag::kRunnable) == 0) continue;
        const Changed below =
            update_pair(world, *instance, first, *step, node, seen, filter, effects);
        changed |= below;
        if (below.then) settle_followers(world, *step);
    }
    return changed;
}

std::uint32_t group_flags(Step& step, const Node* node) {
    std::uint32_t flags = flag::kOptional | flag::kRunnable | flag::kPseudo;
    for (Resource* member : step.resource->children) {
        const Task task = task_in(step, *member);
        Step* part = part_step(*member, task, node);
        if (part != nullptr) {
            const std::uint32_t below = step_flags(*part, node);
            if ((below & flag::kOptional) == 0) {
                flags &= ~flag::kOptional;
                set_optional(step, false);
            }
            if (task != step.task && (below & flag::kRunnable) == 0) {
                flags &= ~flag::kRunnable;
                step.flags &= ~flag::kRunnable;
            }
        } else if (task != Task::Stop && task != Task::Demote) {
            flags &= ~flag::kRunnable;
        }
    }
    return flags;
}

std::uint32_t collective_flags(Step& step, const std::vector<Resource*>& instances,
                               const Node* node) {
    std::uint32_t flags = flag::kOptional | flag::kRunnable | flag::kPseudo;
    bool any_runnable = false;
    for (Resource* instance : instances) {
        Step* part = part_step(*instance, task_in(step, *instance),
                               instance->kind == Kind::Primitive ? node : nullptr);
        if (part == nullptr) continue;
        const std::uint32_t below = step_flags(*part, node);
        if ((below & flag::kOptional) == 0) {
            flags &= ~flag::kOptional;
            set_optional(step, false);
        }
        if ((below & flag::kRunnable) != 0) any_runnable = true;
    }
    if (!any_runnable) {
        flags &= ~flag::kRunnable;
        if (node == nullptr) step.flags &= ~flag::kRunnable;
    }
    return flags;
}

}  // namespace

std::uint32_t step_flags(Step& step, const Node* node) {
    if (step.resource == nullptr) return step.flags;
    switch (step.resource->kind) {
        case Kind::Primitive:
            return step.flags;
        case Kind::Group:
            return group_flags(step, node);
        case Kind::Clone:
            return collective_flags(step, step.resource->children, node);
        case Kind::Bundle: {
            const Resource* child = step.resource->bundle->child;
            const Task task = plain_task(step.task);
            const bool is_role = task == Task::Promote || task == Task::Demote;
            if (child != nullptr && is_role) return collective_flags(step, child->children, node);
            return collective_flags(step, instances_of(*step.resource), node);
        }
    }
    return step.flags;
}

Changed update_pair(World& world, Resource& method, Step& first, Step& then, const Node* node,
                    std::uint32_t seen, std::uint32_t filter, Effects effects) {
    switch (method.kind) {
        case Kind::Primitive:
            return update_steps(world, first, then, seen, filter, effects);
        case Kind::Group: {
            Changed changed = update_steps(world, first, then, seen, filter, effects);
            for (Resource* member : method.children) {
                Step* part = part_step(*member, then.task, node);
                if (part == nullptr) continue;
                const Changed below =
                    update_pair(world, *member, first, *part, node, seen, filter, effects);
                changed |= below;
                if (below.then) settle_followers(world, *part);
            }
            return changed;
        }
        case Kind::Clone:
        case Kind::Bundle:
            return update_instances(world, first, then, node, seen, filter, effects);
    }
    return {};
}

}  // namespace xbeat::schedule
