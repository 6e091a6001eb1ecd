#include "daemon/translate.h"

#include <fmt/format.h>

#include "core/text.h"

namespace xbeat::daemon {
namespace {

node::PeerState translate_state(heart::PeerState state) {
    switch (state) {
        case heart::PeerState::Unknown:
            return node::PeerState::Unknown;
        case heart::PeerState::Alive:
            return node::PeerState::Alive;
        case heart::PeerState::Suspect:
            return node::PeerState::Suspect;
        case heart::PeerState::Dead:
            return node::PeerState::Dead;
        case heart::PeerState::Stalled:
            return node::PeerState::Stalled;
    }
    return node::PeerState::Unknown;
}

std::string words(heart::Trouble trouble) {
    switch (trouble) {
        case heart::Trouble::None:
            return "unknown trouble";
        case heart::Trouble::LinkMissing:
            return "the interface is missing";
        case heart::Trouble::LinkDown:
            return "the interface is down or has no carrier";
        case heart::Trouble::NextHopMissing:
            return "no hardware address is known for the next hop";
        case heart::Trouble::ProgramDetached:
            return "the XDP program had been detached, and was attached again";
        case heart::Trouble::NativeFailed:
            return "native XDP failed; generic XDP is used";
        case heart::Trouble::ThreadedNapi:
            return "NAPI runs in threads, so beats wait for the scheduler: write 0 to its "
                   "`threaded`";
        case heart::Trouble::BeatLost:
            return "the circulating packet was lost, and was started again";
    }
    return "unknown trouble";
}

Instant before(Instant at, Duration span) { return at.time_since_epoch() > span ? at - span : at; }

}  // namespace

std::string HeartTranslator::link_name(PathId path) const {
    const auto& links = config_.self_node().links;
    return path.value < links.size() ? links[path.value].name : concat("path ", path.value);
}

std::vector<std::string> HeartTranslator::troubles() const {
    std::vector<std::string> list;
    for (const auto& [key, text] : troubles_) list.push_back(text);
    return list;
}

node::Event HeartTranslator::degraded() const {
    std::string reason;
    for (const auto& [key, text] : troubles_) reason += concat(reason.empty() ? "" : "; ", text);
    return node::Degraded{.what = "heart", .reason = std::move(reason)};
}

std::vector<node::Event> HeartTranslator::translate(const heart::HeartEvent& event) {
    // A node on its own has a heart for form's sake (see heart_options()): nothing of it matters.
    if (config_.self_node().links.empty()) return {};
    switch (event.kind) {
        case heart::EventKind::Peer: {
            std::uint64_t& late_before = ticks_late_[event.peer];
            node::PeerVerdict verdict{
                .peer = event.peer, .state = translate_state(event.peer_state), .evidence = {}};
            verdict.evidence.last_answer = before(event.answered_at, event.rtt);
            verdict.evidence.judged_at = event.at;
            verdict.evidence.last_heard = event.heard_at;
            verdict.evidence.unanswered = event.unanswered;
            verdict.evidence.rtt_p99 = event.grace;
            verdict.evidence.ticks_late = static_cast<std::uint32_t>(
                event.ticks_late - std::min(late_before, event.ticks_late));
            late_before = event.ticks_late;
            return {verdict};
        }
        case heart::EventKind::Path: {
            if (event.path_state == heart::PathState::Unknown) return {};
            const bool is_up = event.path_state == heart::PathState::Up;
            const bool unsent = event.unsent > 0 && event.unsent == event.unanswered;
            return {node::PathVerdict{.peer = event.peer,
                                      .path = event.path,
                                      .is_up = is_up,
                                      .reason = is_up    ? "answers again"
                                                : unsent ? "carrier lost"
                                                         : "silent"}};
        }
        case heart::EventKind::Degraded: {
            const Key key{event.trouble, event.path.value, event.peer.value};
            troubles_[key] = event.trouble == heart::Trouble::BeatLost
                                 ? words(event.trouble)
                                 : concat(link_name(event.path), ": ", words(event.trouble));
            return {degraded()};
        }
        case heart::EventKind::Restored: {
            const Key key{event.trouble, event.path.value, event.peer.value};
            if (troubles_.erase(key) == 0) return {};
            return {degraded()};
        }
    }
    return {};
}

std::vector<node::Event> HeartTranslator::translate(const heart::Status& status,
                                                    Instant now) const {
    std::vector<node::Event> events;
    for (const heart::PeerStatus& peer : status.peers) {
        node::PeerVerdict verdict{
            .peer = peer.node, .state = translate_state(peer.state), .evidence = {}};
        verdict.evidence.last_answer = peer.heard_at;
        verdict.evidence.judged_at = now;
        for (const heart::PathStatus& path : peer.paths) {
            if (path.state != heart::PathState::Unknown)
                events.emplace_back(node::PathVerdict{
                    .peer = peer.node,
                    .path = path.path,
                    .is_up = path.state == heart::PathState::Up,
                    .reason = path.state == heart::PathState::Up ? "answers again" : "silent"});
            verdict.evidence.unanswered = std::max(verdict.evidence.unanswered, path.unanswered);
        }
        events.emplace_back(verdict);
    }
    return events;
}

}  // namespace xbeat::daemon
