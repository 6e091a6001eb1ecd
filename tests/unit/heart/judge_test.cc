// The judgement without a kernel: laps, probes and answers by hand, a millisecond a lap.
#include "xb_judge.h"

#include <gtest/gtest.h>

namespace xbeat::heart {
namespace {

constexpr std::uint64_t kPeriod = 1'000'000;

/// One node's view of one peer over one or two paths. `answering` says which paths answer.
class View {
public:
    explicit View(std::size_t paths = 1) : paths_(paths) {
        control.period_ns = kPeriod;
        control.late_ns = 2 * kPeriod;
        control.stall_ns = 3 * kPeriod;
        control.grace_min_ns = kPeriod / 2;
        control.grace_max_ns = 60 * kPeriod;
        control.fresh_ns = 64 * kPeriod;
        control.wait_ns = kPeriod;
        control.wait_max_ns = 100 * kPeriod;
        control.k_suspect = 3;
        control.k_dead = 5;
        control.k_up = 10;
        control.stall_ticks = 20;
        peer.incarnation = 7;
        peer.epoch = 1;
    }

    /// One lap after `gap`: judge, then send. Answers come before the next lap.
    void lap(std::uint64_t gap = kPeriod, xb_sending sending = XB_SENT) {
        now += gap;
        xb_lap this_lap = xb_begin_lap(&control, &laps, now);
        const bool owes = xb_owes_answers(&control, &backlog, now) != 0;
        xb_hold_lap(&control, &laps, &this_lap, owes ? 1 : 0);
        if (peer.seen_epoch != peer.epoch) xb_begin_epoch(&peer, &this_lap);
        std::uint32_t misses = UINT32_MAX;
        for (std::size_t i = 0; i < paths_; i++) {
            xb_judge_path(&control, &peer, &path[i], &this_lap);
            misses = std::min(misses, path[i].misses);
        }
        xb_judge_peer(&control, &peer, misses, &this_lap);
        for (std::size_t i = 0; i < paths_; i++) {
            path[i].sequence++;
            xb_note_sending(&path[i], sending, now);
            if (sending == XB_SENT && answering[i]) answer(i, path[i].sequence, 20'000);
        }
    }
    void laps_of(int count, xb_sending sending = XB_SENT) {
        for (int i = 0; i < count; i++) lap(kPeriod, sending);
    }
    void answer(std::size_t i, std::uint64_t sequence, std::uint64_t rtt) {
        ASSERT_EQ(xb_window_take(&path[i].answered, sequence), XB_OK);
        path[i].answers++;
        path[i].answered_ns = now + rtt;
        xb_note_rtt(&path[i], rtt);
        peer.answers++;
        if (makes_progress) peer.daemon_progress++;
    }
    void silence() { answering[0] = answering[1] = false; }

    xb_control control{};
    xb_laps laps{};
    xb_backlog backlog{};  // of the one processor
    xb_peer peer{};
    xb_path path[2]{};
    bool answering[2] = {true, true};
    bool makes_progress = true;
    std::uint64_t now = 1'000'000'000;

private:
    std::size_t paths_;
};

TEST(Judgement, KnowsNothingOfAPeerThatNeverAnswered) {
    View view;
    view.silence();

    view.laps_of(100);

    EXPECT_EQ(view.peer.state, XB_PEER_UNKNOWN);
    EXPECT_EQ(view.path[0].state, XB_PATH_DOWN);
}

TEST(Judgement, CallsAPeerAliveAtItsFirstAnswer) {
    View view;
    view.laps_of(3);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    EXPECT_EQ(view.path[0].state, XB_PATH_UP);
}

TEST(Judgement, SuspectsAfterThreeAndBuriesAfterFiveDueProbes) {
    View view;
    view.laps_of(20);
    view.silence();
    view.lap();  // sends the first probe without an answer

    view.laps_of(2);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    view.lap();
    EXPECT_EQ(view.peer.state, XB_PEER_SUSPECT);
    view.lap();
    EXPECT_EQ(view.peer.state, XB_PEER_SUSPECT);
    view.lap();
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
    EXPECT_EQ(view.path[0].misses, 5U);
    EXPECT_EQ(view.path[0].lost, 5U);
}

TEST(Judgement, TakesOneAnswerForLifeUntilThePeerIsDead) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(4);
    ASSERT_EQ(view.peer.state, XB_PEER_SUSPECT);
    view.answering[0] = true;
    view.laps_of(2);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
}

TEST(Judgement, LeavesTheDeadDeadUntilANewEpoch) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(20);
    ASSERT_EQ(view.peer.state, XB_PEER_DEAD);

    view.answering[0] = true;
    view.laps_of(100);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
    EXPECT_EQ(view.path[0].state, XB_PATH_UP) << "paths go on telling what they see";
    view.peer.epoch++;
    view.laps_of(3);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
}

TEST(Judgement, NeedsSilenceOnEveryPath) {
    View view(2);
    view.laps_of(20);

    view.answering[1] = false;
    view.laps_of(50);

    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    EXPECT_EQ(view.path[0].state, XB_PATH_UP);
    EXPECT_EQ(view.path[1].state, XB_PATH_DOWN);
}

TEST(Judgement, BringsAPathUpOnlyAfterEnoughAnswersInARow) {
    View view(2);
    view.laps_of(20);
    view.answering[1] = false;
    view.laps_of(20);
    ASSERT_EQ(view.path[1].state, XB_PATH_DOWN);

    view.answering[1] = true;
    view.laps_of(5);
    view.answering[1] = false;
    view.lap();
    view.answering[1] = true;
    view.laps_of(10);
    EXPECT_EQ(view.path[1].state, XB_PATH_DOWN) << "one miss starts the run anew";
    view.laps_of(3);
    EXPECT_EQ(view.path[1].state, XB_PATH_UP);
}

// Claim: time that passed is not evidence; probes that went unanswered are.
TEST(Judgement, AccusesNobodyAfterThisMachineStoodStill) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(4);
    ASSERT_EQ(view.peer.state, XB_PEER_SUSPECT);

    view.lap(3'600'000'000'000);  // an hour of suspend
    EXPECT_NE(view.peer.state, XB_PEER_DEAD);
    view.laps_of(4);
    EXPECT_NE(view.peer.state, XB_PEER_DEAD) << "fresh probes must go unanswered first";
    view.laps_of(1);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
}

TEST(Judgement, HoldsBackInALateLapBecauseAnswersMayBeWaiting) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(5);
    ASSERT_EQ(view.peer.state, XB_PEER_SUSPECT);

    view.lap(2 * kPeriod);
    EXPECT_EQ(view.peer.state, XB_PEER_SUSPECT) << "would be the fifth miss";
    EXPECT_EQ(view.laps.late, 1U);
    view.answer(0, view.path[0].sequence - 1, 2 * kPeriod);
    view.lap();
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
}

TEST(Judgement, HoldsBackInTheCatchUpLapRightAfterALateOne) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(5);
    view.lap(2 * kPeriod);
    view.lap(10'000);  // the token bucket pays back its debt at once
    EXPECT_EQ(view.peer.state, XB_PEER_SUSPECT);
    view.lap();
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
}

TEST(Backlog, IsOwedOnceAskedForLongAgoWhetherBegunOrNot) {
    View view;
    const auto owes = [&view](std::uint64_t raised, std::uint64_t entered) {
        const xb_backlog backlog{.raised_ns = raised, .entered_ns = entered, .reserved = {}};
        return xb_owes_answers(&view.control, &backlog, view.now) != 0;
    };
    const std::uint64_t long_ago = view.now - 2 * kPeriod;
    const std::uint64_t just_now = view.now - kPeriod / 2;

    EXPECT_FALSE(owes(0, 0));
    EXPECT_FALSE(owes(just_now, 0));
    EXPECT_FALSE(owes(0, just_now));
    EXPECT_FALSE(owes(view.now + 5, 0)) << "stamped after our clock was read";
    EXPECT_TRUE(owes(long_ago, 0));
    EXPECT_TRUE(owes(0, long_ago));
    EXPECT_TRUE(owes(just_now, long_ago)) << "asked for anew while the old work goes on";
    EXPECT_TRUE(owes(long_ago, just_now));
    EXPECT_FALSE(owes(view.now - view.control.wait_max_ns, 0)) << "such a processor is lost";
}

TEST(Backlog, KeepsALapFromTakingItForThePeersSilence) {
    View view;
    view.laps_of(20);
    view.silence();
    view.backlog.raised_ns = view.now;

    view.laps_of(50);

    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    EXPECT_EQ(view.laps.held, 49U) << "the first lap came within the time that is usual";
    view.backlog.raised_ns = 0;
    view.lap();
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE) << "the answers may still be on their way";
    view.laps_of(2);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD) << "no answer was waiting";
}

TEST(Backlog, BlindsNobodyForLongerThanItsLimit) {
    View view;
    view.laps_of(20);
    view.silence();

    // Each processor's own debt is short, but there is always one.
    for (int i = 0; i < 110; i++) {
        view.backlog.raised_ns = view.now - kPeriod / 2;
        view.lap();
    }

    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
    EXPECT_LE(view.laps.held, 100U);
}

TEST(Judgement, WaitsForTheTailOfALongRoundTrip) {
    View view;
    view.silence();
    // Ten laps of round trip, answered all the same: never a miss.
    for (int i = 0; i < 200; i++) {
        view.lap();
        if (view.path[0].sequence > 10) {
            view.answer(0, view.path[0].sequence - 10, 10 * kPeriod);
        }
    }
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    EXPECT_EQ(view.path[0].misses, 0U);

    // Those under way are lost, too, so the verdict comes as fast as over a short path.
    view.laps_of(4);
    EXPECT_NE(view.peer.state, XB_PEER_DEAD);
    view.laps_of(3);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
}

TEST(Judgement, CountsAProbeThatCouldNotLeaveForLackOfALink) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(7, XB_UNSENT);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
    EXPECT_GE(view.path[0].unsent_misses, 5U);
    EXPECT_EQ(view.path[0].lost, 0U) << "nothing was on the wire";
}

TEST(Judgement, CountsNobodysMissForLackOfMemory) {
    View view;
    view.laps_of(20);
    view.silence();
    view.laps_of(1000, XB_FAILED);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
}

TEST(Judgement, CallsAPeerStalledWhoseDaemonStandsStillUntilItMoves) {
    View view;
    view.laps_of(20);
    view.makes_progress = false;

    view.laps_of(19);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    view.laps_of(3);
    EXPECT_EQ(view.peer.state, XB_PEER_STALLED);
    view.makes_progress = true;
    view.laps_of(2);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
}

// A peer with several processors may have one that stands still and one that asks us.
TEST(Judgement, TakesThePeersOwnFreshProbesForLife) {
    View view;
    view.laps_of(20);
    view.silence();
    for (int i = 0; i < 50; i++) {
        view.lap();
        view.peer.fresh_probes++;
    }
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
    EXPECT_EQ(view.path[0].state, XB_PATH_DOWN) << "the path does not go both ways";

    view.laps_of(6);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
}

// A cut of one direction: it asks, hears none of our answers, and says what it makes of that.
TEST(Judgement, BelievesAPeerThatCallsUsDeadOnlyWhereItDoesNotAnswerEither) {
    View view;
    view.laps_of(20);
    view.peer.word_ns |= 1;
    view.laps_of(50);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE) << "it answers";

    view.silence();
    for (int i = 0; i < 6; i++) {
        EXPECT_NE(view.peer.state, XB_PEER_DEAD) << i;
        view.lap();
        view.peer.fresh_probes++;
    }
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
}

TEST(Judgement, TakesThePeersNewestWordByWhateverPathItCame) {
    xb_peer peer{};
    xb_beat beat{};
    const auto say = [&](std::uint64_t sent_ns, std::uint32_t flags) {
        beat.sent_ns = XB_LE64(sent_ns);
        beat.flags = XB_LE32(flags);
        xb_take_word(&peer, &beat);
        return (peer.word_ns & 1) != 0;
    };

    EXPECT_FALSE(say(1000, 0));
    EXPECT_TRUE(say(2001, XB_CALLS_YOU_DEAD));
    EXPECT_TRUE(say(1500, 0)) << "an older one changes nothing";
    EXPECT_FALSE(say(3000, 0x7fffffff));
    EXPECT_FALSE(say(2500, XB_CALLS_YOU_DEAD));
}

// Claim S-3: held-back probes do not keep a dead peer alive for longer than twice the time to a
// verdict.
TEST(Judgement, BelievesAProbeOnlyIfItEchoesAYoungOne) {
    View view;
    view.laps_of(20);
    const std::uint64_t limit = 2 * 5 * kPeriod + xb_grace(&view.control, &view.path[0]);

    EXPECT_TRUE(xb_proves_life(&view.control, &view.path[0], view.now - limit, view.now));
    EXPECT_FALSE(xb_proves_life(&view.control, &view.path[0], view.now - limit - 1, view.now));
    EXPECT_FALSE(xb_proves_life(&view.control, &view.path[0], 0, view.now));
    EXPECT_FALSE(xb_proves_life(&view.control, &view.path[0], view.now + 1, view.now));
}

TEST(Judgement, DoesNotTakeSilenceForAStall) {
    View view;
    view.control.k_suspect = 1000;
    view.control.k_dead = 2000;
    view.laps_of(20);
    view.silence();
    view.laps_of(500);
    EXPECT_EQ(view.peer.state, XB_PEER_ALIVE);
}

TEST(Judgement, GoesFromStalledToDeadWhenTheKernelFallsSilentToo) {
    View view;
    view.laps_of(20);
    view.makes_progress = false;
    view.laps_of(30);
    ASSERT_EQ(view.peer.state, XB_PEER_STALLED);
    view.silence();
    view.laps_of(10);
    EXPECT_EQ(view.peer.state, XB_PEER_DEAD);
}

TEST(Window, TakesEachSequenceOnceWithinItsWidth) {
    xb_window window{};
    EXPECT_EQ(xb_window_take(&window, 0), XB_DROP_OLD);
    EXPECT_EQ(xb_window_take(&window, 1), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 1), XB_DROP_REPLAY);
    EXPECT_EQ(xb_window_take(&window, 64), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 1), XB_DROP_REPLAY)
        << "63 behind: the last that is remembered";
    EXPECT_EQ(xb_window_take(&window, 2), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 65), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 1), XB_DROP_OLD);
    EXPECT_EQ(xb_window_take(&window, 1'000'000), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 999'937), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 999'936), XB_DROP_OLD);
}

TEST(Window, LosesNoBitWhenItMovesByExactlyItsWidth) {
    xb_window window{};
    EXPECT_EQ(xb_window_take(&window, 10), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 73), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 10), XB_DROP_REPLAY);
    EXPECT_EQ(xb_window_take(&window, 74), XB_OK);
    EXPECT_EQ(xb_window_take(&window, 10), XB_DROP_OLD);
}

TEST(RttClass, IsThePositionOfTheHighestBit) {
    EXPECT_EQ(xb_log2(0), 0U);
    for (unsigned bit = 0; bit < 64; bit++) {
        EXPECT_EQ(xb_log2(std::uint64_t{1} << bit), bit);
        EXPECT_EQ(xb_log2((std::uint64_t{2} << bit) - 1), bit);
    }
}

}  // namespace
}  // namespace xbeat::heart
