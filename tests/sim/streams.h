// Random numbers in independent streams: one for each node, link, disk, agent and fault, all from
// one seed.
//
// Taking one fault out of a run must not shift the luck of the others, or a failure could not be
// made smaller. So nothing shares a stream with anything else.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/prng.h"

namespace xbeat::xsim {

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    return Prng(a ^ (b * 0xd1342543de82ef95U + 0x2545f4914f6cdd1dU)).next();
}

[[nodiscard]] constexpr std::uint64_t sub_seed(std::uint64_t seed, std::string_view name,
                                               std::uint64_t number = 0) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return mix(mix(seed, hash), number);
}

[[nodiscard]] constexpr Prng stream(std::uint64_t seed, std::string_view name,
                                    std::uint64_t number = 0) {
    return Prng(sub_seed(seed, name, number));
}

/// Uniform in [low, high]. Requires: low <= high.
[[nodiscard]] constexpr std::int64_t between(Prng& prng, std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(prng.below(static_cast<std::uint64_t>(high - low) + 1));
}

/// Each power of two between low and high is as likely as any other: short things are not drowned
/// by long ones. Requires: 0 < low <= high.
[[nodiscard]] constexpr std::int64_t spread(Prng& prng, std::int64_t low, std::int64_t high) {
    std::int64_t top = low;
    std::uint64_t doublings = 0;
    while (top <= high / 2) {
        top *= 2;
        ++doublings;
    }
    std::int64_t from = low;
    for (std::uint64_t i = prng.below(doublings + 1); i > 0; --i) from *= 2;
    return between(prng, from, from * 2 < high ? from * 2 : high);
}

/// True `percent` times of a hundred.
[[nodiscard]] constexpr bool chance(Prng& prng, std::uint64_t percent) {
    return prng.below(100) < percent;
}

/// A hash that is fed bit by bit: what two runs of one seed must agree on.
class Digest {
public:
    void add(std::uint64_t value) {
        hash_ = (hash_ ^ value) * 0x9fb21c651e98df25U;
        hash_ ^= hash_ >> 28U;
    }
    void add(std::string_view text) {
        std::uint64_t word = text.size();
        std::size_t held = 0;
        for (const char c : text) {
            word = (word << 8U) | static_cast<unsigned char>(c);
            if (++held % 8 == 0) add(word);
        }
        add(word);
    }
    [[nodiscard]] std::uint64_t value() const { return hash_; }

private:
    std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace xbeat::xsim
