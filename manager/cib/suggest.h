// "Did you mean": the known word nearest to a misspelt one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace xbeat::cib {

/// Insertions, deletions, changes and swaps of neighbours that turn one word into the other;
/// letters count without case. Words are cut at 64 bytes. O(length squared).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `known`, or an empty view if none is near enough to be meant: at most a third of
/// the word's length and at most three steps away. The first of several equally near.
[[nodiscard]] std::string_view suggest(std::string_view word,
                                       std::span<const std::string_view> known);

/// "; did you mean 'NEAREST'?", or nothing if no known word is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace xbeat::cib
