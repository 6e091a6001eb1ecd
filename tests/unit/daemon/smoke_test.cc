// The built program as an operator meets it: started, asked, killed, started again. Each daemon has
// a network and a mount namespace of its own, so nothing of it is seen outside or left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "control/client.h"
#include "sys/boot_clock.h"
#include "unit/daemon/temp_dir.h"

namespace xbeat::daemon {
namespace {

constexpr Duration kPatience = 60s;  // far more than anything here takes

/// The program that was built beside this test, or an empty path.
std::string program() {
    const auto self = std::filesystem::read_symlink("/proc/self/exe");
    for (const auto& place : {self.parent_path().parent_path(), self.parent_path()}) {
        if (std::filesystem::exists(place / "xbeatd")) return (place / "xbeatd").string();
    }
    return "";
}

std::string read_all(const std::string& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

class SmokeTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root for namespaces and agents";
        if (program().empty()) GTEST_SKIP() << "xbeatd is not built beside this test";
        folder_.write("key", std::string(32, 'k'), 0400);
        write_config("cluster = \"solo\"\n");
    }
    void TearDown() override {
        if (daemon_ > 0) {
            ::kill(daemon_, SIGKILL);
            static_cast<void>(wait_for_end());
        }
        if (HasFailure()) std::fprintf(stderr, "%s", read_all(folder_.file("log")).c_str());
    }

    void write_config(const std::string& head) const {
        folder_.write("xbeat.toml",
                      head + "key_file = \"" + folder_.file("key") +
                          "\"\nself = \"solo1\"\n[[node]]\nname = \"solo1\"\nid = 1\n");
    }

    /// Starts the program with these further words; its standard error goes to `log`.
    pid_t spawn(const std::vector<std::string>& words, const std::string& log) const {
        const pid_t child = ::fork();
        if (child != 0) return child;
        const bool is_apart = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                              ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (!is_apart || out < 0 || ::dup2(out, 2) < 0 || ::dup2(out, 1) < 0) ::_exit(125);
        ::setenv("NOTIFY_SOCKET", folder_.file("notify").c_str(), 1);
        const std::string path = program();
        std::vector<std::string> all{path,
                                     "--config",
                                     folder_.file("xbeat.toml"),
                                     "--state-dir",
                                     folder_.file("state"),
                                     "--run-dir",
                                     folder_.file("run")};
        all.insert(all.end(), words.begin(), words.end());
        std::vector<char*> argv;
        for (std::string& word : all) argv.push_back(word.data());
        argv.push_back(nullptr);
        ::execv(path.c_str(), argv.data());
        ::_exit(126);
    }

    /// Starts the daemon and waits until it says that it is ready (sd_notify(3)).
    void start() {
        const sys::Fd notify(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder_.file("notify");
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        ::unlink(path.c_str());
        ASSERT_EQ(::bind(notify.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
        daemon_ = spawn({}, folder_.file("log"));
        std::string said;
        while (said.find("READY=1") == std::string::npos) {
            pollfd waiting{.fd = notify.get(), .events = POLLIN, .revents = 0};
            ASSERT_EQ(::poll(&waiting, 1, 60'000), 1) << "not ready in time";
            std::array<char, 4096> text{};
            const ssize_t got = ::recv(notify.get(), text.data(), text.size(), 0);
            ASSERT_GT(got, 0);
            said.append(text.data(), static_cast<std::size_t>(got));
        }
    }
    int wait_for_end() {
        int status = 0;
        EXPECT_EQ(::waitpid(std::exchange(daemon_, 0), &status, 0) > 0, true);
        return status;
    }
    int run_to_end(const std::vector<std::string>& words) const {
        int status = 0;
        EXPECT_GT(::waitpid(spawn(words, folder_.file("second")), &status, 0), 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    [[nodiscard]] control::Client connect() const {
        control::Client::Options options;
        options.run_dir = folder_.file("run");
        options.role = control::Role::Admin;
        Result<control::Client> client = control::Client::connect(options);
        EXPECT_TRUE(client) << client.error().context;
        return *std::move(client);
    }
    nlohmann::json ask(const nlohmann::json& request) const {
        const Result<nlohmann::json> reply = connect().call(request, kPatience);
        EXPECT_TRUE(reply) << request.dump() << ": " << reply.error().context;
        return reply ? *reply : nlohmann::json::object();
    }
    /// Follows the daemon's events until the condition holds; it is looked at after each.
    ::testing::AssertionResult until(const std::function<bool()>& condition) const {
        control::Client follower = connect();
        if (!follower.send({{"op", "events"}, {"follow", true}}))
            return ::testing::AssertionFailure() << "cannot follow";
        const Instant deadline = sys::boot_now() + kPatience;
        while (!condition()) {
            // Not every change of state is an event, so look at least each 100 ms.
            const Result<nlohmann::json> event = follower.next(100ms);
            if (!event && event.error().code != Code::Timeout)
                return ::testing::AssertionFailure() << event.error().context;
            if (sys::boot_now() > deadline) return ::testing::AssertionFailure() << "in time";
        }
        return ::testing::AssertionSuccess();
    }

    /// The node has found out that it is alone, and leads.
    ::testing::AssertionResult leads() const {
        return until([&] { return ask({{"op", "status"}})["coordinator"] == "solo1"; });
    }

    testing::TempDir folder_;
    pid_t daemon_ = 0;
};

const char* const kDummy = R"(<configuration>
  <crm_config>
    <cluster_property_set id="cib-bootstrap-options">
      <nvpair id="o1" name="stonith-enabled" value="false"/>
    </cluster_property_set>
  </crm_config>
  <nodes><node id="1" uname="solo1"/></nodes>
  <resources>
    <primitive id="xbeat-smoke" class="ocf" provider="heartbeat" type="Dummy">
      <operations><op id="m1" name="monitor" interval="10s"/></operations>
    </primitive>
  </resources>
  <constraints/>
</configuration>)";

TEST_F(SmokeTest, AnswersOnItsSocketAndLeavesCleanly) {
    start();

    const nlohmann::json pong = ask({{"op", "ping"}});
    EXPECT_EQ(pong["node"], "solo1");
    EXPECT_EQ(pong["pid"], daemon_);
    EXPECT_EQ(pong["role"], "admin");

    ASSERT_EQ(::kill(daemon_, SIGTERM), 0);
    const int status = wait_for_end();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_FALSE(std::filesystem::exists(folder_.file("run/admin.sock")));
}

TEST_F(SmokeTest, RefusesASecondDaemonAndNamesTheFirst) {
    start();

    EXPECT_EQ(run_to_end({}), 108);

    EXPECT_NE(read_all(folder_.file("second")).find("as pid " + std::to_string(daemon_)),
              std::string::npos);
    EXPECT_EQ(ask({{"op", "ping"}})["pid"], daemon_);
}

TEST_F(SmokeTest, ChecksItsConfigurationWithoutTouchingAnything) {
    EXPECT_EQ(run_to_end({"--check"}), 0);
    EXPECT_FALSE(std::filesystem::exists(folder_.file("run")));
    EXPECT_FALSE(std::filesystem::exists(folder_.file("state")));

    write_config("clusterr = \"solo\"\n");
    EXPECT_EQ(run_to_end({"--check"}), 78);
    EXPECT_NE(read_all(folder_.file("second")).find("xbeat.toml:1: unknown key `clusterr`"),
              std::string::npos)
        << read_all(folder_.file("second"));
}

TEST_F(SmokeTest, RefusesAKeyThatOthersMayRead) {
    ASSERT_EQ(::chmod(folder_.file("key").c_str(), 0644), 0);

    EXPECT_EQ(run_to_end({}), 77);

    EXPECT_NE(read_all(folder_.file("second")).find("chmod 0400"), std::string::npos);
}

TEST_F(SmokeTest, RefusesAStoreThatIsNoStore) {
    std::filesystem::create_directory(folder_.file("state"));
    folder_.write("state/store.db", std::string(9000, 'x'));

    EXPECT_EQ(run_to_end({}), 1);

    EXPECT_NE(read_all(folder_.file("second")).find("store.db is damaged"), std::string::npos);
}

TEST_F(SmokeTest, RunsADummyAndStopsItWhenItLeaves) {
    if (!std::filesystem::exists("/usr/lib/ocf/resource.d/heartbeat/Dummy"))
        GTEST_SKIP() << "needs the package resource-agents";
    const std::string state = "/run/resource-agents/Dummy-xbeat-smoke.state";
    std::filesystem::remove(state);
    start();
    ASSERT_TRUE(leads());

    ask({{"op", "replace_configuration"}, {"configuration", kDummy}});

    EXPECT_TRUE(until([&] { return std::filesystem::exists(state); }));
    EXPECT_TRUE(until([&] {
        const std::string cib = ask({{"op", "cib"}})["cib"];
        return cib.find("xbeat-smoke_monitor_10000") != std::string::npos;
    }));
    ASSERT_EQ(::kill(daemon_, SIGTERM), 0);
    EXPECT_EQ(wait_for_end(), 0);
    EXPECT_FALSE(std::filesystem::exists(state));
    std::filesystem::remove(state);
}

TEST_F(SmokeTest, KeepsItsConfigurationWhenItIsKilled) {
    start();
    ASSERT_TRUE(leads());
    ask({{"op", "replace_configuration"}, {"configuration", kDummy}});
    ASSERT_EQ(::kill(daemon_, SIGKILL), 0);
    wait_for_end();

    start();

    EXPECT_NE(std::string(ask({{"op", "cib"}})["cib"]).find("xbeat-smoke"), std::string::npos);
    ASSERT_EQ(::kill(daemon_, SIGTERM), 0);
    EXPECT_EQ(wait_for_end(), 0);
}

TEST_F(SmokeTest, StartsItsExecutorAgainWhenThatIsKilled) {
    start();
    const int first = ask({{"op", "status"}})["daemon"]["exec_pid"];
    ASSERT_GT(first, 0);

    ASSERT_EQ(::kill(first, SIGKILL), 0);

    EXPECT_TRUE(until([&] {
        const int now = ask({{"op", "status"}})["daemon"]["exec_pid"];
        return now > 0 && now != first;
    }));
    EXPECT_TRUE(until([&] {
        const nlohmann::json events = ask({{"op", "events"}})["events"];
        return std::any_of(events.begin(), events.end(), [](const nlohmann::json& event) {
            return event["kind"] == "executor-restarted";
        });
    }));
}

TEST_F(SmokeTest, EndsAtOnceOnASecondSignal) {
    start();
    // Both arrive before it can have left.
    ASSERT_EQ(::kill(daemon_, SIGSTOP), 0);
    ASSERT_EQ(::kill(daemon_, SIGTERM), 0);
    ASSERT_EQ(::kill(daemon_, SIGINT), 0);
    ASSERT_EQ(::kill(daemon_, SIGCONT), 0);

    EXPECT_EQ(wait_for_end(), 0);
}

TEST_F(SmokeTest, ReadsItsConfigurationAgainAndSaysWhatARestartWouldChange) {
    start();
    write_config("cluster = \"solo\"\nport = 7456\n");

    ASSERT_EQ(::kill(daemon_, SIGHUP), 0);

    EXPECT_TRUE(until([&] {
        return read_all(folder_.file("log")).find("takes effect at a restart: port changed") !=
               std::string::npos;
    }));
}

}  // namespace
}  // namespace xbeat::daemon
