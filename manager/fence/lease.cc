#include "fence/lease.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "wire/witness.h"

namespace xbeat::fence {

using arbiter::ArbiterAnswer;
using arbiter::AskArbiter;
using arbiter::Asking;
using arbiter::Reply;

namespace {

constexpr Duration kReturningPause = 1s;  // between two claims of who wants to start alone

}  // namespace

// --- Wishes. Repeated ones are left out, except where something of an earlier life may be in
// force.

void Lease::grant(Duration lease) {
    granting_ = lease;
    wishes_.emplace_back(Grant{lease});
    if (lease > Duration{}) {
        granted_end_ = Instant::max();
        is_revoking_ = false;
    } else {
        granting_since_.reset();
        is_revoking_ = is_revoking_ || granted_end_ == Instant::max();
    }
}

void Lease::set_exclusive(Instant until) {
    exclusive_until_ = until;
    wishes_.emplace_back(Exclusivity{until});
}

// What an earlier life of this daemon granted goes on, in a kernel that went on.
void Lease::grant_nothing() {
    if (granted_end_ == Instant::max() && !is_revoking_) grant({});
}

void Lease::ask(Asking asking, Duration patience) {
    open_ = asking;
    ask_at_.reset();
    wishes_.emplace_back(
        AskArbiter{.arbiter = options_.arbiter,
                   .request = ++request_,
                   .asking = asking,
                   .lease = asking == Asking::Release ? Duration{} : options_.exclusivity,
                   .patience = std::max(patience, kRenewPatienceMin)});
}

std::vector<Lease::Wish> Lease::take() { return std::exchange(wishes_, {}); }

void Lease::yield(std::string reason) {
    const bool may_hold = open_.has_value() || exclusive_until_ != Instant{};
    mode_ = Mode::Yielding;
    reason_ = std::move(reason);
    give_up_at_.reset();
    grant({});
    set_exclusive({});
    // What was asked may have been granted without our hearing of it.
    if (may_hold) ask(Asking::Release, options_.exclusivity / 4);
}

// --- What membership tells.

void Lease::peer_joined(Instant now, Granting granting) {
    if (!is_used()) return;
    mode_ = Mode::Sharing;
    is_held_ = granting == Granting::Held;
    reason_.clear();
    is_entitled_ = false;
    granted_before_ = granted_until_;
    give_up_at_.reset();
    ask_at_.reset();
    peer_until_.reset();
    look_at_ = now + kHandshakePause;
    if (exclusive_until_ > now) return grant_nothing();  // until the peer's grants have arrived
    set_exclusive({});
    grant_peer(now);
}

void Lease::may_grant(Instant now) {
    if (!is_held_) return;
    is_held_ = false;
    const bool is_handed_over = !is_exclusive(now) && !release_by_;
    if (mode_ == Mode::Sharing && is_handed_over) grant_peer(now);
}

void Lease::hold() {
    if (!is_used()) return;
    is_held_ = true;
    grant_nothing();
}

bool Lease::has_peer_run_out(Instant now) const { return !is_used() || now >= granted_end_; }

void Lease::grant_peer(Instant now) {
    if (is_held_) return grant_nothing();
    grant(options_.lease);
    granting_since_ = now;
}

void Lease::peer_lost(std::optional<Instant> silent_since, Instant lost_at, bool serves,
                      Instant now) {
    if (!is_used()) return;
    // It had stood down and was joining, with what it ran before.
    if (mode_ == Mode::Apart) return yield("the peer fell silent before this node had joined it");
    if (mode_ != Mode::Sharing) return;
    grant({});
    look_at_.reset();
    release_by_.reset();
    if (silent_since) {
        granted_end_ = std::min(granted_end_, *silent_since + lease_wait(options_.lease));
        is_revoking_ = false;
    }
    peer_until_ = granted_end_;
    if (is_exclusive(now)) {
        // The peer was never granted anything in this membership, so it cannot have claimed.
        mode_ = is_without_end() ? Mode::Alone : Mode::Exclusive;
        if (mode_ == Mode::Exclusive) ask_at_ = now;
        return;
    }
    if (!is_entitled_) {
        return yield("the peer fell silent before it had granted this node anything");
    }
    mode_ = Mode::Losing;
    lost_at_ = lost_at;
    ask_at_ = serves ? now : now + options_.handicap;
    give_up_at_ = lost_at + options_.exclusivity / 2;
    if (now >= *give_up_at_) {
        if (options_.is_unsafe) return give_up();
        return yield("this node stood still, and does not know what the peer did in that time");
    }
    ask_if_due(now);
}

void Lease::wait_for_nothing() {
    reason_.clear();
    give_up_at_.reset();
    ask_at_.reset();
    look_at_.reset();
    release_by_.reset();
    peer_until_.reset();
}

void Lease::peer_out(Instant /*now*/) {
    if (!is_used() || mode_ == Mode::Alone) return;
    const bool may_hold = open_.has_value() || (exclusive_until_ != Instant{} && !is_without_end());
    mode_ = Mode::Alone;
    wait_for_nothing();
    grant({});
    set_exclusive(Instant::max());
    if (may_hold) ask(Asking::Release, options_.exclusivity / 4);
}

void Lease::return_alone(Instant now) {
    if (!is_used() || mode_ != Mode::Apart) return;
    mode_ = Mode::Returning;
    ask_at_ = now;
    ask_if_due(now);
}

void Lease::begin_anew() { end(true); }

void Lease::leave() { end(mode_ != Mode::Exclusive); }

void Lease::end(bool gives_back) {
    if (!is_used()) return;
    const bool is_releasing = open_ == Asking::Release;
    const bool may_hold = open_.has_value() || (exclusive_until_ != Instant{} && !is_without_end());
    mode_ = Mode::Apart;
    is_entitled_ = false;
    wait_for_nothing();
    if (granting_ != Duration{}) grant({});
    if (exclusive_until_ != Instant{}) set_exclusive({});
    if (gives_back && may_hold && !is_releasing) ask(Asking::Release, options_.exclusivity / 4);
}

// --- What the host tells.

void Lease::answered(const ArbiterAnswer& answer, Instant now) {
    if (!open_ || answer.request != request_) return;  // of a question that nobody waits for
    const Asking asking = *std::exchange(open_, std::nullopt);
    said_ =
        concat(arbiter::to_string(answer.reply), answer.reason.empty() ? "" : ": ", answer.reason);
    switch (answer.reply) {
        case Reply::Granted:
            if (asking == Asking::Release) return in_vain(now);
            return granted(answer, now);
        case Reply::Refused:
            return refused(answer, now);
        case Reply::Released:
            release_by_.reset();
            if (mode_ == Mode::Sharing && is_entitled_ && granting_ == Duration{}) grant_peer(now);
            return;
        case Reply::NotReady:
            return not_ready(answer, now);
        case Reply::Unreachable:
            return in_vain(now);
    }
}

// A witness that began anew before the peer fell silent has granted nothing to anybody since: it is
// worth waiting for. One that began later may have forgotten what it granted the peer.
void Lease::not_ready(const ArbiterAnswer& answer, Instant now) {
    const bool knows_all =
        give_up_at_ && answer.until > now && answer.until - wire::kWitnessLeaseMax <= lost_at_;
    if (mode_ != Mode::Losing || !knows_all) return in_vain(now);
    give_up_at_ = answer.until + options_.exclusivity / 2;
    ask_at_ = answer.until;
}

void Lease::granted(const ArbiterAnswer& answer, Instant now) {
    const bool is_wanted =
        mode_ == Mode::Losing || mode_ == Mode::Returning || mode_ == Mode::Exclusive;
    if (!is_wanted) return ask(Asking::Release, options_.exclusivity / 4);
    if (answer.until <= now) return in_vain(now);
    mode_ = Mode::Exclusive;
    grant_nothing();
    reason_.clear();
    give_up_at_.reset();
    set_exclusive(std::max(exclusive_until_, answer.until));
    ask_at_ = now + (answer.until - now) / 3;
}

void Lease::refused(const ArbiterAnswer& answer, Instant now) {
    const bool is_peers = options_.peer.value != 0 && answer.holder == options_.peer;
    if (mode_ == Mode::Exclusive) {
        return yield(concat("the ", arbiter::to_string(options_.arbiter),
                            " does not renew exclusivity: another has it"));
    }
    if (mode_ == Mode::Losing && is_peers) {
        return yield(
            concat("the ", arbiter::to_string(options_.arbiter), " gave exclusivity to the peer"));
    }
    in_vain(now);
}

// The question has to be asked again, or what it was for has to be done without.
void Lease::in_vain(Instant now) {
    switch (mode_) {
        case Mode::Losing:
            ask_at_ = now + kArbiterPause;
            return;
        case Mode::Exclusive:
            ask_at_ = now + std::max(kArbiterPause, options_.exclusivity / 100);
            return;
        case Mode::Returning:
            ask_at_ = now + kReturningPause;
            return;
        case Mode::Sharing:
            if (release_by_) ask_at_ = now + kArbiterPause;
            return;
        case Mode::Apart:
        case Mode::Alone:
        case Mode::Unsafe:
        case Mode::Yielding:
            return;  // it runs out by itself
    }
}

void Lease::seen(Instant granted_until, Instant now) {
    if (!is_used()) return;
    granted_until_ = granted_until;
    is_granted_ = granted_until > now;
    if (mode_ == Mode::Sharing && is_entitled_) {
        // What waits for may_begin() has to hear of the next grant.
        look_at_ = is_granted_ ? std::nullopt : std::optional(now + kHandshakePause);
    }
    // Only a grant that is newer than the membership tells that the peer grants again.
    const bool is_new = granted_until > now && granted_until > granted_before_;
    if (mode_ != Mode::Sharing || is_entitled_ || !is_new) return;
    is_entitled_ = true;
    look_at_.reset();
    if (granting_ > Duration{}) return;
    const bool is_arbiters = !is_without_end();
    const Instant held_until = exclusive_until_;
    set_exclusive({});
    if (is_arbiters) {
        release_by_ = held_until + lease_wait(options_.exclusivity) - options_.exclusivity;
        return ask(Asking::Release, options_.exclusivity / 4);
    }
    grant_peer(now);
}

void Lease::ask_if_due(Instant now) {
    if (open_ || !ask_at_ || now < *ask_at_) return;
    switch (mode_) {
        case Mode::Losing:
            return ask(Asking::Claim, options_.lease);
        case Mode::Returning:
            return ask(Asking::Claim, options_.exclusivity / 4);
        case Mode::Exclusive:
            return ask(Asking::Renew, options_.exclusivity / 12);
        case Mode::Sharing:
            return ask(Asking::Release, options_.exclusivity / 4);
        case Mode::Apart:
        case Mode::Alone:
        case Mode::Unsafe:
        case Mode::Yielding:
            ask_at_.reset();
            return;
    }
}

void Lease::give_up() {
    if (!options_.is_unsafe) {
        return yield(concat("neither the peer nor the ", arbiter::to_string(options_.arbiter),
                            " answers", said_.empty() ? "" : ": ", said_));
    }
    mode_ = Mode::Unsafe;
    ask_at_.reset();
    give_up_at_.reset();
    set_exclusive(Instant::max());
}

void Lease::tick(Instant now) {
    if (!is_used()) return;
    now_ = now;
    if (is_revoking_) {
        // The host has carried out what the event before wanted: no grant leaves any more.
        is_revoking_ = false;
        granted_end_ = now + lease_wait(options_.lease);
        if (peer_until_) peer_until_ = granted_end_;
    }
    if (look_at_ && now >= *look_at_) look_at_ = now + kHandshakePause;
    if (mode_ == Mode::Exclusive && now >= exclusive_until_) {
        return yield(concat("the ", arbiter::to_string(options_.arbiter),
                            " did not renew exclusivity in time: ", said_));
    }
    if (mode_ == Mode::Losing && now >= *give_up_at_) give_up();
    if (mode_ == Mode::Sharing && release_by_ && now >= *release_by_) {
        // Nobody heard that it was given back; it has run out for the arbiter, too.
        release_by_.reset();
        ask_at_.reset();
        open_.reset();
        grant_peer(now);
    }
    ask_if_due(now);
}

// --- What follows.

bool Lease::is_exclusive(Instant now) const { return exclusive_until_ > now; }

bool Lease::may_serve(Instant now) const {
    if (!is_used()) return true;
    return is_exclusive(now) || (mode_ == Mode::Sharing && is_entitled_);
}

bool Lease::may_begin(Instant now) const {
    return may_serve(now) && (!is_used() || is_exclusive(now) || is_granted_);
}

bool Lease::may_peer_serve(Instant now) const {
    if (!is_used()) return true;
    return granting_since_ && now >= *granting_since_ + grant_travel();
}

bool Lease::is_peer_proven(Instant now) const {
    if (mode_ == Mode::Alone) return true;
    return mode_ == Mode::Exclusive && is_exclusive(now) && peer_until_ && now >= *peer_until_;
}

std::optional<Instant> Lease::next_deadline() const {
    if (!is_used()) return std::nullopt;
    std::optional<Instant> first;
    const auto consider = [&first](std::optional<Instant> deadline) {
        if (deadline && (!first || *deadline < *first)) first = deadline;
    };
    if (!open_) consider(ask_at_);
    consider(give_up_at_);
    consider(look_at_);
    consider(release_by_);
    if (is_revoking_) consider(now_);
    if (is_held_ && granted_end_ != Instant::max() && granted_end_ > now_) consider(granted_end_);
    if (mode_ == Mode::Exclusive) {
        consider(exclusive_until_);
        if (peer_until_ && *peer_until_ > now_) consider(peer_until_);
    }
    if (granting_since_ && *granting_since_ + grant_travel() > now_) {
        consider(*granting_since_ + grant_travel());
    }
    return first;
}

std::string Lease::standing(Instant now) const {
    if (!is_used()) return "not used";
    switch (mode_) {
        case Mode::Apart:
            return "no lease";
        case Mode::Returning:
            return concat("asks the ", arbiter::to_string(options_.arbiter), " to start alone");
        case Mode::Sharing:
            if (is_exclusive(now)) return "hands exclusivity over";
            return is_entitled_ ? "under the peer's grant" : "waits for the peer's grant";
        case Mode::Losing:
            return concat("asks the ", arbiter::to_string(options_.arbiter), " for exclusivity");
        case Mode::Exclusive:
            return concat("exclusive by the ", arbiter::to_string(options_.arbiter));
        case Mode::Alone:
            return "alone: the peer is off";
        case Mode::Unsafe:
            return "UNSAFE: goes on without proof";
        case Mode::Yielding:
            return concat("yields: ", reason_);
    }
    return {};
}

}  // namespace xbeat::fence
