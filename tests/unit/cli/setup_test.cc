// Setting up a pair: the token carries everything, and a damaged one installs nothing.
#include "cli/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/config.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using testing::Ran;

Setup pair() {
    return {.cluster = "lab",
            .profile = "vm",
            .arbiter = "fence",
            .self = {},
            .port = 7455,
            .nodes = {
                {.name = "pm01", .id = 1, .links = {{"eth1", "10.77.1.1"}, {"eth2", "fd00::1"}}},
                {.name = "pm02", .id = 2, .links = {{"eth1", "10.77.1.2"}, {"eth2", "fd00::2"}}}}};
}
const std::string kSecret = std::string(16, '\0') + std::string(16, '\xff');

TEST(Setup, PrintsAConfigurationThatTheDaemonTakes) {
    const Result<daemon::Config> config =
        daemon::parse_config(print_setup(pair(), "/etc/xbeat/keys/cluster.key"), "x.toml", "pm02");

    ASSERT_TRUE(config) << config.error().context;
    EXPECT_EQ(config->cluster, "lab");
    EXPECT_EQ(config->self_node().name, "pm02");
    EXPECT_EQ(config->self_node().links.size(), 2U);
    EXPECT_EQ(config->key_file, "/etc/xbeat/keys/cluster.key");
}

Invitation invitation() {
    return {.cluster = "lab",
            .port = 7455,
            .expires = {1'800'000'000},
            .secret = kSecret,
            .links = {{.host = "10.77.1.1", .joiner = "10.77.1.2"},
                      {.host = "fd00::1", .joiner = "fd00::2"}}};
}

TEST(Setup, TheTokenSaysWhereToAskAndUntilWhen) {
    const Result<Invitation> read = read_token(make_token(invitation()) + "\n");

    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(read->secret, kSecret);
    EXPECT_EQ(read->port, 7455);
    EXPECT_EQ(read->expires.value, 1'800'000'000);
    ASSERT_EQ(read->links.size(), 2U);
    EXPECT_EQ(read->links[1].host, "fd00::1");
    EXPECT_EQ(read->links[1].joiner, "fd00::2");
}

TEST(Setup, IsATextAndBack) {
    const auto read = read_setup(setup_text(pair()));

    ASSERT_TRUE(read) << read.error().context;
    EXPECT_EQ(print_setup(*read, "k"), print_setup(pair(), "k"));
    EXPECT_FALSE(read_setup("{}"));
    EXPECT_FALSE(read_setup("[]"));
    EXPECT_FALSE(read_setup(R"({"nodes":[{"links":[["a"]]}]})"));
}

class BadToken : public ::testing::TestWithParam<std::string> {};

TEST_P(BadToken, IsRefused) { EXPECT_FALSE(read_token(GetParam())); }

INSTANTIATE_TEST_SUITE_P(All, BadToken,
                         ::testing::Values("", "xb2.", "xb1.AAAA", "xb3.AAAA", "xb2.!!!!",
                                           "xb2.AAAAAAAAAAAA",
                                           make_token(invitation()).substr(0, 60),
                                           "xb2." + std::string(kTokenBytesMax, 'A')));

TEST(Setup, ATokenWithOneLetterChangedIsRefused) {
    const std::string token = make_token(invitation());
    for (std::size_t at = 4; at < token.size(); at += 7) {
        std::string changed = token;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        if (changed == token) continue;
        const Result<Invitation> read = read_token(changed);
        // The last letter's spare bits mean nothing; everywhere else the checksum finds it.
        EXPECT_TRUE(!read || read->secret == kSecret) << at;
    }
}

TEST(Setup, GuessesTheOtherEndOnlyWhereThereIsOneOtherHost) {
    const auto at = [](std::string address, int prefix) {
        return other_end({.interface = "e", .address = std::move(address), .prefix = prefix});
    };
    EXPECT_EQ(at("10.0.0.1", 30), "10.0.0.2");
    EXPECT_EQ(at("10.0.0.2", 30), "10.0.0.1");
    EXPECT_EQ(at("10.0.0.4", 31), "10.0.0.5");
    EXPECT_EQ(at("fd00::2", 127), "fd00::3");
    EXPECT_EQ(at("10.0.0.1", 24), "");
    EXPECT_EQ(at("10.0.0.1", 32), "");
}

class Folder {
public:
    Folder() {
        std::string form = (std::filesystem::temp_directory_path() / "xbeat-setup-XXXXXX").string();
        path = ::mkdtemp(form.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string config() const { return path + "/xbeat.toml"; }
    std::string path;
};

Ran run_in(const Folder& folder, std::vector<std::string> words) {
    words.insert(words.begin(), {"--config", folder.config()});
    return testing::run_words(words);
}

TEST(Init, SaysWhatIsMissing) {
    const Folder folder;

    const Ran no_peer = run_in(folder, {"init", "--link", "lo"});
    const Ran no_link =
        run_in(folder, {"init", "--peer", "b", "--self", "a", "--link", "nonesuch"});

    EXPECT_THAT(no_peer.err, HasSubstr("--peer NAME"));
    EXPECT_THAT(no_link.err, HasSubstr("no such interface"));
    EXPECT_FALSE(std::filesystem::exists(folder.config()));
}

TEST(Init, TakesATimeThatMakesSenseOnly) {
    const Folder folder;
    for (const char* const time : {"0", "59s", "25h", "soon", "-1h", ""}) {
        const Ran ran = run_in(folder, {"init", "--peer", "b", "--valid-for", time});
        EXPECT_EQ(ran.code, ExitCode::BadConfig) << time;
        EXPECT_THAT(ran.err, HasSubstr("from 60s to 24h")) << time;
    }
}

TEST(Init, ADocumentWouldTellTheTokenTooLate) {
    const Folder folder;

    const Ran ran = run_in(folder, {"init", "--peer", "b", "--json"});

    EXPECT_EQ(ran.code, ExitCode::Usage);
    EXPECT_THAT(ran.err, HasSubstr("--token-file"));
}

TEST(Join, NamesAFileThatIsNotThere) {
    const Folder folder;

    const Ran ran = run_in(folder, {"join", folder.path + "/nothing"});

    EXPECT_EQ(ran.code, ExitCode::NoInput);
}

TEST(Init, AsksAPersonForWhatTheOptionsLeftOut) {
    std::istringstream in("pm02\nnosuch0=192.0.2.1\n");
    std::ostringstream out;
    std::ostringstream err;
    Session session{.in = in, .out = out, .err = err};
    session.is_interactive = true;
    session.config_file = "/nonexistent/xbeat.toml";
    const std::vector<std::string> words{"init", "--self", "pm01"};

    const ExitCode code = run(session, words);

    EXPECT_EQ(code, ExitCode::BadConfig);
    EXPECT_NE(err.str().find("The other node's name"), std::string::npos);
    EXPECT_NE(err.str().find("Interconnects, each INTERFACE=PEER-ADDRESS"), std::string::npos);
    EXPECT_NE(err.str().find("--link nosuch0=192.0.2.1: this machine has no such interface"),
              std::string::npos);
}

}  // namespace
}  // namespace xbeat::cli
