// The words of a command line, described without the parser's header.
//
// CLI11 does the parsing, and reading its header costs a compiler four seconds; it is included in
// grammar.cc and run.cc only. A `Command` is a handle: copies mean the same command. Targets of
// words and options must live until the command has run: a noun keeps them in a shared line.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/session.h"

namespace xbeat::cli {

using Run = std::function<ExitCode(Session&)>;

/// A number's bounds, both included.
struct Range {
    int least = 0;
    int most = 0;
};

/// How a change is to be made. The options of every changing command, filled by the parser.
struct ChangeOptions {
    bool dry_run = false;  // show what would happen, change nothing
    bool wait = false;     // until the cluster has settled
    bool force = false;    // although something refers to it, or an option is unknown
    bool retry = true;     // apply the edit again if somebody else changed the configuration first
    bool asks = false;     // show a person what would happen, and ask, before it is done
    bool yes = false;      // but not this time
};

/// Whether a command may take a service away, so that a person is asked first.
enum class Harm : std::uint8_t { None, MayStop };

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

    /// Other names by which it may be called: those of the crm shell. They are not completed.
    Command& also(std::initializer_list<std::string_view> names);
    /// Stands under this heading in the help of the command above.
    Command& under(std::string_view heading);
    Command& footer(std::string_view text);
    /// What it does, once the whole line was understood. The nature decides the options that it
    /// takes beside its own: --json and --xml all of them, --dry-run what changes or makes
    /// something, --wait what changes the cluster, --yes (and a question without it) what may do
    /// harm. `options` must live until it has run.
    Command& shows(Run run);
    Command& changes(ChangeOptions& options, Run run, Harm harm = Harm::None);
    Command& makes(ChangeOptions& options, Run run);
    /// As changes(), but from the first word on everything is taken as it stands, options too, and
    /// put into `rest`.
    Command& changes_by_words(ChangeOptions& options, std::vector<std::string>& rest, Run run);

private:
    void add_forms(Nature nature);

    CLI::App* app_;
    Choice* choice_;
    std::span<const std::string> words_;
};

/// `body(session, *line)`: for the lines of a noun's words, which its commands share.
template <class Line, class Body>
[[nodiscard]] Run with(const std::shared_ptr<Line>& line, Body body) {
    return [line, body = std::move(body)](Session& session) { return body(session, *line); };
}

}  // namespace xbeat::cli
