#include <gtest/gtest.h>

#include "agent/last_will.h"
#include "daemon/agents.h"

namespace xbeat::daemon {
namespace {

using namespace std::chrono_literals;

execute::WillStop stop(const std::string& agent_class, const std::string& resource,
                       std::vector<std::uint32_t> after = {}) {
    execute::WillStop out;
    out.call.agent_class = agent_class;
    out.call.provider = agent_class == "ocf" ? "heartbeat" : "";
    out.call.type = "Thing";
    out.call.resource = resource;
    out.call.action = "stop";
    out.call.timeout = 20s;
    out.call.parameters = {{"ip", "10.77.0.200"}, {"CRM_meta_timeout", "20000"}};
    out.after = std::move(after);
    return out;
}

TEST(MakeWill, SaysForEachStopWhoRunsItAndWhatItComesAfter) {
    std::string trouble;

    const agent::Will will = make_will(
        {.stops = {stop("ocf", "web"), stop("systemd", "unit"), stop("lsb", "disk", {0, 1})}},
        {.pins = "/run/xbeat/bpf", .peer = NodeId{2}}, trouble);

    EXPECT_EQ(trouble, "");
    EXPECT_EQ(will.pins, "/run/xbeat/bpf");
    EXPECT_EQ(will.peer, NodeId{2});
    ASSERT_EQ(will.stops.size(), 3U);
    EXPECT_EQ(will.stops[0].run.agent_class, agent::AgentClass::Ocf);
    EXPECT_EQ(will.stops[0].run.provider, "heartbeat");
    EXPECT_EQ(will.stops[0].run.action, "stop");
    EXPECT_EQ(will.stops[0].run.timeout, Duration(20s));
    EXPECT_EQ(will.stops[0].run.parameters.at(0).value, "10.77.0.200");
    EXPECT_EQ(will.stops[1].run.agent_class, agent::AgentClass::Systemd);
    EXPECT_EQ(will.stops[2].run.agent_class, agent::AgentClass::Lsb);
    EXPECT_EQ(will.stops[2].after, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_TRUE(agent::WillRun::check(will));
}

TEST(MakeWill, LeavesOutWhatNobodyCanRunAndLetsNothingWaitForIt) {
    std::string trouble;

    const agent::Will will = make_will(
        {.stops = {stop("heretic", "odd"), stop("ocf", "web"), stop("ocf", "disk", {0, 1})}}, {},
        trouble);

    EXPECT_NE(trouble.find("odd"), std::string::npos);
    ASSERT_EQ(will.stops.size(), 2U);
    EXPECT_EQ(will.stops[1].run.resource, "disk");
    EXPECT_EQ(will.stops[1].after, (std::vector<std::uint32_t>{0}));
}

}  // namespace
}  // namespace xbeat::daemon
