// What a plan would do, in words: for --dry-run and before destructive commands.
#pragma once

#include <string>

#include "schedule/plan.h"

namespace xbeat::cli {

/// Whether the plan contains an action that really does something.
[[nodiscard]] bool has_work(const schedule::Plan& plan);

/// One line for each of them, behind all that it waits for: "  * stop web-ip on pm01";
/// "  * nothing to do" for a plan without any.
[[nodiscard]] std::string render_plan(const schedule::Plan& plan);

}  // namespace xbeat::cli
