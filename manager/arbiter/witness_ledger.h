// The witness's mind: one lease a cluster, given by compare-and-set.
//
// Who claims a free lease gets it for a while; who holds it may renew or release it; nobody else
// gets it before the holder's time, with a margin for clocks that differ, is over. A request names
// the version of the lease that it was made for, and every request that matches uses that version
// up, whatever comes of it. So a replayed, late or doubled datagram changes nothing: a copy of the
// newest request is answered again as it was, any other is stale.
//
// Nothing is on a disk. A witness that was started anew does not know who may still hold a lease
// and gives none until the longest possible one has run out; its own random `life` tells requests
// that were made for an earlier one.
//
// Pure: the host checks tags, names the cluster by its place and tells the time. Boot-time clock
// only; the margin covers kClockDriftPpmMax of each clock.
#pragma once

#include <cstdint>
#include <vector>

#include "core/id.h"
#include "core/limits.h"
#include "core/time.h"
#include "wire/witness.h"

namespace xbeat::arbiter {

/// How much longer than a lease its giver waits: for two clocks that run apart, and for their
/// grain.
[[nodiscard]] constexpr Duration lease_margin(Duration lease) {
    return lease * 2 * kClockDriftPpmMax / 1'000'000 + 1ms;
}

class WitnessLedger {
public:
    struct Options {
        std::uint64_t life = 0;  // random, new at every start of the witness; never 0
        Instant started{};       // of this witness
        std::size_t clusters = 0;
    };

    /// Requires: life is not 0.
    explicit WitnessLedger(Options options);

    /// The answer to an authentic request for the lease at this place, and the change it makes.
    /// `now` must not go back. Requires: place < size().
    [[nodiscard]] wire::WitnessAnswer answer(std::size_t place, const wire::WitnessRequest& request,
                                             Instant now);

    /// Another lease, free, at the end. Nobody can hold it from an earlier life of the witness only
    /// if that is over: it is refused like all others while this witness is starting, and until
    /// `usable_at`.
    void add(Instant usable_at);
    /// Whose lease it is now, 0 if it is free.
    [[nodiscard]] NodeId holder(std::size_t place, Instant now) const;
    [[nodiscard]] std::size_t size() const { return leases_.size(); }
    /// Until when nothing is granted.
    [[nodiscard]] Instant starting_until() const { return starting_until_; }

private:
    struct Lease {
        std::uint64_t version = 1;
        NodeId holder;       // valid before `until`
        NodeId last_holder;  // also afterwards
        Instant until{};
        Instant usable_at{};
        // The newest request that used up a version, and what came of it.
        NodeId asker;
        std::uint64_t asker_life = 0;
        std::uint64_t asker_number = 0;
        wire::WitnessOutcome outcome = wire::WitnessOutcome::Told;
        Duration granted{};
    };

    [[nodiscard]] bool is_copy(const Lease& lease, const wire::WitnessRequest& request) const;
    [[nodiscard]] wire::WitnessOutcome decide(Lease& lease, const wire::WitnessRequest& request,
                                              Instant now);

    std::uint64_t life_;
    Instant starting_until_;
    std::vector<Lease> leases_;
};

}  // namespace xbeat::arbiter
