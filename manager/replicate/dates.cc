#include "replicate/dates.h"

#include <chrono>

#include "core/text.h"

namespace xbeat::replicate {
namespace {

std::string two_digits(std::int64_t value) {
    return value < 10 ? concat('0', value) : concat(value);
}

}  // namespace

std::string calendar_text(EpochSeconds when) {
    static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    using std::chrono::days;
    using std::chrono::seconds;
    // sys_time is the epoch's own scale; no clock is asked.
    const std::chrono::sys_time<seconds> instant{seconds(when.value)};
    const auto day = std::chrono::floor<days>(instant);
    const std::chrono::year_month_day date{day};
    const std::chrono::weekday weekday{day};
    const std::int64_t second = (instant - day).count();
    const auto day_of_month = static_cast<std::int64_t>(static_cast<unsigned>(date.day()));
    return concat(kDays[weekday.c_encoding()], ' ',
                  kMonths[static_cast<unsigned>(date.month()) - 1], ' ',
                  day_of_month < 10 ? " " : "", day_of_month, ' ', two_digits(second / 3600), ':',
                  two_digits(second / 60 % 60), ':', two_digits(second % 60), ' ',
                  static_cast<int>(date.year()));
}

}  // namespace xbeat::replicate
