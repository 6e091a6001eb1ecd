#include "schedule/actions.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/notify.h"
#include "schedule/steps.h"
#include "schedule/unfence.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

// The next role on the way from one to another.
Role next_towards(Role from, Role to) {
    switch (from) {
        case Role::Unknown:
            return to == Role::Unknown ? Role::Unknown : Role::Stopped;
        case Role::Stopped:
            if (to <= Role::Stopped) return Role::Stopped;
            return to == Role::Started ? Role::Started : Role::Unpromoted;
        case Role::Started:
            return to <= Role::Stopped ? Role::Stopped : to;
        case Role::Unpromoted:
            if (to <= Role::Started) return Role::Stopped;
            return to;
        case Role::Promoted:
            return to == Role::Promoted ? Role::Promoted : Role::Unpromoted;
    }
    return Role::Stopped;
}

// With multiple-active=stop_unexpected the copy on the wanted node is left alone.
bool is_expected_on(const Resource& resource, const Node* node) {
    return resource.stop_if_multiply && resource.restarting && resource.next_role > Role::Stopped &&
           resource.assigned == node && node != nullptr;
}

void stop_resource(World& world, Resource& resource, bool optional) {
    for (Node* current : resource.running_on) {
        if (is_expected_on(resource, current)) continue;
        bool here_optional = optional;
        if (resource.migration_target != nullptr) {
            if (current == resource.migration_target && current == resource.assigned) continue;
            here_optional = false;  // the migration's target changed
        }
        Step& stop = make_stop(world, resource, current, here_optional);
        if (!resource.managed) stop.flags &= ~flag::kRunnable;
        if (resource.needs_unfencing) order_after_unfencing(world, resource, current, stop, kNone);
    }
}

void start_resource(World& world, Resource& resource, Node* node, bool optional) {
    Step& start = make_start(world, resource, node, true);
    order_after_unfencing(world, resource, node, start, kFirstDrivesThen);
    if (start.is(flag::kRunnable) && !optional) set_optional(start, false);
    if (is_expected_on(resource, node)) start.flags |= flag::kPseudo;
}

void promote_resource(World& world, Resource& resource, Node* node, bool optional) {
    bool runnable = true;
    for (const Step* start : find_steps(resource, Task::Start, node)) {
        if (!start->is(flag::kRunnable)) runnable = false;
    }
    if (runnable) {
        Step& promote = make_promote(world, resource, node, optional);
        if (is_expected_on(resource, node)) promote.flags |= flag::kPseudo;
        return;
    }
    for (Step* promote : find_steps(resource, Task::Promote, node)) {
        promote->flags &= ~flag::kRunnable;
    }
}

void demote_resource(World& world, Resource& resource, bool optional) {
    for (Node* current : resource.running_on) {
        if (!is_expected_on(resource, current)) make_demote(world, resource, current, optional);
    }
}

void move_role(World& world, Resource& resource, Role from, Role to, Node* node, bool optional) {
    if (from == Role::Promoted && to < Role::Promoted) {
        demote_resource(world, resource, optional);
    } else if (to <= Role::Stopped) {
        if (from > Role::Stopped || from == Role::Unknown) {
            stop_resource(world, resource, optional);
        }
    } else if (from == Role::Stopped) {
        start_resource(world, resource, node, optional);
    } else if (to == Role::Promoted) {
        promote_resource(world, resource, node, optional);
    }
}

void restart_actions(World& world, Resource& resource, Node* current, bool need_stop,
                     bool need_promote) {
    resource.restarting = true;
    Role role = resource.role;
    while (role != Role::Stopped) {
        const Role next = next_towards(role, Role::Stopped);
        move_role(world, resource, role, next, current, !need_stop);
        role = next;
    }
    while (resource.role <= resource.next_role && role != resource.role && !resource.blocked) {
        const Role next = next_towards(role, resource.role);
        const bool required = need_stop || (next == Role::Promoted && need_promote);
        move_role(world, resource, role, next, resource.assigned, !required);
        role = next;
    }
    resource.restarting = false;
}

bool can_migrate(const Resource& resource, const Node* current) {
    return resource.allow_migrate && resource.managed && !resource.failed &&
           !resource.start_pending && current != nullptr && !current->unclean &&
           resource.assigned != nullptr && !resource.assigned->unclean;
}

struct Places {
    Node* current = nullptr;
    bool multiply_active = false;
    bool keep_migration = true;
};

Places judge_places(Resource& resource) {
    const ActiveNodes active = active_nodes(resource);
    Places out{.current = active.one};
    const bool in_migration = resource.migration_source != nullptr;
    if (resource.allow_migrate && active.all == 2 && active.clean == 2 &&
        resource.assigned != nullptr && in_migration && resource.migration_target != nullptr &&
        active.one == resource.migration_source && resource.assigned == resource.migration_target) {
        return out;  // a migration in flight goes on
    }
    if (in_migration || resource.migration_target != nullptr) {
        out.multiply_active = true;
        out.keep_migration = false;
        resource.migration_source = nullptr;
        resource.migration_target = nullptr;
    } else if (resource.needs_fencing) {
        out.multiply_active = active.all > 1;
    } else {
        // Without fencing, what unclean nodes run is not waited for.
        out.multiply_active = active.clean > 1;
    }
    return out;
}

void primitive_actions(World& world, Resource& resource) {
    if (resource.next_role == Role::Unknown) {
        set_next_role(world, resource, resource.assigned == nullptr ? Role::Stopped : Role::Started,
                      "assignment");
    }
    for (Node* node : resource.dangling_migrations) {
        Step& stop = make_stop(world, resource, node, false);
        stop.flags |= flag::kDangling;
    }
    const Places places = judge_places(resource);
    Node* current = places.current;
    bool need_stop = false;
    bool need_promote = false;
    resource.stop_if_multiply = false;
    if (places.multiply_active) {
        need_stop = true;
        resource.stop_if_multiply = resource.multiple_active == MultipleActive::StopUnexpected;
    }
    if (resource.start_pending && resource.assigned != nullptr) {
        make_start(world, resource, resource.assigned, true).flags |= flag::kAlwaysInGraph;
    }
    bool migrates = false;
    if (current != nullptr && resource.assigned != nullptr && current != resource.assigned &&
        resource.next_role >= Role::Started) {
        migrates = places.keep_migration && can_migrate(resource, current);
        need_stop = true;
    }
    if (resource.failed) {
        if (resource.stop_required) {
            need_stop = true;
        } else if (resource.next_role == Role::Promoted) {
            need_promote = true;
        }
    } else if (resource.blocked) {
        need_stop = true;
    } else if (resource.role > Role::Started && current != nullptr &&
               resource.assigned != nullptr) {
        const Step& start = make_start(world, resource, resource.assigned, true);
        if (!start.is(flag::kOptional)) need_stop = true;
    }
    restart_actions(world, resource, current, need_stop, need_promote);
    Role role = resource.role;
    while (role != resource.next_role) {
        const Role next = next_towards(role, resource.next_role);
        move_role(world, resource, role, next, resource.assigned, false);
        role = next;
    }
    create_recurring(world, resource);
    if (migrates) create_migration(world, resource, current);
}

struct InstanceState {
    bool active = false;
    bool starting = false;
    bool stopping = false;
    bool restarting = false;
};

void check_instance(const Resource& instance, InstanceState& state) {
    if (!instance.children.empty()) {
        for (const Resource* child : instance.children) check_instance(*child, state);
        return;
    }
    if (!instance.running_on.empty()) state.active = true;
    bool starting = false;
    bool stopping = false;
    for (const Step* step : instance.steps) {
        if (step->is(flag::kOptional)) continue;
        if (step->task == Task::Start && step->is(flag::kRunnable)) starting = true;
        if (step->task == Task::Stop && step->is_any(flag::kRunnable | flag::kPseudo)) {
            stopping = true;
        }
    }
    state.starting |= starting;
    state.stopping |= stopping;
    state.restarting |= starting && stopping;
}

void create(World& world, Resource& resource);

void bracket_instances(World& world, Resource& collective,
                       const std::vector<Resource*>& instances) {
    InstanceState state;
    for (Resource* instance : instances) check_instance(*instance, state);
    Step& start = make_pseudo(world, &collective, Task::Start, !state.starting, true);
    Step& started = make_pseudo(world, &collective, Task::Started, !state.starting, false);
    started.priority = Score::kInfinity;
    if (state.active || state.starting) started.flags |= flag::kRunnable;
    Step& stop = make_pseudo(world, &collective, Task::Stop, !state.stopping, true);
    Step& stopped = make_pseudo(world, &collective, Task::Stopped, !state.stopping, true);
    stopped.priority = Score::kInfinity;
    if (!state.restarting) stop.flags |= flag::kMigratable;
    if (collective.kind == Kind::Clone && collective.notify) {
        make_notify_brackets(world, collective, Task::Start, start, started);
        make_notify_brackets(world, collective, Task::Stop, stop, stopped);
    }
}

bool any_required(const Resource& resource, Task task) {
    for (const Resource* child : resource.children) {
        if (any_required(*child, task)) return true;
    }
    return std::any_of(resource.steps.begin(), resource.steps.end(), [task](const Step* step) {
        return step->task == task && !step->is(flag::kOptional);
    });
}

void bracket_promotion(World& world, Resource& clone) {
    bool promoting = false;
    bool demoting = false;
    for (const Resource* instance : clone.children) {
        promoting |= any_required(*instance, Task::Promote);
        demoting |= any_required(*instance, Task::Demote);
    }
    Step& promote = make_pseudo(world, &clone, Task::Promote, !promoting, true);
    Step& promoted = make_pseudo(world, &clone, Task::Promoted, !promoting, true);
    promoted.priority = Score::kInfinity;
    Step& demote = make_pseudo(world, &clone, Task::Demote, !demoting, true);
    Step& demoted = make_pseudo(world, &clone, Task::Demoted, !demoting, true);
    demoted.priority = Score::kInfinity;
    if (clone.notify) {
        make_notify_brackets(world, clone, Task::Promote, promote, promoted);
        make_notify_brackets(world, clone, Task::Demote, demote, demoted);
    }
    for (Resource* instance : clone.children) instance->priority = clone.priority;
}

void create_group(World& world, Resource& group) {
    for (Resource* member : group.children) create(world, *member);
    for (const Task task : {Task::Start, Task::Started, Task::Stop, Task::Stopped}) {
        make_pseudo(world, &group, task, true, true);
    }
    if (!top_of(group)->promotable) return;
    for (const Task task : {Task::Demote, Task::Demoted, Task::Promote, Task::Promoted}) {
        make_pseudo(world, &group, task, true, true);
    }
}

void create_bundle(World& world, Resource& bundle) {
    BundleData& data = *bundle.bundle;
    for (Replica& replica : data.parts) {
        if (replica.ip != nullptr) create(world, *replica.ip);
        create(world, *replica.container);
        if (replica.connection != nullptr) create(world, *replica.connection);
    }
    bracket_instances(world, bundle, instances_of(bundle));
    if (data.child != nullptr) {
        create(world, *data.child);
        if (data.child->promotable) {
            for (const Task task : {Task::Promote, Task::Demote}) {
                make_pseudo(world, &bundle, task, true, true);
                Step& complete = make_pseudo(world, &bundle, completion_of(task), true, true);
                complete.priority = Score::kInfinity;
            }
        }
    }
}

void create(World& world, Resource& resource) {
    switch (resource.kind) {
        case Kind::Primitive:
            primitive_actions(world, resource);
            break;
        case Kind::Group:
            create_group(world, resource);
            break;
        case Kind::Clone:
            for (Resource* instance : resource.children) create(world, *instance);
            bracket_instances(world, resource, resource.children);
            if (resource.promotable) bracket_promotion(world, resource);
            break;
        case Kind::Bundle:
            create_bundle(world, resource);
            break;
    }
}

}  // namespace

void create_migration(World& world, Resource& resource, Node* current) {
    Step& start = make_start(world, resource, resource.assigned, true);
    Step& stop = make_stop(world, resource, current, true);
    const bool in_flight = resource.migration_target != nullptr;
    Step& from = make_step(
        world, {.resource = &resource, .task = Task::MigrateFrom, .node = resource.assigned});
    const auto name_ends = [&](Step& step) {
        step.meta.emplace_back("migrate_source", current->name);
        step.meta.emplace_back("migrate_target", resource.assigned->name);
    };
    stop.flags |= flag::kMigratable;
    start.flags |= flag::kMigratable | flag::kPseudo;
    from.flags |= flag::kMigratable;
    if (in_flight) {
        from.needs = start.needs;
        order(world, &resource, Task::Monitor, &resource, Task::MigrateFrom, kPlain);
    } else {
        Step& to =
            make_step(world, {.resource = &resource, .task = Task::MigrateTo, .node = current});
        to.flags |= flag::kMigratable;
        to.needs = start.needs;
        order(world, &resource, Task::Monitor, &resource, Task::MigrateTo, kPlain);
        order(world, &resource, Task::MigrateTo, &resource, Task::MigrateFrom,
              kPlain | kUnmigratableThenBlocks);
        name_ends(to);
        if (!resource.is_connection) to.meta.emplace_back("record-pending", "true");
    }
    order(world, &resource, Task::MigrateFrom, &resource, Task::Stop,
          kPlain | kUnmigratableThenBlocks);
    order(world, &resource, Task::MigrateFrom, &resource, Task::Start,
          kPlain | kUnmigratableThenBlocks | kFirstElseThen);
    name_ends(from);
}

void schedule_cleanup(World& world, Resource& resource, Node& node, bool optional) {
    if (resource.failed || node.unclean || !node.online) return;
    const Effects effects = optional ? kFirstDrivesThen : kPlain;
    make_delete(world, resource, &node);
    order(world, &resource, Task::Stop, &resource, Task::Delete, effects);
    order(world, &resource, Task::Delete, &resource, Task::Start, effects);
}

void create_actions(World& world) {
    for (Resource* resource : world.top) create(world, *resource);
}

}  // namespace xbeat::schedule
