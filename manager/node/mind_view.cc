// What displays ask: peers, activity, fence history; and which resources moved.
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "node/mind.h"
#include "schedule/schedule.h"

namespace xbeat::node {

using member::Phase;
using member::Standing;

std::vector<PeerView> Mind::peer_views() const {
    if (!peer_) return {};
    return {{.id = peer_->node.id,
             .name = peer_->node.name,
             .state = peer_->health.state(),
             .has_channel = peer_->has_channel,
             .is_member = is_peer_member(),
             .since = peer_->health.since(),
             .paths = peer_->paths}};
}

std::string_view Mind::coordinator_name() const {
    if (phase_ != Phase::Active) return {};
    for (const NodeName& node : options_.nodes) {
        if (node.id == coordinator_) return node.name;
    }
    return {};
}

std::string Mind::activity() const {
    switch (phase_) {
        case Phase::Down:
            return "not started";
        case Phase::Waiting:
            return peer_ && !peer_->refusal.empty() ? concat("refused: ", peer_->refusal)
                                                    : std::string("waiting for the peer");
        case Phase::Forming:
        case Phase::Joining:
            return "joining";
        case Phase::Left:
            return "left";
        case Phase::Active:
            break;
    }
    if (!is_coordinator()) return "follows the coordinator";
    if (!obstacle_.empty() && peer_ && peer_->standing == Standing::Lost) {
        return obstacle_.starts_with("no safe takeover") ? obstacle_
                                                         : concat("no safe takeover: ", obstacle_);
    }
    if (peer_ && peer_->standing == Standing::Joining && !transition_) {
        return concat("waiting for ", peer_->node.name, " to join");
    }
    // Of an earlier plan: what comes of them is planned anew.
    if (!transition_ && !flights_.empty()) return concat(flights_.size(), " actions still run");
    if (!transition_ && !left_running_.empty()) return concat("idle; ", what_was_left());
    if (!transition_) return "idle";
    return concat("transition ", transition_->number(), ": ", transition_->real_done(), " of ",
                  transition_->real_total(), " actions done");
}

std::vector<FenceView> Mind::fence_views() const {
    std::vector<FenceView> out;
    for (const wire::RecordFence& fence : shared_.fences) {
        out.push_back({.target = fence.target,
                       .action = fence.action,
                       .origin = fence.origin,
                       .device = fence.device,
                       .outcome = fence.outcome,
                       .reason = fence.reason,
                       .when = fence.when});
    }
    for (const auto& [target, order] : fences_) {
        if (!order.is_running) continue;
        out.push_back({.target = target,
                       .action = order.order.action,
                       .origin = order.is_remote && peer_ ? peer_->node.name : self_.name,
                       .device = {},
                       .outcome = "pending",
                       .reason = {},
                       .when = now_.calendar});
    }
    return out;
}

namespace {

void collect_places(const std::vector<schedule::ResourceView>& resources,
                    std::map<std::string, std::string>& out) {
    for (const schedule::ResourceView& each : resources) {
        if (!each.children.empty()) {
            collect_places(each.children, out);
            continue;
        }
        // Which of a clone's like instances is where says nothing: they share a name.
        std::string& place = out[each.display_name];
        for (const std::string& node : each.nodes) {
            if (!place.empty()) place += ", ";
            place += node;
        }
        if (!each.is_managed && !each.nodes.empty()) place += " (unmanaged)";
    }
}

// Where the resource with exactly this id is active; instances of clones have ids of their own.
std::vector<std::string> nodes_of(const std::vector<schedule::ResourceView>& resources,
                                  std::string_view id) {
    for (const schedule::ResourceView& each : resources) {
        if (each.children.empty() && each.id == id) return each.nodes;
        std::vector<std::string> found = nodes_of(each.children, id);
        if (!found.empty()) return found;
    }
    return {};
}

// A fence device serves nobody: the one that only the lost node could run is not missed.
bool is_fence_device(const cib::Element& cib, std::string_view resource) {
    const cib::Element* primitive = cib.find_id(resource);
    return primitive != nullptr && primitive->get("class") == "stonith";
}

}  // namespace

std::map<std::string, std::string> Mind::places_now() const {
    const schedule::Situation situation = schedule::observe(
        shared_.cib, {.now = schedule::effective_time(shared_.cib, now_.calendar)});
    std::map<std::string, std::string> places;
    collect_places(situation.resources, places);
    return places;
}

// One note for each resource that is elsewhere than when the last disturbance ended. Returns those
// that ran then and run nowhere now.
std::vector<std::string> Mind::note_moves() {
    std::map<std::string, std::string> places = places_now();
    std::vector<std::string> lost;
    for (const auto& [resource, place] : places) {
        const auto before = places_before_.find(resource);
        const std::string was = before == places_before_.end() ? std::string() : before->second;
        if (was == place) continue;
        std::string text;
        if (place.empty()) {
            text = concat(resource, ": Stopped (was on ", was, ")");
            if (!is_fence_device(shared_.cib, resource)) lost.push_back(resource);
        } else if (was.empty()) {
            text = concat(resource, ": Started on ", place);
        } else {
            text = concat(resource, ": Moved ", was, " -> ", place);
        }
        chronicle_.note({.level = Level::Info,
                         .kind = "resource",
                         .node = place,
                         .resource = resource,
                         .text = std::move(text),
                         .fields = {{"before", was}, {"after", place}},
                         .at = now_.boot});
    }
    places_before_ = std::move(places);
    return lost;
}

// A probe found the resource where nobody had started it: say so if that is one place too many.
void Mind::note_multiple(const std::string& resource) {
    const schedule::Situation situation = schedule::observe(
        shared_.cib, {.now = schedule::effective_time(shared_.cib, now_.calendar)});
    const std::vector<std::string> nodes = nodes_of(situation.resources, resource);
    if (nodes.size() < 2) return;
    std::string names;
    for (const std::string& node : nodes) names += concat(names.empty() ? "" : ", ", node);
    chronicle_.note({.level = Level::Error,
                     .kind = "multiple-active",
                     .node = {},
                     .resource = resource,
                     .text = concat(resource, " runs on ", names,
                                    " at once: multiple-active says what is stopped"),
                     .fields = {{"nodes", names}},
                     .at = now_.boot});
}

void Mind::failover_begins(const std::string& cause, const std::string& node,
                           const std::string& resource) {
    if (!resource.empty()) failed_now_.insert(resource);
    chronicle_.begin(cause, now_);
    chronicle_.mark_failover();
    if (is_failing_over_) return;
    is_failing_over_ = true;
    chronicle_.note({.level = Level::Warning,
                     .kind = "failover-started",
                     .node = node,
                     .resource = resource,
                     .text = concat("start to fail over: ", cause),
                     .fields = {{"cause", cause}},
                     .at = now_.boot});
}

// Nothing is left to do for now. What began as a failure ends with a word on how it went.
void Mind::disturbance_ended(bool is_complete) {
    if (is_lease_open()) return;  // neither succeeded nor failed yet
    std::vector<std::string> lost = note_moves();
    // What failed before it ever ran is missed too.
    for (const std::string& name : std::exchange(failed_now_, {})) {
        const auto place = places_before_.find(name);
        const bool is_nowhere = place != places_before_.end() && place->second.empty();
        const bool is_known = std::find(lost.begin(), lost.end(), name) != lost.end();
        if (is_nowhere && !is_known && !is_fence_device(shared_.cib, name)) lost.push_back(name);
    }
    const bool is_failover = is_failing_over_;
    const bool is_obstructed = !obstacle_.empty();
    const bool has_succeeded = is_complete && lost.empty() && !is_obstructed;
    if (is_failover) {
        std::string names;
        for (const std::string& name : lost) names += concat(names.empty() ? "" : ", ", name);
        std::string why = is_obstructed   ? obstacle_
                          : names.empty() ? std::string("not everything planned could be done")
                                          : concat(names, " cannot run anywhere now");
        const std::int64_t ms = (now_.boot - chronicle_.began_at()).count() / 1'000'000;
        note(has_succeeded ? Level::Info : Level::Error,
             has_succeeded ? "failover-succeeded" : "failover-failed",
             has_succeeded ? concat("fail over succeeded after ", ms, " ms")
                           : concat("fail over failed: ", why),
             {{"ms", concat(ms)}});
        is_failing_over_ = false;
    }
    // What people stop on purpose is no failure.
    chronicle_.finish(is_failover ? has_succeeded : is_complete, now_);
}

}  // namespace xbeat::node
