#include "arbiter/witness_ledger.h"

#include <gtest/gtest.h>

namespace xbeat::arbiter {
namespace {

using wire::WitnessAnswer;
using wire::WitnessKind;
using wire::WitnessOutcome;
using wire::WitnessRequest;

constexpr Instant kBoot{1h};
constexpr Instant kOpen = kBoot + 11s + 1s;  // long after the witness stopped refusing everybody
constexpr std::uint64_t kLife = 0xabcd;
constexpr NodeId kOne{1};
constexpr NodeId kTwo{2};

WitnessLedger ledger(std::size_t clusters = 1) {
    return WitnessLedger({.life = kLife, .started = kBoot, .clusters = clusters});
}

/// A node that always knows the newest version, as after a query.
struct Asker {
    NodeId node;
    std::uint64_t life = 1;
    std::uint64_t number = 0;

    WitnessRequest request(WitnessKind kind, std::uint64_t version, Duration lease = 100ms) {
        return {.kind = kind,
                .cluster = 1,
                .node = node,
                .life = life,
                .number = ++number,
                .witness = kLife,
                .version = version,
                .lease = kind == WitnessKind::Claim ? lease : Duration{}};
    }
    WitnessAnswer ask(WitnessLedger& to, WitnessKind kind, Instant now, Duration lease = 100ms) {
        const std::uint64_t version = to.answer(0, request(WitnessKind::Query, 0), now).version;
        return to.answer(0, request(kind, version, lease), now);
    }
};

TEST(WitnessLedger, GivesAFreeLeaseToTheFirstWhoClaims) {
    WitnessLedger witness = ledger();
    Asker one{kOne};

    const WitnessAnswer told = one.ask(witness, WitnessKind::Claim, kOpen);

    EXPECT_EQ(told.outcome, WitnessOutcome::Granted);
    EXPECT_EQ(told.holder, kOne);
    EXPECT_EQ(told.lease, 100ms);
    EXPECT_GE(told.remaining, 100ms + lease_margin(100ms));
    EXPECT_EQ(witness.holder(0, kOpen), kOne);
}

TEST(WitnessLedger, RefusesTheOtherNodeUntilLeaseAndMarginAreOver) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    Asker two{kTwo};
    one.ask(witness, WitnessKind::Claim, kOpen);
    const Duration whole = 100ms + lease_margin(100ms);

    const WitnessAnswer early = two.ask(witness, WitnessKind::Claim, kOpen + whole - 1ns);
    const WitnessAnswer late = two.ask(witness, WitnessKind::Claim, kOpen + whole);

    EXPECT_EQ(early.outcome, WitnessOutcome::Held);
    EXPECT_EQ(early.holder, kOne);
    EXPECT_EQ(early.remaining, 1ns);
    EXPECT_EQ(late.outcome, WitnessOutcome::Granted);
    EXPECT_EQ(late.holder, kTwo);
}

TEST(WitnessLedger, TheMarginCoversTwoClocksThatRunApart) {
    for (const Duration lease : {wire::kWitnessLeaseMin, Duration(100ms), wire::kWitnessLeaseMax}) {
        // The holder's clock 200 ppm slow, the witness's 200 ppm fast (the bound of the design).
        const Duration drift = lease * 2 / 5000;
        EXPECT_GT(lease_margin(lease), drift) << lease.count();
    }
}

TEST(WitnessLedger, TheHolderRenews) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    one.ask(witness, WitnessKind::Claim, kOpen);

    const WitnessAnswer again = one.ask(witness, WitnessKind::Claim, kOpen + 90ms);

    EXPECT_EQ(again.outcome, WitnessOutcome::Granted);
    EXPECT_EQ(witness.holder(0, kOpen + 189ms), kOne);
}

TEST(WitnessLedger, AShorterRenewalTakesNothingBack) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    one.ask(witness, WitnessKind::Claim, kOpen, 10s);

    one.ask(witness, WitnessKind::Claim, kOpen + 1ms, 1ms);

    EXPECT_EQ(witness.holder(0, kOpen + 9s), kOne);
}

TEST(WitnessLedger, AReleasedLeaseIsFreeAtOnce) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    Asker two{kTwo};
    one.ask(witness, WitnessKind::Claim, kOpen, 10s);

    EXPECT_EQ(one.ask(witness, WitnessKind::Release, kOpen).outcome, WitnessOutcome::Released);

    const WitnessAnswer told = two.ask(witness, WitnessKind::Claim, kOpen);
    EXPECT_EQ(told.outcome, WitnessOutcome::Granted);
}

TEST(WitnessLedger, OnlyTheHolderCanRelease) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    Asker two{kTwo};
    one.ask(witness, WitnessKind::Claim, kOpen);

    EXPECT_EQ(two.ask(witness, WitnessKind::Release, kOpen).outcome, WitnessOutcome::Released);

    EXPECT_EQ(witness.holder(0, kOpen + 1ms), kOne);
}

TEST(WitnessLedger, AQueryChangesNothingAndTellsWhoHeldItLast) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    Asker two{kTwo};
    const WitnessAnswer given = one.ask(witness, WitnessKind::Claim, kOpen);

    const WitnessAnswer told = witness.answer(0, two.request(WitnessKind::Query, 0), kOpen + 1s);

    EXPECT_EQ(told.outcome, WitnessOutcome::Told);
    EXPECT_EQ(told.version, given.version);
    EXPECT_EQ(told.holder, NodeId{});
    EXPECT_EQ(told.last_holder, kOne);
    EXPECT_EQ(told.remaining, Duration{});
}

TEST(WitnessLedger, ACopyIsAnsweredAgainAndProlongsNothing) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    const WitnessRequest claim = one.request(WitnessKind::Claim, 1);
    const WitnessAnswer first = witness.answer(0, claim, kOpen);

    const WitnessAnswer second = witness.answer(0, claim, kOpen + 50ms);

    EXPECT_EQ(second.outcome, WitnessOutcome::Granted);
    EXPECT_EQ(second.version, first.version);
    EXPECT_EQ(second.remaining, first.remaining - 50ms);
    EXPECT_EQ(witness.holder(0, kOpen + 120ms), NodeId{});
}

TEST(WitnessLedger, ARecordedClaimIsWorthNothingOnceTheLeaseHasMovedOn) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    const WitnessRequest claim = one.request(WitnessKind::Claim, 1);
    static_cast<void>(witness.answer(0, claim, kOpen));
    one.ask(witness, WitnessKind::Release, kOpen + 1ms);

    const WitnessAnswer told = witness.answer(0, claim, kOpen + 1s);

    EXPECT_EQ(told.outcome, WitnessOutcome::Stale);
    EXPECT_EQ(witness.holder(0, kOpen + 1s), NodeId{});
}

TEST(WitnessLedger, ARefusedClaimCannotBeReplayedWhenTheLeaseIsFree) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    Asker two{kTwo};
    one.ask(witness, WitnessKind::Claim, kOpen);
    const std::uint64_t version =
        witness.answer(0, two.request(WitnessKind::Query, 0), kOpen).version;
    const WitnessRequest refused = two.request(WitnessKind::Claim, version);
    ASSERT_EQ(witness.answer(0, refused, kOpen).outcome, WitnessOutcome::Held);

    static_cast<void>(witness.answer(0, refused, kOpen + 1s));

    EXPECT_EQ(witness.holder(0, kOpen + 1s), NodeId{});
}

TEST(WitnessLedger, ARecordedReleaseTakesNothingAway) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    one.ask(witness, WitnessKind::Claim, kOpen);
    const WitnessRequest release = one.request(WitnessKind::Release, 2);
    static_cast<void>(witness.answer(0, release, kOpen));
    one.ask(witness, WitnessKind::Claim, kOpen, 10s);

    EXPECT_EQ(witness.answer(0, release, kOpen + 1s).outcome, WitnessOutcome::Stale);

    EXPECT_EQ(witness.holder(0, kOpen + 1s), kOne);
}

TEST(WitnessLedger, OfTwoClaimsForOneVersionTheSecondIsStale) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    Asker two{kTwo};

    EXPECT_EQ(witness.answer(0, two.request(WitnessKind::Claim, 1), kOpen).outcome,
              WitnessOutcome::Granted);
    const WitnessAnswer second = witness.answer(0, one.request(WitnessKind::Claim, 1), kOpen);

    EXPECT_EQ(second.outcome, WitnessOutcome::Stale);
    EXPECT_EQ(second.version, 2U);
    EXPECT_EQ(second.holder, kTwo);
}

TEST(WitnessLedger, AfterAStartNobodyGetsALeaseBeforeTheLongestOneHasRunOut) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    const Instant open = kBoot + wire::kWitnessLeaseMax + lease_margin(wire::kWitnessLeaseMax);
    EXPECT_EQ(witness.starting_until(), open);

    const WitnessAnswer early = one.ask(witness, WitnessKind::Claim, open - 1ns);
    const WitnessAnswer late = one.ask(witness, WitnessKind::Claim, open);

    EXPECT_EQ(early.outcome, WitnessOutcome::Starting);
    EXPECT_EQ(early.remaining, 1ns);
    EXPECT_EQ(late.outcome, WitnessOutcome::Granted);
}

TEST(WitnessLedger, ARequestForAnEarlierLifeIsStale) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    WitnessRequest old = one.request(WitnessKind::Claim, 1);
    old.witness = kLife - 1;

    const WitnessAnswer told = witness.answer(0, old, kOpen);

    EXPECT_EQ(told.outcome, WitnessOutcome::Stale);
    EXPECT_EQ(told.witness, kLife);
    EXPECT_EQ(witness.holder(0, kOpen), NodeId{});
}

TEST(WitnessLedger, AClaimThatWasRefusedWhileStartingCannotBeReplayedLater) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    const WitnessRequest claim = one.request(WitnessKind::Claim, 1);
    ASSERT_EQ(witness.answer(0, claim, kBoot).outcome, WitnessOutcome::Starting);

    static_cast<void>(witness.answer(0, claim, kOpen));

    EXPECT_EQ(witness.holder(0, kOpen), NodeId{});
}

TEST(WitnessLedger, ClustersDoNotKnowOfEachOther) {
    WitnessLedger witness = ledger(2);
    Asker one{kOne};
    Asker two{kTwo};
    one.ask(witness, WitnessKind::Claim, kOpen);

    EXPECT_EQ(witness.answer(1, two.request(WitnessKind::Claim, 1), kOpen).outcome,
              WitnessOutcome::Granted);
    EXPECT_EQ(witness.holder(0, kOpen), kOne);
    EXPECT_EQ(witness.holder(1, kOpen), kTwo);
}

TEST(WitnessLedger, AClusterThatIsAddedWaitsItsOwnTime) {
    WitnessLedger witness = ledger(0);
    witness.add(kOpen + 5s);
    Asker one{kOne};

    EXPECT_EQ(one.ask(witness, WitnessKind::Claim, kOpen + 4s).outcome, WitnessOutcome::Starting);
    EXPECT_EQ(one.ask(witness, WitnessKind::Claim, kOpen + 5s).outcome, WitnessOutcome::Granted);
}

TEST(WitnessLedger, ANodeThatWasStartedAnewStillHoldsItsLease) {
    WitnessLedger witness = ledger();
    Asker one{kOne};
    one.ask(witness, WitnessKind::Claim, kOpen);
    Asker reborn{.node = kOne, .life = 2};

    EXPECT_EQ(reborn.ask(witness, WitnessKind::Claim, kOpen + 1ms).outcome,
              WitnessOutcome::Granted);
}

}  // namespace
}  // namespace xbeat::arbiter
