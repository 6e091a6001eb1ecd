// Health in ten lines: one sentence, then what needs a person, then the nodes.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/render_resources.h"
#include "cli/render_status.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

using schedule::NodeView;
using schedule::ResourceView;

constexpr std::size_t kLinesMax = 10;  // further problems are counted, not listed

struct Count {
    std::size_t wanted = 0;
    std::size_t running = 0;
};

// What is on a node that cannot be seen does not count as running.
bool is_running(const ResourceView& primitive, const std::vector<NodeView>& nodes) {
    if (primitive.is_failed) return false;
    return std::any_of(nodes.begin(), nodes.end(), [&](const NodeView& node) {
        const auto& places = primitive.nodes;
        return node.online && std::find(places.begin(), places.end(), node.name) != places.end();
    });
}

void count_primitives(const ResourceView& resource, const std::vector<NodeView>& nodes,
                      Count& count) {
    for (const ResourceView& child : resource.children) count_primitives(child, nodes, count);
    if (!resource.children.empty() || resource.is_orphan || resource.is_disabled) return;
    // An anonymous clone's spare instances are no fault; its stopped places show as a problem of
    // the whole clone.
    ++count.wanted;
    if (is_running(resource, nodes)) ++count.running;
}

void node_problems(const StatusInput& input, std::vector<std::string>& problems) {
    for (const NodeView& node : input.situation.nodes) {
        if (node.unclean) {
            problems.push_back(fmt::format(
                "node {} is UNCLEAN: its state is not known until it is fenced ('xbeat node fence "
                "{}', or 'xbeat node confirm {}' if it is surely off)",
                node.name, node.name, node.name));
        } else if (!node.online) {
            problems.push_back(fmt::format("node {} is OFFLINE", node.name));
        } else if (node.standby || node.standby_on_fail) {
            problems.push_back(fmt::format(
                "node {} is in standby ('xbeat node online {}' ends that)", node.name, node.name));
        } else if (node.maintenance) {
            problems.push_back(
                fmt::format("node {} is in maintenance ('xbeat node ready {}' ends that)",
                            node.name, node.name));
        }
    }
}

void peer_problems(const StatusInput& input, std::vector<std::string>& problems) {
    for (const PeerStatus& peer : input.peers) {
        if (peer.state != "alive") {
            problems.push_back(fmt::format("peer {} is {} for {}", peer.name, peer.state,
                                           short_duration(peer.since)));
        }
        if (peer.state == "alive" && !peer.has_channel) {
            problems.push_back(fmt::format("peer {} has no control channel", peer.name));
        }
        for (const LinkStatus& link : peer.links) {
            if (link.is_up || peer.state != "alive") continue;
            problems.push_back(
                fmt::format("link {} to {} is {}", link.name, peer.name, link_text(link)));
        }
    }
}

void resource_problems(const StatusInput& input, std::vector<std::string>& problems) {
    for (const ResourceView& resource : input.situation.resources) {
        Count count;
        count_primitives(resource, input.situation.nodes, count);
        const bool one_is_enough = resource.kind == schedule::ResourceKind::Clone;
        const bool is_short = one_is_enough ? count.running == 0 : count.running < count.wanted;
        if (count.wanted == 0 || !is_short) continue;
        problems.push_back(
            fmt::format("resource {}: {} of {} running", resource.id, count.running, count.wanted));
    }
    const std::size_t failed = input.situation.failed_actions.size();
    if (failed > 0) {
        problems.push_back(
            fmt::format("{} ('xbeat status' shows them, 'xbeat resource cleanup' "
                        "forgets them)",
                        counted(failed, "failed action")));
    }
}

std::vector<std::string> find_problems(const StatusInput& input) {
    std::vector<std::string> problems;
    if (input.activity.starts_with("no safe takeover"))
        problems.push_back(printable(input.activity));
    if (input.activity == "waiting for the peer") {
        problems.emplace_back(
            "this node waits for its peer and starts nothing alone ('xbeat node confirm NODE' if "
            "the peer is surely off)");
    }
    for (const Degradation& one : input.degraded) {
        problems.push_back(fmt::format("degraded: {}: {}", one.what, printable(one.reason)));
    }
    if (input.situation.coordinator.empty()) problems.emplace_back("there is no coordinator");
    if (!input.situation.has_quorum) problems.emplace_back("this partition has no quorum");
    if (input.situation.maintenance_mode) {
        problems.emplace_back("the whole cluster is in maintenance mode");
    }
    node_problems(input, problems);
    peer_problems(input, problems);
    resource_problems(input, problems);
    return problems;
}

std::string headline(const StatusInput& input, std::size_t problems) {
    Count count;
    for (const ResourceView& resource : input.situation.resources)
        count_primitives(resource, input.situation.nodes, count);
    const auto online = std::count_if(input.situation.nodes.begin(), input.situation.nodes.end(),
                                      [](const NodeView& node) { return node.online; });
    const std::string judgement =
        problems == 0 ? "is well" : fmt::format("has {}", counted(problems, "problem"));
    return fmt::format("{} {}: {} of {} online, {} of {} running, coordinator {}",
                       input.cluster.empty() ? "cluster" : input.cluster, judgement, online,
                       counted(input.situation.nodes.size(), "node"), count.running,
                       counted(count.wanted, "resource"),
                       input.situation.coordinator.empty() ? "none" : input.situation.coordinator);
}

std::string timeline_line(const TimelineStatus& last) {
    if (last.phases.empty() || !last.is_finished) {
        return fmt::format("last event: {}{}", printable(last.cause),
                           last.is_finished ? "" : " (under way)");
    }
    return fmt::format("last event: {}, {} in {}, {}", printable(last.cause),
                       last.succeeded ? "succeeded" : "failed",
                       milliseconds_text(last.phases.back().to - last.phases.front().from),
                       calendar_text(last.when));
}

std::vector<std::string> quiet_lines(const StatusInput& input) {
    std::vector<std::string> lines;
    for (const ResourceView& resource : input.situation.resources) {
        const std::vector<std::string> own =
            resource_lines(resource, input.situation.nodes, {.inactive = true}, 2);
        lines.insert(lines.end(), own.begin(), own.end());
    }
    for (const PeerStatus& peer : input.peers) {
        for (const LinkStatus& link : peer.links) {
            lines.push_back(fmt::format("  * {} to {}: {}", link.name, peer.name, link_text(link)));
        }
    }
    return lines;
}

}  // namespace

std::string render_health(const StatusInput& input, const TimelineStatus* last) {
    const std::vector<std::string> problems = find_problems(input);
    std::vector<std::string> body;
    for (const std::string& problem : problems) body.push_back("  ! " + problem);
    const std::vector<std::string> quiet = quiet_lines(input);
    body.insert(body.end(), quiet.begin(), quiet.end());

    std::vector<std::string> tail;
    if (last != nullptr) tail.push_back("  * " + timeline_line(*last));
    tail.emplace_back("'xbeat status -rfA' shows everything, 'xbeat --help' the commands.");

    const std::size_t room = kLinesMax - 1 - tail.size();
    if (body.size() > room) {
        const std::size_t left = body.size() - (room - 1);
        body.resize(room - 1);
        body.push_back(fmt::format("  ... and {} more", counted(left, "line")));
    }
    return fmt::format("{}\n{}{}{}\n", headline(input, problems.size()), fmt::join(body, "\n"),
                       body.empty() ? "" : "\n", fmt::join(tail, "\n"));
}

}  // namespace xbeat::cli
