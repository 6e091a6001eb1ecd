#include "cib/suggest.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace xbeat::cib {
namespace {

constexpr std::size_t kWordMax = 64;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    const std::string x = to_lower(a.substr(0, kWordMax));
    const std::string y = to_lower(b.substr(0, kWordMax));
    // Three rows of the table are enough: a swap looks two rows back.
    std::array<std::array<std::size_t, kWordMax + 1>, 3> rows{};
    for (std::size_t j = 0; j <= y.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= x.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& above = rows[(i - 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= y.size(); ++j) {
            const std::size_t change = x[i - 1] == y[j - 1] ? 0U : 1U;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            const bool is_swap = i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1];
            if (is_swap) row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[x.size() % 3][y.size()];
}

std::string_view suggest(std::string_view word, std::span<const std::string_view> known) {
    const std::size_t far = std::min<std::size_t>(3, (word.size() + 2) / 3);
    std::size_t best = far + 1;
    std::string_view found;
    for (const std::string_view candidate : known) {
        const std::size_t longer = std::max(candidate.size(), word.size());
        const std::size_t shorter = std::min(candidate.size(), word.size());
        if (longer - shorter >= best) continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best) {
            best = distance;
            found = candidate;
        }
    }
    return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
    const std::string_view found = suggest(word, known);
    if (found.empty()) return {};
    return concat("; did you mean '", found, "'?");
}

}  // namespace xbeat::cib
