#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <zlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/check.h"
#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::store {
namespace {

constexpr int kApplicationId = 0x78626561;  // "xbea": sqlite's mark of whose file it is
constexpr int kSchemaVersion = 1;
constexpr const char* kSchema =
    "CREATE TABLE log(position INTEGER PRIMARY KEY, bytes BLOB NOT NULL, checksum INTEGER NOT "
    "NULL);"
    "CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE TABLE events(sequence INTEGER PRIMARY KEY, calendar_ms INTEGER NOT NULL, at_ns INTEGER"
    " NOT NULL, level TEXT NOT NULL, kind TEXT NOT NULL, node TEXT NOT NULL, resource TEXT NOT "
    "NULL,"
    " text TEXT NOT NULL, fields TEXT NOT NULL);";

/// Over the record's place and its bytes, so that one record cannot stand in for another.
std::int64_t checksum(std::string_view place, std::string_view bytes) {
    uLong sum = 0;
    for (const std::string_view part : {place, bytes}) {
        // Without an address crc32_z() would begin anew.
        if (part.empty()) continue;
        sum = ::crc32_z(sum, reinterpret_cast<const Bytef*>(part.data()), part.size());
    }
    return static_cast<std::int64_t>(sum);
}

std::string_view column(sqlite3_stmt* statement, int index) {
    // The pointer first: asking for the size converts nothing then.
    const void* const data = ::sqlite3_column_blob(statement, index);
    const int size = ::sqlite3_column_bytes(statement, index);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::uint64_t column_number(sqlite3_stmt* statement, int index) {
    return static_cast<std::uint64_t>(::sqlite3_column_int64(statement, index));
}

// A view without bytes has no address, which SQLite would take for NULL.
void bind_blob(sqlite3_stmt* statement, int index, std::string_view bytes) {
    XB_CHECK(::sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(),
                                   bytes.size(), SQLITE_STATIC) == SQLITE_OK);
}
void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
    XB_CHECK(::sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(),
                                   SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}
void bind_number(sqlite3_stmt* statement, int index, std::uint64_t value) {
    XB_CHECK(::sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(value)) == SQLITE_OK);
}
void bind_number(sqlite3_stmt* statement, int index, std::int64_t value) {
    XB_CHECK(::sqlite3_bind_int64(statement, index, value) == SQLITE_OK);
}

Level parse_level(std::string_view text) {
    for (const Level level : {Level::Error, Level::Warning, Level::Info}) {
        if (to_string(level) == text) return level;
    }
    return Level::Debug;
}

std::string print_fields(const Note& note) {
    const nlohmann::json fields(note.fields);
    return fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::pair<std::string, std::string>> parse_fields(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> fields;
    const nlohmann::json read = nlohmann::json::parse(text, nullptr, false);
    if (!read.is_array()) return fields;
    for (const nlohmann::json& pair : read) {
        if (!pair.is_array() || pair.size() != 2) continue;
        if (!pair[0].is_string() || !pair[1].is_string()) continue;
        fields.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
    return fields;
}

}  // namespace

void Database::Close::operator()(sqlite3* connection) const { ::sqlite3_close(connection); }
void Database::Finalize::operator()(sqlite3_stmt* statement) const {
    ::sqlite3_finalize(statement);
}

Error Database::corrupt(std::string_view what) const {
    return {
        .code = Code::Corrupt,
        .context = fmt::format("the store {} is damaged ({}): it is not used. Move it away; the "
                               "node then takes the cluster's state from its peer",
                               file_, what)};
}

Error Database::failure(std::string_view what) const {
    const int code = ::sqlite3_extended_errcode(connection_.get());
    const int primary = code & 0xff;
    // Our statements are constants: where one is refused, the tables are not what we made.
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR)
        return corrupt(fmt::format("{}: {}", what, ::sqlite3_errmsg(connection_.get())));
    const int why = ::sqlite3_system_errno(connection_.get());
    Error error{.code = Code::System,
                .context = fmt::format("the store {} failed: {}: {}{}", file_, what,
                                       ::sqlite3_errmsg(connection_.get()),
                                       why == 0 ? "" : concat(" (", sys::error_text(why), ")")),
                .system_errno = EIO};
    if (primary == SQLITE_FULL) error.system_errno = ENOSPC;
    if (primary == SQLITE_READONLY) error.system_errno = EROFS;
    if (primary == SQLITE_IOERR && (why == ENOSPC || why == EROFS || why == EDQUOT))
        error.system_errno = why;
    return error;
}

Result<void> Database::execute(const char* sql) {
    if (::sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return failure(sql);
    return {};
}

Result<Database::Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (::sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                             &statement, nullptr) != SQLITE_OK)
        return failure(sql);
    return Statement(statement);
}

/// Runs a statement that gives no rows.
Result<void> Database::finish(sqlite3_stmt* statement) {
    if (::sqlite3_step(statement) != SQLITE_DONE) return failure(::sqlite3_sql(statement));
    return {};
}

Result<Database> Database::open(const std::string& file) {
    // Made by us first, so that its mode does not depend on the umask.
    const sys::Fd touched(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!touched.is_open()) return sys::system_error(fmt::format("cannot open the store {}", file));
    sqlite3* connection = nullptr;
    const int outcome = ::sqlite3_open_v2(
        file.c_str(), &connection,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
    Database made(file, std::unique_ptr<sqlite3, Close>(connection));
    if (outcome != SQLITE_OK) return made.failure("it cannot be opened");
    XB_TRY(made.prepare_file());
    return made;
}

Result<void> Database::prepare_file() {
    // Exclusive: nobody else writes, and no shared-memory file is needed. The WAL is small because
    // it is emptied each 1000 pages. FULL syncs the WAL at every commit (sqlite.org/pragma.html).
    XB_TRY(execute("PRAGMA locking_mode = EXCLUSIVE"));
    XB_TRY(check_version());
    XB_TRY(execute("PRAGMA journal_mode = WAL"));
    XB_TRY(execute("PRAGMA synchronous = FULL"));
    XB_TRY(execute("PRAGMA cache_size = -1024"));
    const Statement statement = XB_TRY(prepare("SELECT max(sequence) FROM events"));
    if (::sqlite3_step(statement.get()) != SQLITE_ROW) return failure("events");
    last_event_ = column_number(statement.get(), 0);
    pruned_at_ = last_event_;
    return {};
}

Result<void> Database::check_version() {
    const auto pragma = [&](std::string_view sql) -> Result<std::int64_t> {
        const Statement statement = XB_TRY(prepare(sql));
        if (::sqlite3_step(statement.get()) != SQLITE_ROW) return failure(sql);
        return ::sqlite3_column_int64(statement.get(), 0);
    };
    const std::int64_t application = XB_TRY(pragma("PRAGMA application_id"));
    const std::int64_t version = XB_TRY(pragma("PRAGMA user_version"));
    const std::int64_t tables = XB_TRY(pragma("SELECT count(*) FROM sqlite_schema"));
    if (application == 0 && version == 0 && tables == 0) {
        XB_TRY(execute("BEGIN IMMEDIATE"));
        XB_TRY(execute(kSchema));
        XB_TRY(execute(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str()));
        XB_TRY(execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str()));
        return execute("COMMIT");
    }
    if (application != kApplicationId) return corrupt("it is another program's database");
    if (version != kSchemaVersion)
        return corrupt(
            fmt::format("it is of version {}, this program writes {}", version, kSchemaVersion));
    const Statement check = XB_TRY(prepare("PRAGMA quick_check(1)"));
    if (::sqlite3_step(check.get()) != SQLITE_ROW) return failure("quick_check");
    if (column(check.get(), 0) != "ok") return corrupt(column(check.get(), 0));
    return {};
}

Result<void> Database::load_snapshot(Contents& contents) {
    const Statement statement = XB_TRY(prepare("SELECT position, bytes, checksum FROM snapshot"));
    const int step = ::sqlite3_step(statement.get());
    if (step == SQLITE_DONE) return {};
    if (step != SQLITE_ROW) return failure("snapshot");
    const std::uint64_t position = column_number(statement.get(), 0);
    const std::string_view bytes = column(statement.get(), 1);
    if (::sqlite3_column_int64(statement.get(), 2) !=
        checksum(concat("snapshot ", position), bytes))
        return corrupt("checksum of the snapshot");
    contents.snapshot = bytes;
    contents.snapshot_index = LogIndex{position};
    return {};
}

Result<void> Database::load_log(Contents& contents) {
    const Statement statement =
        XB_TRY(prepare("SELECT position, bytes, checksum FROM log ORDER BY position"));
    std::uint64_t expected = contents.snapshot_index.value + 1;
    while (true) {
        const int step = ::sqlite3_step(statement.get());
        if (step == SQLITE_DONE) return {};
        if (step != SQLITE_ROW) return failure("log");
        const std::uint64_t position = column_number(statement.get(), 0);
        const std::string_view bytes = column(statement.get(), 1);
        if (::sqlite3_column_int64(statement.get(), 2) != checksum(concat("log ", position), bytes))
            return corrupt(fmt::format("checksum of log record {}", position));
        if (position != expected)
            return corrupt(fmt::format("log record {} follows {}", position, expected - 1));
        contents.log.emplace_back(LogIndex{position}, bytes);
        ++expected;
    }
}

Result<void> Database::load_meta(Contents& contents) {
    const Statement statement = XB_TRY(prepare("SELECT name, value, checksum FROM meta"));
    while (true) {
        const int step = ::sqlite3_step(statement.get());
        if (step == SQLITE_DONE) return {};
        if (step != SQLITE_ROW) return failure("meta");
        std::string name(column(statement.get(), 0));
        const std::string_view value = column(statement.get(), 1);
        if (::sqlite3_column_int64(statement.get(), 2) != checksum(concat("meta ", name), value))
            return corrupt(fmt::format("checksum of `{}`", name));
        contents.meta.emplace(std::move(name), value);
    }
}

Result<Contents> Database::load() {
    Contents contents;
    XB_TRY(load_snapshot(contents));
    XB_TRY(load_log(contents));
    XB_TRY(load_meta(contents));
    place_.snapshot = contents.snapshot_index.value;
    place_.last = contents.log.empty() ? place_.snapshot : contents.log.back().first.value;
    return contents;
}

Result<void> Database::append(const node::AppendRecord& record) {
    if (record.bytes.size() > kRecordBytesMax)
        return Error{.code = Code::Limit, .context = "the record is larger than the store allows"};
    if (record.index.value != place_.last + 1)
        return Error{.code = Code::Invalid,
                     .context = fmt::format("log record {} does not follow {}", record.index.value,
                                            place_.last)};
    const Statement statement = XB_TRY(prepare("INSERT INTO log VALUES (?, ?, ?)"));
    bind_number(statement.get(), 1, record.index.value);
    bind_blob(statement.get(), 2, record.bytes);
    bind_number(statement.get(), 3, checksum(concat("log ", record.index.value), record.bytes));
    XB_TRY(finish(statement.get()));
    place_.last = record.index.value;
    return {};
}

Result<void> Database::truncate(const node::TruncateLog& truncation) {
    const Statement statement = XB_TRY(prepare("DELETE FROM log WHERE position >= ?"));
    bind_number(statement.get(), 1, truncation.from.value);
    XB_TRY(finish(statement.get()));
    if (truncation.from.value <= place_.last)
        place_.last = std::max(place_.snapshot, truncation.from.value - 1);
    return {};
}

Result<void> Database::save(const node::SaveSnapshot& snapshot) {
    if (snapshot.bytes.size() > kRecordBytesMax)
        return Error{.code = Code::Limit,
                     .context = "the snapshot is larger than the store allows"};
    const Statement statement =
        XB_TRY(prepare("INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?, ?)"));
    bind_number(statement.get(), 1, snapshot.index.value);
    bind_blob(statement.get(), 2, snapshot.bytes);
    bind_number(statement.get(), 3,
                checksum(concat("snapshot ", snapshot.index.value), snapshot.bytes));
    XB_TRY(finish(statement.get()));
    // A snapshot outside the log is another node's: what we had does not follow it.
    const bool is_inside =
        snapshot.index.value >= place_.snapshot && snapshot.index.value <= place_.last;
    const Statement removal =
        XB_TRY(prepare(is_inside ? "DELETE FROM log WHERE position <= ?" : "DELETE FROM log"));
    if (is_inside) bind_number(removal.get(), 1, snapshot.index.value);
    XB_TRY(finish(removal.get()));
    place_.snapshot = snapshot.index.value;
    if (!is_inside) place_.last = snapshot.index.value;
    return {};
}

Result<void> Database::put(const node::PutMeta& meta) {
    if (meta.value.size() > kRecordBytesMax)
        return Error{.code = Code::Limit, .context = "the value is larger than the store allows"};
    const Statement statement = XB_TRY(prepare("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)"));
    bind_text(statement.get(), 1, meta.key);
    bind_blob(statement.get(), 2, meta.value);
    bind_number(statement.get(), 3, checksum(concat("meta ", meta.key), meta.value));
    return finish(statement.get());
}

Result<void> Database::write(const node::Write& write) {
    if (const auto* record = std::get_if<node::AppendRecord>(&write.body)) return append(*record);
    if (const auto* from = std::get_if<node::TruncateLog>(&write.body)) return truncate(*from);
    if (const auto* state = std::get_if<node::SaveSnapshot>(&write.body)) return save(*state);
    return put(std::get<node::PutMeta>(write.body));
}

Result<void> Database::insert(const EventRow& row) {
    const Statement statement =
        XB_TRY(prepare("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    const std::string fields = print_fields(row.note);
    bind_number(statement.get(), 1, row.sequence);
    bind_number(statement.get(), 2, row.calendar_ms);
    bind_number(statement.get(), 3, std::int64_t{row.note.at.time_since_epoch().count()});
    bind_text(statement.get(), 4, to_string(row.note.level));
    bind_text(statement.get(), 5, row.note.kind);
    bind_text(statement.get(), 6, row.note.node);
    bind_text(statement.get(), 7, row.note.resource);
    bind_text(statement.get(), 8, row.note.text);
    bind_text(statement.get(), 9, fields);
    return finish(statement.get());
}

/// The whole group, between BEGIN and COMMIT. An error means that nothing of it may stay.
Result<void> Database::transact(std::span<const node::Write> writes,
                                std::span<const EventRow> events,
                                std::vector<Result<void>>& outcomes) {
    XB_TRY(execute("BEGIN IMMEDIATE"));
    for (const node::Write& entry : writes) {
        Result<void> outcome = write(entry);
        const bool is_fatal = !outcome && outcome.error().code != Code::Invalid &&
                              outcome.error().code != Code::Limit;
        if (is_fatal) return outcome;
        outcomes.push_back(std::move(outcome));
    }
    for (const EventRow& row : events) XB_TRY(insert(row));
    const std::uint64_t last = events.empty() ? last_event_ : events.back().sequence;
    if (last >= pruned_at_ + kEventPruneEvery && last > kEventRowsMax) {
        const Statement statement = XB_TRY(prepare("DELETE FROM events WHERE sequence <= ?"));
        bind_number(statement.get(), 1, last - kEventRowsMax);
        XB_TRY(finish(statement.get()));
        pruned_at_ = last;
    }
    XB_TRY(execute("COMMIT"));
    last_event_ = std::max(last_event_, last);
    return {};
}

std::vector<Result<void>> Database::apply(std::span<const node::Write> writes,
                                          std::span<const EventRow> events) {
    const Place before = place_;
    std::vector<Result<void>> outcomes;
    outcomes.reserve(writes.size());
    const Result<void> all = transact(writes, events, outcomes);
    if (all) return outcomes;
    // SQLite may have rolled back by itself (full disk): then this says that there is nothing to
    // do.
    if (::sqlite3_get_autocommit(connection_.get()) == 0) {
        const Result<void> rolled_back = execute("ROLLBACK");
        // A connection whose transaction cannot be ended answers every BEGIN with an error from
        // here on, which the callers are told each time; there is nothing more to lose.
        static_cast<void>(rolled_back);
    }
    place_ = before;
    outcomes.assign(writes.size(), all);
    return outcomes;
}

Result<std::vector<EventRow>> Database::events(std::uint64_t since, std::size_t limit) {
    const Statement statement = XB_TRY(prepare(
        since == 0 ? "SELECT * FROM (SELECT * FROM events ORDER BY sequence DESC LIMIT ?2)"
                     " WHERE sequence > ?1 ORDER BY sequence"
                   : "SELECT * FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"));
    bind_number(statement.get(), 1, since);
    bind_number(statement.get(), 2, std::uint64_t{limit});
    std::vector<EventRow> rows;
    while (true) {
        const int step = ::sqlite3_step(statement.get());
        if (step == SQLITE_DONE) return rows;
        if (step != SQLITE_ROW) return failure("events");
        EventRow row;
        row.sequence = column_number(statement.get(), 0);
        row.calendar_ms = ::sqlite3_column_int64(statement.get(), 1);
        row.note.at = Instant(Duration(::sqlite3_column_int64(statement.get(), 2)));
        row.note.level = parse_level(column(statement.get(), 3));
        row.note.kind = column(statement.get(), 4);
        row.note.node = column(statement.get(), 5);
        row.note.resource = column(statement.get(), 6);
        row.note.text = column(statement.get(), 7);
        row.note.fields = parse_fields(column(statement.get(), 8));
        rows.push_back(std::move(row));
    }
}

}  // namespace xbeat::store
