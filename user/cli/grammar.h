// The words of a command line, described without the parser's header.
//
// CLI11 does the parsing, and reading its header costs a compiler four seconds; it is included in
// grammar.cc and run.cc only. A `Command` is a handle: copies mean the same command. Targets of
// words and options must live until the command has run: a noun keeps them in a shared line.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"

namespace xbeat::cli {

using Run = std::function<ExitCode(Session&)>;

/// A number's bounds, both included.
struct Range {
    int least = 0;
    int most = 0;
};

class Command {
public:
    /// `words`: what the user typed; nouns that do not stand in it need no verbs.
    Command(CLI::App& app, Choice& choice, std::span<const std::string> words)
        : app_(&app), choice_(&choice), words_(words) {}

    /// A command below this one.
    [[nodiscard]] Command verb(std::string_view name, std::string_view help) const;
    /// Whether the user typed this command's name anywhere: if not, its verbs need not be added.
    [[nodiscard]] bool is_wanted() const;
    /// One of the verbs must follow.
    Command& needs_verb();

    /// A word that may follow, one that must, one of a few that must, and all that follow.
    Command& word(std::string_view name, std::string& target, std::string_view help = {});
    Command& required(std::string_view name, std::string& target, std::string_view help = {});
    Command& one_of(std::string_view name, std::string& target, std::vector<std::string> allowed);
    Command& words(std::string_view name, std::vector<std::string>& target, std::string_view help);
    Command& required_words(std::string_view name, std::vector<std::string>& target,
                            std::string_view help = {});

    /// Options: "-y,--yes". `type` names the value in the help.
    Command& flag(std::string_view names, bool& target, std::string_view help);
    Command& option(std::string_view names, std::string& target, std::string_view type,
                    std::string_view help);
    /// An option that may be given without its value, which then is `implied`.
    Command& optional_value(std::string_view names, std::string& target, std::string implied,
                            std::string_view type, std::string_view help);
    Command& option_of(std::string_view names, std::string& target,
                       std::vector<std::string> allowed, std::string_view help);
    Command& list(std::string_view names, std::vector<std::string>& target, std::string_view type,
                  std::string_view help);
    Command& number(std::string_view names, int& target, Range range, std::string_view type,
                    std::string_view help);

    /// Everything that follows is taken as it stands, options too, and handed to `run`.
    Command& takes_rest(std::function<ExitCode(Session&, std::vector<std::string>)> run);
    /// Stands under this heading in the help of the command above.
    Command& under(std::string_view heading);
    Command& footer(std::string_view text);
    Command& runs(Run run);

private:
    CLI::App* app_;
    Choice* choice_;
    std::span<const std::string> words_;
};

}  // namespace xbeat::cli
