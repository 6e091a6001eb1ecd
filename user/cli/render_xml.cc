#include "cli/render_xml.h"

#include <fmt/format.h>

#include <algorithm>

#include "cib/upgrade.h"
#include "cib/xml.h"
#include "cli/render_resources.h"
#include "cli/words.h"
#include "core/text.h"
#include "rules/calendar.h"

namespace xbeat::cli {
namespace {

using cib::Element;
using schedule::NodeView;
using schedule::ResourceKind;
using schedule::ResourceView;

constexpr std::string_view kApiVersion = "2.25";

Element make(std::string_view name) {
    Element element;
    element.name = name;
    return element;
}

void set(Element& element, std::string_view name, std::string_view value) {
    element.attributes.push_back({std::string(name), std::string(value)});
}
void set_flag(Element& element, std::string_view name, bool value) {
    set(element, name, value ? "true" : "false");
}
void set_number(Element& element, std::string_view name, std::int64_t value) {
    set(element, name, concat(value));
}

Element result_element(std::string_view request) {
    Element root = make("pacemaker-result");
    set(root, "api-version", kApiVersion);
    set(root, "request", printable(request));
    return root;
}

std::int64_t time_of(const StatusInput& input, std::string_view option, std::int64_t fallback_ms) {
    for (const schedule::NameValue& one : input.situation.options) {
        if (one.name == option) return rules::parse_interval_ms(one.value).value_or(fallback_ms);
    }
    return fallback_ms;
}

Element summary(const StatusInput& input) {
    Element section = make("summary");
    Element stack = make("stack");
    // Tools look for a stack that they know; xbeat behaves as this one.
    set(stack, "type", "corosync");
    section.children.push_back(std::move(stack));
    const schedule::Situation& situation = input.situation;
    Element dc = make("current_dc");
    set_flag(dc, "present", !situation.coordinator.empty());
    if (!situation.coordinator.empty()) {
        set(dc, "version", input.version);
        set(dc, "name", situation.coordinator);
        for (const NodeView& node : situation.nodes) {
            if (node.name == situation.coordinator) set(dc, "id", node.id);
        }
        set_flag(dc, "with_quorum", situation.has_quorum);
        set_flag(dc, "mixed_version", false);
    }
    section.children.push_back(std::move(dc));
    Element updated = make("last_update");
    set(updated, "time", calendar_text(input.updated));
    section.children.push_back(std::move(updated));
    Element changed = make("last_change");
    set(changed, "time", input.last_change.time);
    for (const auto& [name, value] :
         {std::pair("user", input.last_change.user), std::pair("client", input.last_change.client),
          std::pair("origin", input.last_change.origin)}) {
        set(changed, name, value);
    }
    section.children.push_back(std::move(changed));
    Element nodes = make("nodes_configured");
    set_number(nodes, "number", static_cast<std::int64_t>(situation.nodes.size()));
    section.children.push_back(std::move(nodes));
    Element resources = make("resources_configured");
    set_number(resources, "number", situation.resource_instances);
    set_number(resources, "disabled", situation.disabled_instances);
    set_number(resources, "blocked", situation.blocked_instances);
    section.children.push_back(std::move(resources));
    Element options = make("cluster_options");
    set_flag(options, "stonith-enabled", situation.fencing_enabled);
    set_flag(options, "symmetric-cluster", situation.symmetric);
    set(options, "no-quorum-policy", situation.no_quorum_policy);
    set_flag(options, "maintenance-mode", situation.maintenance_mode);
    set_flag(options, "stop-all-resources", situation.stop_all_resources);
    set_number(options, "stonith-timeout-ms", time_of(input, "stonith-timeout", 60'000));
    set_number(options, "priority-fencing-delay-ms", time_of(input, "priority-fencing-delay", 0));
    section.children.push_back(std::move(options));
    return section;
}

Element node_element(const StatusInput& input, const NodeView& node) {
    Element element = make("node");
    set(element, "name", node.name);
    set(element, "id", node.id);
    set_flag(element, "online", node.online);
    set_flag(element, "standby", node.standby);
    set_flag(element, "standby_onfail", node.standby_on_fail);
    set_flag(element, "maintenance", node.maintenance);
    set_flag(element, "pending", node.pending);
    set_flag(element, "unclean", node.unclean);
    set(element, "health", node.health.empty() ? "green" : std::string_view(node.health));
    set(element, "feature_set", cib::kFeatureSet);
    set_flag(element, "shutdown", node.shutting_down);
    set_flag(element, "expected_up", node.expected_up);
    set_flag(element, "is_dc", node.name == input.situation.coordinator);
    set_number(element, "resources_running", static_cast<std::int64_t>(node.resources.size()));
    set(element, "type", node_type_text(node.type));
    if (!node.launcher.empty()) set(element, "id_as_resource", node.launcher);
    return element;
}

// What runs and may be promoted is unpromoted, not merely started.
std::string_view role_word(const ResourceView& resource) {
    const bool is_unpromoted =
        resource.role == schedule::RoleView::Started && resource.is_promotable;
    return to_string(is_unpromoted ? schedule::RoleView::Unpromoted : resource.role);
}

const NodeView* find_node(const StatusInput& input, std::string_view name) {
    for (const NodeView& node : input.situation.nodes) {
        if (node.name == name) return &node;
    }
    return nullptr;
}

// A monitor under way does not hide what is known; any other operation does.
bool is_monitored(const ResourceView& resource) { return resource.pending_task == "Monitoring"; }

// A node that is off for certain has nothing any more.
bool is_anywhere(const StatusInput& input, const ResourceView& resource) {
    return std::any_of(resource.nodes.begin(), resource.nodes.end(), [&](const std::string& name) {
        const NodeView* node = find_node(input, name);
        return node == nullptr || node->online || node->unclean || !resource.is_managed;
    });
}

Element primitive_element(const StatusInput& input, const ResourceView& resource) {
    Element element = make("resource");
    set(element, "id", resource.display_name);
    set(element, "resource_agent", agent_text(resource));
    const bool is_changing = !resource.pending_task.empty() && !is_monitored(resource);
    set(element, "role",
        is_changing ? std::string_view(resource.pending_task) : role_word(resource));
    if (!resource.target_role.empty()) set(element, "target_role", resource.target_role);
    set_flag(element, "active", is_active(resource) && is_anywhere(input, resource));
    set_flag(element, "orphaned", resource.is_orphan);
    set_flag(element, "blocked", resource.is_blocked);
    if (resource.is_in_maintenance) set_flag(element, "maintenance", true);
    set_flag(element, "managed", resource.is_managed);
    set_flag(element, "failed", resource.is_failed);
    set_flag(element, "failure_ignored", resource.is_failure_ignored);
    set_number(element, "nodes_running_on", static_cast<std::int64_t>(resource.nodes.size()));
    if (is_monitored(resource)) set(element, "pending", resource.pending_task);
    if (!resource.locked_to.empty()) set(element, "locked_to", resource.locked_to);
    for (const std::string& name : resource.nodes) {
        Element node = make("node");
        set(node, "name", name);
        const NodeView* place = find_node(input, name);
        set(node, "id", place != nullptr ? std::string_view(place->id) : name);
        set_flag(node, "cached", place != nullptr && place->online);
        element.children.push_back(std::move(node));
    }
    return element;
}

Element resource_element(const StatusInput& input, const ResourceView& resource) {
    if (resource.kind == ResourceKind::Primitive) return primitive_element(input, resource);
    Element element = make(resource.kind == ResourceKind::Group   ? "group"
                           : resource.kind == ResourceKind::Clone ? "clone"
                                                                  : "bundle");
    set(element, "id", resource.id);
    if (resource.kind == ResourceKind::Group) {
        set_number(element, "number_resources",
                   static_cast<std::int64_t>(resource.children.size()));
    } else if (resource.kind == ResourceKind::Clone) {
        set_flag(element, "multi_state", resource.is_promotable);
        set_flag(element, "unique", resource.is_unique);
    } else {
        set(element, "type", resource.container_agent);
        set(element, "image", resource.container_image);
        set_flag(element, "unique", resource.is_unique);
    }
    set_flag(element, "managed", resource.is_managed);
    if (resource.kind != ResourceKind::Bundle) set_flag(element, "disabled", resource.is_disabled);
    if (resource.kind != ResourceKind::Group) set_flag(element, "failed", resource.is_failed);
    if (resource.kind == ResourceKind::Clone)
        set_flag(element, "failure_ignored", resource.is_failure_ignored);
    if (resource.kind == ResourceKind::Clone && !resource.target_role.empty())
        set(element, "target_role", resource.target_role);
    for (const ResourceView& child : resource.children) {
        Element part = resource_element(input, child);
        if (child.replica < 0) {
            element.children.push_back(std::move(part));
            continue;
        }
        const std::string number = concat(child.replica);
        if (element.children.empty() || element.children.back().get("id") != number) {
            Element replica = make("replica");
            set(replica, "id", number);
            element.children.push_back(std::move(replica));
        }
        element.children.back().children.push_back(std::move(part));
    }
    return element;
}

Element attributes(const StatusInput& input) {
    Element section = make("node_attributes");
    for (const NodeView& node : input.situation.nodes) {
        if (!node.online) continue;
        Element owner = make("node");
        set(owner, "name", node.name);
        for (const schedule::NameValue& row : node.attributes) {
            if (!is_shown_attribute(row.name)) continue;
            Element one = make("attribute");
            set(one, "name", row.name);
            set(one, "value", row.value);
            for (const schedule::NameValue& wanted : node.expected) {
                if (wanted.name == row.name) set(one, "expected", wanted.value);
            }
            owner.children.push_back(std::move(one));
        }
        if (!owner.children.empty()) section.children.push_back(std::move(owner));
    }
    return section;
}

Element operation_element(const OperationStatus& row) {
    Element element = make("operation_history");
    const bool is_probe = row.task == "monitor" && row.interval_ms == 0;
    set_number(element, "call", row.call_id);
    set(element, "task", is_probe ? "probe" : std::string_view(row.task));
    set_number(element, "rc", row.rc);
    set(element, "rc_text", rc_text(row.rc));
    if (row.interval_ms > 0) set(element, "interval", concat(row.interval_ms, "ms"));
    if (row.last_change.value != 0) set(element, "last-rc-change", calendar_text(row.last_change));
    set(element, "exec-time", concat(row.exec_time_ms, "ms"));
    set(element, "queue-time", concat(row.queue_time_ms, "ms"));
    return element;
}

Element history(const StatusInput& input, const StatusOptions& options) {
    Element section = make("node_history");
    for (const NodeView& node : input.situation.nodes) {
        if (!node.online) continue;
        Element owner = make("node");
        set(owner, "name", node.name);
        const auto history_of = [&](const std::string& resource) -> Element& {
            const ResourceView* known = find_history(input.situation.resources, resource);
            const std::string_view id = known != nullptr ? known->display_name : resource;
            for (Element& one : owner.children) {
                if (one.get("id") == id) return one;
            }
            Element made = make("resource_history");
            set(made, "id", id);
            set_flag(made, "orphan", known == nullptr);
            if (known != nullptr)
                set_number(made, "migration-threshold", known->threshold.points());
            owner.children.push_back(std::move(made));
            return owner.children.back();
        };
        const bool has_runs = options.operations || options.timing;
        for (const OperationStatus& row : input.operations) {
            if (has_runs && row.node == node.name && is_of_interest(row))
                history_of(row.resource).children.push_back(operation_element(row));
        }
        for (const schedule::FailCountView& row : input.situation.fail_counts) {
            if (row.node != node.name) continue;
            Element& own = history_of(row.resource);
            if (row.count > Score()) set_number(own, "fail-count", row.count.points());
            if (row.last_failure) set(own, "last-failure", calendar_text(*row.last_failure));
        }
        if (!owner.children.empty()) section.children.push_back(std::move(owner));
    }
    return section;
}

Element failures(const StatusInput& input) {
    Element section = make("failures");
    for (const schedule::FailedActionView& row : input.situation.failed_actions) {
        if (row.is_masked) continue;
        Element one = make("failure");
        set(one, "op_key", row.key);
        set(one, "node", row.node);
        set(one, "exitstatus", rc_text(row.rc));
        set(one, "exitreason", row.exit_reason.empty() ? "none" : printable(row.exit_reason));
        set_number(one, "exitcode", row.rc);
        set_number(one, "call", row.call_id);
        set(one, "status", op_status_text(row.op_status));
        if (row.last_rc_change) {
            set(one, "last-rc-change", date_text(*row.last_rc_change));
            set_number(one, "queued", row.queue_time_ms);
            set_number(one, "exec", row.exec_time_ms);
            set_number(one, "interval", row.interval_ms);
            set(one, "task", row.task);
        }
        section.children.push_back(std::move(one));
    }
    return section;
}

Element fencing(const StatusInput& input, int level) {
    Element section = make("fence_history");
    for (auto row = input.fence_history.rbegin(); row != input.fence_history.rend(); ++row) {
        const bool is_failed = row->outcome == "failed";
        const bool is_pending = row->outcome == "pending";
        if (level < 2 && !is_failed && !is_pending) continue;
        Element one = make("fence_event");
        set(one, "status", is_failed ? "failed" : is_pending ? "pending" : "success");
        set(one, "exit-reason", printable(row->reason));
        set(one, "action", row->action);
        set(one, "target", row->target);
        set(one, "client", "xbeatd");
        set(one, "origin", row->origin);
        set(one, "delegate", row->device.empty() ? "a human" : std::string_view(row->device));
        set(one, "completed", calendar_text(row->when));
        section.children.push_back(std::move(one));
    }
    return section;
}

Element tickets(const StatusInput& input) {
    Element section = make("tickets");
    for (const schedule::TicketView& row : input.situation.tickets) {
        Element one = make("ticket");
        set(one, "id", row.id);
        set(one, "status", row.granted ? "granted" : "revoked");
        set_flag(one, "standby", row.standby);
        if (row.last_granted) set(one, "last-granted", calendar_text(*row.last_granted));
        section.children.push_back(std::move(one));
    }
    return section;
}

Element bans(const StatusInput& input) {
    Element section = make("bans");
    for (const schedule::BanView& row : input.situation.bans) {
        Element one = make("ban");
        set(one, "id", row.rule.empty() ? row.constraint : row.rule);
        set(one, "resource", row.resource);
        set(one, "node", row.node);
        set_number(one, "weight", row.score.points());
        set_flag(one, "promoted-only", row.promoted_only);
        set_flag(one, "master_only", row.promoted_only);
        section.children.push_back(std::move(one));
    }
    return section;
}

// What crm_mon does not know; readers of its XML pass over it.
Element links(const StatusInput& input) {
    Element section = make("xbeat-links");
    for (const PeerStatus& peer : input.peers) {
        Element owner = make("peer");
        set(owner, "name", peer.name);
        set(owner, "state", peer.state);
        set_flag(owner, "channel", peer.has_channel);
        for (const LinkStatus& link : peer.links) {
            Element one = make("link");
            set(one, "name", link.name);
            set_flag(one, "up", link.is_up);
            set(one, "mode", link.mode);
            set(one, "rtt-p50-us",
                fmt::format("{:.1f}", static_cast<double>(link.rtt_p50.count()) / 1000.0));
            set(one, "rtt-p99-us",
                fmt::format("{:.1f}", static_cast<double>(link.rtt_p99.count()) / 1000.0));
            set(one, "lost", concat(link.lost));
            owner.children.push_back(std::move(one));
        }
        section.children.push_back(std::move(owner));
    }
    return section;
}

Element status_element(ExitCode code, const std::vector<std::string>& messages) {
    Element status = make("status");
    set_number(status, "code", static_cast<int>(code));
    set(status, "message", to_string(code));
    if (messages.empty()) return status;
    Element errors = make("errors");
    for (const std::string& message : messages) {
        Element error = make("error");
        Element text;
        text.kind = cib::NodeKind::Text;
        text.text = printable(message);
        error.children.push_back(std::move(text));
        errors.children.push_back(std::move(error));
    }
    status.children.push_back(std::move(errors));
    return status;
}

void add_if_filled(std::vector<Element>& list, Element section) {
    if (!section.children.empty()) list.push_back(std::move(section));
}

std::string html_text(std::string_view text) {
    std::string out;
    for (const char letter : printable(text)) {
        switch (letter) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += letter;
        }
    }
    return out;
}

std::string_view html_class(std::string_view line) {
    for (const std::string_view word : {"FAILED", "OFFLINE", "UNCLEAN", "Failed", "***", "DOWN"}) {
        if (line.find(word) != std::string_view::npos) return "bad";
    }
    for (const std::string_view word : {"standby", "maintenance", "Stopped", "unmanaged"}) {
        if (line.find(word) != std::string_view::npos) return "odd";
    }
    return line.find("Started") != std::string_view::npos ||
                   line.find("Online") != std::string_view::npos
               ? "good"
               : "";
}

}  // namespace

std::vector<Element> status_elements(const StatusInput& input, const StatusOptions& options) {
    std::vector<Element> list;
    if (options.headers) list.push_back(summary(input));
    if (options.nodes) {
        Element nodes = make("nodes");
        for (const NodeView& node : input.situation.nodes)
            nodes.children.push_back(node_element(input, node));
        list.push_back(std::move(nodes));
    }
    Element resources = make("resources");
    for (const ResourceView& resource : input.situation.resources) {
        if (options.resources && !is_gone(resource) && (options.inactive || is_active(resource)))
            resources.children.push_back(resource_element(input, resource));
    }
    add_if_filled(list, std::move(resources));
    if (options.attributes) add_if_filled(list, attributes(input));
    if (options.fail_counts || options.operations || options.timing)
        list.push_back(history(input, options));
    if (options.failures) add_if_filled(list, failures(input));
    if (options.fence_history > 0) add_if_filled(list, fencing(input, options.fence_history));
    if (options.tickets) add_if_filled(list, tickets(input));
    if (options.bans) add_if_filled(list, bans(input));
    if (options.links) add_if_filled(list, links(input));
    return list;
}

std::string render_result(std::string_view request, std::vector<Element> elements, ExitCode code,
                          const std::vector<std::string>& errors) {
    Element root = result_element(request);
    root.children = std::move(elements);
    root.children.push_back(status_element(code, errors));
    return cib::print_xml(root);
}

std::string render_xml(const StatusInput& input, const StatusOptions& options,
                       std::string_view request) {
    return render_result(request, status_elements(input, options), ExitCode::Ok);
}

std::string render_html(const StatusInput& input, const StatusOptions& options, int refresh_s) {
    std::string page =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>Cluster Status</title>\n"
        "<meta charset=\"utf-8\">\n";
    if (refresh_s > 0)
        page += fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", refresh_s);
    page +=
        "<style>body { font-family: sans-serif } pre { margin: 0 }\n.good { color: green } "
        ".odd { color: blue } .bad { color: red; font-weight: bold }</style>\n</head>\n<body>\n";
    const std::string text = render_status(input, options);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        at = end + 1;
        const bool is_heading = !line.empty() && line.front() != ' ' && line.back() == ':';
        if (is_heading) {
            page += fmt::format("<h2>{}</h2>\n", html_text(line.substr(0, line.size() - 1)));
        } else if (!line.empty()) {
            page += fmt::format("<pre class=\"{}\">{}</pre>\n", html_class(line), html_text(line));
        }
    }
    return page + "</body>\n</html>\n";
}

}  // namespace xbeat::cli
