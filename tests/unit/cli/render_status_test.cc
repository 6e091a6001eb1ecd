// The status display's text, whole: a change here is a change of what every operator sees.
#include "cli/render_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "unit/cli/status_example.h"

namespace xbeat::cli {
namespace {

using schedule::ResourceKind;
using schedule::ResourceView;
using schedule::RoleView;
using ::testing::HasSubstr;
using ::testing::Not;

class RenderStatus : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};

TEST_F(RenderStatus, ShowsAPairAtPeaceInTheFormOfCrmMon) {
    EXPECT_EQ(render_status(testing::pair_at_peace()),
              R"(Cluster Summary:
  * Stack: xbeat (cluster lab)
  * Current DC: pm01 (version 0.1.0) - partition with quorum
  * Last updated: Tue Nov 14 22:13:20 2023 on pm01
  * Last change:  Tue Nov 14 22:00:00 2023 by root via xbeat on pm01
  * 2 nodes configured
  * 2 resource instances configured
  * Activity: idle
  * Beats: native, every 1.0 ms (metal-fast)

Node List:
  * Online: [ pm01 pm02 ]

Active Resources:
  * Resource Group: web:
    * web-ip	(ocf:heartbeat:IPaddr2):	 Started pm01
    * web-server	(ocf:heartbeat:nginx):	 Started pm01

Links:
  * Peer pm02: alive for 2 h
    * ic0: up (native), rtt p50 12 us, p99 40 us, max 900 us, lost 2 of 1000
    * ic1: up (native), rtt p50 12 us, p99 40 us, max 900 us, lost 2 of 1000
)");
}

TEST_F(RenderStatus, ShowsFailuresFailCountsAttributesAndFencing) {
    const StatusOptions options{
        .inactive = true, .fail_counts = true, .attributes = true, .fence_history = 2};

    EXPECT_EQ(render_status(testing::pair_in_trouble(), options),
              R"(Cluster Summary:
  * Stack: xbeat (cluster lab)
  * Current DC: pm01 (version 0.1.0) - partition with quorum
  * Last updated: Tue Nov 14 22:13:20 2023 on pm01
  * Last change:  Tue Nov 14 22:00:00 2023 by root via xbeat on pm01
  * 2 nodes configured
  * 5 resource instances configured (1 DISABLED, 1 BLOCKED from further action due to failure)
  * Activity: idle
  * Beats: native, every 1.0 ms (metal-fast)

Node List:
  * Node pm02: standby
  * Online: [ pm01 ]

Full List of Resources:
  * Resource Group: web:
    * web-ip	(ocf:heartbeat:IPaddr2):	 Started pm01
    * web-server	(ocf:heartbeat:nginx):	 FAILED pm01 (blocked)
  * Clone Set: pings [ping]:
    * Started: [ pm01 ]
    * Stopped: [ pm02 ]
  * spare	(ocf:heartbeat:Dummy):	 Stopped (disabled)

Links:
  * Peer pm02: alive for 2 h
    * ic0: up (native), rtt p50 12 us, p99 40 us, max 900 us, lost 2 of 1000
    * ic1: DOWN for 5 min: silent

Node Attributes:
  * Node: pm01:
    * pingd                           	: 1000      

Migration Summary:
  * Node: pm01:
    * web-server: migration-threshold=1 fail-count=1 last-failure='Tue Nov 14 22:13:20 2023'

Failed Resource Actions:
  * web-server 10s-interval monitor on pm01 returned 'not running' (no process) at Tue Nov 14 22:13:20 2023 after 12ms

Failed Fencing Actions:
  * off of pm02 failed, origin=pm01, device=f2, last-failed='Tue Nov 14 22:13:21 2023', reason='no answer'

Fencing History:
  * reboot of pm02 successful, origin=pm01, device=f2, completed='Tue Nov 14 22:13:20 2023'
)");
}

TEST_F(RenderStatus, SaysAFailureAsCrmMonDoesInShortAndInDetail) {
    StatusInput input = testing::pair_in_trouble();
    schedule::FailedActionView& failure = input.situation.failed_actions[0];
    failure.interval_ms = 0;
    failure.op_status = 2;

    EXPECT_THAT(
        render_status(input, {}),
        HasSubstr("  * web-server probe on pm01 could not be executed (Timed Out: no process) "
                  "at Tue Nov 14 22:13:20 2023 after 12ms\n"));
    EXPECT_THAT(
        render_status(input, {.detail = true}),
        HasSubstr(
            "  * web-server_monitor_10000 on pm01 'not running' (7): call=42, status='Timed Out', "
            "exitreason='no process', last-rc-change='Tue Nov 14 22:13:20 2023', queued=0ms, "
            "exec=12ms\n"));
}

TEST_F(RenderStatus, SaysWhetherAPingAgentReachesItsHosts) {
    StatusInput input = testing::pair_in_trouble();
    schedule::NodeView& node = input.situation.nodes[0];
    node.expected = {{"pingd", "2000"}};
    const StatusOptions options{.attributes = true};

    EXPECT_THAT(render_status(input, options),
                HasSubstr(": 1000      \t: Connectivity is degraded (Expected=2000)\n"));
    node.attributes[0].value = "0";
    EXPECT_THAT(render_status(input, options), HasSubstr("\t: Connectivity is lost\n"));
    node.attributes[0].value = "2000";
    EXPECT_THAT(render_status(input, options), Not(HasSubstr("Connectivity")));
}

TEST_F(RenderStatus, HidesStoppedResourcesUnlessAsked) {
    const std::string text = render_status(testing::pair_in_trouble());

    EXPECT_THAT(text, HasSubstr("Active Resources:"));
    EXPECT_THAT(text, Not(HasSubstr("spare")));
    EXPECT_THAT(text, Not(HasSubstr("Stopped: [")));
}

TEST_F(RenderStatus, GroupsResourcesByNodeAndPutsStoppedOnesApart) {
    const StatusOptions options{
        .headers = false, .inactive = true, .by_node = true, .links = false};

    EXPECT_THAT(render_status(testing::pair_in_trouble(), options),
                ::testing::StartsWith(R"(Node List:
  * Node pm01: online:
    * Resources:
      * web-ip	(ocf:heartbeat:IPaddr2):	 Started
      * web-server	(ocf:heartbeat:nginx):	 FAILED (blocked)
      * ping	(ocf:heartbeat:ping):	 Started
  * Node pm02: standby:

Inactive Resources:
  * spare	(ocf:heartbeat:Dummy):	 Stopped (disabled)
)"));
}

struct NodeCase {
    const char* wanted;
    void (*change)(schedule::NodeView&);
};
class NodeState : public ::testing::TestWithParam<NodeCase> {};

TEST_P(NodeState, IsNamedAsCrmMonNamesIt) {
    StatusInput input = testing::pair_at_peace();
    GetParam().change(input.situation.nodes[1]);

    EXPECT_THAT(render_status(input), HasSubstr(GetParam().wanted));
}

INSTANTIATE_TEST_SUITE_P(
    All, NodeState,
    ::testing::Values(
        NodeCase{"* OFFLINE: [ pm02 ]", [](schedule::NodeView& n) { n.online = false; }},
        NodeCase{"Node pm02: UNCLEAN (offline)",
                 [](schedule::NodeView& n) {
                     n.online = false;
                     n.unclean = true;
                 }},
        NodeCase{"Node pm02: UNCLEAN (online)", [](schedule::NodeView& n) { n.unclean = true; }},
        NodeCase{"Node pm02: pending", [](schedule::NodeView& n) { n.pending = true; }},
        NodeCase{"Node pm02: standby (on-fail)",
                 [](schedule::NodeView& n) { n.standby_on_fail = true; }},
        NodeCase{"Node pm02: standby (with active resources)",
                 [](schedule::NodeView& n) {
                     n.standby = true;
                     n.resources = {"x"};
                 }},
        NodeCase{"Node pm02: OFFLINE (standby)",
                 [](schedule::NodeView& n) {
                     n.standby = true;
                     n.online = false;
                 }},
        NodeCase{"Node pm02: maintenance", [](schedule::NodeView& n) { n.maintenance = true; }},
        NodeCase{"Node pm02: online (health is RED)",
                 [](schedule::NodeView& n) { n.health = "red"; }},
        NodeCase{"RemoteOnline: [ pm02 ]",
                 [](schedule::NodeView& n) { n.type = schedule::NodeType::Remote; }},
        NodeCase{"GuestOnline: [ pm02 ]",
                 [](schedule::NodeView& n) { n.type = schedule::NodeType::Guest; }}));

struct PrimitiveCase {
    const char* wanted;
    void (*change)(ResourceView&);
};
class PrimitiveState : public ::testing::TestWithParam<PrimitiveCase> {};

TEST_P(PrimitiveState, IsNamedAsCrmMonNamesIt) {
    StatusInput input = testing::pair_at_peace();
    input.situation.nodes[1].unclean = true;
    input.situation.nodes[1].online = false;
    ResourceView one = testing::primitive("one", "Dummy", "pm01");
    GetParam().change(one);
    input.situation.resources = {one};

    EXPECT_THAT(render_status(input, {.inactive = true}),
                HasSubstr(std::string("one\t(ocf:heartbeat:Dummy):\t") + GetParam().wanted + "\n"));
}

INSTANTIATE_TEST_SUITE_P(
    All, PrimitiveState,
    ::testing::Values(
        PrimitiveCase{" Started pm01", [](ResourceView&) {}},
        PrimitiveCase{" Started pm02 (UNCLEAN)", [](ResourceView& r) { r.nodes = {"pm02"}; }},
        PrimitiveCase{" Started pm01 (unmanaged)", [](ResourceView& r) { r.is_managed = false; }},
        PrimitiveCase{" Started pm01 (disabled, maintenance)",
                      [](ResourceView& r) {
                          r.is_disabled = true;
                          r.is_managed = false;
                          r.is_in_maintenance = true;
                      }},
        PrimitiveCase{" FAILED pm02 (UNCLEAN, blocked)",
                      [](ResourceView& r) {
                          r.nodes = {"pm02"};
                          r.is_failed = r.is_blocked = true;
                      }},
        PrimitiveCase{" FAILED (UNCLEAN, disabled, unmanaged) [ pm02 pm01 ]",
                      [](ResourceView& r) {
                          r.nodes = {"pm02", "pm01"};
                          r.is_failed = r.is_disabled = true;
                          r.is_managed = false;
                          r.is_blocked = false;
                      }},
        PrimitiveCase{" FAILED Promoted pm01",
                      [](ResourceView& r) {
                          r.role = RoleView::Promoted;
                          r.is_failed = true;
                      }},
        PrimitiveCase{" Starting pm01", [](ResourceView& r) { r.pending_task = "Starting"; }},
        PrimitiveCase{" Started pm01 (failure ignored)",
                      [](ResourceView& r) { r.is_failure_ignored = true; }},
        PrimitiveCase{" ORPHANED Started pm01", [](ResourceView& r) { r.is_orphan = true; }},
        PrimitiveCase{" Stopped",
                      [](ResourceView& r) {
                          r.role = RoleView::Stopped;
                          r.nodes.clear();
                      }},
        PrimitiveCase{" Stopped pm01 (LOCKED)", [](ResourceView& r) {
                          r.role = RoleView::Stopped;
                          r.nodes.clear();
                          r.locked_to = "pm01";
                      }}));

TEST_F(RenderStatus, PutsRolesOfAPromotableCloneOnLinesOfTheirOwn) {
    StatusInput input = testing::pair_at_peace();
    ResourceView first = testing::primitive("db:0", "pgsql", "pm01");
    ResourceView second = testing::primitive("db:1", "pgsql", "pm02");
    first.role = RoleView::Promoted;
    second.role = RoleView::Unpromoted;
    ResourceView clone = testing::collective("db-clone", ResourceKind::Clone, {second, first});
    clone.is_promotable = true;
    input.situation.resources = {clone};

    EXPECT_THAT(render_status(input, {.inactive = true}),
                HasSubstr("  * Clone Set: db-clone [db] (promotable):\n"
                          "    * Promoted: [ pm01 ]\n"
                          "    * Unpromoted: [ pm02 ]\n"));
}

TEST_F(RenderStatus, ShowsAFailedInstanceOfACloneOnItsOwnLine) {
    StatusInput input = testing::pair_at_peace();
    ResourceView bad = testing::primitive("ping:0", "ping", "pm01");
    bad.display_name = "ping";
    bad.is_failed = true;
    const ResourceView good = testing::primitive("ping:1", "ping", "pm02");
    input.situation.resources = {testing::collective("pings", ResourceKind::Clone, {bad, good})};

    EXPECT_THAT(render_status(input, {.inactive = true}),
                HasSubstr("  * Clone Set: pings [ping]:\n"
                          "    * ping\t(ocf:heartbeat:ping):\t FAILED pm01\n"
                          "    * Started: [ pm02 ]\n"));
}

StatusInput with_a_bundle() {
    StatusInput input = testing::pair_at_peace();
    ResourceView service = testing::primitive("db:0", "pgsql", "box-0");
    service.role = RoleView::Promoted;
    ResourceView connection = testing::primitive("box-0", "remote", "pm01");
    connection.agent_provider = "pacemaker";
    ResourceView bundle =
        testing::collective("box", ResourceKind::Bundle,
                            {testing::primitive("box-ip-10.0.0.7", "IPaddr2", "pm01"), service,
                             testing::primitive("box-podman-0", "podman", "pm01"), connection,
                             testing::primitive("box-podman-1", "podman", "")});
    bundle.container_image = "local/db:1";
    bundle.clone_max = 2;
    input.situation.resources = {bundle};
    return input;
}

TEST_F(RenderStatus, PutsEachReplicaOfABundleOnOneLineWithItsHost) {
    EXPECT_THAT(render_status(with_a_bundle(), {.inactive = true}),
                HasSubstr("  * Container bundle set: box [local/db:1]:\n"
                          "    * box-0 (10.0.0.7)\t(ocf:heartbeat:pgsql):\t Promoted pm01\n"
                          "    * box-podman-1\t(ocf:heartbeat:podman):\t Stopped\n"));
}

TEST_F(RenderStatus, ShowsAllPartsOfAReplicaInDetail) {
    EXPECT_THAT(render_status(with_a_bundle(), {.inactive = true, .detail = true}),
                HasSubstr("    * Replica[0]\n"
                          "      * box-ip-10.0.0.7\t(ocf:heartbeat:IPaddr2):\t Started pm01\n"));
}

TEST_F(RenderStatus, LetsNoTextOfAnAgentReachTheTerminalUnseen) {
    StatusInput input = testing::pair_in_trouble();
    input.situation.failed_actions[0].exit_reason = "\x1b[2Jgone\nFAKE LINE";

    const std::string text = render_status(input);

    EXPECT_THAT(text, HasSubstr("(?[2Jgone?FAKE LINE)"));
}

TEST_F(RenderStatus, WarnsOfWhatWeakensTheCluster) {
    StatusInput input = testing::pair_at_peace();
    input.situation.has_quorum = false;
    input.situation.maintenance_mode = true;
    input.situation.fencing_enabled = false;
    input.unsafe_takeover = true;
    input.degraded = {{"heart", "ic1: no native mode"}};

    const std::string text = render_status(input);

    EXPECT_THAT(text, HasSubstr("partition WITHOUT quorum"));
    EXPECT_THAT(text, HasSubstr("maintenance-mode"));
    EXPECT_THAT(text, HasSubstr("Fencing is off"));
    EXPECT_THAT(text, HasSubstr("unsafe_takeover"));
    EXPECT_THAT(text, HasSubstr("Degraded: heart: ic1: no native mode"));
}

TEST_F(RenderStatus, OfNothingAtAllStillSaysSo) {
    const std::string text = render_status(StatusInput{});

    EXPECT_THAT(text, HasSubstr("Current DC: NONE"));
    EXPECT_THAT(text, HasSubstr("0 nodes configured"));
    EXPECT_THAT(text, HasSubstr("No active resources"));
}

TEST_F(RenderStatus, OneLineForMonitoringIsThatOfCrmMon) {
    StatusInput input = testing::pair_at_peace();
    EXPECT_EQ(simple_status(input), "CLUSTER OK: 2 nodes online, 2 resource instances configured");

    input.situation.nodes[1].standby = true;
    EXPECT_EQ(simple_status(input),
              "CLUSTER OK: 1 node online, 1 standby node, 2 resource instances configured");

    input.situation.nodes[1].online = false;
    EXPECT_EQ(simple_status(input), "CLUSTER WARN: offline node: pm02");

    input.situation.coordinator.clear();
    EXPECT_EQ(simple_status(input), "CLUSTER WARN: No DC");
}

TEST_F(RenderStatus, HealthOfAPairAtPeaceSaysThatItIsWell) {
    const std::string text = render_health(testing::pair_at_peace(), nullptr);

    EXPECT_THAT(text, ::testing::StartsWith("lab is well: 2 of 2 nodes online, 2 of 2 resources "
                                            "running, coordinator pm01\n"));
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 10);
}

TEST_F(RenderStatus, HealthNamesEveryProblemAndWhatToDo) {
    StatusInput input = testing::pair_in_trouble();

    const std::string text = render_health(input, nullptr);

    EXPECT_THAT(text, HasSubstr("lab has "));
    EXPECT_THAT(text, HasSubstr("xbeat node online pm02"));
    EXPECT_THAT(text, HasSubstr("link ic1 to pm02 is DOWN"));
    EXPECT_THAT(text, HasSubstr("xbeat resource cleanup"));
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 10);
}

TEST_F(RenderStatus, HealthDoesNotCountWhatRunsWhereNobodyCanLook) {
    StatusInput input = testing::pair_at_peace();
    input.situation.nodes[0].online = false;
    input.situation.nodes[0].unclean = true;

    const std::string text = render_health(input, nullptr);

    EXPECT_THAT(text, HasSubstr("0 of 2 resources running"));
    EXPECT_THAT(text, HasSubstr("xbeat node confirm pm01"));
}

TEST_F(RenderStatus, FencingThatFailedAgainAndAgainIsShownOnceUnlessAllIsWanted) {
    StatusInput input = testing::pair_in_trouble();
    for (int at = 0; at < 10; ++at) input.fence_history.push_back(input.fence_history.back());
    const auto lines_with = [&](int level) {
        const std::string text = render_status(input, {.fence_history = level});
        std::size_t count = 0;
        for (std::size_t at = text.find("off of pm02 failed"); at != std::string::npos;
             at = text.find("off of pm02 failed", at + 1)) {
            ++count;
        }
        return count;
    };

    EXPECT_EQ(lines_with(0), 0U);
    EXPECT_EQ(lines_with(1), 1U);
    EXPECT_EQ(lines_with(2), 1U);
    EXPECT_EQ(lines_with(3), 11U);
}

TEST_F(RenderStatus, HealthStaysWithinTenLinesHoweverMuchIsWrong) {
    StatusInput input = testing::pair_in_trouble();
    for (int at = 0; at < 50; ++at) input.degraded.push_back({"x", "y"});

    const std::string text = render_health(input, nullptr);

    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
    EXPECT_THAT(text, HasSubstr("more"));
}

TEST(LeaseText, SaysUnderWhatThisNodeServes) {
    StatusInput input = testing::pair_at_peace();
    EXPECT_EQ(lease_text(input), "");

    input.lease = {.is_used = true,
                   .arbiter = "witness",
                   .standing = "under the peer's grant",
                   .left = 24ms,
                   .is_open = true,
                   .managed = {"10.77.0.200"},
                   .nics = {{.interface = "svc", .trouble = "", .is_armed = true}}};
    EXPECT_EQ(lease_text(input),
              "Lease: under the peer's grant (witness), runs out in 24.0 ms unless renewed; gate "
              "open on svc for 10.77.0.200");

    input.lease.left = Duration::zero();
    input.lease.is_open = false;
    EXPECT_NE(lease_text(input).find("RUN OUT; gate SHUT"), std::string::npos);

    input.lease.nics.clear();
    EXPECT_NE(lease_text(input).find("gate not armed"), std::string::npos);
}

}  // namespace
}  // namespace xbeat::cli
