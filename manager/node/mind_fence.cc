// Fencing: from the plan's wish to the proof.
#include <algorithm>
#include <array>

#include "cib/duration.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using execute::Progress;
using member::Standing;
using schedule::Action;

namespace {

std::string_view meta_of(const Action& action, std::string_view name) {
    for (const schedule::NameValue& meta : action.meta) {
        if (meta.name == name) return meta.value;
    }
    return {};
}

std::string_view action_of(const Action& action) {
    const std::string_view named = meta_of(action, "CRM_meta_stonith_action");
    if (!named.empty()) return named;
    // The key is stonith-NODE-ACTION.
    const std::size_t mark = action.key.rfind('-');
    return mark == std::string::npos ? std::string_view("reboot")
                                     : std::string_view(action.key).substr(mark + 1);
}

Duration priority_delay(const Action& action) {
    return cib::parse_duration(meta_of(action, "CRM_meta_priority_fencing_delay"))
        .value_or(Duration{});
}

std::string_view what_was_done(std::string_view action) {
    return action == "on" ? " was switched on by " : " was fenced by ";
}

}  // namespace

// True if a lost peer could be shot.
bool Mind::can_fence() const {
    return options_.arbiter != ArbiterKind::None && fence::is_fencing_enabled(shared_.cib) &&
           fence::has_devices(shared_.cib);
}

// True while nobody knows what the peer runs: it is lost, or it was and has not finished its
// joining, so that nothing could be probed yet.
bool Mind::is_peer_unknown() const {
    if (!peer_) return false;
    return peer_->standing == Standing::Lost ||
           (peer_->standing == Standing::Joining && peer_->was_lost);
}

// True while this node must not plan for both: the peer is lost and no shot can make it certain,
// nor has its lease run out yet; or this node has no lease itself.
bool Mind::is_split() const {
    if (is_yielding_) return true;
    if (!is_peer_unknown() || can_fence()) return false;
    if (!options_.unsafe_takeover) return true;
    return lease_.is_used() && lease_.mode() != fence::Lease::Mode::Unsafe;
}

// Why this node must not shoot its peer, whoever asks for it: that one may have gone on alone, and
// what it was told since would be lost. Empty if it may.
std::string Mind::reason_to_spare(std::string_view target) const {
    if (!peer_ || target != peer_->node.name) return {};
    if (counts_as_off_) {
        return concat(self_.name, " counts as off for ", target, ", which went on without it");
    }
    // Who shoots a silent peer is decided by the arbiter, if there is one that hands out leases.
    if (peer_->standing == Standing::Lost && lease_.is_used() && !lease_.is_exclusive(now_.boot)) {
        return concat("the ", arbiter::to_string(options_.arbiter), " has not given ", self_.name,
                      " exclusivity, and ", target, " may have gone on alone");
    }
    return {};
}

// Why this target is not fenced right now; empty if it may be.
std::string Mind::fence_obstacle(std::string_view target) const {
    const std::int64_t attempts_max =
        parse_integer(
            fence::cluster_option(shared_.cib, "fencing-max-attempts", "stonith-max-attempts"))
            .value_or(fence::kAttemptsMaxDefault);
    return guard_.reason_to_refrain(target, attempts_max, now_.boot);
}

// The plan wants a node fenced. False as long as it has to wait.
bool Mind::start_fencing(std::uint32_t index) {
    const Action& action = transition_->action(index);
    const std::string target = action.node;
    const auto known = fences_.find(target);
    if (known != fences_.end() && known->second.is_running) {
        known->second.action = index;
        transition_->set(index, Progress::Running);
        return true;
    }
    const bool is_peer = peer_ && target == peer_->node.name;
    // It is on its way back in; that may make the shot needless.
    if (is_peer && peer_->hold_until && now_.boot < *peer_->hold_until) return false;
    const std::string spared = reason_to_spare(target);
    if (!spared.empty() && !counts_as_off_) return false;  // the arbiter is being asked
    const std::string obstacle = spared.empty() ? fence_obstacle(target) : spared;
    if (!obstacle.empty()) {
        if (obstacle_ != obstacle) {
            obstacle_ = obstacle;
            note_node(Level::Error, "no-safe-takeover", target,
                      concat("no safe takeover: ", obstacle));
        }
        return false;
    }
    fence::Order order{.target = target,
                       .action = std::string(action_of(action)),
                       .timeout = fence::fencing_timeout(shared_.cib),
                       .delay = priority_delay(action)};
    if (const auto not_before = guard_.not_before(target); not_before && *not_before > now_.boot) {
        // Noted so that the wake at that time plans again.
        fences_[target].order = order;
        return false;
    }
    // The side that runs nothing lets the other one shoot first; only for a silent peer: a member
    // that failed a stop does not shoot back.
    if (is_peer && peer_->standing == Standing::Lost && !i_run_resources() && !lease_.is_used()) {
        order.delay = std::max(order.delay, options_.handicap);
    }
    if (obstacle_.starts_with("fencing ")) obstacle_.clear();
    FenceOrder& kept = fences_[target];
    kept.action = index;
    transition_->set(index, Progress::Running);
    // A node lets itself in where its devices say so, and does not shoot itself while another
    // member can do it.
    const bool is_self = target == self_.name;
    const bool is_own =
        order.action == "on" && !fence::unfencing_of(shared_.cib, target, now_.calendar).empty();
    order_fence(order, is_own ? is_self : !(is_self && is_peer_member()));
    return true;
}

// The node may use what its fence devices guard: what must be known of it for the next plan.
void Mind::node_unfenced(const std::string& target, const Action& action) {
    const std::optional<execute::Place> place = place_of(target);
    if (!place) return;
    const std::array<std::pair<std::string_view, std::string>, 3> marks = {
        {{"#node-unfenced", concat(now_.calendar.value)},
         {"#digests-all", std::string(meta_of(action, "CRM_meta_digests_all"))},
         {"#digests-secure", std::string(meta_of(action, "CRM_meta_digests_secure"))}}};
    for (const auto& [name, value] : marks) {
        append(wire::SetTransient{
            .node = place->id, .name = std::string(name), .value = value, .remove = false});
    }
}

void Mind::order_fence(const fence::Order& order, bool from_here) {
    FenceOrder& kept = fences_[order.target];
    kept.order = order;
    kept.is_running = true;
    kept.is_remote = !from_here;
    kept.began = now_.boot;
    note_node(Level::Warning, "fence-requested", order.target,
              concat("fencing ", order.target, " (", order.action, ") from ",
                     from_here ? self_.name : peer_->node.name),
              {{"action", order.action}, {"delay_ms", concat(order.delay.count() / 1'000'000)}});
    if (from_here) {
        fencer_.begin(order, shared_.cib, now_);
    } else {
        say(wire::Fence{.term = term_,
                        .target = order.target,
                        .action = order.action,
                        .timeout = order.timeout,
                        .delay = order.delay});
    }
}

void Mind::heard(const wire::Fence& order) {
    if (order.term != term_ || is_coordinator()) return;
    fencer_.begin({.target = order.target,
                   .action = order.action,
                   .timeout = order.timeout,
                   .delay = order.delay},
                  shared_.cib, now_);
}

void Mind::heard(const wire::FenceDone& done) {
    if (!is_coordinator()) return;
    fence_ended({.target = done.target,
                 .action = done.action,
                 .succeeded = done.succeeded,
                 .device = done.device,
                 .reason = done.reason,
                 .began = now_.boot,
                 .ended = now_.boot},
                peer_->node.name);
}

// A fencer has ended a job: here, or at the peer.
void Mind::fence_ended(const fence::Outcome& outcome, const std::string& origin) {
    const bool is_peer = peer_ && outcome.target == peer_->node.name;
    const bool takes_down = outcome.action != "on";
    if (!is_coordinator() && !(outcome.succeeded && is_peer && takes_down)) {
        // Ordered by the coordinator, who waits for the answer.
        return say(wire::FenceDone{.target = outcome.target,
                                   .action = outcome.action,
                                   .succeeded = outcome.succeeded,
                                   .device = outcome.device,
                                   .reason = outcome.reason});
    }
    const Instant began = [&] {
        const auto order = fences_.find(outcome.target);
        return order == fences_.end() ? outcome.began : order->second.began;
    }();
    if (!outcome.succeeded) return fence_failed(outcome, origin);
    // Who asked the coordinator to have itself fenced is answered by who did it.
    for (auto asked = forwarded_.begin(); asked != forwarded_.end();) {
        if (asked->second.fences != outcome.target) {
            ++asked;
            continue;
        }
        reply(asked->second.asker,
              concat(outcome.target, what_was_done(outcome.action), outcome.device));
        asked = forwarded_.erase(asked);
    }
    chronicle_.begin(concat("node ", outcome.target, " fenced"), now_);
    // Our proof: the coordinator itself was the target, and this node shot it.
    if (is_peer && takes_down) {
        if (!is_coordinator()) {
            failover_begins(concat("node ", outcome.target, " fenced"), outcome.target, {});
        }
        peer_is_out("was fenced", Proof::Shot);
    }
    chronicle_.add({.phase = "fence requested",
                    .detail = outcome.target,
                    .from = began,
                    .to = outcome.ended,
                    .succeeded = true});
    chronicle_.add({.phase = "proof",
                    .detail = outcome.device,
                    .from = outcome.ended,
                    .to = now_.boot,
                    .succeeded = true});
    if (!is_coordinator()) return;
    if (takes_down) {
        guard_.succeeded(outcome.target, now_.boot);
        save_fence_counts();
    }
    record_fence(outcome, origin, "success");
    note_node(Level::Warning, "fence-succeeded", outcome.target,
              concat(outcome.target, " was fenced (", outcome.action, ") by ", outcome.device),
              {{"action", outcome.action}, {"device", outcome.device}, {"origin", origin}});
    const auto order = fences_.find(outcome.target);
    if (order == fences_.end()) return want_plan(concat(outcome.target, " was fenced"));
    const FenceOrder done = std::move(order->second);
    fences_.erase(order);
    for (const Asker& asker : done.askers) {
        reply(asker, concat(outcome.target, what_was_done(outcome.action), outcome.device));
    }
    if (done.action && transition_) {
        if (!takes_down) node_unfenced(outcome.target, transition_->action(*done.action));
        transition_->set(*done.action, Progress::Done);
    } else {
        want_plan(concat(outcome.target, " was fenced"));
    }
}

void Mind::clear_fence_counts(std::string_view target) {
    if (guard_.cleared(target)) save_fence_counts();
}

void Mind::save_fence_counts() { put_meta("fence_counts", guard_.to_text(now_), After::Nothing); }

void Mind::fence_failed(const fence::Outcome& outcome, const std::string& origin) {
    guard_.failed(outcome.target, now_.boot);
    record_fence(outcome, origin, "failed");
    chronicle_.add({.phase = "fence requested",
                    .detail = outcome.reason,
                    .from = outcome.began,
                    .to = outcome.ended,
                    .succeeded = false});
    note_node(Level::Error, "fence-failed", outcome.target,
              concat("fencing ", outcome.target, " failed: ", outcome.reason),
              {{"action", outcome.action},
               {"reason", outcome.reason},
               {"attempts", concat(guard_.failures(outcome.target))}});
    const auto order = fences_.find(outcome.target);
    if (order != fences_.end()) {
        const FenceOrder failed = std::move(order->second);
        fences_.erase(order);
        for (const Asker& asker : failed.askers) {
            reply(asker, Error{Code::Unavailable, concat("fencing failed: ", outcome.reason)});
        }
        if (failed.action && transition_) {
            transition_->set(*failed.action, Progress::Failed);
            transition_->abort();
        }
    }
    want_plan(concat("fencing ", outcome.target, " failed"));
}

void Mind::record_fence(const fence::Outcome& outcome, const std::string& origin,
                        std::string result) {
    append(wire::RecordFence{.target = outcome.target,
                             .action = outcome.action,
                             .origin = origin,
                             .device = outcome.device,
                             .outcome = std::move(result),
                             .reason = outcome.reason,
                             .when = now_.calendar});
}

// It was believed dead and answers again. If nothing was shot yet, wait for it to come back; its
// beats alone make it no member.
void Mind::peer_alive_again() {
    Peer& peer = *peer_;
    if (peer.standing != Standing::Lost || !is_coordinator()) return;
    if (!fencer_.recall(peer.node.name)) return;
    const auto order = fences_.find(peer.node.name);
    if (order != fences_.end() && order->second.is_remote) return;
    peer.hold_until = now_.boot + options_.stall_limit;
    if (order != fences_.end()) fences_.erase(order);
    note_node(Level::Info, "fence-recalled", peer.node.name,
              concat(peer.node.name, " answers again before it was fenced"));
    if (transition_) transition_->abort();
    want_plan(concat(peer.node.name, " answers again"));
}

}  // namespace xbeat::node
