// Recurring operations: which run on the wanted node, which are cancelled, and what they wait for.
#include <algorithm>

#include "core/text.h"
#include "rules/calendar.h"
#include "schedule/actions.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

struct Operation {
    Task task = Task::Monitor;
    std::int64_t interval_ms = 0;
    Role role = Role::Unknown;
};

void set_target_rc(Step& step, std::string_view rc) {
    for (auto& [name, value] : step.meta) {
        if (name == "op_target_rc") {
            value = rc;
            return;
        }
    }
    step.meta.emplace_back("op_target_rc", rc);
}

// Two operations of one name and interval cannot be told apart: neither is used.
bool is_defined_twice(const World& world, const Resource& resource, const cib::Element& operation,
                      std::int64_t interval) {
    std::size_t found = 0;
    for (const cib::Element& child : resource.operations->children) {
        if (child.name != "op") continue;
        const cib::Element* xml = world.ids.resolve(child);
        if (xml == nullptr || xml->get("name") != operation.get("name")) continue;
        if (rules::parse_interval_ms(xml->get("interval")).value_or(0) == interval) ++found;
    }
    return found > 1;
}

std::vector<Operation> operations_of(const World& world, const Resource& resource) {
    std::vector<Operation> out;
    if (resource.operations == nullptr) return out;
    for (const cib::Element& child : resource.operations->children) {
        if (child.name != "op") continue;
        const cib::Element* xml = world.ids.resolve(child);
        if (xml == nullptr) continue;
        const std::int64_t interval = rules::parse_interval_ms(xml->get("interval")).value_or(0);
        if (interval <= 0) continue;
        const Task task = parse_task(xml->get("name"));
        if (task != Task::Monitor) continue;  // nothing else makes sense repeatedly
        if (is_defined_twice(world, resource, *xml, interval)) continue;
        if (find_operation(world, resource, xml->get("name"), interval) == nullptr) continue;
        Role role = parse_role(xml->get("role"));
        out.push_back({.task = task, .interval_ms = interval, .role = role});
    }
    return out;
}

// An active resource's operation for a role that it will not have, cancelled before the change.
void cancel_for_role(World& world, Resource& resource, Node& node, const Operation& operation) {
    Step& cancel = make_cancel(world, resource, node, operation.task, operation.interval_ms);
    Task before = Task::None;
    if (resource.role == Role::Promoted) {
        before = Task::Demote;
    } else if (resource.role == Role::Started || resource.role == Role::Unpromoted) {
        if (resource.next_role == Role::Promoted) before = Task::Promote;
        if (resource.next_role == Role::Stopped) before = Task::Stop;
    }
    if (before != Task::None) order_from_step(world, &cancel, &resource, before, kFirstGates);
}

// An operation that watches over the resource's absence ends where the resource is to be.
void cancel_for_start(World& world, Resource& resource, Node& node, const Operation& operation) {
    if (find_step(resource, operation.task, &node, operation.interval_ms) == nullptr) return;
    Step& cancel = make_cancel(world, resource, node, operation.task, operation.interval_ms);
    if (resource.next_role == Role::Started || resource.next_role == Role::Unpromoted) {
        order_from_step(world, &cancel, &resource, Task::Start, kFirstGates);
    }
}

bool is_kept(const Resource& resource, Node* node, const Operation& operation, const Step& start) {
    if (!start.is(flag::kOptional)) return false;
    const auto present = find_steps(resource, operation.task, node, operation.interval_ms);
    return !present.empty() && std::none_of(present.begin(), present.end(), [](const Step* step) {
        return step->is(flag::kReschedule);
    });
}

void make_active(World& world, Resource& resource, const Operation& operation, Step& start) {
    Node* node = resource.assigned;
    if (operation.role == Role::Stopped) return;
    const bool matches = operation.role == Role::Unknown ? resource.next_role != Role::Promoted
                                                         : operation.role == resource.next_role;
    const bool optional = is_kept(resource, node, operation, start);
    if (!matches) {
        // What has to run anew has been cancelled with that; a stop ends all of them.
        if (optional) cancel_for_role(world, resource, *node, operation);
        return;
    }
    Step& monitor = make_step(world, {.resource = &resource,
                                      .task = operation.task,
                                      .interval_ms = operation.interval_ms,
                                      .node = node,
                                      .optional = optional});
    if (!start.is(flag::kRunnable)) {
        monitor.flags &= ~flag::kRunnable;
    } else if (node == nullptr || !node->online || node->unclean) {
        monitor.flags &= ~flag::kRunnable;
    }
    if (resource.next_role == Role::Promoted) set_target_rc(monitor, "8");
    if (!resource.managed) return;
    const Effects effects = kFirstDrivesThen | kFirstGates;
    order_to_step(world, &resource, Task::Start, &monitor, effects);
    order_to_step(world, &resource, Task::ReloadAgent, &monitor, effects);
    if (resource.next_role == Role::Promoted) {
        order_to_step(world, &resource, Task::Promote, &monitor, kPlain | kFirstGates);
    } else if (resource.role == Role::Promoted) {
        order_to_step(world, &resource, Task::Demote, &monitor, kPlain | kFirstGates);
    }
}

void make_inactive_on(World& world, Resource& resource, const Operation& operation, Node& node) {
    const bool optional =
        find_step(resource, operation.task, &node, operation.interval_ms) != nullptr;
    Step& monitor = make_step(world, {.resource = &resource,
                                      .task = operation.task,
                                      .interval_ms = operation.interval_ms,
                                      .node = &node,
                                      .optional = optional});
    set_target_rc(monitor, "7");
    if (resource.managed) {
        for (Step* probe : find_steps(resource, Task::Monitor, &node)) {
            link_steps(*probe, monitor, kFirstGates);
        }
    }
    for (Step* stop : find_steps(resource, Task::Stop, &node)) {
        if (!stop->is(flag::kRunnable)) monitor.flags &= ~flag::kRunnable;
        if (resource.managed) {
            order_steps(world, stop, &monitor, kFirstDrivesThen | kFirstGates);
        }
    }
    if (!node.online || node.unclean) monitor.flags &= ~flag::kRunnable;
}

}  // namespace

Step& make_cancel(World& world, Resource& resource, Node& node, Task task,
                  std::int64_t interval_ms) {
    const std::string key = operation_key(resource.id, to_string(task), interval_ms);
    Step& cancel = make_step(world, {.resource = &resource,
                                     .task = Task::Cancel,
                                     .interval_ms = interval_ms,
                                     .node = &node,
                                     .optional = false,
                                     .key = key});
    cancel.cancelled_task = task;
    if (cancel.meta.empty()) {
        cancel.meta.emplace_back("operation", to_string(task));
        cancel.meta.emplace_back("interval", concat(interval_ms));
    }
    return cancel;
}

void create_recurring(World& world, Resource& resource) {
    // A resource's own maintenance, not its node's, ends also the watch over where it is not.
    if (resource.blocked || resource.maintenance) return;
    const std::vector<Operation> operations = operations_of(world, resource);
    // The start is there whether anything recurs or not: what has to go down and comes up again in
    // a lower role is started by way of it.
    Step* start = nullptr;
    Node* node = resource.assigned;
    if (node != nullptr && !node->maintenance &&
        (resource.next_role != Role::Stopped || !resource.managed)) {
        start = &make_start(world, resource, node, true);
    }
    for (const Operation& operation : operations) {
        if (start != nullptr) make_active(world, resource, operation, *start);
        if (operation.role != Role::Stopped || !resource.unique) continue;
        for (Node& each : world.nodes) {
            if (is_guest_or_remote(each) && each.remote == nullptr) continue;
            if (&each == node) {
                cancel_for_start(world, resource, each, operation);
            } else {
                make_inactive_on(world, resource, operation, each);
            }
        }
    }
}

}  // namespace xbeat::schedule
