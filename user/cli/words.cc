#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <ctime>

#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

// In the local time zone; all zero for times that the calendar cannot show.
std::tm local_parts(std::int64_t seconds) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (::localtime_r(&when, &parts) == nullptr) return {};
    return parts;
}

using TimeText = std::array<char, 64>;

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

// The run of digits at `at` without its leading zeros; moves `at` behind it.
std::string_view take_number(std::string_view text, std::size_t& at) {
    while (at < text.size() && text[at] == '0') ++at;
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return text.substr(from, at - from);
}

int lower(char letter) { return std::tolower(static_cast<unsigned char>(letter)); }

struct Mark {
    std::string_view word;
    std::string_view colour;
};
// The first that a line contains decides; red before yellow.
constexpr std::array kMarks{
    Mark{"OFFLINE", "31"},     Mark{"UNCLEAN", "31"},     Mark{"FAILED", "31"},
    Mark{" DOWN", "31"},       Mark{": dead", "31"},      Mark{"No safe takeover", "31"},
    Mark{"error ", "31"},      Mark{"blocked", "31"},     Mark{"standby", "33"},
    Mark{"maintenance", "33"}, Mark{"unmanaged", "33"},   Mark{"pending", "33"},
    Mark{": suspect", "33"},   Mark{": stalled", "33"},   Mark{"WITHOUT quorum", "33"},
    Mark{"disabled", "33"},    Mark{"fail-count=", "33"}, Mark{"warning ", "33"},
};

std::string_view colour_of(std::string_view line) {
    for (const Mark& mark : kMarks) {
        if (line.find(mark.word) != std::string_view::npos) return mark.colour;
    }
    return {};
}

}  // namespace

std::string calendar_text(EpochSeconds when) {
    return when.value == 0 ? "never" : sys::calendar_text(when);
}

std::string date_text(EpochSeconds when) {
    const std::tm parts = local_parts(when.value);
    TimeText text{};
    const std::string date(text.data(),
                           std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts));
    const long minutes = parts.tm_gmtoff / 60;
    if (minutes == 0) return date + 'Z';
    return fmt::format("{} {}{:02}:{:02}", date, minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                       std::abs(minutes) % 60);
}

std::string clock_text(std::int64_t time_ms) {
    const std::tm parts = local_parts(time_ms / 1000);
    return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                       time_ms % 1000);
}

std::string date_and_clock_text(std::int64_t time_ms) {
    const std::tm parts = local_parts(time_ms / 1000);
    return fmt::format("{:04}-{:02}-{:02} {}", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, clock_text(time_ms));
}

std::string milliseconds_text(Duration duration) {
    const std::int64_t us = duration.count() / 1000;
    return fmt::format("{}{}.{:03} ms", us < 0 ? "-" : "", std::abs(us) / 1000,
                       std::abs(us) % 1000);
}

std::string short_duration(Duration duration) {
    const std::int64_t us = duration.count() / 1000;
    if (us < 1000) return fmt::format("{} us", us);
    if (us < 1'000'000) return fmt::format("{}.{} ms", us / 1000, us % 1000 / 100);
    const std::int64_t seconds = us / 1'000'000;
    if (seconds < 60) return fmt::format("{}.{} s", seconds, us % 1'000'000 / 100'000);
    if (seconds < 3600) return fmt::format("{} min", seconds / 60);
    if (seconds < 86'400) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} d", seconds / 86'400);
}

std::string interval_text(std::int64_t interval_ms) {
    if (interval_ms == 0) return "0";
    if (interval_ms % 1000 == 0) return fmt::format("{}s", interval_ms / 1000);
    return fmt::format("{}ms", interval_ms);
}

std::string readable_time(std::int64_t ms) {
    struct Unit {
        std::int64_t ms;
        char letter;
    };
    std::string text;
    // A whole unit is said in the next smaller one: 60 seconds, 1000 milliseconds.
    for (const Unit unit : {Unit{86'400'000, 'd'}, Unit{3'600'000, 'h'}, Unit{60'000, 'm'}}) {
        if (ms <= unit.ms) continue;
        text += fmt::format("{}{}", ms / unit.ms, unit.letter);
        ms %= unit.ms;
    }
    if (ms > 1000) {
        text += fmt::format("{}", ms / 1000);
        if (ms % 1000 != 0) text += fmt::format(".{:03}", ms % 1000);
        text += 's';
    } else if (ms > 0) {
        text += fmt::format("{}ms", ms);
    }
    return text.empty() ? "0s" : text;
}

std::string_view rc_text(std::int32_t rc) {
    constexpr std::array<std::string_view, 10> kWords{"ok",
                                                      "error",
                                                      "invalid parameter",
                                                      "unimplemented feature",
                                                      "insufficient privileges",
                                                      "not installed",
                                                      "not configured",
                                                      "not running",
                                                      "promoted",
                                                      "promoted (failed)"};
    if (rc >= 0 && static_cast<std::size_t>(rc) < kWords.size()) {
        return kWords[static_cast<std::size_t>(rc)];
    }
    if (rc == 190) return "degraded";
    if (rc == 191) return "promoted (degraded)";
    return "unknown";
}

std::string_view op_status_text(std::int32_t status) {
    constexpr std::array<std::string_view, 12> kWords{
        "complete",      "Cancelled",          "Timed Out",       "Not supported",
        "Error",         "Hard error",         "Fatal error",     "Not installed",
        "Not connected", "Cannot execute now", "No fence device", "No secrets"};
    if (status == -1) return "pending";
    if (status >= 0 && static_cast<std::size_t>(status) < kWords.size()) {
        return kWords[static_cast<std::size_t>(status)];
    }
    return "unknown";
}

bool is_before_by_number(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            const std::string_view left = take_number(a, i);
            const std::string_view right = take_number(b, j);
            if (left.size() != right.size()) return left.size() < right.size();
            if (left != right) return left < right;
            continue;
        }
        if (lower(a[i]) != lower(b[j])) return lower(a[i]) < lower(b[j]);
        ++i;
        ++j;
    }
    if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
    return a < b;
}

std::string bracketed(std::vector<std::string> names) {
    std::sort(names.begin(), names.end(), is_before_by_number);
    std::string text = "[";
    for (const std::string& name : names) text += " " + name;
    return text + " ]";
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string printable(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        safe.push_back(byte < 0x20 || byte == 0x7f ? '?' : letter);
    }
    return safe;
}

std::string colourised(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        const bool is_heading = !line.empty() && line.front() != ' ' && line.back() == ':';
        const std::string_view colour = is_heading ? "1" : colour_of(line);
        if (colour.empty()) {
            out += line;
        } else {
            out += fmt::format("\x1b[{}m{}\x1b[0m", colour, line);
        }
        if (end < text.size()) out += '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

}  // namespace xbeat::cli
