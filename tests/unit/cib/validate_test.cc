#include "cib/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cib/crm_parse.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string words(const std::vector<Problem>& problems) {
    std::string out;
    for (const Problem& problem : problems) out += to_string(problem) + "\n";
    return out;
}

std::string problems_of_xml(std::string_view inside) {
    const Result<Element> read = parse_xml(concat("<configuration>", inside, "</configuration>"));
    return read ? words(validate(*read)) : read.error().context;
}

std::string problems_of_crm(std::string_view text) {
    const Result<Element> read = parse_crm(text);
    return read ? words(validate(*read)) : read.error().context;
}

TEST(Validate, FindsNothingWrongWithAGoodConfiguration) {
    EXPECT_EQ(
        problems_of_crm("node pm01\nnode pm02\n"
                        "primitive ip ocf:heartbeat:IPaddr2 params ip=10.0.0.1 op monitor "
                        "interval=10s timeout=20s\n"
                        "primitive web xbeat:process meta requires=lease\ngroup site ip web\n"
                        "primitive st ocf:pacemaker:Stateful op monitor interval=10s role=Promoted "
                        "op monitor interval=11s\n"
                        "clone ms st meta promotable=true\n"
                        "primitive power stonith:fence_x\nfencing_topology pm01: power\n"
                        "location l site rule 100: #uname eq pm01 and date spec hours=9-16\n"
                        "colocation c inf: site ms:Promoted\norder o ms:promote site:start\n"
                        "rsc_ticket t tick: site loss-policy=fence\ntag all site ms\n"
                        "property fencing-enabled=true no-quorum-policy=ignore\nrsc_defaults "
                        "migration-threshold=1\n"
                        "role r write ref:site\nacl_target joe r\nalert a /bin/true to { x }\n"),
        "");
}

TEST(Validate, NamesTheRuleAndTheRemedyOfEachFault) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"primitive a Dummy\nlocation l b 1: n", "line 2: error: l: unknown resource 'b'"},
        {"primitive web Dummy\ncolocation c inf: web wbe",
         "did you mean 'web'? (unknown-reference)"},
        {"node pm01\nprimitive a Dummy\nlocation l a 1: pm1", "warning: l: unknown node 'pm1'"},
        {"primitive a @t", "template 't' is not there"},
        {"primitive a Dummy params $id-ref=x", "id-ref names 'x', which is not there"},
        {"primitive a Dummy operations $id-ref=x", "operations id-ref names 'x'"},
        {"primitive a Dummy op monitor interval=soon", "'soon' is no interval"},
        {"primitive a Dummy op monitor interval=10s timeout=ages", "'ages' is no timeout"},
        {"primitive a Dummy op monitor interval=10s on-fail=panic",
         "'panic' is no value for on-fail"},
        {"primitive a Dummy op monitor interval=10s op monitor interval=10000ms",
         "operation monitor every 10s in role Started stands twice"},
        {"primitive a Dummy op start interval=10s", "only monitor can repeat"},
        {"primitive a Dummy meta target-role=Stoped", "did you mean 'Stopped'?"},
        {"primitive a Dummy meta is-managed=perhaps", "'perhaps' is no value for is-managed"},
        {"primitive a Dummy meta migration-treshold=3",
         "unknown meta-attribute 'migration-treshold'; did you mean"},
        {"property my-note=1",
         "warning: cib-bootstrap-options-my-note: unknown cluster option 'my-note'"},
        {"primitive a Dummy\ncolocation c inf: a a", "cannot be colocated with itself"},
        {"primitive a Dummy\norder o a a", "cannot be ordered after itself"},
        {"primitive a Dummy\nlocation l a rule x integer:eq many", "'many' is no whole number"},
        {"primitive a Dummy\nlocation l a rule date spec hours=late",
         "'late' is no range of hours"},
        {"fencing_topology n: ghost", "unknown fencing device 'ghost'"},
        {"tag t ghost", "the tag names 'ghost'"},
        {"acl_target joe ghost", "unknown role 'ghost'"},
        {"node a\nnode a", "two nodes are called 'a'"},
    };
    for (const auto& [text, wanted] : table)
        EXPECT_THAT(problems_of_crm(text), HasSubstr(wanted)) << text;
}

TEST(Validate, FindsInXmlWhatTheLanguageCannotSay) {
    const std::string_view p = "<primitive id=\"p\" class=\"ocf\" provider=\"x\" type=\"y\"/>";
    const std::pair<std::string, std::string_view> table[] = {
        {"<resources><group id=\"g\"/></resources>", "the group is empty"},
        {concat("<resources><group id=\"g\"><group id=\"h\">", p, "</group></group></resources>"),
         "a group cannot stand in a group"},
        {concat("<resources><clone id=\"c\"><clone id=\"d\">", p, "</clone></clone></resources>"),
         "a clone cannot stand in a clone"},
        {"<resources><clone id=\"c\"/></resources>",
         "holds exactly one primitive or group; this one holds 0"},
        {concat("<resources><group id=\"g\">", p, "</group><group id=\"h\">", p,
                "</group></resources>"),
         "resource 'p' stands twice, in 'g' and in 'h'"},
        {concat("<resources>", p, "<group id=\"g\">", p, "</group></resources>"),
         "resource 'p' stands twice, at the top and in 'g'"},
        {concat("<resources><clone id=\"c\"><meta_attributes id=\"m\"><nvpair id=\"n\" "
                "name=\"clone-max\" value=\"INFINITY\"/></meta_attributes>",
                p, "</clone></resources>"),
         "'INFINITY' counts as 0 for clone-max; give a number from 0 up"},
        {concat("<resources><clone id=\"c\"><meta_attributes id=\"m\"><nvpair id=\"n\" "
                "name=\"clone-node-max\" value=\"-3\"/></meta_attributes>",
                p, "</clone></resources>"),
         "'-3' counts as 0 for clone-node-max"},
        {"<resources><primitive id=\"p\" class=\"ocf\" type=\"y\"/></resources>",
         "an ocf agent needs a provider"},
        {"<resources><primitive id=\"p\"/></resources>", "needs a class and a type"},
        {"<resources><primitive class=\"lsb\" type=\"y\"/></resources>", "a primitive needs an id"},
        {"<resources><primitive id=\"a b\" class=\"lsb\" type=\"y\"/></resources>",
         "'a b' is no proper id"},
        {concat("<resources><primitive id=\"", std::string(256, 'x'),
                "\" class=\"lsb\" type=\"y\"/></resources>"),
         "an id is longer than 255"},
        {"<resources><primitive id=\"p\" class=\"osf\" type=\"y\"/></resources>",
         "unknown class of agents 'osf'; did you mean"},
        {"<resources><primitive id=\"p\" class=\"lsb\" type=\"y\"><operations><op id=\"o\" "
         "interval=\"1\"/></operations>"
         "</primitive></resources>",
         "an operation needs a name"},
        {"<resources><primitive id=\"p\" class=\"lsb\" type=\"y\"><operations><op id=\"o\" "
         "name=\"monitor\" on-fial=\"stop\"/>"
         "</operations></primitive></resources>",
         "unknown attribute 'on-fial' of a op is ignored; did you mean 'on-fail'?"},
        {"<resources><primitve id=\"p\"/></resources>",
         "unknown element 'primitve' in resources is ignored; did you mean 'primitive'?"},
        {"<resources><rsc_location id=\"l\"/></resources>",
         "a rsc_location cannot stand in a resources"},
        {"<nodes>pm01</nodes>", "the text 'pm01' in nodes means nothing"},
        {"<nodes><node id=\"1\" uname=\"a\"/><node id=\"1\" uname=\"b\"/></nodes>",
         "two nodes have the id '1'"},
        {"<nodes><node id=\"1\"/></nodes>", "a node needs a name"},
        {"<crm_config><cluster_property_set id=\"s\"><nvpair id=\"n\" name=\"no-quorum-policy\" "
         "value=\"pray\"/>"
         "</cluster_property_set></crm_config>",
         "error: n: 'pray' is no value for no-quorum-policy"},
        {"<crm_config><cluster_property_set id=\"s\"><nvpair id=\"s\" name=\"a\" "
         "value=\"b\"/></cluster_property_set></crm_config>",
         "the id 's' of a nvpair is used twice, by a cluster_property_set"},
        {"<constraints><rsc_location id=\"l\"/></constraints>", "a location needs rsc"},
        {concat("<resources>", p,
                "</resources><constraints><rsc_location id=\"l\" rsc=\"p\" node=\"n\" "
                "score=\"lots\"/></constraints>"),
         "'lots' is no score"},
        {concat("<resources>", p,
                "</resources><constraints><rsc_location id=\"l\" rsc=\"p\"><rule id=\"r\" "
                "score=\"1\"/></rsc_location>"
                "</constraints>"),
         "a rule needs at least one expression"},
        {concat("<resources>", p,
                "</resources><constraints><rsc_location id=\"l\" rsc=\"p\"><rule id=\"r\" "
                "score=\"1\" boolean-op=\"xor\">"
                "<expression id=\"e\" attribute=\"a\" "
                "operation=\"eq\"/></rule></rsc_location></constraints>"),
         "'xor' is no value for boolean-op"},
        {concat(
             "<resources>", p,
             "</resources><constraints><rsc_location id=\"l\" rsc=\"p\"><rule id=\"r\" score=\"1\">"
             "<expression id=\"e\" attribute=\"a\" "
             "operation=\"eq\"/></rule></rsc_location></constraints>"),
         "comparison of 'a' needs a value"},
        {concat(
             "<resources>", p,
             "</resources><constraints><rsc_location id=\"l\" rsc=\"p\"><rule id=\"r\" score=\"1\">"
             "<op_expression id=\"e\" name=\"monitor\"/></rule></rsc_location></constraints>"),
         "cannot decide about a location"},
        {concat("<resources>", p,
                "</resources><constraints><rsc_order id=\"o\" first=\"p\" then=\"p\" "
                "then-action=\"jump\"/></constraints>"),
         "'jump' is no value for then-action"},
        {concat("<resources>", p,
                "</resources><constraints><rsc_colocation id=\"o\" rsc=\"p\" with-rsc=\"p\" "
                "rsc-role=\"Boss\"/></constraints>"),
         "'Boss' is no value for rsc-role"},
        {concat("<constraints><rsc_location id=\"l\" rsc-pattern=\"", std::string(1025, '.'),
                "\" node=\"n\" score=\"1\"/></constraints>"),
         "rsc-pattern must have from 1 to 1024 bytes"},
        {"<constraints><rsc_order id=\"o\"><resource_set id=\"s\"/></rsc_order></constraints>",
         "a resource set is empty"},
        {"<fencing-topology><fencing-level id=\"f\" target=\"a\" index=\"10\" "
         "devices=\"\"/></fencing-topology>",
         "'10' is no level"},
        {"<fencing-topology><fencing-level id=\"f\" index=\"1\" devices=\"d\"/></fencing-topology>",
         "exactly one of target"},
        {"<acls><acl_role id=\"r\"><acl_permission id=\"p\" kind=\"read\"/></acl_role></acls>",
         "exactly one of xpath, reference"},
        {"<alerts><alert id=\"a\" path=\"\"/></alerts>", "an alert needs the path"},
        {"<resources><bundle id=\"b\"/></resources>",
         "a bundle needs exactly one of docker, podman and rkt"},
    };
    for (const auto& [text, wanted] : table)
        EXPECT_THAT(problems_of_xml(text), HasSubstr(wanted)) << text;
}

TEST(Validate, AcceptsAsManyResourcesAsItsLimitAndNoMore) {
    std::string text;
    for (std::size_t i = 0; i < kResourcesMax; ++i) text += concat("primitive p", i, " Dummy\n");
    EXPECT_EQ(problems_of_crm(text), "");

    text += "primitive one-more Dummy\n";
    EXPECT_THAT(problems_of_crm(text),
                HasSubstr("10001 resources are more than the 10000 that are supported"));
}

TEST(Validate, AcceptsAsManyNodesAsItsLimitAndNoMore) {
    std::string text;
    for (std::size_t i = 0; i < kNodesMax; ++i) text += concat("node n", i, "\n");
    EXPECT_EQ(problems_of_crm(text), "");
    EXPECT_THAT(problems_of_crm(text + "node more"), HasSubstr("33 nodes are more than the 32"));
    EXPECT_EQ(problems_of_crm(text + "node more:remote"), "");
}

TEST(Validate, ReportsAtMostItsLimitAndSaysHowManyMore) {
    std::string text;
    for (std::size_t i = 0; i < kProblemsMax + 5; ++i)
        text += concat("location l", i, " ghost 1: n\n");

    const Result<Element> read = parse_crm(text);
    ASSERT_TRUE(read);
    const std::vector<Problem> problems = validate(*read);

    ASSERT_EQ(problems.size(), kProblemsMax + 1);
    EXPECT_THAT(problems.back().text, HasSubstr("more problems"));
    EXPECT_TRUE(has_error(problems));
}

TEST(Validate, RefusesWhatIsNoConfiguration) {
    const Result<Element> read = parse_xml("<status/>");
    ASSERT_TRUE(read);
    EXPECT_TRUE(has_error(validate(*read)));
    EXPECT_TRUE(has_error(validate(Element())));
    EXPECT_FALSE(has_error(validate(*parse_xml("<cib><configuration/></cib>"))));
}

}  // namespace
}  // namespace xbeat::cib
