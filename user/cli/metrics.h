// The cluster as OpenMetrics text. Names that the ha_cluster_exporter uses keep their meaning, so
// that its dashboards and alerts go on working; what only xbeat has begins with xbeat_.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.h"
#include "cli/status_input.h"

namespace xbeat::cli {

/// `heart` and `daemon`: the reply of the operation `heart`, the member `daemon` of `status`. Ends
/// with "# EOF".
[[nodiscard]] std::string render_metrics(const StatusInput& input, const nlohmann::json& heart,
                                         const nlohmann::json& daemon,
                                         const std::vector<TimelineStatus>& timelines);

/// What to answer when the daemon does not: `xbeat_up 0` and its reason as a comment.
[[nodiscard]] std::string render_no_metrics(std::string_view reason);

/// Answers `GET /metrics` with what `collect` returns, until the process ends. `where`:
/// "127.0.0.1:9664", "[::1]:9664" or "unix:/run/xbeat/metrics.sock" (mode 0660). Nothing but this
/// machine can ask. Errors: Invalid for another place, System.
[[nodiscard]] Result<void> serve_metrics(const std::string& where,
                                         const std::function<std::string()>& collect);

/// The reply to one HTTP request's head: status line, headers, body.
[[nodiscard]] std::string http_reply(std::string_view head,
                                     const std::function<std::string()>& collect);

}  // namespace xbeat::cli
