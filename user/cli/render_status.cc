// Sections in crm_mon's order; one function each.
#include "cli/render_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cli/render_resources.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using schedule::FailCountView;
using schedule::NodeType;
using schedule::NodeView;
using schedule::ResourceView;
using schedule::Situation;

// One section: its heading and lines, joined into the text when it is complete.
struct Page {
    std::string text;

    void section(std::string_view heading, const std::vector<std::string>& lines) {
        if (lines.empty()) return;
        if (!text.empty()) text += '\n';
        text += fmt::format("{}:\n{}\n", heading, fmt::join(lines, "\n"));
    }
};

std::string_view prefix(NodeType type) {
    switch (type) {
        case NodeType::Remote:
            return "Remote";
        case NodeType::Guest:
            return "Guest";
        case NodeType::Member:
        case NodeType::Ping:
            return "";
    }
    return "";
}

std::string node_state(const NodeView& node) {
    if (node.unclean) {
        if (node.online) return "UNCLEAN (online)";
        return node.pending ? "UNCLEAN (pending)" : "UNCLEAN (offline)";
    }
    if (node.pending) return "pending";
    if (node.standby_on_fail && node.online) return "standby (on-fail)";
    if (node.standby) {
        if (!node.online) return "OFFLINE (standby)";
        return node.resources.empty() ? "standby" : "standby (with active resources)";
    }
    if (node.maintenance) return node.online ? "maintenance" : "OFFLINE (maintenance)";
    return node.online ? "online" : "OFFLINE";
}

std::string with_health(const NodeView& node, std::string state) {
    if (node.health == "red") return state + " (health is RED)";
    if (node.health == "yellow") return state + " (health is YELLOW)";
    return state;
}

std::string instances_text(const Situation& situation) {
    std::string text = counted(situation.resource_instances, "resource instance") + " configured";
    std::vector<std::string> notes;
    if (situation.disabled_instances > 0) {
        notes.push_back(fmt::format("{} DISABLED", situation.disabled_instances));
    }
    if (situation.blocked_instances > 0) {
        notes.push_back(fmt::format("{} BLOCKED from further action due to failure",
                                    situation.blocked_instances));
    }
    if (!notes.empty()) text += fmt::format(" ({})", fmt::join(notes, ", "));
    return text;
}

std::string coordinator_text(const StatusInput& input) {
    if (input.situation.coordinator.empty()) return "Current DC: NONE";
    const std::string version =
        input.version.empty() ? "" : fmt::format(" (version {})", input.version);
    return fmt::format("Current DC: {}{} - partition {} quorum", input.situation.coordinator,
                       version, input.situation.has_quorum ? "with" : "WITHOUT");
}

void add_modes(const Situation& situation, std::vector<std::string>& lines) {
    if (situation.maintenance_mode) {
        lines.emplace_back("  *** Resource management is DISABLED (maintenance-mode) ***");
        lines.emplace_back("  The cluster will not start, stop or recover anything");
    }
    if (situation.stop_all_resources) {
        lines.emplace_back("  *** All resources are to stay stopped (stop-all-resources) ***");
    }
    if (!situation.fencing_enabled) {
        lines.emplace_back("  *** Fencing is off (stonith-enabled=false) ***");
    }
}

void summary(const StatusInput& input, Page& page) {
    std::vector<std::string> lines;
    const std::string cluster =
        input.cluster.empty() ? "" : fmt::format(" (cluster {})", input.cluster);
    lines.push_back(fmt::format("  * Stack: xbeat{}", cluster));
    lines.push_back("  * " + coordinator_text(input));
    const std::string on = input.self.empty() ? "" : fmt::format(" on {}", input.self);
    lines.push_back(fmt::format("  * Last updated: {}{}", calendar_text(input.updated), on));
    if (const std::string change = to_string(input.last_change); !change.empty()) {
        lines.push_back(fmt::format("  * Last change:  {}", printable(change)));
    }
    lines.push_back(
        fmt::format("  * {} configured", counted(input.situation.nodes.size(), "node")));
    lines.push_back("  * " + instances_text(input.situation));
    if (input.is_live) {
        lines.push_back(fmt::format("  * Activity: {}", printable(input.activity)));
        lines.push_back(fmt::format(
            "  * Beats: {}every {}{}", input.mode.empty() ? "" : input.mode + ", ",
            short_duration(input.period), input.profile.empty() ? "" : " (" + input.profile + ")"));
    }
    if (const std::string lease = lease_text(input); !lease.empty())
        lines.push_back("  * " + lease);
    if (input.unsafe_takeover)
        lines.emplace_back("  *** Takeover without proof is allowed (unsafe_takeover) ***");
    for (const Degradation& one : input.degraded) {
        lines.push_back(fmt::format("  *** Degraded: {}: {} ***", one.what, printable(one.reason)));
    }
    add_modes(input.situation, lines);
    page.section("Cluster Summary", lines);
}

std::vector<NodeView> by_name(std::vector<NodeView> nodes) {
    std::sort(nodes.begin(), nodes.end(), [](const NodeView& a, const NodeView& b) {
        return is_before_by_number(a.name, b.name);
    });
    return nodes;
}

std::string node_name(const NodeView& node, bool detail) {
    std::string name = node.name;
    if (node.type == NodeType::Guest && detail) name += "@" + node.remote_host;
    if (detail && node.type == NodeType::Member && !node.id.empty() && node.id != node.name) {
        name += fmt::format(" ({})", node.id);
    }
    return name;
}

bool is_special(const NodeView& node) {
    const std::string state = node_state(node);
    return (state != "online" && state != "OFFLINE") || with_health(node, state) != state;
}

void nodes_by_state(const StatusInput& input, const StatusOptions& options, Page& page) {
    std::vector<std::string> lines;
    std::map<std::string, std::vector<std::string>> lists;
    for (const NodeView& node : by_name(input.situation.nodes)) {
        const std::string state = node_state(node);
        if (is_special(node) || options.detail) {
            lines.push_back(fmt::format("  * {}Node {}: {}", prefix(node.type),
                                        node_name(node, options.detail), with_health(node, state)));
            continue;
        }
        lists[fmt::format("{}{}", prefix(node.type), node.online ? "Online" : "OFFLINE")].push_back(
            node.name);
    }
    for (const char* const key :
         {"Online", "OFFLINE", "RemoteOnline", "RemoteOFFLINE", "GuestOnline"}) {
        const auto found = lists.find(key);
        if (found == lists.end()) continue;
        lines.push_back(fmt::format("  * {}: {}", key, bracketed(found->second)));
    }
    page.section("Node List", lines);
}

void primitives_on(const ResourceView& resource, const std::string& node,
                   std::vector<const ResourceView*>& found) {
    for (const ResourceView& child : resource.children) primitives_on(child, node, found);
    if (!resource.children.empty() || resource.kind != schedule::ResourceKind::Primitive) return;
    const bool is_here =
        std::find(resource.nodes.begin(), resource.nodes.end(), node) != resource.nodes.end();
    if (is_here) found.push_back(&resource);
}

// How many primitives of each agent are active, out of how many: crm_mon's brief form.
std::vector<std::string> brief_lines(const std::vector<const ResourceView*>& primitives,
                                     std::size_t indent) {
    std::map<std::string, std::size_t> counts;
    for (const ResourceView* one : primitives) ++counts[agent_text(*one)];
    std::vector<std::string> lines;
    for (const auto& [agent, count] : counts) {
        lines.push_back(fmt::format("{:{}}* {}\t({}):\tActive", "", indent, count, agent));
    }
    return lines;
}

void nodes_with_resources(const StatusInput& input, const StatusOptions& options, Page& page) {
    std::vector<std::string> lines;
    for (const NodeView& node : by_name(input.situation.nodes)) {
        lines.push_back(fmt::format("  * {}Node {}: {}:", prefix(node.type),
                                    node_name(node, options.detail),
                                    with_health(node, node_state(node))));
        std::vector<const ResourceView*> here;
        for (const ResourceView& resource : input.situation.resources) {
            primitives_on(resource, node.name, here);
        }
        if (here.empty()) continue;
        lines.emplace_back("    * Resources:");
        if (options.brief) {
            const std::vector<std::string> counts = brief_lines(here, 6);
            lines.insert(lines.end(), counts.begin(), counts.end());
            continue;
        }
        for (const ResourceView* one : here) {
            lines.push_back("      * " + primitive_text(*one, input.situation.nodes, false));
        }
    }
    page.section("Node List", lines);
}

void collect_active(const ResourceView& resource, std::vector<const ResourceView*>& found) {
    for (const ResourceView& child : resource.children) collect_active(child, found);
    if (resource.children.empty() && is_active(resource)) found.push_back(&resource);
}

void resources(const StatusInput& input, const StatusOptions& options, Page& page) {
    if (options.by_node && !options.inactive) return;
    std::vector<std::string> lines;
    const ResourceOptions how{.inactive = options.inactive, .detail = options.detail};
    std::vector<const ResourceView*> active;
    for (const ResourceView& resource : input.situation.resources) {
        if (is_gone(resource) || (options.by_node && is_active(resource))) continue;
        if (options.brief && resource.kind == schedule::ResourceKind::Primitive &&
            is_active(resource)) {
            collect_active(resource, active);
            continue;
        }
        const std::vector<std::string> own = resource_lines(resource, input.situation.nodes, how);
        lines.insert(lines.end(), own.begin(), own.end());
    }
    const std::vector<std::string> counts = brief_lines(active, 2);
    lines.insert(lines.begin(), counts.begin(), counts.end());
    const std::string_view none =
        options.by_node ? "  * No inactive resources"
                        : (options.inactive ? "  * No resources" : "  * No active resources");
    if (lines.empty()) lines.emplace_back(none);
    page.section(options.by_node    ? "Inactive Resources"
                 : options.inactive ? "Full List of Resources"
                                    : "Active Resources",
                 lines);
}

void links(const StatusInput& input, Page& page) {
    std::vector<std::string> lines;
    for (const PeerStatus& peer : input.peers) {
        std::vector<std::string> notes;
        if (!peer.has_channel) notes.emplace_back("no control channel");
        if (!peer.is_member) notes.emplace_back("not a member");
        const std::string after = notes.empty() ? "" : fmt::format(", {}", fmt::join(notes, ", "));
        lines.push_back(fmt::format("  * Peer {}: {} for {}{}", peer.name, peer.state,
                                    short_duration(peer.since), after));
        for (const LinkStatus& link : peer.links) {
            lines.push_back(fmt::format("    * {}: {}", link.name, link_text(link)));
        }
    }
    page.section("Links", lines);
}

// What a ping agent's attribute says about the hosts that it asks.
std::string reachability_text(const NodeView& node, const schedule::NameValue& row) {
    for (const schedule::NameValue& wanted : node.expected) {
        if (wanted.name != row.name) continue;
        const std::int64_t value = parse_integer(row.value).value_or(0);
        const std::int64_t expected = parse_integer(wanted.value).value_or(0);
        if (value <= 0) return "\t: Connectivity is lost";
        if (value < expected)
            return fmt::format("\t: Connectivity is degraded (Expected={})", expected);
    }
    return {};
}

void attributes(const StatusInput& input, Page& page) {
    std::vector<std::string> lines;
    for (const NodeView& node : by_name(input.situation.nodes)) {
        if (!node.online) continue;
        std::vector<schedule::NameValue> rows;
        std::copy_if(node.attributes.begin(), node.attributes.end(), std::back_inserter(rows),
                     [](const schedule::NameValue& row) { return is_shown_attribute(row.name); });
        std::sort(rows.begin(), rows.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
        if (rows.empty()) continue;
        lines.push_back(fmt::format("  * Node: {}:", node.name));
        for (const schedule::NameValue& row : rows) {
            lines.push_back(fmt::format("    * {:<32}\t: {:<10}{}", row.name, printable(row.value),
                                        reachability_text(node, row)));
        }
    }
    page.section("Node Attributes", lines);
}

std::string fail_count_text(const FailCountView& row) {
    std::string text = fmt::format("migration-threshold={}", row.threshold.points());
    if (row.count > Score()) text += fmt::format(" fail-count={}", row.count.points());
    if (row.last_failure)
        text += fmt::format(" last-failure='{}'", calendar_text(*row.last_failure));
    return text;
}

void fail_counts(const StatusInput& input, Page& page) {
    std::vector<std::string> lines;
    for (const NodeView& node : by_name(input.situation.nodes)) {
        bool is_first = true;
        for (const FailCountView& row : input.situation.fail_counts) {
            if (row.node != node.name) continue;
            if (is_first) lines.push_back(fmt::format("  * Node: {}:", node.name));
            is_first = false;
            lines.push_back(fmt::format("    * {}: {}", row.resource, fail_count_text(row)));
        }
    }
    page.section("Migration Summary", lines);
}

std::string operation_text(const OperationStatus& row, bool timing) {
    const bool is_probe = row.task == "monitor" && row.interval_ms == 0;
    std::string text = fmt::format("({}) {}", row.call_id, is_probe ? "probe" : row.task);
    std::vector<std::string> parts;
    if (row.interval_ms > 0) parts.push_back(fmt::format("interval=\"{}ms\"", row.interval_ms));
    if (timing) {
        parts.push_back(fmt::format("last-rc-change=\"{}\"", calendar_text(row.last_change)));
        parts.push_back(fmt::format("exec-time=\"{}ms\"", row.exec_time_ms));
        parts.push_back(fmt::format("queue-time=\"{}ms\"", row.queue_time_ms));
    }
    if (timing || row.rc != 0) parts.push_back(fmt::format("rc={} ({})", row.rc, rc_text(row.rc)));
    if (!parts.empty()) text += fmt::format(": {}", fmt::join(parts, " "));
    return text;
}

std::string history_heading(const StatusInput& input, const OperationStatus& row) {
    const ResourceView* known = find_history(input.situation.resources, row.resource);
    if (known == nullptr) return fmt::format("    * {}: orphan:", row.resource);
    for (const FailCountView& count : input.situation.fail_counts) {
        if (count.node == row.node && count.resource == known->display_name)
            return fmt::format("    * {}: {}:", known->display_name, fail_count_text(count));
    }
    return fmt::format("    * {}: migration-threshold={}:", known->display_name,
                       known->threshold.points());
}

void operations(const StatusInput& input, const StatusOptions& options, Page& page) {
    std::vector<std::string> lines;
    std::string_view node;
    std::string_view resource;
    for (const OperationStatus& row : input.operations) {
        if (!is_of_interest(row)) continue;
        if (row.node != node) {
            lines.push_back(fmt::format("  * Node: {}:", row.node));
            resource = {};
        }
        if (row.node != node || row.resource != resource)
            lines.push_back(history_heading(input, row));
        node = row.node;
        resource = row.resource;
        lines.push_back("      * " + operation_text(row, options.timing));
    }
    page.section("Operations", lines);
}

// "web 10s-interval monitor on pm01 returned 'error' (it is gone) at ... after 33ms"
std::string failure_sentence(const schedule::FailedActionView& row) {
    const bool is_probe = row.task == "monitor" && row.interval_ms == 0;
    std::string text = fmt::format("  * {} ", row.resource.empty() ? row.key : row.resource);
    if (row.interval_ms > 0) text += readable_time(row.interval_ms) + "-interval ";
    text += fmt::format("{} on {} ", is_probe ? "probe" : row.task, row.node);
    const std::string why(printable(row.exit_reason));
    if (row.op_status == 0) {
        text += fmt::format("returned '{}'", rc_text(row.rc));
        if (!why.empty()) text += fmt::format(" ({})", why);
    } else {
        text += fmt::format("could not be executed ({}{}{})", op_status_text(row.op_status),
                            why.empty() ? "" : ": ", why);
    }
    if (row.last_rc_change) text += fmt::format(" at {}", calendar_text(*row.last_rc_change));
    if (row.exec_time_ms > 0) text += fmt::format(" after {}", readable_time(row.exec_time_ms));
    return text;
}

void failed_actions(const StatusInput& input, bool in_detail, Page& page) {
    std::vector<std::string> lines;
    for (const schedule::FailedActionView& row : input.situation.failed_actions) {
        if (!in_detail) {
            lines.push_back(failure_sentence(row));
            continue;
        }
        std::string text =
            fmt::format("  * {} on {} '{}' ({}): call={}, status='{}'", row.key, row.node,
                        rc_text(row.rc), row.rc, row.call_id, op_status_text(row.op_status));
        if (!row.exit_reason.empty()) {
            text += fmt::format(", exitreason='{}'", printable(row.exit_reason));
        }
        if (row.last_rc_change) {
            text += fmt::format(", last-rc-change='{}'", calendar_text(*row.last_rc_change));
        }
        text += fmt::format(", queued={}ms, exec={}ms", row.queue_time_ms, row.exec_time_ms);
        lines.push_back(text);
    }
    page.section("Failed Resource Actions", lines);
}

std::string fence_text(const FenceStatus& row) {
    const std::string by = row.origin.empty() ? "" : fmt::format(", origin={}", row.origin);
    const std::string device = row.device.empty() ? "" : fmt::format(", device={}", row.device);
    const std::string reason =
        row.reason.empty() ? "" : fmt::format(", reason='{}'", printable(row.reason));
    if (row.outcome == "pending") {
        return fmt::format("  * {} of {} pending{}{}{}", row.action, row.target, by, device,
                           reason);
    }
    const bool failed = row.outcome == "failed";
    const std::string outcome = row.outcome == "success" ? "successful" : row.outcome;
    return fmt::format("  * {} of {} {}{}{}, {}='{}'{}", row.action, row.target, outcome, by,
                       device, failed ? "last-failed" : "completed", calendar_text(row.when),
                       reason);
}

// Newest first; below level 3 only the newest of each kind, as crm_mon reduces them.
std::vector<std::string> fence_lines(const StatusInput& input, std::string_view outcome,
                                     bool is_full) {
    const auto kind_of = [](const FenceStatus& row) {
        const bool is_own = row.outcome == "failed" || row.outcome == "pending";
        return is_own ? std::string_view(row.outcome) : std::string_view("success");
    };
    std::vector<std::string> lines;
    std::set<std::string> seen;
    for (auto row = input.fence_history.rbegin(); row != input.fence_history.rend(); ++row) {
        if (kind_of(*row) != outcome) continue;
        const bool is_new =
            seen.insert(fmt::format("{} {} {}", row->target, row->action, row->origin)).second;
        if (is_full || is_new) lines.push_back(fence_text(*row));
    }
    return lines;
}

void fencing(const StatusInput& input, int level, Page& page) {
    const bool is_full = level >= 3;
    if (level >= 1) page.section("Failed Fencing Actions", fence_lines(input, "failed", is_full));
    if (level >= 1) page.section("Pending Fencing Actions", fence_lines(input, "pending", is_full));
    if (level >= 2) page.section("Fencing History", fence_lines(input, "success", is_full));
}

void tickets(const StatusInput& input, Page& page) {
    std::vector<std::string> lines;
    for (const schedule::TicketView& ticket : input.situation.tickets) {
        std::string text =
            fmt::format("  * {}: {}{}", ticket.id, ticket.granted ? "granted" : "revoked",
                        ticket.standby ? " [standby]" : "");
        if (ticket.last_granted) {
            text += fmt::format(" last-granted='{}'", calendar_text(*ticket.last_granted));
        }
        lines.push_back(text);
    }
    page.section("Tickets", lines);
}

void bans(const StatusInput& input, Page& page) {
    std::vector<std::string> lines;
    for (const schedule::BanView& ban : input.situation.bans) {
        lines.push_back(fmt::format("  * {}\tprevents {} from running {}on {}",
                                    ban.rule.empty() ? ban.constraint : ban.rule, ban.resource,
                                    ban.promoted_only ? "as Promoted " : "", ban.node));
    }
    page.section("Negative Location Constraints", lines);
}

}  // namespace

std::string link_text(const LinkStatus& link) {
    if (!link.is_up) {
        return fmt::format("DOWN for {}{}{}", short_duration(link.since),
                           link.reason.empty() ? "" : ": ", printable(link.reason));
    }
    const std::string mode = link.mode.empty() ? "" : fmt::format(" ({})", link.mode);
    if (link.answered == 0) return fmt::format("up{}, no beat answered yet", mode);
    return fmt::format("up{}, rtt p50 {}, p99 {}, max {}, lost {} of {}", mode,
                       short_duration(link.rtt_p50), short_duration(link.rtt_p99),
                       short_duration(link.rtt_max), link.lost, link.sent);
}

std::string lease_text(const StatusInput& input) {
    const LeaseStatus& lease = input.lease;
    if (!lease.is_used) return {};
    std::string text = fmt::format("Lease: {} ({})", printable(lease.standing), lease.arbiter);
    if (lease.without_end) {
        text += ", without end";
    } else if (lease.left > Duration::zero()) {
        text += fmt::format(", runs out in {} unless renewed", short_duration(lease.left));
    } else {
        text += ", RUN OUT";
    }
    std::vector<std::string> armed;
    for (const GateNic& nic : lease.nics) {
        if (nic.is_armed) armed.push_back(nic.interface);
    }
    text += fmt::format("; gate {}", lease.nics.empty() ? "not armed"
                                     : lease.is_open    ? "open"
                                                        : "SHUT");
    if (!armed.empty()) text += fmt::format(" on {}", fmt::join(armed, ", "));
    if (!lease.managed.empty()) text += fmt::format(" for {}", fmt::join(lease.managed, ", "));
    for (const GateNic& nic : lease.nics) {
        if (!nic.trouble.empty())
            text += fmt::format("; {}: {}", nic.interface, printable(nic.trouble));
    }
    return text;
}

std::string render_status(const StatusInput& input, const StatusOptions& options) {
    Page page;
    if (options.headers) summary(input, page);
    if (options.nodes) {
        options.by_node ? nodes_with_resources(input, options, page)
                        : nodes_by_state(input, options, page);
    }
    if (options.resources) resources(input, options, page);
    if (options.links) links(input, page);
    if (options.attributes) attributes(input, page);
    if (options.operations || options.timing) operations(input, options, page);
    if (options.fail_counts) fail_counts(input, page);
    if (options.failures) failed_actions(input, options.detail, page);
    if (options.tickets) tickets(input, page);
    fencing(input, options.fence_history, page);
    if (options.bans) bans(input, page);
    return std::move(page.text);
}

std::string to_string(const LastChange& change) {
    std::string text = change.time;
    if (text.empty()) return text;
    if (!change.user.empty()) text += concat(" by ", change.user);
    if (!change.client.empty()) text += concat(" via ", change.client);
    if (!change.origin.empty()) text += concat(" on ", change.origin);
    return text;
}

std::string simple_status(const StatusInput& input) {
    const schedule::Situation& situation = input.situation;
    if (situation.coordinator.empty()) return "CLUSTER WARN: No DC";
    std::string offline;
    std::size_t online = 0;
    std::size_t standby = 0;
    std::size_t maintenance = 0;
    for (const schedule::NodeView& node : situation.nodes) {
        if (!node.online) {
            offline += concat(" offline node: ", printable(node.name));
        } else if (node.standby || node.standby_on_fail) {
            ++standby;
        } else if (node.maintenance) {
            ++maintenance;
        } else {
            ++online;
        }
    }
    if (!offline.empty()) return concat("CLUSTER WARN:", offline);
    std::string text = concat("CLUSTER OK: ", counted(online, "node"), " online");
    if (standby > 0) text += concat(", ", counted(standby, "standby node"));
    if (maintenance > 0) text += concat(", ", counted(maintenance, "maintenance node"));
    return concat(text, ", ", counted(situation.resource_instances, "resource instance"),
                  " configured");
}

}  // namespace xbeat::cli
