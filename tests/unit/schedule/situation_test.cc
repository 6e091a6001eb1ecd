// What displays are told of a CIB.
#include "schedule/situation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cib/xml.h"
#include "schedule/schedule.h"

namespace xbeat::schedule {
namespace {

constexpr const char* kCib =
    R"(<cib validate-with="pacemaker-3.9" crm_feature_set="3.19.7" have-quorum="1" epoch="1" admin_epoch="0" num_updates="0">
<configuration>
 <crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>
  <nvpair id="o2" name="node-health-strategy" value="migrate-on-red"/></cluster_property_set></crm_config>
 <nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
 <resources>
  <clone id="pings"><primitive id="net" class="ocf" provider="pacemaker" type="ping">
   <instance_attributes id="p"><nvpair id="p1" name="host_list" value="a b c"/><nvpair id="p2" name="multiplier" value="10"/>
   <nvpair id="p3" name="name" value="reach"/></instance_attributes></primitive></clone>
  <primitive id="a" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="m"><nvpair id="m1" name="migration-threshold" value="3"/></meta_attributes></primitive>
  <primitive id="b" class="ocf" provider="pacemaker" type="Dummy"/>
 </resources>
 <constraints>
  <rsc_location id="plain" rsc="a" node="n2" score="-7"/>
  <rsc_location id="ruled" rsc="a"><rule id="the-rule" score="-INFINITY"><expression id="e" attribute="#uname" operation="eq" value="n2"/></rule></rsc_location>
 </constraints>
</configuration>
<status>
 <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
  <transient_attributes id="1"><instance_attributes id="s1"><nvpair id="s11" name="#health-disk" value="red"/></instance_attributes></transient_attributes>
  <lrm id="1"><lrm_resources>
   <lrm_resource id="net" class="ocf" provider="pacemaker" type="ping"><lrm_rsc_op id="net_last_0" operation_key="net_start_0" operation="start" crm_feature_set="3.19.7" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x" call-id="2" rc-code="0" op-status="0" interval="0" last-rc-change="100" op-digest="d"/></lrm_resource>
   <lrm_resource id="a" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="a_last_0" operation_key="a_monitor_0" operation="monitor" crm_feature_set="3.19.7" transition-key="1:1:7:x" transition-magic="0:5;1:1:7:x" call-id="3" rc-code="5" op-status="0" interval="0" last-rc-change="100" op-digest="d"/></lrm_resource>
   <lrm_resource id="b" class="ocf" provider="pacemaker" type="Dummy"><lrm_rsc_op id="b_last_0" operation_key="b_start_0" operation="start" crm_feature_set="3.19.7" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x" call-id="4" rc-code="0" op-status="0" interval="0" last-rc-change="100" op-digest="d"/>
    <lrm_rsc_op id="b_monitor_10000" operation_key="b_monitor_10000" operation="monitor" crm_feature_set="3.19.7" transition-key="1:1:0:x" transition-magic="0:190;1:1:0:x" call-id="5" rc-code="190" op-status="0" interval="10000" last-rc-change="100" op-digest="d"/></lrm_resource>
  </lrm_resources></lrm></node_state>
 <node_state id="2" uname="n2" in_ccm="false" crmd="offline" join="down" expected="down"/>
</status></cib>)";

Situation observed() {
    const Result<cib::Element> cib = cib::parse_xml(kCib);
    EXPECT_TRUE(cib) << cib.error().context;
    return cib ? observe(*cib, {.now = {200}}) : Situation();
}

TEST(Situation, KnowsWhatAPingAgentSetsWithEveryHostReached) {
    const Situation situation = observed();

    ASSERT_EQ(situation.nodes.size(), 2U);
    ASSERT_EQ(situation.nodes[0].expected.size(), 1U);
    EXPECT_EQ(situation.nodes[0].expected[0].name, "reach");
    EXPECT_EQ(situation.nodes[0].expected[0].value, "30");
    EXPECT_TRUE(situation.nodes[1].expected.empty());
    EXPECT_TRUE(situation.nodes[0].expected_up);
    EXPECT_FALSE(situation.nodes[1].expected_up);
}

TEST(Situation, ShowsADegradedServiceAndMasksAProbeThatFoundNothingInstalled) {
    const Situation situation = observed();

    ASSERT_EQ(situation.failed_actions.size(), 2U);
    EXPECT_EQ(situation.failed_actions[0].key, "a_monitor_0");
    EXPECT_TRUE(situation.failed_actions[0].is_masked);
    EXPECT_EQ(situation.failed_actions[1].key, "b_monitor_10000");
    EXPECT_EQ(situation.failed_actions[1].rc, 190);
    EXPECT_FALSE(situation.failed_actions[1].is_masked);
    const auto b = std::find_if(situation.resources.begin(), situation.resources.end(),
                                [](const auto& one) { return one.id == "b"; });
    ASSERT_NE(b, situation.resources.end());
    EXPECT_FALSE(b->is_failed);
}

TEST(Situation, NamesTheRuleThatBansAndLeavesOutWhatNobodyConfigured) {
    const Situation situation = observed();

    ASSERT_EQ(situation.bans.size(), 2U) << "not those of the health strategy";
    EXPECT_EQ(situation.bans[0].constraint, "plain");
    EXPECT_EQ(situation.bans[0].rule, "");
    EXPECT_EQ(situation.bans[1].constraint, "ruled");
    EXPECT_EQ(situation.bans[1].rule, "the-rule");
}

TEST(Situation, HasEachResourcesThreshold) {
    const Situation situation = observed();

    ASSERT_EQ(situation.resources.size(), 3U);
    EXPECT_EQ(situation.resources[1].threshold, Score::of(3));
    EXPECT_EQ(situation.resources[2].threshold, Score::always());
}

}  // namespace
}  // namespace xbeat::schedule
