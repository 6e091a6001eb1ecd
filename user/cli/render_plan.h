// What a plan would do, in words: for --dry-run and before destructive commands.
#pragma once

#include <string>

#include "schedule/plan.h"

namespace xbeat::cli {

/// One line an action that really does something, an action after all that it waits for:
/// "  * stop web-ip on pm01". "  * nothing to do" for a plan without any.
[[nodiscard]] std::string render_plan(const schedule::Plan& plan);

}  // namespace xbeat::cli
