// What a daemon asks before it starts an executor of its own: whether one of its predecessor's is
// still there, and what that has stopped.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/exec_protocol.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::agent {

constexpr Duration kHeirPatience = std::chrono::seconds(5);  // for an answer, and beyond a wait

/// Takes over from an xbeat-exec that outlived its daemon, and returns when it has ended: stops
/// that run end first, and it begins no further ones. One that does not answer in kHeirPatience, or
/// takes longer than it said, gets SIGKILL, and with it what it ran.
///
/// `waiting` is told how long this may take, once. Blocks. Nothing if there is no such xbeat-exec;
/// State::Running if how it went on is not known. Requires: the daemon's lock is held. Errors:
/// System.
[[nodiscard]] Result<std::optional<WillNews>> inherit(const std::string& run_dir,
                                                      const std::function<void(Duration)>& waiting);

}  // namespace xbeat::agent
