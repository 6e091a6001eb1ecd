#include "store/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "unit/daemon/temp_dir.h"

namespace xbeat::store {
namespace {

using testing::TempDir;

node::Write append(std::uint64_t index, std::string bytes) {
    return {.ticket = Ticket{index},
            .body = node::AppendRecord{.index = LogIndex{index}, .bytes = std::move(bytes)}};
}
node::Write truncate(std::uint64_t from) {
    return {.ticket = Ticket{1}, .body = node::TruncateLog{LogIndex{from}}};
}
node::Write snapshot(std::uint64_t index, std::string bytes) {
    return {.ticket = Ticket{1},
            .body = node::SaveSnapshot{.index = LogIndex{index}, .bytes = std::move(bytes)}};
}
node::Write put(std::string key, std::string value) {
    return {.ticket = Ticket{1},
            .body = node::PutMeta{.key = std::move(key), .value = std::move(value)}};
}
EventRow event(std::uint64_t sequence, std::string text = "something") {
    EventRow row{.sequence = sequence, .calendar_ms = 1000, .note = {}};
    row.note.level = Level::Warning;
    row.note.kind = "path-down";
    row.note.node = "pm02";
    row.note.text = std::move(text);
    row.note.fields = {{"path", "ic0"}, {"bytes", std::string("\xff\x00z", 3)}};
    row.note.at = Instant(5ns);
    return row;
}

Database open(const std::string& file) {
    Result<Database> database = Database::open(file);
    EXPECT_TRUE(database) << database.error().context;
    return *std::move(database);
}
/// Opens, loads, and gives what is there.
Contents contents_of(const std::string& file) {
    Database database = open(file);
    Result<Contents> contents = database.load();
    EXPECT_TRUE(contents) << contents.error().context;
    return contents ? *std::move(contents) : Contents{};
}
bool apply(Database& database, std::vector<node::Write> writes) {
    for (const Result<void>& outcome : database.apply(writes, {})) {
        if (!outcome) return false;
    }
    return true;
}
std::string log_text(const Contents& contents) {
    std::string text;
    for (const auto& [index, bytes] : contents.log)
        text += std::to_string(index.value) + bytes + " ";
    return text;
}

/// Changes the file behind the store's back.
void spoil(const std::string& file, const char* sql) {
    sqlite3* raw = nullptr;
    ASSERT_EQ(::sqlite3_open(file.c_str(), &raw), SQLITE_OK);
    EXPECT_EQ(::sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << ::sqlite3_errmsg(raw);
    ::sqlite3_close(raw);
}

TEST(Database, IsEmptyWhenItIsNewAndKeepsWhatWasWritten) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    {
        Database database = open(file);
        const Result<Contents> fresh = database.load();
        ASSERT_TRUE(fresh);
        EXPECT_TRUE(fresh->log.empty());
        EXPECT_TRUE(fresh->snapshot.empty());
        ASSERT_TRUE(apply(database, {append(1, "a"), append(2, std::string("\0b", 2)),
                                     put("term", "7"), put("last_survivor", "")}));
    }

    const Contents contents = contents_of(file);

    EXPECT_EQ(log_text(contents), std::string("1a 2\0b ", 7));
    EXPECT_EQ(contents.meta,
              (std::map<std::string, std::string>{{"term", "7"}, {"last_survivor", ""}}));
}

TEST(Database, IsReadableForItsOwnerOnly) {
    const TempDir folder;
    const Database database = open(folder.file("store.db"));

    struct stat about {};
    ASSERT_EQ(::stat(folder.file("store.db").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0600U);
}

TEST(Database, DropsWhatASnapshotContainsAndKeepsWhatFollows) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    {
        Database database = open(file);
        ASSERT_TRUE(database.load());
        ASSERT_TRUE(apply(database, {append(1, "a"), append(2, "b"), append(3, "c")}));
        ASSERT_TRUE(apply(database, {snapshot(2, "state"), append(4, "d")}));
    }

    const Contents contents = contents_of(file);

    EXPECT_EQ(contents.snapshot, "state");
    EXPECT_EQ(contents.snapshot_index, LogIndex{2});
    EXPECT_EQ(log_text(contents), "3c 4d ");
}

TEST(Database, StartsTheLogAnewBehindASnapshotFromElsewhere) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    {
        Database database = open(file);
        ASSERT_TRUE(database.load());
        ASSERT_TRUE(apply(database, {append(1, "a"), append(2, "b")}));
        ASSERT_TRUE(apply(database, {snapshot(50, "theirs"), append(51, "x")}));
        EXPECT_FALSE(apply(database, {append(3, "c")}));
    }

    const Contents contents = contents_of(file);

    EXPECT_EQ(contents.snapshot_index, LogIndex{50});
    EXPECT_EQ(log_text(contents), "51x ");
}

TEST(Database, WritesAnotherTailAfterTruncating) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    {
        Database database = open(file);
        ASSERT_TRUE(database.load());
        ASSERT_TRUE(apply(database, {append(1, "a"), append(2, "b"), append(3, "c")}));
        ASSERT_TRUE(apply(database, {truncate(2), append(2, "B")}));
    }

    EXPECT_EQ(log_text(contents_of(file)), "1a 2B ");
}

TEST(Database, RefusesAHoleInTheLogAndTakesTheRestOfTheGroup) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    {
        Database database = open(file);
        ASSERT_TRUE(database.load());
        const std::vector<node::Write> writes{append(1, "a"), append(3, "c"), put("k", "v")};

        const std::vector<Result<void>> outcomes = database.apply(writes, {});

        ASSERT_EQ(outcomes.size(), 3U);
        EXPECT_TRUE(outcomes[0]);
        EXPECT_EQ(outcomes[1].error().code, Code::Invalid);
        EXPECT_TRUE(outcomes[2]);
    }

    const Contents contents = contents_of(file);
    EXPECT_EQ(log_text(contents), "1a ");
    EXPECT_EQ(contents.meta.at("k"), "v");
}

// Claim I-16: a corrupt store is found and named, never interpreted.
TEST(Database, FindsEveryKindOfDamageAndNamesIt) {
    struct Row {
        const char* sql;
        const char* says;
    };
    for (const Row& row :
         {Row{"UPDATE log SET bytes = 'x' WHERE position = 2", "checksum of log record 2"},
          Row{"UPDATE log SET checksum = checksum + 1 WHERE position = 2",
              "checksum of log record 2"},
          Row{"DELETE FROM log WHERE position = 2", "log record 3 follows 1"},
          Row{"DELETE FROM log WHERE position = 1", "log record 2 follows 0"},
          Row{"UPDATE log SET position = position + 10", "checksum of log record 11"},
          Row{"UPDATE meta SET value = '8' WHERE name = 'term'", "checksum of `term`"},
          Row{"UPDATE meta SET name = 'terms'", "checksum of `terms`"},
          Row{"UPDATE meta SET value = x''", "checksum of `term`"},
          Row{"PRAGMA user_version = 2", "version 2"},
          Row{"PRAGMA application_id = 5", "another program's"},
          Row{"DROP TABLE log", "damaged"}}) {
        const TempDir folder;
        const std::string file = folder.file("store.db");
        {
            Database database = open(file);
            ASSERT_TRUE(database.load());
            ASSERT_TRUE(apply(database,
                              {append(1, "a"), append(2, "b"), append(3, "c"), put("term", "7")}));
        }
        spoil(file, row.sql);

        Result<Database> database = Database::open(file);
        const Error error = !database ? database.error() : database->load().error();

        EXPECT_NE(error.context.find(row.says), std::string::npos)
            << row.sql << ": " << error.context;
        EXPECT_NE(error.context.find(file), std::string::npos);
    }
}

TEST(Database, RefusesAFileThatIsNoDatabase) {
    const TempDir folder;
    const std::string file = folder.write("store.db", std::string(8192, 'x'));

    const Result<Database> database = Database::open(file);

    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, Code::Corrupt);
}

TEST(Database, FindsAPageThatRotted) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    {
        Database database = open(file);
        ASSERT_TRUE(database.load());
        for (std::uint64_t i = 1; i <= 50; ++i)
            ASSERT_TRUE(apply(database, {append(i, std::string(4000, 'r'))}));
    }
    const auto size = std::filesystem::file_size(file);
    {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(static_cast<std::streamoff>(size / 2));
        bytes << std::string(64, '\x5a');
    }

    Result<Database> database = Database::open(file);
    const bool is_found = !database || !database->load();

    EXPECT_TRUE(is_found);
}

// Every prefix of the write-ahead log is a state that existed: claim I-16.
TEST(Database, ReadsATornWriteAheadLogAsAnEarlierState) {
    const TempDir folder;
    const std::string file = folder.file("store.db");
    const pid_t child = ::fork();
    if (child == 0) {
        // Killed without closing: the log stays as it is.
        Result<Database> database = Database::open(file);
        if (!database || !database->load()) ::_exit(1);
        for (std::uint64_t i = 1; i <= 20; ++i) {
            if (!apply(*database, {append(i, std::string(700, static_cast<char>('a' + i)))}))
                ::_exit(1);
        }
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const std::string wal = file + "-wal";
    const auto whole = std::filesystem::file_size(wal);
    ASSERT_GT(whole, 0U);

    std::size_t longest = 0;
    for (auto size = whole; size > 0; size = size > 3000 ? size - 3000 : 0) {
        const TempDir copy;
        std::filesystem::copy_file(file, copy.file("store.db"));
        std::filesystem::copy_file(wal, copy.file("store.db-wal"));
        std::filesystem::resize_file(copy.file("store.db-wal"), size);
        Result<Database> database = Database::open(copy.file("store.db"));
        ASSERT_TRUE(database) << size << ": " << database.error().context;
        const Result<Contents> contents = database->load();
        ASSERT_TRUE(contents) << size << ": " << contents.error().context;
        for (std::size_t i = 0; i < contents->log.size(); ++i) {
            EXPECT_EQ(contents->log[i].first, LogIndex{i + 1});
            EXPECT_EQ(contents->log[i].second.front(), static_cast<char>('b' + i));
        }
        longest = std::max(longest, contents->log.size());
    }
    EXPECT_EQ(longest, 20U);
}

/// A file system of one megabyte, or none where we may not mount.
class TinyDisk {
public:
    TinyDisk() {
        is_mounted_ = ::mount("xbeat-test", folder_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
    }
    TinyDisk(const TinyDisk&) = delete;
    TinyDisk& operator=(const TinyDisk&) = delete;
    ~TinyDisk() {
        if (is_mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
    }
    [[nodiscard]] bool is_mounted() const { return is_mounted_; }
    [[nodiscard]] std::string file(std::string_view name) const { return folder_.file(name); }
    [[nodiscard]] bool make_read_only() const {
        return ::mount("", folder_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "") == 0;
    }

private:
    TempDir folder_;
    bool is_mounted_ = false;
};

TEST(Database, KeepsTheOldStateWhenTheDiskIsFullAndGoesOnWhenThereIsRoom) {
    const TinyDisk disk;
    if (!disk.is_mounted()) GTEST_SKIP() << "needs to mount a tmpfs";
    {
        Database database = open(disk.file("store.db"));
        ASSERT_TRUE(database.load());
        ASSERT_TRUE(apply(database, {append(1, "kept")}));
        const std::string filler(2U << 20U, 'f');
        const std::vector<node::Write> writes{append(2, "too"), append(3, filler)};

        const std::vector<Result<void>> outcomes = database.apply(writes, {});

        for (const Result<void>& outcome : outcomes) {
            ASSERT_FALSE(outcome);
            EXPECT_EQ(outcome.error().code, Code::System);
            EXPECT_EQ(outcome.error().system_errno, ENOSPC) << outcome.error().context;
        }
        EXPECT_TRUE(apply(database, {append(2, "fits")}));
    }

    EXPECT_EQ(log_text(contents_of(disk.file("store.db"))), "1kept 2fits ");
}

TEST(Database, TellsAReadOnlyDisk) {
    const TinyDisk disk;
    if (!disk.is_mounted()) GTEST_SKIP() << "needs to mount a tmpfs";
    { ASSERT_TRUE(open(disk.file("store.db")).load()); }
    ASSERT_TRUE(disk.make_read_only());

    const Result<Database> database = Database::open(disk.file("store.db"));

    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, Code::System);
    EXPECT_NE(database.error().context.find("Read-only"), std::string::npos)
        << database.error().context;
}

TEST(Database, GivesEventsBackInOrderFromAnyPlace) {
    const TempDir folder;
    Database database = open(folder.file("store.db"));
    std::vector<EventRow> rows;
    for (std::uint64_t i = 1; i <= 10; ++i) rows.push_back(event(i));
    database.apply({}, rows);

    const auto all = database.events(0, 100);
    const auto newest = database.events(0, 3);
    const auto after = database.events(4, 2);

    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 10U);
    EXPECT_EQ((*all)[0].note.kind, "path-down");
    EXPECT_EQ((*all)[0].note.level, Level::Warning);
    EXPECT_EQ((*all)[0].note.at, Instant(5ns));
    EXPECT_EQ((*all)[0].note.fields[0], (std::pair<std::string, std::string>{"path", "ic0"}));
    ASSERT_EQ(newest->size(), 3U);
    EXPECT_EQ(newest->front().sequence, 8U);
    ASSERT_EQ(after->size(), 2U);
    EXPECT_EQ(after->front().sequence, 5U);
    EXPECT_EQ(database.last_event(), 10U);
}

TEST(Database, ForgetsTheOldestEventsPastItsLimit) {
    const TempDir folder;
    Database database = open(folder.file("store.db"));
    constexpr std::uint64_t kCount = kEventRowsMax + 2 * kEventPruneEvery;
    std::vector<EventRow> rows;
    for (std::uint64_t i = 1; i <= kCount; ++i) {
        rows.push_back(event(i));
        if (rows.size() == 10'000 || i == kCount) {
            database.apply({}, rows);
            rows.clear();
        }
    }

    const auto oldest = database.events(1, 1);

    ASSERT_TRUE(oldest);
    ASSERT_EQ(oldest->size(), 1U);
    EXPECT_GE(oldest->front().sequence, kCount - kEventRowsMax - kEventPruneEvery);
    EXPECT_EQ(database.last_event(), kCount);
}

TEST(Database, GoesOnNumberingEventsAfterARestart) {
    const TempDir folder;
    {
        Database database = open(folder.file("store.db"));
        const std::vector<EventRow> rows{event(1), event(2)};
        database.apply({}, rows);
    }

    EXPECT_EQ(open(folder.file("store.db")).last_event(), 2U);
}

}  // namespace
}  // namespace xbeat::store
