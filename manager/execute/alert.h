// Alerts: which configured agents hear of an event, and with which variables.
//
// A pure expansion of the configuration's <alerts>: one run for each recipient of each enabled
// alert that selects the event's kind, in the configuration's order. The agents' interface is
// Pacemaker's (CRM_alert_*), so that its alert agents run unmodified; the time stamps are filled in
// by the host, which knows the time zone. Source: "Pacemaker Explained", chapter "Alerts".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cib/xml.h"
#include "execute/agent_call.h"

namespace xbeat::execute {

enum class AlertKind : std::uint8_t { Node, Fencing, Resource, Attribute };

struct AlertEvent {
    AlertKind kind = AlertKind::Node;
    std::string node;
    std::string node_id;  // empty where there is none to tell
    std::string description;
    std::string attribute;                                       // the name, of attribute events
    std::vector<std::pair<std::string, std::string>> variables;  // further ones, without the prefix
};

/// The class of such runs: `type` is the agent's absolute path, `resource` the alert's id,
/// `parameters` its whole environment but for CRM_alert_timestamp, _timestamp_epoch and
/// _timestamp_usec, for whose form `action` is the format (of strftime(3), and %N as date(1) has).
inline constexpr std::string_view kAlertClass = "alert";

/// The runs for one event, at most kAlertsMax, without operation numbers. Empty without alerts.
/// `sequence`: CRM_alert_node_sequence.
[[nodiscard]] std::vector<RunAgent> alert_runs(const cib::Element& cib, const AlertEvent& event,
                                               std::uint64_t sequence);

/// True if any alert is configured at all: what else an event needs is then worth finding out.
[[nodiscard]] bool has_alerts(const cib::Element& cib);

}  // namespace xbeat::execute
