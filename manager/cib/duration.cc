#include "cib/duration.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/check.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using Unit = std::pair<std::string_view, Duration>;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the front of `text`, taken off it. Saturates: far above kDurationMax is enough.
std::optional<std::int64_t> take_number(std::string_view& text) {
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    constexpr std::int64_t kLarge = 1'000'000'000'000'000;
    std::int64_t value = 0;
    while (!text.empty() && is_digit(text.front())) {
        value = std::min(kLarge, value * 10 + (text.front() - '0'));
        text.remove_prefix(1);
    }
    return value;
}

Duration clamped(std::int64_t count, Duration unit) {
    if (count > kDurationMax / unit) return kDurationMax;
    return std::min(kDurationMax, count * unit);
}

std::optional<Duration> parse_with_unit(std::string_view text) {
    constexpr std::array<Unit, 14> kUnits = {{{"", 1s},
                                              {"s", 1s},
                                              {"sec", 1s},
                                              {"ms", 1ms},
                                              {"msec", 1ms},
                                              {"us", 1us},
                                              {"usec", 1us},
                                              {"m", 60s},
                                              {"min", 60s},
                                              {"h", 3600s},
                                              {"hr", 3600s},
                                              {"d", 86400s},
                                              {"day", 86400s},
                                              {"days", 86400s}}};
    const std::optional<std::int64_t> count = take_number(text);
    if (!count) return std::nullopt;
    text = trim(text);
    for (const auto& [name, unit] : kUnits) {
        if (equals_ignoring_case(text, name)) return clamped(*count, unit);
    }
    return std::nullopt;
}

// One letter of an ISO 8601 duration; `after_t` tells minutes from months.
std::optional<Duration> iso_unit(char letter, bool after_t) {
    constexpr Duration kDay = 86400s;
    switch (letter) {
        case 'Y':
            return after_t ? std::nullopt : std::optional<Duration>(365 * kDay);
        case 'M':
            return after_t ? 60s : 30 * kDay;
        case 'W':
            return after_t ? std::nullopt : std::optional<Duration>(7 * kDay);
        case 'D':
            return after_t ? std::nullopt : std::optional<Duration>(kDay);
        case 'H':
            return 3600s;
        case 'S':
            return 1s;
        default:
            return std::nullopt;
    }
}

std::optional<Duration> parse_iso(std::string_view text) {
    text.remove_prefix(1);  // the P
    bool after_t = false;
    bool found = false;
    Duration sum{};
    while (!text.empty()) {
        if (text.front() == 'T') {
            if (after_t) return std::nullopt;
            after_t = true;
            text.remove_prefix(1);
            continue;
        }
        const std::optional<std::int64_t> count = take_number(text);
        if (!count || text.empty()) return std::nullopt;
        const std::optional<Duration> unit = iso_unit(text.front(), after_t);
        if (!unit) return std::nullopt;
        text.remove_prefix(1);
        sum = std::min(kDurationMax, sum + clamped(*count, *unit));
        found = true;
    }
    if (!found) return std::nullopt;
    return sum;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    text = trim(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (text.starts_with('P')) return parse_iso(text);
    return parse_with_unit(text);
}

std::string print_duration(Duration duration) {
    constexpr std::array<Unit, 4> kUnits = {{{"h", 3600s}, {"min", 60s}, {"s", 1s}, {"ms", 1ms}}};
    XB_CHECK(duration >= Duration{});
    if (duration == Duration{}) return "0s";
    for (const auto& [name, unit] : kUnits) {
        if (duration % unit == Duration{}) return concat(duration / unit, name);
    }
    return concat(std::chrono::duration_cast<std::chrono::microseconds>(duration).count(), "us");
}

}  // namespace xbeat::cib
