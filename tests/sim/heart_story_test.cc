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

}  // namespace
}  // namespace xbeat::xsim
