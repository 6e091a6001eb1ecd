// The replies to questions, as lines of JSON: what docs/control-protocol.md promises.
//
// Everything is read here at the moment of asking; nothing is decided.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cib/part.h"
#include "control/protocol.h"
#include "core/time.h"
#include "daemon/config.h"
#include "daemon/lease_guard.h"
#include "heart/heart.h"
#include "net/peers.h"
#include "node/node.h"
#include "store/past.h"
#include "store/store.h"

namespace xbeat::daemon {

constexpr std::string_view kVersion = "0.1.0";

/// What the daemon knows about itself beside its parts.
struct SelfReport {
    Instant started{};
    std::string reflex;        // what its thread got
    std::string watch;         // how process exits are seen
    std::string memory;        // "locked", or why not
    std::string store = "ok";  // or why the last writes failed
    int executor_pid = 0;      // 0 if it does not run
    std::uint64_t executor_restarts = 0;
    std::uint64_t events_dropped = 0;
    std::uint64_t control_refused = 0;
    std::uint64_t channel_refused = 0;
    std::vector<node::Degraded> degraded;  // what is wrong now
};

/// Everything that is read for an answer; borrowed for one call.
struct Sources {
    const Config& config;
    const node::Node& node;
    const heart::Heart& heart;
    const net::Peers& peers;
    const LeaseGuard& guard;
    const SelfReport& self;
    Instant now;
};

[[nodiscard]] nlohmann::json lease_json(const Sources& sources);  // a part of answer_status()
[[nodiscard]] nlohmann::json answer_ping(const Sources& sources, control::Role role);
[[nodiscard]] nlohmann::json answer_status(const Sources& sources, control::Role role,
                                           const cib::Part& part);
[[nodiscard]] nlohmann::json answer_cib(const Sources& sources, control::Role role,
                                        const cib::Part& part);
/// Transient attributes of all nodes. For viewers the values of secret ones are replaced.
[[nodiscard]] nlohmann::json answer_attributes(const Sources& sources, control::Role role);
/// A list of the past, or one entry with its document (secrets as for print_cib()).
[[nodiscard]] nlohmann::json answer_history(const store::PastAnswer& answer, control::Role role);
[[nodiscard]] nlohmann::json answer_timeline(const Sources& sources);
[[nodiscard]] nlohmann::json answer_heart(const Sources& sources);
[[nodiscard]] nlohmann::json answer_events(const store::EventAnswer& answer);
[[nodiscard]] nlohmann::json event_json(const store::EventRow& row);

/// One line: with `echo` (JSON text, may be empty) as `id`, and the line's end. Bytes that are no
/// UTF-8 are replaced.
[[nodiscard]] std::string print_line(nlohmann::json reply, std::string_view echo);

/// The CIB as text: for viewers with the values of secret parameters replaced.
[[nodiscard]] std::string print_cib(const cib::Element& cib, control::Role role);

}  // namespace xbeat::daemon
