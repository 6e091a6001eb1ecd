// What a pair remembers of its configuration and status, whoever returns, and whose copy counts.
#include <algorithm>

#include "tests/sim/story.h"

namespace xbeat::sim {
namespace {

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

TEST(Scenario, TheLastSurvivorStartsAloneAndTheOtherOneWaits) {
    Story story;
    ASSERT_TRUE(story.leaves(0));
    ASSERT_TRUE(story.leaves(1));

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

// It keeps its right until the other one has everything on its disk: were it lost before, neither
// could start.
TEST(Scenario, AWelcomeThatAPowerCutEndsLeavesTheSurvivorItsRight) {
    for (const std::size_t survivor : {std::size_t{0}, std::size_t{1}}) {
        Story story;
        const std::size_t joiner = 1 - survivor;
        story.world.set_auto_boot(false);
        ASSERT_TRUE(story.leaves(joiner));
        story.world.run(2s);
        story.world.set_disk_stuck(joiner, true);
        story.world.start_daemon(joiner);
        story.world.run(2s);
        EXPECT_EQ(story.world.node(joiner)->activity(), "joining");

        story.world.crash(survivor);
        story.world.crash(joiner);
        story.world.boot(survivor);
        story.world.run(10s);

        EXPECT_TRUE(story.world.is_active(survivor, "web"));
        story.world.set_disk_stuck(joiner, false);
        story.world.boot(joiner);
        EXPECT_TRUE(story.settles());
        EXPECT_EQ(story.world.violation(), "");
    }
}

// Two that both count may both lead what they start next: who has everything is a member only when
// the disk of the survivor has forgotten its right.
TEST(Scenario, NobodyIsAMemberWhileTheSurvivorsDiskStillHoldsTheRight) {
    for (const std::size_t survivor : {std::size_t{0}, std::size_t{1}}) {
        Story story;
        const std::size_t joiner = 1 - survivor;
        ASSERT_TRUE(story.leaves(joiner));
        story.world.run(2s);
        story.world.set_disk_stuck(survivor, true);
        story.world.start_daemon(joiner);
        story.world.run(30s);
        EXPECT_EQ(story.world.node(joiner)->activity(), "joining");
        EXPECT_FALSE(story.world.both_members());

        story.world.set_disk_stuck(survivor, false);

        EXPECT_TRUE(story.settles());
        EXPECT_EQ(story.world.fences(), 0);
        EXPECT_EQ(story.where(), survivor);
        EXPECT_EQ(story.world.violation(), "");
    }
}

// Claim I-10: who was started last, on a person's word, holds what was acknowledged last, however
// far the other one had come alone before.
TEST(Scenario, OfTwoLastSurvivorsTheOneThatWasStartedOnAPersonsWordLeads) {
    for (const std::size_t older : {std::size_t{0}, std::size_t{1}}) {
        Story story;
        story.world.set_auto_boot(false);
        const std::size_t newer = 1 - older;
        story.world.crash(older);
        for (int start = 0; start < 3; ++start) {
            story.world.run(10s);
            story.world.crash(newer);
            story.world.boot(newer);
        }
        story.world.run(10s);
        EXPECT_TRUE(story.world.is_active(newer, "web"));
        story.world.crash(newer);
        story.world.confirm_off(newer);
        story.world.boot(older);
        story.world.request(older, node::ConfirmFenced{World::name_of(newer)});
        story.world.run(2s);
        story.world.change_configuration(older, {"web"});
        story.world.run(2s);
        ASSERT_TRUE(story.world.last_reply(older) && story.world.last_reply(older)->has_value());

        story.world.crash(older);
        story.world.boot(older);
        story.world.boot(newer);

        EXPECT_TRUE(story.settles());
        EXPECT_EQ(story.world.lost_change(), "");
        EXPECT_EQ(story.world.violation(), "");
    }
}

// It knew the change, and led, but its disk had refused it: a later life must not take itself for
// the last survivor.
TEST(Scenario, WhoseDiskDoesNotHoldWhatItKnewIsNoLastSurvivor) {
    Story story;
    story.world.set_auto_boot(false);
    ASSERT_TRUE(story.leaves(1));
    story.world.change_configuration(0, {"web"});
    story.world.run(1s);
    ASSERT_TRUE(story.world.last_reply(0) && story.world.last_reply(0)->has_value());
    story.world.set_disk_works(1, false);
    story.world.start_daemon(1);
    story.world.run(500ms);
    story.world.crash(0);
    story.world.confirm_off(0);
    story.world.run(100ms);
    story.world.set_disk_works(1, true);
    story.world.request(1, node::ConfirmFenced{World::name_of(0)});
    story.world.run(50ms);
    EXPECT_EQ(story.world.coordinator(), "pm02");

    story.world.crash(1);
    story.world.boot(0);
    story.world.boot(1);

    EXPECT_TRUE(story.settles());
    EXPECT_EQ(story.world.lost_change(), "");
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

// Claim I-7: whoever was a member before, too. It once went on with a session in which nobody
// welcomed it, and was fenced.
TEST(Scenario, AFullDiskWhileJoiningIsNoReasonToBeFenced) {
    for (const bool is_full_for_long : {false, true}) {
        Story story;
        const std::size_t active = story.where();
        story.world.set_fence_works(false);
        story.world.set_partition(true);
        story.world.run(500ms);
        story.world.set_disk_works(1 - active, false);
        story.world.set_partition(false);
        story.world.run(100ms);
        story.world.set_fence_works(true);
        story.world.run(is_full_for_long ? 60s : 3s);
        story.world.set_disk_works(1 - active, true);

        EXPECT_TRUE(story.settles(15s));
        story.world.run(20s);

        EXPECT_EQ(story.world.fences(), 0) << is_full_for_long;
        EXPECT_TRUE(story.world.are_equal());
        EXPECT_EQ(story.where(), active);
        EXPECT_EQ(story.world.violation(), "");
    }
}

// Who joins is not shot for being slow; who is dead is not waited for.
TEST(Scenario, WhoDiesWhileJoiningIsFencedAtOnce) {
    Story story;
    const std::size_t active = story.where();
    story.world.set_disk_stuck(active, true);
    story.world.kill_daemon(active);
    story.world.run(100ms);
    story.world.start_daemon(active);
    story.world.run(500ms);
    ASSERT_EQ(story.world.node(active)->activity(), "joining");

    story.world.crash(active);

    EXPECT_TRUE(
        story.world.run_until([&] { return story.world.is_active(1 - active, "web"); }, 2s));
    EXPECT_EQ(story.world.violation(), "");
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
    const std::string wrong =
        with_constraints(configuration({"web"}, "wrong"),
                         "\n<rsc_location id=\"l\" rsc=\"nobody\" node=\"pm01\" score=\"100\"/>");

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

}  // namespace
}  // namespace xbeat::sim
