// One daemon a node: a lock on a file in the run directory that also says who holds it.
#pragma once

#include <string>

#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::daemon {

/// Locks RUN_DIR/lock (made if missing, 0644) for as long as the descriptor lives, and writes our
/// pid into it. Code::Exists with the pid of the daemon that runs; System otherwise.
[[nodiscard]] Result<sys::Fd> take_lock(const std::string& run_dir);

}  // namespace xbeat::daemon
