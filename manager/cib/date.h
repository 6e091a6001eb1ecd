// Calendar dates as constraints with a lifetime hold them: written and read back, in UTC.
//
// Only what this program and crm_resource write: rules with any ISO 8601 date are the business of
// rules/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace xbeat::cib {

/// "2026-11-22 14:05:00Z". Requires: from year 0 to 9999.
[[nodiscard]] std::string print_date(EpochSeconds when);

/// "2026-11-22", then optionally a blank or T, "14:05" or "14:05:00" (a fraction of seconds is cut
/// off), then optionally a blank and Z or an offset such as +01:00; without one the date counts as
/// UTC. Empty for everything else, such as the 31st of February. Source: ISO 8601, extended
/// calendar form; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
[[nodiscard]] std::optional<EpochSeconds> parse_date(std::string_view text);

}  // namespace xbeat::cib
