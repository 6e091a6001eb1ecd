// Watch and xbeat-exec together, as the daemon uses them: hold, add, release, arm.
#include <signal.h>
#include <sys/wait.h>

#include <cstdio>
#include <memory>

#include "agent/builtin/builtins.h"
#include "heart/watch.h"
#include "unit/agent/agent_lab.h"

namespace xbeat::heart {
namespace {

using namespace std::chrono_literals;
using agent::AgentFolder;
using agent::Done;
using agent::ExecClient;
using agent::Release;
using agent::Replies;
using agent::Spawn;
using agent::Spawned;

class WatchAgent : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        if (agent::exec_program().empty()) GTEST_SKIP() << "xbeat-exec is not built";
        auto made = Watch::create({.mode = Watch::Mode::Tracing});
        if (!made) GTEST_SKIP() << made.error().context;
        watch.emplace(*std::move(made));
        ExecClient::Options options;
        options.program = agent::exec_program();
        options.ocf_root = folder.path();
        options.temporary_directory = folder.path() + "/tmp";
        options.instance = concat("bpf-test-", ::getpid());
        auto started = ExecClient::start(options);
        ASSERT_TRUE(started) << started.error().context;
        exec = std::make_unique<ExecClient>(*std::move(started));
        replies = std::make_unique<Replies>(*exec);
    }

    void TearDown() override {
        replies.reset();
        exec.reset();
        agent::remove_groups(concat("bpf-test-", ::getpid()));
    }

    // One action with everything it forks under the cookie; its exit code.
    int watched_action(const std::string& type, std::uint64_t cookie) {
        Spawn spawn;
        spawn.id = {++last_id};
        spawn.provider = "test";
        spawn.type = type;
        spawn.action = "start";
        spawn.resource = "r";
        spawn.timeout = 20s;
        spawn.hold = true;
        EXPECT_TRUE(exec->send(spawn));
        const auto spawned = replies->next<Spawned>(spawn.id);
        if (!spawned) return -1;
        EXPECT_TRUE(watch->add(spawned->pid, cookie));
        EXPECT_TRUE(exec->send(Release{spawn.id}));
        const auto done = replies->next<Done>(spawn.id);
        return done ? done->exit_code : -1;
    }
    std::optional<WatchEvent> next_exit() {
        std::optional<WatchEvent> found;
        const Instant end = sys::boot_now() + agent::kGenerous;
        while (!found && sys::boot_now() < end) {
            pollfd ready{.fd = watch->event_fd(), .events = POLLIN, .revents = 0};
            ::poll(&ready, 1, 1000);
            EXPECT_TRUE(watch->drain([&](const WatchEvent& event) {
                if (event.kind == WatchEvent::Kind::Exit && !found) found = event;
            }));
        }
        return found;
    }
    pid_t pid_in(const std::string& name) {
        const std::string file = folder.path() + "/" + name;
        EXPECT_TRUE(agent::eventually([&] { return agent::read_file(file).ends_with('\n'); }));
        return static_cast<pid_t>(parse_integer(trim(agent::read_file(file))).value_or(0));
    }

    AgentFolder folder;
    std::optional<Watch> watch;
    std::unique_ptr<ExecClient> exec;
    std::unique_ptr<Replies> replies;
    std::uint64_t last_id = 0;
};

TEST_F(WatchAgent, HearsOfTheDaemonThatAnAgentStartedAndNotOfItsHelpers) {
    folder.agent("Daemon", concat("for i in 1 2 3 4 5; do /bin/true; (exit 3); done\n"
                                  "setsid sh -c 'sh -c \"echo \\$\\$ > ",
                                  folder.path(),
                                  "/daemon; exec sleep 1000\" &' >/dev/null 2>&1\n"
                                  "while ! [ -s ",
                                  folder.path(), "/daemon ]; do sleep 0.01; done\nexit 0"));
    ASSERT_EQ(watched_action("Daemon", 77), 0);
    const pid_t daemon = pid_in("daemon");
    ASSERT_GT(daemon, 1);
    ASSERT_TRUE(watch->arm(77));

    const Instant before = sys::boot_now();
    ::kill(daemon, SIGKILL);

    const auto exit = next_exit();
    const Instant after = sys::boot_now();
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->cookie, 77U);
    EXPECT_EQ(exit->pid, daemon);
    EXPECT_EQ(exit->signal, SIGKILL);
    EXPECT_TRUE(exit->is_top);
    std::printf("SIGKILL of an agent's daemon to the event: %.0f us\n",
                static_cast<double>((after - before).count()) / 1000);
}

TEST_F(WatchAgent, StaysArmedWhenXbeatExecDies) {
    folder.agent("Daemon", concat("setsid sh -c 'echo $$ > ", folder.path(),
                                  "/daemon; exec sleep 1000' >/dev/null 2>&1 &\n"
                                  "while ! [ -s ",
                                  folder.path(), "/daemon ]; do sleep 0.01; done"));
    ASSERT_EQ(watched_action("Daemon", 5), 0);
    ASSERT_TRUE(watch->arm(5));
    const pid_t daemon = pid_in("daemon");

    ::kill(exec->pid(), SIGKILL);
    ASSERT_TRUE(agent::eventually([&] { return exec->receive() && exec->restarts() == 1; }));
    ASSERT_TRUE(agent::is_running(daemon));
    ::kill(daemon, SIGTERM);

    const auto exit = next_exit();
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->pid, daemon);
    EXPECT_EQ(exit->signal, SIGTERM);
}

TEST_F(WatchAgent, HearsOfTheEndOfABuiltInProcess) {
    auto builtins = agent::Builtins::create(
        {.run_dir = folder.path(),
         .send = [this](const agent::Request& request) { return exec->send(request); }});
    ASSERT_TRUE(builtins);
    Spawn spawn;
    spawn.id = {1};
    spawn.provider = "xbeat";
    spawn.type = "process";
    spawn.action = "start";
    spawn.resource = "web";
    spawn.timeout = 20s;
    spawn.hold = true;
    spawn.parameters = {{"cmdline", "/bin/sh -c 'kill -SEGV $$'"}};
    ASSERT_TRUE(builtins->start(spawn, sys::boot_now()));
    bool is_over = false;
    ASSERT_TRUE(agent::eventually([&] {
        const auto from_exec = exec->receive();
        if (!from_exec) return true;
        for (const agent::Reply& reply : *from_exec) builtins->consume(reply, sys::boot_now());
        for (const agent::Reply& reply : builtins->receive(sys::boot_now())) {
            if (const auto* spawned = std::get_if<Spawned>(&reply)) {
                // A program that dies at once: armed before it runs, so that this is heard.
                EXPECT_TRUE(watch->add(spawned->pid, 9));
                EXPECT_TRUE(watch->arm(9));
                EXPECT_TRUE(exec->send(Release{spawn.id}));
            }
            is_over = is_over || std::holds_alternative<Done>(reply);
        }
        return is_over;
    }));

    const auto exit = next_exit();
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->signal, SIGSEGV);
    EXPECT_TRUE(exit->is_root);
    EXPECT_TRUE(exit->is_top);
}

}  // namespace
}  // namespace xbeat::heart
