// The one place of user/ that reads the clocks of the core's types.
#pragma once

#include <string>

#include "core/time.h"

namespace xbeat::sys {

/// CLOCK_BOOTTIME: monotonic, runs on while the machine is suspended (clock_gettime(2)).
[[nodiscard]] Instant boot_now();

/// CLOCK_REALTIME in whole seconds.
[[nodiscard]] EpochSeconds calendar_now();

/// "Sun Nov 22 13:59:41 2026" in the local time zone, as ctime(3) and Pacemaker's tools write it.
/// Zeros for a time that the calendar cannot show.
[[nodiscard]] std::string calendar_text(EpochSeconds when);

}  // namespace xbeat::sys
