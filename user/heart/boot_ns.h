// Instants as the maps hold them: nanoseconds of the boot-time clock, and the largest number for
// one that never comes.
#pragma once

#include <cstdint>
#include <limits>

#include "core/time.h"

namespace xbeat::heart {

/// 0 for what is before the boot.
[[nodiscard]] inline std::uint64_t ns_of(Instant at) {
    if (at == Instant::max()) return std::numeric_limits<std::uint64_t>::max();
    const std::int64_t ns = at.time_since_epoch().count();
    return ns < 0 ? 0 : static_cast<std::uint64_t>(ns);
}

/// Instant::max() for everything that an Instant cannot hold.
[[nodiscard]] inline Instant instant_of(std::uint64_t ns) {
    constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return ns >= kLast ? Instant::max() : Instant(Duration(static_cast<std::int64_t>(ns)));
}

}  // namespace xbeat::heart
