// Writes a run of the manager to a file, for `xbeat replay`: see node/recording.h.
//
// A thread of its own writes; nothing waits for it. A recording with a gap replays to nothing, so
// whatever cannot be written (queue, size, disk) ends it, and why is told once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "sys/thread.h"

namespace xbeat::store {

constexpr std::size_t kRecorderQueueBytesMax = std::size_t{32} << 20U;  // waiting; then it ends
constexpr int kRecordingsKept = 4;  // this run's and those before it; older ones go

class Recorder {
public:
    struct Options {
        std::string directory;      // must exist
        std::size_t bytes_max = 0;  // of this file; then the recording ends
    };
    /// Makes `DIRECTORY/recording.0` (0600, it holds secrets) with these first bytes; the one that
    /// was there becomes recording.1, and so on. Errors: System.
    static Result<Recorder> start(const Options& options, std::string head);

    Recorder(Recorder&&) noexcept;
    Recorder& operator=(Recorder&&) = delete;
    /// Writes what is queued, then ends.
    ~Recorder();

    /// Appends, some time soon. False once the recording has ended: then there is nothing more to
    /// encode.
    bool keep(std::string bytes);
    /// Why it ended, told once.
    [[nodiscard]] std::optional<std::string> take_trouble();

private:
    struct Shared;
    Recorder(std::unique_ptr<Shared> shared, sys::Thread thread);

    std::unique_ptr<Shared> shared_;
    sys::Thread thread_;
};

}  // namespace xbeat::store
