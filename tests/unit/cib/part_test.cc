#include "cib/part.h"

#include <gtest/gtest.h>

namespace xbeat::cib {
namespace {

constexpr std::string_view kCib = R"(<cib epoch="5" have-quorum="1"><configuration>
<crm_config><cluster_property_set id="o"/></crm_config>
<nodes><node id="1" uname="a"/></nodes>
<resources><template id="t"/>
<group id="g"><primitive id="x" type="Dummy"/><primitive id="y" type="Dummy"/></group>
<clone id="c"><primitive id="z" type="Dummy"/></clone>
<bundle id="b"><podman image="i"/></bundle></resources>
<constraints/></configuration>
<status><node_state id="1" uname="a"><lrm id="1"><lrm_resources>
<lrm_resource id="x"/><lrm_resource id="y"/><lrm_resource id="z:0"/><lrm_resource id="xx"/>
<lrm_resource id="b-podman-0"/>
</lrm_resources></lrm><transient_attributes id="1"/></node_state>
<tickets><ticket_state id="T"/></tickets></status></cib>)";

Element part(Part wanted) { return part_of(*parse_xml(kCib), wanted); }

// "x y ...": the histories of the only node.
std::string histories(const Element& cib) {
    std::string ids;
    const Element* state = cib.child("status")->child("node_state");
    for (const Element& each : histories_of(*state)->children) {
        ids += (ids.empty() ? "" : " ") + std::string(each.get("id"));
    }
    return ids;
}

TEST(Part, IsTheWholeDocumentUnlessSomethingIsAskedFor) { EXPECT_EQ(part({}), *parse_xml(kCib)); }

TEST(Part, HasTheSectionsThatWereAskedForAndTheDocumentsOwnAttributes) {
    const Element nodes = part({.sections = {"nodes", "members"}});

    EXPECT_EQ(nodes.get("epoch"), "5");
    EXPECT_NE(nodes.find_id("1"), nullptr);
    EXPECT_EQ(nodes.child("configuration")->children.size(), 1U);
    EXPECT_EQ(nodes.child("status")->children.size(), 1U);
    EXPECT_TRUE(nodes.child("status")->children[0].children.empty());
    EXPECT_EQ(print_xml(part({.sections = {"tickets"}}).child("status")->children[0]),
              "<tickets>\n  <ticket_state id=\"T\"/>\n</tickets>\n");
    EXPECT_EQ(part({.sections = {"status"}}).child("status")->children,
              parse_xml(kCib)->child("status")->children);
    EXPECT_TRUE(part({.sections = {"none"}}).child("status")->children.empty());
}

TEST(Part, OfAResourceHasWhatItIsPartOfAndItsHistories) {
    const Element member = part({.sections = {"resources", "status"}, .resource = "x"});
    EXPECT_NE(member.find_id("g"), nullptr);
    EXPECT_NE(member.find_id("t"), nullptr) << "a template may be what it is made from";
    EXPECT_EQ(member.find_id("c"), nullptr);
    EXPECT_EQ(histories(member), "x y");
    EXPECT_NE(member.child("status")->children[0].child("transient_attributes"), nullptr);

    EXPECT_EQ(histories(part({.resource = "c"})), "z:0");
    EXPECT_EQ(histories(part({.resource = "z:1"})), "z:0");
    EXPECT_EQ(histories(part({.resource = "b"})), "b-podman-0");
    EXPECT_EQ(histories(part({.resource = "nobody"})), "");
    EXPECT_NE(part({.resource = "c"}).child("configuration")->child("constraints"), nullptr);
}

TEST(Part, NamesTheSectionsThatThereAre) {
    EXPECT_EQ(*parse_sections("nodes members"), (std::vector<std::string>{"nodes", "members"}));
    EXPECT_TRUE(parse_sections("")->empty());
    const auto wrong = parse_sections("nodes member");
    ASSERT_FALSE(wrong.has_value());
    EXPECT_EQ(wrong.error().code, Code::Invalid);
    EXPECT_NE(wrong.error().context.find("members"), std::string::npos);
}

}  // namespace
}  // namespace xbeat::cib
