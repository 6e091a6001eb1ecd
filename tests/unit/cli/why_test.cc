// What `xbeat why` says has to be true of the plan, name what decided, and read well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/render_why.h"
#include "schedule/explanation.h"
#include "unit/schedule/example.h"

namespace xbeat::cli {
namespace {

using schedule::testing::Example;
using schedule::testing::kNow;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string ask(const cib::Element& cib, const WhyQuestion& question) {
    schedule::Explanation told;
    static_cast<void>(schedule::schedule(cib, {.now = kNow, .explanation = &told}));
    const Result<std::string> answer =
        render_why(told, schedule::observe(cib, {.now = kNow}), question);
    return answer ? *answer : answer.error().context;
}

std::string why(const Example& example, const std::string& what, const std::string& action = {},
                const std::string& node = {}) {
    return ask(example.parsed(), {.what = what, .node = node, .action = action});
}

std::string order(std::string_view first, std::string_view then) {
    return concat("<rsc_order id=\"", first, "-then-", then, "\" first=\"", first, "\" then=\"",
                  then, "\"/>");
}

std::string ban(std::string_view resource, std::string_view node) {
    return concat("<rsc_location id=\"no-", resource, '-', node, "\" rsc=\"", resource,
                  "\" node=\"", node, "\" score=\"-INFINITY\"/>");
}

// web is ordered after ip, which is not to run.
Example web_without_ip() {
    Example example;
    example.resources = Example::primitive("ip", Example::pair("target-role", "Stopped")) +
                        Example::primitive("web");
    example.constraints = order("ip", "web");
    return example;
}

TEST(Why, SaysThatWhatCannotStartStaysStopped) {
    const std::string answer = why(web_without_ip(), "web");
    EXPECT_THAT(answer, StartsWith("web is stopped and stays so: its place would be pm01, but it "
                                   "cannot run there now.\n"));
    EXPECT_THAT(answer,
                HasSubstr("but        the start of ip cannot be done (constraint ip-then-web), as "
                          "ip is not to run: its target-role is Stopped\n"));
    // What it would do once it runs is no news.
    EXPECT_THAT(answer, Not(HasSubstr("monitor")));
}

TEST(Why, SaysThatWhatCannotRunOnIsStoppedAndWhy) {
    Example example = web_without_ip();
    example.history = {"web pm01 start 0"};
    const std::string answer = why(example, "web");
    EXPECT_THAT(answer, StartsWith("web is running on pm01 and is to be stopped: it cannot run "
                                   "there now.\n"));
    EXPECT_THAT(answer, HasSubstr("because    web cannot run there now, as ip is not to run: its "
                                  "target-role is Stopped\n"));
}

TEST(Why, DoesNotSpeakOfAStartThatNobodyWants) {
    Example example = web_without_ip();
    example.history = {"ip pm01 start 0"};
    const std::string answer = why(example, "ip");
    EXPECT_THAT(answer, StartsWith("ip is running on pm01 and is to be stopped.\n"
                                   "It is not to run: its target-role is Stopped.\n"));
    EXPECT_THAT(answer, Not(HasSubstr("start of ip")));
}

// The end of a chain is what has to be looked at.
TEST(Why, NamesWhatHoldsUpAChainInTheEnd) {
    Example example = web_without_ip();
    example.resources += Example::primitive("app");
    example.constraints += order("web", "app");
    EXPECT_THAT(why(example, "app", "start"),
                HasSubstr("(constraint web-then-app), as ip is not to run: its target-role is "
                          "Stopped\n"));
}

// A stop and a start do not give each other as the reason.
TEST(Why, NamesWhatARestartFollows) {
    Example example;
    example.resources = Example::primitive("ip") + Example::primitive("web");
    example.constraints = order("ip", "web");
    example.history = {"ip pm01 start 0", "web pm02 start 0", "ip pm01 monitor10 7"};
    const std::string answer = why(example, "web");
    EXPECT_THAT(answer, StartsWith("web is running on pm02 and is to be restarted there.\n"));
    EXPECT_THAT(answer, HasSubstr("because    web is to be restarted: it has to follow the start "
                                  "of ip on pm01 (constraint ip-then-web)\n"));
    EXPECT_THAT(answer, HasSubstr("because    it has to follow the start of ip on pm01 (constraint "
                                  "ip-then-web)\n"));
    EXPECT_THAT(why(example, "ip"), StartsWith("ip has failed on pm01 and is to be recovered"));
}

TEST(Why, ListsActionsInTheOrderInWhichTheyAreDone) {
    Example example;
    example.resources = Example::primitive("web");
    example.constraints = ban("web", "pm01");
    example.history = {"web pm01 start 0", "web pm02 monitor 7"};
    const std::string answer = why(example, "web");
    const std::size_t stop = answer.find("  stop of web on pm01");
    const std::size_t start = answer.find("  start of web on pm02");
    const std::size_t monitor = answer.find("  monitor every 10s of web on pm02");
    EXPECT_LT(stop, start);
    EXPECT_LT(start, monitor);
    // What is waited for through something else is not told again.
    EXPECT_THAT(answer.substr(monitor), Not(HasSubstr("stop of web")));
}

TEST(Why, SaysWhyAMoveIsNotLive) {
    Example example;
    example.resources = Example::primitive("ip", Example::pair("target-role", "Stopped")) +
                        Example::primitive("vm", Example::pair("allow-migrate", "true"));
    example.constraints = order("ip", "vm") + ban("vm", "pm01");
    example.history = {"vm pm01 start 0"};
    const std::string answer = why(example, "vm");
    EXPECT_THAT(answer, HasSubstr("it does not migrate live because of the start of ip (constraint "
                                  "ip-then-vm)\n"));
    EXPECT_THAT(answer, Not(HasSubstr("migrate_to")));
}

TEST(Why, TellsWhyAnInstanceIsOneTooMany) {
    Example example;
    example.resources = "<clone id=\"all\">" + Example::primitive("each") + "</clone>";
    example.constraints = ban("all", "pm02");
    EXPECT_THAT(why(example, "each:1"),
                HasSubstr("It is not to run: every node that can have an instance has its share "
                          "already (clone-node-max).\n"));
}

TEST(Why, TellsWhyAnInstanceIsNotPromoted) {
    Example example;
    example.resources = concat("<clone id=\"db\"><meta_attributes id=\"db-m\">",
                               Example::pair("promotable", "true"), "</meta_attributes>",
                               Example::primitive("s"), "</clone>");
    example.constraints =
        "<rsc_location id=\"l\" rsc=\"db\" node=\"pm01\" role=\"Promoted\" score=\"5\"/>"
        "<rsc_location id=\"m\" rsc=\"db\" node=\"pm02\" role=\"Promoted\" score=\"4\"/>";
    example.history = {"s pm01 start 0", "s pm02 start 0", "s pm02 promote 0"};
    EXPECT_THAT(why(example, "s:1"),
                HasSubstr("It is not to be promoted: others come before it (promoted-max=1).\n"));
    EXPECT_THAT(why(example, "s:1", "demote"),
                HasSubstr("because    s:1 is not to be promoted any more: others come before it"));
}

TEST(Why, TellsWhoKeepsItsHandsOff) {
    Example example;
    example.options = Example::pair("maintenance-mode", "true");
    example.resources = Example::primitive("ip");
    example.history = {"ip pm01 start 0"};
    EXPECT_THAT(why(example, "ip"),
                StartsWith("ip is running on pm01 and stays there.\n"
                           "It is not managed, so that nothing is done to it but monitors: the "
                           "cluster is in maintenance-mode.\n"));

    Example frozen;
    frozen.resources = Example::primitive("ip");
    frozen.constraints = "<rsc_ticket id=\"t\" rsc=\"ip\" ticket=\"T\" loss-policy=\"freeze\"/>";
    frozen.history = {"ip pm01 start 0"};
    EXPECT_THAT(why(frozen, "ip"),
                HasSubstr("It is blocked, so that nothing is done to it but monitors: ticket T "
                          "does not allow it, with loss-policy=freeze (constraint t).\n"));
}

TEST(Why, SaysThatWhatCannotBeStoppedStays) {
    Example example;
    example.resources = Example::primitive("ip", Example::pair("target-role", "Stopped")) +
                        Example::primitive("web", Example::pair("is-managed", "false"));
    example.constraints = order("ip", "web");
    example.history = {"ip pm01 start 0", "web pm01 start 0", "web pm01 stop 1"};
    const std::string answer = why(example, "ip");
    EXPECT_THAT(answer, StartsWith("ip is running on pm01 and stays so: it ought to be stopped, "
                                   "but cannot be.\n"));
    EXPECT_THAT(answer, HasSubstr("but        the stop of web on pm01 cannot be done"));
}

TEST(Why, NamesEachNotificationByWhatItIsAbout) {
    Example example;
    example.resources =
        concat("<clone id=\"all\"><meta_attributes id=\"all-m\">", Example::pair("notify", "true"),
               "</meta_attributes>", Example::primitive("each"), "</clone>");
    EXPECT_THAT(why(example, "each:0", "notify"),
                HasSubstr("  post-start notification of each:0 on pm0"));
}

TEST(Why, SaysWhatPreventsFencing) {
    Example example;
    example.options = Example::pair("stonith-enabled", "true");
    example.resources = Example::primitive("ip");
    cib::Element cib = example.parsed();
    cib.child("status")->children[1].set("in_ccm", "false");
    cib.child("status")->children[1].set("crmd", "offline");
    EXPECT_THAT(ask(cib, {.what = "pm02", .node = {}, .action = {}}),
                HasSubstr("Nothing can fence it: no fence device is configured.\n"));
}

TEST(Why, TellsThatNobodyOptedIn) {
    Example example;
    example.options = Example::pair("symmetric-cluster", "false");
    example.resources = Example::primitive("ip");
    EXPECT_THAT(why(example, "ip"),
                StartsWith("ip is stopped and stays so.\nIt is not to run: no location constraint "
                           "allows it anywhere (symmetric-cluster=false).\n"));
}

TEST(Why, TellsWhatKeepsAResourceOffTheNodesTogether) {
    Example example;
    example.resources = Example::primitive("ip") + Example::primitive("web");
    example.constraints = ban("ip", "pm01") + ban("web", "pm02") +
                          "<rsc_colocation id=\"web-with-ip\" rsc=\"web\" with-rsc=\"ip\" "
                          "score=\"INFINITY\" influence=\"false\"/>";
    EXPECT_THAT(why(example, "web"),
                HasSubstr("It is not to run: location constraints and having to be with ip keep it "
                          "off every node that is there.\n"));
}

TEST(Why, FindsAnActionOfAnInstanceByTheNameInItsHistory) {
    Example example;
    example.resources = "<clone id=\"all\">" + Example::primitive("each") + "</clone>";
    const std::string answer = why(example, "each_start_0");
    EXPECT_THAT(answer, HasSubstr("  start of each:0 on pm0"));
    EXPECT_THAT(answer, HasSubstr("  start of each:1 on pm0"));
}

TEST(Why, TellsOfANodeThatIsCalledLikeItsConnection) {
    Example example;
    example.resources =
        "<primitive id=\"far\" class=\"ocf\" provider=\"pacemaker\" type=\"remote\"/>";
    EXPECT_THAT(why(example, "far"), HasSubstr("\nAs a node, far is "));
}

TEST(Why, SaysThatNothingIsDoneOnThatNode) {
    Example example;
    example.resources = Example::primitive("ip");
    example.constraints = ban("ip", "pm02");
    example.history = {"ip pm02 monitor 7"};
    EXPECT_THAT(why(example, "ip", {}, "pm02"), HasSubstr("\nNothing is to be done on pm02.\n"));
}

TEST(Why, SuggestsWhatIsNear) {
    const Example example = web_without_ip();
    EXPECT_THAT(why(example, "wep"), HasSubstr("did you mean"));
    EXPECT_THAT(why(example, "web", {}, "pm1"), HasSubstr("there is no node pm1; did you mean"));
    EXPECT_THAT(why(example, "web", "strat"),
                HasSubstr("there is no action strat; did you mean 'start'?"));
}

}  // namespace
}  // namespace xbeat::cli
