// An event of the daemon's log as one readable line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace xbeat::cli {

/// "2026-11-22 14:00:01.123 warning pm02: sentence (unanswered=5, rtt_p99_us=40)". `row`: one row
/// of the operation `events`. Missing members are left out.
[[nodiscard]] std::string render_event(const nlohmann::json& row);

}  // namespace xbeat::cli
