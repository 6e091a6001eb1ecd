// A survivor's xbeat.toml as it goes to the machine that takes a dead one's place.
#include "cli/setup_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kFile = R"(# Günther's pair: pm02 is the one "in the cellar".
cluster = "web"
self = "pm01"  # the host is called otherwise
key_file = "/etc/xbeat/keys/cluster.key"
profile = "metal"

[arbiter]
kind = "witness"
witness = "192.0.2.7"

[[node]]
name = "pm01"
id = 1
links = [
  { name = "ic0", interface = "ic0", address = "10.77.1.1" },
  { name = "ic1", interface = "ic1", address = "10.77.2.1" },
]

[[node]]  # ä
name = "pm02"  # pm02
id = 2
links = [
  { name = "ic0", interface = "ic0", address = "10.77.1.2" }, # ö
  { name = "ic1", interface = "ic1", address = "10.77.2.2" },
]
)";

SetupNode replacement() {
    return {.name = "pm02",
            .id = 2,
            .links = {{.interface = "ic0", .address = "10.77.1.2"},
                      {.interface = "eth9", .address = "10.77.2.2"}}};
}

TEST(SetupFile, GetsAnotherNameForANodeAndNothingElse) {
    const Result<std::string> made = with_node_name(kFile, 2, "pm03");

    ASSERT_TRUE(made) << made.error().context;
    std::string wanted(kFile);
    wanted.replace(wanted.find("name = \"pm02\""), 13, "name = \"pm03\"");
    EXPECT_EQ(*made, wanted);
    EXPECT_EQ(*with_node_name(kFile, 2, "pm02"), kFile);
    EXPECT_FALSE(with_node_name(kFile, 3, "pm03"));
    EXPECT_FALSE(with_node_name("name = ", 2, "pm03"));
}

TEST(SetupFile, IsFittedToTheInterfacesAndTheNameOfTheMachineThatGetsIt) {
    const Result<std::string> made = fitted_to(kFile, replacement(), "", "/root/key");

    ASSERT_TRUE(made) << made.error().context;
    EXPECT_THAT(*made, Not(HasSubstr("self")));
    EXPECT_THAT(*made, HasSubstr("key_file = \"/root/key\"\n"));
    EXPECT_THAT(*made, HasSubstr("interface = \"eth9\", address = \"10.77.2.2\""));
    EXPECT_THAT(*made, HasSubstr("interface = \"ic1\", address = \"10.77.2.1\""));
    EXPECT_THAT(*made, HasSubstr("witness = \"192.0.2.7\""));
    const Result<daemon::Config> read = daemon::parse_config(*made, "xbeat.toml", "pm02");
    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(read->self.value, 2);
    EXPECT_EQ(read->self_node().links[1].interface, "eth9");

    const Result<std::string> named = fitted_to(kFile, replacement(), "pm02", "/root/key");
    EXPECT_THAT(*named, HasSubstr("self = \"pm02\"  # the host"));
}

TEST(SetupFile, GetsANameOfItsOwnInFrontOfAllTables) {
    std::string without(kFile);
    without.erase(without.find("self"), without.find("key_file") - without.find("self"));

    const Result<std::string> made =
        fitted_to(without, replacement(), "pm02", "/etc/xbeat/keys/cluster.key");

    ASSERT_TRUE(made);
    const Result<daemon::Config> read = daemon::parse_config(*made, "xbeat.toml", "other");
    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(read->self.value, 2);
}

}  // namespace
}  // namespace xbeat::cli
