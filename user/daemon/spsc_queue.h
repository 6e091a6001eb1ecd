// A bounded queue from one thread to one other, without locks or allocation.
//
// Values are copied in and out; a full queue refuses. What the producer wrote before push() is seen
// by the consumer after pop().
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <type_traits>

namespace xbeat::daemon {

template <class T, std::size_t kSlots>
class SpscQueue {
    static_assert(std::is_trivially_copyable_v<T>);
    static_assert(kSlots >= 2 && (kSlots & (kSlots - 1)) == 0, "a power of two");

public:
    /// The producer's. False, and nothing changed, if kSlots values wait.
    bool push(const T& value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) == kSlots) return false;
        slots_[tail & (kSlots - 1)] = value;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /// The consumer's. Empty if nothing waits.
    std::optional<T> pop() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
        const T value = slots_[head & (kSlots - 1)];
        head_.store(head + 1, std::memory_order_release);
        return value;
    }

private:
    // On cache lines of their own: each is written by one side only.
    static constexpr std::size_t kLine = 64;
    alignas(kLine) std::atomic<std::size_t> head_{0};
    alignas(kLine) std::atomic<std::size_t> tail_{0};
    alignas(kLine) std::array<T, kSlots> slots_{};
};

}  // namespace xbeat::daemon
