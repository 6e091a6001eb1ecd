// Time as the core knows it: passed in, never read.
//
// `Instant` sits on a clock without now(), so that no line of manager/ can look at a watch; the
// host fills it from CLOCK_BOOTTIME. Instants of different nodes are never compared. Calendar time,
// which date rules and operation history need, is a different type: it steps, an Instant does not.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace xbeat {

using namespace std::chrono_literals;

struct BootTime {};  // no now(): the core can be told the time, not read it
using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<BootTime, Duration>;

/// Seconds since 1970-01-01T00:00:00Z, the unit of `last-rc-change` and of the rules' dates.
struct EpochSeconds {
    std::int64_t value{};
    friend constexpr auto operator<=>(const EpochSeconds&, const EpochSeconds&) = default;
};

/// Both clocks at one moment. `boot` decides everything; `calendar` only dates history and feeds
/// date rules.
struct Now {
    Instant boot{};
    EpochSeconds calendar{};
};

}  // namespace xbeat
