// Parameters of built-in agents as values: numbers and times within their range, words, signals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exec_protocol.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::agent::builtin {

template <class Value>
struct Range {
    Value min{};
    Value max{};
    Value fallback{};  // if the parameter is not given
};

/// Code::Invalid with a sentence that names the parameter, if it is no number or out of range.
[[nodiscard]] Result<std::int64_t> integer_parameter(const Spawn& spawn, std::string_view name,
                                                     const Range<std::int64_t>& range);

/// A whole number with a unit (ms, s, m or min, h); a bare number counts milliseconds, as IPaddr2's
/// arp_interval does. Code::Invalid as above.
[[nodiscard]] Result<Duration> duration_parameter(const Spawn& spawn, std::string_view name,
                                                  const Range<Duration>& range);

/// Splits a command line at blanks. '...' and "..." keep blanks; a backslash keeps the next
/// character (not within '...'). No variables, no patterns: there is no shell. Code::Invalid for an
/// open quote or a lone backslash at the end, Code::Limit past kParametersMax words.
[[nodiscard]] Result<std::vector<std::string>> split_command(std::string_view text);

/// "TERM", "SIGTERM" (any case) or a number from 1 to 64. Code::Invalid for anything else.
[[nodiscard]] Result<int> parse_signal(std::string_view text);

}  // namespace xbeat::agent::builtin
