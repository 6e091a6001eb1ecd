// Agents' metadata as help, programs that are run, archives that are packed.
#include "cli/agents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/archive.h"
#include "cli/program.h"
#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using ::testing::HasSubstr;
using testing::Ran;
using testing::run_words;

constexpr const char* kMetadata = R"(<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Thing" version="1.0"><version>1.1</version>
<longdesc lang="en">It does &lt;things&gt;.

A second paragraph.</longdesc><shortdesc lang="en">Does things</shortdesc>
<parameters>
<parameter name="speed"><longdesc lang="en">How fast.</longdesc><shortdesc lang="en">Speed</shortdesc>
<content type="integer" default="7"/></parameter>
<parameter name="path" required="1" unique="1"><shortdesc lang="de">Weg</shortdesc>
<shortdesc lang="en">Path</shortdesc><content type="string"/></parameter>
</parameters>
<actions><action name="start" timeout="20s"/><action name="monitor" timeout="20s" interval="10s" depth="0"/></actions>
</resource-agent>
)";

TEST(Metadata, IsReadBehindItsDocumentType) {
    const Result<AgentMetadata> metadata = parse_metadata(kMetadata);

    ASSERT_TRUE(metadata) << metadata.error().context;
    EXPECT_EQ(metadata->name, "Thing");
    EXPECT_EQ(metadata->summary, "Does things");
    ASSERT_EQ(metadata->parameters.size(), 2U);
    EXPECT_EQ(metadata->parameters[0].fallback, "7");
    EXPECT_TRUE(metadata->parameters[1].is_required);
    EXPECT_EQ(metadata->parameters[1].summary, "Path");
    ASSERT_EQ(metadata->actions.size(), 2U);
    EXPECT_EQ(metadata->actions[1].interval, "10s");
}

TEST(Metadata, IsShownWithWhatIsRequiredFirst) {
    const std::string text =
        render_metadata({"ocf", "heartbeat", "Thing"}, *parse_metadata(kMetadata), 60);

    EXPECT_THAT(text, HasSubstr("ocf:heartbeat:Thing - Does things\n"));
    EXPECT_THAT(text, HasSubstr("It does <things>.\n\nA second paragraph.\n"));
    EXPECT_LT(text.find("path (required, string, unique): Path"),
              text.find("speed (integer, default: 7): Speed"));
    EXPECT_THAT(text, HasSubstr("monitor  timeout=20s  interval=10s  depth=0"));
}

class BadMetadata : public ::testing::TestWithParam<std::string> {};
TEST_P(BadMetadata, IsRefused) { EXPECT_FALSE(parse_metadata(GetParam())); }
INSTANTIATE_TEST_SUITE_P(All, BadMetadata,
                         ::testing::Values("", "Usage: thing start|stop", "<resource-agent>",
                                           "</resource-agent><resource-agent>",
                                           "<resource-agent><a></resource-agent>"));

TEST(Agents, OfAnUnknownNameAreRefused) {
    for (const char* const name : {"", "ocf:heartbeat", "ocf:heartbeat:no/such", "a:b:c:d",
                                   "ocf:nobody:Nothing", "stonith:fence_nothing", "Nothing"}) {
        const Ran ran = run_words({"ra", "info", name});
        EXPECT_NE(ran.code, ExitCode::Ok) << name;
        EXPECT_EQ(ran.out, "") << name;
    }
}

TEST(Agents, AreFoundBelowOcfRoot) {
    const std::string root = std::filesystem::temp_directory_path() / "xbeat-agents-test";
    std::filesystem::create_directories(root + "/resource.d/mine");
    const std::string file = root + "/resource.d/mine/Thing";
    std::ofstream(file) << "#!/bin/sh\ncat <<'END'\n" << kMetadata << "END\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    ::setenv("OCF_ROOT", root.c_str(), 1);

    const Ran list = run_words({"ra", "list", "ocf"});
    const Ran info = run_words({"ra", "info", "Thing"});
    const Ran xml = run_words({"ra", "metadata", "ocf:mine:Thing", "--xml"});

    EXPECT_EQ(list.out, "ocf:mine:Thing\n");
    EXPECT_THAT(info.out, HasSubstr("ocf:mine:Thing - Does things"));
    EXPECT_EQ(xml.out, kMetadata);
    ::unsetenv("OCF_ROOT");
    std::filesystem::remove_all(root);
}

TEST(Program, GivesItsOutputAndItsCode) {
    const std::vector<std::string> words{"/bin/sh", "-c", "echo \"$1 $XB\"; exit 7", "x", "a  b"};
    ProgramOptions options;
    options.environment = {{"XB", "value"}};

    const Result<ProgramResult> ran = run_program(words, options);

    ASSERT_TRUE(ran) << ran.error().context;
    EXPECT_EQ(ran->output, "a  b value\n");
    EXPECT_EQ(ran->code, 7);
}

TEST(Program, IsKilledPastItsLimit) {
    const std::vector<std::string> words{"/bin/sleep", "60"};
    ProgramOptions options;
    options.limit = std::chrono::milliseconds(50);

    const Result<ProgramResult> ran = run_program(words, options);

    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, Code::Timeout);
}

TEST(Program, OutputIsBounded) {
    const std::vector<std::string> words{"/usr/bin/head", "-c", "100000", "/dev/zero"};
    ProgramOptions options;
    options.bytes_max = 1000;

    const Result<ProgramResult> ran = run_program(words, options);

    ASSERT_TRUE(ran);
    EXPECT_EQ(ran->output.size(), 1000U);
    EXPECT_EQ(ran->code, 0);
}

TEST(Program, ThatDoesNotExistIsNamed) {
    const std::vector<std::string> words{"/nonexistent/program"};
    const Result<ProgramResult> ran = run_program(words);

    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().code, Code::NotFound);
    EXPECT_THAT(ran.error().context, HasSubstr("/nonexistent/program"));
}

TEST(Archive, IsReadByTar) {
    Archive archive;
    archive.add("one/a.txt", "hello\n", 1'700'000'000);
    archive.add("one/empty", "", 0);
    archive.add("one/long", std::string(5000, 'x'), 0);
    const Result<std::string> bytes = archive.finish();
    ASSERT_TRUE(bytes);
    const std::string file = std::filesystem::temp_directory_path() / "xbeat-archive-test.tar.gz";
    std::ofstream(file, std::ios::binary) << *bytes;

    const std::vector<std::string> list{"tar", "-tzf", file};
    const std::vector<std::string> print{"tar", "-xzOf", file, "one/a.txt"};
    const Result<ProgramResult> names = run_program(list);
    const Result<ProgramResult> content = run_program(print);
    std::filesystem::remove(file);

    ASSERT_TRUE(names) << names.error().context;
    EXPECT_EQ(names->output, "one/a.txt\none/empty\none/long\n");
    EXPECT_EQ(content->output, "hello\n");
}

}  // namespace
}  // namespace xbeat::cli
