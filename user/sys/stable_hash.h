// A number for a name that is the same in every process and on every node. No protection.
#pragma once

#include <cstdint>
#include <string_view>

namespace xbeat::sys {

/// FNV-1a, 64 bits (RFC 9923). Different names may share a number; of 10 000 names any two do with
/// a probability of about 3e-12.
[[nodiscard]] constexpr std::uint64_t stable_hash(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : name) {
        hash ^= static_cast<std::uint8_t>(c);
        hash *= 0x100000001b3U;
    }
    return hash;
}

}  // namespace xbeat::sys
