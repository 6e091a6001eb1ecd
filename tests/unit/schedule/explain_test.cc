// What the scheduler says about itself has to be true: scores add up, causes are named, nothing
// that is asked for changes the plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "example.h"
#include "schedule/explanation.h"

namespace xbeat::schedule {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Example;
using ::testing::HasSubstr;
using testing::kNow;

Explanation explain(const Example& example) {
    Explanation out;
    static_cast<void>(schedule(example.parsed(), {.now = kNow, .explanation = &out}));
    return out;
}

const StepReason& step_of(const Explanation& from, std::string_view key, std::string_view node) {
    const auto at = std::find_if(from.steps.begin(), from.steps.end(), [&](const StepReason& step) {
        return step.key == key && step.node == node;
    });
    if (at == from.steps.end()) {
        ADD_FAILURE() << "no step " << key << " on " << node;
        static const StepReason kNone;
        return kNone;
    }
    return *at;
}

std::vector<std::string> changes_on(const Explanation& from, std::string_view resource,
                                    std::string_view node) {
    std::vector<std::string> out;
    for (const ScoreChange& change : from.changes) {
        if (change.resource != resource || change.node != node) continue;
        out.push_back(concat(static_cast<int>(change.cause), ' ', change.id, ' ',
                             to_string(change.before), "->", to_string(change.after)));
    }
    return out;
}

std::string line(ScoreCause cause, std::string_view rest) {
    return concat(static_cast<int>(cause), ' ', rest);
}

Example two_services() {
    Example example;
    example.resources = Example::primitive("ip") + Example::primitive("web");
    example.constraints =
        "<rsc_location id=\"ip-here\" rsc=\"ip\" node=\"pm01\" score=\"50\"/>"
        "<rsc_colocation id=\"web-with-ip\" rsc=\"web\" with-rsc=\"ip\" score=\"INFINITY\"/>"
        "<rsc_order id=\"ip-then-web\" first=\"ip\" then=\"web\"/>";
    return example;
}

TEST(Explanation, NamesEachConstraintBehindAScore) {
    const Explanation told = explain(two_services());

    EXPECT_THAT(changes_on(told, "ip", "pm01"),
                ElementsAre(line(ScoreCause::Location, "ip-here 0->50")));
    EXPECT_THAT(changes_on(told, "web", "pm02"),
                ElementsAre(line(ScoreCause::Colocation, "web-with-ip 0->-INFINITY")));
}

TEST(Explanation, SaysWhatAnActionWaitsForAndByWhichConstraint) {
    const Explanation told = explain(two_services());

    const StepReason& start = step_of(told, "web_start_0", "pm01");

    ASSERT_TRUE(start.action.has_value());
    const auto ip = std::find_if(start.inputs.begin(), start.inputs.end(),
                                 [](const StepInput& input) { return input.key == "ip_start_0"; });
    ASSERT_NE(ip, start.inputs.end());
    EXPECT_THAT(ip->ids, ElementsAre("ip-then-web"));
    EXPECT_THAT(start.causes, ElementsAre("web is active nowhere and is to run on pm01"));
}

TEST(Explanation, SaysWhyAResourceMoves) {
    Example example = two_services();
    example.history = {"ip pm02 start 0", "web pm02 start 0"};

    const Explanation told = explain(example);

    EXPECT_THAT(step_of(told, "ip_stop_0", "pm02").causes,
                ElementsAre("ip moves from pm02 (score 0) to pm01 (score 50)"));
}

TEST(Explanation, SaysWhatStandsInTheWayOfAStart) {
    Example example = two_services();
    example.constraints +=
        "<rsc_location id=\"no1\" rsc=\"ip\" node=\"pm01\" score=\"-INFINITY\"/>"
        "<rsc_location id=\"no2\" rsc=\"ip\" node=\"pm02\" score=\"-INFINITY\"/>";
    example.constraints.erase(
        example.constraints.find("<rsc_colocation"),
        example.constraints.find("<rsc_order") - example.constraints.find("<rsc_colocation"));

    const Explanation told = explain(example);

    const auto web = std::find_if(told.steps.begin(), told.steps.end(),
                                  [](const StepReason& step) { return step.key == "web_start_0"; });
    ASSERT_NE(web, told.steps.end());
    EXPECT_FALSE(web->action.has_value());
    EXPECT_THAT(web->obstacles, Contains(HasSubstr("ip-then-web")));
}

// What is promoted again does not cease to be promoted.
TEST(Explanation, SaysThatAFailedPromotedInstanceIsRecovered) {
    Example example;
    example.resources = concat("<clone id=\"db\"><meta_attributes id=\"db-m\">",
                               Example::pair("promotable", "true"), "</meta_attributes>",
                               Example::primitive("s"), "</clone>");
    example.constraints =
        "<rsc_location id=\"l\" rsc=\"db\" node=\"pm01\" role=\"Promoted\" score=\"100\"/>";
    example.history = {"s pm01 start 0", "s pm01 promote 0", "s pm01 monitor10 9",
                       "s pm02 start 0"};

    const Explanation told = explain(example);

    const StepReason& demote = step_of(told, "s:0_demote_0", "pm01");
    ASSERT_EQ(demote.causes.size(), 1U);
    EXPECT_THAT(demote.causes.front(), HasSubstr("has failed and is to be recovered"));
}

TEST(Explanation, SaysWhyANodeIsFenced) {
    Example example;
    example.options = Example::pair("stonith-enabled", "true");
    example.resources = "<primitive id=\"shooter\" class=\"stonith\" type=\"fence_xvm\"/>" +
                        Example::primitive("ip");
    cib::Element cib = example.parsed();
    cib.child("status")->children[1].set("in_ccm", "false");
    cib.child("status")->children[1].set("crmd", "offline");

    Explanation told;
    static_cast<void>(schedule(cib, {.now = kNow, .explanation = &told}));

    ASSERT_FALSE(told.fencings.empty());
    EXPECT_EQ(told.fencings.front().node, "pm02");
    EXPECT_FALSE(step_of(told, "stonith-pm02-reboot", "pm02").causes.empty());
}

// Whatever moved a score was recorded: the first change begins with nothing, each other where the
// one before it ended, and the last ends at the score that decided.
void expect_complete(const Explanation& told) {
    std::map<std::pair<std::string, std::string>, Score> last;
    for (const ScoreChange& change : told.changes) {
        if (change.is_promotion) continue;
        Score& at = last[std::pair(change.resource, change.node)];
        EXPECT_EQ(at, change.before) << change.resource << " on " << change.node;
        at = change.after;
    }
    for (const Placement& placement : told.placements) {
        for (const NodeChoice& choice : placement.nodes) {
            EXPECT_EQ(last[std::pair(placement.resource, choice.node)], choice.score)
                << placement.resource << " on " << choice.node;
        }
    }
}

TEST(Explanation, LeavesNoChangeOfAScoreOut) {
    Example example = two_services();
    example.resources += "<clone id=\"all\">" + Example::primitive("each") + "</clone>";
    example.history = {"ip pm01 start 0", "web pm01 start 0", "each pm02 start 0"};
    expect_complete(explain(example));
}

TEST(Explanation, LeavesNoFailureOutThatKeepsAResourceAway) {
    Example example = two_services();
    example.history = {"ip pm01 start 0", "ip pm01 stop 1", "web pm02 monitor 5"};
    const Explanation told = explain(example);
    expect_complete(told);
    EXPECT_THAT(changes_on(told, "web", "pm02"),
                Contains(line(ScoreCause::Failure, "web_monitor_0 0->-INFINITY")));
}

TEST(Explanation, LeavesWhatIsNotManagedNotOut) {
    Example example;
    example.resources = Example::primitive("ip", Example::pair("is-managed", "false"));
    example.history = {"ip pm01 start 0", "gone pm02 start 0"};
    const Explanation told = explain(example);
    expect_complete(told);
    EXPECT_THAT(changes_on(told, "ip", "pm01"),
                Contains(line(ScoreCause::Unmanaged, " 0->INFINITY")));
    EXPECT_THAT(changes_on(told, "gone", "pm01"),
                Contains(line(ScoreCause::Orphan, " 0->-INFINITY")));
}

TEST(Explanation, LeavesNothingOfABundleOut) {
    Example example;
    example.resources =
        concat("<bundle id=\"box\"><podman image=\"i\" replicas=\"2\"/>",
               "<network control-port=\"3121\"/>", Example::primitive("web"), "</bundle>");
    example.constraints = "<rsc_location id=\"l\" rsc=\"box\" node=\"pm01\" score=\"5\"/>";
    const Explanation told = explain(example);
    EXPECT_THAT(changes_on(told, "box-podman-0", "pm01"),
                ElementsAre(line(ScoreCause::Location, "l 0->5")));
    EXPECT_THAT(changes_on(told, "web:0", "box-0"),
                Contains(line(ScoreCause::Bundle, " 500->INFINITY")));
}

// What a node has against an instance depends on what it is.
TEST(Explanation, TellsWhyANodeTakesNoInstance) {
    Example example;
    example.nodes = {"pm01", "pm02"};
    example.down = {"pm02"};
    example.resources = "<clone id=\"all\">" + Example::primitive("each") + "</clone>";
    const Explanation told = explain(example);
    EXPECT_THAT(changes_on(told, "each:1", "pm01"),
                ElementsAre(line(ScoreCause::Instances, " 0->-INFINITY")));
    EXPECT_THAT(changes_on(told, "each:1", "pm02"),
                ElementsAre(line(ScoreCause::Unusable, " 0->-INFINITY")));
}

TEST(Explanation, SumsUpTheScoreForAPromotion) {
    Example example;
    example.resources = concat("<clone id=\"db\"><meta_attributes id=\"db-m\">",
                               Example::pair("promotable", "true"), "</meta_attributes>",
                               Example::primitive("s"), "</clone>", Example::primitive("ip"));
    example.constraints =
        "<rsc_location id=\"l\" rsc=\"db\" node=\"pm01\" role=\"Promoted\" score=\"100\"/>"
        "<rsc_location id=\"h\" rsc=\"db\" node=\"pm01\" score=\"7\"/>"
        "<rsc_ticket id=\"t\" rsc=\"db\" rsc-role=\"Promoted\" ticket=\"T\" "
        "loss-policy=\"demote\"/>";
    example.history = {"s pm01 start 0", "s pm02 start 0"};
    const Explanation told = explain(example);
    std::vector<std::string> sum;
    for (const ScoreChange& change : told.changes) {
        if (!change.is_promotion || change.node != "pm01") continue;
        sum.push_back(concat(to_string(change.before), "->", to_string(change.after), change.id));
    }
    EXPECT_THAT(sum, ElementsAre("0->-1", "-1->99l", "99->106", "106->-INFINITYt"));
}

// Where several are as good, the node that was taken was taken for a reason.
TEST(Explanation, TellsWhichOfEqualsWasTakenAndWhy) {
    Example example;
    example.resources = Example::primitive("a") + Example::primitive("b");
    const Explanation told = explain(example);
    ASSERT_EQ(told.placements.size(), 2U);
    EXPECT_EQ(told.placements[0].tie, "its name comes first");
    EXPECT_EQ(told.placements[1].node, "pm02");
    EXPECT_EQ(told.placements[1].tie, "it has fewer resources");
    EXPECT_THAT(told.placements[1].equals, ElementsAre("pm01"));
}

TEST(Explanation, ChangesNothingAboutThePlan) {
    const Example example = two_services();
    Explanation told;

    const Plan with = schedule(example.parsed(), {.now = kNow, .explanation = &told});

    EXPECT_EQ(print_graph(with), print_graph(example.plan()));
}

TEST(Explanation, IsFilledAnewByEachRun) {
    Explanation told = explain(two_services());
    const std::size_t changes = told.changes.size();
    const cib::Element cib = two_services().parsed();

    static_cast<void>(schedule(cib, {.now = kNow, .explanation = &told}));

    EXPECT_EQ(told.changes.size(), changes);
}

}  // namespace
}  // namespace xbeat::schedule
