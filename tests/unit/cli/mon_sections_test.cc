// crm_mon's --include, --exclude, --node and --resource, by the words that xbeat mon has for them.
#include "cli/mon_sections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;

TEST(MonSections, AreShownAndHiddenFromLeftToRight) {
    StatusOptions options;
    ASSERT_TRUE(apply_sections("none,nodes,+tickets", options));
    EXPECT_TRUE(options.nodes);
    EXPECT_TRUE(options.tickets);
    EXPECT_FALSE(options.headers || options.resources || options.failures || options.links);
    EXPECT_EQ(options.fence_history, 0);

    ASSERT_TRUE(apply_sections("-none,-nodes,bans:cli-", options));
    EXPECT_FALSE(options.nodes);
    EXPECT_TRUE(options.resources && options.bans && options.attributes);
    EXPECT_EQ(options.fence_history, 2);

    ASSERT_TRUE(apply_sections("-fencing-succeeded", options));
    EXPECT_EQ(options.fence_history, 1);
    ASSERT_TRUE(apply_sections("default", options));
    EXPECT_TRUE(options.nodes && options.headers);
    EXPECT_FALSE(options.bans);
}

TEST(MonSections, OfAnotherNameAreRefusedWithTheNamesThatThereAre) {
    StatusOptions options;
    for (const char* list : {"nix", "nodes,list", "-", "nodes,,bans"}) {
        const Result<void> refused = apply_sections(list, options);
        ASSERT_FALSE(refused) << list;
        EXPECT_THAT(refused.error().context, HasSubstr("failcounts, failures")) << list;
    }
}

StatusInput two_nodes() {
    StatusInput input;
    for (const char* name : {"pm01", "pm02"}) {
        schedule::NodeView node;
        node.name = name;
        input.situation.nodes.push_back(node);
    }
    schedule::ResourceView web;
    web.id = web.display_name = "web";
    web.role = schedule::RoleView::Started;
    web.nodes = {"pm01"};
    schedule::ResourceView group;
    group.id = group.display_name = "g";
    group.kind = schedule::ResourceKind::Group;
    group.children = {web};
    schedule::ResourceView other = web;
    other.id = other.display_name = "db";
    other.nodes = {"pm02"};
    input.situation.resources = {group, other};
    return input;
}

TEST(MonSections, KeepOnlyWhatConcernsANodeOrAResource) {
    StatusInput of_node = two_nodes();
    ASSERT_TRUE(keep_only(of_node, "pm02", ""));
    ASSERT_EQ(of_node.situation.nodes.size(), 1U);
    ASSERT_EQ(of_node.situation.resources.size(), 1U);
    EXPECT_EQ(of_node.situation.resources[0].id, "db");

    StatusInput of_resource = two_nodes();
    ASSERT_TRUE(keep_only(of_resource, "", "web"));
    EXPECT_EQ(of_resource.situation.nodes.size(), 2U);
    ASSERT_EQ(of_resource.situation.resources.size(), 1U);
    EXPECT_EQ(of_resource.situation.resources[0].id, "g");
    EXPECT_EQ(keep_only(of_resource, "", "nix").error().code, Code::NotFound);
    EXPECT_EQ(keep_only(of_resource, "pm09", "").error().code, Code::NotFound);
}

}  // namespace
}  // namespace xbeat::cli
