// What a command has at hand: where it prints, where the daemon is, and how a failure is told.
//
// A command is a function of a Session, so that tests run it with streams of their own. Nothing
// here talks to the daemon.
#pragma once

#include <chrono>
#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "core/result.h"

namespace CLI {
class App;
}

namespace xbeat::cli {

constexpr std::string_view kVersion = "0.1.0";

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
};

/// What the command line chose; filled by the nouns' registration functions.
struct Choice {
    std::function<ExitCode(Session&)> run;
};

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
