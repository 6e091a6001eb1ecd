#include "schedule/internal.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/constraints.h"
#include "schedule/explain.h"
#include "schedule/steps.h"
#include "schedule/unfence.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

void internal_constraints(World& world, Resource& resource);

void avoid_remote_nodes(Resource& resource) {
    for (Allowed& entry : resource.allowed) {
        if (entry.node->remote != nullptr) entry.score = Score::never();
    }
}

// "load_stopped_NODE": all that leaves a node has left before anything new comes.
Step& load_stopped(World& world, Node& node) {
    const std::string name = concat("load_stopped_", node.name);
    Step& step = make_step(world, {.task = Task::Other, .key = name, .task_text = name});
    step.flags |= flag::kPseudo;
    if (step.node == nullptr) {
        step.node = &node;
        set_optional(step, false);
    }
    return step;
}

void utilization_constraints(World& world, Resource& resource) {
    for (Node* node : resource.running_on) {
        order_to_step(world, &resource, Task::Stop, &load_stopped(world, *node), kSameNodeOrTarget);
    }
    for (const Allowed& entry : resource.allowed) {
        Step& gate = load_stopped(world, *entry.node);
        order_from_step(world, &gate, &resource, Task::Start, kSameNodeOrTarget);
        order_from_step(world, &gate, &resource, Task::MigrateTo, kSameNodeOrTarget);
    }
}

Resource* connection_inside(const Resource& launcher) {
    for (Resource* launched : launcher.launched) {
        if (launched->is_connection) return launched;
    }
    return nullptr;
}

void launcher_constraints(World& world, Resource& resource) {
    Resource& launcher = *resource.launcher;
    Resource* via = nullptr;
    if (resource.is_connection) {
        // Remote nodes are not nested, except that bundles may run on them.
        if (!resource.allow_guest_remotes) {
            const ScoreWatch watch(world, launcher, {ScoreCause::Remote});
            avoid_remote_nodes(launcher);
        }
        order(world, &launcher, Task::Monitor, &resource, Task::Stop, kPlain);
    } else if (launcher.is_connection) {
        via = &launcher;
    } else {
        via = connection_inside(launcher);
    }
    if (via != nullptr) {
        const ScoreWatch watch(world, resource, {ScoreCause::Guest, {}, via->id});
        for (Allowed& entry : resource.allowed) {
            if (entry.node->remote != via) entry.score = Score::never();
        }
        return;
    }
    order(world, &launcher, Task::Start, &resource, Task::Start, kFirstDrivesThen | kFirstGates);
    order(world, &resource, Task::Stop, &launcher, Task::Stop, kThenDrivesFirst);
    const Score score = resource.allow_guest_remotes ? Score::of(10000) : Score::always();
    add_colocation(world, "#resource-with-container", "", score, &resource, &launcher,
                   Role::Unknown, Role::Unknown, true);
}

void primitive_constraints(World& world, Resource& resource) {
    if (!resource.managed) return;
    order(world, &resource, Task::Stop, &resource, Task::Start,
          kPlain | kFirstDrivesThen | kRestartPair);
    if (top_of(resource)->promotable || resource.role > Role::Unpromoted) {
        order(world, &resource, Task::Demote, &resource, Task::Stop, kPromotedThenDrivesFirst);
        order(world, &resource, Task::Start, &resource, Task::Promote, kFirstGates);
    }
    order(world, &resource, Task::Delete, &resource, Task::Monitor, kSameNode | kThenCancelsFirst);
    if (!resource.is_fence_device && world.options.have_unfencing && resource.needs_unfencing) {
        order_unfencing(world, resource);
    }
    if (!resource.utilization.empty() && world.options.placement != "default") {
        utilization_constraints(world, resource);
    }
    if (resource.launcher != nullptr) launcher_constraints(world, resource);
    if (resource.is_connection || resource.is_fence_device) {
        const ScoreWatch watch(world, resource, {ScoreCause::Remote});
        avoid_remote_nodes(resource);
    }
}

void bracket_member(World& world, Resource& group, Resource& member, bool promotable, Effects down,
                    Effects after_down) {
    if (promotable) {
        order(world, &group, Task::Demote, &member, Task::Demote, down);
        order(world, &member, Task::Demote, &group, Task::Demoted, after_down);
        order(world, &member, Task::Promote, &group, Task::Promoted,
              kFirstGates | kFirstDrivesThen | kFirstPullsThen);
        order(world, &group, Task::Promote, &member, Task::Promote, kThenPullsFirst);
    }
    order(world, &group, Task::Stop, &member, Task::Stop, down);
    order(world, &member, Task::Stop, &group, Task::Stopped, after_down);
    order(world, &group, Task::Start, &member, Task::Start, kThenPullsFirst);
    order(world, &member, Task::Start, &group, Task::Started,
          kFirstGates | kFirstDrivesThen | kFirstPullsThen);
}

void chain_member(World& world, Resource& group, Resource& member, Resource* previous,
                  bool promotable) {
    if (!group.group_ordered) {
        const Effects together = kPlain | kFirstDrivesThen | kFirstGates | kThenPullsFirst;
        order(world, &group, Task::Start, &member, Task::Start, together);
        if (promotable) order(world, &group, Task::Promote, &member, Task::Promote, together);
        return;
    }
    if (previous == nullptr) return;
    order(world, previous, Task::Start, &member, Task::Start, kFirstDrivesThen | kFirstGates);
    order(world, &member, Task::Stop, previous, Task::Stop, kPlain | kRestartPair);
    if (!member.running_on.empty() && previous->running_on.empty()) {
        // A member put before an active one: the active one has to get out of its way first.
        order(world, &member, Task::Stop, previous, Task::Start, kThenDrivesFirst | kFirstGates);
    }
    if (promotable) {
        order(world, previous, Task::Promote, &member, Task::Promote,
              kFirstDrivesThen | kFirstGates);
        order(world, &member, Task::Demote, previous, Task::Demote, kPlain);
    }
}

void group_constraints(World& world, Resource& group) {
    const bool promotable = top_of(group)->promotable;
    order(world, &group, Task::Stop, &group, Task::Stopped, kFirstGates);
    order(world, &group, Task::Stopped, &group, Task::Start, kPlain);
    order(world, &group, Task::Start, &group, Task::Started, kFirstGates);
    Resource* previous = nullptr;
    Resource* last_active = nullptr;
    for (Resource* member : group.children) {
        internal_constraints(world, *member);
        Effects down = kThenPullsFirst;
        Effects after_down = kFirstPullsThen;
        if (previous == nullptr) {
            if (group.group_ordered) {
                down |= kPlain;
                after_down |= kFirstDrivesThen;
            }
        } else if (group.group_colocated) {
            add_colocation(world, "#group-members", "", Score::always(), member, previous,
                           Role::Unknown, Role::Unknown, member->critical);
        }
        bracket_member(world, group, *member, promotable, down, after_down);
        chain_member(world, group, *member, previous, promotable);
        if (!member->running_on.empty()) {
            if (group.group_ordered && previous != nullptr && previous->running_on.empty() &&
                last_active != nullptr) {
                order(world, member, Task::Stop, last_active, Task::Stop, kPlain);
            }
            last_active = member;
        }
        previous = member;
    }
}

// Down before up: demoted, stopped, started, promoted.
void restart_order(World& world, Resource& collective) {
    order(world, &collective, Task::Stopped, &collective, Task::Start, kPlain);
    order(world, &collective, Task::Stopped, &collective, Task::Promote, kPlain);
    order(world, &collective, Task::Demoted, &collective, Task::Stop, kPlain);
    order(world, &collective, Task::Demoted, &collective, Task::Start, kPlain);
    order(world, &collective, Task::Demoted, &collective, Task::Promote, kPlain);
    order(world, &collective, Task::Started, &collective, Task::Promote, kPlain);
    order(world, &collective, Task::Demote, &collective, Task::Demoted, kPlain);
}

void promotable_constraints(World& world, Resource& clone) {
    restart_order(world, clone);
    Resource* previous = nullptr;
    for (Resource* instance : clone.children) {
        order(world, instance, Task::Demote, instance, Task::Promote, kPlain);
        order(world, &clone, Task::Promote, instance, Task::Promote, kPlain);
        order(world, instance, Task::Promote, &clone, Task::Promoted, kPlain);
        order(world, &clone, Task::Demote, instance, Task::Demote, kThenPullsFirst);
        order(world, instance, Task::Demote, &clone, Task::Demoted, kFirstPullsThen);
        if (previous != nullptr && clone.clone.ordered) {
            order(world, previous, Task::Promote, instance, Task::Promote, kPlain);
            order(world, instance, Task::Demote, previous, Task::Demote, kPlain);
        }
        previous = instance;
    }
}

void clone_constraints(World& world, Resource& clone) {
    order(world, &clone, Task::Stopped, &clone, Task::Start, kPlain);
    order(world, &clone, Task::Start, &clone, Task::Started, kFirstGates);
    order(world, &clone, Task::Stop, &clone, Task::Stopped, kFirstGates);
    if (clone.promotable) {
        order(world, &clone, Task::Demoted, &clone, Task::Stop, kPlain);
        order(world, &clone, Task::Started, &clone, Task::Promote, kFirstGates);
    }
    std::vector<Resource*> instances = clone.children;
    std::stable_sort(instances.begin(), instances.end(), [](const Resource* a, const Resource* b) {
        return instance_number(a->id) < instance_number(b->id);
    });
    for (std::size_t at = 0; at < instances.size(); ++at) {
        Resource* instance = instances[at];
        internal_constraints(world, *instance);
        order(world, &clone, Task::Start, instance, Task::Start, kFirstGates | kThenPullsFirst);
        order(world, instance, Task::Start, &clone, Task::Started, kFirstPullsThen);
        order(world, &clone, Task::Stop, instance, Task::Stop, kThenPullsFirst);
        order(world, instance, Task::Stop, &clone, Task::Stopped, kFirstPullsThen);
        if (!clone.clone.ordered) continue;
        // Against all later ones, since those between may have nothing to do.
        for (std::size_t later = at + 1; later < instances.size(); ++later) {
            order(world, instance, Task::Start, instances[later], Task::Start, kPlain);
            order(world, instances[later], Task::Stop, instance, Task::Stop, kPlain);
        }
    }
    if (clone.promotable) promotable_constraints(world, clone);
}

void replica_constraints(World& world, Resource& bundle, Replica& replica) {
    Resource& container = *replica.container;
    internal_constraints(world, container);
    order(world, &bundle, Task::Start, &container, Task::Start, kFirstGates | kThenPullsFirst);
    if (replica.child != nullptr) {
        order(world, &bundle, Task::Stop, replica.child, Task::Stop, kThenPullsFirst);
    }
    order(world, &bundle, Task::Stop, &container, Task::Stop, kThenPullsFirst);
    order(world, &container, Task::Start, &bundle, Task::Started, kFirstPullsThen);
    order(world, &container, Task::Stop, &bundle, Task::Stopped, kFirstPullsThen);
    if (replica.ip != nullptr) {
        internal_constraints(world, *replica.ip);
        order(world, replica.ip, Task::Start, &container, Task::Start, kFirstGates | kGuestAllowed);
        order(world, &container, Task::Stop, replica.ip, Task::Stop,
              kThenDrivesFirst | kGuestAllowed);
        add_colocation(world, "#ip-with-container", "", Score::always(), replica.ip, &container,
                       Role::Unknown, Role::Unknown, true);
    }
    if (replica.connection != nullptr) internal_constraints(world, *replica.connection);
}

// What brackets the bundle brackets the clone inside.
void enclose(World& world, Resource& bundle, Resource& child, Task task) {
    order(world, &bundle, task, &child, task, kThenPullsFirst);
    order(world, &child, completion_of(task), &bundle, completion_of(task), kFirstPullsThen);
}

void bundle_constraints(World& world, Resource& bundle) {
    for (Replica& replica : bundle.bundle->parts) replica_constraints(world, bundle, replica);
    Resource* child = bundle.bundle->child;
    if (child == nullptr) return;
    enclose(world, bundle, *child, Task::Start);
    enclose(world, bundle, *child, Task::Stop);
    internal_constraints(world, *child);
    if (!child->promotable) return;
    restart_order(world, bundle);
    enclose(world, bundle, *child, Task::Demote);
    enclose(world, bundle, *child, Task::Promote);
}

void internal_constraints(World& world, Resource& resource) {
    switch (resource.kind) {
        case Kind::Primitive:
            primitive_constraints(world, resource);
            break;
        case Kind::Group:
            group_constraints(world, resource);
            break;
        case Kind::Clone:
            clone_constraints(world, resource);
            break;
        case Kind::Bundle:
            bundle_constraints(world, resource);
            break;
    }
}

}  // namespace

void add_internal_constraints(World& world) {
    for (Resource* resource : world.top) internal_constraints(world, *resource);
}

}  // namespace xbeat::schedule
