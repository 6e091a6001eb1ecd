#include "sys/boot_clock.h"

#include <ctime>

#include "core/check.h"

namespace xbeat::sys {

Instant boot_now() {
    timespec now{};
    XB_CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

EpochSeconds calendar_now() {
    timespec now{};
    XB_CHECK(::clock_gettime(CLOCK_REALTIME, &now) == 0);
    return {now.tv_sec};
}

}  // namespace xbeat::sys
