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

}  // namespace
}  // namespace xbeat::execute
