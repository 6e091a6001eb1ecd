#include "sys/boot_clock.h"

#include <array>
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

std::string calendar_text(EpochSeconds when) {
    const auto at = static_cast<std::time_t>(when.value);
    std::tm parts{};
    if (::localtime_r(&at, &parts) == nullptr) parts = {};
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &parts)};
}

}  // namespace xbeat::sys
