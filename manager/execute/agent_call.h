// One run of one agent: what the host is asked to do, and what it answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/id.h"
#include "core/time.h"

namespace xbeat::execute {

/// Words about an operation that the scheduler adds to a resource's parameters.
[[nodiscard]] inline bool is_meta(std::string_view parameter) {
    return parameter.starts_with("CRM_meta_") || parameter == "crm_feature_set";
}

/// One run of one agent. The host chooses how: through xbeat-exec, or in process for `ocf:xbeat:*`.
struct RunAgent {
    OperationId operation;
    std::string agent_class;  // "ocf", "lsb", "systemd", "stonith"
    std::string provider;     // empty where the class has none
    std::string type;
    std::string resource;  // name as the agent is told it (OCF_RESOURCE_INSTANCE)
    std::string action;
    Duration timeout{};
    std::vector<std::pair<std::string, std::string>>
        parameters;  // names without OCF_RESKEY_; CRM_meta_* too
    bool watch =
        false;  // follow the processes that this action leaves behind; report when one exits
    friend bool operator==(const RunAgent&, const RunAgent&) = default;
};
/// How an agent's run ended, below the level of its exit code.
enum class AgentStatus : std::uint8_t {
    Done,          // it exited: see rc
    TimedOut,      // killed at its timeout, with its whole process group
    Killed,        // killed on request, or by a signal from elsewhere
    NotInstalled,  // there is no such agent here
    NotAllowed,    // the file is not safe to run: owner, mode, place
    Failed,        // it could not be started, or xbeat-exec died under it
};

struct AgentDone {
    OperationId operation;
    AgentStatus status = AgentStatus::Done;
    int rc = 0;  // exit code, if Done
    std::string
        exit_reason;     // the agent's `ocf-exit-reason:` line, or our words for what went wrong
    std::string output;  // standard output, bounded by kAgentOutputBytesMax
    Instant started_at{};
    Instant ended_at{};
};

}  // namespace xbeat::execute
