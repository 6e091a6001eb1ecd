// The manual and the help say the same, command by command and in both directions.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "unit/cli/command_tree.h"

namespace xbeat::cli {
namespace {

using testing::command_tree;
using testing::TreeCommand;
using Names = std::set<std::string>;

// Those that every command of a nature has; the manual has them once.
const Names kCommon{"--json", "--xml", "--wait", "--dry-run", "--yes"};

std::string manual() {
    std::ifstream in("docs/man/xbeat.8.md");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Long options in a text.
Names options_in(const std::string& text) {
    Names found;
    for (std::size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at + 2)) {
        const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 2);
        if (at > 0 && std::string(" `,(").find(text[at - 1]) == std::string::npos) continue;
        const std::string name = text.substr(at, end - at);
        if (name.size() > 3) found.insert(name);
    }
    return found;
}

// The text below each "### xbeat ..." heading. Headings that follow one another share theirs.
std::map<std::string, std::string> sections(const std::string& page) {
    std::map<std::string, std::string> found;
    std::vector<std::string> open;
    bool has_text = false;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        const bool is_command = line.starts_with("### xbeat");
        if (line.starts_with("#") && (has_text || !is_command)) {
            open.clear();
            has_text = false;
        }
        if (is_command) open.push_back(line.substr(4));
        if (line.starts_with("#") || line.empty()) continue;
        has_text = true;
        for (const std::string& name : open) found[name] += line + "\n";
    }
    return found;
}

TEST(ManPage, AgreesWithTheHelpOfEveryCommand) {
    const std::string page = manual();
    if (page.empty()) GTEST_SKIP() << "docs/man/xbeat.8.md is not below the working folder";
    std::map<std::string, std::string> pages = sections(page);
    // A statement of the crm language has its own manual.
    const std::string statements = "xbeat configure STATEMENT";
    ASSERT_EQ(pages.count(statements), 1U);

    for (const TreeCommand& command : command_tree().commands()) {
        const bool is_statement = command.app->get_prefix_command();
        const std::string name = is_statement ? statements : command.name();
        if (pages.count(name) == 0) {
            ADD_FAILURE() << name << " is not in the manual";
            continue;
        }
        const Names said = options_in(pages[name]);
        for (const std::string& option : command.options()) {
            if (kCommon.count(option) == 1) continue;
            EXPECT_EQ(said.count(option), 1U) << name << " " << option << ": not in the manual";
        }
    }
}

TEST(ManPage, NamesNothingThatIsNotThere) {
    const std::string page = manual();
    if (page.empty()) GTEST_SKIP() << "docs/man/xbeat.8.md is not below the working folder";
    std::map<std::string, Names> known;
    for (const auto* list : {&command_tree().commands(), &command_tree().groups()}) {
        for (const TreeCommand& command : *list) {
            for (const std::string& option : command.options())
                known[command.name()].insert(option);
            known[command.name()].insert("--help");
        }
    }
    known["xbeat configure STATEMENT"] = kCommon;
    Names all{"--run-dir", "--config"};
    for (const auto& [name, options] : known) all.insert(options.begin(), options.end());

    // Headings that share a text share its options: each is an option of one of them.
    std::map<std::string, Names> by_text;
    for (const auto& [name, text] : sections(page)) {
        EXPECT_EQ(known.count(name), 1U) << name << " is in the manual only";
        by_text[text].insert(known[name].begin(), known[name].end());
    }
    for (const auto& [text, options] : by_text) {
        for (const std::string& option : options_in(text)) {
            EXPECT_TRUE(options.count(option) == 1 || kCommon.count(option) == 1)
                << option << " is in the manual only: " << text;
        }
    }
    for (const std::string& option : options_in(page))
        EXPECT_EQ(all.count(option), 1U) << option << " is in the manual only";
}

}  // namespace
}  // namespace xbeat::cli
