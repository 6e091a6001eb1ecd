// Calendar time for rules: ISO 8601 in, seconds and fields out. All arithmetic is in whole seconds.
//
// Times without an offset are UTC. Calendar dates, ordinal dates (2005-020) and week dates
// (2005-W03-4), basic or extended, with an optional time of day, are read; source: ISO 8601:2004
// and "Pacemaker Explained", Rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/time.h"

namespace xbeat::rules {

/// The fields of an instant in UTC that a date_spec can ask for.
struct CalendarFields {
    std::int64_t year = 1970;
    std::int64_t month = 1;      // 1..12
    std::int64_t month_day = 1;  // 1..31
    std::int64_t year_day = 1;   // 1..366
    std::int64_t week_year = 1970;
    std::int64_t week = 1;      // 1..53, ISO
    std::int64_t week_day = 1;  // 1 Monday .. 7 Sunday
    std::int64_t hour = 0;
    std::int64_t minute = 0;
    std::int64_t second = 0;
};

/// A span in calendar units: months and years have no fixed length, so they are kept apart.
struct CalendarSpan {
    std::int64_t years = 0;
    std::int64_t months = 0;
    std::int64_t days = 0;
    std::int64_t seconds = 0;
};

/// Days since 1970-01-01 of a proleptic Gregorian date. `month` in 1..12.
[[nodiscard]] std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day);

[[nodiscard]] CalendarFields fields_of(EpochSeconds time);

/// Reads a date with an optional time of day; empty if the text is not one.
[[nodiscard]] std::optional<EpochSeconds> parse_time(std::string_view text);

/// Reads an ISO 8601 duration such as P1DT2H; empty if the text is not one.
[[nodiscard]] std::optional<CalendarSpan> parse_span(std::string_view text);

/// `time` plus `span`: years and months first (a day past the month's end is cut to it), then the
/// rest.
[[nodiscard]] EpochSeconds add(EpochSeconds time, const CalendarSpan& span);

/// An interval or timeout as Pacemaker writes it, in milliseconds: "20" (seconds), "20s", "5min",
/// "100ms", "250us", "1h" or an ISO 8601 duration (a month is 30 days). At most 32 bits. A fraction
/// is cut off and letters after the unit's are left out, as in Pacemaker. Empty if the text is none
/// of these.
[[nodiscard]] std::optional<std::int64_t> parse_interval_ms(std::string_view text);

}  // namespace xbeat::rules
