// The unpacked World as the plain values that displays need.
#include "schedule/situation.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/constraints.h"
#include "schedule/failcount.h"
#include "schedule/history.h"
#include "schedule/options.h"
#include "schedule/resources.h"
#include "schedule/schedule.h"
#include "schedule/unpack.h"

namespace xbeat::schedule {
namespace {

RoleView view_of(Role role) {
    switch (role) {
        case Role::Unknown:
            return RoleView::Unknown;
        case Role::Stopped:
            return RoleView::Stopped;
        case Role::Started:
            return RoleView::Started;
        case Role::Unpromoted:
            return RoleView::Unpromoted;
        case Role::Promoted:
            return RoleView::Promoted;
    }
    return RoleView::Unknown;
}

std::vector<NameValue> pairs_of(const Attributes& attributes, bool with_special) {
    std::vector<NameValue> out;
    for (const auto& [name, value] : attributes) {
        if (!with_special && name.starts_with('#') && !name.starts_with("#health")) continue;
        out.push_back({name, value});
    }
    return out;
}

std::string health_of(const World& world, const Node& node) {
    if (world.options.health_strategy == "none") return {};
    std::string worst;
    for (auto at = node.attributes.lower_bound("#health");
         at != node.attributes.end() && at->first.starts_with("#health"); ++at) {
        const std::string value = to_lower(at->second);
        const auto score = parse_score(value);
        if (value == "red" || (score && *score < Score())) return "red";
        if (value == "yellow") worst = "yellow";
        if (worst.empty()) worst = "green";
    }
    return worst.empty() ? "green" : worst;
}

// What a ping agent's attribute is with every host reached: a name and a number for each.
void add_expected(World& world, const Resource& resource, const Node& node, NodeView& out) {
    if (resource.agent_type != "ping" && resource.agent_type != "pingd") return;
    const Attributes parameters = parameters_of(world, resource, &node);
    const auto value_of = [&](std::string_view name) {
        const auto found = parameters.find(name);
        return found == parameters.end() ? std::string_view() : std::string_view(found->second);
    };
    const std::int64_t hosts = static_cast<std::int64_t>(split_words(value_of("host_list")).size());
    const std::int64_t multiplier = parse_integer(value_of("multiplier")).value_or(0);
    if (hosts == 0) return;
    const std::string_view name = value_of("name");
    out.expected.push_back({std::string(name.empty() ? "pingd" : name),
                            concat(hosts * std::max<std::int64_t>(multiplier, 1))});
}

NodeView view_of(World& world, const Node& node) {
    NodeView out;
    out.name = node.name;
    out.id = node.id;
    out.type = node.variant == NodeVariant::Ping ? NodeType::Ping
               : is_guest(node)                  ? NodeType::Guest
               : is_guest_or_remote(node)        ? NodeType::Remote
                                                 : NodeType::Member;
    out.online = node.online;
    out.pending = node.pending;
    out.unclean = node.unclean;
    out.standby = node.standby;
    out.standby_on_fail = node.standby_on_fail;
    out.maintenance = node.maintenance;
    out.shutting_down = node.shutting_down;
    out.expected_up = node.expected_up;
    out.is_coordinator = node.is_dc;
    out.health = health_of(world, node);
    if (node.remote != nullptr) {
        if (node.remote->launcher != nullptr) out.launcher = node.remote->launcher->id;
        if (const Node* host = active_on(*node.remote)) out.remote_host = host->name;
    }
    out.attributes = pairs_of(node.attributes, false);
    for (const Resource* resource : node.running) add_expected(world, *resource, node, out);
    for (const auto& [name, amount] : node.capacity) {
        out.utilization.push_back({name, concat(amount)});
    }
    for (const Resource* resource : node.running) out.resources.push_back(resource->id);
    return out;
}

std::string pending_of(const Resource& resource) {
    switch (parse_task(resource.pending_task)) {
        case Task::Start:
            return "Starting";
        case Task::Stop:
            return "Stopping";
        case Task::MigrateTo:
            return "Migrating";
        case Task::MigrateFrom:
            return "Migrating";
        case Task::Promote:
            return "Promoting";
        case Task::Demote:
            return "Demoting";
        case Task::Monitor:
            return "Monitoring";
        default:
            return {};
    }
}

ResourceView view_of(const Resource& resource);

void fill_bundle(const Resource& bundle, ResourceView& out) {
    out.container_agent = bundle.bundle->agent == BundleAgent::Podman ? "podman" : "docker";
    out.container_image = bundle.bundle->image;
    out.clone_max = bundle.bundle->replicas;
    for (const Replica& replica : bundle.bundle->parts) {
        for (const Resource* part :
             {replica.ip, replica.child, replica.container, replica.connection}) {
            if (part == nullptr) continue;
            ResourceView& view = out.children.emplace_back(view_of(*part));
            view.replica = replica.offset;
            view.is_promotable = view.is_promotable && part == replica.child;
        }
    }
}

ResourceView view_of(const Resource& resource) {
    ResourceView out;
    out.id = resource.id;
    const bool bare = !resource.unique && resource.kind == Kind::Primitive && is_in_clone(resource);
    out.display_name = bare ? std::string(base_name(resource.id)) : resource.id;
    out.kind = static_cast<ResourceKind>(resource.kind);
    out.agent_class = resource.agent_class;
    out.agent_provider = resource.agent_provider;
    out.agent_type = resource.agent_type;
    out.role = view_of(role_of(resource, true));
    for (const Node* node : resource.running_on) out.nodes.push_back(node->name);
    if (const std::string* role = meta(resource, "target-role")) out.target_role = *role;
    out.pending_task = pending_of(resource);
    out.is_promotable = top_of(resource)->promotable;
    out.is_unique = resource.unique;
    out.is_orphan = resource.orphan;
    out.is_managed = resource.managed;
    out.is_in_maintenance = resource.maintenance;
    out.is_failed = resource.failed;
    out.is_blocked = resource.blocked;
    out.is_failure_ignored = resource.failure_ignored;
    const auto limit = target_role(resource);
    out.is_disabled = limit && *limit == Role::Stopped;
    out.threshold = Score::of(resource.migration_threshold);
    if (resource.lock_node != nullptr) out.locked_to = resource.lock_node->name;
    if (resource.kind == Kind::Clone) {
        out.clone_max = resource.clone.clone_max;
        out.promoted_max = resource.clone.promoted_max;
    }
    if (resource.kind == Kind::Bundle) {
        fill_bundle(resource, out);
    } else {
        for (const Resource* child : resource.children) out.children.push_back(view_of(*child));
    }
    return out;
}

FailedActionView view_of(const cib::Element& record, const Node& node) {
    const Recorded decoded = decode_record(record);
    FailedActionView out;
    out.node = node.name;
    out.key = decoded.key;
    out.task = decoded.task;
    out.interval_ms = decoded.interval_ms;
    const std::string tail = concat('_', decoded.task, '_', decoded.interval_ms);
    out.resource =
        out.key.ends_with(tail) ? out.key.substr(0, out.key.size() - tail.size()) : std::string();
    out.rc = decoded.rc;
    out.op_status = decoded.status;
    out.call_id = decoded.call_id;
    out.exit_reason = record.get("exit-reason");
    if (decoded.last_change > 0) out.last_rc_change = EpochSeconds{decoded.last_change};
    out.exec_time_ms = parse_integer(record.get("exec-time")).value_or(0);
    out.queue_time_ms = parse_integer(record.get("queue-time")).value_or(0);
    return out;
}

// That nothing is installed there is what a probe is to find out.
bool is_masked(const FailedActionView& failure) {
    constexpr std::int32_t kNotInstalled = 5;        // OCF_ERR_INSTALLED
    constexpr std::int32_t kNotInstalledStatus = 7;  // of the executor
    return failure.task == "monitor" && failure.interval_ms == 0 &&
           (failure.rc == kNotInstalled || failure.op_status == kNotInstalledStatus);
}

void add_fail_counts(World& world, Situation& out) {
    for (Node& node : world.nodes) {
        std::vector<std::string> seen;
        for (Resource& resource : world.resources) {
            if (resource.kind != Kind::Primitive) continue;
            const std::string name =
                resource.unique ? resource.id : std::string(base_name(resource.id));
            if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
            const FailCount count = fail_count(world, resource, node, false, false);
            if (count.count <= Score()) continue;
            seen.push_back(name);
            FailCountView view;
            view.resource = name;
            view.node = node.name;
            view.count = count.count;
            view.threshold = resource.migration_threshold == 0
                                 ? Score::always()
                                 : Score::of(resource.migration_threshold);
            if (count.last_failure > 0) view.last_failure = EpochSeconds{count.last_failure};
            out.fail_counts.push_back(std::move(view));
        }
    }
}

void add_bans(const World& world, Situation& out) {
    for (const Location& location : world.locations) {
        if (location.id == world.options.health_strategy) continue;  // nobody configured it
        for (const auto& [node, score] : location.nodes) {
            if (score >= Score()) continue;
            out.bans.push_back({.constraint = location.id,
                                .rule = location.rule,
                                .resource = location.resource->id,
                                .node = node->name,
                                .score = score,
                                .promoted_only = location.role == Role::Promoted});
        }
    }
}

void count_instances(const World& world, Situation& out) {
    for (const Resource& resource : world.resources) {
        // What is not configured any more counts while it runs.
        if (resource.kind != Kind::Primitive || (resource.orphan && resource.role <= Role::Stopped))
            continue;
        ++out.resource_instances;
        const auto limit = target_role(resource);
        if (limit && *limit == Role::Stopped) ++out.disabled_instances;
        if (resource.blocked) ++out.blocked_instances;
    }
}

std::string_view word_of(QuorumPolicy policy) {
    switch (policy) {
        case QuorumPolicy::Stop:
            return "stop";
        case QuorumPolicy::Freeze:
            return "freeze";
        case QuorumPolicy::Ignore:
            return "ignore";
        case QuorumPolicy::Demote:
            return "demote";
        case QuorumPolicy::Fence:
            return "fence";
    }
    return "stop";
}

}  // namespace

Situation observe(const cib::Element& cib, const Options& options) {
    World world;
    unpack(world, cib, options);
    unpack_constraints(world);
    Situation out;
    for (const Node& node : world.nodes) out.nodes.push_back(view_of(world, node));
    for (const bool orphans : {false, true}) {
        for (const Resource& resource : world.resources) {
            if (resource.parent != nullptr || resource.orphan != orphans) continue;
            if (resource.kind == Kind::Bundle && resource.bundle == nullptr) continue;
            // A guest node's connection is a part of its guest that nobody configured.
            if (const std::string* internal = meta(resource, "internal-rsc");
                internal != nullptr && parse_boolean(*internal).value_or(false)) {
                continue;
            }
            out.resources.push_back(view_of(resource));
        }
    }
    add_fail_counts(world, out);
    for (const auto& [record, node] : world.failed_at) {
        if (!node->online) continue;
        FailedActionView view = view_of(*record, *node);
        view.is_masked = is_masked(view);
        out.failed_actions.push_back(std::move(view));
    }
    for (const auto& [name, ticket] : world.tickets) {
        out.tickets.push_back({name, ticket.granted, ticket.standby, ticket.last_granted});
    }
    add_bans(world, out);
    out.options = pairs_of(world.options.all, true);
    out.has_quorum = world.options.have_quorum;
    out.fencing_enabled = world.options.fencing_enabled;
    out.maintenance_mode = world.options.maintenance_mode;
    out.stop_all_resources = world.options.stop_all;
    out.symmetric = world.options.symmetric;
    out.no_quorum_policy = word_of(world.options.no_quorum_policy);
    if (world.dc != nullptr) out.coordinator = world.dc->name;
    count_instances(world, out);
    return out;
}

}  // namespace xbeat::schedule
