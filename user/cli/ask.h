// One question to the daemon: connect, ask, read the answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/request.h"
#include "cli/session.h"
#include "cli/status_input.h"
#include "control/protocol.h"
#include "core/result.h"

namespace xbeat::control {
class Client;
}

namespace xbeat::cli {

/// A connection of at least this role, to the daemon that the session names. Errors as
/// control::Client::connect().
[[nodiscard]] Result<control::Client> connect(const Session& session,
                                              control::Role role = control::Role::Viewer);

/// The request as the daemon wants it: one JSON object.
[[nodiscard]] nlohmann::json to_json(const Request& request);

/// Connects, sends the request and returns the reply. The role is that of the request's operation
/// unless another one is named. Errors as control::Client::connect() and call(); Timeout after the
/// session's timeout, because a daemon that hangs must not hang its tools.
[[nodiscard]] Result<nlohmann::json> ask(const Session& session, const Request& request,
                                         std::optional<control::Role> role = std::nullopt);

/// One text of the reply; empty if it has none of that name.
[[nodiscard]] Result<std::string> ask_text(const Session& session, const Request& request,
                                           const char* member);

/// The operation `status`, read.
[[nodiscard]] Result<StatusInput> ask_status(const Session& session);

/// The same, or from a CIB in `file` ("-": the session's input). Errors: Corrupt for what is no
/// CIB.
[[nodiscard]] Result<StatusInput> load_status(Session& session, const std::string& file);

/// The node whose daemon answers.
[[nodiscard]] Result<std::string> ask_own_name(const Session& session);

/// Asks for a change and prints the reply's `message`; on failure the error.
[[nodiscard]] ExitCode request_change(Session& session, const Request& request);

}  // namespace xbeat::cli
