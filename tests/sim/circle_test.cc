// The first circle: two nodes meet, place a resource, recover it, and survive each other.
#include <gtest/gtest.h>

#include "support/sim_world.h"

namespace xbeat::sim {
namespace {

// Two booted members with one resource, active on pm01 or pm02.
struct Pair {
    World world;
    explicit Pair(Settings settings = {}) : world(settings) {
        world.boot(0);
        world.boot(1);
        EXPECT_TRUE(
            world.run_until([this] { return world.both_members() && world.is_idle(); }, 10s));
        world.request(0, node::ReplaceConfiguration{configuration({"web"}, "first"), ""});
        EXPECT_TRUE(world.run_until(
            [this] {
                return world.is_idle() && (world.is_active(0, "web") || world.is_active(1, "web"));
            },
            10s))
            << world.node(0)->activity() << " / " << world.node(1)->activity();
    }
    std::size_t active() const { return world.is_active(0, "web") ? 0 : 1; }
};

TEST(Circle, TwoNodesMeetAndStartAResourceOnce) {
    Pair pair;

    pair.world.run(30s);

    EXPECT_EQ(pair.world.violation(), "");
    EXPECT_EQ(pair.world.count_runs("start", "web"), 1);
    EXPECT_EQ(pair.world.fences(), 0);
    EXPECT_TRUE(pair.world.are_equal());
    ASSERT_TRUE(pair.world.last_reply(0).has_value());
    EXPECT_TRUE(pair.world.last_reply(0)->has_value());
}

TEST(Circle, AKilledServiceIsFoundByItsExitAndRestarted) {
    Pair pair;
    const std::size_t active = pair.active();
    const Duration killed_at = pair.world.now();

    pair.world.kill_service(active, "web");

    EXPECT_TRUE(pair.world.run_until(
        [&] { return pair.world.is_active(active, "web") && pair.world.is_idle(); }, 5s));
    EXPECT_LT(pair.world.now() - killed_at, 500ms);
    EXPECT_TRUE(pair.world.has_note("failover-started"));
    EXPECT_EQ(pair.world.violation(), "");
    EXPECT_EQ(pair.world.fences(), 0);
}

TEST(Circle, ADeadNodeIsFencedBeforeItsResourceStartsOnTheSurvivor) {
    Pair pair;
    const std::size_t active = pair.active();
    const std::size_t survivor = 1 - active;

    pair.world.crash(active);

    EXPECT_TRUE(pair.world.run_until([&] { return pair.world.is_active(survivor, "web"); }, 5s));
    EXPECT_EQ(pair.world.fences(), 1);
    EXPECT_EQ(pair.world.violation(), "");
    EXPECT_TRUE(pair.world.has_note("fence-succeeded"));
}

TEST(Circle, AFencedNodeReturnsAsStandbyAndShootsNobody) {
    Pair pair;
    const std::size_t active = pair.active();
    pair.world.crash(active);
    ASSERT_TRUE(pair.world.run_until([&] { return pair.world.is_active(1 - active, "web"); }, 5s));

    ASSERT_TRUE(pair.world.run_until(
        [&] { return pair.world.both_members() && pair.world.is_idle(); }, 30s));
    pair.world.run(60s);

    EXPECT_EQ(pair.world.fences(), 1);
    EXPECT_TRUE(pair.world.is_active(1 - active, "web"));
    EXPECT_TRUE(pair.world.are_equal());
    EXPECT_EQ(pair.world.violation(), "");
}

}  // namespace
}  // namespace xbeat::sim
