// The manual names every command and option that there is, and none that there is not.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "unit/cli/run_words.h"

namespace xbeat::cli {
namespace {

using testing::run_words;
using Words = std::vector<std::string>;

std::string manual() {
    std::ifstream in("docs/man/xbeat.8.md");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string help_of(Words words) {
    words.emplace_back("--help");
    return run_words(words).out;
}

// The first words of the lines below "Subcommands:"; the crm language's statements are not among
// them, since they have a heading of their own.
Words commands_in(const std::string& help) {
    Words names;
    std::istringstream lines(help.substr(std::min(help.find("Subcommands:\n"), help.size())));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line) && line.starts_with("  ")) {
        if (line[2] == ' ') continue;
        names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    return names;
}

// Long options in a text.
std::set<std::string> options_in(const std::string& text) {
    std::set<std::string> found;
    for (std::size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at + 2)) {
        const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 2);
        if (at > 0 && std::string(" `,(").find(text[at - 1]) == std::string::npos) continue;
        const std::string name = text.substr(at, end - at);
        if (name.size() > 3) found.insert(name);
    }
    return found;
}

void collect(const Words& path, std::set<std::string>& commands, std::set<std::string>& options) {
    const std::string help = help_of(path);
    for (const std::string& option : options_in(help.substr(0, help.find("Example")))) {
        options.insert(option);
    }
    const Words below = commands_in(help);
    if (below.empty() && !path.empty()) {
        std::string name = "xbeat";
        for (const std::string& word : path) name += " " + word;
        commands.insert(name);
    }
    for (const std::string& word : below) {
        Words deeper = path;
        deeper.push_back(word);
        collect(deeper, commands, options);
    }
}

TEST(ManPage, AgreesWithTheHelpOfEveryCommand) {
    const std::string page = manual();
    if (page.empty()) GTEST_SKIP() << "docs/man/xbeat.8.md is not below the working folder";
    std::set<std::string> commands;
    std::set<std::string> options;

    collect({}, commands, options);

    ASSERT_GT(commands.size(), 30U);
    for (const std::string& command : commands) {
        EXPECT_NE(page.find("### " + command + "\n"), std::string::npos) << command;
    }
    for (const std::string& option : options) {
        EXPECT_NE(page.find("`" + option), std::string::npos) << option;
    }
    for (const std::string& option : options_in(page)) {
        EXPECT_EQ(options.count(option), 1U) << option << " is in the manual only";
    }
}

}  // namespace
}  // namespace xbeat::cli
