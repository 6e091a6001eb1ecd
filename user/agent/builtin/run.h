// One action of a built-in agent, as the host of them drives it: a few steps, none of which blocks.
#pragma once

#include <optional>
#include <string>

#include "agent/builtin/announce.h"
#include "agent/exec_protocol.h"
#include "core/time.h"

namespace xbeat::agent::builtin {

/// The exit codes that built-in agents use. Source: OCF Resource Agent API 1.1, "Return codes".
enum Ocf : int {
    kOcfSuccess = 0,
    kOcfGeneric = 1,
    kOcfArguments = 2,
    kOcfUnimplemented = 3,
    kOcfInstalled = 5,
    kOcfConfigured = 6,
    kOcfNotRunning = 7,
};

struct Outcome {
    int code = kOcfSuccess;
    std::string reason = {};  // why it failed, one sentence
    std::string output = {};  // meta-data
};

/// An attribute of the node that the run is on.
struct AttributeUpdate {
    std::string node;
    std::string name;
    std::optional<std::string> value;  // empty: remove
    Duration dampening{};
};

/// What a run waits for, or that it is over.
struct Step {
    std::optional<Outcome> outcome = {};
    int fd = -1;                          // resume when this is readable; borrowed from the run
    std::optional<Instant> wake_at = {};  // or at this time
    // A request for xbeat-exec under the run's own id; its replies come to Run::answered().
    std::optional<Request> request = {};
    std::optional<Spawned> spawned = {};            // the caller is told of a new process
    std::optional<Announcement> announce = {};      // goes on in the background after the end
    std::optional<heart::IpAddress> hush = {};      // ends such a background announcement
    std::optional<AttributeUpdate> attribute = {};  // to be set, beside whatever else

    static Step over(int code, std::string reason = {}) {
        Step step;
        step.outcome = Outcome{.code = code, .reason = std::move(reason), .output = {}};
        return step;
    }
};

class Run {
public:
    Run() = default;
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    virtual ~Run() = default;

    virtual Step begin(Instant now) = 0;
    /// Its descriptor is readable or its time has come. Only called if one was asked for.
    virtual Step resume(Instant now) = 0;
    /// xbeat-exec has answered. Only called after a request.
    virtual Step answered(const Reply& reply, Instant now) = 0;
    /// The action is to end at once (time-out or on request): undo what is half done, if anything.
    virtual void abandon() {}
};

/// A run without xbeat-exec.
class LocalRun : public Run {
public:
    Step answered(const Reply& /*reply*/, Instant /*now*/) override { return {}; }
};

/// The parameter's value, or empty if it is not given.
[[nodiscard]] inline std::string_view parameter(const Spawn& spawn, std::string_view name) {
    for (const Parameter& one : spawn.parameters) {
        if (one.name == name) return one.value;
    }
    return {};
}

}  // namespace xbeat::agent::builtin
