#include "schedule/graph.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/explain.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

// Erasing a shutdown lock is done in the CIB alone: the node may be down.
bool happens_in_cib(const Step& step) {
    return step.task == Task::Delete && step.lock_node != nullptr;
}

bool belongs(const World& world, const Step& step) {
    static_cast<void>(world);
    if (!step.is(flag::kRunnable)) return false;
    if (step.is(flag::kOptional) && !step.is(flag::kAlwaysInGraph)) return false;
    if (step.resource != nullptr && !step.resource->managed && step.task != Task::Monitor &&
        step.interval_ms == 0) {
        return false;
    }
    if (step.is(flag::kPseudo) || step.task == Task::Fence || step.task == Task::Shutdown) {
        return true;
    }
    if (step.node == nullptr) return false;
    if (happens_in_cib(step)) return true;
    if (is_guest(*step.node) && !step.node->remote_requires_reset) return true;
    return step.node->online && !step.node->unclean;
}

bool is_for_other_node(const Step& step, const Step& first, Effects effects) {
    if (effects == kSameNodeOrTarget) {
        if (step.resource != nullptr && step.task == Task::MigrateTo) {
            return first.node == nullptr || first.node != step.resource->assigned;
        }
        return first.node == nullptr || first.node != step.node || first.is(flag::kOptional);
    }
    return (first.node != nullptr && step.node != nullptr && first.node != step.node) ||
           first.is(flag::kOptional);
}

// --- One action
// ------------------------------------------------------------------------------------

std::string meta_name(std::string_view name) {
    std::string out = "CRM_meta_";
    for (const char c : name) out.push_back(c == '-' ? '_' : c);
    return out;
}

void put(std::vector<NameValue>& out, std::string name, std::string value) {
    const auto at = std::lower_bound(
        out.begin(), out.end(), name,
        [](const NameValue& pair, const std::string& wanted) { return pair.name < wanted; });
    if (at != out.end() && at->name == name) {
        at->value = std::move(value);
    } else {
        out.insert(at, NameValue{std::move(name), std::move(value)});
    }
}

void put_default(std::vector<NameValue>& out, std::string name, std::string value) {
    const auto at = std::lower_bound(
        out.begin(), out.end(), name,
        [](const NameValue& pair, const std::string& wanted) { return pair.name < wanted; });
    if (at != out.end() && at->name == name) return;
    out.insert(at, NameValue{std::move(name), std::move(value)});
}

void add_clone_meta(const Resource& clone, std::vector<NameValue>& out) {
    const auto boolean = [](bool value) { return std::string(value ? "true" : "false"); };
    put(out, "CRM_meta_clone_max", concat(clone.clone.clone_max));
    put(out, "CRM_meta_clone_node_max", concat(clone.clone.clone_node_max));
    put(out, "CRM_meta_globally_unique", boolean(clone.unique));
    put(out, "CRM_meta_notify", boolean(clone.notify));
    if (!clone.promotable) return;
    put(out, "CRM_meta_promoted_max", concat(clone.clone.promoted_max));
    put(out, "CRM_meta_promoted_node_max", concat(clone.clone.promoted_node_max));
    put(out, "CRM_meta_master_max", concat(clone.clone.promoted_max));
    put(out, "CRM_meta_master_node_max", concat(clone.clone.promoted_node_max));
}

void add_resource_meta(const Resource& resource, std::vector<NameValue>& out) {
    for (const Resource* at = &resource; at != nullptr; at = at->parent) {
        if (at->kind == Kind::Clone) add_clone_meta(*at, out);
        if (at->launcher != nullptr) put(out, "CRM_meta_container", at->launcher->id);
    }
    if (resource.kind != Kind::Primitive) return;
    if (is_in_clone(resource)) {
        if (const auto number = instance_number(resource.id)) {
            put(out, "CRM_meta_clone", concat(*number));
        }
    }
    const Replica* replica = replica_of(resource);
    if (replica != nullptr && replica->child == &resource && !replica->ip_address.empty()) {
        put(out, "pcmk_external_ip", replica->ip_address);
    }
    if (const std::string* remote = meta(resource, "remote-node")) {
        put(out, "CRM_meta_remote_node", *remote);
    }
}

void add_meta(const Step& step, Action& out) {
    if (step.config != nullptr) {
        for (const auto& [name, value] : step.config->meta) {
            put(out.meta, meta_name(name), value);
        }
    }
    for (const auto& [name, value] : step.meta) put(out.meta, meta_name(name), value);
    if (!out.node.empty()) {
        put(out.meta, "CRM_meta_on_node", out.node);
        put(out.meta, "CRM_meta_on_node_uuid", out.node_id);
    }
    if (step.resource != nullptr) add_resource_meta(*step.resource, out.meta);
}

std::string_view own_meta(const Step& step, std::string_view name) {
    for (const auto& [known, value] : step.meta) {
        if (known == name) return value;
    }
    return {};
}

void add_guest_meta(const Step& step, Action& out) {
    if (step.resource == nullptr || step.node == nullptr || !is_guest(*step.node)) return;
    // Where the guest runs when the step does: what takes down happens before it moves.
    Task task = step.task;
    if (task == Task::Notify) task = parse_task(own_meta(step, "notify_operation"));
    const Resource& launcher = *step.node->remote->launcher;
    const Node* host = nullptr;
    switch (task) {
        case Task::Stop:
        case Task::Stopped:
        case Task::Demote:
        case Task::Demoted:
            host = active_on(launcher);
            break;
        case Task::Start:
        case Task::Started:
        case Task::Promote:
        case Task::Promoted:
        case Task::Monitor:
            host = launcher.assigned;
            break;
        default:
            break;
    }
    if (host == nullptr) return;
    if (const std::string* target = meta(*step.resource, "container-attribute-target")) {
        put(out.meta, "CRM_meta_container_attribute_target", *target);
    }
    put(out.meta, "CRM_meta_physical_host", host->name);
}

void add_parameters(World& world, const Step& step, Action& out) {
    if (step.resource != nullptr && step.resource->kind == Kind::Primitive) {
        Attributes parameters = parameters_of(world, *step.resource, step.node);
        // A connection into a container without an address of its own goes to the container's host.
        if (const auto at = parameters.find("addr");
            step.resource->is_connection && at != parameters.end() && at->second == "#uname") {
            const Resource* launcher = step.resource->launcher;
            const Node* host = launcher == nullptr ? nullptr : launcher->assigned;
            if (host == nullptr && launcher != nullptr) host = active_on(*launcher);
            if (host != nullptr) at->second = host->name;
        }
        // An operation's own parameters go before those of the resource.
        if (step.config != nullptr && step.config->xml != nullptr) {
            rules::RuleInput input{.now = world.now, .ids = &world.ids};
            if (step.node != nullptr) input.node_attributes = &step.node->attributes;
            Attributes own;
            rules::collect_attributes(*step.config->xml, "instance_attributes", input, {}, own);
            for (const auto& [name, value] : own) parameters[name] = value;
        }
        for (const auto& [name, value] : parameters) put_default(out.parameters, name, value);
    }
    for (const auto& [name, value] : step.extra) put(out.parameters, name, value);
}

void add_keys(const Step& step, Action& out) {
    out.task = task_text(step);
    out.key = step.key;
    const Resource* resource = step.resource;
    if (resource == nullptr || resource->kind != Kind::Primitive || resource->unique ||
        resource->history_name == resource->id) {
        return;
    }
    if (!step.key.starts_with(resource->id)) return;
    out.internal_key = step.key;
    if (step.task == Task::Notified) {
        out.key = operation_key(resource->history_name, "notified", 0);
    } else if (step.task == Task::Notify) {
        out.key = concat(resource->history_name, '_', own_meta(step, "notify_type"), "_notify_",
                         own_meta(step, "notify_operation"), "_0");
    } else {
        out.key =
            concat(resource->history_name, std::string_view(step.key).substr(resource->id.size()));
    }
}

void add_primitive(const Step& step, Action& out) {
    const Resource* resource = step.resource;
    if (resource == nullptr || step.is(flag::kPseudo) || resource->kind != Kind::Primitive) return;
    out.resource_id = resource->id;
    if (!resource->unique) {
        out.resource_id =
            resource->orphan ? resource->history_name : std::string(resource->xml->get("id"));
        // An instance too many is named so that it cannot be taken for one that is kept.
        const bool numbered = !resource->orphan && resource->history_name != resource->id &&
                              resource->history_name != resource->xml->get("id");
        out.resource_long_id = numbered ? resource->history_name : resource->id;
    }
    out.agent_class = resource->agent_class;
    out.agent_provider = resource->agent_provider;
    out.agent_type = resource->agent_type;
}

void add_downed(const World& world, const Step& step, Action& out) {
    if (step.task == Task::Shutdown && step.node != nullptr) {
        out.downed.push_back(step.node->id);
    } else if (step.task == Task::Fence && step.node != nullptr) {
        const bool switches_on = std::any_of(
            step.meta.begin(), step.meta.end(),
            [](const auto& pair) { return pair.first == "stonith_action" && pair.second == "on"; });
        if (switches_on) return;
        out.downed.push_back(step.node->id);
        // Guests die with their host.
        for (const Node& node : world.nodes) {
            if (is_guest(node) && runs_on(node.remote->launcher->running_on, step.node)) {
                out.downed.push_back(node.id);
            }
        }
    } else if (step.task == Task::Stop && step.resource != nullptr && !out.resource_id.empty()) {
        if (step.resource->is_connection) {
            // A connection that is moving takes nobody down.
            const bool moves =
                std::any_of(step.before.begin(), step.before.end(), [&step](const Edge& edge) {
                    return edge.step->resource == step.resource &&
                           edge.step->task == Task::MigrateFrom && edge.step->is(flag::kRunnable) &&
                           !edge.step->is(flag::kOptional);
                });
            if (!moves) out.downed.push_back(step.resource->id);
        }
    }
}

bool names_node(const Step& step) {
    if (!step.is(flag::kPseudo)) return true;
    return step.task == Task::Fence;
}

Action describe(World& world, const Step& step) {
    Action out;
    out.kind = step.is(flag::kPseudo) ? ActionKind::Pseudo : ActionKind::Resource;
    const bool clears_lock = happens_in_cib(step);
    if (out.kind != ActionKind::Pseudo &&
        (step.task == Task::Fence || step.task == Task::Shutdown ||
         step.task == Task::ClearFailCount || clears_lock)) {
        out.kind = ActionKind::Cluster;
    }
    if (clears_lock) out.mode = "cib";
    add_keys(step, out);
    if (clears_lock) out.task = "lrm_delete";
    if (names_node(step) && step.node != nullptr) {
        out.node = step.node->name;
        out.node_id = step.node->id;
        if (const Node* router = router_of(step)) out.router_node = router->name;
    }
    add_primitive(step, out);
    add_meta(step, out);
    add_guest_meta(step, out);
    add_parameters(world, step, out);
    add_downed(world, step, out);
    out.interval_ms = step.interval_ms;
    out.priority = std::max(step.priority, step.resource == nullptr ? 0 : step.resource->priority);
    if (step.config != nullptr) {
        const auto timeout = step.config->meta.find("timeout");
        if (timeout != step.config->meta.end()) {
            out.timeout_ms = parse_integer(timeout->second).value_or(0);
        }
        const auto on_fail = step.config->meta.find("on-fail");
        if (on_fail != step.config->meta.end()) out.on_fail = on_fail->second;
    }
    for (const auto& [name, value] : step.meta) {
        if (name == "on-fail") out.on_fail = value;
        if (name == "op_target_rc") {
            out.target_rc = static_cast<std::int32_t>(parse_integer(value).value_or(0));
        }
    }
    // While its node shuts down only the stop keeps the lock.
    if (step.resource != nullptr && step.resource->lock_node != nullptr &&
        out.kind == ActionKind::Resource && step.node == step.resource->lock_node &&
        (!step.node->shutting_down || step.task == Task::Stop)) {
        out.shutdown_lock = concat(step.resource->lock_time);
    }
    return out;
}

// The inputs of a step, each once, with the effects of all its orderings.
std::vector<Edge> merged_inputs(const Step& step) {
    std::vector<Edge> out = step.before;
    std::stable_sort(out.begin(), out.end(),
                     [](const Edge& a, const Edge& b) { return a.step->index < b.step->index; });
    std::size_t kept = 0;
    for (std::size_t at = 0; at < out.size(); ++at) {
        if (kept > 0 && out[kept - 1].step == out[at].step) {
            out[kept - 1].effects |= out[at].effects;
        } else {
            out[kept++] = out[at];
        }
    }
    out.resize(kept);
    return out;
}

}  // namespace

bool edge_counts(const Step& step, const Edge& edge) {
    const Step& first = *edge.step;
    const Effects effects = edge.effects;
    if (effects == kNone) return false;
    if (!first.is(flag::kRunnable)) {
        const Effects weak = kPlain | kFirstPullsThen | kThenPullsFirst | kMinRunnable;
        if ((effects & ~weak) == 0) return false;
        if ((effects & (kMinRunnable | kUnmigratableThenBlocks)) != 0) return false;
    }
    if ((effects & kIfFirstUnmigratable) != 0 && first.is(flag::kMigratable)) return false;
    // A mere order after a stop means nothing if that stop ends a live migration.
    if (effects == kPlain && first.task == Task::Stop && first.is(flag::kMigratable)) return false;
    if (effects == kSameNodeOrTarget || effects == kRequiredOnSameNode) {
        return !is_for_other_node(step, first, effects);
    }
    if (first.resource != nullptr && first.resource != step.resource && first.resource->failed &&
        !first.resource->managed && first.task == Task::Stop && step.resource != nullptr &&
        is_clone(*step.resource)) {
        return false;
    }
    return !first.is(flag::kOptional) || first.is(flag::kAlwaysInGraph);
}

const Node* router_of(const Step& step) {
    if (step.node == nullptr || !is_guest_or_remote(*step.node) || step.node->remote == nullptr ||
        step.task == Task::Fence) {
        return nullptr;
    }
    const Resource& connection = *step.node->remote;
    const Node* begin = active_on(connection);
    const Node* end = connection.assigned;
    if (begin == nullptr) return end;
    if (end == nullptr || begin == end) return begin;
    // The connection moves: with a live migration, what must be done before goes the old way.
    const bool migrates =
        std::any_of(connection.steps.begin(), connection.steps.end(), [](const Step* each) {
            return each->task == Task::MigrateTo && !each->is(flag::kOptional) &&
                   each->is(flag::kRunnable);
        });
    if (connection.migration_target != nullptr && !migrates) return end;
    // A notification goes the way of what it is about.
    const Task task =
        step.task == Task::Notify ? parse_task(own_meta(step, "notify_operation")) : step.task;
    const bool goes_down = task == Task::Stop || task == Task::Cancel || task == Task::Demote ||
                           task == Task::MigrateTo;
    return goes_down ? begin : end;
}

namespace {

// Who runs a remote node's resources has to be told whether the node is in maintenance.
void add_maintenance(const World& world, Plan& plan) {
    Action action;
    for (const Node& node : world.nodes) {
        if (!is_guest_or_remote(node) || node.maintenance == node.remote_maintenance) continue;
        action.maintenance.push_back({node.name, node.maintenance ? "1" : "0"});
    }
    if (action.maintenance.empty()) return;
    action.task = "maintenance_nodes";
    action.key = action.task;
    plan.actions.push_back(std::move(action));
}

}  // namespace

Plan make_plan(World& world) {
    Plan plan;
    const auto option = [&world](std::string_view name) -> std::string {
        const auto at = world.options.all.find(name);
        return at == world.options.all.end() ? std::string() : at->second;
    };
    if (const std::string delay = option("cluster-delay"); !delay.empty()) {
        plan.cluster_delay = delay;
    }
    plan.fencing_timeout = world.options.fencing_timeout;
    plan.batch_limit = option("batch-limit");
    plan.failed_start_offset = world.options.start_failure_fatal ? "INFINITY" : "1";
    plan.recheck_by = world.recheck_by;

    constexpr std::uint32_t kAbsent = ~0U;
    std::vector<std::uint32_t> number(world.steps.size(), kAbsent);
    for (Step& step : world.steps) {
        if (!belongs(world, step)) continue;
        number[step.index] = static_cast<std::uint32_t>(plan.actions.size());
        plan.actions.push_back(describe(world, step));
    }
    for (const Step& step : world.steps) {
        if (number[step.index] == kAbsent) continue;
        Action& action = plan.actions[number[step.index]];
        for (const Edge& edge : merged_inputs(step)) {
            if (number[edge.step->index] == kAbsent || !edge_counts(step, edge)) continue;
            action.inputs.push_back(number[edge.step->index]);
        }
        std::sort(action.inputs.begin(), action.inputs.end());
    }
    add_maintenance(world, plan);
    plan.scores = std::move(world.record.score_lines);
    if (world.record.explanation != nullptr) finish_explanation(world, plan, number);
    return plan;
}

}  // namespace xbeat::schedule
