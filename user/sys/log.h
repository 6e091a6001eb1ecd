// Notes as one key=value line each: to standard error, and through it to the journal.
//
//   2026-01-02T03:04:05.678Z level=warning kind=path-down node=pm02 text="..." path=ic0
//
// Under systemd notes are entries of the journal with fields and a MESSAGE_ID (sys/journal.h).
// Where journald does not listen, the line begins with its priority (sd-daemon(3)) instead of the
// date.
#pragma once

#include <optional>
#include <string>

#include "core/note.h"
#include "sys/journal.h"

namespace xbeat::sys {

/// The line of a note, without date and line end. Values with blanks, quotes or control characters
/// stand in quotes with \" \\ \n \t \xNN escapes; nothing an agent or peer writes can forge a line.
[[nodiscard]] std::string print_note(const Note& note);

class Log {
public:
    /// Looks once whether standard error is the journal's.
    Log();
    /// Debug notes are printed only if `verbose`.
    void set_verbose(bool verbose);
    void write(const Note& note);
    /// A note of the daemon's own, dated now: also what write() is given for.
    static Note note(Level level, std::string kind, std::string text);

private:
    std::optional<Journal> journal_;  // if standard error is its
    bool is_verbose_ = false;
};

}  // namespace xbeat::sys
