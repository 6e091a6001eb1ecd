#include "health/peer_health.h"

namespace xbeat::health {

PeerState PeerHealth::judge(PeerState state, const Evidence& evidence, Instant now) {
    const PeerState before = state_;
    evidence_ = evidence;
    if (state == before) return before;
    if (state == PeerState::Suspect) {
        suspect_since_ = evidence.judged_at;
    } else if (state != PeerState::Dead) {
        suspect_since_.reset();
    }
    state_ = state;
    since_ = now;
    second_look_at_.reset();
    return before;
}

void PeerHealth::forget(Instant now) {
    state_ = PeerState::Unknown;
    since_ = now;
    evidence_ = {};
    suspect_since_.reset();
    second_look_at_.reset();
}

std::optional<Instant> PeerHealth::stall_deadline() const {
    if (state_ != PeerState::Stalled) return std::nullopt;
    return second_look_at_.value_or(since_ + stall_limit_);
}

bool PeerHealth::has_stalled_too_long(Instant now) {
    const std::optional<Instant> deadline = stall_deadline();
    if (!deadline || now < *deadline) return false;
    if (second_look_at_ || now - *deadline < kSecondLook) return true;
    second_look_at_ = now + kSecondLook;
    return false;
}

}  // namespace xbeat::health
