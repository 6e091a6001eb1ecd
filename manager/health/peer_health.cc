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
    return before;
}

void PeerHealth::forget(Instant now) {
    state_ = PeerState::Unknown;
    since_ = now;
    evidence_ = {};
    suspect_since_.reset();
}

std::optional<Instant> PeerHealth::stall_deadline() const {
    if (state_ != PeerState::Stalled) return std::nullopt;
    return since_ + stall_limit_;
}

bool PeerHealth::is_gone(Instant now) const {
    if (state_ == PeerState::Dead) return true;
    const std::optional<Instant> deadline = stall_deadline();
    return deadline && now >= *deadline;
}

}  // namespace xbeat::health
