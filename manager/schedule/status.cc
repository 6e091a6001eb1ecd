#include "schedule/status.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/fence_marks.h"
#include "schedule/history.h"
#include "schedule/resources.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

bool attribute_true(const Node& node, std::string_view name) {
    const std::string* value = node_attribute(node, name);
    return value != nullptr && parse_boolean(*value).value_or(false);
}

bool attribute_set(const Node& node, std::string_view name) {
    const std::string* value = node_attribute(node, name);
    return value != nullptr && parse_integer(*value).value_or(0) != 0;
}

// in_ccm and crmd are booleans, words, or the epoch seconds since when it is so.
std::int64_t since(std::string_view text, std::string_view yes) {
    if (text.empty()) return -1;
    if (equals_ignoring_case(text, yes)) return 1;
    if (const auto flag = parse_boolean(text)) return *flag ? 1 : 0;
    return std::max<std::int64_t>(parse_integer(text).value_or(0), 0);
}

void unpack_tickets(World& world, const cib::Element& status) {
    const cib::Element* tickets = status.child("tickets");
    if (tickets == nullptr) return;
    for (const cib::Element& state : tickets->children) {
        if (state.name != "ticket_state" || state.get("id").empty()) continue;
        Ticket& ticket = world.tickets[std::string(state.get("id"))];
        ticket.id = state.get("id");
        ticket.granted = parse_boolean(state.get("granted")).value_or(false);
        ticket.standby = parse_boolean(state.get("standby")).value_or(false);
        if (const auto granted = parse_integer(state.get("last-granted"))) {
            ticket.last_granted = EpochSeconds{*granted};
        }
        for (const cib::Attribute& attribute : state.attributes) {
            ticket.state.emplace(attribute.name, attribute.value);
        }
    }
}

bool is_terminating(const Node& node) {
    const std::string* value = node_attribute(node, "terminate");
    if (value == nullptr) return false;
    if (const auto flag = parse_boolean(*value)) return *flag;
    return parse_integer(*value).value_or(0) > 0;
}

// The order of the questions is the rule: the first that applies decides.
void judge_with_fencing(World& world, Node& node, const cib::Element& state) {
    const std::int64_t member_since = since(state.get("in_ccm"), "true");
    const std::int64_t process_since = since(state.get("crmd"), "online");
    const std::string_view join = state.get("join");
    const bool is_member = member_since > 0;
    const bool is_process = process_since > 0;
    const std::string_view expected = state.has("expected") ? state.get("expected") : "down";
    node.online = is_member;
    if (node.shutting_down) {
        node.online = is_process;
        return;
    }
    if (member_since < 0) {
        mark_for_fencing(world, node, "peer has not been seen by the cluster", false);
        return;
    }
    if (join == "banned") {
        mark_for_fencing(world, node, "node failed to join the group", false);
        return;
    }
    if (is_terminating(node) && !(join == "down" && !is_member && !is_process)) {
        mark_for_fencing(world, node, "fencing was requested", false);
        return;
    }
    if (expected == "down") {
        if (!is_member && !is_process) return;
        node.standby = true;
        node.pending = true;
        const std::int64_t joined = std::max(member_since, process_since);
        if (world.options.node_pending_ms > 0 && joined > 1 &&
            world.now.value - joined >= world.options.node_pending_ms / 1000) {
            mark_for_fencing(world, node, "peer is pending for too long", true);
        } else if (world.options.node_pending_ms > 0 && joined > 1) {
            const EpochSeconds due{joined + world.options.node_pending_ms / 1000};
            if (!world.recheck_by || due < *world.recheck_by) world.recheck_by = due;
        }
        return;
    }
    if (!is_member) {
        mark_for_fencing(world, node, "peer is no longer part of the cluster", true);
    } else if (!is_process) {
        mark_for_fencing(world, node, "peer process is no longer available", false);
    } else if (join == "member") {
        return;
    } else if (join == "pending" || join == "down") {
        node.standby = true;
        node.pending = true;
    } else {
        mark_for_fencing(world, node, "peer was in an unknown state", false);
    }
}

void judge_without_fencing(Node& node, const cib::Element& state) {
    const bool is_member = since(state.get("in_ccm"), "true") > 0;
    const bool is_process = since(state.get("crmd"), "online") > 0;
    const std::string_view join = state.get("join");
    node.unclean = false;
    if (is_member && is_process) {
        if (join == "member") {
            node.online = true;
        } else {
            node.standby = false;
            node.pending = true;
            node.online = false;
        }
        return;
    }
    if (!is_member) return;
    if (!is_process && node.expected_up) node.unclean = true;
}

void judge_cluster_node(World& world, Node& node, const cib::Element& state) {
    node.expected_up = state.get("join") == "member" || state.get("expected") == "member";
    if (attribute_set(node, "shutdown")) {
        node.shutting_down = true;
        node.expected_up = false;
    }
    node.unclean = false;
    node.unseen = false;
    if (node.variant == NodeVariant::Ping) {
        node.online = false;
        return;
    }
    if (world.options.fencing_enabled) {
        judge_with_fencing(world, node, state);
    } else {
        judge_without_fencing(node, state);
    }
    if (attribute_true(node, "standby")) node.standby = true;
    if (attribute_true(node, "maintenance")) node.maintenance = true;
    const std::string* discovery = node_attribute(node, "resource-discovery-enabled");
    if (discovery != nullptr && !parse_boolean(*discovery).value_or(true)) {
        // Only for nodes behind a connection; a cluster node is always probed.
        node.discovery_enabled = true;
    }
}

void read_transient(World& world, Node& node, const cib::Element& state) {
    for (const cib::Element& child : state.children) {
        if (child.name == "transient_attributes") read_node_attributes(world, node, child, true);
    }
}

// What is recorded of a node behind a connection counts while the connection is up.
void judge_remote_attributes(World& world, Node& node, const cib::Element& state) {
    node.remote_maintenance = parse_integer(state.get("node_in_maintenance")).value_or(0) != 0;
    if (!node.remote_requires_reset) {
        node.unclean = false;
        node.unseen = false;
    }
    read_transient(world, node, state);
    if (attribute_set(node, "shutdown")) {
        node.shutting_down = true;
        if (node.remote != nullptr) {
            set_next_role(world, *node.remote, Role::Stopped, "remote shutdown");
        }
    }
    if (attribute_true(node, "standby")) node.standby = true;
    if (attribute_true(node, "maintenance") || (node.remote != nullptr && !node.remote->managed)) {
        node.maintenance = true;
    }
    const std::string* discovery = node_attribute(node, "resource-discovery-enabled");
    if (discovery != nullptr && !parse_boolean(*discovery).value_or(true)) {
        if (is_remote(node) && !world.options.fencing_enabled) {
            node.discovery_enabled = true;  // without fencing it cannot be trusted
        } else {
            node.discovery_enabled = false;
        }
    }
}

void judge_remote_past(Node& node, const cib::Element& state) {
    const std::string_view fenced = state.get("node_fenced");
    if (parse_integer(fenced).value_or(0) > 0 || parse_boolean(fenced).value_or(false)) {
        node.remote_was_fenced = true;
    }
}

Node* node_of(const World& world, const cib::Element& state) {
    const std::string_view id = state.get("id");
    const std::string_view name = state.get("uname");
    if (Node* node = world.find_node_by_id(id)) return node;
    if (!name.empty()) return world.find_node(name);
    return nullptr;
}

bool is_history_ready(const World& world, const Node& node, bool everything) {
    if (everything) return true;
    if (is_guest(node)) {
        return node.remote->role == Role::Started && node.remote->launcher->role == Role::Started;
    }
    if (is_guest_or_remote(node)) {
        return node.remote != nullptr &&
               (world.options.shutdown_lock || node.remote->role == Role::Started);
    }
    return world.options.fencing_enabled || world.options.shutdown_lock || node.online;
}

// One pass over the histories that can be read by now. True if there was one.
bool unpack_histories(World& world, const cib::Element& status, bool everything) {
    bool any = false;
    for (const cib::Element& state : status.children) {
        if (state.name != "node_state") continue;
        Node* node = node_of(world, state);
        if (node == nullptr || node->fixed_unpacked) continue;
        if (!is_history_ready(world, *node, everything)) continue;
        if (is_guest_or_remote(*node)) {
            judge_remote_node(*node);
            judge_remote_attributes(world, *node, state);
        }
        node->fixed_unpacked = true;
        unpack_node_history(world, *node, state);
        any = true;
    }
    return any;
}

void judge_nodes(World& world, const cib::Element& status) {
    for (const cib::Element& state : status.children) {
        if (state.name != "node_state") continue;
        Node* node = node_of(world, state);
        if (node == nullptr) continue;
        node->status = &state;
        if (node->is_unpacked) continue;
        node->is_unpacked = true;
        if (is_guest_or_remote(*node)) {
            judge_remote_past(*node, state);
            continue;
        }
        read_transient(world, *node, state);
        judge_cluster_node(world, *node, state);
    }
}

}  // namespace

void judge_remote_node(Node& node) {
    const Resource* connection = node.remote;
    if (connection == nullptr) {
        node.online = false;
        return;
    }
    const Resource* launcher = connection->launcher;
    const Node* host = nullptr;
    if (launcher != nullptr && launcher->running_on.size() == 1) {
        host = launcher->running_on.front();
    }
    if (connection->role == Role::Started) node.online = true;
    if (connection->role == Role::Started && connection->next_role == Role::Stopped) {
        node.shutting_down = true;
    }
    if (launcher != nullptr && launcher->failed) {
        node.online = false;
        node.remote_requires_reset = true;
    } else if (connection->failed) {
        node.online = false;
    } else if (connection->role <= Role::Stopped ||
               (launcher != nullptr && launcher->role <= Role::Stopped)) {
        node.online = false;
        node.remote_requires_reset = false;
    } else if (host != nullptr && !host->online && host->unclean) {
        node.online = false;
        node.remote_requires_reset = true;
    }
}

void unpack_status(World& world) {
    const cib::Element* status = world.cib->child("status");
    static const cib::Element kNone;
    if (status == nullptr) status = &kNone;
    const std::string_view dc = world.cib->get("dc-uuid");
    if (!dc.empty()) {
        if (Node* node = world.find_node_by_id(dc)) {
            node->is_dc = true;
            node->attributes["#is_dc"] = "true";
            world.dc = node;
        }
    }
    unpack_tickets(world, *status);
    judge_nodes(world, *status);
    for (Node& node : world.nodes) {
        if (is_guest_or_remote(node) && node.status == nullptr) node.unseen = true;
    }
    if (!world.options.have_quorum && world.options.no_quorum_policy == QuorumPolicy::Fence) {
        for (Node& node : world.nodes) {
            if (is_guest_or_remote(node) || !node.online) continue;
            mark_for_fencing(world, node, "cluster does not have quorum", false);
        }
    }
    // A history may reveal that a connection is up, and so make the next one readable.
    while (unpack_histories(world, *status, false)) {
    }
    // Without fencing what an offline node ran is taken to have ended with it.
    unpack_histories(world, *status, world.options.fencing_enabled);
    stop_failed_containers(world);
    for (Node& node : world.nodes) {
        if (is_guest_or_remote(node) && !node.fixed_unpacked) judge_remote_node(node);
    }
}

}  // namespace xbeat::schedule
