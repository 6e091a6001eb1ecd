// Numbers, times and codes as people read them in this program's output.
//
// Pure functions; where a table follows Pacemaker's words, its users know them by sight.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace xbeat::cli {

/// "Sun Nov 22 13:59:41 2026" in the local time zone, crm_mon's form; "never" for 0.
[[nodiscard]] std::string calendar_text(EpochSeconds when);

/// "2026-11-22 13:59:41Z", or with the local zone's offset "2026-11-22 14:59:41 +01:00": the form
/// of times in crm_mon's list of failures.
[[nodiscard]] std::string date_text(EpochSeconds when);

/// "13:59:41.042" in the local time zone, from milliseconds since 1970.
[[nodiscard]] std::string clock_text(std::int64_t time_ms);

/// "2026-11-22 13:59:41.042" likewise.
[[nodiscard]] std::string date_and_clock_text(std::int64_t time_ms);

/// Milliseconds with three digits after the point: "43.217 ms". Negative durations keep their sign.
[[nodiscard]] std::string milliseconds_text(Duration duration);

/// A duration in the largest unit that suits, for glances: "850 us", "43.2 ms", "12.5 s", "3 min",
/// "5 h", "2 d".
[[nodiscard]] std::string short_duration(Duration duration);

/// The interval of an operation as crm_mon writes it: "10s", "1500ms"; "0" for none.
[[nodiscard]] std::string interval_text(std::int64_t interval_ms);

/// A time that something took, as crm_mon says it in sentences: "33ms", "1.500s", "1m30s",
/// "1d2h3m4s".
[[nodiscard]] std::string readable_time(std::int64_t ms);

/// An agent's exit code in words ("not running" for 7), and an operation's status ("Timed Out").
/// Source: "Pacemaker Administration", Resource Agents: OCF Return Codes.
[[nodiscard]] std::string_view rc_text(std::int32_t rc);
[[nodiscard]] std::string_view op_status_text(std::int32_t status);

/// Whether `a` stands before `b` when digits count as numbers: node2 before node10. Letters without
/// case; equal texts by bytes. A strict weak ordering.
[[nodiscard]] bool is_before_by_number(std::string_view a, std::string_view b);

/// The names between brackets, sorted by is_before_by_number(): "[ pm01 pm02 ]".
[[nodiscard]] std::string bracketed(std::vector<std::string> names);

/// `count` with its noun: "1 node", "2 nodes".
[[nodiscard]] std::string counted(std::size_t count, std::string_view noun);

/// Text from elsewhere made safe for a terminal: control bytes become '?', so that no agent's
/// output can move the cursor or change colours. Valid UTF-8 stays.
[[nodiscard]] std::string printable(std::string_view text);

/// The same lines with colours for a terminal: headings bold, failures red, warnings yellow.
[[nodiscard]] std::string colourised(std::string_view text);

}  // namespace xbeat::cli
