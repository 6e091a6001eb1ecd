// What the heart says about a peer, with the evidence for it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/time.h"

namespace xbeat::health {

enum class PeerState : std::uint8_t { Unknown, Alive, Suspect, Dead, Stalled };

[[nodiscard]] constexpr std::string_view to_string(PeerState state) {
    switch (state) {
        case PeerState::Unknown:
            return "unknown";
        case PeerState::Alive:
            return "alive";
        case PeerState::Suspect:
            return "suspect";
        case PeerState::Dead:
            return "dead";
        case PeerState::Stalled:
            return "stalled";
    }
    return "";
}

/// Why the heart judged as it did, all on the local boot clock.
struct Evidence {
    Instant last_answer{};  // when the newest answered probe had been sent
    Instant judged_at{};    // when the tick judged
    Instant last_heard{};   // newest authentic frame: no grant of ours reached it later. Instant{}:
                            // unknown, then judged_at counts
    std::uint32_t unanswered = 0;  // probes that left since and were not answered, on the best path
    Duration rtt_p99{};
    std::uint32_t ticks_late =
        0;  // ticks that came late during the silence: how far to trust ourselves
};

}  // namespace xbeat::health
