// The command line's real parser, described with all its nouns, as a list of commands.
#pragma once

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/run.h"
#include "core/text.h"

namespace xbeat::cli::testing {

struct TreeCommand {
    std::vector<std::string> path;
    const CLI::App* app = nullptr;

    /// "xbeat resource move"
    [[nodiscard]] std::string name() const {
        std::string text = "xbeat";
        for (const std::string& word : path) text += " " + word;
        return text;
    }
    /// Its words that are no options, in order.
    [[nodiscard]] std::vector<const CLI::Option*> positionals() const {
        std::vector<const CLI::Option*> found;
        for (const CLI::Option* option : app->get_options()) {
            if (option->get_positional()) found.push_back(option);
        }
        return found;
    }
    /// "--json" and so on, help not among them.
    [[nodiscard]] std::vector<std::string> options() const {
        std::vector<std::string> names;
        for (const CLI::Option* option : app->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                if (name != "help") names.push_back("--" + name);
            }
        }
        return names;
    }
    [[nodiscard]] bool has(const std::string& option) const {
        return app->get_option_no_throw(option) != nullptr;
    }
};

class CommandTree {
public:
    CommandTree() : session_{.in = in_, .out = out_, .err = out_} {
        // Verbs are only added to nouns that stand in the line: so all of them stand in it.
        CLI::App nouns;
        Choice unused;
        describe_commands(nouns, session_, unused, {});
        for (const CLI::App* noun : nouns.get_subcommands({})) words_.push_back(noun->get_name());
        describe_commands(app_, session_, choice_, words_);
        collect(&app_, {});
    }
    CommandTree(const CommandTree&) = delete;
    CommandTree& operator=(const CommandTree&) = delete;

    /// Those that do something, and those that need one of them behind it.
    [[nodiscard]] const std::vector<TreeCommand>& commands() const { return commands_; }
    [[nodiscard]] const std::vector<TreeCommand>& groups() const { return groups_; }

    [[nodiscard]] bool has_nature(const TreeCommand& command) const {
        return choice_.natures.count(command.app) == 1;
    }
    [[nodiscard]] Nature nature(const TreeCommand& command) const {
        return choice_.natures.at(command.app);
    }

private:
    void collect(const CLI::App* app, const std::vector<std::string>& path) {
        const std::vector<const CLI::App*> below = app->get_subcommands({});
        if (!path.empty()) (below.empty() ? commands_ : groups_).push_back({path, app});
        for (const CLI::App* one : below) {
            std::vector<std::string> deeper = path;
            deeper.push_back(one->get_name());
            collect(one, deeper);
        }
    }

    std::istringstream in_;
    std::ostringstream out_;
    Session session_;
    CLI::App app_;
    Choice choice_;
    std::vector<std::string> words_;
    std::vector<TreeCommand> commands_;
    std::vector<TreeCommand> groups_;
};

inline const CommandTree& command_tree() {
    static const CommandTree tree;
    return tree;
}

}  // namespace xbeat::cli::testing
