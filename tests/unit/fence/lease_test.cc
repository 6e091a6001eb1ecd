// Leases and exclusivity: who may serve, when a silent peer is proven, and who yields.
#include "fence/lease.h"

#include <gtest/gtest.h>

#include <variant>

namespace xbeat::fence {
namespace {

using arbiter::ArbiterAnswer;
using arbiter::ArbiterKind;
using arbiter::AskArbiter;
using arbiter::Asking;
using arbiter::Reply;
using Mode = Lease::Mode;

constexpr Duration kLease = 100ms;
constexpr Duration kExclusivity = 3s;
constexpr Duration kHandicap = 20ms;
constexpr NodeId kPeer{2};
constexpr NodeId kSelf{1};

Instant at(Duration since) { return Instant{} + 1000s + since; }

Lease::Options options() {
    return {.arbiter = ArbiterKind::Witness,
            .peer = kPeer,
            .lease = kLease,
            .exclusivity = kExclusivity,
            .handicap = kHandicap,
            .is_unsafe = false};
}

/// A lease with its host: remembers what is in force.
struct Host {
    explicit Host(Lease::Options given = options()) : lease(given) {}

    void event(Duration now) {
        lease.tick(at(now));
        carry_out();
    }
    void carry_out() {
        for (const Lease::Wish& wish : lease.take()) {
            if (const auto* grant = std::get_if<Lease::Grant>(&wish)) {
                granting = grant->lease;
                EXPECT_FALSE(granting > Duration{} && exclusive > Instant{})
                    << "who is exclusive grants nothing";
            } else if (const auto* right = std::get_if<Lease::Exclusivity>(&wish)) {
                exclusive = right->until;
            } else {
                asked.push_back(std::get<AskArbiter>(wish));
            }
        }
    }
    void join(Duration now) {
        event(now);
        lease.peer_joined(at(now));
        carry_out();
    }
    void see(Duration until, Duration now) {
        event(now);
        lease.seen(at(until), at(now));
        carry_out();
    }
    void share(Duration now) {
        join(now);
        see(now + kLease, now);
    }
    void lose(std::optional<Duration> silent_since, Duration now, bool serves) {
        event(now);
        std::optional<Instant> since;
        if (silent_since) since = at(*silent_since);
        lease.peer_lost(since, at(now), serves, at(now));
        carry_out();
    }
    void answer(Reply reply, Duration now, NodeId holder = {}, Duration until = {}) {
        ASSERT_FALSE(asked.empty());
        event(now);
        lease.answered({.request = asked.back().request,
                        .reply = reply,
                        .holder = holder,
                        .until = reply == Reply::Granted ? at(until) : Instant{},
                        .reason = {}},
                       at(now));
        carry_out();
    }
    // A member loses its peer, and is exclusive until 3010 ms.
    void take_over() {
        share(0ms);
        lose(5ms, 10ms, true);
        answer(Reply::Granted, 11ms, {}, 3010ms);
    }
    [[nodiscard]] bool has_asked(Asking asking) const {
        return !asked.empty() && asked.back().asking == asking;
    }

    Lease lease;
    Duration granting{};
    Instant exclusive{};
    std::vector<AskArbiter> asked;
};

TEST(Lease, WantsAndForbidsNothingWithFencingAlone) {
    Lease::Options given = options();
    given.arbiter = ArbiterKind::Fence;
    Host host(given);

    host.share(0ms);
    host.lose(5ms, 10ms, true);
    host.event(10s);

    EXPECT_EQ(host.granting, 0ms);
    EXPECT_EQ(host.exclusive, Instant{});
    EXPECT_TRUE(host.asked.empty());
    EXPECT_TRUE(host.lease.may_serve(at(10s)));
    EXPECT_TRUE(host.lease.may_peer_serve(at(10s)));
    EXPECT_FALSE(host.lease.must_yield());
    EXPECT_FALSE(host.lease.next_deadline().has_value());
}

TEST(Lease, GrantsAtOnceButServesOnlyWhenThePeersGrantArrived) {
    Host host;

    host.join(0ms);

    EXPECT_EQ(host.granting, kLease);
    EXPECT_FALSE(host.lease.may_serve(at(0ms)));
    host.see(100ms, 5ms);
    EXPECT_TRUE(host.lease.may_serve(at(5ms)));
}

TEST(Lease, TakesAGrantOfAnEarlierMembershipForNone) {
    Host host;
    host.share(0ms);

    host.join(10ms);
    host.see(100ms, 20ms);

    EXPECT_FALSE(host.lease.may_serve(at(20ms)));
    host.see(110ms, 21ms);
    EXPECT_TRUE(host.lease.may_serve(at(21ms)));
}

TEST(Lease, LetsThePeerServeOnlyWhenTheGrantHasTravelled) {
    Host host;

    host.join(0ms);

    EXPECT_FALSE(host.lease.may_peer_serve(at(1ms)));
    EXPECT_TRUE(host.lease.may_peer_serve(at(kLease)));
}

TEST(Lease, AsksAtOnceWhereResourcesRunAndLaterWhereNoneDo) {
    Host active;
    Host standby;
    active.share(0ms);
    standby.share(0ms);

    active.lose(5ms, 10ms, true);
    standby.lose(5ms, 10ms, false);

    EXPECT_TRUE(active.has_asked(Asking::Claim));
    EXPECT_TRUE(standby.asked.empty());
    EXPECT_EQ(standby.lease.next_deadline(), at(10ms + kHandicap));
    standby.event(10ms + kHandicap);
    EXPECT_TRUE(standby.has_asked(Asking::Claim));
}

// Claim I-3: no start before the lost peer's lease has run out, by any clock within its bound.
TEST(Lease, ProvesThePeerOnlyWithExclusivityAndAfterItsLease) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 60ms, true);
    EXPECT_EQ(host.granting, 0ms);

    host.answer(Reply::Granted, 61ms, {}, 3061ms);

    EXPECT_EQ(host.exclusive, at(3061ms));
    const Duration end = 5ms + lease_wait(kLease);
    EXPECT_GT(end, 5ms + kLease + 50us) << "drift of both clocks, and a margin";
    EXPECT_FALSE(host.lease.is_peer_proven(at(end - 1ns)));
    EXPECT_TRUE(host.lease.is_peer_proven(at(end)));
    EXPECT_EQ(host.lease.next_deadline(), at(end));
}

TEST(Lease, ProvesNothingWithoutExclusivityHoweverLongItWaits) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 60ms, true);

    host.answer(Reply::Unreachable, 100ms);
    host.event(400ms);

    EXPECT_FALSE(host.lease.is_peer_proven(at(400ms)));
    EXPECT_TRUE(host.has_asked(Asking::Claim));
    EXPECT_EQ(host.asked.size(), 2U) << "it asks again";
}

// The kernel of a stalled peer goes on being answered until the host has stopped the grant.
TEST(Lease, CountsTheLeaseOfAStalledPeerFromTheNextEvent) {
    Host host;
    host.share(0ms);
    host.lose(std::nullopt, 10s, true);
    EXPECT_EQ(host.granting, 0ms);

    // The thread was held up, and with it the end of the grant.
    host.answer(Reply::Granted, 11s, {}, 14s);

    EXPECT_FALSE(host.lease.is_peer_proven(at(11s)));
    EXPECT_FALSE(host.lease.is_peer_proven(at(11s + kLease)));
    EXPECT_TRUE(host.lease.is_peer_proven(at(11s + lease_wait(kLease))));
}

TEST(Lease, YieldsWhenTheArbiterNamesThePeer) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, false);
    host.event(40ms);

    host.answer(Reply::Refused, 41ms, kPeer);

    EXPECT_TRUE(host.lease.must_yield());
    EXPECT_FALSE(host.lease.may_serve(at(41ms)));
    EXPECT_EQ(host.exclusive, Instant{});
}

TEST(Lease, AsksAgainWhenItIsRefusedWithoutAName) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.answer(Reply::Refused, 11ms);
    host.event(11ms + kArbiterPause);

    EXPECT_FALSE(host.lease.must_yield());
    EXPECT_EQ(host.asked.size(), 2U);
}

TEST(Lease, GivesUpAndAsksForReleaseWhenNobodyDecides) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.event(10ms + kExclusivity / 2);

    EXPECT_TRUE(host.lease.must_yield());
    EXPECT_TRUE(host.has_asked(Asking::Release)) << "the claim may have been granted unheard";
}

// A node that was frozen finds a verdict of long ago: what happened since is not known to it.
TEST(Lease, DoesNotTakeOverOnAVerdictOfLongAgo) {
    Host host;
    host.share(0ms);

    host.event(60s);
    host.lease.peer_lost(at(5ms), at(10ms), true, at(60s));
    host.carry_out();

    EXPECT_TRUE(host.lease.must_yield());
}

TEST(Lease, GoesOnWithoutProofOnlyIfTheOperatorSaidSo) {
    Lease::Options given = options();
    given.is_unsafe = true;
    Host host(given);
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.event(10ms + kExclusivity / 2);

    EXPECT_EQ(host.lease.mode(), Mode::Unsafe);
    EXPECT_EQ(host.exclusive, Instant::max());
}

TEST(Lease, YieldsToANamedHolderEvenIfItWouldGoOnWithoutProof) {
    Lease::Options given = options();
    given.is_unsafe = true;
    Host host(given);
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.answer(Reply::Refused, 11ms, kPeer);

    EXPECT_TRUE(host.lease.must_yield());
}

TEST(Lease, RenewsAndYieldsWhenTheArbiterFallsSilent) {
    Host host;
    host.take_over();
    host.event(1100ms);
    ASSERT_TRUE(host.has_asked(Asking::Renew));

    host.answer(Reply::Granted, 1101ms, {}, 4100ms);
    EXPECT_EQ(host.exclusive, at(4100ms));

    for (Duration now = 2200ms; now < 4100ms; now += 100ms) {
        host.event(now);
        if (host.lease.next_deadline()) host.answer(Reply::Unreachable, now + 50ms);
        EXPECT_FALSE(host.lease.must_yield());
    }
    host.event(4100ms);
    EXPECT_TRUE(host.lease.must_yield());
}

TEST(Lease, YieldsAtOnceWhenARenewalIsRefused) {
    Host host;
    host.take_over();
    host.event(1100ms);

    host.answer(Reply::Refused, 1101ms, kPeer);

    EXPECT_TRUE(host.lease.must_yield());
}

TEST(Lease, IgnoresTheAnswerToAQuestionOfBefore) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);
    const AskArbiter first = host.asked.back();
    host.answer(Reply::Unreachable, 20ms);
    host.event(30ms);

    host.lease.answered({.request = first.request,
                         .reply = Reply::Granted,
                         .holder = kSelf,
                         .until = at(10s),
                         .reason = {}},
                        at(31ms));

    EXPECT_EQ(host.lease.mode(), Mode::Losing);
}

TEST(Lease, WaitsForAWitnessThatBeganAnewBeforeThePeerFellSilent) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.event(11ms);
    host.lease.answered({.request = host.asked.back().request,
                         .reply = Reply::NotReady,
                         .holder = {},
                         .until = at(8s),
                         .reason = {}},
                        at(11ms));
    host.event(7s);
    EXPECT_FALSE(host.lease.must_yield());
    EXPECT_EQ(host.asked.size(), 1U);
    host.event(8s);

    EXPECT_EQ(host.asked.size(), 2U);
    host.answer(Reply::Granted, 8001ms, {}, 11s);
    EXPECT_TRUE(host.lease.is_peer_proven(at(8001ms)));
}

// It may have granted the peer, and forgotten it.
TEST(Lease, DoesNotWaitForAWitnessThatBeganAnewAfterThePeerFellSilent) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.event(500ms);
    host.lease.answered({.request = host.asked.back().request,
                         .reply = Reply::NotReady,
                         .holder = {},
                         .until = at(10400ms),
                         .reason = {}},
                        at(500ms));
    host.event(10ms + kExclusivity / 2);

    EXPECT_TRUE(host.lease.must_yield());
}

TEST(Lease, TakesAGrantThatHasAlreadyRunOutForNone) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.answer(Reply::Granted, 100ms, {}, 99ms);

    EXPECT_EQ(host.lease.mode(), Mode::Losing);
    EXPECT_EQ(host.exclusive, Instant{});
}

// Two rights never stand against each other: see the check in carry_out().
TEST(Lease, HandsExclusivityBackBeforeItGrantsTheReturnedPeer) {
    Host host;
    host.take_over();

    host.join(500ms);
    EXPECT_EQ(host.granting, 0ms);
    EXPECT_TRUE(host.lease.may_serve(at(500ms))) << "exclusive until the peer's grant is there";
    host.see(620ms, 520ms);
    EXPECT_EQ(host.exclusive, Instant{});
    EXPECT_TRUE(host.has_asked(Asking::Release));
    EXPECT_EQ(host.granting, 0ms) << "the arbiter may still refuse the peer";
    host.answer(Reply::Released, 521ms);

    EXPECT_EQ(host.granting, kLease);
    EXPECT_TRUE(host.lease.may_serve(at(521ms)));
}

TEST(Lease, GrantsTheReturnedPeerWhenAnUnheardReleaseMustHaveRunOut) {
    Host host;
    host.take_over();
    host.join(500ms);
    host.see(620ms, 520ms);
    host.answer(Reply::Unreachable, 1s);

    host.event(3s);
    EXPECT_EQ(host.granting, 0ms);
    host.event(3100ms);

    EXPECT_EQ(host.granting, kLease);
}

TEST(Lease, IsAloneWithoutEndAfterAProofAndNoLongerWhenThePeerIsBack) {
    Host host;
    host.share(0ms);

    host.lease.peer_out(at(10ms));
    host.carry_out();
    EXPECT_EQ(host.exclusive, Instant::max());
    EXPECT_EQ(host.granting, 0ms);
    host.join(1s);
    EXPECT_EQ(host.granting, 0ms);
    host.see(1200ms, 1100ms);

    EXPECT_EQ(host.exclusive, Instant{});
    EXPECT_EQ(host.granting, kLease);
}

// The other one may be alone without end and not have heard of us yet.
TEST(Lease, ClaimsNothingBeforeItWasGrantedSomethingInThisMembership) {
    Host host;
    host.join(0ms);

    host.lose(5ms, 10ms, true);

    EXPECT_TRUE(host.lease.must_yield());
    EXPECT_FALSE(host.has_asked(Asking::Claim));
}

TEST(Lease, StaysExclusiveWhenAReturningPeerIsLostBeforeItWasGrantedAnything) {
    Host host;
    host.lease.peer_out(at(0ms));
    host.carry_out();
    host.join(1s);

    host.lose(1010ms, 1020ms, true);

    EXPECT_EQ(host.lease.mode(), Mode::Alone);
    EXPECT_TRUE(host.lease.is_peer_proven(at(1020ms)));
    EXPECT_EQ(host.exclusive, Instant::max());
}

TEST(Lease, AsksBeforeALastSurvivorStartsAlone) {
    Host host;

    host.lease.return_alone(at(0ms));
    host.carry_out();
    ASSERT_TRUE(host.has_asked(Asking::Claim));
    host.answer(Reply::Refused, 1ms, kPeer);
    EXPECT_FALSE(host.lease.is_exclusive(at(1ms)));
    EXPECT_FALSE(host.lease.must_yield()) << "nothing runs yet";
    host.event(2s);
    host.answer(Reply::Granted, 2001ms, {}, 5s);

    EXPECT_EQ(host.lease.mode(), Mode::Exclusive);
}

TEST(Lease, GivesBackWhatWasGrantedTooLate) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.join(20ms);
    host.answer(Reply::Granted, 21ms, {}, 3s);

    EXPECT_EQ(host.exclusive, Instant{});
    EXPECT_TRUE(host.has_asked(Asking::Release));
}

// Claim I-1: its gate must not open over what runs on it from before.
TEST(Lease, GrantsAReplacedPeerOnlyWhenItIsKnownToRunNothingTwice) {
    Host host;
    host.take_over();
    host.event(500ms);

    host.lease.peer_joined(at(500ms), Lease::Granting::Held);
    host.see(620ms, 520ms);
    host.answer(Reply::Released, 521ms);
    EXPECT_EQ(host.granting, 0ms);
    EXPECT_FALSE(host.lease.may_peer_serve(at(2s)));
    host.event(2s);
    host.lease.may_grant(at(2s));
    host.carry_out();

    EXPECT_EQ(host.granting, kLease);
}

TEST(Lease, GrantsNothingBeforeTheHandOverHoweverCleanThePeerIs) {
    Host host;
    host.take_over();
    host.event(500ms);

    host.lease.peer_joined(at(500ms), Lease::Granting::Held);
    host.lease.may_grant(at(510ms));
    host.carry_out();

    EXPECT_EQ(host.granting, 0ms) << "still exclusive";
}

// The network comes and goes: between two losses nothing is granted, but the lease of before the
// first one may not be over yet.
TEST(Lease, DoesNotForgetTheLeaseOfBeforeAnEarlierLoss) {
    Host host;
    host.share(0ms);
    host.lose(100ms, 106ms, true);
    host.answer(Reply::Granted, 110ms, kSelf, 3110ms);
    host.join(112ms);
    EXPECT_EQ(host.granting, 0ms);

    host.lose(120ms, 126ms, true);

    host.event(150ms);
    EXPECT_FALSE(host.lease.is_peer_proven(at(150ms)));
    host.event(100ms + lease_wait(kLease));
    EXPECT_TRUE(host.lease.is_peer_proven(at(100ms + lease_wait(kLease))));
}

// The kernel goes on granting when a daemon dies, and the next one knows nothing of it.
TEST(Lease, EndsWhatAnEarlierLifeGrantedAndWaitsForItsEnd) {
    Host host;
    host.granting = kLease;

    host.event(0ms);
    host.lease.peer_joined(at(0ms), Lease::Granting::Held);
    host.carry_out();
    EXPECT_EQ(host.granting, 0ms);
    host.see(100ms, 10ms);
    host.lose(20ms, 26ms, true);
    ASSERT_TRUE(host.has_asked(Asking::Claim));
    host.answer(Reply::Granted, 41ms, kSelf, 3041ms);

    EXPECT_EQ(host.lease.mode(), Mode::Exclusive);
    EXPECT_FALSE(host.lease.is_peer_proven(at(41ms)));
    const Duration over = lease_wait(kLease);  // from the event after the first one
    host.event(over + 1ms);
    EXPECT_EQ(host.lease.peer_until(), at(over + 10ms));
    EXPECT_TRUE(host.lease.is_peer_proven(at(over + 10ms)));
}

// Claim I-8: it may serve by another right until it has joined, and grants this node from then on.
TEST(Lease, HoldsBackFromWhoIsToBeWelcomedAndTellsWhenWhatItWasGrantedIsOver) {
    Host host;
    host.share(0ms);
    EXPECT_EQ(host.granting, kLease);

    host.lease.hold();
    host.carry_out();
    EXPECT_EQ(host.granting, 0ms);
    EXPECT_FALSE(host.lease.has_peer_run_out(at(1h))) << "a grant may still be leaving";
    host.event(5ms);
    const Duration over = 5ms + lease_wait(kLease);
    EXPECT_EQ(host.lease.next_deadline(), at(over));
    EXPECT_FALSE(host.lease.has_peer_run_out(at(over - 1ns)));
    host.event(over);
    EXPECT_TRUE(host.lease.has_peer_run_out(at(over)));
    EXPECT_EQ(host.granting, 0ms);

    host.join(over + 1ms);
    EXPECT_EQ(host.granting, kLease) << "it turned out to be nobody's heir";
}

// It once waited, with a deadline that was over, for what no longer mattered: without end.
TEST(Lease, WhosePeerLeavesDuringTheHandoverWaitsForNothing) {
    Host host;
    host.take_over();
    host.join(100ms);
    host.lease.seen(at(210ms), at(110ms));
    host.carry_out();
    ASSERT_TRUE(host.has_asked(Asking::Release));

    host.lease.peer_out(at(120ms));
    host.carry_out();
    host.answer(Reply::Unreachable, 130ms);

    EXPECT_EQ(host.lease.mode(), Mode::Alone);
    EXPECT_EQ(host.lease.next_deadline(), std::nullopt);
}

// What was answered alone nobody else has yet.
TEST(Lease, WhoLeavesAsHeirGivesNothingBack) {
    Host host;
    host.take_over();

    host.lease.leave();
    host.carry_out();

    EXPECT_EQ(host.exclusive, Instant{});
    EXPECT_FALSE(host.has_asked(Asking::Release));
    EXPECT_FALSE(host.lease.may_serve(at(12ms)));
}

TEST(Lease, WhoLeavesBeforeTheArbiterAnsweredGivesBackWhatItMayHave) {
    Host host;
    host.share(0ms);
    host.lose(5ms, 10ms, true);

    host.lease.leave();
    host.carry_out();

    EXPECT_TRUE(host.has_asked(Asking::Release));
}

TEST(Lease, BeginsAnewWithoutAnyRight) {
    Host host;
    host.take_over();

    host.lease.begin_anew();
    host.carry_out();

    EXPECT_EQ(host.lease.mode(), Mode::Apart);
    EXPECT_EQ(host.exclusive, Instant{});
    EXPECT_TRUE(host.has_asked(Asking::Release));
    EXPECT_FALSE(host.lease.may_serve(at(12ms)));
}

}  // namespace
}  // namespace xbeat::fence
