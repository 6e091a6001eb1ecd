#include "core/score.h"

#include "core/text.h"

namespace xbeat {

std::optional<Score> parse_score(std::string_view text) {
    text = trim(text);
    std::string_view magnitude = text;
    const bool negative = magnitude.starts_with('-');
    if (negative || magnitude.starts_with('+')) magnitude.remove_prefix(1);
    if (equals_ignoring_case(magnitude, "INFINITY") || equals_ignoring_case(magnitude, "INF")) {
        return negative ? Score::never() : Score::always();
    }
    if (magnitude.empty() || magnitude.find_first_not_of("0123456789") != std::string_view::npos) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> points = parse_integer(text);
    // Only digits, so the one way to fail is a number past 64 bits: clamped as any large one.
    if (!points) return negative ? Score::never() : Score::always();
    return Score::of(*points);
}

std::string to_string(Score score) {
    if (score == Score::always()) return "INFINITY";
    if (score == Score::never()) return "-INFINITY";
    return concat(score.points());
}

}  // namespace xbeat
