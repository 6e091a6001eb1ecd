#include "sys/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "core/check.h"
#include "sys/system_error.h"

namespace xbeat::sys {

Result<Wakeup> Wakeup::create() {
    Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event.is_open()) return system_error("cannot make an eventfd");
    return Wakeup(std::move(event));
}

void Wakeup::wake() const {
    const std::uint64_t one = 1;
    // EAGAIN would need 2^64 - 2 unread wakes; anything else is a descriptor we lost.
    XB_CHECK(::write(event_.get(), &one, sizeof one) == sizeof one || errno == EAGAIN);
}

void Wakeup::clear() const {
    std::uint64_t count = 0;
    XB_CHECK(::read(event_.get(), &count, sizeof count) == sizeof count || errno == EAGAIN);
}

}  // namespace xbeat::sys
