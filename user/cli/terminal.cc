#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "core/text.h"

namespace xbeat::cli {
namespace {

constexpr std::size_t kWidthDefault = 100;
constexpr std::int64_t kWidthMax = 1000;

}  // namespace

std::size_t screen_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char* given = std::getenv("COLUMNS");
    if (given == nullptr) return kWidthDefault;
    const auto columns = parse_integer(given);
    return columns && *columns > 0 && *columns <= kWidthMax ? static_cast<std::size_t>(*columns)
                                                            : kWidthDefault;
}

}  // namespace xbeat::cli
