// What must happen when one thing breaks: each rule of the pair with its own short story.
#include <algorithm>

#include "tests/sim/story.h"

namespace xbeat::sim {
namespace {

TEST(Scenario, ALoneNodeWaitsForItsPeerAndStartsNothing) {
    World world({});

    world.boot(0);
    world.run(60s);

    EXPECT_EQ(world.node(0)->activity(), "waiting for the peer");
    EXPECT_TRUE(world.runs().empty());
    EXPECT_EQ(world.fences(), 0);
}

TEST(Scenario, AClusterOfOneNodeStartsAlone) {
    World world({.nodes = 1});

    world.boot(0);
    world.run(1s);
    world.request(0, node::ReplaceConfiguration{configuration({"web"}, "one", false), ""});
    world.run(2s);

    EXPECT_TRUE(world.is_active(0, "web"));
    EXPECT_EQ(world.violation(), "");
}

// S02, S03: below the threshold in place, at it elsewhere.
TEST(Scenario, AFailureBelowTheThresholdRestartsInPlaceAndAtItMoves) {
    Story story(with_meta(configuration({"web"}, "s02"), "web", "migration-threshold", "2"));
    const std::size_t first = story.where();

    story.world.kill_service(first, "web");
    story.world.run(2s);
    EXPECT_EQ(story.where(), first);
    EXPECT_EQ(story.attribute(first, "fail-count-web#monitor_10000"), "1");
    story.world.kill_service(first, "web");
    story.world.run(2s);

    EXPECT_EQ(story.where(), 1 - first);
    EXPECT_EQ(story.attribute(first, "fail-count-web#monitor_10000"), "2");
    EXPECT_EQ(story.world.fences(), 0);
    EXPECT_EQ(story.world.violation(), "");
}

// S08.
TEST(Scenario, AFailedStartCountsAsInfinityAndTheOtherNodeTakesOver) {
    Story story(configuration({}, "empty"));
    story.world.fail_next("start", "web", 1, 1);

    story.world.request(0, node::ReplaceConfiguration{configuration({"web"}, "s08"), ""});
    story.world.run(3s);

    const std::size_t runs_on = story.where();
    EXPECT_EQ(story.attribute(1 - runs_on, "fail-count-web#start_0"), "INFINITY");
    EXPECT_EQ(story.world.count_runs("start", "web"), 2);
    EXPECT_EQ(story.world.violation(), "");
}

// S11, claim I-4.
TEST(Scenario, AFailedStopFencesTheMemberAndOnlyThenTheOtherStarts) {
    Story story(with_meta(configuration({"web"}, "s11"), "web", "migration-threshold", "1"));
    const std::size_t first = story.where();
    story.world.fail_next("stop", "web", 1, 1);

    story.world.kill_service(first, "web");
    ASSERT_TRUE(story.world.run_until([&] { return story.world.is_active(1 - first, "web"); }, 5s));

    EXPECT_EQ(story.world.fences(), 1);
    EXPECT_EQ(story.world.violation(), "");
    EXPECT_TRUE(story.settles());
    EXPECT_EQ(story.world.fences(), 1);
}

// S12.
TEST(Scenario, AFailedStopWithoutFencingBlocksAndStartsNothingElsewhere) {
    Story story(with_meta(configuration({"web"}, "s12", false), "web", "migration-threshold", "1"));
    const std::size_t first = story.where();
    story.world.fail_next("stop", "web", 1, 5);

    story.world.kill_service(first, "web");
    story.world.run(10s);

    EXPECT_FALSE(story.world.is_active(1 - first, "web"));
    EXPECT_EQ(story.world.count_runs("start", "web"), 1);
    EXPECT_EQ(story.world.fences(), 0);
}

// S22, S24, claim I-5.
TEST(Scenario, ACutInterconnectLeavesTheActiveSideServingAndFencesTheStandby) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        // The handicap has to be longer than what two shots differ by.
        Story story(configuration({"web"}, "s22"), {.seed = seed, .handicap = 60ms});
        const std::size_t active = story.where();
        story.world.set_auto_boot(false);

        story.world.set_partition(true);
        story.world.run(5s);

        EXPECT_TRUE(story.world.is_active(active, "web")) << seed;
        EXPECT_TRUE(story.world.is_powered(active)) << seed;
        EXPECT_FALSE(story.world.is_powered(1 - active)) << seed;
        EXPECT_EQ(story.world.count_runs("start", "web"), 1) << seed;
        EXPECT_EQ(story.world.fences(), 1) << seed;
        EXPECT_EQ(story.world.violation(), "");
    }
}

TEST(Scenario, AShortCutWithinTheHandicapFencesNobodyFromTheStandby) {
    Story story(configuration({"web"}, "short"), {.handicap = 200ms});
    const std::size_t active = story.where();
    story.world.set_fence_works(false);

    story.world.set_partition(true);
    story.world.run(60ms);
    story.world.set_partition(false);
    story.world.run(20s);

    EXPECT_EQ(story.world.fences(), 0);
    EXPECT_TRUE(story.world.is_active(active, "web"));
    EXPECT_EQ(story.world.violation(), "");
}

// A suspicion is for getting ready: it is reversible, and a shot is not.
TEST(Scenario, APeerThatIsOnlySuspectIsNeverFencedHoweverOften) {
    Story story(configuration({"web"}, "suspect"), {.handicap = 0ms});

    for (int i = 0; i < 40; ++i) {
        story.world.set_partition(true);
        story.world.run(1500us);  // past suspect, short of dead
        story.world.set_partition(false);
        story.world.run(5s);  // until the world judges no more by what was
    }

    EXPECT_TRUE(story.world.has_note("peer-suspect"));
    EXPECT_FALSE(story.world.has_note("peer-dead"));
    EXPECT_FALSE(story.world.has_note("fence-requested"));
    EXPECT_EQ(story.world.fences(), 0);
    EXPECT_EQ(story.world.count_runs("start", "web"), 1);
    EXPECT_TRUE(story.settles());
}

// S27.
TEST(Scenario, WithoutFencingADeadPeerIsNotTakenOver) {
    Story story(configuration({"web"}, "s27", false));
    const std::size_t active = story.where();

    story.world.crash(active);
    story.world.run(30s);

    EXPECT_FALSE(story.world.is_active(1 - active, "web"));
    EXPECT_EQ(story.world.count_runs("start", "web"), 1);
    EXPECT_TRUE(story.world.node(1 - active)->activity().starts_with("no safe takeover"))
        << story.world.node(1 - active)->activity();
    EXPECT_TRUE(story.world.has_note("no-safe-takeover"));
    EXPECT_EQ(story.world.violation(), "");
}

// S28: the sides were apart and nothing was taken over, so nothing has to be stopped when they
// meet.
TEST(Scenario, WithoutFencingACutThatHealsStopsNothing) {
    Story story(configuration({"web"}, "healed", false));
    const std::size_t active = story.where();

    story.world.set_partition(true);
    EXPECT_TRUE(
        story.world.run_until([&] { return story.world.has_note("no-safe-takeover"); }, 10s));
    story.world.set_partition(false);

    EXPECT_TRUE(story.settles());
    EXPECT_EQ(story.where(), active);
    EXPECT_EQ(story.world.count_runs("stop", "web"), 0);
    EXPECT_EQ(story.world.count_runs("start", "web"), 1);
    EXPECT_EQ(story.world.violation(), "");
}

// S09: what never ran is missed as well.
TEST(Scenario, AServiceThatStartsNowhereIsAFailedFailover) {
    Story story(configuration({}, "nowhere", false));
    story.world.fail_next("start", "web", 1, 2);

    story.world.request(0,
                        node::ReplaceConfiguration{configuration({"web"}, "nowhere2", false), ""});
    story.world.run(5s);

    EXPECT_TRUE(story.world.has_note("failover-failed"));
    EXPECT_FALSE(story.world.has_note("failover-succeeded"));
}

TEST(Scenario, AnUnsafeTakeoverHappensOnlyWhenItWasAskedFor) {
    Story story(configuration({"web"}, "unsafe", false), {.unsafe_takeover = true});
    const std::size_t active = story.where();

    story.world.crash(active);
    // The world's exclusivity check would object: without a proof nobody knows.
    story.world.run(2s);

    EXPECT_EQ(story.world.count_runs("start", "web"), 2);
}

TEST(Scenario, APersonsConfirmationIsAProof) {
    Story story(configuration({"web"}, "confirm", false));
    const std::size_t active = story.where();
    story.world.crash(active);
    story.world.run(2s);
    story.world.confirm_off(active);

    story.world.request(1 - active, node::ConfirmFenced{World::name_of(active)});
    story.world.run(2s);

    EXPECT_TRUE(story.world.is_active(1 - active, "web"));
    EXPECT_EQ(story.world.violation(), "");
}

TEST(Scenario, AConfirmationForANodeThatAnswersIsRefused) {
    Story story;

    story.world.request(0, node::ConfirmFenced{"pm02"});

    ASSERT_TRUE(story.world.last_reply(0).has_value());
    ASSERT_FALSE(story.world.last_reply(0)->has_value());
    EXPECT_EQ(story.world.last_reply(0)->error().code, Code::Unsafe);
}

// S38.
TEST(Scenario, FencingThatFailsForGoodIsGivenUpUntilAPersonConfirms) {
    Story story;
    const std::size_t active = story.where();
    story.world.set_fence_works(false);

    story.world.crash(active);
    story.world.run(180s);
    EXPECT_FALSE(story.world.is_active(1 - active, "web"));
    const int shots = story.world.count_runs("reboot", "power");
    story.world.run(60s);
    EXPECT_EQ(story.world.count_runs("reboot", "power"), shots);
    EXPECT_EQ(shots, 20);  // ten attempts of two runs each
    EXPECT_TRUE(story.world.node(1 - active)->activity().starts_with("no safe takeover"));

    story.world.confirm_off(active);
    story.world.request(1 - active, node::ConfirmFenced{World::name_of(active)});
    story.world.run(1s);

    EXPECT_TRUE(story.world.is_active(1 - active, "web"));
    EXPECT_EQ(story.world.violation(), "");
}

// S33.
TEST(Scenario, AKilledDaemonThatComesBackInTimeCostsNothing) {
    Story story;
    const std::size_t active = story.where();

    for (const std::size_t victim : {active, 1 - active}) {
        story.world.kill_daemon(victim);
        story.world.run(3s);
        story.world.start_daemon(victim);
        EXPECT_TRUE(story.settles());
        story.world.run(5s);
    }

    EXPECT_EQ(story.world.fences(), 0);
    EXPECT_EQ(story.world.count_runs("start", "web"), 1);
    EXPECT_EQ(story.world.count_runs("stop", "web"), 0);
    EXPECT_TRUE(story.world.is_active(active, "web"));
    EXPECT_TRUE(story.world.are_equal());
    EXPECT_EQ(story.world.violation(), "");
}

TEST(Scenario, ADaemonThatStaysAwayPastTheStallLimitIsFenced) {
    Story story;
    const std::size_t active = story.where();

    story.world.kill_daemon(active);
    story.world.run(9s);
    EXPECT_EQ(story.world.fences(), 0);
    story.world.run(4s);

    EXPECT_EQ(story.world.fences(), 1);
    EXPECT_TRUE(story.world.is_active(1 - active, "web"));
    EXPECT_EQ(story.world.violation(), "");
}

// S34.
TEST(Scenario, StandbyMovesInOrderWithoutFailuresOrFencing) {
    Story story;
    const std::size_t active = story.where();

    story.world.request(1 - active,
                        node::SetAttribute{World::name_of(active), "standby", "on", false, true});
    story.world.run(3s);

    EXPECT_TRUE(story.world.is_active(1 - active, "web"));
    EXPECT_FALSE(story.world.is_active(active, "web"));
    EXPECT_EQ(story.world.fences(), 0);
    ASSERT_TRUE(story.world.last_reply(1 - active).has_value());
    EXPECT_TRUE(story.world.last_reply(1 - active)->has_value());
}

TEST(Scenario, ABrokenChannelLosesNoResult) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Story story(configuration({}, "empty"), {.seed = seed});
        story.world.request(0, node::ReplaceConfiguration{configuration({"a", "b", "c"}, "x"), ""});
        story.world.run(std::chrono::milliseconds(10 + seed * 4));
        story.world.drop_channel();

        EXPECT_TRUE(story.settles());
        story.world.run(3s);

        for (const char* name : {"a", "b", "c"}) {
            EXPECT_EQ(story.world.count_runs("start", name), 1) << name << ' ' << seed;
        }
        EXPECT_EQ(story.world.fences(), 0);
        EXPECT_EQ(story.world.violation(), "");
        EXPECT_TRUE(story.world.are_equal());
    }
}

TEST(Scenario, ANewFailureDoesNotWaitForASlowUnrelatedAction) {
    Story story(configuration({"web"}, "quick"));
    const std::size_t active = story.where();
    story.world.delay_next("start", "slow", 15s);
    story.world.request(0, node::ReplaceConfiguration{configuration({"web", "slow"}, "slow"), ""});
    story.world.run(2s);
    const Duration killed_at = story.world.now();

    story.world.kill_service(active, "web");

    EXPECT_TRUE(story.world.run_until(
        [&] {
            return story.world.is_active(active, "web") &&
                   story.world.count_runs("start", "web") == 2;
        },
        5s));
    EXPECT_LT(story.world.now() - killed_at, 500ms);
    story.world.run(20s);
    EXPECT_EQ(story.world.count_runs("start", "slow"), 1);
    EXPECT_EQ(story.world.violation(), "");
}

TEST(Scenario, AHangingStartTimesOutAndTheOtherNodeTakesOver) {
    Story story(configuration({}, "empty"));
    story.world.delay_next("start", "web", 60s);

    story.world.request(0, node::ReplaceConfiguration{configuration({"web"}, "hang"), ""});
    story.world.run(25s);

    const std::size_t runs_on = story.where();
    EXPECT_EQ(story.attribute(1 - runs_on, "fail-count-web#start_0"), "INFINITY");
    EXPECT_EQ(story.world.count_runs("stop", "web"), 1);
}

TEST(Scenario, AChangedParameterRestartsThatResourceAndNoOther) {
    Story story(configuration({"web", "db"}, "digest"));

    story.world.request(
        0, node::ReplaceConfiguration{
               with_parameter(configuration({"web", "db"}, "digest"), "web", "/run/x"), ""});
    story.world.run(5s);

    EXPECT_EQ(story.world.count_runs("start", "web"), 2);
    EXPECT_EQ(story.world.count_runs("start", "db"), 1);
    EXPECT_TRUE(story.world.is_idle());
    EXPECT_EQ(story.world.violation(), "");
}

TEST(Scenario, CleanupForgetsFailuresAndFindsTheResourceRunning) {
    Story story;
    const std::size_t active = story.where();
    story.world.kill_service(active, "web");
    story.world.run(2s);
    ASSERT_EQ(story.attribute(active, "fail-count-web#monitor_10000"), "1");

    story.world.request(1 - active, node::Cleanup{"web", "", true});
    story.world.run(3s);

    EXPECT_EQ(story.attribute(active, "fail-count-web#monitor_10000"), "");
    EXPECT_TRUE(story.world.is_active(active, "web"));
    EXPECT_EQ(story.world.count_runs("start", "web"), 2);
    const int monitors = story.world.count_runs("monitor", "web");
    story.world.run(25s);
    EXPECT_GT(story.world.count_runs("monitor", "web"), monitors);
    EXPECT_TRUE(story.world.is_idle());
}

TEST(Scenario, AnOperatorsFenceIsAnsweredAfterTheProof) {
    Story story;
    const std::size_t active = story.where();

    story.world.request(1 - active, node::FenceNode{World::name_of(active), "reboot"});
    EXPECT_FALSE(story.world.last_reply(1 - active).has_value());
    story.world.run(2s);

    ASSERT_TRUE(story.world.last_reply(1 - active).has_value());
    EXPECT_TRUE(story.world.last_reply(1 - active)->has_value());
    EXPECT_EQ(story.world.fences(), 1);
    EXPECT_TRUE(story.world.is_active(1 - active, "web"));
    EXPECT_EQ(story.world.violation(), "");
}

TEST(Scenario, AFailoverTellsItsStoryAndItsTimes) {
    Story story;
    const std::size_t active = story.where();
    story.world.crash(active);
    ASSERT_TRUE(
        story.world.run_until([&] { return story.world.is_active(1 - active, "web"); }, 5s));
    story.world.run(1s);

    for (const char* kind : {"peer-suspect", "peer-dead", "failover-started", "fence-requested",
                             "fence-succeeded", "coordinator", "failover-succeeded"}) {
        EXPECT_TRUE(story.world.has_note(kind)) << kind;
    }
    const auto& timelines = story.world.node(1 - active)->timelines();
    ASSERT_FALSE(timelines.empty());
    const node::Timeline& last = timelines.back();
    EXPECT_EQ(last.cause, concat("node ", World::name_of(active), " dead"));
    EXPECT_TRUE(last.is_finished);
    EXPECT_TRUE(last.succeeded);
    for (const char* phase :
         {"silence", "suspect", "dead", "fence requested", "proof", "plan", "action", "done"}) {
        EXPECT_TRUE(std::any_of(last.entries.begin(), last.entries.end(),
                                [phase](const auto& entry) { return entry.phase == phase; }))
            << phase;
    }
    for (const node::TimelineEntry& entry : last.entries) EXPECT_LE(entry.from, entry.to);
}

}  // namespace
}  // namespace xbeat::sim
