// The store's thread: what the manager writes is synced without the manager waiting.
//
// Writes are taken in order and committed in groups: whatever was queued while the disk was busy
// with the group before. Answers come back through take() after fd() became readable. If the disk
// fails, the writes are answered with the error, and the next ones are tried again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "node/event.h"
#include "node/output.h"
#include "store/database.h"
#include "sys/thread.h"
#include "sys/wakeup.h"

namespace xbeat::store {

constexpr std::size_t kQueueBytesMax = std::size_t{512} << 20U;  // past it a write fails with Limit
constexpr std::size_t kQueueEventsMax = 10'000;  // past it events are dropped and counted
constexpr std::size_t kQueryRowsMax = 1'000;     // of one answer; more are asked for again

/// A question for the event history; `id` is the caller's.
struct EventQuery {
    std::uint64_t id = 0;
    std::uint64_t since = 0;  // rows after this one; 0: the newest rows
    std::size_t limit = 100;  // 1..kQueryRowsMax
};
struct EventAnswer {
    std::uint64_t id = 0;
    std::uint64_t last = 0;  // newest of all
    Result<std::vector<EventRow>> rows = std::vector<EventRow>{};
};

class Store {
public:
    /// Takes over an opened and loaded database and starts the thread.
    static Result<Store> start(Database database);

    Store(Store&&) noexcept;
    Store& operator=(Store&&) = delete;  // the old thread would lose what it works on
    /// Finishes what is queued, then ends.
    ~Store();

    void write(node::Write write);
    /// Dates the note now and gives it a place in the history.
    void record(Note note);
    void query(EventQuery query);

    struct Answers {
        std::vector<node::Persisted> persisted;  // in the order of the writes
        std::vector<EventRow> recorded;          // newly in the history, in order, stored or not
        std::vector<EventAnswer> queried;
        std::string trouble;               // why the last group failed; empty while all is well
        std::uint64_t events_dropped = 0;  // since the start
    };
    [[nodiscard]] Answers take();
    /// To be polled for POLLIN (sys/wakeup.h); borrowed.
    [[nodiscard]] int fd() const;

private:
    struct Shared;
    Store(std::unique_ptr<Shared> shared, sys::Thread thread);

    std::unique_ptr<Shared> shared_;
    sys::Thread thread_;
};

}  // namespace xbeat::store
