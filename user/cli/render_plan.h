// What a plan would do, in words: for --dry-run and before destructive commands.
#pragma once

#include <string>
#include <vector>

#include "schedule/plan.h"

namespace xbeat::cli {

/// Whether the plan contains an action that really does something.
[[nodiscard]] bool has_work(const schedule::Plan& plan);

/// One text for each of them, behind all that it waits for: "stop web-ip on pm01".
[[nodiscard]] std::vector<std::string> plan_lines(const schedule::Plan& plan);

/// Them as lines: "  * stop web-ip on pm01"; "  * nothing to do" if there are none.
[[nodiscard]] std::string render_lines(const std::vector<std::string>& lines);
[[nodiscard]] std::string render_plan(const schedule::Plan& plan);

}  // namespace xbeat::cli
