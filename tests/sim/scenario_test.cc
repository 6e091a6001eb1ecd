// What must happen when one thing breaks: each rule of the pair with its own short story.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/text.h"
#include "replicate/apply.h"
#include "support/sim_world.h"

namespace xbeat::sim {
namespace {

std::string with_meta(std::string text, const std::string& resource, const std::string& name,
                      const std::string& value) {
    const std::string mark = concat("<operations><op id=\"", resource, "-monitor\"");
    const std::size_t at = text.find(mark);
    EXPECT_NE(at, std::string::npos);
    text.insert(
        at, concat("<meta_attributes id=\"", resource, "-meta\"><nvpair id=\"", resource, "-", name,
                   "\" name=\"", name, "\" value=\"", value, "\"/></meta_attributes>"));
    return text;
}

std::string in_maintenance(std::string text) {
    const std::string mark = "<nvpair id=\"cbo-fencing\"";
    text.insert(text.find(mark),
                "<nvpair id=\"cbo-maintenance\" name=\"maintenance-mode\" value=\"true\"/>");
    return text;
}

std::string with_parameter(std::string text, const std::string& resource,
                           const std::string& value) {
    const std::string mark = concat("<operations><op id=\"", resource, "-monitor\"");
    text.insert(text.find(mark),
                concat("<instance_attributes id=\"", resource, "-ia\"><nvpair id=\"", resource,
                       "-state\" name=\"state\" value=\"", value, "\"/></instance_attributes>"));
    return text;
}

// Two members with a configuration in force and everything it wants running.
struct Story {
    World world;

    explicit Story(const std::string& config = configuration({"web"}, "story"),
                   Settings settings = {})
        : world(settings) {
        world.boot(0);
        world.boot(1);
        EXPECT_TRUE(world.run_until([this] { return world.both_members(); }, 10s));
        world.request(0, node::ReplaceConfiguration{config, ""});
        world.run(2s);
        EXPECT_TRUE(world.is_idle()) << world.node(0)->activity();
        const auto reply = world.last_reply(0);
        EXPECT_TRUE(reply && reply->has_value())
            << (reply && !*reply ? reply->error().context : std::string());
    }

    std::size_t where(const std::string& resource = "web") const {
        EXPECT_NE(world.is_active(0, resource), world.is_active(1, resource));
        return world.is_active(0, resource) ? 0 : 1;
    }
    bool settles(Duration limit = 30s) {
        return world.run_until([this] { return world.both_members() && world.is_idle(); }, limit);
    }
    std::string attribute(std::size_t index, const std::string& name) {
        node::Node* any = world.node(0) != nullptr ? world.node(0) : world.node(1);
        return std::string(replicate::transient_attribute(any->cib(), concat(index + 1), name));
    }
};

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

// Records, not the whole state.
TEST(Scenario, ANodeThatReturnsIsSentTheRecordsThatItMissed) {
    for (const bool restarts : {false, true}) {
        Story story;
        const std::size_t active = story.where();
        story.world.kill_daemon(1 - active);
        story.world.request(active, node::SetAttribute{World::name_of(active), "load", "7"});
        story.world.run(1s);
        // The records are at hand again after a restart: they come from the disk.
        if (restarts) {
            story.world.kill_daemon(active);
            story.world.start_daemon(active);
        }

        story.world.start_daemon(1 - active);
        EXPECT_TRUE(story.settles());

        EXPECT_TRUE(story.world.has_note("caught-up")) << restarts;
        story.world.run(1s);
        EXPECT_TRUE(story.world.are_equal());
        EXPECT_EQ(story.world.count_runs("start", "web"), 1);
        EXPECT_EQ(story.world.violation(), "");
    }
}

// Claim I-32: one node after the other gets the new release.
TEST(Scenario, APairOfTwoReleasesFailsOverAndIsUpgradedOneNodeAfterTheOther) {
    for (const std::size_t old : {std::size_t{0}, std::size_t{1}}) {
        Settings settings;
        settings.newest[old] = wire::kProtocolOldest;
        Story story(configuration({"web"}, "mixed"), settings);
        const std::size_t active = story.where();
        story.world.crash(active);
        ASSERT_TRUE(
            story.world.run_until([&] { return story.world.is_active(1 - active, "web"); }, 5s));
        EXPECT_TRUE(story.settles());
        EXPECT_FALSE(story.world.has_note("caught-up"));

        story.world.set_newest(old, wire::kProtocolNewest);
        for (const std::size_t index : {old, 1 - old, old}) {
            story.world.kill_daemon(index);
            story.world.run(100ms);
            story.world.start_daemon(index);
            EXPECT_TRUE(story.settles());
        }

        EXPECT_TRUE(story.world.has_note("caught-up"));
        story.world.run(1s);
        EXPECT_TRUE(story.world.are_equal());
        EXPECT_EQ(story.world.fences(), 1);
        EXPECT_EQ(story.world.violation(), "");
    }
}

// Claim I-12: what nobody was told of is dropped, and said in words.
TEST(Scenario, RecordsThatOnlyADeadCoordinatorHeldAreDroppedInWords) {
    Story story;
    const std::size_t leads = story.world.coordinator() == World::name_of(0) ? 0 : 1;
    story.world.set_channel_cut(true);
    story.world.request(leads, node::SetAttribute{World::name_of(leads), "load", "7"});
    story.world.run(1s);
    story.world.crash(leads);
    story.world.set_channel_cut(false);
    ASSERT_TRUE(story.world.run_until([&] { return story.world.fences() == 1; }, 5s));

    EXPECT_TRUE(story.settles());

    const auto& notes = story.world.notes();
    const auto told = std::find_if(notes.begin(), notes.end(),
                                   [](const Note& note) { return note.kind == "state-diverged"; });
    ASSERT_NE(told, notes.end());
    EXPECT_TRUE(std::any_of(told->fields.begin(), told->fields.end(), [](const auto& field) {
        return field.first == "dropped" && field.second.find("attribute load") != std::string::npos;
    }));
    story.world.run(1s);
    EXPECT_TRUE(story.world.are_equal());
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

TEST(Scenario, ALeavingNodeHandsOverFirstAndIsNotFenced) {
    for (const bool active_leaves : {true, false}) {
        Story story;
        const std::size_t active = story.where();
        const std::size_t leaver = active_leaves ? active : 1 - active;

        story.world.request(leaver, node::Leave{});
        EXPECT_TRUE(
            story.world.run_until([&] { return story.world.node(leaver) == nullptr; }, 10s));
        story.world.run(3s);

        EXPECT_TRUE(story.world.is_active(1 - leaver, "web")) << active_leaves;
        EXPECT_EQ(story.world.fences(), 0);
        EXPECT_EQ(story.world.violation(), "");
        ASSERT_TRUE(story.world.last_reply(leaver).has_value());
        EXPECT_TRUE(story.world.last_reply(leaver)->has_value());
        ASSERT_TRUE(story.world.last_exit().has_value());
        EXPECT_FALSE(story.world.last_exit()->keeps_gate) << "a member stops everything first";
    }
}

// The node that runs `web` leaves in maintenance: `web` goes on running there.
struct LeftRunning {
    Story story;
    std::size_t leaver = 0;
    bool has_fencing = false;

    explicit LeftRunning(bool fencing)
        : story(configuration({"web"}, "left", fencing)), has_fencing(fencing) {
        leaver = story.where();
        story.world.request(0,
                            node::ReplaceConfiguration{
                                in_maintenance(configuration({"web"}, "calm", has_fencing)), ""});
        story.world.run(2s);
        story.world.request(leaver, node::Leave{});
        EXPECT_TRUE(
            story.world.run_until([this] { return story.world.node(leaver) == nullptr; }, 10s));
        story.world.run(1s);
        EXPECT_TRUE(story.world.is_active(leaver, "web"));
    }
    std::size_t survivor() const { return 1 - leaver; }
    void end_maintenance() {
        story.world.request(survivor(), node::ReplaceConfiguration{
                                            configuration({"web"}, "again", has_fencing), ""});
        story.world.run(5s);
    }
    void restart_survivor() {
        story.world.kill_daemon(survivor());
        story.world.start_daemon(survivor());
        EXPECT_TRUE(story.world.run_until(
            [this] { return story.world.coordinator() == World::name_of(survivor()); }, 10s));
    }
};

// Claim I-1; xbeat-sim's seed 20017.
TEST(Scenario, WhatALeaverLeftRunningIsNotStartedElsewhere) {
    LeftRunning left(false);

    left.end_maintenance();

    EXPECT_EQ(left.story.world.violation(), "");
    EXPECT_FALSE(left.story.world.is_active(left.survivor(), "web"));
    const std::string activity = left.story.world.node(left.survivor())->activity();
    EXPECT_NE(activity.find("web may still run there"), std::string::npos) << activity;
    EXPECT_NE(activity.find("xbeat node confirm"), std::string::npos) << activity;
    const auto reply = left.story.world.last_reply(left.leaver);
    ASSERT_TRUE(reply && reply->has_value());
    EXPECT_NE((**reply).find("still running here"), std::string::npos) << **reply;

    left.story.world.restart_heart(left.leaver);
    left.story.world.start_daemon(left.leaver);
    EXPECT_TRUE(left.story.settles());
    EXPECT_EQ(left.story.where(), left.leaver);
    EXPECT_EQ(left.story.world.count_runs("start", "web"), 1);
    EXPECT_EQ(left.story.world.violation(), "");
}

TEST(Scenario, WhatALeaverLeftRunningIsRememberedByARestartedSurvivor) {
    for (const bool has_fencing : {false, true}) {
        LeftRunning left(has_fencing);
        left.story.world.set_fence_works(false);

        left.restart_survivor();
        left.end_maintenance();
        left.restart_survivor();
        left.story.world.run(5s);

        EXPECT_EQ(left.story.world.violation(), "") << has_fencing;
        EXPECT_FALSE(left.story.world.is_active(left.survivor(), "web")) << has_fencing;
    }
}

TEST(Scenario, WhatALeaverLeftRunningIsNotForgottenByACleanup) {
    LeftRunning left(false);

    left.end_maintenance();
    left.story.world.request(left.survivor(), node::Cleanup{});
    left.story.world.run(5s);

    EXPECT_EQ(left.story.world.violation(), "");
    EXPECT_FALSE(left.story.world.is_active(left.survivor(), "web"));
}

// As Pacemaker: an offline node that something managed is thought to be active on is fenced.
TEST(Scenario, ALeaverIsFencedOnceWhatItLeftRunningIsManagedAgain) {
    LeftRunning left(true);
    left.story.world.set_auto_boot(false);
    left.story.world.run(30s);
    EXPECT_EQ(left.story.world.fences(), 0);

    left.end_maintenance();

    EXPECT_EQ(left.story.world.fences(), 1);
    EXPECT_TRUE(left.story.world.is_active(left.survivor(), "web"));
    EXPECT_EQ(left.story.world.violation(), "");
    left.restart_survivor();
    left.story.world.run(30s);
    EXPECT_EQ(left.story.world.fences(), 1);
}

TEST(Scenario, WhatALeaverLeftRunningIsStartedWhenAPersonVouchesForIt) {
    for (const bool restarts : {false, true}) {
        LeftRunning left(false);
        left.end_maintenance();
        left.story.world.crash(left.leaver);
        left.story.world.confirm_off(left.leaver);
        if (restarts) left.restart_survivor();

        left.story.world.request(left.survivor(), node::ConfirmFenced{World::name_of(left.leaver)});
        left.story.world.run(5s);

        EXPECT_TRUE(left.story.world.is_active(left.survivor(), "web"));
        EXPECT_EQ(left.story.world.violation(), "");
        left.restart_survivor();
        left.story.world.run(5s);
        EXPECT_EQ(left.story.world.node(left.survivor())->activity(), "idle");
        EXPECT_TRUE(left.story.world.is_active(left.survivor(), "web"));
    }
}

TEST(Scenario, BothMayLeaveInMaintenanceAndFindTheirServicesAgain) {
    for (const bool has_fencing : {false, true}) {
        LeftRunning left(has_fencing);
        left.story.world.request(left.survivor(), node::Leave{});
        ASSERT_TRUE(left.story.world.run_until(
            [&] { return left.story.world.node(left.survivor()) == nullptr; }, 10s));

        for (const std::size_t index : {left.leaver, left.survivor()}) {
            left.story.world.restart_heart(index);
            left.story.world.start_daemon(index);
        }
        ASSERT_TRUE(left.story.settles());
        left.end_maintenance();

        EXPECT_EQ(left.story.where(), left.leaver);
        EXPECT_EQ(left.story.world.count_runs("start", "web"), 1);
        EXPECT_EQ(left.story.world.fences(), 0);
        EXPECT_EQ(left.story.world.violation(), "");
    }
}

TEST(Scenario, TheLastSurvivorStartsAloneAndTheOtherOneWaits) {
    Story story;
    story.world.request(0, node::Leave{});
    ASSERT_TRUE(story.world.run_until([&] { return story.world.node(0) == nullptr; }, 10s));
    story.world.request(1, node::Leave{});
    ASSERT_TRUE(story.world.run_until([&] { return story.world.node(1) == nullptr; }, 10s));

    story.world.restart_heart(0);
    story.world.start_daemon(0);
    story.world.run(5s);
    EXPECT_EQ(story.world.node(0)->activity(), "waiting for the peer");
    story.world.restart_heart(1);
    story.world.set_channel_cut(true);
    story.world.start_daemon(1);
    story.world.run(5s);

    EXPECT_TRUE(story.world.is_active(1, "web"));
    EXPECT_FALSE(story.world.is_active(0, "web"));
    story.world.set_channel_cut(false);
    EXPECT_TRUE(story.settles());
    EXPECT_TRUE(story.world.is_active(1, "web"));
    EXPECT_EQ(story.world.violation(), "");
}

// Claim I-10, I-12.
TEST(Scenario, AChangeThatADiskRefusesIsNotMade) {
    for (const std::size_t broken : {std::size_t{0}, std::size_t{1}}) {
        Story story;
        const std::string before =
            cib::print_xml(*story.world.node(0)->cib().child("configuration"));
        story.world.set_disk_works(broken, false);

        story.world.request(0, node::ReplaceConfiguration{configuration({"web"}, "no"), ""});
        story.world.run(5s);

        ASSERT_TRUE(story.world.last_reply(0).has_value());
        EXPECT_FALSE(story.world.last_reply(0)->has_value()) << broken;
        EXPECT_EQ(cib::print_xml(*story.world.node(0)->cib().child("configuration")), before);
        story.world.set_disk_works(broken, true);
        story.world.run(5s);
        story.world.request(0, node::ReplaceConfiguration{configuration({"web"}, "yes"), ""});
        story.world.run(5s);
        EXPECT_TRUE(story.world.last_reply(0)->has_value()) << broken;
        EXPECT_TRUE(story.world.are_equal());
    }
}

TEST(Scenario, AnAcknowledgedChangeSurvivesThePowerCutOfBoth) {
    Story story;
    story.world.request(1, node::ReplaceConfiguration{configuration({"web"}, "kept"), ""});
    ASSERT_TRUE(story.world.run_until([&] { return story.world.last_reply(1).has_value(); }, 5s));
    ASSERT_TRUE(story.world.last_reply(1)->has_value());

    story.world.crash(0);
    story.world.crash(1);
    story.world.boot(0);
    story.world.boot(1);
    ASSERT_TRUE(story.settles());

    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(story.world.node(i)->cib().find_id("cbo-marker")->get("value"), "kept");
    }
}

TEST(Scenario, AFailoverDoesNotWaitForTheDisk) {
    Story story;
    const std::size_t active = story.where();
    story.world.set_disk_stuck(1 - active, true);

    story.world.crash(active);

    EXPECT_TRUE(
        story.world.run_until([&] { return story.world.is_active(1 - active, "web"); }, 1s));
    EXPECT_EQ(story.world.violation(), "");
}

TEST(Scenario, AWrongConfigurationIsRefusedWholeWithItsLine) {
    Story story;
    const std::string before = cib::print_xml(story.world.node(0)->cib());
    std::string wrong = configuration({"web"}, "wrong");
    wrong.replace(wrong.find("<constraints/>"), 14,
                  "<constraints>\n<rsc_location id=\"l\" rsc=\"nobody\" node=\"pm01\" "
                  "score=\"100\"/></constraints>");

    story.world.request(0, node::ReplaceConfiguration{wrong, ""});
    story.world.run(1s);

    ASSERT_TRUE(story.world.last_reply(0).has_value());
    ASSERT_FALSE(story.world.last_reply(0)->has_value());
    EXPECT_NE(story.world.last_reply(0)->error().context.find("line 2"), std::string::npos)
        << story.world.last_reply(0)->error().context;
    EXPECT_EQ(cib::print_xml(story.world.node(0)->cib()), before);
}

TEST(Scenario, AChangeFromAnOldVersionIsAConflict) {
    Story story;

    story.world.request(0, node::ReplaceConfiguration{configuration({}, "old"), "0.0"});

    ASSERT_TRUE(story.world.last_reply(0).has_value());
    ASSERT_FALSE(story.world.last_reply(0)->has_value());
    EXPECT_EQ(story.world.last_reply(0)->error().code, Code::Conflict);
    EXPECT_TRUE(story.world.is_active(story.where(), "web"));
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
