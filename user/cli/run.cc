#include "cli/run.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "cib/suggest.h"
#include "cli/answer.h"
#include "cli/complete.h"
#include "cli/nouns.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {

void describe_commands(CLI::App& app, Session& session, Choice& choice,
                       std::span<const std::string> words) {
    app.name("xbeat");
    app.description("xbeat: see and steer the cluster");
    app.require_subcommand(0, 1);
    app.set_help_flag("-h,--help", "Show this help and end");
    app.option_defaults()->always_capture_default(false);
    app.add_option("--run-dir", session.run_dir, "Where the daemon's sockets are")
        ->envname("XBEAT_RUN_DIR")
        ->type_name("DIR");
    app.add_option("--config", session.config_file, "The node's own configuration")
        ->envname("XBEAT_CONFIG")
        ->type_name("FILE");
    app.add_flag("--json", choice.as_json, "As JSON, for programs");
    app.add_flag("--xml", choice.as_xml, "As XML, for programs");
    const Command root(app, choice, words);
    add_status(root);
    add_mon(root);
    add_events(root);
    add_timeline(root);
    add_configure(root);
    add_resource(root);
    add_node(root);
    add_fence(root);
    add_verify(root);
    add_simulate(root);
    add_why(root);
    add_history(root);
    add_attribute(root);
    add_ticket(root);
    add_ra(root);
    add_init(root);
    add_invite(root);
    add_join(root);
    add_doctor(root);
    add_metrics(root);
    add_report(root);
    add_replay(root);
    add_tune(root);
    add_shutdown(root);
    add_keygen(root);
    add_witness(root);
    add_disk(root);
    add_version(root);
    app.footer(
        "Without a command, the cluster's health in ten lines.\n"
        "'xbeat COMMAND --help' explains a command and shows examples.\n"
        "Exit codes: 0 fine, 64 wrong use, 66 no such file, 69 no daemon, 77 not allowed,\n"
        "78 bad configuration, 103 changed by somebody else, 105 no such object,\n"
        "107 unsafe, 113 does not hold, 124 took too long.");
}

namespace {

// What somebody typed, fit to be repeated: a line of a terminal at most, and no control bytes.
std::string quotable(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return printable(text);
    return printable(text.substr(0, bytes_max)) + "...";
}

// The innermost command that was recognised: where a wrong word belongs.
const CLI::App* innermost(const CLI::App* app) {
    for (;;) {
        const std::vector<CLI::App*> parsed = app->get_subcommands();
        if (parsed.empty()) return app;
        app = parsed.back();
    }
}

// "xbeat configure load", for pointing at the help.
std::string path_of(const CLI::App* app) {
    std::string path = app->get_name();
    for (const CLI::App* up = app->get_parent(); up != nullptr; up = up->get_parent()) {
        path = concat(up->get_name(), ' ', path);
    }
    return path;
}

// Names that would have fitted in the place of a wrong word.
std::vector<std::string> fitting_words(const CLI::App* app, bool want_option) {
    std::vector<std::string> words;
    if (want_option) {
        for (const CLI::App* at = app; at != nullptr; at = at->get_parent()) {
            for (const CLI::Option* option : at->get_options()) {
                for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
            }
        }
        return words;
    }
    for (const CLI::App* sub : app->get_subcommands([](const CLI::App*) { return true; })) {
        words.push_back(sub->get_name());
    }
    return words;
}

std::string about_wrong_word(const CLI::App* at, std::string_view full_word) {
    const std::string word = quotable(full_word, 60);
    const bool is_option = word.size() > 1 && word.front() == '-';
    const std::vector<std::string> words = fitting_words(at, is_option);
    const std::vector<std::string_view> views(words.begin(), words.end());
    const std::string hint = cib::did_you_mean(word, views);
    if (is_option) return concat("'", path_of(at), "' has no option ", word, hint);
    if (words.empty())
        return concat("'", path_of(at), "' does not take the further word '", word, "'");
    return concat("'", path_of(at), "' has no command '", word, "'", hint);
}

// What remained after parsing, first word first; parsing stops at a command's first unknown word.
std::string first_remaining(const CLI::App& app) {
    const std::vector<std::string> remaining = app.remaining(true);
    return remaining.empty() ? std::string() : remaining.front();
}

// The command behind which the wrong word stands: the parser goes on behind it, and a later word
// may be one of another command.
const CLI::App* holder_of(const CLI::App* at, const std::string& word) {
    const std::vector<std::string> own = at->remaining(false);
    if (!own.empty() && own.front() == word) return at;
    for (const CLI::App* sub : at->get_subcommands()) {
        if (const CLI::App* found = holder_of(sub, word)) return found;
    }
    return nullptr;
}

ExitCode explain(Session& session, const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App* at = innermost(&app);
    const std::string wrong = first_remaining(app);
    if (!wrong.empty()) {
        if (const CLI::App* holder = holder_of(&app, wrong)) at = holder;
        return fail_usage(session, about_wrong_word(at, wrong), path_of(at));
    }
    const std::vector<std::string> commands = fitting_words(at, false);
    if (!commands.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        std::string list;
        for (const std::string& command : commands) list += (list.empty() ? " " : ", ") + command;
        return fail_usage(session, concat("'", path_of(at), "' needs a command:", list),
                          path_of(at));
    }
    const std::string sentence = quotable(error.what(), 300);
    return fail_usage(session, concat("'", path_of(at), "': ", sentence), path_of(at));
}

}  // namespace

namespace {

// "resource-move": what a command's document is called; the bare program's is its health.
std::string document_name(const CLI::App* app) {
    if (app->get_parent() == nullptr) return "health";
    std::string name = app->get_name();
    for (const CLI::App* up = app->get_parent(); up->get_parent() != nullptr; up = up->get_parent())
        name = concat(up->get_name(), '-', name);
    return name;
}

std::string request_of(std::span<const std::string> words) {
    std::string request = "xbeat";
    for (const std::string& word : words) request += concat(' ', word);
    return quotable(request, 1000);
}

bool has_word(std::span<const std::string> words, std::string_view wanted) {
    return std::find(words.begin(), words.end(), wanted) != words.end();
}

ExitCode run_parsed(Session& session, const CLI::App& app, const Choice& choice) {
    const CLI::App* at = innermost(&app);
    session.command = document_name(at);
    session.form = choice.as_json ? Form::Json : choice.as_xml ? Form::Xml : Form::Text;
    if (choice.as_json && choice.as_xml) return fail_usage(session, kFormsExclude, path_of(at));
    if (at == &app) return run_health(session);
    if (!choice.run) return fail_usage(session, "a command is missing", path_of(at));
    return choice.run(session);
}

}  // namespace

ExitCode run(Session& session, std::span<const std::string> words) {
    // The shells' completion asks so; it is no command for people.
    if (!words.empty() && words.front() == "__complete") return complete(session, words.subspan(1));
    session.request = request_of(words);
    CLI::App app;
    Choice choice;
    describe_commands(app, session, choice, words);
    try {
        // CLI11 wants the words in reverse, as a stack.
        app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::CallForHelp&) {
        const CLI::App* at = innermost(&app);
        session.out << at->help(at->get_parent() == nullptr ? "" : path_of(at->get_parent()));
        return ExitCode::Ok;
    } catch (const CLI::ParseError& error) {
        // Who asked for a document gets one, whatever else was wrong with the line.
        session.command = document_name(innermost(&app));
        if (has_word(words, "--json")) session.form = Form::Json;
        if (has_word(words, "--xml")) session.form = Form::Xml;
        return finish(session, explain(session, app, error));
    }
    return finish(session, run_parsed(session, app, choice));
}

}  // namespace xbeat::cli
