// FNV-1a, to tell whether two programs are the same bytes. Not for anything an enemy could choose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xbeat::heart {

constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325U;

/// http://www.isthe.com/chongo/tech/comp/fnv/
[[nodiscard]] inline std::uint64_t fnv1a(std::uint64_t hash, const void* bytes, std::size_t size) {
    for (const char c : std::string_view(static_cast<const char*>(bytes), size)) {
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
    }
    return hash;
}

}  // namespace xbeat::heart
