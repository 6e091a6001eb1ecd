// What the cluster looked like at each transition and after each change of the configuration: for
// looking back, for undoing, and for running the scheduler again on what it saw.
//
// A file and a thread of their own: losing the past must never cost the present, so nothing waits
// for it and a damaged file is moved aside. Documents are compressed; the oldest go when there are
// too many or they are too large together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "sys/thread.h"
#include "sys/wakeup.h"

namespace xbeat::store {

constexpr std::size_t kPastRowsMax = 2'000;                            // the oldest go
constexpr std::size_t kPastPruneEvery = 16;                            // rows until they do
constexpr std::size_t kPastBytesMax = std::size_t{128} << 20U;         // compressed; likewise
constexpr std::size_t kPastQueueMax = 64;                              // waiting; further are lost
constexpr std::size_t kPastDocumentBytesMax = std::size_t{64} << 20U;  // larger ones are not kept

enum class PastKind : std::uint8_t { Transition, Configuration };
[[nodiscard]] std::string_view to_string(PastKind kind);

struct PastRow {
    std::uint64_t number = 0;  // given by the file; grows, is never used again
    std::int64_t calendar_ms = 0;
    PastKind kind = PastKind::Transition;
    std::string cause;    // in words
    std::string version;  // admin_epoch.epoch.num_updates
    std::string cib;      // the document; empty in lists
};

/// A question: one document by number, or (number 0) the newest rows, oldest first, without
/// documents.
struct PastQuery {
    std::uint64_t id = 0;
    std::uint64_t number = 0;
    std::size_t limit = 100;
};
struct PastAnswer {
    std::uint64_t id = 0;
    Result<std::vector<PastRow>> rows = std::vector<PastRow>{};
};

class Past {
public:
    /// Opens or makes the file (0600; its folder must exist); a damaged one is renamed to
    /// FILE.damaged and a new one made. Errors: System.
    static Result<Past> open(const std::string& file);

    Past(Past&&) noexcept;
    Past& operator=(Past&&) = delete;
    /// Finishes what is queued, then ends.
    ~Past();

    /// Keeps a document, some time soon. A configuration that is that of the newest row of its kind
    /// is not kept twice. What does not fit (queue, size, disk) is lost and counted.
    void keep(PastRow row);
    void ask(PastQuery query);

    struct Answers {
        std::vector<PastAnswer> answers;
        std::uint64_t lost = 0;  // documents since the start
    };
    [[nodiscard]] Answers take();
    /// To be polled for POLLIN (sys/wakeup.h); borrowed.
    [[nodiscard]] int fd() const;

private:
    struct Shared;
    Past(std::unique_ptr<Shared> shared, sys::Thread thread);

    std::unique_ptr<Shared> shared_;
    sys::Thread thread_;
};

}  // namespace xbeat::store
