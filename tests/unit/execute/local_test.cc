#include "execute/local.h"

#include <gtest/gtest.h>

namespace xbeat::execute {
namespace {

wire::Operation probe() {
    wire::Operation operation;
    operation.id = OperationId{7};
    operation.resource = "web";
    operation.agent_class = "ocf";
    operation.agent_provider = "heartbeat";
    operation.agent_type = "Dummy";
    operation.task = "monitor";
    operation.key = "web_monitor_0";
    operation.timeout_ms = 1000;
    return operation;
}

AgentDone lost(OperationId run) {
    AgentDone done;
    done.operation = run;
    done.status = AgentStatus::Failed;
    return done;
}

TEST(Local, RunsAMonitorAgainWhoseExecutorDied) {
    std::uint64_t next_run = 1;
    Local local(&next_run);
    const Now now{};
    local.accept(probe(), now);
    const LocalOutput first = local.take();
    ASSERT_EQ(first.run.size(), 1U);

    ASSERT_TRUE(local.agent_done(lost(first.run[0].operation), now));
    const LocalOutput second = local.take();

    EXPECT_TRUE(second.results.empty());
    ASSERT_EQ(second.run.size(), 1U);

    ASSERT_TRUE(local.agent_done(lost(second.run[0].operation), now));
    const LocalOutput third = local.take();

    EXPECT_TRUE(third.run.empty());
    EXPECT_EQ(third.results.size(), 1U);
}

wire::Operation task(std::string name, std::vector<std::pair<std::string, std::string>> with) {
    wire::Operation operation = probe();
    operation.task = std::move(name);
    operation.key = "web_" + operation.task + "_0";
    operation.parameters = std::move(with);
    return operation;
}

AgentDone done(OperationId run, int rc) {
    AgentDone answer;
    answer.operation = run;
    answer.rc = rc;
    return answer;
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

TEST(Local, StopsWithTheParametersOfTheStart) {
    std::uint64_t next_run = 1;
    Local local(&next_run);
    const Now now{};
    local.accept(task("start", {{"ip", "10.0.0.1"}, {"CRM_meta_timeout", "20000"}}), now);
    const LocalOutput start = local.take();
    ASSERT_EQ(start.run.size(), 1U);
    ASSERT_TRUE(local.agent_done(done(start.run[0].operation, 0), now));
    static_cast<void>(local.take());

    // Changed meanwhile, and then, after a stop that failed, even deleted.
    local.accept(task("stop", {{"ip", "10.0.0.2"}, {"CRM_meta_timeout", "30000"}}), now);
    const LocalOutput first = local.take();
    ASSERT_EQ(first.run.size(), 1U);
    ASSERT_TRUE(local.agent_done(done(first.run[0].operation, 1), now));
    local.accept(task("stop", {}), now);
    const LocalOutput second = local.take();
    ASSERT_EQ(second.run.size(), 1U);

    EXPECT_EQ(first.run[0].parameters,
              (Parameters{{"ip", "10.0.0.1"}, {"CRM_meta_timeout", "30000"}}));
    EXPECT_EQ(second.run[0].parameters, (Parameters{{"ip", "10.0.0.1"}}));
}

TEST(Local, ForgetsThoseParametersOnceItIsStopped) {
    std::uint64_t next_run = 1;
    Local local(&next_run);
    const Now now{};
    for (const char* const name : {"start", "stop"}) {
        local.accept(task(name, {{"ip", "10.0.0.1"}}), now);
        const LocalOutput ran = local.take();
        ASSERT_EQ(ran.run.size(), 1U);
        ASSERT_TRUE(local.agent_done(done(ran.run[0].operation, 0), now));
    }
    static_cast<void>(local.take());

    local.accept(task("stop", {{"ip", "10.0.0.2"}}), now);

    EXPECT_EQ(local.take().run.at(0).parameters, (Parameters{{"ip", "10.0.0.2"}}));
}

// A fence device's monitor.
wire::Operation device_monitor(std::vector<std::pair<std::string, std::string>> with) {
    wire::Operation operation = task("monitor", std::move(with));
    operation.agent_class = "stonith";
    operation.agent_provider.clear();
    operation.agent_type = "fence_x";
    operation.interval_ms = 60'000;
    return operation;
}

TEST(Local, MonitorsADeviceAsItsOwnParametersSay) {
    std::uint64_t next_run = 1;
    Local local(&next_run);
    local.accept(device_monitor({{"pcmk_monitor_action", "status"},
                                 {"pcmk_monitor_timeout", "7s"},
                                 {"pcmk_monitor_retries", "3"},
                                 {"ip", "10.0.0.9"}}),
                 Now{});

    for (int i = 0; i < 3; ++i) {
        const LocalOutput out = local.take();
        ASSERT_EQ(out.run.size(), 1U) << i;
        EXPECT_TRUE(out.results.empty());
        EXPECT_EQ(out.run[0].action, "status");
        EXPECT_EQ(out.run[0].timeout, 7s);
        ASSERT_EQ(out.run[0].parameters.size(), 1U);
        ASSERT_TRUE(local.agent_done(done(out.run[0].operation, 1), Now{}));
    }

    const LocalOutput out = local.take();
    EXPECT_TRUE(out.run.empty());
    ASSERT_EQ(out.results.size(), 1U);
    EXPECT_EQ(out.results[0].result.rc, 1);
}

TEST(Local, ADeviceThatAnswersTheSecondTimeHasNotFailed) {
    std::uint64_t next_run = 1;
    Local local(&next_run);
    local.accept(device_monitor({}), Now{});
    LocalOutput out = local.take();
    ASSERT_TRUE(local.agent_done(done(out.run[0].operation, 1), Now{}));
    out = local.take();
    ASSERT_EQ(out.run.size(), 1U);
    ASSERT_TRUE(local.agent_done(done(out.run[0].operation, 0), Now{}));

    out = local.take();
    ASSERT_EQ(out.results.size(), 1U);
    EXPECT_EQ(out.results[0].result.rc, 0);
}

}  // namespace
}  // namespace xbeat::execute
