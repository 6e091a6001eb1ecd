// Real hearts on two nodes in namespaces behind a switch: what the kernel finds out, with and
// without a daemon. The limits are generous because the machine may be shared; what is measured is
// order, not speed.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "abi/xb_abi.h"
#include "core/text.h"
#include "support/heart_lab.h"
#include "sys/boot_clock.h"

namespace xbeat::heart::test {
namespace {

constexpr Duration kSteady = 300ms;  // how long nothing may happen where nothing should
// Five misses at 10 ms, and room for a machine that others use as well.
constexpr Duration kDeadLimit = 500ms;

/// Slow enough that a shared machine does not cause what the test is not about.
LabOptions calm() {
    LabOptions options;
    options.period = 10ms;
    options.k_suspect = 10;
    options.k_dead = 20;
    return options;
}

auto peer_becomes(PeerState state) {
    return [state](const HeartEvent& event) {
        return event.kind == EventKind::Peer && event.peer_state == state;
    };
}

auto path_becomes(std::uint8_t path, PathState state) {
    return [=](const HeartEvent& event) {
        return event.kind == EventKind::Path && event.path.value == path &&
               event.path_state == state;
    };
}

auto trouble_is(EventKind kind, Trouble trouble) {
    return [=](const HeartEvent& event) { return event.kind == kind && event.trouble == trouble; };
}

bool has(const std::vector<HeartEvent>& events,
         const std::function<bool(const HeartEvent&)>& wanted) {
    return std::any_of(events.begin(), events.end(), wanted);
}

class HeartInNamespaces : public testing::Test {
protected:
    void SetUp() override {
        if (!Lab::why_not().empty()) GTEST_SKIP() << Lab::why_not();
    }
};

struct Carriage {
    const char* name;
    Mode mode;
    bool is_v6;
    std::uint16_t vlan;
};

class HeartOverEachCarriage : public testing::TestWithParam<Carriage> {
protected:
    void SetUp() override {
        if (!Lab::why_not().empty()) GTEST_SKIP() << Lab::why_not();
    }
};

TEST_P(HeartOverEachCarriage, BeatsAndFindsASilentCut) {
    LabOptions options = calm();
    options.mode = GetParam().mode;
    options.is_v6 = GetParam().is_v6;
    options.vlan = GetParam().vlan;
    Lab lab(options);
    for (const std::size_t node : {1U, 2U}) {
        lab.start(node);
        ASSERT_EQ(lab.board(node).failed, 0) << lab.board(node).error.data();
    }
    for (const std::size_t node : {1U, 2U}) {
        ASSERT_TRUE(lab.wait_for(node, peer_becomes(PeerState::Alive)));
        EXPECT_TRUE(lab.wait_for(node, path_becomes(0, PathState::Up)));
        EXPECT_TRUE(lab.wait_for(node, path_becomes(1, PathState::Up)));
    }
    const Mode reached = static_cast<Mode>(lab.board(1).mode.load());
    EXPECT_EQ(reached, options.mode == Mode::Auto ? Mode::Native : options.mode);

    lab.cut(2, 0);
    lab.cut(2, 1);

    EXPECT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Dead)));
    EXPECT_TRUE(lab.wait_for(2, peer_becomes(PeerState::Dead)));
}

INSTANTIATE_TEST_SUITE_P(Carriages, HeartOverEachCarriage,
                         testing::Values(Carriage{"NativeV4", Mode::Native, false, 0},
                                         Carriage{"AutoV6", Mode::Auto, true, 0},
                                         Carriage{"GenericV4Tagged", Mode::Generic, false, 7},
                                         Carriage{"NativeV6Tagged", Mode::Native, true, 7},
                                         Carriage{"UdpV4", Mode::Udp, false, 0},
                                         Carriage{"UdpV6", Mode::Udp, true, 0}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(HeartInNamespaces, CallsAPeerDeadAfterASilentCutAndSaysWhy) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    const Instant cut_at = lab.silence(2);

    ASSERT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Dead)));
    HeartEvent dead;
    for (const HeartEvent& event : lab.events(1)) {
        if (peer_becomes(PeerState::Dead)(event)) dead = event;
    }
    EXPECT_EQ(dead.peer_before, PeerState::Suspect);
    EXPECT_EQ(dead.peer.value, 2);
    EXPECT_GE(dead.unanswered, 20U);
    EXPECT_EQ(dead.unsent, 0U);
    EXPECT_GE(dead.sequence, dead.answered_sequence + 20);
    EXPECT_GT(dead.sent_at, dead.answered_at);
    EXPECT_GT(dead.at, cut_at);
    EXPECT_LT(dead.at - cut_at, kDeadLimit);
    EXPECT_GT(dead.rtt, 0ns);
    EXPECT_TRUE(has(lab.events(1), path_becomes(0, PathState::Down)));
    EXPECT_TRUE(has(lab.events(1), path_becomes(1, PathState::Down)));
}

TEST_F(HeartInNamespaces, ReportsOnePathAndKeepsThePeerAliveWhenOnePathIsCut) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    lab.cut(2, 1);

    ASSERT_TRUE(lab.wait_for(1, path_becomes(1, PathState::Down)));
    lab.mend(2, 1);
    const std::size_t seen = lab.events(1).size();
    ASSERT_TRUE(lab.wait_for(1, path_becomes(1, PathState::Up), seen - 1));
    EXPECT_FALSE(has(lab.events(1), path_becomes(0, PathState::Down)));
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Suspect)));
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)));
}

TEST_F(HeartInNamespaces, CallsAKilledDaemonStalledAndNeverDeadAndAliveOnceAdopted) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    const std::uint64_t incarnation = lab.board(2).incarnation;

    lab.kill(2);

    ASSERT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Stalled)));
    const std::uint64_t laps = lab.laps(2);
    ASSERT_TRUE(wait_until([&] { return lab.laps(2) > laps + 20; }))
        << "it beats without a process";
    const std::size_t seen = lab.events(1).size();
    lab.start(2);
    ASSERT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Alive), seen));
    EXPECT_TRUE(lab.board(2).adopted);
    EXPECT_EQ(lab.board(2).incarnation, incarnation);
    EXPECT_EQ(lab.kernel_state(2, 1), PeerState::Alive) << "the verdicts were kept";
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)));
    EXPECT_FALSE(has(lab.events(1), path_becomes(0, PathState::Down)));
}

TEST_F(HeartInNamespaces, CallsAHungDaemonStalledUntilItMovesAgain) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    lab.board(2).progress_stops = true;
    ASSERT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Stalled)));
    const std::size_t seen = lab.events(1).size();
    lab.board(2).progress_stops = false;

    EXPECT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Alive), seen));
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)));
}

// Claim: nothing on the way from a dead peer to the verdict needs a process.
TEST_F(HeartInNamespaces, FindsADeadPeerWhileBothDaemonsAreStopped) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    lab.freeze(1);
    lab.freeze(2);
    std::this_thread::sleep_for(kSteady);
    ASSERT_NE(lab.kernel_state(1, 2), PeerState::Dead) << "a stopped daemon is no dead node";

    const Instant cut_at = lab.silence(2);

    ASSERT_TRUE(wait_until([&] { return lab.kernel_state(1, 2) == PeerState::Dead; }));
    const Instant dead_at(Duration(static_cast<std::int64_t>(lab.kernel_since(1, 2))));
    EXPECT_LT(dead_at - cut_at, kDeadLimit);
    lab.thaw(1);
    ASSERT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Dead))) << "the record waited in the ring";
    for (const HeartEvent& event : lab.events(1)) {
        EXPECT_TRUE(!peer_becomes(PeerState::Dead)(event) || event.at == dead_at);
    }
}

TEST_F(HeartInNamespaces, JudgesNobodyWhileAProcessorOwesReceiveWorkButNotForEver) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    sys::Fd map(::bpf_obj_get((lab.pin_dir(1) + "/xb_backlog").c_str()));
    ASSERT_TRUE(map.is_open());
    // The programs that would tell the truth are let go first.
    for (const char* pin : {"backlog_raise", "backlog_entry", "backlog_exit"}) {
        ASSERT_EQ(::unlink((lab.pin_dir(1) + "/" + pin).c_str()), 0) << pin;
    }
    const std::uint32_t cpu = 0;
    xb_backlog owes{};
    const auto owe = [&] {
        owes.raised_ns = static_cast<std::uint64_t>(sys::boot_now().time_since_epoch().count());
        return ::bpf_map_update_elem(map.get(), &cpu, &owes, BPF_ANY) == 0;
    };
    // They end a little later than their pins; until then each softirq pays the debt.
    ASSERT_TRUE(wait_until([&] {
        const std::uint64_t held = lab.held(1);
        if (!owe()) return false;
        return wait_until([&] { return lab.held(1) > held + 5; }, 500ms);
    }));
    ASSERT_TRUE(owe());

    const Instant cut = lab.silence(2);

    ASSERT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Dead)));
    const std::uint64_t since = lab.kernel_since(1, 2);
    EXPECT_GE(since, owes.raised_ns + 1'000'000'000U) << "the limit of heart/options.cc";
    EXPECT_GT(since, static_cast<std::uint64_t>(cut.time_since_epoch().count()));
}

TEST_F(HeartInNamespaces, NotesReceiveWorkOfEachProcessorOnlyWhileItLasts) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    sys::Fd map(::bpf_obj_get((lab.pin_dir(1) + "/xb_backlog").c_str()));
    ASSERT_TRUE(map.is_open());
    const auto pins = {"backlog_raise", "backlog_entry", "backlog_exit"};
    for (const char* pin : pins) {
        EXPECT_TRUE(sys::Fd(::bpf_obj_get((lab.pin_dir(1) + "/" + pin).c_str())).is_open()) << pin;
    }

    // Beats arrive all the time, so work is begun and ended all the time: some look must find it,
    // and some must not.
    const auto owes = [&map] {
        bool any = false;
        for (std::uint32_t cpu = 0;; cpu++) {
            xb_backlog here{};
            if (::bpf_map_lookup_elem(map.get(), &cpu, &here) != 0) return any;
            any = any || here.raised_ns != 0 || here.entered_ns != 0;
        }
    };
    EXPECT_TRUE(wait_until([&] { return !owes(); }));
    bool seen = false;
    for (int i = 0; i < 1'000'000 && !seen; i++) seen = owes();
    EXPECT_TRUE(seen);
    EXPECT_TRUE(wait_until([&] { return !owes(); })) << "it ended";
}

TEST_F(HeartInNamespaces, StopsTheGrantAtDeathAndDoesNotResumeItWhenFramesComeBack) {
    LabOptions options = calm();
    Lab lab(options);
    lab.board(1).grant_ns = 50'000'000;
    ASSERT_TRUE(lab.start_all());
    ASSERT_TRUE(wait_until([&] { return lab.lease_until(2, 1) > 0; }));
    // The daemon of node 1 goes on granting, and must not be heard.
    lab.cut(2, 0);
    lab.cut(2, 1);
    ASSERT_TRUE(wait_until([&] { return lab.kernel_state(1, 2) == PeerState::Dead; }));
    const std::uint64_t lease = lab.lease_until(2, 1);

    lab.mend(2, 0);
    lab.mend(2, 1);

    ASSERT_TRUE(lab.wait_for(2, path_becomes(0, PathState::Up), lab.events(2).size()))
        << "frames flow again";
    EXPECT_EQ(lab.lease_until(2, 1), lease);
    EXPECT_EQ(lab.kernel_state(1, 2), PeerState::Dead) << "dead is for good until it is told anew";
}

TEST_F(HeartInNamespaces, AttachesADetachedProgramAgainAndCallsItATroubleNotADeath) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    const std::size_t seen = lab.events(1).size();

    const sys::Fd link(::bpf_obj_get((lab.pin_dir(1) + "/link_0").c_str()));
    ASSERT_EQ(::bpf_link_detach(link.get()), 0);

    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Degraded, Trouble::ProgramDetached), seen));
    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Restored, Trouble::ProgramDetached), seen));
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)));
    EXPECT_FALSE(has(lab.events(2), peer_becomes(PeerState::Dead)));
}

TEST_F(HeartInNamespaces, GoesToGenericModeWhereTheDriverTakesTheProgramAndCannotTransmit) {
    LabOptions options = calm();
    options.mode = Mode::Auto;
    options.switch_has_xdp = false;
    Lab lab(options);

    ASSERT_TRUE(lab.start_all());

    // Some kernels need it on one side only; who answers in generic mode has said so.
    const auto says_so = trouble_is(EventKind::Degraded, Trouble::NativeFailed);
    EXPECT_TRUE(has(lab.events(1), says_so) || lab.wait_for(2, says_so));
    EXPECT_GT(lab.counter(1, XB_REFLECTIONS_TAKEN), 0U);
}

TEST_F(HeartInNamespaces, FollowsALinkThatGoesDownIsRenamedAndComesBack) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    lab.run(1, "ip link set ic0 down");
    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Degraded, Trouble::LinkDown)));
    ASSERT_TRUE(lab.wait_for(1, path_becomes(0, PathState::Down)));
    const std::size_t seen = lab.events(1).size();
    lab.run(1, "ip link set ic0 name other && ip link set other up");

    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Restored, Trouble::LinkDown), seen));
    EXPECT_TRUE(lab.wait_for(1, path_becomes(0, PathState::Up), seen));
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)));
}

TEST_F(HeartInNamespaces, TakesBackAnInterfaceThatWasRemovedAndMadeAnew) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    lab.unplug(1, 0);
    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Degraded, Trouble::LinkMissing)));
    ASSERT_TRUE(lab.wait_for(1, path_becomes(0, PathState::Down)));
    const std::size_t seen = lab.events(1).size();
    lab.plug(1, 0);

    EXPECT_TRUE(lab.wait_for(1, path_becomes(0, PathState::Up), seen));
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)));
}

TEST_F(HeartInNamespaces, StartsABeatThatWasLostAgain) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    lab.run(1, "ip link set xb-beat0 down && ip link set xb-beat0 up");

    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Degraded, Trouble::BeatLost)));
    EXPECT_TRUE(lab.wait_for(1, trouble_is(EventKind::Restored, Trouble::BeatLost)));
    EXPECT_GE(lab.board(1).generations, 2U);
    EXPECT_FALSE(has(lab.events(1), peer_becomes(PeerState::Dead)))
        << "who sends nothing accuses nobody";
    EXPECT_FALSE(has(lab.events(2), peer_becomes(PeerState::Dead))) << "and still reflects";
}

TEST_F(HeartInNamespaces, KeepsOnePacketGoingRoundHoweverManyAreStarted) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    for (int i = 0; i < 3; i++) {
        lab.kill(1);
        lab.start(1);
    }
    lab.run(1, "ip link set xb-beat0 down && ip link set xb-beat0 up");
    ASSERT_TRUE(lab.wait_for(1, trouble_is(EventKind::Restored, Trouble::BeatLost)));

    const std::uint64_t before = lab.laps(1);
    const Instant from = sys::boot_now();
    std::this_thread::sleep_for(1s);
    const auto laps = static_cast<double>(lab.laps(1) - before);
    const double wanted = static_cast<double>((sys::boot_now() - from).count()) / 10e6;

    EXPECT_LT(laps, wanted * 1.3) << "a second packet would double it";
    EXPECT_GT(laps, wanted * 0.5);
}

TEST_F(HeartInNamespaces, LeavesNothingBehindAfterACleanEnd) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());

    lab.end(1);

    struct stat status {};
    EXPECT_NE(::stat((lab.pin_dir(1) + "/xb_peers").c_str(), &status), 0);
    lab.run(1, "! ip link show xb-beat0 2>/dev/null");
    lab.run(1, "! ip link show dev ic0 | grep -q xdp");
    EXPECT_TRUE(lab.wait_for(2, peer_becomes(PeerState::Dead)))
        << "without a goodbye it is silence";
}

/// Changes what a heart left in its control map, as another build would have written it.
void rewrite_control(const Lab& lab, std::size_t node,
                     const std::function<void(xb_control&)>& change) {
    const sys::Fd map(::bpf_obj_get((lab.pin_dir(node) + "/xb_control").c_str()));
    const std::uint32_t key = 0;
    xb_control control{};
    ASSERT_EQ(::bpf_map_lookup_elem(map.get(), &key, &control), 0);
    change(control);
    ASSERT_EQ(::bpf_map_update_elem(map.get(), &key, &control, BPF_ANY), 0);
}

TEST_F(HeartInNamespaces, PutsNewProgramsUnderTheMapsOfAnEarlierBuild) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    const std::uint64_t incarnation = lab.board(2).incarnation;
    lab.kill(2);
    rewrite_control(lab, 2, [](xb_control& control) { control.program_id = 1; });
    const std::size_t seen = lab.events(1).size();

    lab.start(2);

    ASSERT_EQ(lab.board(2).failed, 0) << lab.board(2).error.data();
    EXPECT_TRUE(lab.board(2).adopted);
    EXPECT_EQ(lab.board(2).incarnation, incarnation);
    const std::uint64_t laps = lab.laps(2);
    const std::uint64_t taken = lab.counter(2, XB_REFLECTIONS_TAKEN);
    EXPECT_TRUE(wait_until([&] { return lab.laps(2) > laps + 20; }));
    EXPECT_TRUE(wait_until([&] { return lab.counter(2, XB_REFLECTIONS_TAKEN) > taken + 20; }));
    EXPECT_FALSE(has(lab.events(1, seen), peer_becomes(PeerState::Dead)));
}

TEST_F(HeartInNamespaces, ReplacesAHeartOfAnotherAbi) {
    Lab lab(calm());
    ASSERT_TRUE(lab.start_all());
    const std::uint64_t incarnation = lab.board(2).incarnation;
    lab.kill(2);
    rewrite_control(lab, 2, [](xb_control& control) { control.abi_version = 9999; });
    const std::size_t seen = lab.events(1).size();

    lab.start(2);

    ASSERT_EQ(lab.board(2).failed, 0) << lab.board(2).error.data();
    EXPECT_FALSE(lab.board(2).adopted);
    EXPECT_NE(lab.board(2).incarnation, incarnation);
    EXPECT_TRUE(lab.wait_for(1, peer_becomes(PeerState::Alive), seen))
        << "told the new incarnation";
}

TEST_F(HeartInNamespaces, EndsWithItsNamespace) {
    sys::Fd map;
    {
        Lab lab(calm());
        ASSERT_TRUE(lab.start_all());
        map = sys::Fd(::bpf_obj_get((lab.pin_dir(1) + "/xb_laps").c_str()));
        ASSERT_TRUE(map.is_open());
    }
    const auto laps = [&map] {
        const std::uint32_t key = 0;
        xb_laps value{};
        (void)::bpf_map_lookup_elem(map.get(), &key, &value);
        return value.count;
    };

    EXPECT_TRUE(wait_until([&] {
        const std::uint64_t before = laps();
        std::this_thread::sleep_for(100ms);
        return laps() == before;
    })) << "the packet keeps alive what nobody can enter any more";
}

TEST_F(HeartInNamespaces, RefusesWhatItCannotDo) {
    Lab lab(calm());
    Options options = lab.options_of(1);
    options.k_suspect = options.k_dead + 1;
    const Result<Heart> made = Heart::create(options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Invalid);
}

}  // namespace
}  // namespace xbeat::heart::test
