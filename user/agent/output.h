// What an agent writes: the first part is kept, the rest is read and thrown away, and the exit
// reason is picked out of all of it.
#pragma once

#include <string>
#include <string_view>

#include "core/limits.h"

namespace xbeat::agent {

class Output {
public:
    /// Takes the next bytes. Memory stays below kAgentOutputBytesMax plus one line.
    void feed(std::string_view bytes);

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::string take_text() { return std::move(text_); }
    [[nodiscard]] bool is_cut() const { return cut_; }

    /// The last line that begins with "ocf-exit-reason:", without the prefix and the blanks around
    /// it, at most kReasonBytesMax bytes, control characters as '?'. Empty if there is none. An
    /// unfinished last line counts.
    [[nodiscard]] std::string exit_reason() const;

private:
    void end_line();

    std::string text_;
    std::string line_;    // the current line's beginning, as much as an exit reason may have
    std::string reason_;  // the last complete one
    bool cut_ = false;
};

}  // namespace xbeat::agent
