#include "health/peer_health.h"

#include <gtest/gtest.h>

namespace xbeat::health {
namespace {

Instant at(Duration since_start) { return Instant(since_start); }

TEST(PeerHealth, AVerdictTellsWhichOneCameBefore) {
    PeerHealth health(10s);
    health.judge(PeerState::Alive, {}, at(0s));

    EXPECT_EQ(health.judge(PeerState::Dead, {}, at(1s)), PeerState::Alive);

    EXPECT_EQ(health.state(), PeerState::Dead);
    EXPECT_FALSE(health.stall_deadline().has_value());
}

TEST(PeerHealth, ASuspectNeverStalls) {
    PeerHealth health(10s);
    health.judge(PeerState::Suspect, {}, at(0s));

    EXPECT_FALSE(health.has_stalled_too_long(at(1h)));
    EXPECT_FALSE(health.stall_deadline().has_value());
}

TEST(PeerHealth, AStalledPeerIsGoneAtTheLimitAndNotBefore) {
    PeerHealth health(10s);
    health.judge(PeerState::Stalled, {}, at(5s));

    EXPECT_EQ(health.stall_deadline(), at(15s));
    EXPECT_FALSE(health.has_stalled_too_long(at(15s) - 1ns));
    EXPECT_TRUE(health.has_stalled_too_long(at(15s)));
}

// What waited behind the question may say that the stall is over.
TEST(PeerHealth, WhoAsksLateLooksOnceMore) {
    PeerHealth health(10s);
    health.judge(PeerState::Stalled, {}, at(5s));

    EXPECT_FALSE(health.has_stalled_too_long(at(20s)));
    EXPECT_EQ(health.stall_deadline(), at(20s) + kSecondLook);
    EXPECT_FALSE(health.has_stalled_too_long(at(20s)));
    EXPECT_TRUE(health.has_stalled_too_long(at(40s)));  // late again: no third look

    health.judge(PeerState::Alive, {}, at(41s));
    health.judge(PeerState::Stalled, {}, at(42s));
    EXPECT_FALSE(health.has_stalled_too_long(at(60s)));
}

TEST(PeerHealth, ARepeatedStallDoesNotMoveTheDeadline) {
    PeerHealth health(10s);
    health.judge(PeerState::Stalled, {}, at(5s));
    health.judge(PeerState::Stalled, {}, at(12s));

    EXPECT_EQ(health.stall_deadline(), at(15s));
}

TEST(PeerHealth, AnAnswerEndsTheStall) {
    PeerHealth health(10s);
    health.judge(PeerState::Stalled, {}, at(5s));
    health.judge(PeerState::Alive, {}, at(6s));

    EXPECT_FALSE(health.has_stalled_too_long(at(60s)));
}

TEST(PeerHealth, RemembersWhenTheSilenceBecameSuspicious) {
    PeerHealth health(10s);
    Evidence evidence;
    evidence.judged_at = at(3ms);
    health.judge(PeerState::Suspect, evidence, at(3ms));
    evidence.judged_at = at(5ms);
    health.judge(PeerState::Dead, evidence, at(5ms));

    EXPECT_EQ(health.suspect_since(), at(3ms));
    health.judge(PeerState::Alive, {}, at(9ms));
    EXPECT_FALSE(health.suspect_since().has_value());
}

}  // namespace
}  // namespace xbeat::health
