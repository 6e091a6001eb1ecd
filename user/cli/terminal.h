// What the terminal on the other side of standard output is like.
#pragma once

#include <cstddef>

namespace xbeat::cli {

/// Its columns, or $COLUMNS, or 100 if neither is known.
[[nodiscard]] std::size_t screen_width();

}  // namespace xbeat::cli
