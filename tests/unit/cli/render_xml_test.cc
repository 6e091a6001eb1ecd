// crm_mon's XML as agents and tools parse it, and the page of HTML.
#include "cli/render_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cib/xml.h"
#include "unit/cli/run_words.h"
#include "unit/cli/status_example.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::StartsWith;

const cib::Element* find(const cib::Element& element, std::string_view name, std::string_view id) {
    if (element.name == name && (element.get("id") == id || element.get("name") == id))
        return &element;
    for (const cib::Element& child : element.children) {
        if (const cib::Element* found = find(child, name, id)) return found;
    }
    return nullptr;
}

cib::Element parsed(const StatusInput& input, const StatusOptions& options) {
    const Result<cib::Element> root = cib::parse_xml(render_xml(input, options, "crm_mon -1"));
    EXPECT_TRUE(root) << root.error().context;
    return root ? *root : cib::Element();
}

TEST(MonXml, HasTheAttributesThatAgentsLookFor) {
    const cib::Element root = parsed(testing::pair_at_peace(), {});

    EXPECT_EQ(root.name, "pacemaker-result");
    const cib::Element* node = find(*root.child("nodes"), "node", "pm01");
    ASSERT_NE(node, nullptr);
    EXPECT_EQ(node->get("online"), "true");
    EXPECT_EQ(node->get("standby"), "false");
    EXPECT_EQ(node->get("unclean"), "false");
    EXPECT_EQ(node->get("type"), "member");
    const cib::Element* change = root.child("summary")->child("last_change");
    ASSERT_NE(change, nullptr);
    EXPECT_EQ(change->get("time"), "Tue Nov 14 22:00:00 2023");
    EXPECT_EQ(change->get("user"), "root");
    EXPECT_EQ(change->get("client"), "xbeat");
    EXPECT_EQ(change->get("origin"), "pm01");
    ASSERT_NE(root.child("resources"), nullptr);
    EXPECT_EQ(root.children.back().name, "status");
    EXPECT_EQ(root.children.back().get("code"), "0");
}

TEST(MonXml, ResourcesSayWhereTheyRun) {
    StatusInput input = testing::pair_at_peace();
    input.situation.resources = {testing::primitive("web", "Dummy", "pm01"),
                                 testing::primitive("idle", "Dummy", "")};
    input.situation.resources[1].nodes.clear();
    input.situation.resources[1].role = schedule::RoleView::Stopped;

    const cib::Element all = parsed(input, {.inactive = true});
    const cib::Element active = parsed(input, {.inactive = false});

    const cib::Element* web = find(all, "resource", "web");
    ASSERT_NE(web, nullptr);
    EXPECT_EQ(web->get("role"), "Started");
    EXPECT_EQ(web->get("active"), "true");
    EXPECT_EQ(web->get("failed"), "false");
    EXPECT_EQ(web->get("orphaned"), "false");
    EXPECT_EQ(web->get("nodes_running_on"), "1");
    ASSERT_NE(find(*web, "node", "pm01"), nullptr);
    const cib::Element* idle = find(all, "resource", "idle");
    ASSERT_NE(idle, nullptr);
    EXPECT_EQ(idle->get("active"), "false");
    EXPECT_EQ(find(active, "resource", "idle"), nullptr);
}

TEST(MonXml, AStartedInstanceThatMayBePromotedIsUnpromoted) {
    StatusInput input = testing::pair_at_peace();
    schedule::ResourceView clone = testing::collective(
        "c", schedule::ResourceKind::Clone, {testing::primitive("s", "Stateful", "pm01")});
    clone.is_promotable = clone.children[0].is_promotable = true;
    input.situation.resources = {clone};

    const cib::Element root = parsed(input, {});

    ASSERT_NE(find(root, "resource", "s"), nullptr);
    EXPECT_EQ(find(root, "resource", "s")->get("role"), "Unpromoted");
}

// Tools read numbers there: INFINITY as 1000000.
TEST(MonXml, AHistoryHasThresholdsAndCountsAsNumbersAndNoProbesThatFoundNothing) {
    StatusInput input = testing::pair_in_trouble();
    input.situation.fail_counts[0].count = Score::always();
    input.operations = {
        {.node = "pm01", .resource = "web-server", .task = "monitor", .call_id = 3, .rc = 7},
        {.node = "pm01", .resource = "web-server", .task = "start", .call_id = 4},
        {.node = "pm01", .resource = "ping:7", .task = "start", .call_id = 5},
        {.node = "pm01", .resource = "ping:7", .task = "notify", .call_id = 6},
        {.node = "pm01", .resource = "forgotten", .task = "start", .call_id = 7},
        {.node = "pm02", .resource = "web-ip", .task = "monitor", .call_id = 2, .rc = 7}};

    const cib::Element root = parsed(input, {.fail_counts = true, .operations = true});

    const cib::Element* history = root.child("node_history");
    ASSERT_NE(history, nullptr);
    EXPECT_EQ(find(*history, "node", "pm02"), nullptr);
    const cib::Element* server = find(*history, "resource_history", "web-server");
    ASSERT_NE(server, nullptr);
    EXPECT_EQ(server->get("orphan"), "false");
    EXPECT_EQ(server->get("migration-threshold"), "1000000");
    EXPECT_EQ(server->get("fail-count"), "1000000");
    ASSERT_EQ(server->children.size(), 1U);
    EXPECT_EQ(server->children[0].get("task"), "start");
    const cib::Element* ping = find(*history, "resource_history", "ping");
    ASSERT_NE(ping, nullptr) << "an anonymous instance goes by the name of all";
    EXPECT_EQ(ping->children.size(), 1U);
    const cib::Element* gone = find(*history, "resource_history", "forgotten");
    ASSERT_NE(gone, nullptr);
    EXPECT_EQ(gone->get("orphan"), "true");
    EXPECT_FALSE(gone->has("migration-threshold"));
}

TEST(MonXml, LeavesOutThatNothingIsInstalledWhereAProbeLooked) {
    StatusInput input = testing::pair_in_trouble();
    input.situation.failed_actions[0].is_masked = true;

    EXPECT_EQ(parsed(input, {}).child("failures"), nullptr);
    EXPECT_NE(parsed(testing::pair_in_trouble(), {}).child("failures"), nullptr);
}

TEST(MonXml, APartOfABundleStandsInItsReplica) {
    StatusInput input = testing::pair_at_peace();
    schedule::ResourceView bundle = testing::collective("b", schedule::ResourceKind::Bundle, {});
    bundle.container_agent = "podman";
    for (const int replica : {0, 0, 1}) {
        bundle.children.push_back(testing::primitive("part", "Dummy", "pm01"));
        bundle.children.back().replica = replica;
    }
    input.situation.resources = {bundle};

    const cib::Element root = parsed(input, {});

    const cib::Element* found = find(*root.child("resources"), "bundle", "b");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->get("type"), "podman");
    ASSERT_EQ(found->children.size(), 2U);
    EXPECT_EQ(found->children[0].get("id"), "0");
    EXPECT_EQ(found->children[0].children.size(), 2U);
    EXPECT_EQ(found->children[1].get("id"), "1");
    EXPECT_EQ(found->children[1].children.size(), 1U);
}

TEST(MonXml, ABanHasItsRulesNameAndANumber) {
    StatusInput input = testing::pair_at_peace();
    input.situation.bans = {
        {.constraint = "c", .rule = "", .resource = "web", .node = "pm01", .score = Score::never()},
        {.constraint = "d",
         .rule = "d-rule",
         .resource = "web",
         .node = "pm02",
         .score = Score::of(-5)}};

    const cib::Element root = parsed(input, {.bans = true});

    ASSERT_NE(find(root, "ban", "c"), nullptr);
    EXPECT_EQ(find(root, "ban", "c")->get("weight"), "-1000000");
    ASSERT_NE(find(root, "ban", "d-rule"), nullptr);
    EXPECT_EQ(find(root, "ban", "d-rule")->get("weight"), "-5");
}

TEST(MonXml, AResourceThatIsChangingSaysSoInItsRole) {
    StatusInput input = testing::pair_at_peace();
    input.situation.resources = {testing::primitive("a", "Dummy", "pm01"),
                                 testing::primitive("b", "Dummy", "pm01")};
    input.situation.resources[0].pending_task = "Starting";
    input.situation.resources[1].pending_task = "Monitoring";

    const cib::Element root = parsed(input, {});

    EXPECT_EQ(find(root, "resource", "a")->get("role"), "Starting");
    EXPECT_FALSE(find(root, "resource", "a")->has("pending"));
    EXPECT_EQ(find(root, "resource", "b")->get("role"), "Started");
    EXPECT_EQ(find(root, "resource", "b")->get("pending"), "Monitoring");
}

TEST(MonXml, TextFromElsewhereCannotBreakIt) {
    StatusInput input = testing::pair_in_trouble();
    schedule::FailedActionView odd;
    odd.key = "web_start_0";
    odd.node = "pm01";
    odd.exit_reason = "a \"quoted\" <reason> & \x01\x1b[2J";
    input.situation.failed_actions.push_back(odd);

    const cib::Element root = parsed(input, {});

    ASSERT_NE(root.child("failures"), nullptr);
    EXPECT_EQ(root.child("failures")->children.back().get("exitreason"),
              "a \"quoted\" <reason> & ??[2J");
}

TEST(MonXml, AnErrorIsXmlToo) {
    const Ran ran = testing::run_words({"mon", "-1", "--output-as", "xml"});

    const Result<cib::Element> root = cib::parse_xml(ran.out);
    ASSERT_TRUE(root) << ran.out;
    EXPECT_EQ(ran.code, ExitCode::Unavailable);
    EXPECT_EQ(root->child("status")->get("code"), "69");
}

TEST(MonHtml, IsADocumentWithoutForeignMarkup) {
    StatusInput input = testing::pair_in_trouble();
    input.activity = "<script>alert(1)</script>";
    input.is_live = true;

    const std::string page = render_html(input, {}, 5);

    EXPECT_THAT(page, StartsWith("<!DOCTYPE html>"));
    EXPECT_THAT(page, HasSubstr("http-equiv=\"refresh\" content=\"5\""));
    EXPECT_THAT(page, HasSubstr("<h2>Node List</h2>"));
    EXPECT_THAT(page, Not(HasSubstr("<script>")));
}

TEST(Mon, RefusesContradictions) {
    EXPECT_EQ(testing::run_words({"mon", "--as-xml", "--as-html", "x"}).code, ExitCode::Usage);
    EXPECT_EQ(testing::run_words({"mon", "--output-as", "pdf"}).code, ExitCode::Usage);
    EXPECT_EQ(testing::run_words({"mon", "-i", "0"}).code, ExitCode::Usage);
    EXPECT_EQ(testing::run_words({"status", "--json", "--xml"}).code, ExitCode::Usage);
}

}  // namespace
}  // namespace xbeat::cli
