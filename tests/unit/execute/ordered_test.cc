#include "execute/ordered.h"

#include <gtest/gtest.h>

#include "cib/xml.h"

namespace xbeat::execute {
namespace {

using Names = std::set<std::string>;

cib::Element cib_with(const std::string& configuration) {
    auto parsed = cib::parse_xml("<cib><configuration>" + configuration + "</configuration></cib>");
    EXPECT_TRUE(parsed.has_value());
    return *parsed;
}

TEST(OrderedWith, AloneIsItself) {
    const cib::Element cib = cib_with(R"(<resources><primitive id="a"/><primitive id="b"/>
        </resources><constraints><rsc_colocation id="c" rsc="a" with-rsc="b"/></constraints>)");
    EXPECT_EQ(ordered_with(cib, "a"), Names({"a"}));
    EXPECT_EQ(ordered_with(cib, "gone"), Names({"gone"}));
    EXPECT_EQ(ordered_with(*cib::parse_xml("<cib/>"), "a"), Names({"a"}));
}

TEST(OrderedWith, FollowsGroupsClonesAndOrdersInBothDirections) {
    const cib::Element cib = cib_with(R"(<resources>
        <group id="g"><primitive id="fs"/><primitive id="db"/></group>
        <clone id="c"><group id="cg"><primitive id="dlm"/></group></clone>
        <primitive id="web"/><primitive id="far"/><primitive id="other"/></resources>
        <constraints><rsc_order id="1" first="c" then="g" kind="Optional"/>
        <rsc_order id="2" first="web" then="db"/>
        <rsc_order id="3"><resource_set id="s"><resource_ref id="far"/><resource_ref id="web"/>
        </resource_set></rsc_order></constraints>)");
    const Names all = {"g", "fs", "db", "c", "cg", "dlm", "web", "far"};
    EXPECT_EQ(ordered_with(cib, "dlm"), all);
    EXPECT_EQ(ordered_with(cib, "far"), all);
    EXPECT_EQ(ordered_with(cib, "other"), Names({"other"}));
}

TEST(OrderedWith, ATagOrTemplateStandsForItsResources) {
    const cib::Element cib = cib_with(R"(<resources><template id="t"/>
        <primitive id="a" template="t"/><primitive id="b"/><primitive id="c"/></resources>
        <constraints><rsc_order id="1" first="all" then="t"/></constraints>
        <tags><tag id="all"><obj_ref id="b"/></tag></tags>)");
    EXPECT_EQ(ordered_with(cib, "a"), Names({"a", "t", "all", "b"}));
}

}  // namespace
}  // namespace xbeat::execute
