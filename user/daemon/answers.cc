#include "daemon/answers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "cib/secret.h"
#include "cib/xml.h"
#include "core/text.h"
#include "sys/realtime.h"

namespace xbeat::daemon {
namespace {

using nlohmann::json;

std::int64_t ns(Instant at) { return at.time_since_epoch().count(); }
double us(Duration span) { return static_cast<double>(span.count()) / 1000.0; }

std::string_view to_text(node::PeerState state) {
    switch (state) {
        case node::PeerState::Unknown:
            return "unknown";
        case node::PeerState::Alive:
            return "alive";
        case node::PeerState::Suspect:
            return "suspect";
        case node::PeerState::Dead:
            return "dead";
        case node::PeerState::Stalled:
            return "stalled";
    }
    return "unknown";
}

std::int64_t calendar_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string cib_version(const cib::Element& cib) {
    const auto part = [&](std::string_view name) {
        const std::string_view value = cib.get(name);
        return value.empty() ? std::string_view("0") : value;
    };
    return concat(part("admin_epoch"), ".", part("epoch"), ".", part("num_updates"));
}

/// Bounded by the depth that the parser allows.
void hide_secrets(cib::Element& element) {
    if (element.name == "nvpair" && cib::is_secret_name(element.get("name")) &&
        !element.get("value").empty())
        element.set("value", cib::kSecretMask);
    for (cib::Element& child : element.children) hide_secrets(child);
}

std::string_view mode_text(const std::optional<heart::Mode>& mode) {
    return mode ? heart::to_string(*mode) : std::string_view();
}

const heart::PeerStatus* find_peer(const heart::Status& status, NodeId id) {
    const auto found = std::find_if(status.peers.begin(), status.peers.end(),
                                    [&](const heart::PeerStatus& peer) { return peer.node == id; });
    return found == status.peers.end() ? nullptr : &*found;
}
const heart::PathStatus* find_path(const heart::PeerStatus* peer, PathId id) {
    if (peer == nullptr) return nullptr;
    const auto found = std::find_if(peer->paths.begin(), peer->paths.end(),
                                    [&](const heart::PathStatus& path) { return path.path == id; });
    return found == peer->paths.end() ? nullptr : &*found;
}
std::string_view link_mode(const heart::Status& status, PathId id) {
    for (const heart::LinkStatus& link : status.links) {
        if (link.path == id) return mode_text(link.mode);
    }
    return "";
}

json path_json(const Sources& sources, const heart::Status& status, NodeId peer, std::size_t index,
               const node::PathView& view) {
    const PathId id{static_cast<std::uint8_t>(index)};
    json path{{"name", view.name},
              {"is_up", view.is_up},
              {"reason", view.reason},
              {"since_ns", ns(view.since)},
              {"mode", link_mode(status, id)},
              {"channel", net::to_string(sources.peers.state(peer, id))}};
    const heart::PathStatus* const seen = find_path(find_peer(status, peer), id);
    if (seen == nullptr) return path;
    path["interface"] = seen->interface;
    path["local"] = heart::to_string(seen->local);
    path["remote"] = heart::to_string(seen->remote);
    path["rtt_p50_us"] = us(seen->rtt_p50);
    path["rtt_p99_us"] = us(seen->rtt_p99);
    path["rtt_max_us"] = us(seen->rtt_max);
    path["sent"] = seen->sent;
    path["answered"] = seen->answered;
    path["lost"] = seen->lost;
    path["unanswered"] = seen->unanswered;
    path["heard_ns"] = ns(seen->heard_at);
    return path;
}

json peers_json(const Sources& sources, const heart::Status& status) {
    json peers = json::array();
    for (const node::PeerView& view : sources.node.peers()) {
        json peer{{"name", view.name},
                  {"id", view.id.value},
                  {"state", to_text(view.state)},
                  {"since_ns", ns(view.since)},
                  {"has_channel", view.has_channel},
                  {"is_member", view.is_member}};
        const heart::PeerStatus* const seen = find_peer(status, view.id);
        peer["heard_ns"] = seen == nullptr ? 0 : ns(seen->heard_at);
        json paths = json::array();
        for (std::size_t i = 0; i < view.paths.size(); ++i)
            paths.push_back(path_json(sources, status, view.id, i, view.paths[i]));
        peer["paths"] = std::move(paths);
        peers.push_back(std::move(peer));
    }
    return peers;
}

json fences_json(const node::Node& node) {
    json fences = json::array();
    for (const node::FenceView& view : node.fence_history()) {
        fences.push_back({{"target", view.target},
                          {"action", view.action},
                          {"origin", view.origin},
                          {"device", view.device},
                          {"outcome", view.outcome},
                          {"reason", view.reason},
                          {"time_s", view.when.value}});
    }
    return fences;
}

json daemon_json(const Sources& sources, const heart::Status& status) {
    const SelfReport& self = sources.self;
    return {{"pid", ::getpid()},
            {"started_ns", ns(self.started)},
            {"rss_bytes", sys::resident_bytes()},
            {"mode", heart::to_string(status.mode)},
            {"adopted", status.adopted},
            {"period_measured_ns", status.period_measured.count()},
            {"tick_gap_max_ns", status.tick_gap_max.count()},
            {"ticks_late", status.ticks_late},
            {"ticks_held", status.ticks_held},
            {"sees_backlog", status.sees_backlog},
            {"exec_pid", self.executor_pid},
            {"exec_restarts", self.executor_restarts},
            {"reflex", self.reflex},
            {"watch", self.watch},
            {"memory", self.memory},
            {"store", self.store},
            {"events_dropped", self.events_dropped},
            {"control_refused", self.control_refused},
            {"channel_refused", self.channel_refused}};
}

json histogram_json(const std::array<std::uint64_t, 64>& histogram) {
    json classes = json::array();
    for (std::size_t i = 0; i < histogram.size(); ++i) {
        if (histogram[i] > 0) classes.push_back({std::uint64_t{1} << i, histogram[i]});
    }
    return classes;
}

json heart_path_json(const Config& config, const heart::PathStatus& path) {
    const auto& links = config.self_node().links;
    return {{"name", path.path.value < links.size() ? links[path.path.value].name : ""},
            {"state", heart::to_string(path.state)},
            {"interface", path.interface},
            {"local", heart::to_string(path.local)},
            {"remote", heart::to_string(path.remote)},
            {"next_hop_known", path.next_hop_known},
            {"sent", path.sent},
            {"unsent", path.unsent},
            {"answered", path.answered},
            {"lost", path.lost},
            {"unanswered", path.unanswered},
            {"heard_ns", ns(path.heard_at)},
            {"grace_ns", path.grace.count()},
            {"rtt_min_ns", path.rtt_min.count()},
            {"rtt_p50_ns", path.rtt_p50.count()},
            {"rtt_p99_ns", path.rtt_p99.count()},
            {"rtt_max_ns", path.rtt_max.count()},
            {"histogram", histogram_json(path.rtt_histogram)}};
}

json heart_peer_json(const Config& config, const heart::PeerStatus& status) {
    const NodeConfig* const node = config.find(status.node);
    json paths = json::array();
    for (const heart::PathStatus& path : status.paths)
        paths.push_back(heart_path_json(config, path));
    return {{"name", node == nullptr ? "" : node->name},
            {"id", status.node.value},
            {"state", heart::to_string(status.state)},
            {"since_ns", ns(status.since)},
            {"heard_ns", ns(status.heard_at)},
            {"incarnation", fmt::format("{:016x}", status.incarnation)},
            {"daemon_progress", status.daemon_progress},
            {"executor_progress", status.executor_progress},
            {"flags", status.flags},
            {"grant_ns", status.grant.count()},
            {"lease_until_ns", ns(status.lease_until)},
            {"paths", std::move(paths)}};
}

std::string print_part(const cib::Element& cib, control::Role role, const cib::Part& part) {
    const bool is_whole = part.sections.empty() && part.resource.empty();
    return is_whole ? print_cib(cib, role) : print_cib(cib::part_of(cib, part), role);
}

}  // namespace

std::string print_cib(const cib::Element& cib, control::Role role) {
    if (role >= control::Role::Operator) return cib::print_xml(cib);
    cib::Element copy = cib;
    hide_secrets(copy);
    return cib::print_xml(copy);
}

json answer_ping(const Sources& sources, control::Role role) {
    return {{"ok", true},
            {"version", kVersion},
            {"cluster", sources.config.cluster},
            {"node", sources.config.self_node().name},
            {"node_id", sources.config.self.value},
            {"pid", ::getpid()},
            {"role", control::to_string(role)},
            {"coordinator", sources.node.coordinator()},
            {"activity", sources.node.activity()},
            {"now_ns", ns(sources.now)}};
}

json answer_status(const Sources& sources, control::Role role, const cib::Part& part) {
    const heart::Status status = sources.heart.status();
    json degraded = json::array();
    for (const node::Degraded& entry : sources.self.degraded)
        degraded.push_back({{"what", entry.what}, {"reason", entry.reason}});
    const Timing& timing = sources.config.timing;
    return {{"ok", true},
            {"version", kVersion},
            {"cluster", sources.config.cluster},
            {"node", sources.config.self_node().name},
            {"node_id", sources.config.self.value},
            {"now_ns", ns(sources.now)},
            {"time_ms", calendar_ms()},
            {"coordinator", sources.node.coordinator()},
            {"term", sources.node.term().value},
            {"activity", sources.node.activity()},
            {"cib_version", cib_version(sources.node.cib())},
            {"cib", print_part(sources.node.cib(), role, part)},
            {"profile", sources.config.profile},
            {"period_ns", timing.period.count()},
            {"suspect", timing.suspect},
            {"dead", timing.dead},
            {"unsafe_takeover", sources.config.unsafe_takeover},
            {"peers", peers_json(sources, status)},
            {"fence_history", fences_json(sources.node)},
            {"lease", lease_json(sources)},
            {"degraded", std::move(degraded)},
            {"daemon", daemon_json(sources, status)}};
}

json answer_cib(const Sources& sources, control::Role role, const cib::Part& part) {
    return {{"ok", true},
            {"cib", print_part(sources.node.cib(), role, part)},
            {"version", cib_version(sources.node.cib())}};
}

json answer_attributes(const Sources& sources, control::Role role) {
    json attributes = json::array();
    for (const node::AttributeView& view : sources.node.attributes()) {
        const bool is_hidden = role < control::Role::Admin && cib::is_secret_name(view.name);
        const auto shown = [&](const std::optional<std::string>& value) {
            if (!value) return json();
            return is_hidden ? json(cib::kSecretMask) : json(*value);
        };
        json entry{{"node", view.node},
                   {"name", view.name},
                   {"value", shown(view.value)},
                   {"private", view.is_private}};
        if (view.is_waiting) entry["expected"] = shown(view.expected);
        attributes.push_back(std::move(entry));
    }
    return {{"ok", true}, {"attributes", std::move(attributes)}};
}

json answer_timeline(const Sources& sources) {
    json timelines = json::array();
    for (const node::Timeline& timeline : sources.node.timelines()) {
        json entries = json::array();
        for (const node::TimelineEntry& entry : timeline.entries) {
            entries.push_back({{"phase", entry.phase},
                               {"detail", entry.detail},
                               {"from_ns", ns(entry.from)},
                               {"to_ns", ns(entry.to)},
                               {"succeeded", entry.succeeded}});
        }
        timelines.push_back({{"cause", timeline.cause},
                             {"time_s", timeline.calendar.value},
                             {"finished", timeline.is_finished},
                             {"succeeded", timeline.succeeded},
                             {"failover", timeline.is_failover},
                             {"entries", std::move(entries)}});
    }
    return {{"ok", true}, {"now_ns", ns(sources.now)}, {"timelines", std::move(timelines)}};
}

json answer_heart(const Sources& sources) {
    const heart::Status status = sources.heart.status();
    const auto& own_links = sources.config.self_node().links;
    json links = json::array();
    for (const heart::LinkStatus& link : status.links) {
        links.push_back(
            {{"name", link.path.value < own_links.size() ? own_links[link.path.value].name : ""},
             {"interface", link.interface},
             {"ifindex", link.ifindex},
             {"mode", mode_text(link.mode)},
             {"is_up", link.is_up},
             {"threaded_napi", link.threaded_napi ? json(*link.threaded_napi) : json(nullptr)}});
    }
    json peers = json::array();
    for (const heart::PeerStatus& peer : status.peers)
        peers.push_back(heart_peer_json(sources.config, peer));
    json counters = json::object();
    for (const heart::Counter& counter : status.counters)
        counters[std::string(counter.name)] = counter.value;
    return {{"ok", true},
            {"now_ns", ns(sources.now)},
            {"mode", heart::to_string(status.mode)},
            {"adopted", status.adopted},
            {"incarnation", fmt::format("{:016x}", status.incarnation)},
            {"period_ns", status.period.count()},
            {"period_measured_ns", status.period_measured.count()},
            {"tick_gap_max_ns", status.tick_gap_max.count()},
            {"ticks", status.ticks},
            {"ticks_late", status.ticks_late},
            {"ticks_held", status.ticks_held},
            {"sees_backlog", status.sees_backlog},
            {"generations", status.generations},
            {"links", std::move(links)},
            {"peers", std::move(peers)},
            {"counters", std::move(counters)}};
}

json answer_history(const store::PastAnswer& answer, control::Role role) {
    if (!answer.rows)
        return {{"ok", false},
                {"code", to_string(answer.rows.error().code)},
                {"message", answer.rows.error().context}};
    json entries = json::array();
    for (const store::PastRow& row : *answer.rows) {
        json entry{{"number", row.number},
                   {"time_ms", row.calendar_ms},
                   {"kind", store::to_string(row.kind)},
                   {"cause", row.cause},
                   {"version", row.version}};
        if (!row.cib.empty()) {
            const Result<cib::Element> cib = cib::parse_xml(row.cib);
            entry["cib"] = cib ? print_cib(*cib, role) : std::string();
        }
        entries.push_back(std::move(entry));
    }
    return {{"ok", true}, {"entries", std::move(entries)}};
}

json event_json(const store::EventRow& row) {
    json fields = json::array();
    for (const auto& [name, value] : row.note.fields) fields.push_back({name, value});
    return {{"seq", row.sequence},           {"time_ms", row.calendar_ms},
            {"at_ns", ns(row.note.at)},      {"level", to_string(row.note.level)},
            {"kind", row.note.kind},         {"node", row.note.node},
            {"resource", row.note.resource}, {"text", row.note.text},
            {"fields", std::move(fields)}};
}

json answer_events(const store::EventAnswer& answer) {
    if (!answer.rows)
        return {{"ok", false},
                {"code", to_string(answer.rows.error().code)},
                {"message", answer.rows.error().context}};
    json events = json::array();
    for (const store::EventRow& row : *answer.rows) events.push_back(event_json(row));
    return {{"ok", true}, {"events", std::move(events)}, {"last", answer.last}};
}

std::string print_line(json reply, std::string_view echo) {
    if (!echo.empty()) reply["id"] = json::parse(echo, nullptr, false);
    return reply.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace xbeat::daemon
