// Runs the scripts of tests/golden/node: what is done to two nodes, and what they say to that.
//
// A script is made of commands; below each group of commands stand the notes it brought, after
// "----". XBEAT_GOLDEN=write rewrites them: only commit what you understand and want.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cib/duration.h"
#include "core/text.h"
#include "support/sim_world.h"

namespace xbeat::sim {
namespace {

constexpr const char* kFolder = "tests/golden/node";

class Script {
public:
    Script() : world_({.seed = 7}) {}

    // The notes that a command brought.
    std::string run(std::string_view line) {
        const std::vector<std::string_view> words = split_words(line);
        if (words.empty() || words[0].starts_with('#')) return {};
        if (!act(words)) return concat("unknown command: ", line, '\n');
        std::string out;
        for (; seen_ < world_.notes().size(); ++seen_) {
            const Note& note = world_.notes()[seen_];
            if (note.level == Level::Debug) continue;
            // Times are the world's own business; the story is what counts.
            if (note.kind == "failover-succeeded") {
                out += "failover-succeeded\n";
            } else if (note.kind == "peer-dead") {
                out += concat("peer-dead ", note.node, '\n');
            } else {
                out += concat(note.kind, ": ", note.text, '\n');
            }
        }
        if (!world_.violation().empty()) out += concat("VIOLATION ", world_.violation(), '\n');
        return out;
    }

private:
    bool act(const std::vector<std::string_view>& words) {
        const std::string_view verb = words[0];
        const std::string name(words.size() > 1 ? words[1] : "");
        const std::size_t index = name == "pm02" ? 1 : 0;
        if (verb == "boot") {
            world_.boot(index);
        } else if (verb == "crash") {
            world_.crash(index);
        } else if (verb == "kill-daemon") {
            world_.kill_daemon(index);
        } else if (verb == "start-daemon") {
            world_.start_daemon(index);
        } else if (verb == "cut") {
            world_.set_partition(true);
        } else if (verb == "mend") {
            world_.set_partition(false);
        } else if (verb == "kill" && words.size() == 3) {
            world_.kill_service(index, std::string(words[2]));
        } else if (verb == "fail" && words.size() == 4) {
            world_.fail_next(name, std::string(words[2]),
                             static_cast<int>(parse_integer(words[3]).value_or(1)));
        } else if (verb == "configure") {
            std::vector<std::string> resources;
            for (std::size_t i = 2; i < words.size(); ++i) resources.emplace_back(words[i]);
            world_.request(0, node::ReplaceConfiguration{
                                  configuration(resources, "golden", name == "fencing"), ""});
        } else if (verb == "standby") {
            world_.request(index, node::SetAttribute{name, "standby", "on", false, true});
        } else if (verb == "leave") {
            world_.request(index, node::Leave{});
        } else if (verb == "wait") {
            world_.run(cib::parse_duration(name).value_or(Duration{}));
        } else {
            return false;
        }
        return true;
    }

    World world_;
    std::size_t seen_ = 0;
};

// Runs the commands and puts what they brought beneath each group.
std::string play(const std::string& text) {
    Script script;
    std::string out;
    std::string notes;
    bool is_expectation = false;
    bool has_commands = false;
    const auto close_group = [&] {
        if (has_commands) out += concat("----\n", notes.empty() ? "(nothing)\n" : notes, '\n');
        notes.clear();
        has_commands = false;
    };
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line == "----") {
            is_expectation = true;
            close_group();
        } else if (line.empty()) {
            is_expectation = false;
            close_group();
        } else if (!is_expectation) {
            out += line + '\n';
            has_commands = has_commands || !line.starts_with('#');
            notes += script.run(line);
        }
    }
    close_group();
    return out;
}

TEST(Golden, EveryScriptTellsTheStoryThatIsWrittenBeneathIt) {
    if (!std::filesystem::exists(kFolder)) {
        GTEST_SKIP() << kFolder << " is not here: run from the top folder";
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    ASSERT_FALSE(files.empty());
    for (const std::filesystem::path& path : files) {
        std::stringstream buffer;
        buffer << std::ifstream(path).rdbuf();

        const std::string played = play(buffer.str());

        if (std::getenv("XBEAT_GOLDEN") != nullptr) {
            std::ofstream(path) << played;
        } else {
            EXPECT_EQ(played, buffer.str()) << path;
        }
    }
}

}  // namespace
}  // namespace xbeat::sim
