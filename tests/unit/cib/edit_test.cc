#include "cib/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/date.h"

namespace xbeat::cib {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Element configuration(std::string_view text) {
    Result<Element> read = parse_crm(text);
    EXPECT_TRUE(read) << (read ? "" : read.error().context);
    return read ? *read : Element();
}

Element web_pair() {
    return configuration(
        "node pm01\nnode pm02 attributes kind=big\n"
        "primitive ip ocf:heartbeat:IPaddr2 params ip=10.0.0.1 op monitor interval=10s "
        "timeout=20s\n"
        "primitive web ocf:heartbeat:nginx\n"
        "group site ip web\n"
        "primitive db ocf:heartbeat:Dummy\n"
        "location site-on-pm01 site 100: pm01\n"
        "colocation db-with-site inf: db site\n"
        "order site-then-db site db\n"
        "property batch-limit=4\n"
        "rsc_defaults resource-stickiness=10\n");
}

TEST(Edit, StartsWithAnEmptyDocumentThatGrowsVersions) {
    Element cib = empty_cib("pair");

    EXPECT_EQ(to_string(version_of(cib)), "0.0.0");
    EXPECT_EQ(get_property(*cib.child("configuration"), "cluster-name"), "pair");
    EXPECT_NE(cib.child("status"), nullptr);
    set_version(cib, next_update(next_epoch({2, 7, 9})));
    EXPECT_EQ(to_string(version_of(cib)), "2.8.1");
    EXPECT_LT(version_of(cib), (Version{3, 0, 0}));
    cib.set("epoch", "-3");
    cib.set("num_updates", "many");
    EXPECT_EQ(to_string(version_of(cib)), "2.0.0");
}

TEST(Edit, UpdateAddsAndReplacesAndKeepsTheRest) {
    const Result<Element> out = load_update(web_pair(),
                                            "primitive db ocf:heartbeat:Dummy params fake=1\n"
                                            "primitive new ocf:heartbeat:Dummy\n"
                                            "property batch-limit=5 cluster-name=x\n"
                                            "node pm02 attributes standby=on\n");

    ASSERT_TRUE(out) << out.error().context;
    const std::string text = print_crm(*out);
    EXPECT_THAT(text, HasSubstr("primitive db ocf:heartbeat:Dummy \\\n    params fake=1\n"));
    EXPECT_THAT(text, HasSubstr("primitive new ocf:heartbeat:Dummy\n"));
    EXPECT_THAT(text, HasSubstr("batch-limit=5 \\\n    cluster-name=x"));
    EXPECT_THAT(text, HasSubstr("node pm02 \\\n    attributes kind=big standby=on\n"));
    EXPECT_THAT(text, HasSubstr("group site ip web\n"));
}

TEST(Edit, UpdateKeepsTheIdsOfPartsThatStay) {
    Result<Element> read = load_replace(
        "<cib><configuration><crm_config/><nodes/><resources>"
        "<primitive id=\"ip\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr2\">"
        "<instance_attributes id=\"odd\"><nvpair id=\"odd-ip\" name=\"ip\" "
        "value=\"1\"/></instance_attributes>"
        "<operations><op id=\"m\" name=\"monitor\" interval=\"10s\"/></operations></primitive>"
        "</resources><constraints/></configuration></cib>");
    ASSERT_TRUE(read);

    const Result<Element> out = load_update(
        *read,
        "primitive ip ocf:heartbeat:IPaddr2 params ip=2 nic=e op monitor interval=10s timeout=5s");

    ASSERT_TRUE(out) << out.error().context;
    ASSERT_NE(out->find_id("odd-ip"), nullptr);
    EXPECT_EQ(out->find_id("odd-ip")->get("value"), "2");
    ASSERT_NE(out->find_id("m"), nullptr);
    EXPECT_EQ(out->find_id("m")->get("timeout"), "5s");
    EXPECT_NE(out->find_id("odd-nic"), nullptr);
}

TEST(Edit, UpdateMayUseWhatTheTextDoesNotDefine) {
    const Result<Element> grouped = load_update(web_pair(), "group site web db\n");
    ASSERT_TRUE(grouped) << grouped.error().context;
    EXPECT_THAT(print_crm(*grouped), HasSubstr("group site web db\n"));
    EXPECT_THAT(print_crm(*grouped), HasSubstr("primitive ip "));

    const Result<Element> unknown = load_update(web_pair(), "\ngroup other nothing\n");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().context, HasSubstr("line 2: unknown resource 'nothing'"));
    EXPECT_FALSE(load_update(web_pair(), "group other ip\n"));
    EXPECT_FALSE(load_update(web_pair(), "primitive x Dummy\nprimitive x Dummy\n"));
}

TEST(Edit, ReplaceReadsCrmAndXmlAndNothingElse) {
    EXPECT_TRUE(load_replace("node a"));
    EXPECT_TRUE(load_replace("  <configuration/>"));
    EXPECT_THAT(load_replace("<status/>").error().context,
                HasSubstr("a cib or a configuration was expected"));
    EXPECT_FALSE(load_replace("<cib/>"));
    EXPECT_FALSE(load_replace("<cib>"));
}

TEST(Edit, RefusesToRemoveWhatOthersName) {
    Element config = web_pair();
    const Element before = config;

    const Result<void> refused = remove_objects(config, std::vector<std::string>{"db"}, Force::No);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_THAT(refused.error().context, HasSubstr("rsc_colocation 'db-with-site' names it"));
    EXPECT_THAT(refused.error().context, HasSubstr("rsc_order 'site-then-db' names it"));
    EXPECT_EQ(config, before);
    EXPECT_THAT(references_to(config, "pm01"), ElementsAre("rsc_location 'site-on-pm01' names it"));
    EXPECT_THAT(references_to(config, "pm02"), IsEmpty());
    const Result<void> unknown = remove_objects(config, std::vector<std::string>{"dbb"}, Force::No);
    EXPECT_EQ(unknown.error().code, Code::NotFound);
    EXPECT_THAT(unknown.error().context, HasSubstr("did you mean 'db'?"));
}

TEST(Edit, RemovesWhatIsFreeAndByForceWhatDependsOnIt) {
    Element config = web_pair();

    ASSERT_TRUE(remove_objects(
        config, std::vector<std::string>{"db", "db-with-site", "site-then-db"}, Force::No));
    EXPECT_THAT(print_crm(config), Not(HasSubstr("db")));
    ASSERT_TRUE(remove_objects(config, std::vector<std::string>{"site"}, Force::Yes));
    const std::string text = print_crm(config);
    EXPECT_THAT(text, Not(HasSubstr("location")));
    EXPECT_THAT(text, HasSubstr("primitive ip "));
    EXPECT_THAT(text, HasSubstr("primitive web "));
    EXPECT_THAT(text, Not(HasSubstr("group")));
}

TEST(Edit, RemovingTheLastMemberByForceRemovesWhatHeldIt) {
    Element config = configuration(
        "primitive a Dummy\nclone c a\nprimitive b Dummy\ntag t c b\n"
        "order o c b\ncolocation x inf: ( c b )\n");

    EXPECT_FALSE(remove_objects(config, std::vector<std::string>{"a"}, Force::No));
    ASSERT_TRUE(remove_objects(config, std::vector<std::string>{"a"}, Force::Yes));

    EXPECT_EQ(print_crm(config),
              "primitive b ocf:heartbeat:Dummy\ncolocation x inf: ( b )\ntag t b\n");
}

TEST(Edit, RenamesAnObjectEverywhere) {
    Element config = web_pair();

    ASSERT_TRUE(rename_object(config, "site", "shop"));
    ASSERT_TRUE(rename_object(config, "pm01", "pm03"));
    const std::string text = print_crm(config);
    EXPECT_THAT(text, HasSubstr("group shop ip web"));
    EXPECT_THAT(text, HasSubstr("location site-on-pm01 shop 100: pm03"));
    EXPECT_THAT(text, HasSubstr("node pm03\n"));
    EXPECT_EQ(rename_object(config, "shop", "db").error().code, Code::Exists);
    EXPECT_EQ(rename_object(config, "nobody", "x").error().code, Code::NotFound);
    EXPECT_EQ(rename_object(config, "shop", "a b").error().code, Code::Invalid);
}

TEST(Edit, SetsPropertiesOfAllSpellings) {
    Element config = configuration("property stonith-enabled=true");

    ASSERT_TRUE(set_property(config, "fencing-enabled", "false"));
    EXPECT_EQ(get_property(config, "stonith-enabled"), "false");
    EXPECT_THAT(print_crm(config), Not(HasSubstr("stonith-enabled")));
    EXPECT_THAT(set_property(config, "fencing-enable", "true").error().context,
                HasSubstr("did you mean"));
    EXPECT_TRUE(set_property(config, "fencing-enable", "true", Force::Yes));
    EXPECT_TRUE(set_property(config, "my-own-note", "x"));
    EXPECT_EQ(set_property(config, "batch-limit", "many").error().code, Code::Invalid);
    EXPECT_EQ(set_property(config, "a b", "1").error().code, Code::Invalid);
    ASSERT_TRUE(unset_property(config, "fencing-enabled"));
    EXPECT_EQ(get_property(config, "fencing-enabled"), std::nullopt);
    EXPECT_EQ(unset_property(config, "fencing-enabled").error().code, Code::NotFound);
}

TEST(Edit, SetsValuesOfResourcesAndNodes) {
    Element config = web_pair();

    ASSERT_TRUE(set_resource_value(config, "site", SetKind::Meta, "target-role", "Stopped"));
    EXPECT_EQ(get_resource_value(config, "site", SetKind::Meta, "target-role"), "Stopped");
    EXPECT_NE(config.find_id("site-meta_attributes-target-role"), nullptr);
    ASSERT_TRUE(set_resource_value(config, "ip", SetKind::Parameter, "ip", "10.0.0.9"));
    EXPECT_EQ(get_resource_value(config, "ip", SetKind::Parameter, "ip"), "10.0.0.9");
    ASSERT_TRUE(unset_resource_value(config, "site", SetKind::Meta, "target-role"));
    EXPECT_EQ(config.find_id("site-meta_attributes"), nullptr);
    EXPECT_EQ(unset_resource_value(config, "site", SetKind::Meta, "target-role").error().code,
              Code::NotFound);
    EXPECT_THAT(set_resource_value(config, "sit", SetKind::Meta, "x", "y").error().context,
                HasSubstr("did you mean 'site'?"));
    ASSERT_TRUE(set_node_value(config, "pm01", SetKind::Parameter, "standby", "on"));
    EXPECT_EQ(get_node_value(config, "pm01", SetKind::Parameter, "standby"), "on");
    ASSERT_TRUE(unset_node_value(config, "pm01", SetKind::Parameter, "standby"));
    EXPECT_EQ(set_node_value(config, "pm99", SetKind::Parameter, "standby", "on").error().code,
              Code::NotFound);
}

TEST(Edit, MovesBansAndClearsAsCrmResourceDoes) {
    Element config = web_pair();

    ASSERT_TRUE(ban_resource(config, "site", "pm02", {}));
    ASSERT_TRUE(ban_resource(config, "site", "pm01", {}));
    ASSERT_TRUE(move_resource(config, "site", "pm02", {}));

    const Element* prefer = config.find_id("cli-prefer-site");
    ASSERT_NE(prefer, nullptr);
    EXPECT_EQ(print_xml(*prefer),
              "<rsc_location id=\"cli-prefer-site\" rsc=\"site\" role=\"Started\" node=\"pm02\" "
              "score=\"INFINITY\"/>\n");
    EXPECT_EQ(config.find_id("cli-ban-site-on-pm02"), nullptr)
        << "a move lifts the ban of its target";
    EXPECT_NE(config.find_id("cli-ban-site-on-pm01"), nullptr);
    EXPECT_THAT(clear_resource(config, "site", "pm02"), ElementsAre("cli-prefer-site"));
    EXPECT_THAT(clear_resource(config, "site", ""), ElementsAre("cli-ban-site-on-pm01"));
    EXPECT_THAT(clear_resource(config, "site", ""), IsEmpty());
    EXPECT_EQ(move_resource(config, "site", "pm09", {}).error().code, Code::NotFound);
    EXPECT_EQ(ban_resource(config, "nothing", "pm01", {}).error().code, Code::NotFound);
}

TEST(Edit, ClearsOnlyWhatHasExpired) {
    Element config = web_pair();
    const EpochSeconds end{1'800'000'000};
    ASSERT_TRUE(ban_resource(config, "site", "pm01", {.only_promoted = true, .expires = end}));
    ASSERT_TRUE(ban_resource(config, "db", "pm01", {}));
    EXPECT_EQ(config.find_id("cli-ban-site-on-pm01-lifetime")->get("end"), "2027-01-15 08:00:00Z");

    EXPECT_THAT(clear_expired(config, "", EpochSeconds{end.value - 1}), IsEmpty());
    EXPECT_THAT(clear_expired(config, "db", end), IsEmpty());
    EXPECT_THAT(clear_expired(config, "", end), ElementsAre("cli-ban-site-on-pm01"));
    EXPECT_NE(config.find_id("cli-ban-db-on-pm01"), nullptr);
}

TEST(Edit, TellsTheDifferenceInWords) {
    const Element before = web_pair();
    Element after = before;
    ASSERT_TRUE(set_resource_value(after, "ip", SetKind::Parameter, "ip", "10.0.0.2"));
    ASSERT_TRUE(set_property(after, "maintenance-mode", "true"));
    ASSERT_TRUE(remove_objects(after, std::vector<std::string>{"site-on-pm01"}, Force::No));
    ASSERT_TRUE(ban_resource(after, "db", "pm02", {}));

    std::vector<std::string> words;
    for (const Change& change : diff(before, after)) words.push_back(to_string(change));

    EXPECT_THAT(
        words,
        ElementsAre("primitive ip changed: params ip: 10.0.0.1 -> 10.0.0.2",
                    "location site-on-pm01 removed",
                    "property cib-bootstrap-options changed: maintenance-mode: (none) -> true",
                    "location cli-ban-db-on-pm02 added"));
    EXPECT_THAT(diff(before, before), IsEmpty());
}

TEST(Edit, TellsThatASecretChangedButNotWhatItIs) {
    const Element before = web_pair();
    Element first = before;
    ASSERT_TRUE(set_resource_value(first, "ip", SetKind::Parameter, "Password", "hush"));
    Element second = first;
    ASSERT_TRUE(set_resource_value(second, "ip", SetKind::Parameter, "Password", "hushhush"));

    EXPECT_EQ(to_string(diff(before, first).at(0)),
              "primitive ip changed: params Password: (none) -> ********");
    EXPECT_EQ(to_string(diff(first, second).at(0)),
              "primitive ip changed: params Password: ******** -> ********");
    EXPECT_EQ(to_string(diff(second, before).at(0)),
              "primitive ip changed: params Password: ******** -> (none)");
}

TEST(Date, IsReadBackAsItIsPrinted) {
    for (const std::int64_t seconds :
         {0LL, 951'782'400LL, 1'709'164'799LL, 1'800'000'000LL, 4'102'444'800LL, -86'400LL})
        EXPECT_EQ(parse_date(print_date({seconds})), EpochSeconds{seconds})
            << print_date({seconds});
    EXPECT_EQ(parse_date("2020-01-01"), EpochSeconds{1'577'836'800});
    EXPECT_EQ(parse_date("2020-01-01T01:00:00+01:00"), EpochSeconds{1'577'836'800});
    EXPECT_EQ(parse_date("2020-01-01 01:00 +0100"), EpochSeconds{1'577'836'800});
    for (const std::string_view bad :
         {"", "2020", "2020-02-30", "2020-13-01", "2020-01-01 25:00", "2020-01-01 10:61",
          "2020-01-01x", "2020-01-01 10:00:00 later"})
        EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace xbeat::cib
