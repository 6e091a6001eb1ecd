#include "daemon/config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/daemon/temp_dir.h"

namespace xbeat::daemon {
namespace {

// The example of the man page; each case below changes one thing.
const std::string kGood = R"(cluster = "lab"
key_file = "/etc/xbeat/keys/cluster.key"
profile = "metal-fast"
[[node]]
name = "pm01"
id = 1
links = [ { name = "ic0", interface = "ic0", address = "10.77.1.1" }, { name = "ic1", interface = "ic1", address = "10.77.2.1" } ]
[[node]]
name = "pm02"
id = 2
links = [ { name = "ic0", interface = "ic0", address = "10.77.1.2" }, { name = "ic1", interface = "ic1", address = "10.77.2.2" } ]
)";

const std::string kOnePath = R"(cluster = "lab"
key_file = "/k"
profile = "PROFILE"
[[node]]
name = "pm01"
id = 1
links = [ { interface = "ic0", address = "10.77.1.1" } ]
[[node]]
name = "pm02"
id = 2
links = [ { interface = "ic0", address = "10.77.1.2" } ]
)";

std::string with(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string refusal(std::string_view text, std::string_view host = "pm01") {
    const Result<Config> config = parse_config(text, "xbeat.toml", host);
    return config ? "accepted" : config.error().context;
}

TEST(Config, ReadsTheExampleOfTheManPage) {
    const Result<Config> config = parse_config(kGood, "xbeat.toml", "pm02");

    ASSERT_TRUE(config) << config.error().context;
    EXPECT_EQ(config->cluster, "lab");
    EXPECT_EQ(config->self, NodeId{2});
    EXPECT_EQ(config->self_node().name, "pm02");
    EXPECT_EQ(config->port, 7455);
    EXPECT_EQ(config->timing.period, 1ms);
    EXPECT_EQ(config->timing.suspect, 3U);
    EXPECT_EQ(config->timing.dead, 5U);
    EXPECT_EQ(config->arbiter.kind, node::ArbiterKind::Fence);
    EXPECT_EQ(config->arbiter.handicap, std::nullopt);  // the period of the beat decides
    EXPECT_FALSE(config->unsafe_takeover);
    ASSERT_EQ(config->nodes[0].links.size(), 2U);
    EXPECT_EQ(config->nodes[0].links[1].interface, "ic1");
    EXPECT_EQ(config->nodes[0].links[1].address, heart::IpAddress::parse("10.77.2.1"));
}

TEST(Config, TakesAWitnessAndASharedDisk) {
    const auto with = [](const std::string& arbiter) {
        return parse_config(std::string(kGood) + "[arbiter]\n" + arbiter, "xbeat.toml", "pm01");
    };
    const Result<Config> witness =
        with("kind = \"witness\"\nwitness = \"fd00::9\"\nwitness_port = 17\nlease = \"500ms\"\n");
    const Result<Config> disk = with("kind = \"disk\"\ndisk = \"/dev/disk/by-id/shared\"\n");

    ASSERT_TRUE(witness) << witness.error().context;
    EXPECT_EQ(witness->arbiter.kind, node::ArbiterKind::Witness);
    EXPECT_EQ(witness->arbiter.witness, heart::IpAddress::parse("fd00::9"));
    EXPECT_EQ(witness->arbiter.witness_port, 17);
    EXPECT_EQ(witness->arbiter.lease, 500ms);
    ASSERT_TRUE(disk) << disk.error().context;
    EXPECT_EQ(disk->arbiter.kind, node::ArbiterKind::Disk);
    EXPECT_EQ(disk->arbiter.disk, "/dev/disk/by-id/shared");
    EXPECT_EQ(disk->arbiter.lease, 3s);
}

TEST(Config, TakesTheFirstPartOfALongHostName) {
    const Result<Config> config = parse_config(kGood, "xbeat.toml", "pm01.example.org");

    ASSERT_TRUE(config);
    EXPECT_EQ(config->self, NodeId{1});
}

TEST(Config, PrefersTheGivenSelfOverTheHostName) {
    const Result<Config> config =
        parse_config(with(kGood, "profile", "self = \"pm02\"\nprofile"), "xbeat.toml", "pm01");

    ASSERT_TRUE(config);
    EXPECT_EQ(config->self, NodeId{2});
}

TEST(Config, HasTheProfilesOfTheManPage) {
    struct Row {
        const char* name;
        Duration period;
        std::uint32_t suspect;
        std::uint32_t dead;
    };
    for (const Row& row :
         {Row{"metal-fast", 1ms, 3, 5}, Row{"metal", 5ms, 3, 10}, Row{"vm", 10ms, 10, 100},
          Row{"cloud", 50ms, 10, 200}, Row{"compat", 100ms, 10, 30}}) {
        const auto timing = find_profile(row.name);
        ASSERT_TRUE(timing) << row.name;
        EXPECT_EQ(timing->period, row.period) << row.name;
        EXPECT_EQ(timing->suspect, row.suspect) << row.name;
        EXPECT_EQ(timing->dead, row.dead) << row.name;
    }
    EXPECT_FALSE(find_profile("fast"));
}

TEST(Config, TakesTimingsOverTheProfile) {
    const Result<Config> config =
        parse_config(kGood + "[timing]\nperiod = \"2ms\"\ndead = 7\nstall_after = \"500ms\"\n",
                     "xbeat.toml", "pm01");

    ASSERT_TRUE(config) << config.error().context;
    EXPECT_EQ(config->timing.period, 2ms);
    EXPECT_EQ(config->timing.dead, 7U);
    EXPECT_EQ(config->timing.tau(), 14ms);
    EXPECT_EQ(config->timing.stall_after, 500ms);
    EXPECT_EQ(config->timing.stall_limit, 10s);
}

TEST(Config, RunsANodeOnItsOwnWithoutLinks) {
    const Result<Config> config =
        parse_config("cluster = \"solo\"\nkey_file = \"/k\"\n[[node]]\nname = \"a\"\nid = 1\n",
                     "xbeat.toml", "a");

    ASSERT_TRUE(config) << config.error().context;
    EXPECT_TRUE(config->self_node().links.empty());
}

TEST(Config, TellsTheLineOfASyntaxError) {
    EXPECT_EQ(refusal("cluster = \"lab\"\nkey_file = \n").substr(0, 13), "xbeat.toml:2:");
}

TEST(Config, SuggestsTheKeyThatWasMeant) {
    EXPECT_EQ(refusal(with(kGood, "profile", "profil")),
              "xbeat.toml:3: unknown key `profil` in the file; did you mean 'profile'?");
    EXPECT_EQ(refusal(with(kGood, "interface = \"ic1\", address = \"10.77.2.1\"",
                           "interfaces = \"ic1\", address = \"10.77.2.1\"")),
              "xbeat.toml:7: unknown key `interfaces` in a link; did you mean 'interface'?");
    EXPECT_NE(refusal(kGood + "[timing]\nperiods = \"1ms\"\n").find("did you mean 'period'?"),
              std::string::npos);
}

TEST(Config, RefusesTwoNodesWithOneId) {
    EXPECT_EQ(refusal(with(kGood, "id = 2", "id = 1")),
              "xbeat.toml:8: nodes `pm01` and `pm02` both have id 1: give one another");
}

TEST(Config, RefusesOnePathWithAFastVerdict) {
    EXPECT_NE(refusal(with(kOnePath, "PROFILE", "metal")).find("with one path"), std::string::npos);
    EXPECT_EQ(refusal(with(kOnePath, "PROFILE", "vm")), "accepted");
    EXPECT_EQ(refusal(with(kOnePath, "PROFILE", "metal") + "[timing]\nallow_single_path = true\n"),
              "accepted");
    // Exactly at the limit: 5 ms x 20.
    EXPECT_EQ(refusal(with(kOnePath, "PROFILE", "metal") + "[timing]\ndead = 20\n"), "accepted");
    EXPECT_NE(refusal(with(kOnePath, "PROFILE", "metal") + "[timing]\ndead = 19\n"), "accepted");
}

TEST(Config, TakesEightLinksAndRefusesNine) {
    const auto text = [](int links) {
        std::string made = "cluster = \"lab\"\nkey_file = \"/k\"\n";
        for (int node = 1; node <= 2; ++node) {
            made += "[[node]]\nname = \"n" + std::to_string(node) +
                    "\"\nid = " + std::to_string(node) + "\nlinks = [";
            for (int link = 0; link < links; ++link)
                made += "{ interface = \"ic" + std::to_string(link) + "\", address = \"10.1." +
                        std::to_string(link) + "." + std::to_string(node) + "\" },";
            made += "]\n";
        }
        return made;
    };
    EXPECT_EQ(refusal(text(8), "n1"), "accepted");
    EXPECT_NE(refusal(text(9), "n1").find("has 9 links; at most 8"), std::string::npos);
}

TEST(Config, RefusesAFilePastItsLimit) {
    const Result<Config> config =
        parse_config(kGood + std::string(kTomlBytesMax, '#'), "xbeat.toml", "pm01");

    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, Code::Limit);
}

// One change to the good file, and a part of what must be said about it.
struct Bad {
    const char* from;
    const char* to;
    const char* says;
};

TEST(Config, RefusesWhatIsWrongAndSaysWhat) {
    const std::vector<Bad> rows = {
        {"cluster = \"lab\"", "", "has no `cluster`"},
        {"cluster = \"lab\"", "cluster = 7", "must be a text in quotes"},
        {"cluster = \"lab\"", "cluster = \"a b\"", "must be 1 to 64 letters"},
        {"cluster = \"lab\"", "cluster = \"\"", "must be 1 to 64 letters"},
        {"/etc/xbeat/keys/cluster.key", "keys/cluster.key", "absolute path"},
        {"metal-fast", "metal-fas", "did you mean 'metal-fast'?"},
        {"id = 1", "id = 0", "from 1 to 32"},
        {"id = 1", "id = 33", "from 1 to 32"},
        {"id = 1", "id = \"1\"", "whole number"},
        {"id = 1", "", "node `pm01` has no `id`"},
        {"name = \"pm02\"", "name = \"pm01\"", "two nodes called `pm01`"},
        {"name = \"pm02\"\n", "", "has no `name`"},
        {"10.77.1.2", "10.77.1.1", "is given twice"},
        {"10.77.1.2", "10.77.1", "is not an IPv4 or IPv6 address"},
        {"10.77.1.2", "10.77.1.2/24", "is not an IPv4 or IPv6 address"},
        {"10.77.1.2", "224.0.0.1", "is not an IPv4 or IPv6 address"},
        {"10.77.1.2", "0.0.0.0", "is not an IPv4 or IPv6 address"},
        {"10.77.1.2", "ff02::1", "is not an IPv4 or IPv6 address"},
        {"10.77.1.2", "fd00::2", "different address families"},
        {"name = \"ic1\"", "name = \"ic0\"", "two links `ic0`"},
        {"interface = \"ic1\"", "interface = \"ic0\"", "two links on interface `ic0`"},
        {"interface = \"ic1\"", "interface = \"a/b\"", "name of a network interface"},
        {"interface = \"ic1\"", "interface = \"sixteen-letters-\"", "name of a network interface"},
        {", { name = \"ic1\", interface = \"ic1\", address = \"10.77.2.2\" }", "",
         "has 1 links and node `pm01` has 2"},
        {"address = \"10.77.2.2\"", "address = \"10.77.2.2\", vlan = 4095", "from 1 to 4094"},
        {"profile", "port = 70000\nprofile", "from 1 to 65535"},
        {"profile", "self = \"pm03\"\nprofile", "`self` is `pm03`, which is no [[node]]"},
        {"profile", "timing = 7\nprofile", "must be a table"},
        {"[[node]]", "[heart]\nmode = \"fast\"\n[[node]]", "there is no mode `fast`"},
        {"[[node]]", "[arbiter]\nkind = \"witnes\"\n[[node]]", "did you mean 'witness'"},
        {"[[node]]", "[arbiter]\nkind = \"witness\"\n[[node]]", "needs `witness`"},
        {"[[node]]", "[arbiter]\nwitness = \"10.77.0.9\"\n[[node]]", "for kind = \"witness\" only"},
        {"[[node]]", "[arbiter]\nkind = \"witness\"\nwitness = \"third\"\n[[node]]",
         "not the IPv4 or IPv6 address"},
        {"[[node]]", "[arbiter]\nkind = \"witness\"\nwitness = \"224.0.0.1\"\n[[node]]",
         "not the IPv4 or IPv6 address"},
        {"[[node]]",
         "[arbiter]\nkind = \"witness\"\nwitness = \"10.77.0.9\"\nwitness_port = 0\n[[node]]",
         "from 1 to 65535"},
        {"[[node]]", "[arbiter]\nlease = \"99ms\"\n[[node]]", "from 100ms to 10s"},
        {"[[node]]", "[arbiter]\nlease = \"11s\"\n[[node]]", "from 100ms to 10s"},
        {"[[node]]", "[arbiter]\nkind = \"disk\"\n[[node]]", "needs `disk`"},
        {"[[node]]", "[arbiter]\ndisk = \"/dev/sdb\"\n[[node]]", "for kind = \"disk\" only"},
        {"[[node]]", "[arbiter]\nkind = \"disk\"\ndisk = \"sdb\"\n[[node]]",
         "must be an absolute path"},
        {"[[node]]", "[arbiter]\nhandicap = 20\n[[node]]", "a time with its unit"},
        {"[[node]]", "[arbiter]\nhandicap = \"20\"\n[[node]]", "a time with its unit"},
        {"[[node]]", "[timing]\nperiod = \"50us\"\n[[node]]", "from 100us to 1s"},
        {"[[node]]", "[timing]\nperiod = \"2s\"\n[[node]]", "from 100us to 1s"},
        {"[[node]]", "[timing]\nperiod = \"-1ms\"\n[[node]]", "from 100us to 1s"},
        {"[[node]]", "[timing]\nsuspect = 6\n[[node]]", "must not be more than `dead`"},
        {"[[node]]", "[timing]\ndead = 10001\n[[node]]", "from 1 to 10000"},
        {"[[node]]", "[timing]\nstall_after = \"11s\"\n[[node]]", "not more than `stall_limit`"},
        {"[[node]]", "[timing]\nperiod = \"500ms\"\n[[node]]", "10 periods or more"},
        {"[[node]]", "[timing]\nallow_single_path = 1\n[[node]]", "must be true or false"},
        {"profile", "unsafe_takeover = \"no\"\nprofile", "must be true or false"},
    };
    for (const Bad& row : rows) {
        const std::string said = refusal(with(kGood, row.from, row.to));
        EXPECT_NE(said.find(row.says), std::string::npos) << row.to << "\n  said: " << said;
        EXPECT_EQ(said.substr(0, 11), "xbeat.toml:") << said;
    }
}

TEST(Config, RefusesAHostThatIsNoNode) {
    EXPECT_NE(refusal(kGood, "pm09").find("this host is called `pm09`"), std::string::npos);
}

TEST(Config, RefusesAThirdNode) {
    EXPECT_NE(refusal(kGood + "[[node]]\nname = \"pm03\"\nid = 3\nlinks = []\n")
                  .find("there are 3 "
                        "nodes"),
              std::string::npos);
}

TEST(Config, RefusesAFileWithoutNodes) {
    EXPECT_NE(refusal("cluster = \"a\"\nkey_file = \"/k\"\n").find("there is no [[node]]"),
              std::string::npos);
}

TEST(Config, NamesWhatOnlyARestartCanTakeUp) {
    const Result<Config> before = parse_config(kGood, "f", "pm01");
    const Result<Config> after =
        parse_config(with(with(kGood, "metal-fast", "vm"), "cluster = \"lab\"",
                          "cluster = \"lab\"\nport = 7000"),
                     "f", "pm01");
    ASSERT_TRUE(before);
    ASSERT_TRUE(after);

    EXPECT_EQ(needs_restart(*before, *before), std::vector<std::string>{});
    EXPECT_EQ(needs_restart(*before, *after),
              (std::vector<std::string>{"port", "profile or [timing]"}));
}

TEST(KeyFile, GivesThirtyTwoBytes) {
    const testing::TempDir folder;
    const std::string bytes = "0123456789abcdef0123456789ABCDEF";

    const Result<heart::Secret> secret = load_key(folder.write("key", bytes, 0400));

    ASSERT_TRUE(secret) << secret.error().context;
    EXPECT_EQ(std::string(secret->begin(), secret->end()), bytes);
}

TEST(KeyFile, RefusesWhatIsNoKey) {
    const testing::TempDir folder;
    const std::string good(32, 'k');
    const std::string real = folder.write("real", good);
    ASSERT_EQ(::symlink(real.c_str(), folder.file("link").c_str()), 0);
    ASSERT_EQ(::mkdir(folder.file("folder").c_str(), 0700), 0);
    ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
    struct Row {
        std::string file;
        Code code;
        const char* says;
    };
    for (const Row& row : std::vector<Row>{
             {folder.file("missing"), Code::NotFound, "xbeat keygen"},
             {folder.write("short", std::string(31, 'k')), Code::Invalid, "only 31 bytes"},
             {folder.write("empty", ""), Code::Invalid, "only 0 bytes"},
             {folder.write("long", std::string(33, 'k')), Code::Invalid, "more than 32 bytes"},
             {folder.write("world", good, 0644), Code::Denied, "chmod 0400"},
             {folder.write("group", good, 0640), Code::Denied, "chmod 0400"},
             {folder.write("exec", good, 0700), Code::Denied, "chmod 0400"},
             {folder.file("link"), Code::Invalid, "symbolic link"},
             {folder.file("folder"), Code::Invalid, "not a regular file"},
             {folder.file("fifo"), Code::Invalid, "not a regular file"}}) {
        const Result<heart::Secret> secret = load_key(row.file);
        ASSERT_FALSE(secret) << row.file;
        EXPECT_EQ(secret.error().code, row.code) << secret.error().context;
        EXPECT_NE(secret.error().context.find(row.says), std::string::npos)
            << secret.error().context;
    }
}

TEST(KeyFile, RefusesAKeyOfAnotherUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
    const testing::TempDir folder;
    const std::string file = folder.write("key", std::string(32, 'k'), 0400);
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);

    const Result<heart::Secret> secret = load_key(file);

    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().code, Code::Denied);
    EXPECT_NE(secret.error().context.find("chown root"), std::string::npos);
}

}  // namespace
}  // namespace xbeat::daemon
