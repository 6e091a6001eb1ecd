#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "daemon/agents.h"
#include "daemon/lock_file.h"
#include "daemon/log.h"
#include "daemon/read_file.h"
#include "daemon/spsc_queue.h"
#include "unit/daemon/temp_dir.h"

namespace xbeat::daemon {
namespace {

TEST(SpscQueue, GivesBackInOrderWhatWentIn) {
    SpscQueue<int, 4> queue;
    EXPECT_EQ(queue.pop(), std::nullopt);

    EXPECT_TRUE(queue.push(1));
    EXPECT_TRUE(queue.push(2));

    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.pop(), 2);
    EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(SpscQueue, RefusesTheValueThatDoesNotFitAndKeepsTheOthers) {
    SpscQueue<int, 4> queue;
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(i));

    EXPECT_FALSE(queue.push(4));

    EXPECT_EQ(queue.pop(), 0);
    EXPECT_TRUE(queue.push(5));
    for (const int wanted : {1, 2, 3, 5}) EXPECT_EQ(queue.pop(), wanted);
}

TEST(SpscQueue, LosesNothingBetweenTwoThreads) {
    SpscQueue<std::uint64_t, 64> queue;
    constexpr std::uint64_t kCount = 200'000;
    std::thread producer([&] {
        for (std::uint64_t i = 1; i <= kCount;) {
            if (queue.push(i)) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    });

    std::uint64_t expected = 1;
    while (expected <= kCount) {
        const auto value = queue.pop();
        if (!value) {
            std::this_thread::yield();
            continue;
        }
        ASSERT_EQ(*value, expected);
        ++expected;
    }
    producer.join();
    EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(LockFile, RefusesASecondDaemonAndNamesTheFirst) {
    const testing::TempDir folder;
    const Result<sys::Fd> first = take_lock(folder.path());
    ASSERT_TRUE(first) << first.error().context;

    const Result<sys::Fd> second = take_lock(folder.path());

    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Exists);
    EXPECT_NE(second.error().context.find("pid " + std::to_string(::getpid())), std::string::npos)
        << second.error().context;
}

TEST(LockFile, IsFreeAgainWhenItsHolderWasKilled) {
    const testing::TempDir folder;
    const pid_t child = ::fork();
    if (child == 0) {
        const Result<sys::Fd> held = take_lock(folder.path());
        ::_exit(held ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);

    EXPECT_TRUE(take_lock(folder.path()));
}

TEST(LockFile, MakesTheRunDirectory) {
    const testing::TempDir folder;

    EXPECT_TRUE(take_lock(folder.file("run")));

    struct stat about {};
    ASSERT_EQ(::stat(folder.file("run").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0755U);
}

TEST(ReadFile, TellsMissingFromForbiddenFromTooLarge) {
    const testing::TempDir folder;

    EXPECT_EQ(read_file(folder.file("missing"), 10).error().code, Code::NotFound);
    EXPECT_EQ(read_file(folder.write("large", "01234567890"), 10).error().code, Code::Limit);
    EXPECT_EQ(read_file(folder.path(), 10).error().code, Code::Invalid);
    EXPECT_EQ(*read_file(folder.write("fits", "0123456789"), 10), "0123456789");
}

Note example() {
    return {.level = Level::Warning,
            .kind = "path-down",
            .node = "pm02",
            .resource = "",
            .text = "path ic0 is silent",
            .fields = {{"path", "ic0"}, {"unanswered", "5"}},
            .at = {}};
}

TEST(Log, PrintsANoteAsOneLineOfPairs) {
    EXPECT_EQ(print_note(example()),
              "level=warning kind=path-down node=pm02 text=\"path ic0 is silent\" path=ic0 "
              "unanswered=5");
}

TEST(Log, LetsNobodyForgeALineOrAPair) {
    Note note = example();
    note.text = "x\nlevel=error kind=fake \"y\" \\ \x1b[31m";
    note.fields = {{"a b=c", ""}};

    EXPECT_EQ(print_note(note),
              "level=warning kind=path-down node=pm02 text=\"x\\nlevel=error kind=fake \\\"y\\\" "
              "\\\\ \\x1b[31m\" a_b_c=\"\"");
}

TEST(Agents, PassAnOcfRunOnAsItIs) {
    node::RunAgent run{.operation = OperationId{7},
                       .agent_class = "ocf",
                       .provider = "heartbeat",
                       .type = "Dummy",
                       .resource = "d",
                       .action = "start",
                       .timeout = 20s,
                       .parameters = {{"fake", "x"}, {"CRM_meta_timeout", "20000"}}};

    const Result<agent::Spawn> spawn = make_spawn(run);

    ASSERT_TRUE(spawn);
    EXPECT_EQ(spawn->agent_class, agent::AgentClass::Ocf);
    EXPECT_EQ(spawn->timeout, 20s);
    EXPECT_EQ(spawn->parameters.size(), 2U);
    EXPECT_TRUE(spawn->input.empty());
}

TEST(Agents, TellAFenceAgentOnlyWhatIsItsOwn) {
    node::RunAgent run{.operation = OperationId{7},
                       .agent_class = "stonith",
                       .provider = "",
                       .type = "fence_lab",
                       .resource = "f1",
                       .action = "reboot",
                       .timeout = 60s,
                       .parameters = {{"port", "pm01"},
                                      {"pcmk_host_list", "pm01"},
                                      {"CRM_meta_timeout", "1"},
                                      {"crm_feature_set", "3.16.1"}}};

    const Result<agent::Spawn> spawn = make_spawn(run);

    ASSERT_TRUE(spawn);
    EXPECT_EQ(spawn->input, "action=reboot\nport=pm01\n");
    EXPECT_TRUE(spawn->parameters.empty());
}

TEST(Agents, AskAnInitScriptForItsStatusWithoutParameters) {
    node::RunAgent run;
    run.operation = OperationId{5};
    run.agent_class = "lsb";
    run.type = "cron";
    run.action = "monitor";
    run.timeout = 10s;
    run.parameters = {{"CRM_meta_timeout", "10000"}};

    const Result<agent::Spawn> spawn = make_spawn(run);

    ASSERT_TRUE(spawn) << spawn.error().context;
    EXPECT_EQ(spawn->agent_class, agent::AgentClass::Lsb);
    EXPECT_EQ(spawn->action, "status");
    EXPECT_TRUE(spawn->parameters.empty());
}

TEST(Agents, TakeAnInitScriptsCodesForWhatTheyMean) {
    EXPECT_EQ(ocf_code_of_lsb("monitor", 0), 0);
    for (const int stopped : {1, 2, 3}) EXPECT_EQ(ocf_code_of_lsb("monitor", stopped), 7);
    EXPECT_EQ(ocf_code_of_lsb("monitor", 4), 1);
    EXPECT_EQ(ocf_code_of_lsb("monitor", 150), 5);
    EXPECT_EQ(ocf_code_of_lsb("start", 0), 0);
    EXPECT_EQ(ocf_code_of_lsb("start", 5), 5);
    EXPECT_EQ(ocf_code_of_lsb("start", 99), 1);
}

TEST(Agents, TakeAServiceForAnInitScriptOnlyWhereThereIsOne) {
    EXPECT_EQ(resolve_service("sh", "/bin"), "lsb");
    EXPECT_EQ(resolve_service("no-such-service", "/bin"), "systemd");
    EXPECT_EQ(resolve_service("../bin/sh", "/bin"), "systemd");
}

TEST(Agents, GiveAnAlertItsVariablesAndTheTimeInItsForm) {
    node::RunAgent run;
    run.operation = OperationId{6};
    run.agent_class = "alert";
    run.type = "/usr/share/alerts/mail";
    run.action = "%Y-%03N";
    run.timeout = 10s;
    run.resource = "mail";
    run.parameters = {{"CRM_alert_kind", "node"}, {"from", "me"}};

    const Result<agent::Spawn> spawn = make_spawn(run);

    ASSERT_TRUE(spawn) << spawn.error().context;
    EXPECT_EQ(spawn->agent_class, agent::AgentClass::Alert);
    std::map<std::string, std::string> values;
    for (const agent::Parameter& one : spawn->parameters) values[one.name] = one.value;
    EXPECT_EQ(values["CRM_alert_kind"], "node");
    EXPECT_EQ(values["from"], "me");
    EXPECT_EQ(values["CRM_alert_timestamp"].size(), 8U);
    EXPECT_EQ(values["CRM_alert_timestamp"][4], '-');
    EXPECT_GT(values["CRM_alert_timestamp_epoch"].size(), 9U);
}

TEST(Agents, RefuseAClassThatNobodyRuns) {
    node::RunAgent run;
    run.agent_class = "upstart";
    run.timeout = 1s;

    const Result<agent::Spawn> spawn = make_spawn(run);

    ASSERT_FALSE(spawn);
    EXPECT_EQ(spawn.error().code, Code::NotFound);
}

TEST(Agents, TellHowARunEnded) {
    agent::Done done{.id = OperationId{3}, .exit_code = 7};
    EXPECT_EQ(make_done(done).status, node::AgentStatus::Done);
    EXPECT_EQ(make_done(done).rc, 7);
    done.timed_out = true;
    done.signal = 9;
    EXPECT_EQ(make_done(done).status, node::AgentStatus::TimedOut);
    done.timed_out = false;
    EXPECT_EQ(make_done(done).status, node::AgentStatus::Killed);
    EXPECT_EQ(make_done(done).exit_reason, "ended by signal 9");

    struct Row {
        agent::FailReason reason;
        node::AgentStatus status;
        int rc;
    };
    for (const Row& row : {Row{agent::FailReason::Missing, node::AgentStatus::NotInstalled, 5},
                           Row{agent::FailReason::NotAllowed, node::AgentStatus::NotAllowed, 4},
                           Row{agent::FailReason::ExecutorDied, node::AgentStatus::Failed, 1}}) {
        const node::AgentDone made = make_done(
            agent::Failed{.id = OperationId{3}, .reason = row.reason, .text = "why"}, Instant(5ns));
        EXPECT_EQ(made.status, row.status);
        EXPECT_EQ(made.rc, row.rc);
        EXPECT_EQ(made.exit_reason, "why");
        EXPECT_EQ(made.operation, OperationId{3});
    }
}

}  // namespace
}  // namespace xbeat::daemon
