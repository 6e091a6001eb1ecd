// A pair in trouble and a pair at peace, for tests of displays.
#pragma once

#include "cli/status_input.h"

namespace xbeat::cli::testing {

inline schedule::ResourceView primitive(std::string id, std::string type, std::string node) {
    schedule::ResourceView view;
    view.id = view.display_name = std::move(id);
    view.agent_class = "ocf";
    view.agent_provider = "heartbeat";
    view.agent_type = std::move(type);
    if (!node.empty()) {
        view.role = schedule::RoleView::Started;
        view.nodes = {std::move(node)};
    }
    return view;
}

inline schedule::ResourceView collective(std::string id, schedule::ResourceKind kind,
                                         std::vector<schedule::ResourceView> children) {
    schedule::ResourceView view;
    view.id = view.display_name = std::move(id);
    view.kind = kind;
    view.children = std::move(children);
    view.clone_max = static_cast<std::int32_t>(view.children.size());
    return view;
}

inline schedule::NodeView node(std::string name, std::string id, bool online) {
    schedule::NodeView view;
    view.name = std::move(name);
    view.id = std::move(id);
    view.online = online;
    return view;
}

inline LinkStatus link(std::string name, bool is_up) {
    LinkStatus status;
    status.name = status.interface = std::move(name);
    status.mode = "native";
    status.is_up = is_up;
    status.reason = is_up ? "" : "silent";
    status.rtt_p50 = 12us;
    status.rtt_p99 = 40us;
    status.rtt_max = 900us;
    status.sent = 1000;
    status.answered = 998;
    status.lost = 2;
    status.since = 5min;
    return status;
}

/// pm01 and pm02, group web on pm01, everything well.
inline StatusInput pair_at_peace() {
    using schedule::ResourceKind;
    StatusInput input;
    input.is_live = true;
    input.cluster = "lab";
    input.self = "pm01";
    input.version = "0.1.0";
    input.profile = "metal-fast";
    input.activity = "idle";
    input.mode = "native";
    input.period = 1ms;
    input.updated = {1'700'000'000};
    input.last_change = {
        .time = "Tue Nov 14 22:00:00 2023", .user = "root", .client = "xbeat", .origin = "pm01"};
    schedule::Situation& situation = input.situation;
    situation.coordinator = "pm01";
    situation.has_quorum = true;
    situation.resource_instances = 2;
    situation.nodes = {node("pm01", "1", true), node("pm02", "2", true)};
    situation.resources = {collective(
        "web", ResourceKind::Group,
        {primitive("web-ip", "IPaddr2", "pm01"), primitive("web-server", "nginx", "pm01")})};
    PeerStatus peer;
    peer.name = "pm02";
    peer.state = "alive";
    peer.has_channel = peer.is_member = true;
    peer.since = 2h;
    peer.links = {link("ic0", true), link("ic1", true)};
    input.peers = {peer};
    return input;
}

/// The same pair after web-server failed on pm01, with a clone, a fence and a link down.
inline StatusInput pair_in_trouble() {
    using schedule::ResourceKind;
    StatusInput input = pair_at_peace();
    schedule::Situation& situation = input.situation;
    schedule::ResourceView server = primitive("web-server", "nginx", "pm01");
    server.is_failed = server.is_blocked = true;
    schedule::ResourceView ping0 = primitive("ping:0", "ping", "pm01");
    schedule::ResourceView ping1 = primitive("ping:1", "ping", "");
    ping0.display_name = ping1.display_name = "ping";
    schedule::ResourceView disabled = primitive("spare", "Dummy", "");
    disabled.is_disabled = true;
    disabled.target_role = "Stopped";
    situation.resources = {
        collective("web", ResourceKind::Group, {primitive("web-ip", "IPaddr2", "pm01"), server}),
        collective("pings", ResourceKind::Clone, {ping0, ping1}), disabled};
    situation.nodes[0].attributes = {{"pingd", "1000"}};
    situation.nodes[1].standby = true;
    situation.resource_instances = 5;
    situation.disabled_instances = 1;
    situation.blocked_instances = 1;
    situation.fail_counts = {{.resource = "web-server",
                              .node = "pm01",
                              .count = Score::of(1),
                              .threshold = Score::of(1),
                              .last_failure = EpochSeconds{1'700'000'000}}};
    situation.failed_actions = {{.node = "pm01",
                                 .key = "web-server_monitor_10000",
                                 .resource = "web-server",
                                 .task = "monitor",
                                 .interval_ms = 10'000,
                                 .rc = 7,
                                 .op_status = 0,
                                 .call_id = 42,
                                 .exit_reason = "no process",
                                 .last_rc_change = EpochSeconds{1'700'000'000},
                                 .exec_time_ms = 12,
                                 .queue_time_ms = 0}};
    input.peers[0].links[1] = link("ic1", false);
    input.fence_history = {{.target = "pm02",
                            .action = "reboot",
                            .origin = "pm01",
                            .device = "f2",
                            .outcome = "success",
                            .reason = "",
                            .when = {1'700'000'000}},
                           {.target = "pm02",
                            .action = "off",
                            .origin = "pm01",
                            .device = "f2",
                            .outcome = "failed",
                            .reason = "no answer",
                            .when = {1'700'000'001}}};
    return input;
}

}  // namespace xbeat::cli::testing
