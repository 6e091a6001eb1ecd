// A command that goes on in the background after it has answered.
#pragma once

#include <string>

#include "core/result.h"

namespace xbeat::sys {

/// Leaves the caller's session: the process that returns is a child without terminal and standard
/// streams, its parent has ended with success once the PID file (none if empty) was written. What
/// was printed has to be flushed before, and no thread may run. Errors: System, in the first
/// process.
[[nodiscard]] Result<void> detach(const std::string& pid_file);

}  // namespace xbeat::sys
