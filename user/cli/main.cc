// The command line's main(): the process's streams and signals; everything else is run().
#include <malloc.h>
#include <poll.h>
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

namespace {

// A pipe whose other end is closed says so, whichever write it was that failed.
bool is_reader_gone() {
    pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

}  // namespace

int main(int argc, char** argv) {
    using xbeat::cli::ExitCode;
    // A process that lives for milliseconds gives no memory back: what large documents leave would
    // be cleared and mapped again, which is a third of the time of a reading command.
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
    // A reader that went away (`xbeat events | head -1`) is a failed write, not a death by signal.
    std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    xbeat::cli::Session session{.in = std::cin, .out = std::cout, .err = std::cerr};
    const bool out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    session.has_colours = out_is_terminal && std::getenv("NO_COLOR") == nullptr;
    session.is_interactive = out_is_terminal && ::isatty(STDIN_FILENO) == 1;
    session.may_detach = true;
    std::vector<std::string> words(argv + 1, argv + argc);
    // Agents call this program under the names of Pacemaker's tools.
    if (const auto done = xbeat::shim::run_as(argc > 0 ? argv[0] : "", words, session.run_dir)) {
        return *done;
    }
    const ExitCode code = xbeat::cli::run(session, words);
    errno = 0;
    std::cout.flush();
    if (std::cout.good()) return static_cast<int>(code);
    const int error = errno;  // 0 if it was not this last write that failed
    // Whoever closed the pipe has read what it wanted; that is no failure.
    if (error == EPIPE || is_reader_gone()) return static_cast<int>(code);
    std::cerr << "xbeat: cannot write the answer: "
              << (error != 0 ? std::strerror(error) : "the output is closed") << '\n';
    return static_cast<int>(code == ExitCode::Ok ? ExitCode::OutputFailed : code);
}
