// Who breaks the tie when the peer is gone, and what is said to it: the one interface of all
// arbiters that hand out exclusivity.
//
// A fence device (fence/) is an arbiter of its own kind: it proves by a shot. A witness and a
// shared disk hand out *exclusivity*: a lease that at most one node of the cluster holds. The
// manager asks with an AskArbiter command; the host turns that into packets or blocks and answers
// with exactly one ArbiterAnswer event for each question. When to ask, and what is done with the
// answer, is decided in fence/lease.h and node/.
//
// What an answer proves:
// - Granted: until `until`, by this node's boot clock, nobody else of this cluster is granted
//   exclusivity. It does NOT prove that the peer has stopped, nor that the peer's lease has run
//   out: what we granted the peer has to end first, and waiting for that is the manager's business.
// - Refused: at the moment of the answer `holder` had it. So `holder` may serve, and this node must
//   not.
// - NotReady, Unreachable: nothing. The question may nevertheless have been granted: who gives up
//   asks for Release, or lets it run out.
// - Released: we do not hold it; the answer to a Release, also if we held nothing.
//
// Clocks: `until` counts from before the question was first sent, so the arbiter, which counts from
// its arrival, always gives it longer than we use it. Over a lease of D the arbiter waits
// D * (1 + 2 * kClockDriftPpmMax / 10^6) before it gives it to another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/id.h"
#include "core/time.h"

namespace xbeat::arbiter {

/// What breaks the tie. Configured as [arbiter] kind = "none" | "fence" | "witness" | "disk".
enum class ArbiterKind : std::uint8_t { None, Fence, Witness, Disk };

[[nodiscard]] constexpr std::string_view to_string(ArbiterKind kind) {
    switch (kind) {
        case ArbiterKind::None:
            return "none";
        case ArbiterKind::Fence:
            return "fence";
        case ArbiterKind::Witness:
            return "witness";
        case ArbiterKind::Disk:
            return "disk";
    }
    return "";
}

/// True if this kind hands out exclusivity: then leases count and the gate is armed. With fencing
/// alone, or nothing, the gate is off and Pacemaker's semantics hold exactly.
[[nodiscard]] constexpr bool hands_out_leases(ArbiterKind kind) {
    return kind == ArbiterKind::Witness || kind == ArbiterKind::Disk;
}

enum class Asking : std::uint8_t {
    Claim,    // exclusivity, which this node does not hold
    Renew,    // more time of what it holds; refused if it ran out and another took it
    Release,  // it is needed no more: others may have it at once
};

/// One question. Questions are put one at a time: a new one replaces an open one, which is still
/// answered (Unreachable).
struct AskArbiter {
    ArbiterKind arbiter = ArbiterKind::Witness;  // Witness or Disk
    std::uint64_t request = 0;                   // repeated in the answer; +1 each, from 1
    Asking asking = Asking::Claim;
    Duration lease{};     // Claim and Renew: for how long; the arbiter may give less
    Duration patience{};  // no answer after this: Unreachable. Until then the host asks again
                          // by itself, the first time at once
};

enum class Reply : std::uint8_t { Granted, Refused, Released, NotReady, Unreachable };

[[nodiscard]] constexpr std::string_view to_string(Reply reply) {
    switch (reply) {
        case Reply::Granted:
            return "granted";
        case Reply::Refused:
            return "refused";
        case Reply::Released:
            return "released";
        case Reply::NotReady:
            return "not ready";
        case Reply::Unreachable:
            return "unreachable";
    }
    return "";
}

/// The answer to a question of this life of the daemon; late, repeated and replayed ones never
/// become events.
struct ArbiterAnswer {
    std::uint64_t request = 0;
    Reply reply = Reply::Unreachable;
    NodeId holder;       // Refused: who has it; 0 if the arbiter does not say
    Instant until{};     // Granted: how long it may be used, by our boot clock
    std::string reason;  // one sentence for people; empty if there is nothing to say
};

}  // namespace xbeat::arbiter
