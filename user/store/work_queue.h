// What many hand over and one thread does, batch by batch.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace xbeat::store {

/// Work needs is_empty() and a default that is empty.
template <typename Work>
class WorkQueue {
public:
    /// Guards `batch`, and whatever else the two sides share.
    std::mutex mutex;
    Work batch;

    /// To be called after something was added.
    void added() { wanted_.notify_one(); }

    /// Blocks until there is work. Nothing once end() was called and all of it was taken.
    std::optional<Work> next() {
        std::unique_lock lock(mutex);
        wanted_.wait(lock, [this] { return is_ending_ || !batch.is_empty(); });
        if (batch.is_empty()) return std::nullopt;
        return std::exchange(batch, {});
    }

    void end() {
        {
            const std::lock_guard lock(mutex);
            is_ending_ = true;
        }
        wanted_.notify_one();
    }

private:
    std::condition_variable wanted_;
    bool is_ending_ = false;
};

}  // namespace xbeat::store
