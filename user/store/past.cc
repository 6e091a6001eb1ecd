#include "store/past.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/check.h"
#include "core/text.h"
#include "store/work_queue.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::store {
namespace {

struct Close {
    void operator()(sqlite3* connection) const { ::sqlite3_close(connection); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Error failure(sqlite3* connection) {
    return {.code = Code::System,
            .context = concat("the record of the past failed: ", ::sqlite3_errmsg(connection)),
            .system_errno = EIO};
}

Result<void> execute(sqlite3* connection, const char* sql) {
    if (::sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return failure(connection);
}

Result<Statement> prepare(sqlite3* connection, std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int length = static_cast<int>(sql.size());
    if (::sqlite3_prepare_v2(connection, sql.data(), length, &statement, nullptr) == SQLITE_OK)
        return Statement(statement);
    return failure(connection);
}

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
    XB_CHECK(::sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(),
                                   SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
}

std::string_view column(sqlite3_stmt* statement, int index) {
    const void* const data = ::sqlite3_column_blob(statement, index);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(::sqlite3_column_bytes(statement, index))};
}

std::string compressed(std::string_view text) {
    uLongf size = ::compressBound(text.size());
    std::string bytes(size, '\0');
    const int outcome =
        ::compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                    reinterpret_cast<const Bytef*>(text.data()), text.size(), Z_BEST_SPEED);
    XB_CHECK(outcome == Z_OK);  // the buffer is large enough; it could only want for memory
    bytes.resize(size);
    return bytes;
}

Result<std::string> expanded(std::string_view bytes, std::size_t size) {
    const Error damaged{.code = Code::Corrupt, .context = "this document of the past is damaged"};
    if (size > kPastDocumentBytesMax) return damaged;
    std::string text(size, '\0');
    uLongf length = size;
    const int outcome = ::uncompress(reinterpret_cast<Bytef*>(text.data()), &length,
                                     reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    if (outcome != Z_OK || length != size) return damaged;
    return text;
}

// The file, as its thread uses it.
class File {
public:
    static Result<File> open(const std::string& name) {
        // Made by us first, so that its mode does not depend on the umask.
        const sys::Fd touched(
            ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!touched.is_open()) return sys::system_error(concat("cannot open ", name));
        sqlite3* raw = nullptr;
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
        const int outcome = ::sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
        File file{Connection(raw)};
        if (outcome != SQLITE_OK) return failure(raw);
        // A crash may cost the newest rows, and no write of the past may hold up the present's.
        XB_TRY(execute(raw, "PRAGMA locking_mode = EXCLUSIVE"));
        XB_TRY(execute(raw, "PRAGMA journal_mode = WAL"));
        XB_TRY(execute(raw, "PRAGMA synchronous = OFF"));
        XB_TRY(execute(raw,
                       "CREATE TABLE IF NOT EXISTS past(number INTEGER PRIMARY KEY AUTOINCREMENT,"
                       " calendar_ms INTEGER NOT NULL, kind INTEGER NOT NULL, cause TEXT NOT NULL,"
                       " version TEXT NOT NULL, size INTEGER NOT NULL, bytes BLOB NOT NULL)"));
        const Statement check = XB_TRY(prepare(raw, "SELECT count(number) FROM past"));
        if (::sqlite3_step(check.get()) != SQLITE_ROW) return failure(raw);
        return file;
    }

    Result<void> insert(const PastRow& row) {
        if (row.kind == PastKind::Configuration && XB_TRY(is_known(row.version))) return {};
        const Statement statement =
            XB_TRY(prepare(raw(),
                           "INSERT INTO past(calendar_ms, kind, cause, version, size, bytes)"
                           " VALUES (?, ?, ?, ?, ?, ?)"));
        const std::string bytes = compressed(row.cib);
        sqlite3_stmt* const at = statement.get();
        XB_CHECK(::sqlite3_bind_int64(at, 1, row.calendar_ms) == SQLITE_OK);
        XB_CHECK(::sqlite3_bind_int64(at, 2, static_cast<std::int64_t>(row.kind)) == SQLITE_OK);
        bind_text(at, 3, row.cause);
        bind_text(at, 4, row.version);
        XB_CHECK(::sqlite3_bind_int64(at, 5, static_cast<std::int64_t>(row.cib.size())) ==
                 SQLITE_OK);
        XB_CHECK(::sqlite3_bind_blob64(at, 6, bytes.data(), bytes.size(), SQLITE_STATIC) ==
                 SQLITE_OK);
        if (::sqlite3_step(at) != SQLITE_DONE) return failure(raw());
        return ++inserted_ % kPastPruneEvery == 0 ? prune() : Result<void>();
    }

    Result<std::vector<PastRow>> list(std::size_t limit) {
        const Statement statement =
            XB_TRY(prepare(raw(),
                           "SELECT * FROM (SELECT number, calendar_ms, kind, cause, version FROM"
                           " past ORDER BY number DESC LIMIT ?) ORDER BY number"));
        XB_CHECK(::sqlite3_bind_int64(statement.get(), 1, static_cast<std::int64_t>(limit)) ==
                 SQLITE_OK);
        std::vector<PastRow> rows;
        for (;;) {
            const int step = ::sqlite3_step(statement.get());
            if (step == SQLITE_DONE) return rows;
            if (step != SQLITE_ROW) return failure(raw());
            rows.push_back(read(statement.get()));
        }
    }

    Result<std::vector<PastRow>> one(std::uint64_t number) {
        const Statement statement =
            XB_TRY(prepare(raw(),
                           "SELECT number, calendar_ms, kind, cause, version, size, bytes"
                           " FROM past WHERE number = ?"));
        XB_CHECK(::sqlite3_bind_int64(statement.get(), 1, static_cast<std::int64_t>(number)) ==
                 SQLITE_OK);
        const int step = ::sqlite3_step(statement.get());
        if (step == SQLITE_DONE) {
            return Error{.code = Code::NotFound,
                         .context = concat("the past has no entry ", number,
                                           "; 'xbeat history list' names them")};
        }
        if (step != SQLITE_ROW) return failure(raw());
        PastRow row = read(statement.get());
        const auto size = static_cast<std::size_t>(::sqlite3_column_int64(statement.get(), 5));
        row.cib = XB_TRY(expanded(column(statement.get(), 6), size));
        return std::vector<PastRow>{std::move(row)};
    }

private:
    explicit File(Connection connection) : connection_(std::move(connection)) {}
    [[nodiscard]] sqlite3* raw() const { return connection_.get(); }

    static PastRow read(sqlite3_stmt* at) {
        PastRow row;
        row.number = static_cast<std::uint64_t>(::sqlite3_column_int64(at, 0));
        row.calendar_ms = ::sqlite3_column_int64(at, 1);
        row.kind =
            ::sqlite3_column_int64(at, 2) == 0 ? PastKind::Transition : PastKind::Configuration;
        row.cause = column(at, 3);
        row.version = column(at, 4);
        return row;
    }

    Result<bool> is_known(const std::string& version) {
        const Statement statement = XB_TRY(
            prepare(raw(), "SELECT version FROM past WHERE kind = 1 ORDER BY number DESC LIMIT 1"));
        const int step = ::sqlite3_step(statement.get());
        if (step != SQLITE_ROW && step != SQLITE_DONE) return failure(raw());
        return step == SQLITE_ROW && column(statement.get(), 0) == version;
    }

    // The newest rows that fit stay.
    Result<void> prune() {
        const std::string sql = concat(
            "DELETE FROM past WHERE number <= (SELECT max(number) FROM past) - ", kPastRowsMax,
            " OR number IN (SELECT number FROM (SELECT number, sum(length(bytes)) OVER (ORDER BY"
            " number DESC) AS total FROM past) WHERE total > ",
            kPastBytesMax, ")");
        return execute(raw(), sql.c_str());
    }

    Connection connection_;
    std::size_t inserted_ = 0;  // since the start
};

}  // namespace

std::string_view to_string(PastKind kind) {
    return kind == PastKind::Transition ? "transition" : "configuration";
}

struct Past::Shared {
    Shared(File opened, sys::Wakeup wakeup) : file(std::move(opened)), done(std::move(wakeup)) {}

    struct Work {
        std::vector<PastRow> rows;
        std::vector<PastQuery> queries;
        [[nodiscard]] bool is_empty() const { return rows.empty() && queries.empty(); }
    };

    void run() {
        while (const std::optional<Work> work = queue.next()) serve(*work);
    }

    void serve(const Work& work) {
        std::uint64_t lost = 0;
        for (const PastRow& row : work.rows) lost += file.insert(row) ? 0 : 1;
        std::vector<PastAnswer> made;
        for (const PastQuery& query : work.queries) {
            made.push_back(
                {.id = query.id,
                 .rows = query.number == 0 ? file.list(query.limit) : file.one(query.number)});
        }
        const std::lock_guard lock(queue.mutex);
        answers.lost += lost;
        for (PastAnswer& answer : made) answers.answers.push_back(std::move(answer));
        if (!work.queries.empty()) done.wake();
    }

    File file;  // the thread's alone
    sys::Wakeup done;
    WorkQueue<Work> queue;
    Answers answers;  // under the queue's mutex
};

Result<Past> Past::open(const std::string& file) {
    Result<File> opened = File::open(file);
    if (!opened) {
        // Whatever it was, it can still be looked at there.
        if (std::rename(file.c_str(), concat(file, ".damaged").c_str()) != 0) return opened.error();
        opened = File::open(file);
    }
    if (!opened) return opened.error();
    sys::Wakeup done = XB_TRY(sys::Wakeup::create());
    auto shared = std::make_unique<Shared>(*std::move(opened), std::move(done));
    sys::Thread thread =
        XB_TRY(sys::Thread::start({.name = "xbeat-past", .stack_bytes = std::size_t{512} << 10U},
                                  [raw = shared.get()] { raw->run(); }));
    return Past(std::move(shared), std::move(thread));
}

Past::Past(std::unique_ptr<Shared> shared, sys::Thread thread)
    : shared_(std::move(shared)), thread_(std::move(thread)) {}
Past::Past(Past&&) noexcept = default;

Past::~Past() {
    if (shared_ == nullptr) return;
    shared_->queue.end();
    thread_.join();
}

void Past::keep(PastRow row) {
    {
        const std::lock_guard lock(shared_->queue.mutex);
        const bool fits = shared_->queue.batch.rows.size() < kPastQueueMax &&
                          row.cib.size() <= kPastDocumentBytesMax;
        if (!fits) {
            ++shared_->answers.lost;
            return;
        }
        shared_->queue.batch.rows.push_back(std::move(row));
    }
    shared_->queue.added();
}

void Past::ask(PastQuery query) {
    XB_CHECK(query.limit >= 1);
    {
        const std::lock_guard lock(shared_->queue.mutex);
        shared_->queue.batch.queries.push_back(query);
    }
    shared_->queue.added();
}

Past::Answers Past::take() {
    const std::lock_guard lock(shared_->queue.mutex);
    Answers taken = std::exchange(shared_->answers, {});
    shared_->answers.lost = taken.lost;
    return taken;
}

int Past::fd() const { return shared_->done.fd(); }

}  // namespace xbeat::store
