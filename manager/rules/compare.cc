#include "rules/compare.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "core/number.h"
#include "core/text.h"

namespace xbeat::rules {
namespace {

int sign(std::int64_t difference) { return difference < 0 ? -1 : (difference > 0 ? 1 : 0); }

int compare_text(std::string_view a, std::string_view b) {
    const std::string low_a = to_lower(a);
    const std::string low_b = to_lower(b);
    return sign(low_a.compare(low_b));
}

// A decimal number as digits and the place of its point: exact, so that no floating point decides.
struct Decimal {
    bool negative = false;
    std::string digits;      // significant digits without leading zeros; empty is zero
    std::int64_t point = 0;  // value is 0.DIGITS times ten to this power
};

std::optional<Decimal> parse_decimal(std::string_view text) {
    text = trim(text);
    Decimal out;
    if (text.starts_with('-') || text.starts_with('+')) {
        out.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    bool any = false;
    bool after_point = false;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        any = true;
        if (c == '0' && out.digits.empty()) {
            if (after_point) --out.point;
            continue;
        }
        out.digits.push_back(c);
        if (!after_point) ++out.point;
    }
    if (!any) return std::nullopt;
    // What follows the number is left out, as strtod() would.
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E') &&
        (at + 1 == text.size() || text[at + 1] != ' ')) {
        const std::int64_t exponent = leading_integer(text.substr(at + 1)).value_or(0);
        out.point += std::clamp<std::int64_t>(exponent, -10000, 10000);
    }
    while (!out.digits.empty() && out.digits.back() == '0') out.digits.pop_back();
    if (out.digits.empty()) out = Decimal{};
    return out;
}

int compare_decimals(const Decimal& a, const Decimal& b) {
    if (a.digits.empty() || b.digits.empty() || a.negative != b.negative) {
        const int sign_a = a.digits.empty() ? 0 : (a.negative ? -1 : 1);
        const int sign_b = b.digits.empty() ? 0 : (b.negative ? -1 : 1);
        return sign(sign_a - sign_b);
    }
    int order = sign(a.point - b.point);
    if (order == 0) order = sign(a.digits.compare(b.digits));
    return a.negative ? -order : order;
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
    while (!a.empty() || !b.empty()) {
        if (a.empty()) return -1;
        if (b.empty()) return 1;
        const std::size_t end_a = std::min(a.find('.'), a.size());
        const std::size_t end_b = std::min(b.find('.'), b.size());
        const std::int64_t field_a = parse_integer(a.substr(0, end_a)).value_or(0);
        const std::int64_t field_b = parse_integer(b.substr(0, end_b)).value_or(0);
        if (field_a != field_b) return sign(field_a - field_b);
        a.remove_prefix(std::min(end_a + 1, a.size()));
        b.remove_prefix(std::min(end_b + 1, b.size()));
    }
    return 0;
}

int compare_as(std::string_view type, std::string_view a, std::string_view b, bool is_range) {
    if (type.empty()) {
        if (!is_range) return compare_text(a, b);
        const bool has_point =
            a.find('.') != std::string_view::npos || b.find('.') != std::string_view::npos;
        type = has_point ? "number" : "integer";
    }
    if (type == "version") return compare_versions(a, b);
    if (type == "integer") {
        const auto whole_a = leading_integer(a);
        const auto whole_b = leading_integer(b);
        if (whole_a && whole_b) return *whole_a < *whole_b ? -1 : (*whole_a > *whole_b ? 1 : 0);
    }
    if (type == "number") {
        const auto number_a = parse_decimal(a);
        const auto number_b = parse_decimal(b);
        if (number_a && number_b) return compare_decimals(*number_a, *number_b);
    }
    return compare_text(a, b);
}

}  // namespace xbeat::rules
