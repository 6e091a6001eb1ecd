// Signals as a descriptor: signalfd(2).
#pragma once

#include <initializer_list>

#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::sys {

/// Blocks the signals and makes a non-blocking descriptor to read them from. To be called before
/// the first thread starts: every thread that follows inherits the block.
Result<Fd> catch_signals(std::initializer_list<int> wanted);

}  // namespace xbeat::sys
