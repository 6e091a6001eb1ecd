// The door of the shims: which of the tools a program's name means, and running it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xbeat::shim {

/// If `program` (argv[0]) is the name of a tool: runs it on the process's own streams and returns
/// its exit code. A tool that only shows leaves `words` as those of the command line, which then
/// goes on. `run_dir` becomes the daemon's, as the agent's environment tells it.
[[nodiscard]] std::optional<int> run_as(std::string_view program, std::vector<std::string>& words,
                                        std::string& run_dir);

}  // namespace xbeat::shim
