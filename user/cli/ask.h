// One question to the daemon: connect, ask, read the answer.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "control/client.h"
#include "core/result.h"

namespace xbeat::cli {

/// A connection of at least this role, to the daemon that the session names. Errors as
/// control::Client::connect().
[[nodiscard]] Result<control::Client> connect(const Session& session,
                                              control::Role role = control::Role::Viewer);

/// Connects, sends the request and returns the reply. Errors as control::Client::connect() and
/// call(); Timeout after the session's timeout, because a daemon that hangs must not hang its
/// tools.
[[nodiscard]] Result<nlohmann::json> ask(const Session& session, const nlohmann::json& request,
                                         control::Role role = control::Role::Viewer);

/// Asks for a change and prints the reply's `message`; on failure the error. The role is that of
/// the request's operation.
[[nodiscard]] ExitCode request_change(Session& session, const nlohmann::json& request);

}  // namespace xbeat::cli
