// The built-in agents with a real kernel: addresses in a network namespace, real processes.
#include "agent/builtin/builtins.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "agent/builtin/addresses.h"
#include "unit/agent/agent_lab.h"

namespace xbeat::agent {
namespace {

using namespace std::chrono_literals;
using builtin::Frame;
using heart::IpAddress;
using heart::MacAddress;

// Drives built-in agents, and xbeat-exec if there is one, until an operation ends.
class Driver {
public:
    explicit Driver(const std::string& run_dir, ExecClient* exec = nullptr) : exec_(exec) {
        auto made = Builtins::create({.run_dir = run_dir, .send = [exec](const Request& request) {
                                          if (exec != nullptr) return exec->send(request);
                                          return Result<void>(Error{.context = "no xbeat-exec"});
                                      }});
        EXPECT_TRUE(made) << made.error().context;
        builtins_.emplace(*std::move(made));
    }

    std::optional<Done> run(Spawn spawn) {
        spawn.id = {++last_id_ + 1000};
        const Result<void> started = builtins_->start(spawn, sys::boot_now());
        EXPECT_TRUE(started);
        return wait(spawn.id);
    }
    std::optional<Done> wait(OperationId id) {
        std::optional<Done> found;
        pump([&] { return (found = end_of(id)).has_value(); });
        return found;
    }
    // Until the question is answered with yes, or kGenerous.
    bool pump(const std::function<bool()>& question) {
        const Instant end = sys::boot_now() + kGenerous;
        while (!question()) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(end - sys::boot_now()).count();
            if (left <= 0) return false;
            std::vector<pollfd> ready = {{.fd = builtins_->fd(), .events = POLLIN, .revents = 0}};
            if (exec_ != nullptr)
                ready.push_back({.fd = exec_->fd(), .events = POLLIN, .revents = 0});
            ::poll(ready.data(), ready.size(), static_cast<int>(left));
            if (exec_ != nullptr) {
                const Result<std::vector<Reply>> replies = exec_->receive();
                if (replies) {
                    for (const Reply& reply : *replies) builtins_->consume(reply, sys::boot_now());
                }
            }
            for (Reply& reply : builtins_->receive(sys::boot_now()))
                kept_.push_back(std::move(reply));
        }
        return true;
    }
    std::optional<Done> end_of(OperationId id) {
        for (const Reply& reply : kept_) {
            const Done* done = std::get_if<Done>(&reply);
            if (done != nullptr && done->id == id) return *done;
        }
        return std::nullopt;
    }
    [[nodiscard]] bool has_spawned(OperationId id) const {
        return std::any_of(kept_.begin(), kept_.end(), [id](const Reply& reply) {
            const Spawned* spawned = std::get_if<Spawned>(&reply);
            return spawned != nullptr && spawned->id == id;
        });
    }
    Builtins& builtins() { return *builtins_; }

private:
    ExecClient* exec_;
    std::optional<Builtins> builtins_;
    std::vector<Reply> kept_;
    std::uint64_t last_id_ = 0;
};

// Another station on the cable: sees every frame at its end and can send its own.
class Station {
public:
    explicit Station(int ifindex)
        : ifindex_(ifindex),
          socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_ll here{};
        here.sll_family = AF_PACKET;
        here.sll_protocol = htons(ETH_P_ALL);
        here.sll_ifindex = ifindex;
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
    }
    // The frames that have arrived and equal this one.
    int count(const Frame& wanted) {
        std::array<std::byte, 2048> bytes{};
        ssize_t got = 0;
        while ((got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0)) > 0) {
            seen_.emplace_back(bytes.begin(), bytes.begin() + got);
        }
        return static_cast<int>(std::count(seen_.begin(), seen_.end(), wanted));
    }
    void send(const Frame& frame) const {
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = ifindex_;
        to.sll_halen = 6;
        ASSERT_EQ(::sendto(socket_.get(), frame.data(), frame.size(), 0,
                           reinterpret_cast<sockaddr*>(&to), sizeof to),
                  static_cast<ssize_t>(frame.size()));
    }

private:
    int ifindex_;
    sys::Fd socket_;
    std::vector<Frame> seen_;
};

struct Cable {
    heart::LinkInfo here;
    heart::LinkInfo there;
};

class Vip : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces";
    }

    // A thread of its own with a fresh network namespace that goes away with it: veth v0 - v1, v0
    // has 10.77.0.1/24 and 2001:db8::1/64.
    void in_namespace(const std::function<void(Driver&, const Cable&)>& body) {
        std::thread([&] {
            if (::unshare(CLONE_NEWNET) != 0) {
                GTEST_SKIP() << "no network namespaces here";
                return;
            }
            auto links = heart::Netlink::open();
            ASSERT_TRUE(links);
            ASSERT_TRUE(links->add_veth("v0", "v1"));
            const auto here = links->link("v0");
            const auto there = links->link("v1");
            ASSERT_TRUE(here && *here && there && *there);
            ASSERT_TRUE(links->set_up((*here)->ifindex));
            ASSERT_TRUE(links->set_up((*there)->ifindex));
            auto addresses = builtin::Addresses::open();
            ASSERT_TRUE(addresses);
            for (const auto& [text, prefix] : {std::pair("10.77.0.1", 24), {"2001:db8::1", 64}}) {
                const Result<void> added =
                    addresses->add({.ifindex = (*here)->ifindex,
                                    .address = *IpAddress::parse(text),
                                    .prefix = static_cast<std::uint8_t>(prefix)});
                ASSERT_TRUE(added) << added.error().context;
            }
            Driver driver(folder.path());
            body(driver, {**here, **there});
        }).join();
    }

    static Spawn action(const std::string& name, std::vector<Parameter> parameters) {
        Spawn spawn;
        spawn.provider = "xbeat";
        spawn.type = "VIP";
        spawn.action = name;
        spawn.resource = "vip";
        spawn.timeout = 20s;
        spawn.parameters = std::move(parameters);
        return spawn;
    }
    static std::vector<builtin::InterfaceAddress> entries(const char* text) {
        auto addresses = builtin::Addresses::open();
        EXPECT_TRUE(addresses);
        auto all = addresses->list();
        EXPECT_TRUE(all);
        std::erase_if(*all,
                      [&](const auto& one) { return one.address != *IpAddress::parse(text); });
        return *all;
    }

    AgentFolder folder;
};

TEST_F(Vip, ComesMonitorsAndGoes) {
    in_namespace([&](Driver& driver, const Cable& cable) {
        for (const char* ip : {"10.77.0.200", "2001:db8::200"}) {
            const std::vector<Parameter> parameters = {{"ip", ip}};
            const auto code = [&](const char* name) {
                const auto done = driver.run(action(name, parameters));
                return done ? done->exit_code : -1;
            };
            EXPECT_EQ(code("monitor"), 7);
            EXPECT_EQ(code("stop"), 0) << "stopping what is stopped";
            EXPECT_EQ(code("start"), 0);
            EXPECT_EQ(code("monitor"), 0);
            const auto there = entries(ip);
            ASSERT_EQ(there.size(), 1U);
            EXPECT_EQ(there[0].ifindex, cable.here.ifindex);
            EXPECT_EQ(there[0].prefix, there[0].address.size() == 4 ? 24 : 64)
                << "that of the subnet";
            EXPECT_EQ(code("start"), 0) << "starting what is started";
            EXPECT_EQ(code("stop"), 0);
            EXPECT_EQ(code("monitor"), 7);
            EXPECT_TRUE(entries(ip).empty());
            EXPECT_EQ(code("validate-all"), 0);
            EXPECT_EQ(code("promote"), 3);
        }
    });
}

TEST_F(Vip, AsksFirstAndAnnouncesAfterwardsAsOftenAsTold) {
    in_namespace([&](Driver& driver, const Cable& cable) {
        for (const char* ip : {"10.77.0.200", "2001:db8::200"}) {
            Station station(cable.there.ifindex);
            const IpAddress address = *IpAddress::parse(ip);
            const Frame probe = builtin::probe_frame(address, cable.here.mac);
            const Frame announcement = builtin::announcement_frames(address, cable.here.mac).back();

            const auto done = driver.run(
                action("start", {{"ip", ip}, {"arp_count", "4"}, {"arp_interval", "10ms"}}));

            ASSERT_TRUE(done);
            EXPECT_EQ(done->exit_code, 0) << done->exit_reason;
            EXPECT_EQ(station.count(probe), 1);
            EXPECT_GE(station.count(announcement), 1) << "the first one is part of the start";
            EXPECT_TRUE(driver.pump([&] { return driver.builtins().announcing() == 0; }));
            EXPECT_EQ(station.count(announcement), 4);
        }
    });
}

TEST_F(Vip, StopsAnnouncingWhenItGoes) {
    in_namespace([&](Driver& driver, const Cable&) {
        const std::vector<Parameter> parameters = {
            {"ip", "10.77.0.200"}, {"arp_count", "100"}, {"arp_interval", "60s"}};
        ASSERT_TRUE(driver.run(action("start", parameters)));
        EXPECT_EQ(driver.builtins().announcing(), 1U);
        ASSERT_TRUE(driver.run(action("stop", parameters)));
        EXPECT_EQ(driver.builtins().announcing(), 0U);
    });
}

TEST_F(Vip, IsNotTakenWhileAnotherStationHasIt) {
    in_namespace([&](Driver& driver, const Cable& cable) {
        for (const char* ip : {"10.77.0.200", "2001:db8::200"}) {
            Station station(cable.there.ifindex);
            const IpAddress address = *IpAddress::parse(ip);
            const MacAddress owner = {0x02, 0, 0, 0, 0, 0x99};
            Spawn spawn = action("start", {{"ip", ip}, {"probe_wait", "10s"}});
            spawn.id = {1};
            ASSERT_TRUE(driver.builtins().start(spawn, sys::boot_now()));
            ASSERT_TRUE(eventually(
                [&] { return station.count(builtin::probe_frame(address, cable.here.mac)) == 1; }));
            // Some other address first: it is nobody's business here.
            const IpAddress other =
                *IpAddress::parse(address.size() == 4 ? "10.77.0.201" : "2001:db8::201");
            station.send(builtin::announcement_frames(other, owner).back());

            station.send(builtin::announcement_frames(address, owner).back());

            const auto done = driver.wait(spawn.id);
            ASSERT_TRUE(done);
            EXPECT_EQ(done->exit_code, 1);
            EXPECT_NE(done->exit_reason.find("02:00:00:00:00:99"), std::string::npos)
                << done->exit_reason;
            EXPECT_LT(done->ended_at - done->started_at, 10s);
            EXPECT_TRUE(entries(ip).empty());
            driver = Driver(folder.path());
        }
    });
}

TEST_F(Vip, StartsManyAtOnce) {
    in_namespace([&](Driver& driver, const Cable& cable) {
        constexpr int kMany = 40;
        for (int i = 0; i < kMany; ++i) {
            Spawn spawn = action(
                "start",
                {{"ip", concat("10.77.0.", 100 + i)}, {"probe_wait", "50ms"}, {"arp_count", "1"}});
            spawn.id = {static_cast<std::uint64_t>(i + 1)};
            ASSERT_TRUE(driver.builtins().start(spawn, sys::boot_now()));
        }
        // One of them is taken by somebody.
        Station(cable.there.ifindex)
            .send(builtin::announcement_frames(*IpAddress::parse("10.77.0.117"),
                                               {0x02, 0, 0, 0, 0, 0x99})[0]);
        for (int i = 0; i < kMany; ++i) {
            const auto done = driver.wait({static_cast<std::uint64_t>(i + 1)});
            ASSERT_TRUE(done);
            EXPECT_EQ(done->exit_code, i == 17 ? 1 : 0) << i << done->exit_reason;
        }
    });
}

TEST_F(Vip, SaysWhatIsWrongWithItsPlace) {
    in_namespace([&](Driver& driver, const Cable& cable) {
        const auto reason = [&](const char* name, std::vector<Parameter> parameters, int code) {
            const auto done = driver.run(action(name, std::move(parameters)));
            if (!done) return std::string("no reply");
            EXPECT_EQ(done->exit_code, code) << done->exit_reason;
            return done->exit_reason;
        };
        EXPECT_NE(reason("start", {{"ip", "10.77.0.200"}, {"nic", "eth9"}}, 1).find("eth9"),
                  std::string::npos);
        EXPECT_NE(reason("start", {{"ip", "192.0.2.1"}}, 1).find("nic"), std::string::npos);
        EXPECT_NE(reason("start", {{"ip", "nonsense"}}, 6).find("nonsense"), std::string::npos);
        EXPECT_EQ(reason("monitor", {{"ip", "10.77.0.200"}, {"nic", "eth9"}}, 7),
                  "10.77.0.200 is not here");
        EXPECT_EQ(reason("stop", {{"ip", "10.77.0.200"}, {"nic", "eth9"}}, 0), "");
        EXPECT_EQ(reason("start", {{"ip", "192.0.2.1"}, {"nic", "v0"}, {"iflabel", "web"}}, 0), "");
        ASSERT_EQ(entries("192.0.2.1").size(), 1U);
        EXPECT_EQ(entries("192.0.2.1")[0].prefix, 32);
        EXPECT_EQ(entries("192.0.2.1")[0].label, "v0:web");
        EXPECT_NE(reason("start", {{"ip", "192.0.2.1"}, {"nic", "v1"}}, 1).find("another"),
                  std::string::npos);

        auto links = heart::Netlink::open();
        ASSERT_TRUE(links);
        ASSERT_TRUE(links->remove_link(cable.there.ifindex));
        EXPECT_EQ(reason("monitor", {{"ip", "192.0.2.1"}}, 7), "192.0.2.1 is not here");
    });
}

TEST_F(Vip, StartsWithinMilliseconds) {
    in_namespace([&](Driver& driver, const Cable&) {
        std::vector<double> with_probe;
        std::vector<double> without;
        for (int i = 0; i < 100; ++i) {
            for (const char* wait : {"1ms", "0"}) {
                const std::vector<Parameter> parameters = {
                    {"ip", "10.77.0.200"}, {"probe_wait", wait}, {"arp_count", "1"}};
                const Instant before = sys::boot_now();
                const auto done = driver.run(action("start", parameters));
                const Duration took = sys::boot_now() - before;
                ASSERT_TRUE(done);
                ASSERT_EQ(done->exit_code, 0) << done->exit_reason;
                (wait[0] == '0' ? without : with_probe)
                    .push_back(static_cast<double>(took.count()) / 1e6);
                ASSERT_TRUE(driver.run(action("stop", parameters)));
            }
        }
        std::sort(with_probe.begin(), with_probe.end());
        std::sort(without.begin(), without.end());
        std::printf("xbeat:VIP start: p50 %.2f p99 %.2f ms; without probe p50 %.2f p99 %.2f ms\n",
                    with_probe[50], with_probe[98], without[50], without[98]);
        EXPECT_LT(with_probe[50], 50) << "far above any figure measured";
    });
}

class Process : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        if (exec_program().empty()) GTEST_SKIP() << "xbeat-exec is not built";
        restart();
    }
    void TearDown() override {
        const auto record = recorded();
        if (record) ::kill(record->pid, SIGKILL);
        driver.reset();
        exec.reset();
        remove_groups(concat("unit-test-process-", ::getpid()));
    }
    // As after SIGKILL of the daemon: a new xbeat-exec and new built-in agents.
    void restart() {
        driver.reset();
        exec.reset();
        ExecClient::Options options;
        options.program = exec_program();
        options.temporary_directory = folder.path() + "/tmp";
        options.instance = concat("unit-test-process-", ::getpid());
        auto started = ExecClient::start(options);
        ASSERT_TRUE(started) << started.error().context;
        exec = std::make_unique<ExecClient>(*std::move(started));
        driver.emplace(folder.path(), exec.get());
    }
    static Spawn action(const std::string& name, std::vector<Parameter> parameters) {
        Spawn spawn;
        spawn.provider = "xbeat";
        spawn.type = "process";
        spawn.action = name;
        spawn.resource = "web:0";
        spawn.timeout = 20s;
        spawn.parameters = std::move(parameters);
        return spawn;
    }
    Done run(const std::string& name, std::vector<Parameter> parameters = {}) {
        if (parameters.empty()) parameters = sleeper;
        const auto done = driver->run(action(name, std::move(parameters)));
        if (done) return *done;
        ADD_FAILURE() << name << ": no reply";
        return {};
    }
    std::optional<builtin::ProcessRecord> recorded() {
        auto records = builtin::ProcessRecords::open(folder.path() + "/process");
        if (!records) return std::nullopt;
        auto loaded = records->load("web:0");
        return loaded ? *loaded : std::nullopt;
    }

    AgentFolder folder;
    std::unique_ptr<ExecClient> exec;
    std::optional<Driver> driver;
    const std::vector<Parameter> sleeper = {{"cmdline", "/bin/sleep 1000"}};
};

TEST_F(Process, StartsMonitorsAndStops) {
    EXPECT_EQ(run("monitor").exit_code, 7);
    EXPECT_EQ(run("stop").exit_code, 0);
    EXPECT_EQ(run("start").exit_code, 0);
    ASSERT_TRUE(recorded());
    const pid_t pid = recorded()->pid;
    EXPECT_TRUE(is_running(pid));
    EXPECT_EQ(run("monitor").exit_code, 0);
    EXPECT_EQ(run("start").exit_code, 0) << "starting what is started";
    EXPECT_EQ(recorded()->pid, pid);
    EXPECT_EQ(run("stop").exit_code, 0);
    EXPECT_FALSE(is_running(pid));
    EXPECT_FALSE(recorded());
    EXPECT_EQ(run("monitor").exit_code, 7);
    EXPECT_EQ(run("validate-all").exit_code, 0);
    EXPECT_EQ(run("promote").exit_code, 3);
}

TEST_F(Process, SeesThatItsProcessHasEnded) {
    ASSERT_EQ(run("start").exit_code, 0);
    const pid_t pid = recorded()->pid;

    ::kill(pid, SIGKILL);

    ASSERT_TRUE(eventually([&] { return !is_running(pid); }));
    const Done monitor = run("monitor");
    EXPECT_EQ(monitor.exit_code, 7);
    EXPECT_NE(monitor.exit_reason.find(concat(pid)), std::string::npos);
    EXPECT_EQ(run("stop").exit_code, 0);
    EXPECT_EQ(run("start").exit_code, 0);
    EXPECT_NE(recorded()->pid, pid);
}

TEST_F(Process, IsFoundAgainByTheNextDaemon) {
    ASSERT_EQ(run("start").exit_code, 0);
    const pid_t pid = recorded()->pid;

    restart();

    EXPECT_TRUE(is_running(pid));
    EXPECT_EQ(run("monitor").exit_code, 0);
    EXPECT_EQ(run("start").exit_code, 0);
    EXPECT_EQ(recorded()->pid, pid);
    EXPECT_EQ(run("stop").exit_code, 0);
    EXPECT_FALSE(is_running(pid));
}

TEST_F(Process, OutlivesASuddenEndOfXbeatExec) {
    ASSERT_EQ(run("start").exit_code, 0);
    const pid_t pid = recorded()->pid;

    ::kill(exec->pid(), SIGKILL);

    ASSERT_TRUE(driver->pump([&] { return exec->restarts() == 1; }));
    EXPECT_EQ(run("monitor").exit_code, 0);
    EXPECT_TRUE(is_running(pid));
    EXPECT_EQ(run("stop").exit_code, 0);
}

TEST_F(Process, GetsSigkillWithItsGroupWhenItDoesNotStop) {
    const std::string script =
        folder.write("stubborn", concat("#!/bin/sh\ntrap '' TERM\nsleep 1000 & echo $! > ",
                                        folder.path(), "/child\nwhile :; do wait; done\n"));
    const std::vector<Parameter> parameters = {{"binfile", script}, {"stop_timeout", "100ms"}};
    ASSERT_EQ(run("start", parameters).exit_code, 0);
    const pid_t pid = recorded()->pid;
    ASSERT_TRUE(eventually([&] { return read_file(folder.path() + "/child").ends_with('\n'); }));
    const pid_t child =
        static_cast<pid_t>(parse_integer(trim(read_file(folder.path() + "/child"))).value_or(0));

    const Done stop = run("stop", parameters);

    EXPECT_EQ(stop.exit_code, 0);
    EXPECT_GE(stop.ended_at - stop.started_at, 100ms);
    EXPECT_FALSE(is_running(pid));
    EXPECT_TRUE(eventually([&] { return !is_running(child); }));
}

TEST_F(Process, UsesItsStopSignalUserDirectoryAndEnvironment) {
    // A folder that the unprivileged user may write, inside one that only root may.
    const std::string out = folder.path() + "/out";
    std::filesystem::create_directory(out);
    ::chmod(out.c_str(), 0777);
    const std::string script = folder.write(
        "report", concat("#!/bin/sh\ntrap 'echo stopped > ", out, "/end; exit 0' QUIT\n",
                         "{ id -un; pwd; echo $A; echo $1; } > ", out, "/begin.new\nmv ", out,
                         "/begin.new ", out, "/begin\nwhile :; do sleep 0.01; done\n"));
    const std::vector<Parameter> parameters = {{"binfile", script}, {"args", "'one word'"},
                                               {"user", "nobody"},  {"directory", "/tmp"},
                                               {"env", "'A=b c'"},  {"stop_signal", "QUIT"}};

    ASSERT_EQ(run("start", parameters).exit_code, 0);

    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(out + "/begin"); }));
    EXPECT_EQ(read_file(out + "/begin"), "nobody\n/tmp\nb c\none word\n");
    EXPECT_EQ(run("stop", parameters).exit_code, 0);
    EXPECT_EQ(read_file(out + "/end"), "stopped\n");
}

TEST_F(Process, SaysWhyItDidNotStart) {
    const auto outcome = [this](std::vector<Parameter> parameters) {
        const Done done = run("start", std::move(parameters));
        EXPECT_FALSE(done.exit_reason.empty());
        EXPECT_FALSE(recorded()) << "nothing may be left recorded";
        return done.exit_code;
    };
    EXPECT_EQ(outcome({{"binfile", "/no/such/program"}}), 5);
    EXPECT_EQ(outcome({{"binfile", "/etc/hostname"}}), 4);
    EXPECT_EQ(outcome({{"binfile", "relative"}}), 6);
    EXPECT_EQ(outcome({{"binfile", "/bin/sleep"}, {"user", "nobody-of-that-name"}}), 6);
    EXPECT_EQ(outcome({{"binfile", "/bin/sleep"}, {"directory", "/no/such/folder"}}), 6);
}

TEST_F(Process, ForgetsANumberThatBelongsToAnotherProcessNow) {
    auto records = builtin::ProcessRecords::open(folder.path() + "/process");
    ASSERT_TRUE(records);
    const auto self = builtin::describe_process(::getpid());
    ASSERT_TRUE(self);
    ASSERT_TRUE(records->save("web:0", {self->pid, self->start_ticks - 1}));

    EXPECT_EQ(run("monitor").exit_code, 7);
    EXPECT_EQ(run("stop").exit_code, 0) << "and this very process was not killed";
    EXPECT_FALSE(recorded());
}

TEST_F(Process, IsHeldUntilTheWatchIsReady) {
    Spawn spawn = action("start", sleeper);
    spawn.id = {1};
    spawn.hold = true;
    ASSERT_TRUE(driver->builtins().start(spawn, sys::boot_now()));
    ASSERT_TRUE(driver->pump([&] { return driver->has_spawned(spawn.id); }));
    EXPECT_FALSE(driver->end_of(spawn.id));

    ASSERT_TRUE(exec->send(Release{spawn.id}));

    const auto done = driver->wait(spawn.id);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->exit_code, 0);
}

TEST_F(Process, LeavesNothingBehindWhenAHeldStartTimesOutOrIsKilled) {
    for (const bool by_kill : {true, false}) {
        Spawn spawn = action("start", sleeper);
        spawn.id = {by_kill ? 1U : 2U};
        spawn.hold = true;
        spawn.timeout = by_kill ? 20s : 50ms;
        ASSERT_TRUE(driver->builtins().start(spawn, sys::boot_now()));
        ASSERT_TRUE(driver->pump([&] { return driver->has_spawned(spawn.id); }));
        const auto record = recorded();
        if (by_kill) driver->builtins().kill(spawn.id, sys::boot_now());

        const auto done = driver->wait(spawn.id);

        ASSERT_TRUE(done);
        EXPECT_EQ(done->killed, by_kill);
        EXPECT_EQ(done->timed_out, !by_kill);
        EXPECT_FALSE(recorded());
        EXPECT_TRUE(eventually([&] { return !record || !is_running(record->pid); }));
    }
}

TEST_F(Process, StartsWithinMilliseconds) {
    std::vector<double> starts;
    std::vector<double> stops;
    for (int i = 0; i < 50; ++i) {
        Instant before = sys::boot_now();
        ASSERT_EQ(run("start").exit_code, 0);
        starts.push_back(static_cast<double>((sys::boot_now() - before).count()) / 1e6);
        before = sys::boot_now();
        ASSERT_EQ(run("stop").exit_code, 0);
        stops.push_back(static_cast<double>((sys::boot_now() - before).count()) / 1e6);
    }
    std::sort(starts.begin(), starts.end());
    std::sort(stops.begin(), stops.end());
    std::printf("xbeat:process start p50 %.2f p99 %.2f ms, stop p50 %.2f p99 %.2f ms\n", starts[25],
                starts[49], stops[25], stops[49]);
    EXPECT_LT(starts[25], 100) << "far above any figure measured";
}

TEST(BuiltinAgents, AreKnownByProviderAndType) {
    EXPECT_TRUE(Builtins::has("xbeat", "VIP"));
    EXPECT_TRUE(Builtins::has("xbeat", "process"));
    EXPECT_FALSE(Builtins::has("heartbeat", "VIP"));
    EXPECT_FALSE(Builtins::has("xbeat", "vip"));
    EXPECT_FALSE(Builtins::has("xbeat", ""));
}

TEST(BuiltinAgents, DescribeThemselvesAndRefuseTheUnknown) {
    std::string run_dir = "/tmp/xbeat-builtin.XXXXXX";
    ASSERT_NE(::mkdtemp(run_dir.data()), nullptr);
    {
        Driver driver(run_dir);
        Spawn spawn;
        spawn.provider = "xbeat";
        spawn.type = "VIP";
        spawn.action = "meta-data";
        spawn.timeout = 5s;
        const auto done = driver.run(spawn);
        ASSERT_TRUE(done);
        EXPECT_NE(done->output.find("<resource-agent name=\"VIP\""), std::string::npos);
        spawn.type = "pong";
        spawn.id = {5};
        ASSERT_TRUE(driver.builtins().start(spawn, sys::boot_now()));
        const std::vector<Reply> replies = driver.builtins().receive(sys::boot_now());
        ASSERT_EQ(replies.size(), 1U);
        EXPECT_EQ(std::get<Failed>(replies[0]).reason, FailReason::Missing);
    }
    std::filesystem::remove_all(run_dir);
}

}  // namespace
}  // namespace xbeat::agent
