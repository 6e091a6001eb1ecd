// The status as JSON for programs; the members are described in xbeat(8) and only ever added to.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cli/status_input.h"

namespace xbeat::cli {

/// The members behind `schema`. Every number with its unit in the name. Lists keep the order of the
/// text form.
[[nodiscard]] nlohmann::ordered_json status_json(const StatusInput& input);

/// One fail-over's time budget; times in microseconds from its first phase.
[[nodiscard]] nlohmann::ordered_json timeline_json(const TimelineStatus& timeline);

}  // namespace xbeat::cli
