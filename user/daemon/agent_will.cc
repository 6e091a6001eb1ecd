// What xbeatd leaves its executor to do without it: see agents.h and agent/last_will.h.
#include <algorithm>
#include <utility>

#include "core/text.h"
#include "daemon/agents.h"
#include "daemon/log.h"

namespace xbeat::daemon {
namespace {

constexpr const char* kInitScripts = "/etc/init.d";
constexpr Duration kAliveInterval = std::chrono::seconds(1);

Result<agent::Spawn> make_stop(const node::RunAgent& call) {
    node::RunAgent run = call;
    if (run.agent_class == "service") run.agent_class = resolve_service(run.type, kInitScripts);
    if (run.agent_class != "systemd") return make_spawn(run);
    agent::Spawn spawn;
    spawn.agent_class = agent::AgentClass::Systemd;
    spawn.type = run.type;
    spawn.action = run.action;
    spawn.resource = run.resource;
    spawn.timeout = std::clamp(run.timeout, agent::kTimeoutMin, agent::kTimeoutMax);
    return spawn;
}

}  // namespace

agent::Will make_will(const node::LeaveWill& will, const Agents::WillTerms& terms,
                      std::string& trouble) {
    agent::Will made{.pins = terms.pins, .peer = terms.peer, .stops = {}};
    std::vector<std::optional<std::uint32_t>> place(will.stops.size());
    for (std::size_t i = 0; i < will.stops.size(); ++i) {
        Result<agent::Spawn> spawn = make_stop(will.stops[i].call);
        if (!spawn) {
            trouble = concat(will.stops[i].call.resource, ": ", spawn.error().context);
            continue;
        }
        agent::WillStop stop{.run = *std::move(spawn), .after = {}};
        for (const std::uint32_t before : will.stops[i].after) {
            if (place[before]) stop.after.push_back(*place[before]);
        }
        place[i] = static_cast<std::uint32_t>(made.stops.size());
        made.stops.push_back(std::move(stop));
    }
    return made;
}

void Agents::leave_will(const node::LeaveWill& will) {
    if (parts_.will.pins.empty()) return;
    std::string trouble;
    const agent::Will made = make_will(will, parts_.will, trouble);
    if (!trouble.empty()) {
        notes_.push_back(Log::note(Level::Warning, "last-will-incomplete", std::move(trouble)));
    }
    const Result<void> left = parts_.exec->leave_will(made);
    if (left) return;
    note_failure("last-will-refused", left);
    // One of before could stop what has been moved here since then too late, or never: none is
    // better than one that nobody knows.
    take_will_back();
}

void Agents::take_will_back() {
    if (!parts_.exec->has_will()) return;
    note_failure("last-will-refused", parts_.exec->leave_will({}));
}

bool Agents::hear_of_will(Instant now) {
    if (parts_.exec->has_will()) receive(now);
    return is_overtaken_;
}

void Agents::say_alive(Instant now) {
    if (alive_said_at_ && now < *alive_said_at_ + kAliveInterval) return;
    alive_said_at_ = now;
    parts_.exec->say_alive();
}

}  // namespace xbeat::daemon
