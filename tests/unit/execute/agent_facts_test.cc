// What the record of an operation says of its parameters, as Pacemaker's executor writes it.
#include "execute/agent_facts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "execute/history.h"
#include "execute/local.h"
#include "model/parameter_digest.h"

namespace xbeat::execute {
namespace {

constexpr std::string_view kNewAgent = R"(<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Dummy" version="2.1"><version>1.1</version><parameters>
<parameter name="state" unique-group="state"/>
<parameter name="passwd" reloadable="1" private="1"/>
<parameter name="fake" reloadable="1"/>
</parameters><actions><action name="start" timeout="20s"/><action name="reload" timeout="20s"/>
<action name="reload-agent" timeout="20s"/></actions></resource-agent>
)";

constexpr std::string_view kOldAgent = R"(<resource-agent name="named" version="1.0">
<version>1.0</version><parameters>
<parameter name="config" unique="1"/><parameter name="options" unique="0" reloadable="1"/>
</parameters><actions><action name="reload" timeout="60s"/><action name="reload-agent"/></actions>
</resource-agent>)";

AgentFacts facts_of(std::string_view metadata) {
    Result<AgentFacts> facts = read_agent_facts(metadata);
    EXPECT_TRUE(facts.has_value()) << (facts ? "" : facts.error().context);
    return facts ? *facts : AgentFacts{};
}

wire::Operation operation(std::string task, std::int64_t interval_ms = 0) {
    wire::Operation made;
    made.id = OperationId{7};
    made.resource = "d";
    made.agent_class = "ocf";
    made.agent_provider = "pacemaker";
    made.agent_type = "Dummy";
    made.task = std::move(task);
    made.key = "d_" + made.task + "_0";
    made.interval_ms = interval_ms;
    made.timeout_ms = 1000;
    made.parameters = {
        {"state", "/run/d"}, {"passwd", "secret"},         {"fake", "1"},
        {"options", "-4"},   {"CRM_meta_timeout", "1000"}, {"crm_feature_set", "3.19.7"}};
    return made;
}

TEST(AgentFacts, OfAnAgentOf11AreItsReloadableParametersAndReloadAgent) {
    const AgentFacts facts = facts_of(kNewAgent);

    const wire::ParameterRecord record = record_parameters(facts, operation("start"));

    EXPECT_EQ(facts.reload_action, "reload-agent");
    EXPECT_EQ(record.force_restart, " state ");
    EXPECT_EQ(record.restart_digest, model::parameter_digest({{"state", "/run/d"}}));
    EXPECT_EQ(record.secure, " passwd ");
    EXPECT_EQ(record.secure_digest,
              model::parameter_digest({{"state", "/run/d"}, {"fake", "1"}, {"options", "-4"}}));
}

// Before OCF 1.1 only `unique` counts, and a reload-agent is ignored.
TEST(AgentFacts, OfAnOlderAgentAreItsUniqueParametersAndReload) {
    wire::Operation start = operation("start");
    start.parameters.emplace_back("config", "/etc/named.conf");
    const AgentFacts facts = facts_of(kOldAgent);

    const wire::ParameterRecord record = record_parameters(facts, start);

    EXPECT_EQ(facts.reload_action, "reload");
    EXPECT_EQ(record.force_restart, " config ");
    EXPECT_EQ(record.restart_digest, model::parameter_digest({{"config", "/etc/named.conf"}}));
    EXPECT_TRUE(record.secure_digest.empty());
}

TEST(AgentFacts, SayNothingOfRestartsWhereTheAgentCannotReload) {
    const AgentFacts facts = facts_of(
        "<resource-agent name='x'><version>1.1</version><parameters><parameter name='state' "
        "unique='1'/></parameters><actions><action name='reload'/></actions></resource-agent>");

    const wire::ParameterRecord record = record_parameters(facts, operation("start"));

    EXPECT_TRUE(facts.reload_action.empty());
    EXPECT_TRUE(record.restart_digest.empty());
    EXPECT_TRUE(record.force_restart.empty());
}

TEST(AgentFacts, SayNothingOfRestartsForARecurringMonitor) {
    const wire::ParameterRecord record =
        record_parameters(facts_of(kNewAgent), operation("monitor", 10'000));

    EXPECT_TRUE(record.restart_digest.empty());
    EXPECT_FALSE(record.secure_digest.empty());
}

TEST(AgentFacts, AreRefusedWithAReasonWhereThereIsNoMetadata) {
    for (const std::string_view bad :
         {"", "usage: Dummy {start|stop}", "<resource-agent", "</resource-agent><resource-agent",
          "<resource-agent name='x'><parameters></resource-agent>"}) {
        EXPECT_FALSE(read_agent_facts(bad).has_value()) << bad;
    }
}

AgentDone done(OperationId run, int rc) {
    AgentDone answer;
    answer.operation = run;
    answer.rc = rc;
    return answer;
}

TEST(Local, CallsAReloadByTheNameThatTheAgentKnows) {
    struct Row {
        std::string_view metadata;
        std::string_view action;
    };
    for (const Row& row :
         {Row{kNewAgent, "reload-agent"}, Row{kOldAgent, "reload"}, Row{"", "reload-agent"}}) {
        std::uint64_t next_run = 1;
        Local local(&next_run);
        if (!row.metadata.empty()) local.describe("pacemaker", "Dummy", facts_of(row.metadata));

        local.accept(operation("reload-agent"), {});

        EXPECT_EQ(local.take().run.at(0).action, row.action);
    }
}

TEST(Local, ReportsWithAStartWhichParametersNeedARestart) {
    std::uint64_t next_run = 1;
    Local local(&next_run);
    local.describe("pacemaker", "Dummy", facts_of(kNewAgent));
    local.accept(operation("start"), {});
    const OperationId run = local.take().run.at(0).operation;

    ASSERT_TRUE(local.agent_done(done(run, 0), {}));

    const wire::Report report = local.take().results.at(0);
    EXPECT_EQ(report.result.parameters.force_restart, " state ");
    auto records = result_records(report.operation, report.result, {"1", "pm01"});
    add_parameter_record(report.result.parameters, records);
    const auto& entry = std::get<wire::SetHistory>(records.at(0));
    const auto has = [&entry](std::string_view name) {
        return std::any_of(entry.attributes.begin(), entry.attributes.end(),
                           [name](const auto& each) { return each.first == name; });
    };
    for (const char* const name :
         {"op-force-restart", "op-restart-digest", "op-secure-params", "op-secure-digest"}) {
        EXPECT_TRUE(has(name)) << name;
    }
}

// As Pacemaker counts it: the record of a reload is that of a start.
TEST(History, CountsAFailedReloadAsAFailedStart) {
    const wire::Operation reload = operation("reload-agent");
    wire::OperationResult result;
    result.rc = 1;

    const auto records = fail_count_records({}, as_recorded(reload), result, {"1", "pm01"}, {});

    ASSERT_EQ(records.size(), 2U);
    const auto& count = std::get<wire::SetTransient>(records[0]);
    EXPECT_EQ(count.name, "fail-count-d#start_0");
    EXPECT_EQ(count.value, "INFINITY");
}

}  // namespace
}  // namespace xbeat::execute
