// A pair with a fence device: what follows from what its hearts hear.
#include "tests/sim/pair.h"

namespace xbeat::xsim {
namespace {

// It once woke itself without end until it was gone.
TEST(HeartStory, WhoLeavesDoesNotMindThatThePeerIsStalledForTooLong) {
    Pair pair(Pair::with_fencing());
    const std::size_t leaver = pair.active();
    pair.world.stall_daemon(1 - leaver, 60 * kSecond);
    pair.run(10 * kSecond);

    pair.world.request(leaver, node::Leave{});
    pair.run(5 * kSecond);

    EXPECT_EQ(pair.world.node(leaver), nullptr);
}

// Both daemons stood still, one after the other. Whoever goes on last has the end of the other
// one's stall in its queue, behind the timer that was to end its patience: xbeat-sim's siege seed
// 9200868.
TEST(HeartStory, WhoStoodStillPastTheLimitHearsFirstThatTheStallIsOver) {
    for (Nanos before = 0; before < 10 * kSecond; before += kSecond) {  // until the next monitor
        Pair pair(Pair::with_fencing());
        const std::size_t first = 1 - pair.active();
        const std::uint64_t shots = pair.world.automatic_fences();

        pair.run(before);
        pair.world.stall_daemon(first, 8 * kSecond);
        pair.run(5 * kSecond);
        pair.world.stall_daemon(1 - first, 8 * kSecond);
        pair.run(20 * kSecond);

        EXPECT_TRUE(pair.is_well()) << pair.world.describe();
        EXPECT_EQ(pair.world.automatic_fences(), shots) << before;
    }
}

// A shot that was fired is waited for, and its end was once not told to the node that waits.
TEST(HeartStory, WhoReturnsWhileADeviceWorksOnItIsWelcomedWhenThatHasEnded) {
    Pair pair(Pair::with_fencing());
    const std::size_t active = pair.active();
    const std::size_t target = 1 - active;
    pair.world.set_fence_faults({.never_boot = 100});
    pair.world.cut_power(target);
    pair.run(kSecond);
    pair.world.set_fence_faults({.hang = 100});
    pair.world.request(active, node::FenceNode{World::name_of(target), "on"});
    pair.run(kSecond);

    pair.world.boot(target);
    pair.run(30 * kSecond);
    EXPECT_FALSE(pair.world.is_member(target));
    pair.world.set_fence_faults({});
    pair.run(90 * kSecond);

    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
}

// One direction of every path is cut. Who hears nothing calls its peer dead; the other one still
// hears its probes. The service stays where it is, whichever side is deaf.
TEST(HeartStory, ACutOfOneDirectionMovesNothing) {
    for (const Timing timing : {Timing{.period = kMilli, .suspect = 3, .dead = 5},
                                Timing{.period = 5 * kMilli, .suspect = 3, .dead = 10},
                                Timing{.period = 10 * kMilli, .suspect = 10, .dead = 100}}) {
        for (const bool is_active_deaf : {false, true}) {
            Settings settings = Pair::with_fencing();
            settings.timing = timing;
            Pair pair(settings);
            const std::size_t active = pair.active();
            const std::size_t deaf = is_active_deaf ? active : 1 - active;
            const std::uint64_t shots = pair.world.automatic_fences();

            pair.cut_from(1 - deaf, 1);
            pair.run(2500 * kMilli);

            EXPECT_TRUE(pair.world.truth().is_active(active, "web"));
            EXPECT_FALSE(pair.world.truth().is_active(1 - active, "web"));
            EXPECT_TRUE(pair.world.is_powered(active)) << timing.period << ' ' << is_active_deaf;
            EXPECT_EQ(pair.world.automatic_fences(), shots + 1);
            pair.cut_from(1 - deaf, -1);
            pair.run(30 * kSecond);
            EXPECT_TRUE(pair.is_well()) << pair.world.describe();
            EXPECT_EQ(pair.active(), active);
        }
    }
}

// With a witness the one that serves has its right to it before its lease runs out: nothing of it
// is silent, not even for a moment.
TEST(HeartStory, ACutOfOneDirectionClosesNoGateOverAService) {
    for (const bool is_active_deaf : {false, true}) {
        Settings settings = Pair::with_witness();
        settings.timing = {.period = 5 * kMilli, .suspect = 3, .dead = 10};
        settings.lease = 100ms;
        Pair pair(settings);
        const std::size_t active = pair.active();
        const std::size_t deaf = is_active_deaf ? active : 1 - active;

        pair.cut_from(1 - deaf, 1);
        for (int step = 0; step < 3000; ++step) {
            pair.run(100 * kMicro);
            ASSERT_TRUE(pair.world.is_gate_open(active)) << step << ' ' << is_active_deaf;
        }
        pair.run(5 * kSecond);
        EXPECT_TRUE(pair.world.truth().is_active(active, "web"));
        EXPECT_FALSE(pair.world.truth().is_active(1 - active, "web"));
        pair.cut_from(1 - deaf, -1);
        pair.run(30 * kSecond);

        EXPECT_TRUE(pair.is_well()) << pair.world.describe();
        EXPECT_EQ(pair.active(), active);
    }
}

// A device says that the active node is off, and it is not; that one's own shots fail at first. It
// leads by its newer term when they meet, and once shot the one that had the proof and went on.
TEST(HeartStory, WhoHearsThatItCountsAsOffShootsNobodyAnyMore) {
    Pair pair(Pair::with_fencing());
    constexpr std::size_t kProving = 0;  // the coordinator, so that the other one has a newer term
    constexpr std::size_t kSpared = 1;
    WantedConfig config;
    config.resources.emplace_back().name = "web";
    config.resources.back().prefers = kSpared;
    pair.world.request(0, node::ReplaceConfiguration{config.print(), ""});
    pair.run(3 * kSecond);
    ASSERT_TRUE(pair.world.truth().is_active(kSpared, "web"));
    ASSERT_EQ(pair.world.node(0)->coordinator(), World::name_of(kProving));
    pair.world.set_fence_faults({.refuse = 100});
    pair.cut(1);
    pair.run(60 * kMilli);
    pair.world.set_fence_faults({.lie = 100});  // the standby's turn
    pair.run(40 * kMilli);
    pair.world.set_fence_faults({.refuse = 100});
    pair.run(500 * kMilli);
    ASSERT_FALSE(pair.world.truth().is_exclusivity_promised());
    ASSERT_TRUE(pair.world.truth().is_active(kProving, "web"));

    pair.cut(-1);
    pair.run(3 * kSecond);
    pair.world.set_fence_faults({});
    pair.run(60 * kSecond);
    EXPECT_TRUE(pair.world.is_powered(kProving));
    pair.world.request(kSpared, node::FenceNode{World::name_of(kProving), "off"});
    pair.run(5 * kSecond);
    EXPECT_TRUE(pair.world.is_powered(kProving));

    pair.world.kill_daemon(kSpared);
    pair.world.start_daemon(kSpared);
    pair.run(20 * kSecond);
    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
}

}  // namespace
}  // namespace xbeat::xsim
