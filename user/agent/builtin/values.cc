#include "agent/builtin/values.h"

#include <csignal>
#include <cstring>
#include <limits>
#include <optional>

#include "agent/builtin/run.h"
#include "core/text.h"

namespace xbeat::agent::builtin {
namespace {

Error invalid(std::string context) {
    return {.code = Code::Invalid, .context = std::move(context)};
}

std::optional<Duration> parse_duration(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::optional<std::int64_t> count = parse_integer(text.substr(0, digits));
    if (!count) return std::nullopt;
    const std::string_view unit = text.substr(digits);
    Duration one{};
    if (unit.empty() || unit == "ms") one = std::chrono::milliseconds(1);
    if (unit == "s" || unit == "sec") one = std::chrono::seconds(1);
    if (unit == "m" || unit == "min") one = std::chrono::minutes(1);
    if (unit == "h" || unit == "hr") one = std::chrono::hours(1);
    if (one == Duration{}) return std::nullopt;
    if (*count > std::numeric_limits<std::int64_t>::max() / one.count()) return std::nullopt;
    return *count * one;
}

}  // namespace

Result<std::int64_t> integer_parameter(const Spawn& spawn, std::string_view name,
                                       const Range<std::int64_t>& range) {
    const std::string_view text = parameter(spawn, name);
    if (text.empty()) return range.fallback;
    const std::optional<std::int64_t> value = parse_integer(text);
    if (value && *value >= range.min && *value <= range.max) return *value;
    return invalid(concat("parameter ", name, ": \"", text, "\" is not a number within ", range.min,
                          " to ", range.max));
}

Result<Duration> duration_parameter(const Spawn& spawn, std::string_view name,
                                    const Range<Duration>& range) {
    const std::string_view text = parameter(spawn, name);
    if (text.empty()) return range.fallback;
    const std::optional<Duration> value = parse_duration(text);
    if (value && *value >= range.min && *value <= range.max) return *value;
    const auto in_ms = [](Duration time) { return time / std::chrono::milliseconds(1); };
    return invalid(concat("parameter ", name, ": \"", text, "\" is not a time within ",
                          in_ms(range.min), " ms to ", in_ms(range.max), " ms"));
}

Result<std::vector<std::string>> split_command(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (quote == 0 && is_blank) {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
            continue;
        }
        in_word = true;
        if (c == '\\' && quote != '\'') {
            if (++at == text.size()) return invalid("a backslash ends the command line");
            word += text[at];
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else if (quote != 0 && c == quote) {
            quote = 0;
        } else {
            word += c;
        }
    }
    if (quote != 0) return invalid(concat("a quote (", quote, ") is not closed"));
    if (in_word) words.push_back(std::move(word));
    if (words.size() > kParametersMax) {
        return Error{.code = Code::Limit, .context = "a command line has too many words"};
    }
    return words;
}

Result<int> parse_signal(std::string_view text) {
    if (const std::optional<std::int64_t> number = parse_integer(text)) {
        if (*number >= 1 && *number <= 64) return static_cast<int>(*number);
        return invalid(concat("there is no signal ", text));
    }
    std::string_view name = text;
    if (name.size() > 3 && equals_ignoring_case(name.substr(0, 3), "SIG")) name.remove_prefix(3);
    for (int number = 1; number < NSIG; ++number) {
        const char* known = ::sigabbrev_np(number);
        if (known != nullptr && equals_ignoring_case(known, name)) return number;
    }
    return invalid(concat("there is no signal \"", text, '"'));
}

}  // namespace xbeat::agent::builtin
