// Where the time of a fail-over went: one line a phase, with a bar to scale.
#pragma once

#include <cstddef>
#include <string>

#include "cli/status_input.h"

namespace xbeat::cli {

/// From the first phase's beginning to the last end; zero without phases.
[[nodiscard]] Duration total_of(const TimelineStatus& timeline);

/// A heading, then a table: phase, beginning and length in milliseconds with three digits (so to
/// the microsecond), a bar on a common scale, detail. `width`: columns of the screen; the bar
/// shrinks to fit, the detail behind it may pass the edge.
[[nodiscard]] std::string render_timeline(const TimelineStatus& timeline, std::size_t width = 100);

/// The same as one bar of `width` columns, a letter a phase, with its legend behind: for `mon`.
[[nodiscard]] std::string budget_bar(const TimelineStatus& timeline, std::size_t width);

}  // namespace xbeat::cli
