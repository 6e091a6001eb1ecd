#include "rules/calendar.h"

#include <algorithm>

#include "core/number.h"
#include "core/text.h"

namespace xbeat::rules {
namespace {

constexpr std::int64_t kDaySeconds = 86400;
constexpr std::int64_t kYearMax = 9999;
constexpr std::int64_t kIntervalMsMax = 4'294'967'295;  // 32 bits: 49 days; more is cut
constexpr std::int64_t kCountMax = 1'000'000'000;  // of any unit in a duration; larger is rejected

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

std::int64_t days_in_month(std::int64_t year, std::int64_t month) {
    constexpr std::int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

// Monday of the ISO week 1 of a year, in days since the epoch.
std::int64_t first_week_monday(std::int64_t year) {
    const std::int64_t fourth = days_from_civil(year, 1, 4);
    const std::int64_t weekday = ((fourth + 3) % 7 + 7) % 7;  // 0 Monday; 1970-01-01 was a Thursday
    return fourth - weekday;
}

// Reads the digits of a text one field after another.
struct Scanner {
    std::string_view text;

    bool skip(char c) {
        if (!text.starts_with(c)) return false;
        text.remove_prefix(1);
        return true;
    }
    std::optional<std::int64_t> digits(std::size_t count) {
        if (text.size() < count) return std::nullopt;
        std::int64_t value = 0;
        for (const char c : text.substr(0, count)) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        text.remove_prefix(count);
        return value;
    }
    std::size_t digit_run() const {
        const std::size_t end = text.find_first_not_of("0123456789");
        return end == std::string_view::npos ? text.size() : end;
    }
};

// Days since the epoch of the date at the scanner's start.
std::optional<std::int64_t> scan_date(Scanner& in) {
    const auto year = in.digits(4);
    if (!year || *year < 1 || *year > kYearMax) return std::nullopt;
    in.skip('-');
    if (in.skip('W')) {
        const auto week = in.digits(2);
        if (!week || *week < 1 || *week > 53) return std::nullopt;
        in.skip('-');
        std::int64_t weekday = 1;
        if (in.digit_run() > 0) {
            const auto day = in.digits(1);
            if (!day || *day < 1 || *day > 7) return std::nullopt;
            weekday = *day;
        }
        return first_week_monday(*year) + (*week - 1) * 7 + weekday - 1;
    }
    if (in.digit_run() == 3) {
        const auto day = in.digits(3);
        if (!day || *day < 1 || *day > (is_leap(*year) ? 366 : 365)) return std::nullopt;
        return days_from_civil(*year, 1, 1) + *day - 1;
    }
    const auto month = in.digits(2);
    if (!month || *month < 1 || *month > 12) return std::nullopt;
    if (in.text.empty()) return days_from_civil(*year, *month, 1);
    in.skip('-');
    const auto day = in.digits(2);
    if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
    return days_from_civil(*year, *month, *day);
}

std::optional<std::int64_t> scan_clock(Scanner& in) {
    const auto hour = in.digits(2);
    if (!hour || *hour > 24) return std::nullopt;
    std::int64_t seconds = *hour * 3600;
    in.skip(':');
    if (in.digit_run() == 0) return seconds;
    const auto minute = in.digits(2);
    if (!minute || *minute > 59) return std::nullopt;
    seconds += *minute * 60;
    in.skip(':');
    if (in.digit_run() == 0) return seconds;
    const auto second = in.digits(2);
    if (!second || *second > 60) return std::nullopt;
    if (in.skip('.')) in.text.remove_prefix(in.digit_run());
    return seconds + *second;
}

std::optional<std::int64_t> scan_offset(Scanner& in) {
    while (in.skip(' ')) {
    }
    if (in.text.empty() || in.skip('Z')) return 0;
    const bool west = in.text.front() == '-';
    if (!in.skip('-') && !in.skip('+')) return std::nullopt;
    const auto seconds = scan_clock(in);
    if (!seconds) return std::nullopt;
    return west ? *seconds : -*seconds;
}

}  // namespace

std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
    // Years that begin in March put the leap day last, so that month lengths follow one formula.
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t shifted = month > 2 ? month - 3 : month + 9;
    const std::int64_t day_of_year = (153 * shifted + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

CalendarFields fields_of(EpochSeconds time) {
    std::int64_t days = time.value / kDaySeconds;
    std::int64_t rest = time.value % kDaySeconds;
    if (rest < 0) {
        rest += kDaySeconds;
        --days;
    }
    CalendarFields out;
    out.year = 1970 + days / 366;
    while (days_from_civil(out.year + 1, 1, 1) <= days) ++out.year;
    while (days_from_civil(out.year, 1, 1) > days) --out.year;
    out.year_day = days - days_from_civil(out.year, 1, 1) + 1;
    out.month_day = out.year_day;
    while (out.month_day > days_in_month(out.year, out.month)) {
        out.month_day -= days_in_month(out.year, out.month);
        ++out.month;
    }
    out.week_year = out.year + 1;
    while (first_week_monday(out.week_year) > days) --out.week_year;
    out.week = (days - first_week_monday(out.week_year)) / 7 + 1;
    out.week_day = (days - first_week_monday(out.week_year)) % 7 + 1;
    out.hour = rest / 3600;
    out.minute = rest / 60 % 60;
    out.second = rest % 60;
    return out;
}

std::optional<EpochSeconds> parse_time(std::string_view text) {
    Scanner in{trim(text)};
    if (in.text.empty()) return std::nullopt;
    const auto days = scan_date(in);
    if (!days) return std::nullopt;
    std::int64_t seconds = *days * kDaySeconds;
    if (in.text.empty()) return EpochSeconds{seconds};
    if (!in.skip('T') && !in.skip(' ')) return std::nullopt;
    while (in.skip(' ')) {
    }
    const auto clock = scan_clock(in);
    if (!clock) return std::nullopt;
    const auto offset = scan_offset(in);
    if (!offset) return std::nullopt;
    if (!in.text.empty()) return std::nullopt;
    return EpochSeconds{seconds + *clock + *offset};
}

// Hours and seconds are also taken without the T before them, as Pacemaker does: only M would be
// ambiguous.
std::optional<CalendarSpan> parse_span(std::string_view text) {
    Scanner in{trim(text)};
    if (!in.skip('P') || in.text.empty()) return std::nullopt;
    CalendarSpan span;
    bool in_clock = false;
    while (!in.text.empty()) {
        if (!in_clock && in.skip('T')) {
            in_clock = true;
            continue;
        }
        const std::size_t run = in.digit_run();
        if (run == 0 || run > 10) return std::nullopt;
        const auto count = in.digits(run);
        if (!count || *count > kCountMax || in.text.empty()) return std::nullopt;
        const char unit = in.text.front();
        in.text.remove_prefix(1);
        if (unit == 'Y' && !in_clock) {
            span.years = *count;
        } else if (unit == 'M' && !in_clock) {
            span.months = *count;
        } else if (unit == 'W' && !in_clock) {
            span.days += *count * 7;
        } else if (unit == 'D' && !in_clock) {
            span.days += *count;
        } else if (unit == 'H') {
            span.seconds += *count * 3600;
        } else if (unit == 'M' && in_clock) {
            span.seconds += *count * 60;
        } else if (unit == 'S') {
            span.seconds += *count;
        } else {
            return std::nullopt;
        }
    }
    return span;
}

EpochSeconds add(EpochSeconds time, const CalendarSpan& span) {
    std::int64_t seconds = time.value;
    if (span.years != 0 || span.months != 0) {
        const CalendarFields from = fields_of(time);
        const std::int64_t months = from.year * 12 + from.month - 1 + span.years * 12 + span.months;
        const std::int64_t year = months / 12;
        const std::int64_t month = months % 12 + 1;
        const std::int64_t day = std::min(from.month_day, days_in_month(year, month));
        seconds = days_from_civil(year, month, day) * kDaySeconds + from.hour * 3600 +
                  from.minute * 60 + from.second;
    }
    return EpochSeconds{seconds + span.days * kDaySeconds + span.seconds};
}

std::optional<std::int64_t> parse_interval_ms(std::string_view text) {
    text = trim(text);
    if (text.starts_with('P')) {
        const auto span = parse_span(text);
        if (!span) return std::nullopt;
        const std::int64_t days = span->years * 365 + span->months * 30 + span->days;
        return std::min(days * kDaySeconds + span->seconds, kIntervalMsMax / 1000) * 1000;
    }
    const std::optional<std::int64_t> count = leading_integer(text);
    if (!count || *count < 0) return std::nullopt;
    // Fractions are cut off, and whatever follows the unit's letters is no matter: "5.9 minutes".
    const std::size_t end = std::min(text.find_first_not_of("+0123456789."), text.size());
    const std::string unit = to_lower(trim(text.substr(end)));
    const auto is_in = [count](std::int64_t each_ms) {
        return *count > kIntervalMsMax / each_ms ? kIntervalMsMax : *count * each_ms;
    };
    if (unit.empty() || unit.starts_with("s")) return is_in(1000);
    if (unit.starts_with("ms")) return is_in(1);
    if (unit.starts_with("us")) return std::min(*count / 1000, kIntervalMsMax);
    if (unit.starts_with("m")) return is_in(60'000);
    if (unit.starts_with("h")) return is_in(3'600'000);
    if (unit.starts_with("d")) return is_in(86'400'000);
    return std::nullopt;
}

}  // namespace xbeat::rules
