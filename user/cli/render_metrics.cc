#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/metrics.h"
#include "cli/render_resources.h"
#include "cli/status_source.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;
using schedule::ResourceView;

using Labels = std::vector<std::pair<std::string_view, std::string>>;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        if (letter == '\\' || letter == '"') out += '\\';
        out += letter == '\n' ? ' ' : letter;
    }
    return out;
}

std::string label_text(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels)
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", name, escaped(value));
    return text.empty() ? text : text + "}";
}

// Families in the order in which they were begun; a family's samples stand together.
class Page {
public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        text_ += fmt::format("# TYPE {} {}\n# HELP {} {}\n", name, type, name, help);
    }
    template <class Number>
    void sample(std::string_view name, const Labels& labels, Number value) {
        text_ += fmt::format("{}{} {}\n", name, label_text(labels), value);
    }
    [[nodiscard]] std::string finish() { return text_ + "# EOF\n"; }

private:
    std::string text_;
};

double seconds(Duration span) { return static_cast<double>(span.count()) / 1e9; }
double seconds_of(const json& object, const char* member) {
    return static_cast<double>(number_of(object, member)) / 1e9;
}

void add_nodes(const StatusInput& input, Page& page) {
    page.family("ha_cluster_pacemaker_nodes", "gauge",
                "The nodes and each state that they are in.");
    for (const schedule::NodeView& node : input.situation.nodes) {
        const auto say = [&](std::string_view status, bool holds) {
            page.sample("ha_cluster_pacemaker_nodes",
                        {{"node", node.name},
                         {"type", std::string(node_type_text(node.type))},
                         {"status", std::string(status)}},
                        holds ? 1 : 0);
        };
        say("online", node.online);
        say("standby", node.standby);
        say("standby_onfail", node.standby_on_fail);
        say("maintenance", node.maintenance);
        say("pending", node.pending);
        say("unclean", node.unclean);
        say("shutdown", node.shutting_down);
        say("dc", node.is_coordinator || node.name == input.situation.coordinator);
    }
    page.family("ha_cluster_pacemaker_node_attributes", "gauge",
                "Attributes of nodes; the value is in the label.");
    for (const schedule::NodeView& node : input.situation.nodes) {
        for (const schedule::NameValue& row : node.attributes) {
            page.sample("ha_cluster_pacemaker_node_attributes",
                        {{"node", node.name}, {"name", row.name}, {"value", row.value}}, 1);
        }
    }
}

// The exporter whose names these are writes roles small.
std::string role_label(schedule::RoleView role) { return to_lower(schedule::to_string(role)); }

void add_resource(const ResourceView& resource, const std::string& group, const std::string& clone,
                  Page& page) {
    const bool is_group = resource.kind == schedule::ResourceKind::Group;
    const bool is_clone = resource.kind == schedule::ResourceKind::Clone;
    for (const ResourceView& child : resource.children) {
        add_resource(child, is_group ? resource.display_name : group,
                     is_clone ? resource.display_name : clone, page);
    }
    if (!resource.children.empty() || resource.kind != schedule::ResourceKind::Primitive) return;
    const auto say = [&](const std::string& node) {
        const std::string_view status = resource.is_failed    ? "failed"
                                        : resource.is_blocked ? "blocked"
                                        : resource.is_orphan  ? "orphaned"
                                                              : "active";
        page.sample("ha_cluster_pacemaker_resources",
                    {{"node", node},
                     {"resource", resource.display_name},
                     {"role", role_label(resource.role)},
                     {"managed", resource.is_managed ? "true" : "false"},
                     {"status", node.empty() && status == "active" ? "" : std::string(status)},
                     {"agent", agent_text(resource)},
                     {"group", group},
                     {"clone", clone}},
                    1);
    };
    for (const std::string& node : resource.nodes) say(node);
    if (resource.nodes.empty()) say("");
}

void add_cluster(const StatusInput& input, Page& page) {
    page.family("ha_cluster_pacemaker_resources", "gauge", "The resources and where they are.");
    for (const ResourceView& resource : input.situation.resources)
        add_resource(resource, "", "", page);
    page.family("ha_cluster_pacemaker_stonith_enabled", "gauge", "Whether fencing is enabled.");
    page.sample("ha_cluster_pacemaker_stonith_enabled", {},
                input.situation.fencing_enabled ? 1 : 0);
    page.family("ha_cluster_corosync_quorate", "gauge", "Whether this partition may decide.");
    page.sample("ha_cluster_corosync_quorate", {}, input.situation.has_quorum ? 1 : 0);
    page.family("ha_cluster_pacemaker_fail_count", "gauge", "Failures of a resource on a node.");
    for (const schedule::FailCountView& row : input.situation.fail_counts) {
        page.sample("ha_cluster_pacemaker_fail_count",
                    {{"node", row.node}, {"resource", row.resource}},
                    row.count >= Score::always() ? "+Inf" : to_string(row.count));
    }
    page.family("ha_cluster_pacemaker_migration_threshold", "gauge",
                "Failures after which a resource leaves the node.");
    for (const schedule::FailCountView& row : input.situation.fail_counts) {
        page.sample("ha_cluster_pacemaker_migration_threshold",
                    {{"node", row.node}, {"resource", row.resource}},
                    row.threshold >= Score::always() ? "+Inf" : to_string(row.threshold));
    }
    page.family("ha_cluster_pacemaker_location_constraints", "gauge",
                "Scores of constraints that keep a resource away from a node.");
    for (const schedule::BanView& row : input.situation.bans) {
        page.sample("ha_cluster_pacemaker_location_constraints",
                    {{"constraint", row.constraint},
                     {"node", row.node},
                     {"resource", row.resource},
                     {"role", role_label(row.promoted_only ? schedule::RoleView::Promoted
                                                           : schedule::RoleView::Started)}},
                    row.score == Score::never() ? "-Inf" : to_string(row.score));
    }
    page.family("xbeat_failed_actions", "gauge", "Failed actions that are not cleaned up.");
    page.sample("xbeat_failed_actions", {}, input.situation.failed_actions.size());
    page.family("xbeat_fences", "gauge", "Remembered attempts to fence, by outcome.");
    std::map<std::string, int> fences;
    for (const FenceStatus& row : input.fence_history) ++fences[row.outcome];
    for (const auto& [outcome, count] : fences)
        page.sample("xbeat_fences", {{"outcome", outcome}}, count);
}

void add_histogram(const json& path, const Labels& labels, Page& page) {
    std::uint64_t count = 0;
    double sum = 0;
    std::string_view name = "xbeat_path_rtt_seconds_bucket";
    const auto classes = path.find("histogram");
    if (classes != path.end() && classes->is_array()) {
        for (const json& row : *classes) {
            if (!row.is_array() || row.size() != 2) continue;
            const auto least = row[0].get<double>();
            count += row[1].get<std::uint64_t>();
            // The middle of a class that is twice as wide as its start.
            sum += least * 1.5 * row[1].get<double>();
            Labels own = labels;
            own.emplace_back("le", fmt::format("{:g}", 2 * least / 1e9));
            page.sample(name, own, count);
        }
    }
    Labels all = labels;
    all.emplace_back("le", "+Inf");
    page.sample(name, all, count);
    page.sample("xbeat_path_rtt_seconds_count", labels, count);
    page.sample("xbeat_path_rtt_seconds_sum", labels, fmt::format("{:g}", sum / 1e9));
}

using PathSample = std::function<void(const json&, const Labels&)>;
void each_path(const json& heart, const PathSample& say) {
    for (const json& peer : objects_of(heart, "peers")) {
        for (const json& path : objects_of(peer, "paths")) {
            say(path, {{"peer", text_of(peer, "name")}, {"path", text_of(path, "name")}});
        }
    }
}

void add_paths(const StatusInput& input, const json& heart, Page& page) {
    page.family("xbeat_peer_state", "gauge", "1 for the state that a peer is in.");
    for (const PeerStatus& peer : input.peers) {
        for (const std::string_view state : {"alive", "suspect", "dead", "stalled", "unknown"}) {
            page.sample("xbeat_peer_state", {{"peer", peer.name}, {"state", std::string(state)}},
                        peer.state == state ? 1 : 0);
        }
    }
    page.family("xbeat_peer_channel_up", "gauge", "Whether the encrypted channel to a peer is up.");
    for (const PeerStatus& peer : input.peers)
        page.sample("xbeat_peer_channel_up", {{"peer", peer.name}}, peer.has_channel ? 1 : 0);
    page.family("xbeat_path_up", "gauge", "Whether beats are answered on a path.");
    for (const PeerStatus& peer : input.peers) {
        for (const LinkStatus& link : peer.links)
            page.sample("xbeat_path_up", {{"peer", peer.name}, {"path", link.name}},
                        link.is_up ? 1 : 0);
    }
    struct Row {
        const char* family;
        const char* member;
        const char* help;
    };
    for (const Row& row :
         {Row{"xbeat_path_beats_sent", "sent", "Beats that left."},
          Row{"xbeat_path_beats_answered", "answered", "Beats that were answered."},
          Row{"xbeat_path_beats_lost", "lost", "Beats that never were."}}) {
        page.family(row.family, "counter", row.help);
        each_path(heart, [&](const json& path, const Labels& labels) {
            page.sample(fmt::format("{}_total", row.family), labels, number_of(path, row.member));
        });
    }
    page.family("xbeat_path_rtt_seconds", "histogram", "Round trips of answered beats.");
    each_path(heart,
              [&](const json& path, const Labels& labels) { add_histogram(path, labels, page); });
    page.family("xbeat_lease_seconds", "gauge",
                "How long the lease that a peer granted lasts; negative: it has run out.");
    const double now = seconds_of(heart, "now_ns");
    for (const json& peer : objects_of(heart, "peers")) {
        const std::int64_t until = number_of(peer, "lease_until_ns");
        if (until > 0)
            page.sample("xbeat_lease_seconds", {{"peer", text_of(peer, "name")}},
                        fmt::format("{:.3f}", static_cast<double>(until) / 1e9 - now));
    }
}

void add_heart_health(const json& heart, Page& page) {
    page.family("xbeat_heart_period_seconds", "gauge", "The beat's period as measured.");
    page.sample("xbeat_heart_period_seconds", {},
                fmt::format("{:g}", seconds_of(heart, "period_measured_ns")));
    page.family("xbeat_heart_tick_gap_seconds_max", "gauge", "The longest time between two ticks.");
    page.sample("xbeat_heart_tick_gap_seconds_max", {},
                fmt::format("{:g}", seconds_of(heart, "tick_gap_max_ns")));
    page.family("xbeat_heart_ticks", "counter", "Ticks since the heart began.");
    page.sample("xbeat_heart_ticks_total", {}, number_of(heart, "ticks"));
    page.family("xbeat_heart_ticks_late", "counter", "Ticks that came late.");
    page.sample("xbeat_heart_ticks_late_total", {}, number_of(heart, "ticks_late"));
    page.family("xbeat_heart_packets", "counter", "Packets by what became of them.");
    const auto counters = heart.find("counters");
    if (counters == heart.end() || !counters->is_object()) return;
    for (const auto& [name, value] : counters->items()) {
        if (value.is_number())
            page.sample("xbeat_heart_packets_total", {{"counter", name}},
                        value.get<std::int64_t>());
    }
}

void add_daemon_health(const StatusInput& input, const json& daemon,
                       const std::vector<TimelineStatus>& timelines, Page& page) {
    page.family("xbeat_up", "gauge", "Whether the daemon answers.");
    page.sample("xbeat_up",
                {{"cluster", input.cluster},
                 {"node", input.self},
                 {"version", input.version},
                 {"mode", input.mode}},
                1);
    page.family("xbeat_degraded", "gauge", "What does not work as it should.");
    for (const Degradation& one : input.degraded)
        page.sample("xbeat_degraded", {{"what", one.what}}, 1);
    page.family("xbeat_daemon_resident_bytes", "gauge", "Memory of the daemon.");
    page.sample("xbeat_daemon_resident_bytes", {}, number_of(daemon, "rss_bytes"));
    page.family("xbeat_daemon_events_dropped", "counter", "Events that could not be stored.");
    page.sample("xbeat_daemon_events_dropped_total", {}, number_of(daemon, "events_dropped"));
    page.family("xbeat_executor_restarts", "counter", "How often the executor was started again.");
    page.sample("xbeat_executor_restarts_total", {}, number_of(daemon, "exec_restarts"));
    page.family("xbeat_term", "gauge", "The coordinator's term; grows with each election.");
    page.sample("xbeat_term", {}, input.term);
    page.family("xbeat_transition_seconds", "gauge",
                "How long the last fail-over or transition took, from its first sign to its end.");
    for (auto at = timelines.rbegin(); at != timelines.rend(); ++at) {
        if (!at->is_finished || at->phases.empty()) continue;
        Instant from = at->phases.front().from;
        Instant to = from;
        for (const PhaseStatus& phase : at->phases) {
            from = std::min(from, phase.from);
            to = std::max(to, phase.to);
        }
        page.sample("xbeat_transition_seconds",
                    {{"cause", at->cause}, {"succeeded", at->succeeded ? "true" : "false"}},
                    fmt::format("{:g}", seconds(to - from)));
        break;
    }
}

}  // namespace

std::string render_metrics(const StatusInput& input, const json& heart, const json& daemon,
                           const std::vector<TimelineStatus>& timelines) {
    Page page;
    add_daemon_health(input, daemon, timelines, page);
    add_nodes(input, page);
    add_cluster(input, page);
    add_paths(input, heart, page);
    add_heart_health(heart, page);
    return page.finish();
}

std::string render_no_metrics(std::string_view reason) {
    std::string line(reason);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return fmt::format(
        "# TYPE xbeat_up gauge\n# HELP xbeat_up Whether the daemon answers. Now: {}\n"
        "xbeat_up 0\n# EOF\n",
        line);
}

}  // namespace xbeat::cli
