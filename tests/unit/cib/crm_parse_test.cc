#include "cib/crm_parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cib/crm_print.h"
#include "cib/flat.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
    const Result<Element> read = parse_crm(text);
    return read ? std::string("no error") : read.error().context;
}

// The first element of that name in the configuration that the text means, as XML.
std::string xml_of(std::string_view text, std::string_view section, std::string_view name) {
    const Result<Element> read = parse_crm(text);
    if (!read) return read.error().context;
    const Element* in = read->child(section);
    const Element* found = in == nullptr ? nullptr : in->child(name);
    return found == nullptr ? std::string("nothing") : print_xml(*found);
}

TEST(CrmParse, ReadsAPrimitiveWithAllItsParts) {
    EXPECT_EQ(
        xml_of("primitive ip ocf:heartbeat:IPaddr2 description='the address' \\\n"
               "  params ip=10.0.0.1 nic=\"eth 0\" \\\n"
               "  meta target-role=Started utilization cpu=2 \\\n"
               "  op monitor interval=10s timeout=20s OCF_CHECK_LEVEL=10 \\\n"
               "  op start timeout=60s op_meta record-pending=true\n",
               "resources", "primitive"),
        R"(<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2" description="the address">
  <instance_attributes id="ip-instance_attributes">
    <nvpair id="ip-instance_attributes-ip" name="ip" value="10.0.0.1"/>
    <nvpair id="ip-instance_attributes-nic" name="nic" value="eth 0"/>
  </instance_attributes>
  <meta_attributes id="ip-meta_attributes">
    <nvpair id="ip-meta_attributes-target-role" name="target-role" value="Started"/>
  </meta_attributes>
  <utilization id="ip-utilization">
    <nvpair id="ip-utilization-cpu" name="cpu" value="2"/>
  </utilization>
  <operations>
    <op id="ip-monitor-10s" name="monitor" interval="10s" timeout="20s">
      <instance_attributes id="ip-monitor-10s-instance_attributes">
        <nvpair id="ip-monitor-10s-instance_attributes-OCF_CHECK_LEVEL" name="OCF_CHECK_LEVEL" value="10"/>
      </instance_attributes>
    </op>
    <op id="ip-start-0" name="start" timeout="60s" interval="0">
      <meta_attributes id="ip-start-0-meta_attributes">
        <nvpair id="ip-start-0-meta_attributes-record-pending" name="record-pending" value="true"/>
      </meta_attributes>
    </op>
  </operations>
</primitive>
)");
}

TEST(CrmParse, PutsMembersIntoTheirGroupWhereverTheyAreDefined) {
    const Result<Element> read = parse_crm(
        "clone c g meta interleave=true\n"
        "primitive b Dummy\ngroup g a b\nprimitive alone stonith:fence_xvm\nprimitive a Dummy\n");

    ASSERT_TRUE(read) << read.error().context;
    const Element* resources = read->child("resources");
    ASSERT_EQ(resources->children.size(), 2U);
    EXPECT_EQ(resources->children[0].name, "clone");
    EXPECT_EQ(resources->children[1].get("id"), "alone");
    const Element* group = resources->children[0].child("group");
    ASSERT_NE(group, nullptr);
    ASSERT_EQ(group->children.size(), 2U);
    EXPECT_EQ(group->children[0].get("id"), "a");
    EXPECT_EQ(group->children[1].get("id"), "b");
    EXPECT_EQ(group->children[0].line, 5U);
}

TEST(CrmParse, ReadsTheWordsOfOlderClusters) {
    const std::string clone = xml_of(
        "primitive d ocf:linbit:drbd op monitor interval=20s role=Master\n"
        "ms m d meta master-max=1 notify=true\n",
        "resources", "clone");

    EXPECT_THAT(clone, HasSubstr("name=\"promotable\" value=\"true\""));
    EXPECT_THAT(clone, HasSubstr("name=\"promoted-max\" value=\"1\""));
    EXPECT_THAT(clone, HasSubstr("role=\"Promoted\""));
    EXPECT_THAT(xml_of("colocation c inf: a:Master b:slave", "constraints", "rsc_colocation"),
                HasSubstr("rsc-role=\"Promoted\" with-rsc=\"b\" with-rsc-role=\"Unpromoted\""));
    EXPECT_THAT(xml_of("order o inf: a:promote b", "constraints", "rsc_order"),
                HasSubstr("kind=\"Mandatory\""));
    EXPECT_THAT(xml_of("order o 0: a b", "constraints", "rsc_order"),
                HasSubstr("kind=\"Optional\""));
    EXPECT_THAT(xml_of("property stonith-enabled=false", "crm_config", "cluster_property_set"),
                HasSubstr("name=\"stonith-enabled\" value=\"false\""));
}

TEST(CrmParse, ReadsEveryFormOfLocation) {
    EXPECT_THAT(xml_of("location l web 100: pm01", "constraints", "rsc_location"),
                HasSubstr("<rsc_location id=\"l\" rsc=\"web\" score=\"100\" node=\"pm01\"/>"));
    EXPECT_THAT(
        xml_of("location l /we(b).*/ role=Master -inf: pm01", "constraints", "rsc_location"),
        HasSubstr("rsc-pattern=\"we(b).*\" role=\"Promoted\" score=\"-INFINITY\""));
    EXPECT_THAT(xml_of("location l { a b:Promoted } resource-discovery=never inf: n", "constraints",
                       "rsc_location"),
                HasSubstr("<resource_set id=\"l-resource_set-1\" role=\"Promoted\">"));
    const std::string rules = xml_of(
        "location l web \\\n rule $role=Promoted -inf: not_defined pingd or pingd number:lte 0 \\\n"
        " rule pingd: defined pingd \\\n rule 5: #uname eq pm01 and x ne meta{y} \\\n"
        " rule date spec hours=9-16 weekdays=1-5 \\\n rule date in start=2030-01-01 end=2031-01-01 "
        "\\\n"
        " rule date lt \"2030-01-01 10:00\"",
        "constraints", "rsc_location");
    EXPECT_THAT(
        rules,
        HasSubstr("<rule id=\"l-rule\" role=\"Promoted\" score=\"-INFINITY\" boolean-op=\"or\">"));
    EXPECT_THAT(rules,
                HasSubstr("attribute=\"pingd\" type=\"number\" operation=\"lte\" value=\"0\""));
    EXPECT_THAT(rules, HasSubstr("score-attribute=\"pingd\""));
    EXPECT_THAT(rules, HasSubstr("value=\"y\" value-source=\"meta\""));
    EXPECT_THAT(rules, HasSubstr("hours=\"9-16\" weekdays=\"1-5\""));
    EXPECT_THAT(rules, HasSubstr("operation=\"in_range\" start=\"2030-01-01\" end=\"2031-01-01\""));
    EXPECT_THAT(rules, HasSubstr("operation=\"lt\" end=\"2030-01-01 10:00\""));
}

TEST(CrmParse, ReadsResourceSets) {
    const std::string order =
        xml_of("order o Serialize: a [ b c:start ] ( d e sequential=true ) symmetrical=no",
               "constraints", "rsc_order");
    EXPECT_THAT(order, HasSubstr("kind=\"Serialize\" symmetrical=\"false\""));
    EXPECT_THAT(order, HasSubstr("sequential=\"false\" require-all=\"false\" action=\"start\""));
    const std::string touching =
        xml_of("colocation c inf: a (b c) [d]", "constraints", "rsc_colocation");
    EXPECT_THAT(touching, HasSubstr("<resource_ref id=\"b\"/>"));
    EXPECT_THAT(touching, HasSubstr("<resource_ref id=\"d\"/>"));
    EXPECT_THAT(
        xml_of("rsc_ticket t tick: a:Promoted b loss-policy=fence", "constraints", "rsc_ticket"),
        HasSubstr("loss-policy=\"fence\""));
    EXPECT_THAT(xml_of("order o Mandatory: _rsc_set_ a b", "constraints", "rsc_order"),
                HasSubstr("resource_set"));
}

TEST(CrmParse, ReadsWhatTheClusterItselfIsTold) {
    EXPECT_THAT(xml_of("node 1: pm01:member attributes standby=off", "nodes", "node"),
                HasSubstr("<node id=\"1\" uname=\"pm01\" type=\"member\">"));
    EXPECT_THAT(xml_of("fencing_topology a: x,y z b: w", "fencing-topology", "fencing-level"),
                HasSubstr("target=\"a\" index=\"1\" devices=\"x,y\""));
    const Result<Element> all = parse_crm("node a\nnode b\nfencing_topology x y\n");
    ASSERT_TRUE(all);
    EXPECT_EQ(all->child("fencing-topology")->children.size(), 4U);
    EXPECT_THAT(xml_of("fencing_topology x", "fencing-topology", "fencing-level"),
                HasSubstr("target-pattern=\".*\""));
    EXPECT_THAT(
        xml_of("role r write meta:web:target-role read status deny type:nvpair attr:value", "acls",
               "acl_role"),
        HasSubstr("xpath=\"//primitive[@id='web']/meta_attributes/nvpair[@name='target-role']\""));
    EXPECT_THAT(xml_of("user joe role:r", "acls", "acl_target"), HasSubstr("<role id=\"r\"/>"));
    EXPECT_THAT(xml_of("alert a /bin/x meta timeout=5s select fencing attributes { p q } to { "
                       "/dev/null attributes k=v }",
                       "alerts", "alert"),
                HasSubstr("<recipient id=\"a-recipient\" value=\"/dev/null\">"));
    EXPECT_THAT(xml_of("tag t a b", "tags", "tag"), HasSubstr("<obj_ref id=\"b\"/>"));
}

TEST(CrmParse, GivesIdsThatPacemakersSchemaAllows) {
    const Result<Element> read = parse_crm(
        "node pm01 attributes master-web:0=5 \"a b\"=1 a_b=2\nprimitive w Dummy op monitor "
        "interval=5s op monitor interval=5s\n"
        "alert a /x select attributes { pingd }\n");

    ASSERT_TRUE(read);
    EXPECT_NE(read->find_id("nodes-pm01-instance_attributes-master-web.0"), nullptr);
    EXPECT_NE(read->find_id("nodes-pm01-instance_attributes-a_b-1"), nullptr);
    EXPECT_NE(read->find_id("w-monitor-5s-1"), nullptr);
    EXPECT_NE(read->find_id("a-select-pingd"), nullptr);
}

TEST(CrmPrint, PrintsOneObjectWithWhatIsInIt) {
    const Result<Element> read = parse_crm(
        "primitive a Dummy\nprimitive b Dummy\ngroup g a b\nclone c g\nprimitive d Dummy\n");

    ASSERT_TRUE(read);
    EXPECT_EQ(print_crm_object(*read->find_id("c"), *read),
              "primitive a ocf:heartbeat:Dummy\nprimitive b ocf:heartbeat:Dummy\ngroup g a "
              "b\nclone c g\n");
    EXPECT_EQ(print_crm_object(*read->find_id("d"), *read), "primitive d ocf:heartbeat:Dummy\n");
}

// It means nothing there; found by the fuzzer, as its lines were indented anew each time.
TEST(CrmPrint, SaysStrayTextInXmlTheSameEachTime) {
    const Result<Element> read = parse_xml(
        "<configuration><crm_config><cluster_property_set id=\"s\">c\n   lost &lt;words&gt;"
        "</cluster_property_set></crm_config></configuration>");
    ASSERT_TRUE(read);

    const std::string text = print_crm(*read);

    const Result<Element> back = parse_crm(text);
    ASSERT_TRUE(back) << back.error().context;
    EXPECT_EQ(print_crm(*back), text);
    EXPECT_THAT(text, HasSubstr("c lost &lt;words"));
}

TEST(CrmPrint, SaysInXmlWhatTheLanguageCannot) {
    const Result<Element> read = parse_xml(
        "<configuration><resources><group id=\"g\"><meta_attributes id=\"m\"><nvpair id=\"x\" "
        "name=\"a\"/></meta_attributes>"
        "<primitive id=\"p\" class=\"ocf\" provider=\"h\" "
        "type=\"D\"/></group></resources><constraints>"
        "<rsc_location id=\"l\" rsc=\"g\"><rule id=\"r\" score=\"1\"><rule id=\"n\" "
        "score=\"2\"><expression id=\"e\" attribute=\"a\" "
        "operation=\"defined\"/></rule></rule></rsc_location></constraints></configuration>");

    ASSERT_TRUE(read);
    const std::string text = print_crm(*read);
    EXPECT_TRUE(text.starts_with("xml <group id=\"g\">")) << "the members stand inside, not before";
    EXPECT_THAT(text, HasSubstr("xml <rsc_location id=\"l\" rsc=\"g\">"));
    const Result<Element> back = parse_crm(text);
    ASSERT_TRUE(back) << back.error().context;
    EXPECT_EQ(print_crm(*back), text);
    EXPECT_EQ(back->child("resources")->children[0].children[1].get("id"), "p");
}

TEST(CrmParse, MergesPropertiesOfOneSetAndTheLaterWins) {
    const std::string set = xml_of("property a=1 batch-limit=3\nproperty batch-limit=4\n",
                                   "crm_config", "cluster_property_set");
    EXPECT_THAT(set, HasSubstr("name=\"batch-limit\" value=\"4\""));
    EXPECT_THAT(set, ::testing::Not(HasSubstr("value=\"3\"")));
}

TEST(CrmParse, KeepsCommentsWithWhatFollowsThem) {
    const std::string text =
        "# the address\n# of the service\nprimitive ip ocf:heartbeat:IPaddr2\n"
        "# at the end\n";
    const Result<Element> read = parse_crm(text);

    ASSERT_TRUE(read);
    EXPECT_EQ(read->child("resources")->children[0].children[0].text, "# the address ");
    EXPECT_THAT(print_crm(*read), HasSubstr("# the address\n# of the service\nprimitive ip"));
    EXPECT_TRUE(print_crm(*read).ends_with("\n# at the end\n"));
    EXPECT_EQ(print_crm(*parse_crm(print_crm(*read))), print_crm(*read));
}

TEST(CrmParse, NamesLineWordAndRemedyOfEachError) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"node a\n\nproperty fencing-enable=true",
         "line 3: unknown property 'fencing-enable'; did you mean 'fencing-enabled'?"},
        {"property no-quorum-policy=ingore", "did you mean 'ignore'?"},
        {"primitiv a Dummy", "line 1: unknown statement 'primitiv'; did you mean 'primitive'?"},
        {"primitive a ocff:heartbeat:Dummy", "unknown class of agents 'ocff'; did you mean 'ocf'?"},
        {"primitive a systemd:x:y", "agents of class systemd have no provider"},
        {"primitive a ocf:heartbeat:", "is no agent"},
        {"primitive a", "the statement ends where an agent"},
        {"primitive", "the statement ends where primitive was expected"},
        {"primitive a/b Dummy", "'a/b' is no name for a primitive"},
        {"primitive a Dummy parms x=1", "did you mean 'params'?"},
        {"primitive a Dummy params x=1 x=2", "'x' is given twice"},
        {"primitive a Dummy op interval=5s", "operation's name is missing"},
        {"primitive a Dummy op monitor role=Boss", "unknown role 'Boss'"},
        {"primitive a Dummy params x=1 \\\n op monitor interval=1 \\\n garbage",
         "line 3: expected name=value"},
        {"group g", "group 'g' has no member"},
        {"group g a a\nprimitive a Dummy", "'a' is listed twice in group 'g'"},
        {"primitive web Dummy\ngroup g webb",
         "line 2: unknown resource 'webb' in group 'g'; did you mean 'web'?"},
        {"primitive a Dummy\ngroup g a\ngroup h a", "'a' is already a member of 'g'"},
        {"primitive a Dummy\nprimitive a Dummy", "line 2: 'a' is defined twice, first on line 1"},
        {"primitive a Dummy\ngroup g a\ngroup h g", "a group cannot hold the group 'g'"},
        {"primitive a Dummy\nclone c a\nclone d c", "a clone cannot hold the clone 'c'"},
        {"clone c c", "a clone cannot hold the clone"},
        {"location l web", "needs 'SCORE: NODE' or 'rule ...'"},
        {"location l web many: pm01", "'many' is no score"},
        {"location l web rule x", "the statement ends where a comparison of 'x'"},
        {"location l web rule x is y", "unknown comparison 'is'"},
        {"location l web rule a eq 1 and b eq 2 or c eq 3", "cannot be mixed"},
        {"location l web rule date on monday", "unknown comparison of dates 'on'"},
        {"location l web rule date spec", "a date needs at least one field"},
        {"location l web roel=Started 1: a", "did you mean 'role'?"},
        {"colocation c a b", "needs a score with a colon"},
        {"colocation c inf: a:Boss b", "unknown role 'Boss' of 'a'"},
        {"colocation c inf: a ( b", "is never closed"},
        {"colocation c inf: a b )", "closes nothing"},
        {"colocation c inf: ( a ( b ) )", "cannot be nested"},
        {"colocation c inf: a ( )", "a resource set is empty"},
        {"order o Mandatry: a b", "unknown kind of order 'Mandatry'; did you mean 'Mandatory'?"},
        {"order o a:begin b", "unknown action 'begin' of 'a'"},
        {"order o a b symetrical=true", "did you mean 'symmetrical'?"},
        {"order o a b symmetrical=perhaps", "must be true or false"},
        {"rsc_ticket t a", "needs a ticket"},
        {"rsc_ticket t x: a loss-policy=run", "unknown loss-policy 'run'"},
        {"fencing_topology", "names no device"},
        {"fencing_topology a: 1 2 3 4 5 6 7 8 9 10", "at most 9 fencing levels"},
        {"tag t", "tags nothing"},
        {"role r reed xpath:/cib", "did you mean 'read'?"},
        {"role r read", "must say what"},
        {"user joe read status", "a user's permissions belong in a role"},
        {"alert a /x select", "select must be followed by"},
        {"alert a /x to { y", "is never closed"},
        {"monitor nothing 10s", "which is no primitive here"},
        {"node a:boss", "unknown type of node 'boss'"},
        {"bundle b cocker image=x", "expected docker, podman"},
        {"bundle b podman -=", "no proper name before the ="},
        {"bundle b podman network 0port=1", "no proper name before the ="},
        {"xml <primitive id='a'", "line 1: in the XML"},
        {"xml <cib/>", "xml takes one object"},
        {"node \"a", "the quote \" that opens here is never closed"},
        {"node a extra words", "was not expected here"},
    };
    for (const auto& [text, wanted] : table) EXPECT_THAT(error_of(text), HasSubstr(wanted)) << text;
}

TEST(CrmParse, ReportsAllErrorsUpToItsLimit) {
    std::string text;
    for (std::size_t i = 0; i < kCrmErrorsMax + 5; ++i) text += "nonsense\n";

    const std::string error = error_of(text);

    EXPECT_THAT(error, HasSubstr("line 1: "));
    EXPECT_THAT(error, HasSubstr("line 20: "));
    EXPECT_THAT(error, HasSubstr("(and 5 more)"));
}

TEST(CrmParse, RejectsTextsPastItsLimits) {
    EXPECT_EQ(parse_crm(std::string(kConfigBytesMax + 1, '\n')).error().code, Code::Limit);
    EXPECT_TRUE(parse_crm(std::string(kConfigBytesMax, '\n')));
    EXPECT_THAT(error_of("primitive " + std::string(kIdBytesMax + 1, 'a') + " Dummy"),
                HasSubstr("longer than 255"));
    EXPECT_EQ(error_of("primitive " + std::string(kIdBytesMax, 'a') + " Dummy params x=1"),
              "no error");
    EXPECT_THAT(error_of("property a=" + std::string(70'000, 'x')),
                HasSubstr("a word of more than"));
    std::string words = "tag t";
    for (std::size_t i = 0; i < 100'000; ++i) words += " a";
    EXPECT_THAT(error_of(words), HasSubstr("more than 100000 words"));
}

// Each of these would take hours if its cost grew with the square of the text.
TEST(CrmParse, ReadsTheWorstTextsOfItsSizeInSeconds) {
    std::string sets;
    std::string values;
    for (int i = 0; i < 200'000; ++i) {
        sets += concat("property s", i, ": a=1\n");
        values += concat("property a", i, "=1\n");
    }
    EXPECT_EQ(error_of(sets), "no error");
    EXPECT_EQ(error_of(values), "no error");
    std::string levels;
    for (int i = 0; i < 1000; ++i) levels += concat("node n", i, "\nfencing_topology a b\n");
    EXPECT_THAT(error_of(levels), HasSubstr("more than 10000 fencing levels"));
    std::string words;
    while (words.size() < 8'000'000) words += "tag t a b c d e f g h\n";
    EXPECT_THAT(error_of(words), HasSubstr("words in all"));
    std::string nonsense;
    while (nonsense.size() < 8'000'000) nonsense += "primitiv x\n";
    EXPECT_THAT(error_of(nonsense), HasSubstr("(and 980 more)"));
    std::string pairs = "primitive a Dummy params";
    for (int i = 0; i < 10'001; ++i) pairs += concat(" p", i, "=1");
    EXPECT_THAT(error_of(pairs), HasSubstr("more than 10000 values in one list"));
}

TEST(CrmParse, RejectsBytesThatAreNoText) {
    for (const std::string_view bad : {"node a\xff", "node a\x01", "node \xc0\xaf",
                                       "node \xed\xa0\x80", "node \xf5\x80\x80\x80"})
        EXPECT_THAT(error_of(bad), HasSubstr("line 1: a byte that is not UTF-8"));
    EXPECT_THAT(error_of(std::string("node a\n\0", 8)), HasSubstr("line 2"));
    EXPECT_EQ(error_of("primitive a Dummy description=\"h\xc3\xb6r\""), "no error");
}

TEST(CrmParse, TakesNothingForAnEmptyConfiguration) {
    for (const std::string_view text : {"", "\n\n", "  \\\n", "# only a comment", "\\"}) {
        const Result<Element> read = parse_crm(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(read->child("resources")->children.size(), 0U);
    }
}

}  // namespace
}  // namespace xbeat::cib
