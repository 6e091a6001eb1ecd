// The arithmetic of placement: scores saturate at one million, and `never` wins over everything.
//
// The rules are Pacemaker's ("Pacemaker Explained", Constraints: Scores). No other file compares a
// score with the number one million.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xbeat {

class Score {
public:
    static constexpr std::int32_t kInfinity = 1'000'000;

    constexpr Score() = default;

    /// Any integer, clamped to [-kInfinity, kInfinity].
    static constexpr Score of(std::int64_t points) {
        if (points >= kInfinity) return Score(kInfinity);
        if (points <= -kInfinity) return Score(-kInfinity);
        return Score(static_cast<std::int32_t>(points));
    }
    static constexpr Score always() { return Score(kInfinity); }
    static constexpr Score never() { return Score(-kInfinity); }

    [[nodiscard]] constexpr std::int32_t points() const { return points_; }
    [[nodiscard]] constexpr bool is_infinite() const {
        return points_ == kInfinity || points_ == -kInfinity;
    }

    friend constexpr auto operator<=>(const Score&, const Score&) = default;
    friend constexpr Score operator-(Score a) { return Score(-a.points_); }
    friend constexpr Score operator+(Score a, Score b) {
        if (a == never() || b == never()) return never();
        if (a == always() || b == always()) return always();
        return of(std::int64_t{a.points_} + b.points_);
    }

private:
    constexpr explicit Score(std::int32_t points) : points_(points) {}
    std::int32_t points_ = 0;
};

/// Reads "INFINITY", "+INFINITY", "-INFINITY" (any case, "inf" too) or a decimal integer, clamped.
/// Empty if the text is none of these. Colours (red, yellow, green) are node health's business, not
/// read here.
[[nodiscard]] std::optional<Score> parse_score(std::string_view text);

/// "INFINITY", "-INFINITY" or the decimal number: what parse_score() reads back to the same score.
[[nodiscard]] std::string to_string(Score score);

}  // namespace xbeat
