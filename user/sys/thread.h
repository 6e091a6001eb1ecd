// A thread with a name and a stack of a chosen size, joined by its owner.
//
// std::thread has neither, and with locked memory a stack of the default 8 MiB would be locked
// whole. All signals are blocked in it: they are the main thread's.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace xbeat::sys {

class Thread {
public:
    struct Options {
        std::string name;                                   // at most 15 bytes, for ps(1)
        std::size_t stack_bytes = std::size_t{256} << 10U;  // at least 64 KiB
    };

    /// Runs `body` in a new thread. Code::System if the kernel refuses.
    static Result<Thread> start(const Options& options, std::function<void()> body);

    Thread() = default;
    Thread(Thread&& other) noexcept;
    Thread& operator=(Thread&& other) noexcept;
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;
    /// Waits for the end of the body.
    ~Thread() { join(); }

    void join();
    [[nodiscard]] bool is_running() const { return is_running_; }

private:
    pthread_t handle_{};
    bool is_running_ = false;
};

}  // namespace xbeat::sys
