// Which alert agents hear of what, and with which variables.
#include "execute/alert.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace xbeat::execute {
namespace {

cib::Element configured(std::string_view alerts) {
    std::string text = "<cib><configuration><alerts>";
    text += alerts;
    text += "</alerts></configuration></cib>";
    return *cib::parse_xml(text);
}

AlertEvent node_lost() {
    return {.kind = AlertKind::Node,
            .node = "pm02",
            .node_id = "2",
            .description = "lost",
            .attribute = {},
            .variables = {}};
}

AlertEvent attribute_set(std::string name) {
    return {.kind = AlertKind::Attribute,
            .node = "pm01",
            .node_id = "1",
            .description = {},
            .attribute = name,
            .variables = {{"attribute_name", name}, {"attribute_value", "1"}}};
}

std::string value_of(const RunAgent& run, std::string_view name) {
    for (const auto& [each, value] : run.parameters) {
        if (each == name) return value;
    }
    return "(none)";
}

TEST(Alert, IsNothingWithoutConfiguration) {
    EXPECT_TRUE(alert_runs(*cib::parse_xml("<cib/>"), node_lost(), 1).empty());
    EXPECT_FALSE(has_alerts(configured("")));
}

TEST(Alert, GoesOnceToEachRecipientWithItsOwnOptions) {
    const cib::Element cib = configured(R"(<alert id="mail" path="/usr/share/alerts/mail">
<meta_attributes id="m"><nvpair id="m1" name="timeout" value="15s"/></meta_attributes>
<instance_attributes id="i"><nvpair id="i1" name="from" value="a"/></instance_attributes>
<recipient id="r1" value="one"/>
<recipient id="r2" value="two"><meta_attributes id="m2"><nvpair id="m3" name="timeout" value="1s"/>
</meta_attributes><instance_attributes id="i2"><nvpair id="i3" name="from" value="b"/>
</instance_attributes></recipient></alert>)");

    const std::vector<RunAgent> runs = alert_runs(cib, node_lost(), 7);

    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[0].agent_class, "alert");
    EXPECT_EQ(runs[0].type, "/usr/share/alerts/mail");
    EXPECT_EQ(runs[0].timeout, std::chrono::seconds(15));
    EXPECT_EQ(runs[0].action, "%H:%M:%S.%06N");
    EXPECT_EQ(value_of(runs[0], "CRM_alert_kind"), "node");
    EXPECT_EQ(value_of(runs[0], "CRM_alert_node"), "pm02");
    EXPECT_EQ(value_of(runs[0], "CRM_alert_nodeid"), "2");
    EXPECT_EQ(value_of(runs[0], "CRM_alert_desc"), "lost");
    EXPECT_EQ(value_of(runs[0], "CRM_alert_node_sequence"), "7");
    EXPECT_EQ(value_of(runs[0], "CRM_alert_recipient"), "one");
    EXPECT_EQ(value_of(runs[0], "from"), "a");
    EXPECT_EQ(runs[1].timeout, std::chrono::seconds(1));
    EXPECT_EQ(value_of(runs[1], "from"), "b");
}

TEST(Alert, WithoutRecipientRunsOnceAndWithoutTheVariable) {
    const cib::Element cib = configured(R"(<alert id="a" path="/bin/x"/>)");
    const std::vector<RunAgent> runs = alert_runs(cib, node_lost(), 1);
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(value_of(runs[0], "CRM_alert_recipient"), "(none)");
}

TEST(Alert, HearsOnlyWhatItSelects) {
    const cib::Element all = configured(R"(<alert id="a" path="/bin/x"/>)");
    EXPECT_EQ(alert_runs(all, node_lost(), 1).size(), 1U);
    EXPECT_EQ(alert_runs(all, attribute_set("x"), 1).size(), 0U);
    const cib::Element fencing =
        configured(R"(<alert id="a" path="/bin/x"><select><select_fencing/></select></alert>)");
    EXPECT_EQ(alert_runs(fencing, node_lost(), 1).size(), 0U);
    const cib::Element named = configured(R"(<alert id="a" path="/bin/x"><select>
<select_attributes><attribute id="s" name="standby"/></select_attributes></select></alert>)");
    EXPECT_EQ(alert_runs(named, attribute_set("standby"), 1).size(), 1U);
    EXPECT_EQ(alert_runs(named, attribute_set("other"), 1).size(), 0U);
    const cib::Element any =
        configured(R"(<alert id="a" path="/bin/x"><select><select_attributes/></select></alert>)");
    EXPECT_EQ(alert_runs(any, attribute_set("other"), 1).size(), 1U);
}

TEST(Alert, ThatIsSwitchedOffIsSilent) {
    const cib::Element cib = configured(R"(<alert id="a" path="/bin/x"><meta_attributes id="m">
<nvpair id="n" name="enabled" value="false"/></meta_attributes></alert>)");
    EXPECT_TRUE(has_alerts(cib));
    EXPECT_TRUE(alert_runs(cib, node_lost(), 1).empty());
}

TEST(Alert, EndsAtTheLimit) {
    std::string recipients;
    for (int i = 0; i < 100; ++i) {
        recipients += "<recipient id=\"r" + std::to_string(i) + "\" value=\"v\"/>";
    }
    const cib::Element cib =
        configured("<alert id=\"a\" path=\"/bin/x\">" + recipients + "</alert>");
    EXPECT_EQ(alert_runs(cib, node_lost(), 1).size(), 64U);
}

}  // namespace
}  // namespace xbeat::execute
