#include "execute/last_will.h"

#include <gtest/gtest.h>

namespace xbeat::execute {
namespace {

using schedule::Action;
using schedule::ActionKind;
using schedule::Plan;

Action resource_action(const std::string& task, const std::string& resource,
                       std::vector<std::uint32_t> inputs = {}, const std::string& node = "pm01") {
    Action action;
    action.kind = ActionKind::Resource;
    action.task = task;
    action.resource_id = resource;
    action.agent_class = "ocf";
    action.node = node;
    action.inputs = std::move(inputs);
    return action;
}

Plan plan_of(std::vector<Action> actions) {
    Plan plan;
    plan.actions = std::move(actions);
    return plan;
}

Action pseudo(std::vector<std::uint32_t> inputs) {
    Action action;
    action.kind = ActionKind::Pseudo;
    action.inputs = std::move(inputs);
    return action;
}

// In a plan an action may well wait for one with a higher number.
TEST(WillOf, HasTheStopsOfThisNodeInTheOrderInWhichTheyWait) {
    const Plan plan = plan_of({resource_action("stop", "disk", {2}), resource_action("stop", "vip"),
                               resource_action("stop", "web", {1})});

    EXPECT_EQ(will_of(plan, "pm01"), (std::vector<WillAction>{{.action = 1, .after = {}},
                                                              {.action = 2, .after = {0}},
                                                              {.action = 0, .after = {1}}}));
}

TEST(WillOf, WaitsThroughWhatDoesNotBelongToIt) {
    const Plan plan =
        plan_of({resource_action("demote", "db"), pseudo({0}), resource_action("notify", "db", {1}),
                 resource_action("stop", "db", {2}), resource_action("stop", "far", {3}, "pm02"),
                 resource_action("stop", "disk", {4})});

    EXPECT_EQ(will_of(plan, "pm01"), (std::vector<WillAction>{{.action = 0, .after = {}},
                                                              {.action = 3, .after = {0}},
                                                              {.action = 5, .after = {1}}}));
}

TEST(WillOf, LeavesOutWhatStopsNothingHere) {
    Action device = resource_action("stop", "fence");
    device.agent_class = "stonith";
    Action remote = resource_action("stop", "guest");
    remote.router_node = "pm02";
    Action idle = resource_action("stop", "idle");
    idle.is_no_op = true;
    const Plan plan =
        plan_of({device, remote, idle, resource_action("start", "web"),
                 resource_action("monitor", "web"), resource_action("stop", "web", {}, "pm02")});

    EXPECT_TRUE(will_of(plan, "pm01").empty());
}

TEST(WillOf, NeverEndsOnACircle) {
    const Plan plan = plan_of({resource_action("stop", "a", {1}), resource_action("stop", "b", {0}),
                               resource_action("stop", "c")});

    EXPECT_EQ(will_of(plan, "pm01"), (std::vector<WillAction>{{.action = 2, .after = {}}}));
}

}  // namespace
}  // namespace xbeat::execute
