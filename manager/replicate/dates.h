// A calendar second in the words of `cib-last-written`.
#pragma once

#include <string>

#include "core/time.h"

namespace xbeat::replicate {

/// "Tue Jun 18 14:02:33 2024", always in UTC: what asctime() prints, without the line's end.
/// Source: C11 7.27.3.1; the calendar arithmetic is the proleptic Gregorian one.
[[nodiscard]] std::string calendar_text(EpochSeconds when);

}  // namespace xbeat::replicate
