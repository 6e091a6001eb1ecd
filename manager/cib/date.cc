#include "cib/date.h"

#include "core/check.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

constexpr std::int64_t kDay = 86'400;

// Days since 1970-01-01 of a date of the Gregorian calendar: years begin in March, so that the leap
// day is the last.
constexpr std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
    const std::int64_t y = month <= 2 ? year - 1 : year;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const std::int64_t year_of_era = y - era * 400;
    const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

constexpr bool is_leap(std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr std::int64_t days_of_month(std::int64_t year, std::int64_t month) {
    if (month == 2) return is_leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Exactly `digits` digits at the front, taken off.
std::optional<std::int64_t> take_digits(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    std::int64_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::int64_t> take_day(std::string_view& text) {
    const auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || *month < 1 || *month > 12 || !take(text, '-')) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day || *day < 1 || *day > days_of_month(*year, *month)) return std::nullopt;
    return days_from_civil(*year, *month, *day);
}

// HH:MM[:SS[.f]] as seconds.
std::optional<std::int64_t> take_clock(std::string_view& text) {
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 24 || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    std::int64_t seconds = 0;
    if (take(text, ':')) {
        const auto second = take_digits(text, 2);
        if (!second || *second > 60) return std::nullopt;
        seconds = *second;
        if (take(text, '.')) {
            while (!text.empty() && text.front() >= '0' && text.front() <= '9')
                text.remove_prefix(1);
        }
    }
    return *hour * 3600 + *minute * 60 + seconds;
}

// Z, +HH:MM, -HHMM or nothing, as seconds east of Greenwich.
std::optional<std::int64_t> take_offset(std::string_view& text) {
    if (text.empty() || take(text, 'Z')) return 0;
    const bool is_west = text.starts_with('-');
    if (!take(text, '+') && !take(text, '-')) return std::nullopt;
    const auto hours = take_digits(text, 2);
    if (!hours) return std::nullopt;
    std::int64_t offset = *hours * 3600;
    if (!text.empty()) {
        (void)take(text, ':');
        const auto minutes = take_digits(text, 2);
        if (!minutes) return std::nullopt;
        offset += *minutes * 60;
    }
    return is_west ? -offset : offset;
}

std::string padded(std::int64_t value, std::size_t width) {
    std::string digits = concat(value);
    return digits.size() >= width ? digits : std::string(width - digits.size(), '0') + digits;
}

}  // namespace

std::string print_date(EpochSeconds when) {
    std::int64_t days = when.value / kDay;
    if (when.value % kDay < 0) --days;
    const std::int64_t clock = when.value - days * kDay;
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const std::int64_t day_of_era = shifted - era * 146'097;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t day = day_of_year - (153 * from_march + 2) / 5 + 1;
    const std::int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    XB_CHECK(year >= 0);
    XB_CHECK(year <= 9999);
    return concat(padded(year, 4), "-", padded(month, 2), "-", padded(day, 2), " ",
                  padded(clock / 3600, 2), ":", padded(clock / 60 % 60, 2), ":",
                  padded(clock % 60, 2), "Z");
}

std::optional<EpochSeconds> parse_date(std::string_view text) {
    text = trim(text);
    const auto days = take_day(text);
    if (!days) return std::nullopt;
    std::int64_t seconds = *days * kDay;
    if (!text.empty()) {
        if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
        const auto clock = take_clock(text);
        if (!clock) return std::nullopt;
        seconds += *clock;
    }
    text = trim(text);
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    return EpochSeconds{seconds - *offset};
}

}  // namespace xbeat::cib
