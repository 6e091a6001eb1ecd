// Notes as entries of the journal: their bytes, their numbers, and a journald that does not listen.
#include "sys/journal.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>

#include "unit/daemon/temp_dir.h"

namespace xbeat::sys {
namespace {

Note verdict() {
    return {.level = Level::Error,
            .kind = "peer-dead",
            .node = "pm02",
            .resource = {},
            .text = "pm02 is dead",
            .fields = {{"silence_us", "5800"}, {"two words", "a\nb"}},
            .at = {}};
}

// journald's end: a datagram socket that nobody empties unless asked.
class Listener {
public:
    explicit Listener(const std::string& path)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), address.sun_path);
        EXPECT_EQ(
            ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    std::string next() const {
        std::string bytes(kJournalEntryBytesMax + 1024, '\0');
        const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return bytes;
    }

private:
    Fd socket_;
};

TEST(Journal, EntryHasTheSentenceItsNumberAndTheEvidence) {
    const std::string entry = journal_entry(verdict(), "xbeatd");

    EXPECT_EQ(entry, "MESSAGE=pm02 is dead\nMESSAGE_ID=" + message_id("peer-dead") +
                         "\nPRIORITY=3\nSYSLOG_IDENTIFIER=xbeatd\nXBEAT_KIND=peer-dead\n"
                         "XBEAT_NODE=pm02\nXBEAT_SILENCE_US=5800\n" +
                         std::string("XBEAT_TWO_WORDS\n\x03\0\0\0\0\0\0\0a\nb\n", 28));
}

// A line end in a value must not become a field of its own.
TEST(Journal, EntryCannotBeForgedByWhatAnAgentPrints) {
    Note note = verdict();
    note.text = "bad\nMESSAGE_ID=forged";
    note.fields = {{"x=1\nPRIORITY", "0\nPRIORITY=0"}};

    const std::string entry = journal_entry(note, "xbeatd");

    EXPECT_EQ(entry.find("\nPRIORITY=0\nX"), std::string::npos);
    EXPECT_NE(entry.find("XBEAT_X_1_PRIORITY\n"), std::string::npos);
    EXPECT_TRUE(entry.starts_with(std::string("MESSAGE\n\x15\0\0\0\0\0\0\0", 16)));
}

TEST(Journal, EntryIsBounded) {
    Note note = verdict();
    note.text = std::string(1 << 20, 'x');
    note.fields.assign(1000, {std::string(1000, 'n'), std::string(10'000, 'v')});

    EXPECT_LE(journal_entry(note, "xbeatd").size(), kJournalEntryBytesMax);
}

// They are written down: a changed one would silence whoever waits for it.
TEST(Journal, MessageIdsAreThoseOfTheDocumentAndDiffer) {
    EXPECT_EQ(message_id("peer-dead").size(), 32U);
    std::ifstream document("docs/journal.md");
    ASSERT_TRUE(document.is_open());
    const std::regex row(R"(^\| `([a-z-]+)` .*`([0-9a-f]{32})` \|$)");
    std::set<std::string> ids;
    std::size_t rows = 0;
    for (std::string line; std::getline(document, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, row)) continue;
        ++rows;
        EXPECT_EQ(message_id(match[1].str()), match[2].str()) << match[1];
        ids.insert(match[2].str());
    }
    EXPECT_GT(rows, 40U);
    EXPECT_EQ(ids.size(), rows);
}

TEST(Journal, SendsToWhoListens) {
    const testing::TempDir folder;
    const Listener journald(folder.file("socket"));
    Journal journal(folder.file("socket"));

    EXPECT_TRUE(journal.send(verdict()));

    EXPECT_TRUE(journald.next().starts_with("MESSAGE=pm02 is dead\n"));
}

TEST(Journal, SaysWhereNobodyListens) {
    const testing::TempDir folder;
    Journal journal(folder.file("socket"));

    EXPECT_FALSE(journal.send(verdict()));
    EXPECT_EQ(journal.dropped(), 0U);
    EXPECT_FALSE(Journal(std::string(4096, 'x')).send(verdict()));
}

// A journald that hangs must not hang the manager; what it missed is told when it is back.
TEST(Journal, DropsWhatIsNotTakenInTimeAndSaysHowMuch) {
    const testing::TempDir folder;
    const Listener journald(folder.file("socket"));
    Journal journal(folder.file("socket"));
    constexpr int kMany = 100'000;
    for (int i = 0; i < kMany && journal.dropped() < 3; ++i) {
        EXPECT_TRUE(journal.send(verdict()));
    }
    ASSERT_EQ(journal.dropped(), 3U);

    while (!journald.next().empty()) {
    }
    EXPECT_TRUE(journal.send(verdict()));

    const std::string loss = journald.next();
    EXPECT_NE(loss.find("XBEAT_KIND=journal-entries-lost"), std::string::npos) << loss;
    EXPECT_NE(loss.find("XBEAT_COUNT=3\n"), std::string::npos) << loss;
    EXPECT_TRUE(journald.next().starts_with("MESSAGE=pm02 is dead"));
    EXPECT_TRUE(journal.send(verdict()));
    EXPECT_TRUE(journald.next().starts_with("MESSAGE=pm02 is dead"));
}

}  // namespace
}  // namespace xbeat::sys
