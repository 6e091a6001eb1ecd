// The command line's main(): the process's streams and signals; everything else is run().
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "cli/run.h"
#include "shim/door.h"

int main(int argc, char** argv) {
    using xbeat::cli::ExitCode;
    // A reader that went away (`xbeat events | head -1`) is a failed write, not a death by signal.
    std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    xbeat::cli::Session session{.in = std::cin, .out = std::cout, .err = std::cerr};
    const bool out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    session.has_colours = out_is_terminal && std::getenv("NO_COLOR") == nullptr;
    session.is_interactive = out_is_terminal && ::isatty(STDIN_FILENO) == 1;
    std::vector<std::string> words(argv + 1, argv + argc);
    // Agents call this program under the names of Pacemaker's tools.
    if (const auto done = xbeat::shim::run_as(argc > 0 ? argv[0] : "", words, session.run_dir)) {
        return *done;
    }
    const ExitCode code = xbeat::cli::run(session, words);
    errno = 0;
    std::cout.flush();
    if (std::cout.good()) return static_cast<int>(code);
    // Whoever closed the pipe has read what it wanted; that is no failure.
    if (errno == EPIPE) return static_cast<int>(code);
    std::cerr << "xbeat: cannot write the answer: "
              << (errno != 0 ? std::strerror(errno) : "the output is closed") << '\n';
    return static_cast<int>(code == ExitCode::Ok ? ExitCode::OutputFailed : code);
}
