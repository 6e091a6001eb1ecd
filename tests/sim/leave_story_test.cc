// Who leaves, and what it leaves running.
#include "tests/sim/story.h"

namespace xbeat::sim {
namespace {

TEST(Scenario, ALeavingNodeHandsOverFirstAndIsNotFenced) {
    for (const bool active_leaves : {true, false}) {
        Story story;
        const std::size_t active = story.where();
        const std::size_t leaver = active_leaves ? active : 1 - active;

        EXPECT_TRUE(story.leaves(leaver));
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
        EXPECT_TRUE(story.leaves(leaver));
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
        ASSERT_TRUE(left.story.leaves(left.survivor()));

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

}  // namespace
}  // namespace xbeat::sim
