// How long something may take or how often it happens, as configurations write it.
//
// A CIB says "20", "20s", "500ms", "2 min" or ISO 8601's "PT1M30S"; all mean a span of time, kept
// in nanoseconds so that microseconds survive. One reader for operations, options and rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace xbeat::cib {

/// The longest span that is kept: INT_MAX milliseconds, a little under 25 days, Pacemaker's own
/// bound for intervals and timeouts. Longer ones are shortened to it, as Pacemaker does.
constexpr Duration kDurationMax = std::chrono::milliseconds(2'147'483'647);

/// A span of time, 0 to kDurationMax; empty if the text is none or is negative.
///
/// A whole number with an optional unit, blanks allowed around both: none, "s" or "sec" are
/// seconds, "ms" or "msec", "us" or "usec", "m" or "min", "h" or "hr", "d" or "day"; in any case.
/// Or an ISO 8601 duration: "P", years, months, weeks, days, then "T", hours, minutes, seconds; a
/// year counts 365 days, a month 30, and seconds before the "T" are taken for seconds, as Pacemaker
/// takes them. Source: "Pacemaker Explained", Time Units and ISO 8601.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

/// What parse_duration() reads back to the same span: the largest of "h", "min", "s", "ms", "us"
/// that divides it, "0s" for nothing. Parts of a microsecond are cut off. Requires: duration >= 0.
[[nodiscard]] std::string print_duration(Duration duration);

}  // namespace xbeat::cib
