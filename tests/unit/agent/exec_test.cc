// The real xbeat-exec with real processes.
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include <memory>
#include <thread>

#include "unit/agent/agent_lab.h"

namespace xbeat::agent {
namespace {

using namespace std::chrono_literals;

class Exec : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: agents must belong to root";
        if (exec_program().empty()) GTEST_SKIP() << "xbeat-exec is not built";
        ExecClient::Options options;
        options.program = exec_program();
        options.ocf_root = folder.path();
        options.fence_directory = folder.path() + "/sbin";
        options.lsb_directory = folder.path() + "/init.d";
        options.temporary_directory = folder.path() + "/tmp";
        options.instance = concat("unit-test-", ::getpid());
        options.restart_window = 100ms;
        auto started = ExecClient::start(options);
        ASSERT_TRUE(started) << started.error().context;
        client = std::make_unique<ExecClient>(*std::move(started));
        replies = std::make_unique<Replies>(*client);
    }
    void TearDown() override {
        for (const pid_t pid : to_kill) ::kill(pid, SIGKILL);
        client.reset();
        remove_groups(concat("unit-test-", ::getpid()));
    }

    Spawn action(const std::string& type, const std::string& name = "start") {
        Spawn spawn;
        spawn.id = {++last_id};
        spawn.provider = "test";
        spawn.type = type;
        spawn.action = name;
        spawn.resource = "r";
        spawn.timeout = 20s;
        return spawn;
    }
    Done done(const Request& request) {
        const Result<void> sent = client->send(request);
        EXPECT_TRUE(sent) << sent.error().context;
        return done(operation_of(request));
    }
    Done done(OperationId id) {
        const std::optional<Reply> end = replies->end_of(id);
        if (end && std::holds_alternative<Done>(*end)) return std::get<Done>(*end);
        ADD_FAILURE() << (end ? std::get<Failed>(*end).text : "no reply");
        return {};
    }
    Failed failed(const Request& request) {
        const Result<void> sent = client->send(request);
        EXPECT_TRUE(sent) << sent.error().context;
        const std::optional<Reply> end = replies->end_of(operation_of(request));
        if (end && std::holds_alternative<Failed>(*end)) return std::get<Failed>(*end);
        ADD_FAILURE() << (end ? "it ran" : "no reply");
        return {};
    }
    pid_t pid_in(const std::string& name) {
        const std::string file = folder.path() + "/" + name;
        EXPECT_TRUE(eventually([&] { return read_file(file).ends_with('\n'); })) << file;
        const pid_t pid = static_cast<pid_t>(parse_integer(trim(read_file(file))).value_or(0));
        if (pid > 1) to_kill.push_back(pid);
        return pid;
    }

    AgentFolder folder;
    std::unique_ptr<ExecClient> client;
    std::unique_ptr<Replies> replies;
    std::uint64_t last_id = 0;
    std::vector<pid_t> to_kill;
};

TEST_F(Exec, RunsAnActionAndReportsCodeOutputAndTimes) {
    folder.agent("Three", "echo out; echo err >&2; echo 'ocf-exit-reason:no disk' >&2; exit 3");

    const Done end = done(action("Three"));

    EXPECT_EQ(end.exit_code, 3);
    EXPECT_EQ(end.signal, 0);
    EXPECT_EQ(end.output, "out\n");
    EXPECT_EQ(end.errors, "err\nocf-exit-reason:no disk\n");
    EXPECT_EQ(end.exit_reason, "no disk");
    EXPECT_FALSE(end.timed_out);
    EXPECT_LE(end.queued_at, end.started_at);
    EXPECT_LT(end.started_at, end.ended_at);
    EXPECT_EQ(client->in_flight(), 0U);
}

TEST_F(Exec, GivesAgentsADocumentedEnvironmentAndThreeDescriptorsOnly) {
    // The shell keeps its script at 10; the glob's own descriptor is closed again when it is
    // tested.
    folder.agent(
        "Look",
        "echo \"$0 $1\"; env; umask; pwd; for f in /proc/$$/fd/*; do [ -e $f ] && "
        "echo \"fd ${f##*/}\"; done; ps -o sid= -p $$ | tr -d ' ' | sed \"s/^$$\\$/leader/\"");
    ::setenv("LD_PRELOAD_CANARY", "1", 1);
    Spawn spawn = action("Look", "monitor");
    spawn.parameters = {{"ip", "10.77.0.200"}, {"CRM_meta_timeout", "20000"}};
    spawn.environment = {{"OCF_CHECK_LEVEL", "10"}};

    const Done end = done(spawn);

    EXPECT_EQ(end.exit_code, 0);
    const auto has = [&](const std::string& line) {
        return ("\n" + end.output).find("\n" + line + "\n") != std::string::npos;
    };
    EXPECT_TRUE(has(folder.path() + "/resource.d/test/Look monitor")) << end.output;
    EXPECT_TRUE(has("OCF_RESKEY_ip=10.77.0.200"));
    EXPECT_TRUE(has("OCF_RESKEY_CRM_meta_timeout=20000"));
    EXPECT_TRUE(has("OCF_CHECK_LEVEL=10"));
    EXPECT_TRUE(has("OCF_ROOT=" + folder.path()));
    EXPECT_TRUE(has("HA_RSCTMP=" + folder.path() + "/tmp"));
    EXPECT_TRUE(has("fd 0\nfd 1\nfd 10\nfd 2\nleader")) << end.output;
    EXPECT_TRUE(has("0022"));
    EXPECT_TRUE(has("/"));
    EXPECT_EQ(end.output.find("CANARY"), std::string::npos);
    EXPECT_EQ(end.output.find("HOME="), std::string::npos);
}

TEST_F(Exec, RunsTheDummyAgentOfResourceAgents) {
    if (!std::filesystem::exists("/usr/lib/ocf/resource.d/heartbeat/Dummy")) {
        GTEST_SKIP() << "resource-agents is not installed";
    }
    ExecClient::Options options;
    options.program = exec_program();
    options.temporary_directory = folder.path() + "/tmp";
    options.instance = concat("unit-test-dummy-", ::getpid());
    auto real = ExecClient::start(options);
    ASSERT_TRUE(real) << real.error().context;
    Replies answers(*real);
    const auto run = [&](const std::string& name) {
        Spawn spawn = action("Dummy", name);
        spawn.provider = "heartbeat";
        EXPECT_TRUE(real->send(spawn));
        const std::optional<Reply> end = answers.end_of(spawn.id);
        return end && std::holds_alternative<Done>(*end) ? std::get<Done>(*end).exit_code : -1;
    };

    EXPECT_EQ(run("monitor"), 7);
    EXPECT_EQ(run("start"), 0);
    EXPECT_EQ(run("monitor"), 0);
    EXPECT_EQ(run("stop"), 0);
    EXPECT_EQ(run("monitor"), 7);
    EXPECT_EQ(run("no-such-action"), 3);
}

TEST_F(Exec, RunsIpaddr2OfResourceAgentsInANetworkNamespace) {
    if (!std::filesystem::exists("/usr/lib/ocf/resource.d/heartbeat/IPaddr2")) {
        GTEST_SKIP() << "resource-agents is not installed";
    }
    // The thread has a network of its own, and so has what it starts.
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no network namespaces here";
        ASSERT_EQ(std::system("ip link add v0 type veth peer name v1 && ip link set v0 up && "
                              "ip link set v1 up && ip addr add 10.77.0.1/24 dev v0"),
                  0);
        ExecClient::Options options;
        options.program = exec_program();
        options.instance = concat("unit-test-ipaddr2-", ::getpid());
        auto real = ExecClient::start(options);
        ASSERT_TRUE(real) << real.error().context;
        Replies answers(*real);
        const auto run = [&](const std::string& name) {
            Spawn spawn = action("IPaddr2", name);
            spawn.provider = "heartbeat";
            spawn.parameters = {{"ip", "10.77.0.200"}, {"crm_feature_set", "3.16.1"}};
            EXPECT_TRUE(real->send(spawn));
            const std::optional<Reply> end = answers.end_of(spawn.id);
            if (!end || !std::holds_alternative<Done>(*end)) return -1;
            const Done& done = std::get<Done>(*end);
            EXPECT_TRUE(done.exit_code == 0 || name == "monitor") << done.errors;
            return done.exit_code;
        };
        EXPECT_EQ(run("monitor"), 7);
        EXPECT_EQ(run("start"), 0);
        EXPECT_EQ(run("monitor"), 0);
        EXPECT_EQ(run("stop"), 0);
        EXPECT_EQ(run("monitor"), 7);
    }).join();
}

TEST_F(Exec, GetsAnAgentsMetadata) {
    folder.agent("Xml", "[ $1 = meta-data ] && echo '<resource-agent/>'");

    const Done end = done(Metadata{.id = {++last_id},
                                   .agent_class = AgentClass::Ocf,
                                   .provider = "test",
                                   .type = "Xml",
                                   .timeout = 5s});

    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.output, "<resource-agent/>\n");
}

TEST_F(Exec, KillsAHangingActionAtItsTimeoutWithAllThatItStarted) {
    folder.agent("Hang",
                 concat("setsid sh -c 'echo $$ > ", folder.path(), "/far; exec sleep 1000' & ",
                        "sleep 1000 & echo $! > ", folder.path(), "/near; wait"));
    Spawn spawn = action("Hang");
    spawn.timeout = 500ms;

    const Done end = done(spawn);

    EXPECT_TRUE(end.timed_out);
    EXPECT_EQ(end.signal, SIGKILL);
    EXPECT_GE(end.ended_at - end.queued_at, 500ms);
    EXPECT_LT(end.ended_at - end.queued_at, 1500ms);
    const pid_t near = pid_in("near");
    EXPECT_TRUE(eventually([&] { return !is_running(near); }));
    if (std::filesystem::exists("/sys/fs/cgroup/cgroup.kill") ||
        std::filesystem::exists("/sys/fs/cgroup/unified/cgroup.controllers")) {
        const pid_t far = pid_in("far");
        EXPECT_TRUE(eventually([&] { return !is_running(far); }));
    }
}

TEST_F(Exec, LeavesADaemonAloneThatAnActionStarted) {
    folder.agent("Daemon", concat("setsid sh -c 'echo $$ > ", folder.path(),
                                  "/daemon; exec sleep 1000' >/dev/null 2>&1 &\nexit 0"));
    EXPECT_EQ(done(action("Daemon")).exit_code, 0);
    const pid_t daemon = pid_in("daemon");

    client.reset();  // xbeat-exec ends

    EXPECT_TRUE(is_running(daemon));
}

TEST_F(Exec, DoesNotWaitForADaemonThatKeepsThePipesOpen) {
    folder.agent("Loud",
                 concat("sh -c 'echo $$ > ", folder.path(), "/daemon; exec sleep 1000' & exit 0"));

    const Done end = done(action("Loud"));

    EXPECT_EQ(end.exit_code, 0);
    EXPECT_LT(end.ended_at - end.queued_at, 10s);
    pid_in("daemon");
}

TEST_F(Exec, SaysThatAnAgentIsMissing) {
    const Failed end = failed(action("Nowhere"));

    EXPECT_EQ(end.reason, FailReason::Missing);
    EXPECT_NE(end.text.find("Nowhere"), std::string::npos);
    EXPECT_EQ(ocf_code(end.reason), 5);
}

TEST_F(Exec, SaysThatAnAgentIsNotExecutable) {
    folder.agent("Plain", "exit 0", 0644);

    EXPECT_EQ(failed(action("Plain")).reason, FailReason::NotExecutable);
}

TEST_F(Exec, RefusesAnAgentThatEverybodyMayWrite) {
    folder.agent("Open", "exit 0", 0777);

    EXPECT_EQ(failed(action("Open")).reason, FailReason::NotAllowed);
}

TEST_F(Exec, SaysThatTheInterpreterIsMissing) {
    folder.write("resource.d/test/Lost", "#!/no/such/interpreter\n");

    const Failed end = failed(action("Lost"));

    EXPECT_EQ(end.reason, FailReason::Missing);
    EXPECT_NE(end.text.find("interpreter"), std::string::npos);
}

TEST_F(Exec, SaysThatAFileIsNoProgram) {
    folder.write("resource.d/test/Text", "just words\n");

    EXPECT_EQ(failed(action("Text")).reason, FailReason::NotExecutable);
}

TEST_F(Exec, RunsABinaryByItsDescriptor) {
    std::filesystem::create_directories(folder.path() + "/resource.d/test");
    std::filesystem::copy_file("/usr/bin/printf", folder.path() + "/resource.d/test/Binary");
    ::chmod((folder.path() + "/resource.d/test/Binary").c_str(), 0755);

    const Done end = done(action("Binary", "hello"));

    EXPECT_EQ(end.exit_code, 0);
    EXPECT_EQ(end.output, "hello");
}

TEST_F(Exec, KeepsTheFirstMebibyteOfAHundred) {
    folder.agent("Flood",
                 "head -c 100000000 /dev/zero | tr '\\0' 'x'; "
                 "echo 'ocf-exit-reason:after the flood' >&2; exit 1");

    const Done end = done(action("Flood"));

    EXPECT_EQ(end.exit_code, 1);
    EXPECT_EQ(end.output.size(), kAgentOutputBytesMax);
    EXPECT_TRUE(end.output_cut);
    EXPECT_EQ(end.exit_reason, "after the flood");
}

TEST_F(Exec, EndsAForkBombAtItsTimeout) {
    folder.agent("Bomb",
                 concat("i=0; while [ $i -lt 200 ]; do setsid sleep 1003 & i=$((i+1)); done\n"
                        "echo $! > ",
                        folder.path(), "/last; wait"));
    Spawn spawn = action("Bomb");
    spawn.timeout = 3s;

    const Done end = done(spawn);

    EXPECT_TRUE(end.timed_out);
    const auto sleepers = [] {
        int count = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::string line = read_file(entry.path().string() + "/cmdline");
            if (line == std::string("sleep\0"
                                    "1003\0",
                                    11))
                ++count;
        }
        return count;
    };
    if (!std::filesystem::exists("/sys/fs/cgroup/unified/cgroup.controllers") &&
        !std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers")) {
        GTEST_SKIP() << "no cgroup2 tree: processes that leave the session are out of reach";
    }
    EXPECT_TRUE(eventually([&] { return sleepers() == 0; })) << sleepers();
}

TEST_F(Exec, RunsManyActionsAtOnceAndRefusesOnePastTheLimit) {
    folder.agent("Wait", "exec sleep 1000");
    std::vector<OperationId> ids;
    for (std::size_t i = 0; i < kOperationsMax; ++i) {
        Spawn spawn = action("Wait");
        spawn.hold = true;
        ASSERT_TRUE(client->send(spawn));
        ids.push_back(spawn.id);
    }

    EXPECT_EQ(failed(action("Wait")).reason, FailReason::Limit);

    for (const OperationId id : ids) ASSERT_TRUE(client->send(Kill{id}));
    for (const OperationId id : ids) EXPECT_TRUE(done(id).killed);
}

TEST_F(Exec, KillsAnActionOnRequest) {
    folder.agent("Wait", "exec sleep 1000");
    const Spawn spawn = action("Wait");
    ASSERT_TRUE(client->send(spawn));
    ASSERT_TRUE(replies->next<Spawned>(spawn.id));

    ASSERT_TRUE(client->send(Kill{spawn.id}));

    const Done end = done(spawn.id);
    EXPECT_TRUE(end.killed);
    EXPECT_FALSE(end.timed_out);
    EXPECT_EQ(end.signal, SIGKILL);
}

TEST_F(Exec, HoldsAChildUntilItIsReleased) {
    folder.agent("Mark", concat("echo x > ", folder.path(), "/ran"));
    Spawn spawn = action("Mark");
    spawn.hold = true;
    ASSERT_TRUE(client->send(spawn));
    const std::optional<Spawned> spawned = replies->next<Spawned>(spawn.id);
    ASSERT_TRUE(spawned);
    // A whole other action later it still has not run.
    folder.agent("True", "exit 0");
    EXPECT_EQ(done(action("True")).exit_code, 0);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/ran"));
    EXPECT_TRUE(is_running(spawned->pid));

    ASSERT_TRUE(client->send(Release{spawn.id}));

    EXPECT_EQ(done(spawn.id).exit_code, 0);
    EXPECT_TRUE(std::filesystem::exists(folder.path() + "/ran"));
}

TEST_F(Exec, FeedsAFenceAgentItsParametersAndKeepsThemOutOfTheCommandLine) {
    folder.write("sbin/fence_test",
                 "#!/bin/sh\necho \"args: $#\"; cat; env | grep -c OCF_; exit 2\n");
    Spawn spawn = action("fence_test");
    spawn.agent_class = AgentClass::Stonith;
    spawn.provider = "";
    const auto input = fence_input("status", {{"plug", "pm02"}, {"password", "a b'c"}});
    ASSERT_TRUE(input);
    spawn.input = *input;

    const Done end = done(spawn);

    EXPECT_EQ(end.exit_code, 2);
    EXPECT_EQ(end.output, "args: 0\naction=status\nplug=pm02\npassword=a b'c\n0\n");
}

TEST_F(Exec, FeedsMoreThanAPipeHolds) {
    folder.write("sbin/fence_count", "#!/bin/sh\nsleep 0.1; wc -c\n");
    Spawn spawn = action("fence_count");
    spawn.agent_class = AgentClass::Stonith;
    spawn.provider = "";
    spawn.input = std::string(kInputBytesMax, 'x');

    EXPECT_EQ(trim(done(spawn).output), concat(kInputBytesMax));
}

TEST_F(Exec, RunsAnLsbScriptWithoutOcfVariables) {
    folder.write("init.d/thing", "#!/bin/sh\n[ $1 = status ] && env | grep -c OCF_; exit 3\n");
    Spawn spawn = action("thing", "status");
    spawn.agent_class = AgentClass::Lsb;
    spawn.provider = "";

    const Done end = done(spawn);

    EXPECT_EQ(end.exit_code, 3);
    EXPECT_EQ(end.output, "0\n");
}

TEST_F(Exec, RefusesASecondOperationOfOneId) {
    folder.agent("Wait", "exec sleep 1000");
    const Spawn spawn = action("Wait");
    ASSERT_TRUE(client->send(spawn));

    const Result<void> again = client->send(spawn);

    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::Exists);
}

TEST_F(Exec, RefusesVariablesThatWouldChangeTheProgram) {
    folder.agent("True", "exit 0");
    Spawn spawn = action("True");
    spawn.environment = {{"LD_PRELOAD", "/tmp/evil.so"}};

    EXPECT_EQ(failed(spawn).reason, FailReason::BadRequest);
}

TEST_F(Exec, ReportsWhatWasInFlightWhenItDiesAndStartsAgain) {
    folder.agent("Wait",
                 concat("echo $$ > ", folder.path(), "/waiting; ", "setsid sh -c 'echo $$ > ",
                        folder.path(), "/helper; exec sleep 1000' & wait"));
    folder.agent("True", "exit 0");
    const Spawn spawn = action("Wait");
    ASSERT_TRUE(client->send(spawn));
    const pid_t waiting = pid_in("waiting");
    const pid_t helper = pid_in("helper");
    const int fd = client->fd();

    ASSERT_EQ(::kill(client->pid(), SIGKILL), 0);

    const std::optional<Reply> end = replies->end_of(spawn.id);
    ASSERT_TRUE(end);
    ASSERT_TRUE(std::holds_alternative<Failed>(*end));
    EXPECT_EQ(std::get<Failed>(*end).reason, FailReason::ExecutorDied);
    EXPECT_EQ(client->fd(), fd);
    EXPECT_EQ(client->restarts(), 1U);
    EXPECT_EQ(done(action("True")).exit_code, 0);
    // The action must not run on unseen, nor what it started.
    EXPECT_TRUE(eventually([&] { return !is_running(waiting); }));
    if (std::filesystem::exists("/sys/fs/cgroup/unified/cgroup.controllers") ||
        std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers")) {
        EXPECT_TRUE(eventually([&] { return !is_running(helper); }));
    }
}

TEST_F(Exec, LetsServicesLiveWhenItDies) {
    folder.agent("Daemon", concat("setsid sh -c 'echo $$ > ", folder.path(),
                                  "/daemon; exec sleep 1000' >/dev/null 2>&1 &\nexit 0"));
    folder.agent("True", "exit 0");
    EXPECT_EQ(done(action("Daemon")).exit_code, 0);
    const pid_t daemon = pid_in("daemon");

    ASSERT_EQ(::kill(client->pid(), SIGKILL), 0);

    // Some round trips through the new one, which has cleaned up by then.
    ASSERT_TRUE(eventually([&] {
        const Spawn spawn = action("True");
        return client->send(spawn) && replies->end_of(spawn.id) && client->restarts() == 1;
    }));
    EXPECT_TRUE(is_running(daemon));
}

TEST_F(Exec, GivesUpWhenItDiesAgainAndAgain) {
    ExecClient::Options options;
    options.program = "/bin/false";
    options.restarts_max = 3;
    auto broken = ExecClient::start(options);
    ASSERT_TRUE(broken);
    Replies answers(*broken);
    Spawn spawn = action("True");

    Code code = Code::Invalid;
    EXPECT_TRUE(eventually([&] {
        ++spawn.id.value;
        const Result<void> sent = broken->send(spawn);
        if (!sent) code = sent.error().code;
        if (sent) answers.end_of(spawn.id);
        return !sent;
    }));

    EXPECT_EQ(code, Code::Unavailable);
}

TEST_F(Exec, CannotBeStartedFromAMissingProgram) {
    ExecClient::Options options;
    options.program = "/no/such/xbeat-exec";

    const auto started = ExecClient::start(options);

    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Code::NotFound);
}

TEST_F(Exec, LaunchesAProgramThatOutlivesIt) {
    Launch launch{.id = {++last_id},
                  .resource = "web",
                  .program = "/bin/sleep",
                  .arguments = {"1000"},
                  .environment = {},
                  .user = "nobody",
                  .directory = "/tmp",
                  .hold = true};
    ASSERT_TRUE(client->send(launch));
    const std::optional<Spawned> spawned = replies->next<Spawned>(launch.id);
    ASSERT_TRUE(spawned);
    to_kill.push_back(spawned->pid);

    ASSERT_TRUE(client->send(Release{launch.id}));

    ASSERT_TRUE(replies->next<Executed>(launch.id));
    EXPECT_EQ(std::filesystem::read_symlink(concat("/proc/", spawned->pid, "/cwd")), "/tmp");
    struct stat status {};
    ASSERT_EQ(::stat(concat("/proc/", spawned->pid).c_str(), &status), 0);
    EXPECT_NE(status.st_uid, 0U);
    client.reset();
    EXPECT_TRUE(is_running(spawned->pid));
}

TEST_F(Exec, SaysWhyALaunchDidNotWork) {
    Launch launch{.id = {++last_id},
                  .resource = "web",
                  .program = "/no/such/program",
                  .arguments = {},
                  .environment = {},
                  .user = "",
                  .directory = "",
                  .hold = false};
    EXPECT_EQ(failed(launch).reason, FailReason::Missing);
    launch.id = {++last_id};
    launch.program = "relative";
    EXPECT_EQ(failed(launch).reason, FailReason::BadRequest);
    launch.id = {++last_id};
    launch.program = "/etc/hostname";
    EXPECT_EQ(failed(launch).reason, FailReason::NotExecutable);
    launch.id = {++last_id};
    launch.program = "/bin/sleep";
    launch.user = "nobody-of-that-name";
    EXPECT_EQ(failed(launch).reason, FailReason::BadRequest);
    launch.id = {++last_id};
    launch.user = "";
    launch.directory = "/no/such/folder";
    EXPECT_EQ(failed(launch).reason, FailReason::BadRequest);
}

}  // namespace
}  // namespace xbeat::agent
