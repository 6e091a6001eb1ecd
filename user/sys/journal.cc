#include "sys/journal.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

#include "sys/boot_clock.h"
#include "sys/stable_hash.h"

namespace xbeat::sys {
namespace {

// A field's name as the journal allows it: capitals, digits and underscores.
std::string field_name(std::string_view name) {
    std::string out = "XBEAT_";
    for (const char c : name.substr(0, 48)) {
        const bool is_lower = c >= 'a' && c <= 'z';
        const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out.push_back(is_lower ? static_cast<char>(c - 'a' + 'A') : is_plain ? c : '_');
    }
    return out;
}

// A value with a line end is told by its length, little-endian.
void append(std::string& entry, std::string_view name, std::string_view value) {
    const std::size_t left =
        kJournalEntryBytesMax - std::min(kJournalEntryBytesMax, entry.size() + name.size() + 10);
    if (left == 0) return;
    value = value.substr(0, left);
    entry += name;
    if (value.find('\n') == std::string_view::npos) {
        entry += '=';
    } else {
        entry += '\n';
        std::uint64_t size = value.size();
        for (int i = 0; i < 8; ++i, size >>= 8U) entry += static_cast<char>(size & 0xffU);
    }
    entry += value;
    entry += '\n';
}

}  // namespace

int journal_priority(Level level) {
    switch (level) {
        case Level::Error:
            return 3;
        case Level::Warning:
            return 4;
        case Level::Info:
            return 6;
        case Level::Debug:
            return 7;
    }
    return 6;
}

std::string message_id(std::string_view kind) {
    // Two independent halves; marked as a UUID of version 8 (RFC 9562: made in one's own way).
    std::uint64_t high = stable_hash(fmt::format("xbeat note {}", kind));
    std::uint64_t low = stable_hash(fmt::format("{} xbeat message id", kind));
    high = (high & ~std::uint64_t{0xf000}) | 0x8000U;
    low = (low & 0x3fffffffffffffffU) | 0x8000000000000000U;
    return fmt::format("{:016x}{:016x}", high, low);
}

std::string journal_entry(const Note& note, std::string_view identifier) {
    std::string entry;
    append(entry, "MESSAGE", note.text.empty() ? note.kind : note.text);
    append(entry, "MESSAGE_ID", message_id(note.kind));
    append(entry, "PRIORITY", fmt::format("{}", journal_priority(note.level)));
    append(entry, "SYSLOG_IDENTIFIER", identifier);
    append(entry, "XBEAT_KIND", note.kind);
    if (!note.node.empty()) append(entry, "XBEAT_NODE", note.node);
    if (!note.resource.empty()) append(entry, "XBEAT_RESOURCE", note.resource);
    for (const auto& [name, value] : note.fields) append(entry, field_name(name), value);
    return entry;
}

Journal::Journal(std::string socket)
    : path_(std::move(socket)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool Journal::send(const Note& note) {
    if (dropped_ != told_) {
        Note loss{.level = Level::Warning,
                  .kind = "journal-entries-lost",
                  .node = {},
                  .resource = {},
                  .text = fmt::format("{} entries were lost: journald did not take them in time",
                                      dropped_ - told_),
                  .fields = {{"count", fmt::format("{}", dropped_ - told_)}},
                  .at = boot_now()};
        if (send_bytes(journal_entry(loss, ::program_invocation_short_name)) == Outcome::Taken)
            told_ = dropped_;
    }
    const Outcome outcome = send_bytes(journal_entry(note, ::program_invocation_short_name));
    if (outcome == Outcome::Full) ++dropped_;
    return outcome != Outcome::Absent;
}

Journal::Outcome Journal::send_bytes(const std::string& bytes) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return Outcome::Absent;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    const ssize_t sent =
        ::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent >= 0) return Outcome::Taken;
    const bool is_full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
    return is_full ? Outcome::Full : Outcome::Absent;
}

}  // namespace xbeat::sys
