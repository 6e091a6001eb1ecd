// A small, fast, seedable generator (SplitMix64: Steele, Lea, Flood, OOPSLA 2014). Not for keys.
//
// Randomness in manager/ is always one of these, passed in, its seed in the log: a run can be
// repeated.
#pragma once

#include <cstdint>

#include "core/check.h"

namespace xbeat {

class Prng {
public:
    explicit constexpr Prng(std::uint64_t seed) : state_(seed) {}

    constexpr std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    /// Uniform enough in [0, bound). Requires: bound > 0.
    constexpr std::uint64_t below(std::uint64_t bound) {
        XB_CHECK(bound > 0);
        return next() % bound;
    }

private:
    std::uint64_t state_;
};

}  // namespace xbeat
