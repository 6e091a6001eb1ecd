// Notes as structured entries of systemd's journal, each kind with a MESSAGE_ID of its own.
//
// Spoken natively and never waiting: sd_journal_sendv(3) blocks while journald does not take its
// datagrams, and a hung journald must not hang the manager. What does not fit is dropped and
// counted, and the next entry says so.
// Source: "Native Journal Protocol", https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/note.h"
#include "sys/fd.h"

namespace xbeat::sys {

constexpr std::size_t kJournalEntryBytesMax = std::size_t{64} << 10U;  // longer values are cut

/// The MESSAGE_ID of a kind of note: 32 hexadecimal digits, the same in every version. Made from
/// the kind's name alone; docs/journal.md lists them.
[[nodiscard]] std::string message_id(std::string_view kind);

/// The bytes of an entry: MESSAGE (the sentence), MESSAGE_ID, PRIORITY, SYSLOG_IDENTIFIER,
/// XBEAT_KIND, XBEAT_NODE, XBEAT_RESOURCE and XBEAT_NAME for each field of the evidence.
[[nodiscard]] std::string journal_entry(const Note& note, std::string_view identifier);

/// The journal's number for a level (sd-daemon(3)).
[[nodiscard]] int journal_priority(Level level);

class Journal {
public:
    /// `socket`: where journald listens.
    explicit Journal(std::string socket = "/run/systemd/journal/socket");

    /// False if nobody took it and another way should be tried: journald is not there. An entry
    /// that was dropped because journald is too slow counts as taken.
    bool send(const Note& note);
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    enum class Outcome : std::uint8_t { Taken, Full, Absent };
    [[nodiscard]] Outcome send_bytes(const std::string& bytes) const;

    std::string path_;
    Fd socket_;
    std::uint64_t dropped_ = 0;
    std::uint64_t told_ = 0;  // of those, the journal knows
};

}  // namespace xbeat::sys
