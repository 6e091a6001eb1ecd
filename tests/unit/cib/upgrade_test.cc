#include "cib/upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cib/crm_print.h"
#include "cib/edit.h"
#include "cib/validate.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Element read(std::string_view text) {
    Result<Element> element = parse_xml(text);
    EXPECT_TRUE(element) << (element ? "" : element.error().context);
    return element ? *element : Element();
}

TEST(Upgrade, KeepsTheNameOfANewerSchemaAndNoOther) {
    const auto schema = [](std::string_view named) {
        return schema_of(read(concat("<cib validate-with=\"", named, "\"/>")));
    };

    EXPECT_EQ(schema("pacemaker-3.10"), "pacemaker-3.10");
    EXPECT_EQ(schema("pacemaker-4.0"), "pacemaker-4.0");
    for (const std::string_view other :
         {"pacemaker-3.9", "pacemaker-3.2", "pacemaker-2.10", "none", "pacemaker-next",
          "pacemaker-4", "pacemaker-4.x", "heartbeat-9.9", ""}) {
        EXPECT_EQ(schema(other), kSchema) << other;
    }
}

// A pair as Heartbeat 2 wrote it.
constexpr std::string_view kHeartbeat = R"(
<cib generated="true" have_quorum="true" ignore_dtd="false" num_peers="2" admin_epoch="0" epoch="3" num_updates="7">
 <configuration>
  <crm_config>
   <cluster_property_set id="cib-bootstrap-options"><attributes>
     <nvpair id="o1" name="no_quorum_policy" value="ignore"/>
     <nvpair id="o2" name="stonith_enabled" value="true"/>
     <nvpair id="o3" name="default_resource_stickiness" value="100"/>
     <nvpair id="o4" name="default-action-timeout" value="90s"/>
   </attributes></cluster_property_set>
  </crm_config>
  <nodes><node id="1" uname="pm01" type="normal"><instance_attributes id="na"><attributes>
    <nvpair id="na1" name="standby" value="off"/></attributes></instance_attributes></node></nodes>
  <resources>
   <group id="site" ordered="true" collocated="true">
    <primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2" is_managed="true">
     <operations><op id="m" name="monitor" interval="10s" timeout="5s" on_fail="restart" disabled="false" start_delay="3"/></operations>
     <instance_attributes id="ipa"><attributes><nvpair id="ip1" name="ip" value="10.0.0.1"/>
      <nvpair id="ip2" name="target_role" value="started"/></attributes></instance_attributes>
    </primitive>
   </group>
   <master_slave id="ms">
    <instance_attributes id="msa"><attributes><nvpair id="ms1" name="clone_max" value="2"/>
      <nvpair id="ms2" name="master_max" value="1"/></attributes></instance_attributes>
    <primitive id="drbd" class="ocf" provider="heartbeat" type="drbd"/>
   </master_slave>
  </resources>
  <constraints>
   <rsc_location id="l" rsc="site"><rule id="lr" score="100" boolean_op="and">
     <expression id="le" attribute="#uname" operation="eq" value="pm01"/></rule></rsc_location>
   <rsc_order id="o" from="site" type="after" to="ms" action="start" to_action="promote"/>
   <rsc_order id="p" from="ip" type="before" to="drbd"/>
   <rsc_colocation id="c" from="site" to="ms" to_role="master" score="INFINITY"/>
  </constraints>
 </configuration>
 <status><node_state id="1"><transient_attributes id="1"><instance_attributes id="t"><attributes>
   <nvpair id="t1" name="pingd" value="100"/></attributes></instance_attributes></transient_attributes></node_state></status>
</cib>)";

TEST(Upgrade, BringsAHeartbeatConfigurationToToday) {
    Element cib = read(kHeartbeat);

    const std::vector<std::string> done = upgrade(cib);

    EXPECT_THAT(done, Not(IsEmpty()));
    EXPECT_EQ(cib.get("validate-with"), kSchema);
    EXPECT_EQ(cib.get("have-quorum"), "true");
    EXPECT_FALSE(cib.has("generated"));
    const Element& configuration = *cib.child("configuration");
    EXPECT_FALSE(has_error(validate(cib))) << to_string(validate(cib).front());
    EXPECT_EQ(
        print_crm(configuration),
        "node 1: pm01:member \\\n    attributes standby=off\n"
        "primitive ip ocf:heartbeat:IPaddr2 \\\n    meta is-managed=true target-role=started \\\n"
        "    op monitor interval=10s timeout=5s on-fail=restart start-delay=3 enabled=true \\\n    "
        "params ip=10.0.0.1\n"
        "group site ip \\\n    meta ordered=true collocated=true\n"
        "primitive drbd ocf:heartbeat:drbd\n"
        "clone ms drbd \\\n    meta clone-max=2 promoted-max=1 promotable=true\n"
        "location l site \\\n    rule 100: #uname eq pm01\n"
        "order o ms:promote site:start\norder p ip drbd\ncolocation c inf: site ms:Promoted\n"
        "property cib-bootstrap-options: \\\n    no-quorum-policy=ignore \\\n    "
        "stonith-enabled=true\n"
        "rsc_defaults rsc-options: \\\n    resource-stickiness=100\n"
        "op_defaults op-options: \\\n    timeout=90s\n");
    EXPECT_EQ(cib.find_id("t")->children.front().get("name"), "pingd");
}

// Old names mean something where the schema is old; elsewhere Pacemaker does not know them either.
TEST(Upgrade, RenamesOptionsOnlyWhereTheSchemaIsOld) {
    const auto defaults_of = [](std::string_view schema) {
        Element cib = read(concat(
            "<cib validate-with=\"", schema,
            "\"><configuration><crm_config><cluster_property_set id=\"o\"><nvpair id=\"o1\" "
            "name=\"is-managed-default\" value=\"false\"/></cluster_property_set></crm_config>"
            "</configuration></cib>"));
        (void)upgrade(cib);
        return cib.child("configuration")->child("rsc_defaults") != nullptr;
    };

    EXPECT_TRUE(defaults_of("pacemaker-1.2"));
    EXPECT_TRUE(defaults_of("pacemaker-2.10"));
    EXPECT_TRUE(defaults_of(""));
    EXPECT_FALSE(defaults_of("pacemaker-3.0"));
    EXPECT_FALSE(defaults_of("pacemaker-3.10"));
    EXPECT_FALSE(defaults_of("none"));
}

// Those that Pacemaker 1.x read with underscores; others never meant anything there.
TEST(Upgrade, RenamesTheOptionsThatOnceHadUnderscores) {
    Element cib = read(R"(<cib validate-with="pacemaker-1.2"><configuration><crm_config>
      <cluster_property_set id="o"><nvpair id="o1" name="is_managed_default" value="false"/>
      <nvpair id="o2" name="transition_idle_timeout" value="90s"/>
      <nvpair id="o3" name="batch_limit" value="3"/></cluster_property_set></crm_config>
      </configuration></cib>)");

    (void)upgrade(cib);

    EXPECT_EQ(cib.find_id("o2")->get("name"), "cluster-delay");
    EXPECT_EQ(cib.find_id("o3")->get("name"), "batch_limit");
    const Element* defaults = cib.child("configuration")->child("rsc_defaults");
    ASSERT_NE(defaults, nullptr);
    EXPECT_EQ(defaults->children.front().children.front().get("name"), "is-managed");
}

TEST(Upgrade, DoesNothingTheSecondTime) {
    Element cib = read(kHeartbeat);
    (void)upgrade(cib);
    const Element once = cib;

    EXPECT_THAT(upgrade(cib), IsEmpty());
    EXPECT_EQ(cib, once);
}

TEST(Upgrade, LeavesADocumentOfTodayAlone) {
    const std::string_view text =
        "<cib validate-with=\"pacemaker-3.9\" "
        "epoch=\"1\"><configuration><crm_config><cluster_property_set id=\"s\">"
        "<nvpair id=\"n\" name=\"redis_REPL_INFO\" "
        "value=\"x\"/></cluster_property_set></crm_config><nodes/><resources>"
        "<primitive id=\"p\" class=\"ocf\" provider=\"x\" type=\"y\"><instance_attributes id=\"i\">"
        "<nvpair id=\"v\" name=\"master_max\" "
        "value=\"3\"/></instance_attributes></primitive></resources><constraints/>"
        "</configuration></cib>";
    Element cib = read(text);
    const Element before = cib;

    EXPECT_THAT(upgrade(cib), IsEmpty());
    EXPECT_EQ(cib, before);
}

TEST(Upgrade, TurnsMastersOfTheSecondGenerationIntoClones) {
    Element cib = read(
        "<configuration><resources><master id=\"m\"><meta_attributes id=\"a\"><nvpair id=\"b\" "
        "name=\"master-max\" value=\"2\"/>"
        "<nvpair id=\"t\" name=\"target-role\" value=\"Slave\"/></meta_attributes>"
        "<primitive id=\"p\" class=\"ocf\" provider=\"x\" type=\"y\"><operations><op id=\"o\" "
        "name=\"monitor\" interval=\"1\" role=\"Master\"/>"
        "</operations></primitive></master></resources></configuration>");

    (void)upgrade(cib);

    EXPECT_THAT(print_crm(cib),
                HasSubstr("meta promoted-max=2 target-role=Unpromoted promotable=true"));
    EXPECT_THAT(print_crm(cib), HasSubstr("role=Promoted"));
    EXPECT_FALSE(has_error(validate(cib)));
}

TEST(Upgrade, TurnsUsersIntoTargetsWithRoles) {
    Element cib = read(
        "<configuration><acls><acl_role id=\"r\"><write id=\"w\" ref=\"p\"/></acl_role><acl_user "
        "id=\"joe\"><role_ref id=\"r\"/>"
        "<read id=\"x\" tag=\"nvpair\" attribute=\"value\"/></acl_user></acls></configuration>");

    (void)upgrade(cib);

    EXPECT_EQ(print_crm(cib),
              "role r \\\n    write ref:p\nacl_target joe r joe-own\nrole joe-own \\\n    read "
              "type:nvpair attr:value\n");
    EXPECT_FALSE(has_error(validate(cib)));
}

TEST(Upgrade, IsDoneWhenAnXmlConfigurationIsLoaded) {
    const Result<Element> loaded = load_replace(kHeartbeat);

    ASSERT_TRUE(loaded);
    EXPECT_EQ(get_property(*loaded, "no-quorum-policy"), "ignore");
}

TEST(Upgrade, SurvivesDocumentsWithoutAConfiguration) {
    Element cib = read("<cib/>");
    EXPECT_THAT(upgrade(cib), IsEmpty());
    Element odd = read(
        "<configuration><attributes><attributes><nvpair/></attributes></attributes><attributes/></"
        "configuration>");
    (void)upgrade(odd);
    EXPECT_THAT(upgrade(odd), IsEmpty());
}

}  // namespace
}  // namespace xbeat::cib
