// From the node's configuration to the options of each part.
#pragma once

#include <string>

#include "daemon/config.h"
#include "heart/heart.h"
#include "net/peers.h"
#include "node/node.h"

namespace xbeat::daemon {

[[nodiscard]] heart::Options heart_options(const Config& config, const heart::Secret& secret,
                                           const std::string& run_dir);
[[nodiscard]] net::Peers::Options peers_options(const Config& config, const heart::Secret& secret);
/// `seed`: random, for everything random in the manager.
[[nodiscard]] node::Options node_options(const Config& config, std::uint64_t seed);

}  // namespace xbeat::daemon
