// What the manager wants run, as requests to who runs it, and their answers in its words: see
// agents.h.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <sstream>

#include "agent/allow_list.h"
#include "core/text.h"
#include "daemon/agents.h"
#include "execute/alert.h"

namespace xbeat::daemon {
namespace {

// "%06N" and the like, as date(1) has them: the first digits of the nanoseconds.
std::string with_fraction(std::string_view format, long nanoseconds) {
    std::string out;
    const std::string digits = fmt::format("{:09}", nanoseconds);
    for (std::size_t i = 0; i < format.size(); ++i) {
        std::size_t end = i + 1;
        while (end < format.size() && format[end] >= '0' && format[end] <= '9') ++end;
        const bool is_fraction = format[i] == '%' && end < format.size() && format[end] == 'N';
        if (is_fraction) {
            const std::int64_t count = parse_integer(format.substr(i + 1, end - i - 1)).value_or(9);
            out +=
                digits.substr(0, static_cast<std::size_t>(std::clamp<std::int64_t>(count, 1, 9)));
            i = end;
            continue;
        }
        out += format[i];
        // An escaped percent sign stays what it is.
        if (format[i] == '%' && i + 1 < format.size()) out += format[++i];
    }
    return out;
}

// What only the host knows: the time of day, in the node's own zone.
void add_timestamps(agent::Spawn& spawn, std::string_view format) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm parts{};
    ::localtime_r(&now.tv_sec, &parts);
    const std::string pattern = with_fraction(format.substr(0, 256), now.tv_nsec);
    std::ostringstream text;
    text << std::put_time(&parts, pattern.c_str());
    spawn.parameters.push_back({.name = "CRM_alert_timestamp", .value = text.str()});
    spawn.parameters.push_back(
        {.name = "CRM_alert_timestamp_epoch", .value = fmt::format("{}", now.tv_sec)});
    spawn.parameters.push_back(
        {.name = "CRM_alert_timestamp_usec", .value = fmt::format("{}", now.tv_nsec / 1000)});
    spawn.action = "alert";
}

}  // namespace

Result<agent::Spawn> make_spawn(const node::RunAgent& run) {
    agent::Spawn spawn;
    spawn.id = run.operation;
    spawn.provider = run.provider;
    spawn.type = run.type;
    spawn.action = run.action;
    spawn.resource = run.resource;
    spawn.timeout = std::clamp(run.timeout, agent::kTimeoutMin, agent::kTimeoutMax);
    if (run.agent_class == "ocf") {
        spawn.agent_class = agent::AgentClass::Ocf;
    } else if (run.agent_class == "xbeat") {
        // `xbeat:VIP` is the short form of `ocf:xbeat:VIP`.
        spawn.agent_class = agent::AgentClass::Ocf;
        spawn.provider = "xbeat";
    } else if (run.agent_class == "lsb") {
        spawn.agent_class = agent::AgentClass::Lsb;
        // Init scripts take no parameters and call a monitor status.
        if (run.action == "monitor") spawn.action = "status";
        return spawn;
    } else if (run.agent_class == execute::kAlertClass) {
        spawn.agent_class = agent::AgentClass::Alert;
        add_timestamps(spawn, run.action);
    } else if (run.agent_class == "stonith") {
        spawn.agent_class = agent::AgentClass::Stonith;
    } else {
        return Error{.code = Code::NotFound,
                     .context = fmt::format("agents of class `{}` cannot be run by this version",
                                            run.agent_class)};
    }
    for (const auto& [name, value] : run.parameters) {
        // What is meant for the cluster manager is unknown to a fence agent.
        const bool is_ours = name.starts_with("pcmk_") || execute::is_meta(name);
        if (spawn.agent_class == agent::AgentClass::Stonith && is_ours) continue;
        // The one option of an operation that is no parameter to the agent.
        const bool is_level = name == "OCF_CHECK_LEVEL" || name == "CRM_meta_OCF_CHECK_LEVEL";
        if (is_level && spawn.agent_class == agent::AgentClass::Ocf) {
            spawn.environment.push_back({.name = "OCF_CHECK_LEVEL", .value = value});
            continue;
        }
        spawn.parameters.push_back({.name = name, .value = value});
    }
    if (spawn.agent_class == agent::AgentClass::Stonith) {
        // Fence agents take everything on standard input: passwords have no place in an
        // environment.
        spawn.input = XB_TRY(agent::fence_input(spawn.action, spawn.parameters));
        spawn.parameters.clear();
    }
    return spawn;
}

int ocf_code_of_lsb(std::string_view action, int code) {
    constexpr int kGeneric = 1;
    constexpr int kNotRunning = 7;
    if (action != "monitor" && action != "status") {
        return code < 0 || code > kNotRunning ? kGeneric : code;
    }
    switch (code) {
        case 0:
            return 0;
        case 1:  // dead, its pid file is left
        case 2:  // dead, its lock file is left
        case 3:  // stopped
            return kNotRunning;
        case 150:
            return 5;  // not installed
        case 151:
            return 4;  // no permission
        default:
            return kGeneric;
    }
}

std::string resolve_service(std::string_view type, const std::string& lsb_directory) {
    const bool is_plain = agent::is_plain_name(type);
    const std::string script = concat(lsb_directory, '/', type);
    return is_plain && ::access(script.c_str(), X_OK) == 0 ? "lsb" : "systemd";
}

node::AgentDone make_done(const agent::Done& done) {
    node::AgentDone made;
    made.operation = done.id;
    made.rc = done.exit_code;
    made.exit_reason = done.exit_reason;
    made.output = done.output;
    made.started_at = done.started_at;
    made.ended_at = done.ended_at;
    if (done.timed_out) {
        made.status = node::AgentStatus::TimedOut;
    } else if (done.killed || done.signal != 0) {
        made.status = node::AgentStatus::Killed;
    }
    if (made.exit_reason.empty() && done.signal != 0 && !done.timed_out && !done.killed)
        made.exit_reason = fmt::format("ended by signal {}", done.signal);
    return made;
}

node::AgentDone make_done(const agent::Failed& failed, Instant now) {
    node::AgentDone made;
    made.operation = failed.id;
    made.rc = agent::ocf_code(failed.reason);
    made.exit_reason = failed.text;
    made.started_at = now;
    made.ended_at = now;
    switch (failed.reason) {
        case agent::FailReason::Missing:
            made.status = node::AgentStatus::NotInstalled;
            break;
        case agent::FailReason::NotExecutable:
        case agent::FailReason::NotAllowed:
            made.status = node::AgentStatus::NotAllowed;
            break;
        case agent::FailReason::BadRequest:
        case agent::FailReason::Limit:
        case agent::FailReason::System:
        case agent::FailReason::ExecutorDied:
            made.status = node::AgentStatus::Failed;
            break;
    }
    return made;
}

}  // namespace xbeat::daemon
