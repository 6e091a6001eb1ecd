// When a last will is due, in which order it is carried out, and the real xbeat-exec doing it.
#include "agent/last_will.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <memory>

#include "abi/xb_gate_abi.h"
#include "agent/inherit.h"
#include "heart/pins.h"
#include "unit/agent/agent_lab.h"

namespace xbeat::agent {
namespace {

using namespace std::chrono_literals;
using heart::LeaseReading;

constexpr Instant kStart = Instant(1000s);

LeaseReading lease_until(Instant until) { return {.granted_until = until, .exclusive_until = {}}; }

// --- When ---------------------------------------------------------------------------------------

TEST(WillWatch, IsDueAfterThePatienceWithoutALeaseAndWithoutTheDaemon) {
    WillWatch watch(5s);

    for (int second = 0; second < 5; ++second) {
        EXPECT_FALSE(watch.is_due(kStart + second * 1s, lease_until(kStart))) << second;
    }

    EXPECT_TRUE(watch.is_due(kStart + 5s, lease_until(kStart)));
}

TEST(WillWatch, IsNeverDueWhileEitherLeaseRuns) {
    WillWatch watch(5s);

    for (int second = 0; second < 60; ++second) {
        const Instant now = kStart + second * 1s;
        EXPECT_FALSE(watch.is_due(now, lease_until(now + 1ns)));
    }
    for (int second = 60; second < 120; ++second) {
        const LeaseReading alone{.granted_until = kStart, .exclusive_until = Instant::max()};
        EXPECT_FALSE(watch.is_due(kStart + second * 1s, alone));
    }
}

TEST(WillWatch, CountsAnewFromEverySignOfLifeOfTheDaemon) {
    WillWatch watch(5s);
    for (int second = 0; second < 5; ++second) {
        EXPECT_FALSE(watch.is_due(kStart + second * 1s, lease_until(kStart)));
    }

    watch.heard();

    for (int second = 5; second < 10; ++second) {
        EXPECT_FALSE(watch.is_due(kStart + second * 1s, lease_until(kStart))) << second;
    }
    EXPECT_TRUE(watch.is_due(kStart + 10s, lease_until(kStart)));
}

TEST(WillWatch, CountsAnewFromALeaseThatCameBack) {
    WillWatch watch(2s);
    EXPECT_FALSE(watch.is_due(kStart, lease_until(kStart)));
    EXPECT_FALSE(watch.is_due(kStart + 1s, lease_until(kStart + 1500ms)));

    EXPECT_FALSE(watch.is_due(kStart + 2s, lease_until(kStart + 1500ms)));
    EXPECT_FALSE(watch.is_due(kStart + 3s, lease_until(kStart + 1500ms)));
    EXPECT_TRUE(watch.is_due(kStart + 4s, lease_until(kStart + 1500ms)));
}

// A machine that stood still has a lease that is out and a daemon that said nothing, both for long.
TEST(WillWatch, BeginsAnewAfterItStoodStillItself) {
    WillWatch watch(5s);
    EXPECT_FALSE(watch.is_due(kStart, lease_until(kStart)));

    const Instant thawed = kStart + 3600s;

    EXPECT_FALSE(watch.is_due(thawed, lease_until(kStart)));
    for (int second = 1; second < 5; ++second) {
        EXPECT_FALSE(watch.is_due(thawed + second * 1s, lease_until(kStart))) << second;
    }
    EXPECT_TRUE(watch.is_due(thawed + 5s, lease_until(kStart)));
}

TEST(WillWatch, TakesALeaseThatItCannotReadForNoReason) {
    WillWatch watch(1s);

    for (int second = 0; second < 60; ++second) {
        EXPECT_FALSE(watch.is_due(kStart + second * 1s, std::nullopt));
    }
}

// --- In which order -----------------------------------------------------------------------------

WillStop stop_of(const std::string& resource, std::vector<std::uint32_t> after = {}) {
    WillStop stop;
    stop.run.provider = "test";
    stop.run.type = "Stop";
    stop.run.action = "stop";
    stop.run.resource = resource;
    stop.run.timeout = 20s;
    stop.after = std::move(after);
    return stop;
}

using Places = std::vector<std::uint32_t>;

TEST(WillRun, BeginsAStopWhenAllThatItComesAfterHaveSucceeded) {
    WillRun run({.stops = {stop_of("web"), stop_of("vip"), stop_of("disk", {0, 1})}});

    EXPECT_EQ(run.take_ready(), (Places{0, 1}));
    EXPECT_EQ(run.take_ready(), Places{});
    run.ended(0, {});
    EXPECT_EQ(run.take_ready(), Places{});
    run.ended(1, {});
    EXPECT_EQ(run.take_ready(), Places{2});
    EXPECT_FALSE(run.is_settled());
    run.ended(2, {});

    EXPECT_TRUE(run.is_settled());
    EXPECT_TRUE(run.is_complete());
    EXPECT_EQ(run.summary(), "stopped web, vip, disk");
}

TEST(WillRun, TriesNothingThatComesAfterAFailure) {
    WillRun run({.stops = {stop_of("web"), stop_of("disk", {0}), stop_of("other")}});
    EXPECT_EQ(run.take_ready(), (Places{0, 2}));

    run.ended(0, "exit code 1: busy");
    EXPECT_EQ(run.take_ready(), Places{});
    EXPECT_FALSE(run.is_settled());
    run.ended(2, {});

    EXPECT_TRUE(run.is_settled());
    EXPECT_FALSE(run.is_complete());
    EXPECT_EQ(run.summary(), "stopped other; failed: web (exit code 1: busy); not stopped: disk");
}

TEST(WillRun, BeginsNothingMoreOnceSomebodyIsInCharge) {
    WillRun run({.stops = {stop_of("web"), stop_of("disk", {0})}});
    EXPECT_EQ(run.take_ready(), Places{0});
    EXPECT_EQ(run.wait_max(), 20s);

    run.cease();
    EXPECT_FALSE(run.is_settled());
    run.ended(0, {});

    EXPECT_EQ(run.take_ready(), Places{});
    EXPECT_TRUE(run.is_settled());
    EXPECT_EQ(run.summary(), "stopped web; not stopped: disk");
}

TEST(WillRun, RunsNoMoreThanItsLimitAtOneTime) {
    Will will;
    for (std::size_t i = 0; i < kWillParallel + 1; ++i) will.stops.push_back(stop_of("r"));
    WillRun run(will);

    EXPECT_EQ(run.take_ready().size(), kWillParallel);
    run.ended(3, {});
    EXPECT_EQ(run.take_ready(), Places{kWillParallel});
}

TEST(WillRun, RefusesWhatBreaksARule) {
    const auto verdict = [](const std::function<void(WillStop&)>& change) {
        Will will{.stops = {stop_of("web"), stop_of("disk", {0})}};
        change(will.stops[1]);
        return WillRun::check(will).has_value();
    };

    EXPECT_TRUE(verdict([](WillStop&) {}));
    EXPECT_TRUE(verdict([](WillStop& stop) { stop.run.action = "demote"; }));
    EXPECT_TRUE(verdict([](WillStop& stop) { stop.run.agent_class = AgentClass::Systemd; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.run.action = "start"; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.run.agent_class = AgentClass::Stonith; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.run.agent_class = AgentClass::Alert; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.run.resource.clear(); }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.run.input = "x"; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.run.timeout = 0s; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.after = {1}; }));
    EXPECT_FALSE(verdict([](WillStop& stop) { stop.after = {7}; }));
}

// --- The real xbeat-exec ------------------------------------------------------------------------

class LastWill : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: agents must belong to root";
        if (exec_program().empty()) GTEST_SKIP() << "xbeat-exec is not built";
        pins = folder.path() + "/pins";
        ASSERT_EQ(::mkdir(pins.c_str(), 0700), 0);
        if (::mount("xbeat-test", pins.c_str(), "bpf", 0, nullptr) != 0) {
            GTEST_SKIP() << "no bpf file system can be mounted";
        }
        gate = pin_array(heart::kControlPin, sizeof(xb_gate_control), 1);
        peers = pin_array(heart::kPeersPin, sizeof(xb_peer), 3);
        if (!gate.is_open() || !peers.is_open()) GTEST_SKIP() << "no BPF maps can be made";
        set_lease(Instant{});
        folder.agent("Stop",
                     "echo $1 $OCF_RESOURCE_INSTANCE $OCF_RESKEY_ip >> $0.log\n"
                     "[ -e $0.fail ] && exit 1\n[ -e $0.hang ] && sleep 1000\nexit 0");
        ExecClient::Options options;
        options.program = exec_program();
        options.ocf_root = folder.path();
        options.temporary_directory = folder.path() + "/tmp";
        options.instance = concat("unit-test-will-", ::getpid());
        options.run_dir = folder.path();
        auto started = ExecClient::start(options);
        ASSERT_TRUE(started) << started.error().context;
        client = std::make_unique<ExecClient>(*std::move(started));
        executor = client->pid();
    }
    void TearDown() override {
        client.reset();
        const auto asked = inherit(folder.path(), [](Duration) {});
        EXPECT_TRUE(asked) << asked.error().context;
        EXPECT_TRUE(eventually([&] { return !is_running(executor); }));
        remove_groups(concat("unit-test-will-", ::getpid()));
        ::umount2(pins.c_str(), MNT_DETACH);
    }

    sys::Fd pin_array(const std::string& name, std::size_t bytes, std::uint32_t entries) const {
        sys::Fd map(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "xb_test", sizeof(std::uint32_t),
                                     static_cast<std::uint32_t>(bytes), entries, nullptr));
        if (!map.is_open() || ::bpf_obj_pin(map.get(), (pins + "/" + name).c_str()) != 0) return {};
        return map;
    }
    void set_lease(Instant until) const {
        const std::uint32_t first = 0;
        xb_gate_control control{};
        control.abi_version = XB_GATE_ABI_VERSION;
        ASSERT_EQ(::bpf_map_update_elem(gate.get(), &first, &control, BPF_ANY), 0);
        const std::uint32_t key = 2;
        xb_peer peer{};
        peer.lease_until_ns = static_cast<std::uint64_t>(until.time_since_epoch().count());
        ASSERT_EQ(::bpf_map_update_elem(peers.get(), &key, &peer, BPF_ANY), 0);
    }
    void leave(std::vector<WillStop> stops) const {
        const std::size_t stops_left = stops.size();
        const Result<void> left = client->leave_will(
            {.pins = pins, .peer = NodeId{2}, .patience = 10ms, .stops = std::move(stops)});
        ASSERT_TRUE(left) << left.error().context;
        if (stops_left == 0) return;
        ASSERT_TRUE(
            eventually([&] { return std::filesystem::exists(will_socket(folder.path())); }));
    }
    /// The daemon dies: nothing but its end of the channel tells.
    void die() { client.reset(); }
    [[nodiscard]] std::string log() const {
        return read_file(folder.path() + "/resource.d/test/Stop.log");
    }
    [[nodiscard]] WillNews ask() const {
        const auto news = inherit(folder.path(), [](Duration) {});
        EXPECT_TRUE(news) << news.error().context;
        return news && *news ? **news : WillNews{};
    }

    AgentFolder folder;
    std::string pins;
    sys::Fd gate;
    sys::Fd peers;
    std::unique_ptr<ExecClient> client;
    pid_t executor = 0;
};

TEST_F(LastWill, IsCarriedOutInOrderAfterTheDaemonHasDied) {
    WillStop first = stop_of("web");
    first.run.parameters = {{"ip", "10.77.0.200"}};
    leave({first, stop_of("disk", {0})});

    die();
    EXPECT_TRUE(eventually([&] { return log().find("disk") != std::string::npos; }));

    EXPECT_EQ(log(), "stop web 10.77.0.200\nstop disk\n");
    const WillNews news = ask();
    EXPECT_EQ(news.state, WillNews::State::Ended);
    EXPECT_EQ(news.text, "stopped web, disk");
    EXPECT_FALSE(is_running(executor));
}

TEST_F(LastWill, IsCarriedOutWhileTheDaemonHangsAndWhatThatOrdersThenIsNotRun) {
    folder.agent("Stop",
                 "echo $1 $OCF_RESOURCE_INSTANCE >> $0.log\n"
                 "while [ $1 = stop -a ! -e $0.go ]; do sleep 0.01; done");
    leave({stop_of("web")});
    EXPECT_TRUE(eventually([&] { return log() == "stop web\n"; }));
    std::vector<Reply> replies;
    EXPECT_TRUE(eventually([&] {
        auto more = client->receive();
        for (Reply& each : *more) replies.push_back(std::move(each));
        return !replies.empty();
    }));
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(std::get<WillNews>(replies[0]).state, WillNews::State::Running);

    Spawn late;
    late.id = {7};
    late.provider = "test";
    late.type = "Stop";
    late.action = "start";
    late.resource = "web";
    late.timeout = 20s;
    ASSERT_TRUE(client->send(late));
    // It hears the successor after that order, and the stop goes on for a while.
    const auto news =
        inherit(folder.path(), [&](Duration) { folder.write("resource.d/test/Stop.go", ""); });

    ASSERT_TRUE(news);
    ASSERT_TRUE(news->has_value());
    EXPECT_EQ((*news)->text, "stopped web");
    EXPECT_EQ(log(), "stop web\n");
}

TEST_F(LastWill, IsNotCarriedOutUnderALeaseAndEndsWithTheSuccessor) {
    set_lease(Instant::max());
    leave({stop_of("web")});

    die();

    EXPECT_TRUE(is_running(executor));
    EXPECT_EQ(ask().state, WillNews::State::Unused);
    EXPECT_FALSE(is_running(executor));
    EXPECT_EQ(log(), "");
}

TEST_F(LastWill, KillsWhatTheDaemonHadRunningBeforeItStops) {
    folder.agent("Start", "echo $$ > $0.pid; sleep 1000");
    Spawn start;
    start.id = {1};
    start.provider = "test";
    start.type = "Start";
    start.action = "start";
    start.resource = "web";
    start.timeout = 600s;
    ASSERT_TRUE(client->send(start));
    const std::string pid_file = folder.path() + "/resource.d/test/Start.pid";
    ASSERT_TRUE(eventually([&] { return read_file(pid_file).ends_with('\n'); }));
    const auto pid = static_cast<pid_t>(parse_integer(trim(read_file(pid_file))).value_or(0));
    folder.agent("Stop", concat("kill -0 ", pid, " 2> /dev/null && echo beside >> $0.log\n",
                                "echo $1 >> $0.log"));
    leave({stop_of("web")});

    EXPECT_TRUE(eventually([&] { return !log().empty(); }));

    EXPECT_EQ(log(), "stop\n");
    EXPECT_FALSE(is_running(pid));
}

TEST_F(LastWill, LetsARunningStopEndAndBeginsNoOtherOnceTheSuccessorIsThere) {
    folder.agent("Stop",
                 "echo $1 $OCF_RESOURCE_INSTANCE >> $0.log\n"
                 "while [ ! -e $0.go ]; do sleep 0.01; done; echo end >> $0.log");
    leave({stop_of("web"), stop_of("disk", {0})});
    die();
    EXPECT_TRUE(eventually([&] { return log() == "stop web\n"; }));

    Duration told{};
    const auto news = inherit(folder.path(), [&](Duration wait) {
        told = wait;
        folder.write("resource.d/test/Stop.go", "");
    });

    ASSERT_TRUE(news);
    ASSERT_TRUE(news->has_value());
    EXPECT_GE(told, 20s);
    EXPECT_EQ((*news)->text, "stopped web; not stopped: disk");
    EXPECT_EQ(log(), "stop web\nend\n");
}

TEST_F(LastWill, ThatWasTakenBackLetsTheExecutorEndWithTheDaemon) {
    set_lease(Instant::max());
    leave({stop_of("web")});
    leave({});

    die();

    EXPECT_FALSE(is_running(executor));
    const auto news = inherit(folder.path(), [](Duration) {});
    ASSERT_TRUE(news);
    EXPECT_FALSE(news->has_value());
}

TEST_F(LastWill, IsLeftAgainToAnExecutorThatHadToBeStartedAnew) {
    set_lease(Instant::max());
    leave({stop_of("web")});
    ASSERT_EQ(::kill(executor, SIGKILL), 0);
    EXPECT_TRUE(eventually([&] {
        [[maybe_unused]] const auto ignored = client->receive();
        return client->restarts() == 1;
    }));
    executor = client->pid();

    set_lease(Instant{});
    die();

    EXPECT_TRUE(eventually([&] { return log() == "stop web\n"; }));
}

// Its door was opened too late: the successor had asked in vain. Here it is a process of another
// number that holds the lock.
TEST_F(LastWill, IsNothingToAnExecutorThatFindsASuccessorWhichDidNotAsk) {
    set_lease(Instant::max());
    leave({stop_of("web")});
    const pid_t successor = ::fork();
    if (successor == 0) {
        ::execlp("sleep", "sleep", "1000", nullptr);  // it lets go of our end of the channel
        ::_exit(1);
    }
    folder.write("lock", concat(successor, "\n"));

    die();

    EXPECT_TRUE(eventually([&] { return !is_running(executor); }));
    ::kill(successor, SIGKILL);
    ::waitpid(successor, nullptr, 0);
    EXPECT_EQ(log(), "");
}

TEST_F(LastWill, GivesUpOnAnExecutorThatStandsStill) {
    set_lease(Instant::max());
    leave({stop_of("web")});
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(will_socket(folder.path())); }));
    ASSERT_EQ(::kill(executor, SIGSTOP), 0);
    die();

    EXPECT_EQ(ask().state, WillNews::State::Running);
    EXPECT_FALSE(is_running(executor));
}

}  // namespace
}  // namespace xbeat::agent
