// Simulations: what-if edits, plans carried out on a model, and their readable forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/render_plan.h"
#include "cli/simulate.h"
#include "cli/simulate_model.h"
#include "unit/cli/run_words.h"
#include "unit/schedule/example.h"

namespace xbeat::cli {
namespace {

using schedule::testing::actions_of;
using schedule::testing::Example;
using schedule::testing::kNow;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Ran;
using testing::run_words;

Example one_service() {
    Example example;
    example.resources = Example::primitive("web");
    example.constraints = "<rsc_location id=\"here\" rsc=\"web\" node=\"pm01\" score=\"10\"/>";
    return example;
}

Ran simulate(const Example& example, std::vector<std::string> words) {
    words.insert(words.begin(), {"simulate", "-x", "-", "--now", "2026-11-22T12:00:00Z"});
    return run_words(words, "/nonexistent", example.text());
}

TEST(Simulate, ShowsTheSituationAndWhatChanges) {
    const Ran ran = simulate(one_service(), {});

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_EQ(ran.out,
              "Current cluster status:\n"
              "  * Node List:\n"
              "    * Online: [ pm01 pm02 ]\n"
              "\n"
              "  * Full List of Resources:\n"
              "    * web\t(ocf:pacemaker:Dummy):\t Stopped\n"
              "\n"
              "Transition Summary:\n"
              "  * Start      web     ( pm01 )\n");
}

TEST(Simulate, CarriesThePlanOutOnAModel) {
    const Ran ran = simulate(one_service(), {"--execute"});

    EXPECT_THAT(ran.out, HasSubstr("Executing Cluster Transition:\n"
                                   "  * Resource action: web             monitor on pm01\n"
                                   "  * Resource action: web             monitor on pm02\n"
                                   "  * Resource action: web             start on pm01\n"
                                   "  * Resource action: web             monitor=10000 on pm01\n"));
    EXPECT_THAT(ran.out, HasSubstr("Revised Cluster Status:"));
    EXPECT_THAT(ran.out, HasSubstr("Started pm01"));
}

TEST(Simulate, MovesAServiceWhoseStartFails) {
    const Ran ran = simulate(one_service(), {"--run", "--op-fail", "web:start@pm01=1"});

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_THAT(ran.out, HasSubstr("a new plan has to be made"));
    EXPECT_THAT(ran.out, HasSubstr("Started pm02"));
}

TEST(Simulate, AnswersWhatIfANodeLeaves) {
    Example example = one_service();
    example.history = {"web pm01 start 0", "web pm01 monitor10 0", "web pm02 monitor 7"};

    const Ran ran = simulate(example, {"--node-down", "pm01"});

    EXPECT_THAT(ran.out, HasSubstr("Start      web     ( pm02 )"));
}

TEST(Simulate, RefusesUnknownNodesAndUnreadableFailures) {
    EXPECT_EQ(simulate(one_service(), {"--node-down", "pm09"}).code, ExitCode::NoSuchObject);
    EXPECT_NE(simulate(one_service(), {"--fail", "web@pm01"}).code, ExitCode::Ok);
    EXPECT_NE(simulate(one_service(), {"--op-fail", "web:start@pm01"}).code, ExitCode::Ok);
    EXPECT_EQ(simulate(one_service(), {"--graph", "--dot"}).code, ExitCode::Usage);
}

TEST(Simulate, ReadsFailuresOfInstancesAndIntervals) {
    const Result<Failure> plain = parse_failure("--fail", "web:monitor:10s@pm01=7");
    const Result<Failure> numbered = parse_failure("--fail", "web:1:start@pm01=1");

    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->resource, "web");
    EXPECT_EQ(plain->interval_ms, 10'000);
    ASSERT_TRUE(numbered);
    EXPECT_EQ(numbered->resource, "web:1");
    EXPECT_EQ(numbered->operation, "start");
}

TEST(Simulate, GrantsATicket) {
    Example example = one_service();
    example.constraints += "<rsc_ticket id=\"t\" rsc=\"web\" ticket=\"T\" loss-policy=\"stop\"/>";

    EXPECT_THAT(simulate(example, {}).out, Not(HasSubstr("Start ")));
    EXPECT_THAT(simulate(example, {"--ticket-grant", "T"}).out, HasSubstr("Start "));
    EXPECT_THAT(simulate(example, {"--ticket-grant", "T", "--ticket-standby", "T"}).out,
                Not(HasSubstr("Start ")));
}

TEST(Why, SaysThatAStopIsImpliedByTheFencing) {
    Example example = one_service();
    example.options = Example::pair("stonith-enabled", "true");
    example.resources += "<primitive id=\"shooter\" class=\"stonith\" type=\"fence_xvm\"/>";
    example.down = {"pm02"};
    example.history = {"web pm02 start 0"};
    std::string text = example.text();
    const std::string_view clean = "join=\"down\" expected=\"down\"";
    text.replace(text.find(clean), clean.size(), "join=\"down\" expected=\"member\"");

    const Ran ran = run_words({"why", "web", "-x", "-"}, "/nonexistent", text);

    EXPECT_THAT(ran.out,
                HasSubstr("  stop of web on pm02, implied by the end of what it runs on\n"));
    EXPECT_THAT(ran.out, HasSubstr("    waits for  fencing of pm02\n"));
}

TEST(Why, TellsProgramsWhatMadeEachScoreAndEachAction) {
    const Ran ran =
        run_words({"why", "web", "-x", "-", "--json"}, "/nonexistent", one_service().text());

    const auto told = nlohmann::json::parse(ran.out);
    ASSERT_EQ(told["placements"].size(), 1U);
    const auto& web = told["placements"][0];
    EXPECT_EQ(web["node"], "pm01");
    EXPECT_EQ(web["next_role"], "Started");
    ASSERT_EQ(web["scores"].size(), 2U);
    EXPECT_EQ(web["scores"][0]["node"], "pm01");
    EXPECT_EQ(web["scores"][0]["score"], "10");
    EXPECT_EQ(web["scores"][0]["chosen"], true);
    ASSERT_EQ(web["scores"][0]["changes"].size(), 1U);
    const auto& change = web["scores"][0]["changes"][0];
    EXPECT_EQ(change["cause"], "location");
    EXPECT_EQ(change["constraint"], "here");
    EXPECT_EQ(change["before"], "0");
    EXPECT_EQ(change["after"], "10");
    EXPECT_TRUE(web["scores"][1]["changes"].empty());

    std::vector<std::string> keys;
    for (const auto& action : told["actions"]) {
        EXPECT_EQ(action["planned"], true);
        EXPECT_FALSE(action["because"].empty()) << action;
        keys.push_back(action["key"].get<std::string>() + " on " +
                       action["node"].get<std::string>());
        if (action["task"] != "start") continue;
        EXPECT_THAT(action["waits_for"].dump(), HasSubstr("web_monitor_0"));
    }
    EXPECT_THAT(
        keys, ::testing::UnorderedElementsAre("web_monitor_0 on pm01", "web_monitor_0 on pm02",
                                              "web_start_0 on pm01", "web_monitor_10000 on pm01"));
}

TEST(Why, ExplainsAPlaceConstraintByConstraint) {
    Example example = one_service();
    example.history = {"web pm02 start 0"};

    const Ran ran = run_words({"why", "web", "-x", "-"}, "/nonexistent", example.text());

    EXPECT_EQ(ran.code, ExitCode::Ok);
    EXPECT_THAT(ran.out, HasSubstr("web is running on pm02 and is to move to pm01.\n"));
    EXPECT_THAT(ran.out, HasSubstr("  pm01         10  chosen\n"
                                   "              +10  location constraint here\n"));
    EXPECT_THAT(ran.out, HasSubstr("because    web moves from pm02 (score 0) to pm01 (score 10)"));
}

TEST(Why, KeepsToOneNodeAndOneAction) {
    const std::string text = one_service().text();

    const Ran ran =
        run_words({"why", "web", "pm01", "--action", "start", "-x", "-"}, "/nonexistent", text);

    EXPECT_EQ(ran.out,
              "Actions:\n"
              "  start of web on pm01\n"
              "    because    web is active nowhere and is to run on pm01\n"
              "    waits for  probe of web on pm01\n"
              "    waits for  probe of web on pm02\n");
}

TEST(Why, NamesWhatIsNearIfThereIsNoSuchThing) {
    const Ran ran = run_words({"why", "wbe", "-x", "-"}, "/nonexistent", one_service().text());

    EXPECT_EQ(ran.code, ExitCode::NoSuchObject);
    EXPECT_THAT(ran.err, HasSubstr("web"));
}

TEST(Why, SaysThatOtherParametersRestartIt) {
    Example example = one_service();
    example.history = {"web pm01 start 0", "web pm01 monitor10 0", "web pm02 monitor 7"};
    std::string cib = example.text();
    const std::size_t record = cib.find("operation=\"start\"");
    ASSERT_NE(record, std::string::npos);
    cib.insert(record, "op-digest=\"00000000000000000000000000000000\" ");

    const Ran ran = run_words({"why", "web", "-x", "-"}, "/nonexistent", cib);

    EXPECT_THAT(ran.out, HasSubstr("web is running on pm01 and is to be restarted there.\n"));
    EXPECT_THAT(ran.out, HasSubstr("because    its parameters changed since its start on pm01\n"));
}

TEST(Why, SaysThatNothingMayHaveIt) {
    Example example = one_service();
    example.constraints =
        "<rsc_location id=\"no1\" rsc=\"web\" node=\"pm01\" score=\"-INFINITY\"/>"
        "<rsc_location id=\"no2\" rsc=\"web\" node=\"pm02\" score=\"-INFINITY\"/>";

    const Ran ran = run_words({"why", "web", "-x", "-"}, "/nonexistent", example.text());

    EXPECT_THAT(ran.out, HasSubstr("web is stopped and stays so.\nIt is not to run: constraints "
                                   "keep it off every node that is there.\n"));
    EXPECT_THAT(ran.out, HasSubstr("location constraint no1"));
}

}  // namespace
}  // namespace xbeat::cli
