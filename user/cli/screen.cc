#include "cli/screen.h"

#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// Last: it defines macros with common names.
#define NCURSES_NOMACROS
#include <curses.h>

namespace xbeat::cli {
namespace {

enum Pair : short { Plain = 0, Red = 1, Yellow = 2, Green = 3 };

struct Mark {
    std::string_view word;
    Pair pair;
};
constexpr std::array kMarks{
    Mark{"TROUBLE", Red},        Mark{"OFFLINE", Red},      Mark{"UNCLEAN", Red},
    Mark{"FAILED", Red},         Mark{" DOWN", Red},        Mark{": dead", Red},
    Mark{"blocked", Red},        Mark{" error ", Red},      Mark{"takeover", Red},
    Mark{": suspect", Yellow},   Mark{": stalled", Yellow}, Mark{"standby", Yellow},
    Mark{"maintenance", Yellow}, Mark{"unmanaged", Yellow}, Mark{" warning ", Yellow},
    Mark{"disabled", Yellow}};

bool is_heading(std::string_view line) {
    return !line.empty() && line.front() != ' ' && line.back() == ':';
}

chtype style_of(std::string_view line, bool has_colours) {
    if (is_heading(line)) return A_BOLD;
    for (const Mark& mark : kMarks) {
        if (line.find(mark.word) == std::string_view::npos) continue;
        return has_colours ? static_cast<chtype>(COLOR_PAIR(mark.pair)) : A_BOLD;
    }
    return A_NORMAL;
}

bool start_colours() {
    if (std::getenv("NO_COLOR") != nullptr || !::has_colors()) return false;
    ::start_color();
    ::use_default_colors();
    ::init_pair(Red, COLOR_RED, -1);
    ::init_pair(Yellow, COLOR_YELLOW, -1);
    ::init_pair(Green, COLOR_GREEN, -1);
    return true;
}

}  // namespace

Result<Screen> Screen::create() {
    std::setlocale(LC_CTYPE, "");
    // initscr() would end the process on an unknown $TERM; newterm() answers.
    if (::isatty(STDOUT_FILENO) == 0 || ::newterm(nullptr, stdout, stdin) == nullptr) {
        return Error{.code = Code::Unavailable,
                     .context =
                         "standard output is no terminal that can show a full screen (see "
                         "$TERM); 'xbeat mon -1' prints once, 'xbeat status --watch' goes on"};
    }
    const bool has_utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    ::cbreak();
    ::noecho();
    ::nonl();
    ::curs_set(0);
    ::keypad(stdscr, true);
    ::nodelay(stdscr, true);
    return Screen(has_utf8, start_colours());
}

Screen::Screen(Screen&& other) noexcept
    : has_utf8_(other.has_utf8_), has_colours_(other.has_colours_) {
    other.is_owner_ = false;
}

Screen::~Screen() {
    if (is_owner_) ::endwin();
}

std::size_t Screen::width() const {
    const int columns = ::getmaxx(stdscr);
    return columns > 0 ? static_cast<std::size_t>(columns) : 80;
}

std::size_t Screen::height() const {
    const int rows = ::getmaxy(stdscr);
    return rows > 0 ? static_cast<std::size_t>(rows) : 24;
}

void Screen::draw(const std::vector<std::string>& lines) const {
    ::werase(stdscr);
    int row = 0;
    for (const std::string& line : lines) {
        const chtype style = row == 0 ? A_REVERSE : style_of(line, has_colours_);
        ::wattrset(stdscr, static_cast<int>(style));
        ::mvwaddnstr(stdscr, row, 0, line.data(), static_cast<int>(line.size()));
        ++row;
    }
    ::wattrset(stdscr, A_NORMAL);
    ::wrefresh(stdscr);
}

std::optional<int> Screen::next_key(std::chrono::milliseconds wait, int other_fd) const {
    const int waiting = ::wgetch(stdscr);
    if (waiting != ERR) return waiting;
    std::array<pollfd, 2> watched{pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = other_fd, .events = POLLIN, .revents = 0}};
    // A changed size interrupts poll(2); ncurses then has KEY_RESIZE for wgetch().
    ::poll(watched.data(), watched.size(), static_cast<int>(wait.count()));
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) return 'q';
    const int key = ::wgetch(stdscr);
    if (key == ERR) return std::nullopt;
    return key;
}

}  // namespace xbeat::cli
