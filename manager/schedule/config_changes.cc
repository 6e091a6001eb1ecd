// Stage 5c: what the history says was configured differently when it was run.
#include <algorithm>

#include "core/text.h"
#include "schedule/actions.h"
#include "schedule/digest_check.h"
#include "schedule/explain.h"
#include "schedule/failcount.h"
#include "schedule/history.h"
#include "schedule/steps.h"
#include "schedule/unfence.h"

namespace xbeat::schedule {
namespace {

// Whether the agent itself changed since the resource was started.
bool agent_changed(World& world, Resource& resource, Node& node, const cib::Element& history,
                   bool active) {
    bool changed = false;
    const auto differs = [&history](std::string_view name, const std::string& now) {
        return history.get(name) != now;
    };
    if (differs("class", resource.agent_class) || differs("provider", resource.agent_provider) ||
        differs("type", resource.agent_type)) {
        changed = true;
        trigger_unfencing(world, resource, node, "fence device changed");
    }
    if (changed && active) {
        const Step& stop = make_stop(world, resource, &node, false);
        note_flow(world, stop, stop.flags | flag::kOptional, "its agent is another one now");
        resource.start_pending = true;  // what is there now was not started by this agent
    }
    return changed;
}

void cancel(World& world, Resource& resource, Node& node, const Recorded& record) {
    Step& step = make_cancel(world, resource, node, record.kind, record.interval_ms);
    const bool named = std::any_of(step.meta.begin(), step.meta.end(),
                                   [](const auto& pair) { return pair.first == "call-id"; });
    if (!named && record.call_id >= 0) step.meta.emplace_back("call-id", concat(record.call_id));
    order_to_step(world, &resource, Task::Stop, &step, effect::kPlain);
}

void force_restart(World& world, Resource& resource, Node& node, const Recorded& record) {
    trigger_unfencing(world, resource, node, "parameters of the fence device changed");
    const Step& step = make_step(world, {.resource = &resource,
                                         .task = record.kind,
                                         .interval_ms = record.interval_ms,
                                         .optional = false});
    note_flow(world, step, step.flags | flag::kOptional,
              concat("its parameters changed since its ", record.task, " on ", node.name));
}

void reload(World& world, Resource& resource, Node& node) {
    if (!resource.managed || resource.blocked || resource.failed) return;
    if (resource.start_pending) {
        const Step& stop = make_stop(world, resource, &node, false);
        note_flow(world, stop, stop.flags | flag::kOptional,
                  "its parameters changed before its start had ended");
        return;
    }
    resource.reload = true;
    Step& step = make_step(
        world,
        {.resource = &resource, .task = Task::ReloadAgent, .node = &node, .optional = false});
    order_from_step(world, &step, &resource, Task::Stop,
                    effect::kPlain | effect::kThenCancelsFirst);
    order_from_step(world, &step, &resource, Task::Demote,
                    effect::kPlain | effect::kThenCancelsFirst);
}

// True if the operation is not what it was.
bool check_operation(World& world, Resource& resource, Node& node, const Recorded& record) {
    if (record.interval_ms > 0 &&
        find_operation(world, resource, record.task, record.interval_ms) == nullptr) {
        if (world.options.stop_orphan_actions) cancel(world, resource, node, record);
        return true;
    }
    const bool forced = std::find(world.forced_restarts.begin(), world.forced_restarts.end(),
                                  record.xml) != world.forced_restarts.end() &&
                        record.xml->has("op-digest");
    Change change = parameters_changed(world, resource, node, record);
    if (forced) change = Change::Restart;
    switch (change) {
        case Change::None:
            return false;
        case Change::Restart:
            force_restart(world, resource, node, record);
            return true;
        case Change::Reload:
        case Change::Other:
            if (record.interval_ms > 0) {
                make_step(world, {.resource = &resource,
                                  .task = record.kind,
                                  .interval_ms = record.interval_ms,
                                  .node = &node})
                    .flags |= flag::kReschedule;
            } else if (change == Change::Reload) {
                trigger_unfencing(world, resource, node, "parameters of the fence device changed");
                reload(world, resource, node);
            } else {
                force_restart(world, resource, node, record);
            }
            return true;
    }
    return false;
}

void check_history(World& world, Resource& resource, Node& node, const cib::Element& history) {
    if (resource.orphan) {
        if (!is_anonymous_clone(*top_of(resource))) {
            schedule_cleanup(world, resource, node, false);
        }
        return;
    }
    if (!runs_on(resource.running_on, &node)) {
        if (agent_changed(world, resource, node, history, false)) {
            schedule_cleanup(world, resource, node, false);
        }
        return;
    }
    if (agent_changed(world, resource, node, history, true)) {
        schedule_cleanup(world, resource, node, false);
    }
    const std::vector<Recorded> records = sorted_records(history);
    const ActiveRange range = active_range(records);
    if (range.start < range.stop) return;  // it was stopped since
    int place = 0;
    for (const Recorded& record : records) {
        if (++place < range.start) continue;
        if (record.interval_ms > 0 && (resource.maintenance || node.maintenance)) {
            cancel(world, resource, node, record);
            continue;
        }
        const bool relevant = record.interval_ms > 0 || record.kind == Task::Monitor ||
                              record.kind == Task::Start || record.kind == Task::Promote ||
                              record.kind == Task::MigrateFrom;
        if (!relevant || record.kind == Task::None) continue;
        if (check_operation(world, resource, node, record) &&
            fail_count(world, resource, node, true, false).count > Score()) {
            make_clear_failcount(world, resource, &node, "action definition changed");
        }
    }
}

// Those that a history is about: the resource of that name, and the instances that it was taken
// for.
void matching(World& world, std::string_view name, std::vector<Resource*>& out) {
    if (Resource* exact = world.find_resource(name)) {
        if (exact->kind == Kind::Primitive) out.push_back(exact);
    }
    for (std::int32_t number = 0;; ++number) {
        Resource* instance = world.find_resource(concat(base_name(name), ':', number));
        if (instance == nullptr) break;
        if (instance->kind != Kind::Primitive || instance->unique) break;
        if (instance->history_name != name) continue;
        if (std::find(out.begin(), out.end(), instance) == out.end()) out.push_back(instance);
    }
}

}  // namespace

void handle_changed_configuration(World& world) {
    for (Node& node : world.nodes) {
        if (node.status == nullptr || (!node.maintenance && !is_usable(node))) continue;
        const cib::Element* list = cib::histories_of(*node.status);
        if (list == nullptr) continue;
        for (const cib::Element& history : list->children) {
            if (history.name != "lrm_resource" || history.children.empty()) continue;
            std::vector<Resource*> owners;
            matching(world, history.get("id"), owners);
            for (Resource* owner : owners) check_history(world, *owner, node, history);
        }
    }
}

}  // namespace xbeat::schedule
