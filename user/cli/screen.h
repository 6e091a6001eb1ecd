// The full screen of a terminal, through ncurses: lines in, keys out.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace xbeat::cli {

class Screen {
public:
    /// Takes the terminal over; gives it back in the destructor. Errors: Unavailable if standard
    /// output is no terminal or $TERM is unknown. At most one at a time.
    static Result<Screen> create();
    Screen(Screen&& other) noexcept;
    Screen& operator=(Screen&&) = delete;
    ~Screen();

    [[nodiscard]] std::size_t width() const;
    [[nodiscard]] std::size_t height() const;
    /// Whether the locale shows block characters.
    [[nodiscard]] bool has_utf8() const { return has_utf8_; }

    /// Shows the lines; only what changed since the last call is sent to the terminal.
    void draw(const std::vector<std::string>& lines) const;

    /// The next key, or nothing if `wait` passed, `other_fd` became readable (-1: none) or the size
    /// changed.
    [[nodiscard]] std::optional<int> next_key(std::chrono::milliseconds wait, int other_fd) const;

private:
    Screen(bool has_utf8, bool has_colours) : has_utf8_(has_utf8), has_colours_(has_colours) {}
    bool is_owner_ = true;
    bool has_utf8_ = false;
    bool has_colours_ = false;
};

}  // namespace xbeat::cli
