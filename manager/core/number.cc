#include "core/number.h"

#include <algorithm>
#include <limits>
#include <string>

#include "core/text.h"

namespace xbeat {

std::optional<std::int64_t> leading_integer(std::string_view text) {
    text = trim(text);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    if (end == 0) return std::nullopt;
    const std::string digits = concat(negative ? "-" : "", text.substr(0, end));
    // Only digits: the one way to fail is a number past 64 bits.
    const std::int64_t past = negative ? std::numeric_limits<std::int64_t>::min()
                                       : std::numeric_limits<std::int64_t>::max();
    return parse_integer(digits).value_or(past);
}

Score effective_score(std::string_view text, Score fallback) {
    if (const std::optional<Score> exact = parse_score(text)) return *exact;
    const std::optional<std::int64_t> number = leading_integer(text);
    return number ? Score::of(*number) : fallback;
}

}  // namespace xbeat
