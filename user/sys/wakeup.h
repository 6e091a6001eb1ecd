// One thread wakes another's ring: an eventfd that a multishot poll watches.
//
// eventfd(2) rather than IORING_OP_MSG_RING: the thread that stores has no ring, and one mechanism
// serves all pairs. Each wake() makes one completion of a multishot poll (it is edge-triggered), so
// nobody has to read the counter.
#pragma once

#include <cstdint>

#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::sys {

class Wakeup {
public:
    static Result<Wakeup> create();

    /// From any thread; never blocks, allocates nothing.
    void wake() const;
    /// To be polled for POLLIN; borrowed.
    [[nodiscard]] int fd() const { return event_.get(); }
    /// Makes fd() unreadable again: only for level-triggered waiting, as in tests.
    void clear() const;

private:
    explicit Wakeup(Fd event) : event_(std::move(event)) {}
    Fd event_;
};

}  // namespace xbeat::sys
