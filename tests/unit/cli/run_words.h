// Runs the command line in a test: words in, what it printed and its exit code out.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/run.h"

namespace xbeat::cli::testing {

struct Ran {
    ExitCode code = ExitCode::Ok;
    std::string out;
    std::string err;
};

/// `run_dir`: of a FakeDaemon; a folder that does not exist means that no daemon runs.
inline Ran run_words(const std::vector<std::string>& words,
                     const std::string& run_dir = "/nonexistent", const std::string& input = "",
                     std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Session session{.in = in, .out = out, .err = err};
    session.run_dir = run_dir;
    session.timeout = timeout;
    const ExitCode code = run(session, words);
    return {.code = code, .out = out.str(), .err = err.str()};
}

}  // namespace xbeat::cli::testing
