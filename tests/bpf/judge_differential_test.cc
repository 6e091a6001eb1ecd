// The judgement is compiled twice, by two compilers for two machines: here for the host, and into
// the program that the kernel runs. Both must say the same of every frame and leave the same state
// behind.
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstring>

#include "core/prng.h"
#include "support/reflex_rig.h"
#include "sys/boot_clock.h"
#include "xb_judge.h"

namespace xbeat::heart::test {
namespace {

constexpr int kRounds = 20'000;
constexpr int kRoundsPerLife = 50;

/// What the program does with a beat of the right length on path 0, by the host's compiler.
int judge_here(const xb_beat& beat, const xb_control& control, xb_peer& peer, xb_path& path,
               const xb_keys& keys, std::uint64_t now) {
    const int shape = xb_judge_shape(&beat, &control, 0);
    if (shape != XB_OK) return shape;
    if (beat.sender != 2) return XB_DROP_SENDER;
    return xb_judge_frame(&beat, &control, &peer, &path, &keys, now);
}

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(sys::boot_now().time_since_epoch().count());
}

/// A frame that is good, or wrong in one or two of all the ways.
xb_beat random_beat(ReflexRig& rig, Prng& prng, std::uint64_t& newest) {
    const bool is_probe = prng.below(2) == 0;
    if (prng.below(3) == 0) newest += 1 + prng.below(70);
    const std::uint64_t sequence = newest - prng.below(std::min<std::uint64_t>(newest, 80));
    // Ages far from the limit of freshness: the two judges look at their clocks one after the
    // other.
    const Duration age = prng.below(8) == 0 ? Duration(5s) : Duration(10ms);
    xb_beat beat = is_probe ? rig.probe(sequence) : rig.reflection(sequence, age);
    if (is_probe && prng.below(2) == 0) beat.echo_sent_ns = now_ns() - 10'000'000;
    if (prng.below(8) == 0) beat.incarnation ^= prng.next();
    if (prng.below(16) == 0) beat.sequence = prng.next();
    if (prng.below(4) == 0) beat.flags = XB_LE32(XB_CALLS_YOU_DEAD);
    rig.sign(beat);
    if (prng.below(6) == 0) {
        auto* bytes = reinterpret_cast<std::uint8_t*>(&beat);
        bytes[prng.below(sizeof beat)] ^= static_cast<std::uint8_t>(1U << prng.below(8));
    }
    return beat;
}

/// The state that the judgement left, without what depends on the moment of the clock.
struct Left {
    xb_window heard;
    xb_window answered;
    std::uint64_t answers;
    std::uint64_t heard_sent_ns;
    std::uint64_t incarnation;
    std::uint64_t peer_answers;
    std::uint64_t lease_until_ns;
    std::uint64_t state_sent_ns;
    std::uint32_t progress;
    std::uint32_t fresh_probes;
    std::uint64_t word_ns;
};

Left left_by(const xb_peer& peer, const xb_path& path) {
    return {path.heard,          path.answered,         path.answers,
            path.heard_sent_ns,  path.peer_incarnation, peer.answers,
            peer.lease_until_ns, peer.state_sent_ns,    peer.daemon_progress,
            peer.fresh_probes,   peer.word_ns};
}

TEST(Judgement, IsTheSameInTheKernelAndOnTheHost) {
    if (!ReflexRig::why_not().empty()) GTEST_SKIP() << ReflexRig::why_not();
    ReflexRig rig;
    Prng prng(20'260'701);
    std::uint64_t newest = 100;
    xb_peer peer = rig.peer();
    xb_path path = rig.path();

    std::array<int, XB_COUNTERS_COUNT> met{};
    for (int round = 0; round < kRounds; round++) {
        if (round % kRoundsPerLife == 0) {
            // A random sequence far ahead makes everything later old; so there are many short
            // lives.
            rig.reset();
            peer = rig.peer();
            path = rig.path();
        }
        const xb_beat beat = random_beat(rig, prng, newest);
        path.sequence = rig.path().sequence;
        const int here = judge_here(beat, rig.control(), peer, path, rig.keys(), now_ns());
        const std::uint64_t before = rig.counter(here);
        const Outcome there = rig.run(beat);

        ASSERT_EQ(rig.counter(here), before + 1) << "round " << round << ", outcome " << here;
        ASSERT_EQ(there.action,
                  here == XB_PROBES_REFLECTED ? std::uint32_t{XDP_TX} : std::uint32_t{XDP_DROP});
        const Left left_here = left_by(peer, path);
        const Left left_there = left_by(rig.peer(), rig.path());
        ASSERT_EQ(std::memcmp(&left_here, &left_there, sizeof left_here), 0) << "round " << round;
        met.at(static_cast<std::size_t>(here))++;
    }

    for (const int outcome :
         {XB_PROBES_REFLECTED, XB_REFLECTIONS_TAKEN, XB_DROP_MAC, XB_DROP_REPLAY, XB_DROP_OLD,
          XB_DROP_INCARNATION, XB_DROP_STALE_ECHO, XB_DROP_UNASKED}) {
        EXPECT_GT(met.at(static_cast<std::size_t>(outcome)), 20)
            << "too rare to mean anything: " << outcome;
    }
}

}  // namespace
}  // namespace xbeat::heart::test
