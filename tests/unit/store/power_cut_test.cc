// The store and the power: cut at any write, with the disk as hostile as disks may be. What was
// acknowledged is there, what is there was written, and nothing is unreadable.
//
// SQLite gets a file system of ours: writes are synced or pending; when the power goes, each
// pending sector got there or not, whatever the order. XBEAT_POWER_CUTS=n makes more than the usual
// number.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "core/prng.h"
#include "core/text.h"
#include "store/database.h"

namespace xbeat::store {
namespace {

constexpr std::size_t kSector = 512;

struct PendingWrite {
    std::size_t at = 0;
    std::string bytes;
    bool is_truncation = false;  // to `at` bytes
};
struct MemoryFile {
    std::string now;      // as readers see it
    std::string durable;  // as of the last sync
    std::vector<PendingWrite> pending;
};

void put(std::string& image, std::size_t at, std::string_view bytes) {
    if (image.size() < at + bytes.size()) image.resize(at + bytes.size());
    image.replace(at, bytes.size(), bytes);
}

/// The disk of one machine. Deletions and creations are durable at once, as with a journal of
/// metadata.
class Machine {
public:
    std::map<std::string, MemoryFile> files;
    std::uint64_t writes = 0;           // so far
    std::uint64_t cut_at = UINT64_MAX;  // the power goes in front of this write
    bool is_off = false;

    /// False if there is no power (any more).
    bool has_power() {
        if (!is_off && writes++ >= cut_at) is_off = true;
        return !is_off;
    }

    void switch_on(Prng& prng) {
        for (auto& [name, file] : files) {
            std::string image = file.durable;
            for (const PendingWrite& write : file.pending) scatter(image, write, prng);
            file.now = file.durable = std::move(image);
            file.pending.clear();
        }
        is_off = false;
        cut_at = UINT64_MAX;
    }

private:
    static void scatter(std::string& image, const PendingWrite& write, Prng& prng) {
        if (write.is_truncation) {
            if (prng.below(2) == 0) image.resize(write.at);
            return;
        }
        for (std::size_t from = 0; from < write.bytes.size();) {
            const std::size_t to_sector = kSector - (write.at + from) % kSector;
            const std::size_t count = std::min(to_sector, write.bytes.size() - from);
            if (prng.below(2) == 0) {
                put(image, write.at + from, std::string_view(write.bytes).substr(from, count));
            }
            from += count;
        }
    }
};

Machine* machine = nullptr;

struct OpenFile {
    sqlite3_file base;
    MemoryFile* file;
};
MemoryFile& file_of(sqlite3_file* open) { return *reinterpret_cast<OpenFile*>(open)->file; }

int file_close(sqlite3_file* /*open*/) { return SQLITE_OK; }
int file_read(sqlite3_file* open, void* out, int count, sqlite3_int64 at) {
    const std::string& image = file_of(open).now;
    const auto wanted = static_cast<std::size_t>(count);
    const auto from = std::min(static_cast<std::size_t>(at), image.size());
    const std::size_t got = std::min(wanted, image.size() - from);
    std::memcpy(out, image.data() + from, got);
    if (got == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(out) + got, 0, wanted - got);
    return SQLITE_IOERR_SHORT_READ;
}
int file_write(sqlite3_file* open, const void* bytes, int count, sqlite3_int64 at) {
    if (!machine->has_power()) return SQLITE_IOERR_WRITE;
    MemoryFile& file = file_of(open);
    PendingWrite write{
        .at = static_cast<std::size_t>(at),
        .bytes = std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count))};
    put(file.now, write.at, write.bytes);
    file.pending.push_back(std::move(write));
    return SQLITE_OK;
}
int file_truncate(sqlite3_file* open, sqlite3_int64 size) {
    if (!machine->has_power()) return SQLITE_IOERR_TRUNCATE;
    MemoryFile& file = file_of(open);
    file.now.resize(static_cast<std::size_t>(size));
    file.pending.push_back(
        {.at = static_cast<std::size_t>(size), .bytes = {}, .is_truncation = true});
    return SQLITE_OK;
}
int file_sync(sqlite3_file* open, int /*flags*/) {
    if (!machine->has_power()) return SQLITE_IOERR_FSYNC;
    MemoryFile& file = file_of(open);
    file.durable = file.now;
    file.pending.clear();
    return SQLITE_OK;
}
int file_size(sqlite3_file* open, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(file_of(open).now.size());
    return SQLITE_OK;
}
int file_lock(sqlite3_file* /*open*/, int /*level*/) { return SQLITE_OK; }
int file_check_lock(sqlite3_file* /*open*/, int* is_locked) {
    *is_locked = 0;
    return SQLITE_OK;
}
int file_control(sqlite3_file* /*open*/, int /*op*/, void* /*argument*/) { return SQLITE_NOTFOUND; }
int file_sector(sqlite3_file* /*open*/) { return static_cast<int>(kSector); }
int file_traits(sqlite3_file* /*open*/) { return 0; }

sqlite3_io_methods make_methods() {
    sqlite3_io_methods methods{};
    methods.iVersion = 1;
    methods.xClose = file_close;
    methods.xRead = file_read;
    methods.xWrite = file_write;
    methods.xTruncate = file_truncate;
    methods.xSync = file_sync;
    methods.xFileSize = file_size;
    methods.xLock = file_lock;
    methods.xUnlock = file_lock;
    methods.xCheckReservedLock = file_check_lock;
    methods.xFileControl = file_control;
    methods.xSectorSize = file_sector;
    methods.xDeviceCharacteristics = file_traits;
    return methods;
}

int vfs_open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* open, int flags, int* out) {
    static const sqlite3_io_methods kMethods = make_methods();
    auto* made = reinterpret_cast<OpenFile*>(open);
    made->file = &machine->files[name == nullptr ? "temporary" : name];
    made->base.pMethods = &kMethods;
    if (out != nullptr) *out = flags;
    return SQLITE_OK;
}
int vfs_delete(sqlite3_vfs* /*vfs*/, const char* name, int /*sync*/) {
    if (!machine->has_power()) return SQLITE_IOERR_DELETE;
    return machine->files.erase(name) > 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}
int vfs_access(sqlite3_vfs* /*vfs*/, const char* name, int /*flags*/, int* exists) {
    *exists = machine->files.contains(name) ? 1 : 0;
    return SQLITE_OK;
}
int vfs_path(sqlite3_vfs* /*vfs*/, const char* name, int count, char* out) {
    sqlite3_snprintf(count, out, "%s", name);
    return SQLITE_OK;
}

/// While it lives, SQLite's files are the machine's.
class FileSystem {
public:
    FileSystem() : usual_(sqlite3_vfs_find(nullptr)), vfs_(*usual_) {
        vfs_.szOsFile = sizeof(OpenFile);
        vfs_.zName = "power-cut";
        vfs_.pNext = nullptr;
        vfs_.xOpen = vfs_open;
        vfs_.xDelete = vfs_delete;
        vfs_.xAccess = vfs_access;
        vfs_.xFullPathname = vfs_path;
        sqlite3_vfs_register(&vfs_, 1);
    }
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    ~FileSystem() {
        sqlite3_vfs_register(usual_, 1);
        sqlite3_vfs_unregister(&vfs_);
    }

private:
    sqlite3_vfs* usual_;
    sqlite3_vfs vfs_;
};

/// What one life of a store was told, group by group.
struct Told {
    std::vector<std::uint64_t> ends;  // the last record after each group
    std::size_t acknowledged = 0;     // groups
};

std::string bytes_of(std::uint64_t index) {
    return concat("record ", index, ' ', std::string(index * 37 % 3000, 'x'));
}

class PowerCut : public testing::Test {
protected:
    PowerCut()
        : folder_(std::filesystem::temp_directory_path() / concat("xbeat-cut-", ::getpid())),
          file_((folder_ / "store").string()) {
        std::filesystem::create_directories(folder_);
    }
    ~PowerCut() override { std::filesystem::remove_all(folder_); }

    /// Groups of records, now and then a snapshot, a fact in every group; until the power goes.
    Told live(Prng& prng, std::uint64_t groups) {
        Told told;
        Result<Database> database = Database::open(file_);
        if (!database) return told;
        const Result<Contents> contents = database->load();
        if (!contents) return told;
        std::uint64_t last = contents->log.empty() ? contents->snapshot_index.value
                                                   : contents->log.back().first.value;
        for (std::uint64_t i = 0; i < groups && !machine->is_off; ++i) {
            std::vector<node::Write> writes;
            for (std::uint64_t count = 1 + prng.below(4); count > 0; --count) {
                ++last;
                writes.push_back(
                    {Ticket{last}, node::AppendRecord{LogIndex{last}, bytes_of(last)}});
            }
            if (prng.below(8) == 0) {
                writes.push_back(
                    {Ticket{1}, node::SaveSnapshot{LogIndex{last}, concat("all to ", last)}});
            }
            writes.push_back({Ticket{2}, node::PutMeta{"last", concat(last)}});
            const std::vector<Result<void>> outcomes = database->apply(writes, {});
            told.ends.push_back(last);
            if (outcomes.front()) told.acknowledged = told.ends.size();
        }
        return told;
    }

    std::filesystem::path folder_;
    std::string file_;
};

TEST_F(PowerCut, AtAnyWriteLosesNothingThatWasAcknowledgedAndLeavesTheStoreReadable) {
    const char* wanted = std::getenv("XBEAT_POWER_CUTS");
    const std::int64_t cuts = wanted == nullptr ? 300 : parse_integer(wanted).value_or(300);
    const FileSystem file_system;
    std::uint64_t acknowledged = 0;
    for (std::int64_t cut = 0; cut < cuts; ++cut) {
        Prng prng(static_cast<std::uint64_t>(cut) + 1);
        Machine hostile;
        machine = &hostile;
        std::uint64_t safe = 0;  // the newest record that was acknowledged
        // Several lives on one disk, each ended by the power.
        for (int life = 0; life < 3; ++life) {
            hostile.cut_at = hostile.writes + prng.below(120);
            const Told told = live(prng, 30);
            if (told.acknowledged > 0) {
                safe = std::max(safe, told.ends[told.acknowledged - 1]);
                acknowledged += told.acknowledged;
            }
            hostile.switch_on(prng);

            Result<Database> database = Database::open(file_);
            ASSERT_TRUE(database) << "cut " << cut << ": " << database.error().context;
            const Result<Contents> contents = database->load();
            ASSERT_TRUE(contents) << "cut " << cut << ": " << contents.error().context;
            const std::uint64_t last = contents->log.empty() ? contents->snapshot_index.value
                                                             : contents->log.back().first.value;
            ASSERT_GE(last, safe) << "cut " << cut;
            for (const auto& [index, bytes] : contents->log) {
                ASSERT_EQ(bytes, bytes_of(index.value)) << "cut " << cut;
            }
            if (last == 0) continue;
            // A group is there whole or not at all: the fact names its last record.
            ASSERT_EQ(contents->meta.at("last"), concat(last)) << "cut " << cut;
        }
    }
    machine = nullptr;
    EXPECT_GT(acknowledged, static_cast<std::uint64_t>(cuts));
    RecordProperty("acknowledged_groups", std::to_string(acknowledged));
}

}  // namespace
}  // namespace xbeat::store
