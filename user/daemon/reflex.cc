#include "daemon/reflex.h"

#include <fmt/format.h>
#include <poll.h>

#include <atomic>
#include <optional>
#include <utility>

#include "core/check.h"
#include "daemon/spsc_queue.h"
#include "ring/ring.h"
#include "sys/boot_clock.h"
#include "sys/realtime.h"

namespace xbeat::daemon {
struct Reflex::Shared {
    Shared(Options given, heart::Heart& beating, sys::Wakeup for_manager, sys::Wakeup for_reflex,
           sys::Wakeup for_starter)
        : options(given),
          heart(beating),
          to_manager(std::move(for_manager)),
          to_reflex(std::move(for_reflex)),
          started(std::move(for_starter)) {}

    void run();
    void serve(ring::Ring& ring);
    void forward_events();
    void ping();

    Options options;
    heart::Heart& heart;
    sys::Wakeup to_manager;
    sys::Wakeup to_reflex;
    SpscQueue<heart::HeartEvent, kReflexEventsMax> events;
    std::atomic<bool> is_ending{false};
    std::atomic<bool> has_lost{false};
    // A ping is open while the two differ. The manager stores `answered`, the reflex `asked`.
    std::atomic<std::uint32_t> asked{0};
    std::atomic<std::uint32_t> answered{0};
    std::atomic<bool> executor_alive{false};
    // Set once, before `is_started`.
    std::optional<Error> not_started;
    std::optional<Error> not_realtime;
    std::atomic<bool> is_started{false};
    sys::Wakeup started;
    // The reflex thread's alone.
    std::uint32_t daemon_progress = 0;
    std::uint32_t executor_progress = 0;
};

void Reflex::Shared::forward_events() {
    bool any = false;
    // A closure of one pointer and one reference: std::function keeps it without allocating.
    const auto forward = [this, &any](const heart::HeartEvent& event) {
        any = true;
        if (!events.push(event)) has_lost.store(true, std::memory_order_release);
    };
    // The poll is edge-triggered, so what is there must be taken whole.
    constexpr std::size_t kDrainMax = 1024;
    while (heart.drain(forward) == kDrainMax) {
    }
    if (any) to_manager.wake();
}

/// Counts one step of progress if the manager answered the last ping, then asks again. While it
/// does not answer, nothing is counted: that is the message.
void Reflex::Shared::ping() {
    const std::uint32_t last = asked.load(std::memory_order_relaxed);
    if (answered.load(std::memory_order_acquire) == last) {
        ++daemon_progress;
        if (executor_alive.load(std::memory_order_relaxed)) ++executor_progress;
        heart.set_progress(daemon_progress, executor_progress);
        asked.store(last + 1, std::memory_order_release);
    }
    to_manager.wake();
}

void Reflex::Shared::serve(ring::Ring& ring) {
    ring.poll(heart.event_fd(), POLLIN, {.op = ring::Op::HeartEvents});
    ring.poll(to_reflex.fd(), POLLIN, {.op = ring::Op::ManagerMessage});
    Instant next_ping = sys::boot_now();
    ring.timeout_at(next_ping, {.op = ring::Op::Timer});
    const auto handle = [&](const ring::Completion& completion) {
        switch (completion.token.op) {
            case ring::Op::HeartEvents:
                forward_events();
                if (!completion.more)
                    ring.poll(heart.event_fd(), POLLIN, {.op = ring::Op::HeartEvents});
                break;
            case ring::Op::ManagerMessage:
                if (!completion.more)
                    ring.poll(to_reflex.fd(), POLLIN, {.op = ring::Op::ManagerMessage});
                break;
            case ring::Op::Timer: {
                forward_events();  // a guard, should an edge ever be missed
                ping();
                next_ping = std::max(next_ping + options.ping_interval, sys::boot_now());
                ring.timeout_at(next_ping, {.op = ring::Op::Timer});
                break;
            }
            default:
                break;
        }
    };
    while (!is_ending.load(std::memory_order_acquire)) {
        // A ring that fails for good is our bug or the kernel's end.
        XB_CHECK(ring.wait(handle).has_value());
    }
}

void Reflex::Shared::run() {
    const Result<void> realtime = sys::become_realtime(kReflexPriority);
    if (!realtime) not_realtime = realtime.error();
    Result<ring::Ring> ring = ring::Ring::create({.entries = 32});
    if (!ring) not_started = ring.error();
    is_started.store(true, std::memory_order_release);
    started.wake();
    if (ring) serve(*ring);
}

Result<Reflex> Reflex::start(Options options, heart::Heart& heart) {
    sys::Wakeup to_manager = XB_TRY(sys::Wakeup::create());
    sys::Wakeup to_reflex = XB_TRY(sys::Wakeup::create());
    sys::Wakeup started = XB_TRY(sys::Wakeup::create());
    auto shared = std::make_unique<Shared>(options, heart, std::move(to_manager),
                                           std::move(to_reflex), std::move(started));
    sys::Thread thread =
        XB_TRY(sys::Thread::start({.name = "xbeat-reflex", .stack_bytes = std::size_t{128} << 10U},
                                  [raw = shared.get()] { raw->run(); }));
    pollfd waiting{.fd = shared->started.fd(), .events = POLLIN, .revents = 0};
    while (!shared->is_started.load(std::memory_order_acquire)) ::poll(&waiting, 1, -1);
    if (shared->not_started) {
        thread.join();
        return *shared->not_started;
    }
    return Reflex(std::move(shared), std::move(thread));
}

Reflex::Reflex(std::unique_ptr<Shared> shared, sys::Thread thread)
    : shared_(std::move(shared)), thread_(std::move(thread)) {}
Reflex::Reflex(Reflex&&) noexcept = default;

Reflex::~Reflex() {
    if (shared_ == nullptr) return;
    shared_->is_ending.store(true, std::memory_order_release);
    shared_->to_reflex.wake();
    thread_.join();
}

int Reflex::fd() const { return shared_->to_manager.fd(); }

std::optional<heart::HeartEvent> Reflex::next() { return shared_->events.pop(); }

bool Reflex::answer(bool executor_alive) {
    const std::uint32_t asked = shared_->asked.load(std::memory_order_acquire);
    if (shared_->answered.load(std::memory_order_relaxed) == asked) return false;
    shared_->executor_alive.store(executor_alive, std::memory_order_relaxed);
    shared_->answered.store(asked, std::memory_order_release);
    return true;
}

bool Reflex::lost_events() { return shared_->has_lost.exchange(false, std::memory_order_acq_rel); }

std::string Reflex::describe() const {
    if (shared_->not_realtime) return shared_->not_realtime->context;
    return fmt::format("SCHED_FIFO {}", kReflexPriority);
}

}  // namespace xbeat::daemon
