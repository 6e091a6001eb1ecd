#include "cli/render_plan.h"

#include <gtest/gtest.h>

namespace xbeat::cli {
namespace {

using schedule::Action;
using schedule::ActionKind;
using schedule::Plan;

Action action(std::string task, std::string resource, std::string node,
              std::vector<std::uint32_t> inputs = {}) {
    Action one;
    one.kind = ActionKind::Resource;
    one.task = std::move(task);
    one.resource_id = std::move(resource);
    one.node = std::move(node);
    one.inputs = std::move(inputs);
    return one;
}

TEST(RenderPlan, PutsEachActionBehindWhatItWaitsFor) {
    Plan plan;
    plan.actions = {action("start", "ip", "pm02", {1}), action("stop", "ip", "pm01", {2}),
                    action("stop", "web", "pm01")};

    EXPECT_EQ(render_plan(plan),
              "  * stop web on pm01\n  * stop ip on pm01\n  * start ip on pm02\n");
}

TEST(RenderPlan, LeavesOutWhatDoesNothing) {
    Plan plan;
    plan.actions = {action("start", "group", ""), action("start", "ip", "pm01")};
    plan.actions[0].kind = ActionKind::Pseudo;
    plan.actions[1].is_no_op = true;

    EXPECT_EQ(render_plan(plan), "  * nothing to do\n");
    EXPECT_FALSE(has_work(plan));
    EXPECT_EQ(render_plan(Plan{}), "  * nothing to do\n");
}

TEST(RenderPlan, NamesFencesProbesAndMonitors) {
    Plan plan;
    plan.actions = {action("stonith", "", "pm02"), action("monitor", "ip", "pm01"),
                    action("monitor", "ip", "pm01")};
    plan.actions[0].kind = ActionKind::Cluster;
    plan.actions[0].meta = {{"CRM_meta_stonith_action", "off"}};
    plan.actions[2].interval_ms = 10'000;

    EXPECT_EQ(render_plan(plan),
              "  * fence pm02 (off)\n  * probe ip on pm01\n  * monitor every 10s ip on pm01\n");
    EXPECT_TRUE(has_work(plan));
}

TEST(RenderPlan, SurvivesActionsThatWaitForEachOtherOrForNothingThatExists) {
    Plan plan;
    plan.actions = {action("start", "a", "pm01", {1}), action("start", "b", "pm01", {0, 77})};

    EXPECT_EQ(render_plan(plan), "  * start a on pm01\n  * start b on pm01\n");
}

}  // namespace
}  // namespace xbeat::cli
