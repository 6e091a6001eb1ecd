// The reflex, frame by frame: what is taken, what is dropped under which name, what passes
// untouched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstring>

#include "support/reflex_rig.h"
#include "xb_siphash.h"

namespace xbeat::heart::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class Reflex : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (ReflexRig::why_not().empty()) rig_ = std::make_unique<ReflexRig>();
    }
    static void TearDownTestSuite() { rig_.reset(); }
    void SetUp() override {
        if (!rig_) GTEST_SKIP() << ReflexRig::why_not();
        rig_->reset();
    }
    static ReflexRig& rig() { return *rig_; }

    /// The beat is dropped and counted once, under that counter and no other.
    static void expect_drop(const Frame& frame, int counter) {
        rig_->reset_counters();
        const Outcome run = rig_->run(frame);
        EXPECT_EQ(run.action, std::uint32_t{XDP_DROP});
        EXPECT_THAT(rig_->counted(), ElementsAre(Pair(counter, 1)));
    }
    static void expect_drop(const xb_beat& beat, int counter, const Wrapping& wrapping = {}) {
        expect_drop(wrap(&beat, sizeof beat, wrapping), counter);
    }
    /// Not ours: passes, byte for byte, and counts nothing.
    static void expect_pass(const Frame& frame) {
        rig_->reset_counters();
        const Outcome run = rig_->run(frame);
        EXPECT_EQ(run.action, std::uint32_t{XDP_PASS});
        EXPECT_EQ(run.out, frame);
        EXPECT_THAT(rig_->counted(), IsEmpty());
    }

private:
    static inline std::unique_ptr<ReflexRig> rig_;
};

TEST_F(Reflex, SendsAProbeBackAsASignedReflection) {
    const xb_beat asked = rig().probe(17);

    const Outcome run = rig().run(asked);

    ASSERT_EQ(run.action, std::uint32_t{XDP_TX});
    const xb_beat answer = beat_in(run.out).value();
    EXPECT_EQ(answer.kind, XB_REFLECTION);
    EXPECT_EQ(answer.sender, 1);
    EXPECT_EQ(answer.receiver, 2);
    EXPECT_EQ(answer.incarnation, ReflexRig::kOurs);
    EXPECT_EQ(answer.sequence, 17U);
    EXPECT_EQ(answer.echo_sequence, 17U);
    EXPECT_EQ(answer.echo_sent_ns, asked.sent_ns);
    EXPECT_EQ(answer.grant_ns, 5'000'000U);
    EXPECT_EQ(answer.daemon_progress, 70U);
    EXPECT_EQ(answer.executor_progress, 71U);
    EXPECT_EQ(answer.flags, 0x72U);
    EXPECT_EQ(answer.mac, xb_beat_mac(&answer, rig().keys().send[0]));
    EXPECT_THAT(rig().counted(), ElementsAre(Pair(XB_PROBES_REFLECTED, 1)));
}

TEST_F(Reflex, TurnsTheHeadersRound) {
    const Frame asked = [] {
        const xb_beat beat = rig().probe(1);
        return wrap(&beat, sizeof beat, {});
    }();

    const Outcome run = rig().run(asked);

    ASSERT_EQ(run.action, std::uint32_t{XDP_TX});
    ASSERT_EQ(run.out.size(), asked.size());
    EXPECT_TRUE(std::equal(run.out.begin(), run.out.begin() + 6, asked.begin() + 6));
    EXPECT_TRUE(std::equal(run.out.begin() + 6, run.out.begin() + 12, asked.begin()));
    EXPECT_TRUE(std::equal(run.out.begin() + 26, run.out.begin() + 30, asked.begin() + 30));
    EXPECT_TRUE(std::equal(run.out.begin() + 30, run.out.begin() + 34, asked.begin() + 26));
    EXPECT_EQ(checksum(run.out.data() + 14, 20), 0) << "the IPv4 header sums up";
    EXPECT_EQ(run.out[22], 64) << "hops start anew";
}

TEST_F(Reflex, AnswersIpv6WithAValidUdpChecksum) {
    rig().make_path_0_ipv6();
    const xb_beat asked = rig().probe(3);

    const Outcome run = rig().run(asked, {.is_v6 = true});

    ASSERT_EQ(run.action, std::uint32_t{XDP_TX});
    // The pseudo header of RFC 8200, section 8.1: addresses, length, next header.
    const std::uint32_t seed = 96 + 17;
    EXPECT_EQ(checksum(run.out.data() + 14 + 8, 32 + 8 + 88, seed), 0);
    EXPECT_NE(run.out[14 + 40 + 6] | run.out[14 + 40 + 7], 0) << "0 means none, which IPv6 forbids";
    EXPECT_EQ(beat_in(run.out, {.is_v6 = true}).value().sequence, 3U);
}

TEST_F(Reflex, AnswersInsideTheTagOfTheLinkAndDropsOtherTags) {
    const xb_beat asked = rig().probe(5);

    const Outcome run = rig().run(asked, {.vlan = 42});

    ASSERT_EQ(run.action, std::uint32_t{XDP_TX});
    EXPECT_EQ(run.out[12], 0x81);
    EXPECT_EQ(run.out[15], 42);
    EXPECT_EQ(beat_in(run.out, {.vlan = 42}).value().kind, XB_REFLECTION);
    expect_drop(rig().probe(6), XB_DROP_VLAN, {.vlan = 43});
}

TEST_F(Reflex, GrantsNothingToADeadPeerButAnswersIt) {
    rig().peer().state = XB_PEER_DEAD;

    const Outcome run = rig().run(rig().probe(1));

    ASSERT_EQ(run.action, std::uint32_t{XDP_TX});
    EXPECT_EQ(beat_in(run.out).value().grant_ns, 0U);
}

TEST_F(Reflex, TakesInAReflection) {
    const xb_beat answer = rig().reflection(9, 300us);

    const Outcome run = rig().run(answer);

    EXPECT_EQ(run.action, std::uint32_t{XDP_DROP});
    EXPECT_THAT(rig().counted(), ElementsAre(Pair(XB_REFLECTIONS_TAKEN, 1)));
    EXPECT_EQ(rig().path().answered.highest, 9U);
    EXPECT_GE(rig().path().rtt_ns, 300'000U);
    EXPECT_EQ(rig().peer().answers, 1U);
    EXPECT_EQ(rig().peer().daemon_progress, 80U);
    EXPECT_EQ(rig().peer().flags, 0x82U);
    std::uint64_t measured = 0;
    for (const std::uint64_t count : rig().path().rtt_histogram) measured += count;
    EXPECT_EQ(measured, 1U);
}

TEST_F(Reflex, RenewsTheLeaseFromWhenTheProbeWasSent) {
    const xb_beat answer = rig().reflection(9, 2ms);

    (void)rig().run(answer);

    EXPECT_EQ(rig().peer().lease_until_ns, answer.echo_sent_ns + 9'000'000);
}

TEST_F(Reflex, NeverShortensTheLease) {
    (void)rig().run(rig().reflection(9, 1ms));
    const std::uint64_t first = rig().peer().lease_until_ns;

    (void)rig().run(rig().reflection(8, 5ms));

    EXPECT_EQ(rig().peer().lease_until_ns, first);
    EXPECT_EQ(rig().peer().answers, 2U);
}

TEST_F(Reflex, BelievesTheStateInAProbeOnlyIfItEchoesAFreshProbeOfOurs) {
    rig().control().fresh_ns = 1'000'000;
    xb_beat held_back = rig().probe(1);
    held_back.echo_sent_ns = 1;  // our clock, long ago
    rig().sign(held_back);

    const Outcome run = rig().run(held_back);

    EXPECT_EQ(run.action, std::uint32_t{XDP_TX});
    EXPECT_EQ(rig().counter(XB_STALE_PROBES), 1U);
    EXPECT_EQ(rig().peer().daemon_progress, 0U);
    xb_beat fresh = rig().reflection(2);
    fresh.kind = XB_PROBE;
    rig().sign(fresh);
    EXPECT_EQ(rig().run(fresh).action, std::uint32_t{XDP_TX});
    EXPECT_EQ(rig().peer().daemon_progress, 80U);
}

// Every single bit of the frame, probe and reflection: dropped, and under the name of what it
// broke.
TEST_F(Reflex, DropsEachSingleBitFlipUnderTheRightName) {
    const auto wanted = [](std::size_t byte) {
        if (byte < 4) return XB_DROP_MAGIC;
        if (byte == 4) return XB_DROP_VERSION;
        // The two lowest bits tell probe (1) and reflection (2); no single flip makes one of the
        // other.
        if (byte == 5) return XB_DROP_KIND;
        if (byte == 6) return XB_DROP_KEY_ID;
        if (byte == 7) return XB_DROP_PATH;
        if (byte == 10 || byte == 11) return XB_DROP_RECEIVER;
        if (byte >= 16 && byte < 24) return XB_DROP_CLUSTER;
        if (byte == 8 || byte == 9) return XB_DROP_SENDER;
        return XB_DROP_MAC;
    };
    for (const bool is_probe : {true, false}) {
        const xb_beat good = is_probe ? rig().probe(1) : rig().reflection(1);
        for (unsigned bit = 0; bit < 8 * sizeof good; bit++) {
            SCOPED_TRACE(testing::Message()
                         << (is_probe ? "probe" : "reflection") << " bit " << bit);
            xb_beat flipped = good;
            reinterpret_cast<std::uint8_t*>(&flipped)[bit / 8] ^=
                static_cast<std::uint8_t>(1U << bit % 8);
            expect_drop(flipped, wanted(bit / 8));
        }
        EXPECT_EQ(rig().path().heard.highest, 0U) << "nothing was believed";
        EXPECT_EQ(rig().peer().answers, 0U);
    }
}

TEST_F(Reflex, DropsWhatIsSignedWithAnotherKey) {
    xb_beat beat = rig().probe(1);
    const __u64 other[2] = {1, 2};
    beat.mac = xb_beat_mac(&beat, other);

    expect_drop(beat, XB_DROP_MAC);
}

TEST_F(Reflex, DropsOurOwnFrameThatComesBack) {
    xb_beat ours = rig().probe(1);
    ours.sender = 1;
    ours.receiver = 2;
    ours.incarnation = ReflexRig::kOurs;
    ours.mac = xb_beat_mac(&ours, rig().keys().send[0]);
    expect_drop(ours, XB_DROP_RECEIVER);
    // Even with sender and receiver put right: the key has a direction.
    ours.sender = 2;
    ours.receiver = 1;
    ours.incarnation = ReflexRig::kTheirs;
    ours.mac = xb_beat_mac(&ours, rig().keys().send[0]);
    expect_drop(ours, XB_DROP_MAC);
}

TEST_F(Reflex, DropsAFrameOfAnotherPath) {
    expect_drop(rig().probe(1, 0), XB_DROP_PATH, {.path = 1});
    xb_beat relabelled = rig().probe(1, 0);
    relabelled.path = 1;
    expect_drop(relabelled, XB_DROP_MAC, {.path = 1});
    EXPECT_EQ(rig().run(rig().probe(1, 1), {.path = 1}).action, std::uint32_t{XDP_TX});
}

TEST_F(Reflex, DropsAPathThatThePeerDoesNotHave) {
    rig().peer().path_mask = 1;
    expect_drop(rig().probe(1, 1), XB_DROP_PATH, {.path = 1});
}

TEST_F(Reflex, DropsAnotherCluster) {
    xb_beat beat = rig().probe(1);
    beat.cluster_tag++;
    rig().sign(beat);
    expect_drop(beat, XB_DROP_CLUSTER);
}

TEST_F(Reflex, DropsStrangersAndNodesOutOfRange) {
    for (const int sender : {0, 1, 3, 4, 1000, 1001, 65535}) {
        SCOPED_TRACE(sender);
        xb_beat beat = rig().probe(1);
        beat.sender = static_cast<std::uint16_t>(sender);
        rig().sign(beat);
        expect_drop(beat, XB_DROP_SENDER);
    }
}

TEST_F(Reflex, DropsAReplayAndWhatIsBehindTheWindow) {
    ASSERT_EQ(rig().run(rig().probe(1000)).action, std::uint32_t{XDP_TX});
    expect_drop(rig().probe(1000), XB_DROP_REPLAY);
    ASSERT_EQ(rig().run(rig().probe(1000 - 63)).action, std::uint32_t{XDP_TX})
        << "the window's edge";
    expect_drop(rig().probe(1000 - 63), XB_DROP_REPLAY);
    expect_drop(rig().probe(1000 - 64), XB_DROP_OLD);
    expect_drop(rig().probe(0), XB_DROP_OLD);
    ASSERT_EQ(rig().run(rig().probe(1063)).action, std::uint32_t{XDP_TX});
    expect_drop(rig().probe(1000), XB_DROP_REPLAY);
    ASSERT_EQ(rig().run(rig().probe(1001)).action, std::uint32_t{XDP_TX}) << "late but new";
    ASSERT_EQ(rig().run(rig().probe(UINT64_MAX)).action, std::uint32_t{XDP_TX});
    expect_drop(rig().probe(1064), XB_DROP_OLD);
}

TEST_F(Reflex, DropsAReflectionThatWasTakenBefore) {
    const xb_beat answer = rig().reflection(5);
    EXPECT_EQ(rig().run(answer).action, std::uint32_t{XDP_DROP});

    expect_drop(answer, XB_DROP_REPLAY);
    EXPECT_EQ(rig().peer().answers, 1U);
}

TEST_F(Reflex, DropsAnAnswerThatNobodyAsked) {
    const xb_beat answer = rig().reflection(5);
    rig().path().sequence = 4;

    expect_drop(answer, XB_DROP_UNASKED);
}

TEST_F(Reflex, DropsAnAnswerToAnOldProbe) {
    rig().control().fresh_ns = 1'000'000;
    expect_drop(rig().reflection(5, 2ms), XB_DROP_STALE_ECHO);
    expect_drop(rig().reflection(5, -1s), XB_DROP_STALE_ECHO);  // a time that has not come yet
    xb_beat without = rig().reflection(5);
    without.echo_sent_ns = 0;
    rig().sign(without);
    expect_drop(without, XB_DROP_STALE_ECHO);
    EXPECT_EQ(rig().peer().answers, 0U);
}

TEST_F(Reflex, DropsAnotherLifeOfThePeer) {
    for (const std::uint64_t other :
         {ReflexRig::kTheirs - 1, ReflexRig::kTheirs + 1, std::uint64_t{0}}) {
        xb_beat beat = rig().probe(1);
        beat.incarnation = other;
        rig().sign(beat);
        expect_drop(beat, XB_DROP_INCARNATION);
    }
}

TEST_F(Reflex, AnswersNobodyWhoseIncarnationItWasNotTold) {
    rig().peer().incarnation = 0;
    expect_drop(rig().probe(1), XB_DROP_NOT_TOLD);
}

TEST_F(Reflex, ForgetsTheWindowOfAnEarlierLife) {
    ASSERT_EQ(rig().run(rig().probe(1000)).action, std::uint32_t{XDP_TX});
    rig().peer().incarnation = 0x3333;
    xb_beat beat = rig().probe(1);
    beat.incarnation = 0x3333;
    rig().sign(beat);

    EXPECT_EQ(rig().run(beat).action, std::uint32_t{XDP_TX});
}

TEST_F(Reflex, AcceptsBothKeysWhileTheyAreChanged) {
    xb_beat beat = rig().probe(1);
    beat.key_id = 5;
    beat.mac = xb_beat_mac(&beat, rig().accept_second_key().data());
    EXPECT_EQ(rig().run(beat).action, std::uint32_t{XDP_TX});
    EXPECT_EQ(rig().run(rig().probe(2)).action, std::uint32_t{XDP_TX});
    beat.key_id = 6;
    expect_drop(beat, XB_DROP_KEY_ID);
    rig().accept_first_key_only();
}

TEST_F(Reflex, DropsWrongLengths) {
    const xb_beat beat = rig().probe(1);
    std::vector<std::uint8_t> bytes(sizeof beat + 40);
    std::memcpy(bytes.data(), &beat, sizeof beat);
    for (std::size_t length = 0; length < bytes.size(); length++) {
        if (length == sizeof beat) continue;
        SCOPED_TRACE(length);
        const int wanted = length < sizeof beat ? XB_DROP_SHORT : XB_DROP_LONG;
        expect_drop(wrap(bytes.data(), length), wanted);
        expect_drop(wrap(bytes.data(), length, {.vlan = 42}), wanted);
    }
    expect_drop(beat, XB_DROP_SHORT, {.udp_length = 95});
    expect_drop(beat, XB_DROP_SHORT, {.udp_length = 0});
    expect_drop(beat, XB_DROP_LONG, {.udp_length = 97});
    expect_drop(beat, XB_DROP_SHORT, {.ip_length = 115});
    expect_drop(beat, XB_DROP_LONG, {.ip_length = 117});
}

TEST_F(Reflex, DropsATruncatedFrameThatClaimsToBeWhole) {
    const xb_beat beat = rig().probe(1);
    const Frame whole = wrap(&beat, sizeof beat);
    for (std::size_t length = 14 + 20 + 8; length < whole.size(); length++) {
        SCOPED_TRACE(length);
        expect_drop(Frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)),
                    XB_DROP_SHORT);
    }
}

TEST_F(Reflex, IgnoresPaddingBehindTheIpPacket) {
    EXPECT_EQ(rig().run(rig().probe(1), {.padding = 20}).action, std::uint32_t{XDP_TX});
}

TEST_F(Reflex, DropsFragmentsAndOptionsInFrontOfOurPort) {
    expect_drop(rig().probe(1), XB_DROP_FRAGMENT, {.fragment = 0x2000});
    for (std::uint8_t words = 1; words <= 10; words++) {
        SCOPED_TRACE(int{words});
        expect_drop(rig().probe(1), XB_DROP_IP_OPTIONS, {.options_words = words});
    }
    rig().make_path_0_ipv6();
    expect_drop(rig().probe(1), XB_DROP_FRAGMENT, {.is_v6 = true, .fragment = 1});
}

TEST_F(Reflex, LetsForeignTrafficPassUntouched) {
    const xb_beat beat = rig().probe(1);
    const auto wrapped = [&](const Wrapping& wrapping) {
        return wrap(&beat, sizeof beat, wrapping);
    };
    expect_pass(wrapped({.port = 7454}));
    expect_pass(wrapped({.protocol = 6}));
    expect_pass(wrapped({.protocol = 1}));
    expect_pass(wrapped({.destination = "10.7.0.9"}));
    expect_pass(wrapped({.destination = "255.255.255.255"}));
    expect_pass(wrapped({.fragment = 0x0001}));  // a later fragment has no port
    expect_pass(wrapped({.fragment = 0x2001}));
    expect_pass(wrapped({.port = 80, .options_words = 2}));
    expect_pass(wrapped({.port = 80, .fragment = 0x2000}));
    expect_pass(wrapped({.is_v6 = true, .destination = "fd07::99"}));
    expect_pass(wrapped({.is_v6 = true, .protocol = 58}));
    Frame arp = wrapped({});
    arp[13] = 6;  // 0x0806
    expect_pass(arp);
    Frame double_tagged = wrapped({.vlan = 42});
    double_tagged[16] = 0x81;
    double_tagged[17] = 0;
    expect_pass(double_tagged);
    Frame wrong_version = wrapped({});
    wrong_version[14] = 0x55;
    expect_pass(wrong_version);
    Frame short_header = wrapped({});
    short_header[14] = 0x44;
    expect_pass(short_header);
}

TEST_F(Reflex, LetsForeignInterfacesPass) {
    for (xb_link& link : rig().control().links) link.ifindex = 2;
    const xb_beat beat = rig().probe(1);
    expect_pass(wrap(&beat, sizeof beat));
}

TEST_F(Reflex, PassesOrDropsAnyGarbageWithoutBelievingIt) {
    std::uint64_t seed = 1;
    const auto random = [&seed] {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint8_t>(seed >> 56U);
    };
    const xb_beat good = rig().probe(1);
    for (int i = 0; i < 20'000; i++) {
        Frame frame = wrap(&good, sizeof good, {.is_v6 = i % 3 == 0});
        const std::size_t changes = 1 + random() % 12U;
        for (std::size_t j = 0; j < changes; j++)
            frame[(random() * 256U + random()) % frame.size()] = random();
        if (i % 5 == 0) frame.resize(14 + random() % (frame.size() - 14));
        const xb_beat present = beat_in(frame, {.is_v6 = i % 3 == 0}).value_or(xb_beat{});
        const bool is_intact = std::memcmp(&present, &good, sizeof good) == 0;
        const Outcome run = rig().run(frame);
        ASSERT_TRUE(is_intact || run.action != XDP_TX) << i;
        ASSERT_TRUE(run.action != XDP_PASS || run.out == frame) << i;
    }
    EXPECT_LE(rig().path().heard.highest, 1U);
    EXPECT_EQ(rig().peer().answers, 0U);
}

}  // namespace
}  // namespace xbeat::heart::test
