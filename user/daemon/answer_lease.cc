// How the lease and the gate stand, for `status`.
#include <nlohmann/json.hpp>

#include "daemon/answers.h"

namespace xbeat::daemon {

namespace {

nlohmann::json until_json(Instant until) {
    if (until == Instant::max()) return "without end";
    return until.time_since_epoch().count();
}

nlohmann::json gate_json(const heart::GateStatus& gate) {
    nlohmann::json nics = nlohmann::json::array();
    for (const heart::GateNic& nic : gate.nics) {
        nics.push_back({{"interface", nic.interface},
                        {"inbound", heart::to_string(nic.inbound)},
                        {"outbound", nic.outbound ? "tc" : "none"},
                        {"is_armed", nic.is_armed()},
                        {"trouble", nic.trouble}});
    }
    nlohmann::json managed = nlohmann::json::array();
    for (const heart::IpAddress& address : gate.managed)
        managed.push_back(heart::to_string(address));
    nlohmann::json counters = nlohmann::json::object();
    for (const heart::Counter& counter : gate.counters)
        counters[std::string(counter.name)] = counter.value;
    return {{"is_open", gate.is_open},
            {"nics", std::move(nics)},
            {"managed", std::move(managed)},
            {"passed_in_ns", gate.passed_in.time_since_epoch().count()},
            {"passed_out_ns", gate.passed_out.time_since_epoch().count()},
            {"counters", std::move(counters)}};
}

}  // namespace

nlohmann::json lease_json(const Sources& sources) {
    const node::LeaseView lease = sources.node.lease();
    nlohmann::json out = {{"is_used", lease.is_used},
                          {"arbiter", arbiter::to_string(lease.arbiter)},
                          {"watchdog", sources.guard.watchdog()}};
    if (!lease.is_used) return out;
    const auto gate = sources.guard.status();
    const Instant granted = gate ? gate->granted_until : lease.granted_until;
    out["standing"] = lease.standing;
    out["granted_until_ns"] = until_json(granted);
    out["exclusive_until_ns"] = until_json(lease.exclusive_until);
    out["granting_ns"] = lease.granting.count();
    out["arbiter_said"] = lease.arbiter_said;
    if (lease.peer_until) out["peer_until_ns"] = until_json(*lease.peer_until);
    if (gate) out["gate"] = gate_json(*gate);
    return out;
}

}  // namespace xbeat::daemon
