// Two nodes and a disk that both share in place of a witness.
#include "tests/sim/pair.h"

namespace xbeat::xsim {
namespace {

Settings with_disk() {
    Settings settings = Pair::with_witness();
    settings.arbiter = node::ArbiterKind::Disk;
    return settings;
}

// The disk does not answer the one that serves: the standby, which it does answer, takes over.
TEST(DiskStory, WhoseWayToTheDiskHangsLosesACut) {
    Pair pair(with_disk());
    const std::size_t before = pair.active();

    pair.world.hold_shared_disk(before, 1);
    pair.run(2 * kSecond);
    EXPECT_TRUE(pair.is_well()) << "as long as the pair is whole, nobody needs the disk";
    pair.cut(1);
    pair.run(5 * kSecond);
    EXPECT_FALSE(pair.world.is_gate_open(before));
    EXPECT_TRUE(pair.world.is_gate_open(1 - before));
    EXPECT_TRUE(pair.world.truth().is_active(1 - before, "web"));
    pair.cut(-1);
    pair.world.hold_shared_disk(before, -1);
    pair.run(20 * kSecond);

    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
    EXPECT_EQ(pair.active(), 1 - before);
}

// Who serves alone by the disk's word stops when the disk falls silent as well: a write that hangs
// prolongs nothing, whenever it lands. It returns when the disk does.
TEST(DiskStory, ADiskThatHangsUnderTheLastOneEndsItsRight) {
    Pair pair(with_disk());
    const std::size_t heir = 1 - pair.active();
    pair.world.freeze(pair.active(), 60 * kSecond);
    pair.run(kSecond);
    ASSERT_TRUE(pair.world.is_gate_open(heir));

    for (std::size_t i = 0; i < kNodes; ++i) pair.world.hold_shared_disk(i, 1);
    pair.run(3 * kSecond);
    EXPECT_FALSE(pair.world.is_gate_open(heir));
    for (std::size_t i = 0; i < kNodes; ++i) pair.world.hold_shared_disk(i, -1);
    pair.run(10 * kSecond);
    EXPECT_TRUE(pair.world.is_gate_open(heir)) << "a last survivor starts again by the disk's word";
    pair.run(60 * kSecond);

    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
}

}  // namespace
}  // namespace xbeat::xsim
