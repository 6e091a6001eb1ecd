// What the heart's verdicts about one peer mean for the manager: when it is gone.
//
// `dead` is gone at once. `stalled` (its kernel answers, its daemon makes no progress) is gone
// after the stall limit: until then a restarting or starved daemon loses nothing. `suspect` never
// is: it only means that what will be needed can be prepared.
#pragma once

#include <optional>

#include "core/time.h"
#include "health/verdict.h"

namespace xbeat::health {

/// What a late daemon waits before it believes that a stall lasted: its event loop has been round.
constexpr Duration kSecondLook = 100ms;

class PeerHealth {
public:
    explicit PeerHealth(Duration stall_limit) : stall_limit_(stall_limit) {}

    [[nodiscard]] PeerState state() const { return state_; }
    [[nodiscard]] Instant since() const { return since_; }
    [[nodiscard]] const Evidence& evidence() const { return evidence_; }
    /// When the present silence became suspicious; only while suspect or dead after suspicion.
    [[nodiscard]] std::optional<Instant> suspect_since() const { return suspect_since_; }

    /// Takes in a verdict; returns the state before. A repeated verdict changes only the evidence.
    PeerState judge(PeerState state, const Evidence& evidence, Instant now);
    /// Nothing is known any more: the peer left, or its beats belong to an old life.
    void forget(Instant now);

    /// When a stalled peer will have been so for too long; nothing unless it is stalled.
    [[nodiscard]] std::optional<Instant> stall_deadline() const;
    /// True from that deadline on. Who asks much later than that stood still itself, and newer
    /// verdicts may wait behind the question: the deadline then moves once, by kSecondLook.
    [[nodiscard]] bool has_stalled_too_long(Instant now);

private:
    Duration stall_limit_;
    PeerState state_ = PeerState::Unknown;
    Instant since_{};
    Evidence evidence_;
    std::optional<Instant> suspect_since_;
    std::optional<Instant> second_look_at_;
};

}  // namespace xbeat::health
