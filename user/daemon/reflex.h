// The reflex thread: on time when nothing else is. It takes the kernel's verdicts off the ring
// buffer, hands them to the manager thread, and renews the daemon's progress.
//
// SCHED_FIFO, memory locked, a small stack, no allocation and no file: between its system calls
// there is nothing to wait for. The two threads exchange fixed-size values through bounded queues
// and wake each other with an eventfd. The daemon's progress counter in the kernel is renewed only
// while the manager thread answers pings, so that a hung manager shows as `stalled` to the peers
// although their probes are reflected.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/heart.h"
#include "sys/thread.h"
#include "sys/wakeup.h"

namespace xbeat::daemon {

constexpr int kReflexPriority = 50;             // SCHED_FIFO; below what guards the machine itself
constexpr std::size_t kReflexEventsMax = 1024;  // waiting for the manager; then see lost_events()

class Reflex {
public:
    struct Options {
        Duration ping_interval = std::chrono::milliseconds(100);  // a tenth of stall_after
    };

    /// Starts the thread. `heart` must outlive this. System if the thread or its ring is refused.
    static Result<Reflex> start(Options options, heart::Heart& heart);

    Reflex(Reflex&&) noexcept;
    Reflex& operator=(Reflex&&) = delete;
    /// Ends the thread; the heart beats on.
    ~Reflex();

    // The manager thread's side.

    /// Becomes readable (sys/wakeup.h) for events and for pings; borrowed.
    [[nodiscard]] int fd() const;
    /// The next event of the heart; empty if none waits.
    [[nodiscard]] std::optional<heart::HeartEvent> next();
    /// Answers a ping, if one is open: to be called at each turn of the manager's loop.
    /// `executor_alive`: xbeat-exec runs too. Returns whether one was open.
    bool answer(bool executor_alive);
    /// Events were lost because the manager did not take them: read everything anew from
    /// heart::Heart::status(). True once for each time that it happened.
    [[nodiscard]] bool lost_events();
    /// What the thread got of what it wants: "SCHED_FIFO 50", or why not.
    [[nodiscard]] std::string describe() const;

private:
    struct Shared;
    Reflex(std::unique_ptr<Shared> shared, sys::Thread thread);

    std::unique_ptr<Shared> shared_;
    sys::Thread thread_;
};

}  // namespace xbeat::daemon
