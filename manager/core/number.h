// Numbers as a plan takes them: Pacemaker reads what a text begins with and leaves out the rest.
//
// parse_integer() and parse_score() are for what is checked and reported; these here are for what
// has been accepted already, and must mean here what it means there.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/score.h"

namespace xbeat {

/// The integer that `text` begins with, after white space. What follows it is left out ("5min" is
/// 5, "1e9" is 1); one past 64 bits is cut to them. Empty if there is no digit.
[[nodiscard]] std::optional<std::int64_t> leading_integer(std::string_view text);

/// The score that `text` stands for: INFINITY with its signs, or the integer that it begins with;
/// `fallback` if it is neither.
[[nodiscard]] Score effective_score(std::string_view text, Score fallback = Score());

}  // namespace xbeat
