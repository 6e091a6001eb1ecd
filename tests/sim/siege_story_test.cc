// Stories of sieges: one blow after the other, each answered before the next one falls.
#include "tests/sim/pair.h"

namespace xbeat::xsim {
namespace {

// The one that served was silenced and replaced, and its service runs on. The machine of its heir
// begins anew: only its disk knows that it was the last survivor, and not by what.
TEST(SiegeStory, ARebootDoesNotForgetThatThePeerWasOnlySilenced) {
    Pair pair(Pair::with_witness());
    const std::size_t silenced = pair.active();
    const std::size_t heir = 1 - silenced;
    pair.world.kill_daemon(silenced);
    pair.run(15 * kSecond);
    ASSERT_TRUE(pair.world.truth().is_active(heir, "web"));

    pair.world.cut_power(heir);
    pair.world.boot(heir);
    pair.run(10 * kSecond);
    ASSERT_TRUE(pair.world.truth().is_active(heir, "web"));
    ASSERT_TRUE(pair.world.truth().is_active(silenced, "web"));
    pair.world.start_daemon(silenced);
    pair.run(10 * kSecond);

    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
    EXPECT_EQ(pair.active(), heir);
}

// It stood still for a little less than its lease, and its peer, which had been given exclusivity,
// answered its beats and granted nothing. When that one stood still in turn, it once took over
// again although it could not know what its peer had begun since its lease was over; xbeat-sim's
// seed 284 of sieges.
TEST(SiegeStory, WhoIsAnsweredButNotGrantedKnowsThatItMayHaveBeenReplaced) {
    Settings settings = Pair::with_witness(500ms);
    settings.timing = {.period = 10 * kMilli, .dead = 100};
    settings.lease = 2s;
    Pair pair(settings);
    const std::size_t replaced = pair.active();
    const std::size_t heir = 1 - replaced;
    pair.world.cut_channel(1);  // so that they do not meet before the lease is over
    pair.world.freeze(replaced, 1800 * kMilli);
    pair.run(1800 * kMilli);
    for (int ms = 0; ms < 2000 && !pair.world.truth().is_active(heir, "web"); ++ms) {
        pair.run(kMilli);
    }
    ASSERT_TRUE(pair.world.truth().is_active(heir, "web")) << pair.world.describe();

    pair.world.cut_channel(-1);
    pair.world.freeze(heir, 10 * kSecond);
    pair.run(40 * kSecond);

    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
}

// It leaves, nobody hears it, and something that the cluster does not manage goes on running there.
// The end of its lease once counted for the other one, although the gate had gone with the daemon;
// xbeat-sim's seed 184 of sieges.
TEST(SiegeStory, WhatALeaverThatNobodyHeardLeftRunningIsSilenced) {
    Pair pair(Pair::with_witness());
    const std::size_t leaver = pair.active();
    const std::size_t heir = 1 - leaver;
    WantedConfig config;
    config.has_fencing = false;
    config.resources.emplace_back().name = "web";
    config.resources.back().is_unmanaged = true;
    pair.world.request(0, node::ReplaceConfiguration{config.print(), ""});
    pair.run(2 * kSecond);
    pair.world.cut_channel(1);
    pair.run(10 * kSecond);
    pair.world.request(leaver, node::Leave{});
    pair.run(5 * kSecond);
    ASSERT_TRUE(pair.world.truth().is_active(leaver, "web"));
    pair.change(heir, 2);
    pair.run(2 * kSecond);
    EXPECT_TRUE(pair.world.truth().is_active(heir, "web"));

    pair.world.cut_channel(-1);
    pair.world.start_daemon(leaver);
    pair.run(20 * kSecond);

    EXPECT_TRUE(pair.is_well()) << pair.world.describe();
    EXPECT_EQ(pair.active(), heir);
}

}  // namespace
}  // namespace xbeat::xsim
