// What a command has at hand: where it prints, where the daemon is, and how a failure is told.
//
// A command is a function of a Session, so that tests run it with streams of their own. Nothing
// here talks to the daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "core/result.h"

namespace CLI {
class App;
}

namespace xbeat::cli {

constexpr std::string_view kVersion = "0.1.0";
constexpr std::string_view kFormsExclude = "--json and --xml exclude each other";

/// What an answer looks like: lines for a person, or one document for a program.
enum class Form : std::uint8_t { Text, Json, Xml };

/// What a command has said so far while its form is a document, which is printed at its end.
struct Said {
    std::vector<std::string> messages = {};
    std::vector<std::string> actions = {};  // what would be done, in order
    std::vector<std::string> errors = {};
    bool is_printed = false;  // the command printed its document itself
};

struct Session {
    std::istream& in;
    std::ostream& out;  // answers
    std::ostream& err;  // errors and progress
    bool has_colours = false;
    std::string run_dir = "/run/xbeat";  // where the daemon's sockets are
    std::string config_file = "/etc/xbeat/xbeat.toml";
    std::chrono::milliseconds timeout{15'000};  // for one answer of the daemon
    // Whether a person can be asked: both ends are a terminal.
    bool is_interactive = false;
    // Whether this is a process of its own that may end before the command has: see sys/detach.h.
    bool may_detach = false;
    Form form = Form::Text;
    std::string command = {};  // "resource-move": names the document
    std::string request = {};  // the command line as it was typed, for the document
    Said said = {};
};

/// What kind of thing a command does; decides the options that it takes beside its own.
enum class Nature : std::uint8_t {
    Shows,    // reads: --json, --xml
    Changes,  // changes the cluster: these and --wait, --dry-run
    Makes,    // writes files of this machine: --json, --xml, --dry-run
};

/// What the command line chose; filled by the nouns' registration functions.
struct Choice {
    std::function<ExitCode(Session&)> run;
    bool as_json = false;
    bool as_xml = false;
    // Of every command that does something itself, for tests and for completion.
    std::map<const CLI::App*, Nature> natures = {};
};

/// One sentence, or several lines, about what was done or will be: a line of text, or a message of
/// the document that ends the command.
void say(Session& session, std::string_view text);

/// The error as one line on the session's error stream, and its exit code.
[[nodiscard]] ExitCode fail(Session& session, const Error& error);

/// The same for a wrong use of the command line: ExitCode::Usage, with a pointer to the help.
[[nodiscard]] ExitCode fail_usage(Session& session, std::string_view sentence,
                                  std::string_view command);

/// Asks a person: prints the question and "Type 'yes' to go on: ", and reads the answer. True where
/// nobody can be asked: scripts have decided already.
[[nodiscard]] bool is_confirmed(Session& session, std::string_view question);

/// The whole of a file, or of the session's input for "-". Errors: Code::System with what to do,
/// Code::Limit past kConfigBytesMax.
[[nodiscard]] Result<std::string> read_input(Session& session, const std::string& file);

}  // namespace xbeat::cli
