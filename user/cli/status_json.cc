#include "cli/status_json.h"

#include "cli/render_status.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/render_resources.h"

namespace xbeat::cli {
namespace {

using json = nlohmann::ordered_json;
using schedule::NodeType;
using schedule::ResourceKind;
using schedule::ResourceView;

double microseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000.0; }

std::string_view word_of(NodeType type) {
    switch (type) {
        case NodeType::Member:
            return "member";
        case NodeType::Remote:
            return "remote";
        case NodeType::Guest:
            return "guest";
        case NodeType::Ping:
            return "ping";
    }
    return "";
}

std::string_view word_of(ResourceKind kind) {
    switch (kind) {
        case ResourceKind::Primitive:
            return "primitive";
        case ResourceKind::Group:
            return "group";
        case ResourceKind::Clone:
            return "clone";
        case ResourceKind::Bundle:
            return "bundle";
    }
    return "";
}

json node_json(const schedule::NodeView& node) {
    json attributes = json::object();
    for (const schedule::NameValue& row : node.attributes) attributes[row.name] = row.value;
    return {{"name", node.name},
            {"id", node.id},
            {"type", word_of(node.type)},
            {"online", node.online},
            {"pending", node.pending},
            {"unclean", node.unclean},
            {"standby", node.standby},
            {"standby_on_fail", node.standby_on_fail},
            {"maintenance", node.maintenance},
            {"shutting_down", node.shutting_down},
            {"is_coordinator", node.is_coordinator},
            {"health", node.health},
            {"attributes", attributes},
            {"resources", node.resources}};
}

json resource_json(const ResourceView& resource) {
    json object = {{"id", resource.id},
                   {"name", resource.display_name},
                   {"kind", word_of(resource.kind)},
                   {"role", to_string(resource.role)},
                   {"active", is_active(resource)},
                   {"nodes", resource.nodes},
                   {"target_role", resource.target_role},
                   {"pending", resource.pending_task},
                   {"managed", resource.is_managed},
                   {"maintenance", resource.is_in_maintenance},
                   {"failed", resource.is_failed},
                   {"blocked", resource.is_blocked},
                   {"failure_ignored", resource.is_failure_ignored},
                   {"disabled", resource.is_disabled},
                   {"orphan", resource.is_orphan}};
    if (resource.kind == ResourceKind::Primitive) {
        object["agent"] = agent_text(resource);
        return object;
    }
    if (resource.kind != ResourceKind::Group) {
        object["promotable"] = resource.is_promotable;
        object["unique"] = resource.is_unique;
        object["clone_max"] = resource.clone_max;
    }
    object["children"] = json::array();
    for (const ResourceView& child : resource.children) {
        object["children"].push_back(resource_json(child));
    }
    return object;
}

json peer_json(const PeerStatus& peer) {
    json links = json::array();
    for (const LinkStatus& link : peer.links) {
        links.push_back({{"name", link.name},
                         {"interface", link.interface},
                         {"local", link.local},
                         {"remote", link.remote},
                         {"up", link.is_up},
                         {"reason", link.reason},
                         {"mode", link.mode},
                         {"channel", link.channel},
                         {"rtt_p50_us", microseconds(link.rtt_p50)},
                         {"rtt_p99_us", microseconds(link.rtt_p99)},
                         {"rtt_max_us", microseconds(link.rtt_max)},
                         {"sent", link.sent},
                         {"answered", link.answered},
                         {"lost", link.lost},
                         {"for_s", link.since.count() / 1'000'000'000}});
    }
    return {{"name", peer.name},
            {"state", peer.state},
            {"has_channel", peer.has_channel},
            {"is_member", peer.is_member},
            {"for_s", peer.since.count() / 1'000'000'000},
            {"links", links}};
}

json failures_json(const schedule::Situation& situation) {
    json rows = json::array();
    for (const schedule::FailedActionView& row : situation.failed_actions) {
        rows.push_back({{"key", row.key},
                        {"resource", row.resource},
                        {"node", row.node},
                        {"task", row.task},
                        {"interval_ms", row.interval_ms},
                        {"rc", row.rc},
                        {"op_status", row.op_status},
                        {"call_id", row.call_id},
                        {"exit_reason", row.exit_reason},
                        {"last_rc_change_s", row.last_rc_change ? row.last_rc_change->value : 0},
                        {"exec_time_ms", row.exec_time_ms},
                        {"queue_time_ms", row.queue_time_ms}});
    }
    return rows;
}

json fail_counts_json(const schedule::Situation& situation) {
    json rows = json::array();
    for (const schedule::FailCountView& row : situation.fail_counts) {
        rows.push_back({{"resource", row.resource},
                        {"node", row.node},
                        {"fail_count", to_string(row.count)},
                        {"migration_threshold", to_string(row.threshold)},
                        {"last_failure_s", row.last_failure ? row.last_failure->value : 0}});
    }
    return rows;
}

json fence_json(const StatusInput& input) {
    json rows = json::array();
    for (const FenceStatus& row : input.fence_history) {
        rows.push_back({{"target", row.target},
                        {"action", row.action},
                        {"origin", row.origin},
                        {"device", row.device},
                        {"outcome", row.outcome},
                        {"reason", row.reason},
                        {"time_s", row.when.value}});
    }
    return rows;
}

json lease_json(const LeaseStatus& lease) {
    json nics = json::array();
    for (const GateNic& nic : lease.nics) {
        nics.push_back(
            {{"interface", nic.interface}, {"armed", nic.is_armed}, {"trouble", nic.trouble}});
    }
    return {{"used", lease.is_used},
            {"arbiter", lease.arbiter},
            {"standing", lease.standing},
            {"arbiter_said", lease.said},
            {"watchdog", lease.watchdog},
            {"left_us", microseconds(lease.left)},
            {"without_end", lease.without_end},
            {"gate_open", lease.is_open},
            {"managed", lease.managed},
            {"nics", nics}};
}

json cluster_json(const StatusInput& input) {
    const schedule::Situation& situation = input.situation;
    return {{"name", input.cluster},
            {"stack", "xbeat"},
            {"version", input.version},
            {"self", input.self},
            {"coordinator", situation.coordinator},
            {"has_quorum", situation.has_quorum},
            {"term", input.term},
            {"activity", input.activity},
            {"profile", input.profile},
            {"mode", input.mode},
            {"period_us", microseconds(input.period)},
            {"unsafe_takeover", input.unsafe_takeover},
            {"lease", lease_json(input.lease)},
            {"cib_version", input.cib_version},
            {"last_change", to_string(input.last_change)},
            {"updated_s", input.updated.value},
            {"fencing_enabled", situation.fencing_enabled},
            {"maintenance_mode", situation.maintenance_mode},
            {"resource_instances", situation.resource_instances},
            {"disabled_instances", situation.disabled_instances},
            {"blocked_instances", situation.blocked_instances}};
}

}  // namespace

json status_json(const StatusInput& input) {
    json object = {{"live", input.is_live}, {"cluster", cluster_json(input)}};
    object["nodes"] = json::array();
    for (const schedule::NodeView& node : input.situation.nodes) {
        object["nodes"].push_back(node_json(node));
    }
    object["resources"] = json::array();
    for (const ResourceView& resource : input.situation.resources) {
        object["resources"].push_back(resource_json(resource));
    }
    object["peers"] = json::array();
    for (const PeerStatus& peer : input.peers) object["peers"].push_back(peer_json(peer));
    object["fail_counts"] = fail_counts_json(input.situation);
    object["failed_actions"] = failures_json(input.situation);
    object["fence_history"] = fence_json(input);
    object["degraded"] = json::array();
    for (const Degradation& one : input.degraded) {
        object["degraded"].push_back({{"what", one.what}, {"reason", one.reason}});
    }
    return object;
}

json timeline_json(const TimelineStatus& timeline) {
    const Instant start = timeline.phases.empty() ? Instant{} : timeline.phases.front().from;
    json phases = json::array();
    for (const PhaseStatus& phase : timeline.phases) {
        phases.push_back({{"phase", phase.phase},
                          {"detail", phase.detail},
                          {"from_us", microseconds(phase.from - start)},
                          {"to_us", microseconds(phase.to - start)},
                          {"succeeded", phase.succeeded}});
    }
    return {{"cause", timeline.cause},          {"time_s", timeline.when.value},
            {"finished", timeline.is_finished}, {"succeeded", timeline.succeeded},
            {"failover", timeline.is_failover}, {"phases", phases}};
}

}  // namespace xbeat::cli
