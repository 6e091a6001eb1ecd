// Programs that a command needs: an editor, an agent's metadata, tar. No shell is involved, so no
// word is ever taken apart or expanded.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/limits.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::cli {

struct ProgramOptions {
    std::vector<std::pair<std::string, std::string>> environment =
        {};                                        // beside what we have ourselves
    Duration limit = std::chrono::seconds(30);     // then it is killed
    std::size_t bytes_max = kAgentOutputBytesMax;  // of what it prints; rest is cut
    bool keeps_errors = false;  // what it says on standard error is part of its output
};

struct ProgramResult {
    int code = 0;  // exit code; 128 + N for death by signal N
    std::string output = {};
};

/// Runs the program (words[0]: with a '/', or looked for in PATH) without input and waits. Errors:
/// NotFound, Denied and System if it cannot be run, Timeout after the limit. Requires: a word.
[[nodiscard]] Result<ProgramResult> run_program(std::span<const std::string> words,
                                                const ProgramOptions& options = {});

/// Runs it on our own terminal until it ends; its exit code as above. Errors likewise.
[[nodiscard]] Result<int> run_on_terminal(std::span<const std::string> words);

/// The file that `name` means in PATH (/usr/sbin and /sbin are looked at too), or an empty text.
[[nodiscard]] std::string find_program(std::string_view name);

}  // namespace xbeat::cli
