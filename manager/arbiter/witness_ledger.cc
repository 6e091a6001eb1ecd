#include "arbiter/witness_ledger.h"

#include <algorithm>

#include "core/check.h"

namespace xbeat::arbiter {

using wire::WitnessAnswer;
using wire::WitnessKind;
using wire::WitnessOutcome;
using wire::WitnessRequest;

WitnessLedger::WitnessLedger(Options options)
    : life_(options.life),
      starting_until_(options.started + wire::kWitnessLeaseMax +
                      lease_margin(wire::kWitnessLeaseMax)),
      leases_(options.clusters) {
    XB_CHECK(life_ != 0);
}

void WitnessLedger::add(Instant usable_at) {
    Lease lease;
    lease.usable_at = usable_at;
    leases_.push_back(lease);
}

NodeId WitnessLedger::holder(std::size_t place, Instant now) const {
    XB_CHECK(place < leases_.size());
    const Lease& lease = leases_[place];
    return now < lease.until ? lease.holder : NodeId{};
}

bool WitnessLedger::is_copy(const Lease& lease, const WitnessRequest& request) const {
    return request.witness == life_ && request.node == lease.asker &&
           request.life == lease.asker_life && request.number == lease.asker_number;
}

/// What comes of a request that matches life and version.
WitnessOutcome WitnessLedger::decide(Lease& lease, const WitnessRequest& request, Instant now) {
    const bool is_held = now < lease.until;
    if (request.kind == WitnessKind::Release) {
        if (is_held && lease.holder == request.node) lease.until = now;
        return WitnessOutcome::Released;
    }
    if (now < std::max(starting_until_, lease.usable_at)) return WitnessOutcome::Starting;
    if (is_held && lease.holder != request.node) return WitnessOutcome::Held;
    lease.holder = request.node;
    lease.last_holder = request.node;
    // Never less than what an earlier grant promised: a shorter renewal takes nothing back.
    const Instant until = now + request.lease + lease_margin(request.lease);
    lease.until = is_held ? std::max(lease.until, until) : until;
    return WitnessOutcome::Granted;
}

WitnessAnswer WitnessLedger::answer(std::size_t place, const WitnessRequest& request, Instant now) {
    XB_CHECK(place < leases_.size());
    Lease& lease = leases_[place];
    const Instant closed_until = std::max(starting_until_, lease.usable_at);
    WitnessOutcome outcome = WitnessOutcome::Told;
    if (request.kind == WitnessKind::Query) {
        outcome = now < closed_until ? WitnessOutcome::Starting : WitnessOutcome::Told;
    } else if (is_copy(lease, request)) {
        outcome = lease.outcome;
    } else if (request.witness != life_ || request.version != lease.version) {
        outcome = WitnessOutcome::Stale;
    } else {
        outcome = decide(lease, request, now);
        ++lease.version;
        lease.asker = request.node;
        lease.asker_life = request.life;
        lease.asker_number = request.number;
        lease.outcome = outcome;
        lease.granted = outcome == WitnessOutcome::Granted ? request.lease : Duration{};
    }
    const bool is_starting = outcome == WitnessOutcome::Starting;
    const Instant end = is_starting ? closed_until : lease.until;
    return {.outcome = outcome,
            .kind = request.kind,
            .cluster = request.cluster,
            .node = request.node,
            .life = request.life,
            .number = request.number,
            .holder = holder(place, now),
            .last_holder = lease.last_holder,
            .witness = life_,
            .version = lease.version,
            .lease = outcome == WitnessOutcome::Granted ? lease.granted : Duration{},
            .remaining = std::max(Duration{}, end - now)};
}

}  // namespace xbeat::arbiter
