// Small helpers for text: numbers to and from decimal, splitting, comparing without case.
//
// manager/ has neither <format> nor fmt; it joins strings with concat(). Nothing here depends on a
// locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace xbeat {

namespace detail {
template <class T>
void append_piece(std::string& out, const T& piece) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, char> && !std::is_same_v<T, bool>) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, piece).ptr;
        out.append(digits, end);
    } else if constexpr (std::is_same_v<T, char>) {
        out.push_back(piece);
    } else {
        out.append(std::string_view(piece));
    }
}
}  // namespace detail

/// The pieces one after another: strings, characters and integers (in decimal).
template <class... Pieces>
[[nodiscard]] std::string concat(const Pieces&... pieces) {
    std::string out;
    (detail::append_piece(out, pieces), ...);
    return out;
}

/// A whole decimal integer with an optional sign; empty if anything else stands in the text or it
/// overflows.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

/// Pacemaker's booleans: true/on/yes/y/1 and false/off/no/n/0, in any case. Empty for other text.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string to_lower(std::string_view text);

/// `text` without the white space (space, tab, CR, LF) at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// The words of `text` between runs of white space; empty text has none.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);

}  // namespace xbeat
