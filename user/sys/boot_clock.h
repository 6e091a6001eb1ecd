// The one place of user/ that reads the clocks of the core's types.
#pragma once

#include "core/time.h"

namespace xbeat::sys {

/// CLOCK_BOOTTIME: monotonic, runs on while the machine is suspended (clock_gettime(2)).
[[nodiscard]] Instant boot_now();

/// CLOCK_REALTIME in whole seconds.
[[nodiscard]] EpochSeconds calendar_now();

}  // namespace xbeat::sys
