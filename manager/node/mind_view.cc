// What displays ask: peers, activity, fence history; and which resources moved.
#include <algorithm>

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
        std::string place;
        for (const std::string& node : each.nodes) {
            if (!place.empty()) place += ", ";
            place += node;
        }
        if (!each.is_managed && !place.empty()) place += " (unmanaged)";
        out[each.id] = std::move(place);
    }
}

}  // namespace

// One note for each resource that is elsewhere than when the last plan ended, and how the
// disturbance ended as a whole.
void Mind::note_moves() {
    const schedule::Situation situation = schedule::observe(
        shared_.cib, {.now = schedule::effective_time(shared_.cib, now_.calendar)});
    std::map<std::string, std::string> places;
    collect_places(situation.resources, places);
    for (const auto& [resource, place] : places) {
        const auto before = places_before_.find(resource);
        const std::string was = before == places_before_.end() ? std::string() : before->second;
        if (was == place) continue;
        std::string text;
        if (place.empty()) {
            text = concat(resource, ": Stopped (was on ", was, ")");
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
}

}  // namespace xbeat::node
