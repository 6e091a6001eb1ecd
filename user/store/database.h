// The durable state of one node in one SQLite file: log, snapshot, facts, and the event history.
//
// Everything is opaque bytes here. Each record carries a checksum over its place and its bytes, so
// that a torn, swapped or rotten record is found and named, never interpreted. A write is refused
// where the log would get a hole. Blocking: for the store's own thread, and for start-up.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/id.h"
#include "core/note.h"
#include "core/result.h"
#include "core/time.h"
#include "node/output.h"

struct sqlite3;
struct sqlite3_stmt;

namespace xbeat::store {

constexpr std::size_t kEventRowsMax = 100'000;   // the oldest go
constexpr std::size_t kEventPruneEvery = 1'000;  // rows between two rounds of removing old ones
constexpr std::size_t kRecordBytesMax = std::size_t{256} << 20U;  // of one write: larger is refused

/// What was there at start.
struct Contents {
    std::string snapshot;  // empty if none
    LogIndex snapshot_index;
    std::vector<std::pair<LogIndex, std::string>> log;  // after the snapshot, without holes
    std::map<std::string, std::string> meta;
};

/// A note with its place and date in the history.
struct EventRow {
    std::uint64_t sequence = 0;  // grows by one; never used again
    std::int64_t calendar_ms = 0;
    Note note;
    friend bool operator==(const EventRow&, const EventRow&) = default;
};

class Database {
public:
    /// Opens or makes the file (0600; its folder must exist). Errors: Corrupt for a file that is
    /// damaged, of another program or of a newer version, with its name; System otherwise.
    static Result<Database> open(const std::string& file);

    Database(Database&&) noexcept = default;
    Database& operator=(Database&&) noexcept = default;

    /// Reads and checks all records but the events. Code::Corrupt names the first bad one.
    Result<Contents> load();

    /// All of it in one transaction, synced before it returns. One outcome a write, in order: a
    /// write that does not fit (a hole in the log, too large) fails alone with Invalid or Limit; if
    /// the disk fails, all fail, and the state before stays. Events that cannot be stored are lost;
    /// their outcome is not told. System errors carry ENOSPC, EROFS or EIO.
    std::vector<Result<void>> apply(std::span<const node::Write> writes,
                                    std::span<const EventRow> events);

    /// The events after `since`, oldest first, at most `limit`; with since == 0 the newest ones.
    Result<std::vector<EventRow>> events(std::uint64_t since, std::size_t limit);
    /// Of the newest event; 0 if there is none.
    [[nodiscard]] std::uint64_t last_event() const { return last_event_; }

private:
    struct Close {
        void operator()(sqlite3* connection) const;
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;
    /// Where the log stands; put back when a transaction is rolled back.
    struct Place {
        std::uint64_t snapshot = 0;
        std::uint64_t last = 0;  // last record, or the snapshot's index
    };

    Database(std::string file, std::unique_ptr<sqlite3, Close> connection)
        : file_(std::move(file)), connection_(std::move(connection)) {}
    Result<void> prepare_file();
    Result<void> check_version();
    Result<void> execute(const char* sql);
    Result<Statement> prepare(std::string_view sql);
    Result<void> finish(sqlite3_stmt* statement);
    [[nodiscard]] Error failure(std::string_view what) const;
    [[nodiscard]] Error corrupt(std::string_view what) const;
    Result<void> load_snapshot(Contents& contents);
    Result<void> load_log(Contents& contents);
    Result<void> load_meta(Contents& contents);
    Result<void> write(const node::Write& write);
    Result<void> append(const node::AppendRecord& record);
    Result<void> truncate(const node::TruncateLog& truncation);
    Result<void> save(const node::SaveSnapshot& snapshot);
    Result<void> put(const node::PutMeta& meta);
    Result<void> insert(const EventRow& row);
    Result<void> transact(std::span<const node::Write> writes, std::span<const EventRow> events,
                          std::vector<Result<void>>& outcomes);

    std::string file_;
    std::unique_ptr<sqlite3, Close> connection_;
    Place place_;
    std::uint64_t last_event_ = 0;
    std::uint64_t pruned_at_ = 0;
};

}  // namespace xbeat::store
