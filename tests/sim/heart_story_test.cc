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

}  // namespace
}  // namespace xbeat::xsim
