#include "daemon/assemble.h"

#include <algorithm>

#include "sys/stable_hash.h"

namespace xbeat::daemon {

heart::Options heart_options(const Config& config, const heart::Secret& secret,
                             const std::string& run_dir) {
    heart::Options options;
    options.self = config.self;
    options.cluster_tag = sys::stable_hash(config.cluster);
    options.secret = secret;
    options.period = config.timing.period;
    options.k_suspect = config.timing.suspect;
    options.k_dead = config.timing.dead;
    options.stall_after = config.timing.stall_after;
    options.port = config.port;
    options.pin_dir = run_dir + "/bpf";
    options.mode = config.heart_mode;
    if (config.self_node().links.empty()) {
        // A node on its own beats for nobody: the least that a heart can be.
        options.mode = heart::Mode::Udp;
        options.period = 100ms;
        options.stall_after = 1s;
        options.links = {{.path = PathId{0},
                          .interface = "lo",
                          .local = *heart::IpAddress::parse("127.0.0.1"),
                          .vlan = 0}};
    }
    std::uint8_t path = 0;
    for (const LinkConfig& link : config.self_node().links)
        options.links.push_back({.path = PathId{path++},
                                 .interface = link.interface,
                                 .local = link.address,
                                 .vlan = link.vlan});
    for (const NodeConfig& node : config.nodes) {
        if (node.id == config.self) continue;
        heart::PeerOptions peer{.node = node.id, .paths = {}};
        path = 0;
        for (const LinkConfig& link : node.links)
            peer.paths.push_back({.path = PathId{path++}, .remote = link.address});
        options.peers.push_back(std::move(peer));
    }
    return options;
}

net::Peers::Options peers_options(const Config& config, const heart::Secret& secret) {
    net::Peers::Options options;
    options.cluster = config.cluster;
    options.self = config.self;
    options.port = config.port;
    options.secret = secret;
    // Longer than any verdict that may follow, so that a path that comes back finds its connection.
    options.user_timeout = std::clamp<Duration>(2 * config.timing.tau(), 2s, 30s);
    for (const LinkConfig& link : config.self_node().links)
        options.addresses.push_back(link.address);
    for (const NodeConfig& node : config.nodes) {
        if (node.id == config.self) continue;
        net::Peers::Peer peer{.id = node.id, .name = node.name, .addresses = {}};
        for (const LinkConfig& link : node.links) peer.addresses.push_back(link.address);
        options.peers.push_back(std::move(peer));
    }
    return options;
}

node::Options node_options(const Config& config, std::uint64_t seed) {
    node::Options options;
    options.self = config.self;
    options.cluster = config.cluster;
    options.arbiter = config.arbiter.kind;
    options.exclusivity = config.arbiter.lease;
    // Longer than a verdict takes, so that it comes first.
    options.lease = std::max(2 * config.timing.tau(), kGrantMin);
    // With a lease the standby has to wait for the end of the peer's anyway: what is left of it
    // after a verdict costs nothing. See docs/decisions/0065.
    const bool has_lease = arbiter::hands_out_leases(config.arbiter.kind);
    const Duration usual = has_lease ? options.lease - config.timing.tau() : kFenceHandicap;
    options.handicap = config.arbiter.handicap.value_or(std::max(usual, 4 * config.timing.period));
    options.stall_limit = config.timing.stall_limit;
    options.unsafe_takeover = config.unsafe_takeover;
    options.seed = seed;
    for (const NodeConfig& node : config.nodes) {
        node::NodeName name{.id = node.id, .name = node.name, .paths = {}};
        for (const LinkConfig& link : node.links) name.paths.push_back(link.name);
        options.nodes.push_back(std::move(name));
    }
    return options;
}

}  // namespace xbeat::daemon
