// From map values to what people and the daemon read: events and status.
#pragma once

#include <string>

#include "core/id.h"
#include "heart/heart.h"
#include "heart/store.h"

namespace xbeat::heart {

[[nodiscard]] HeartEvent to_event(const xb_event& record);

[[nodiscard]] PeerStatus peer_status(const Store& store, NodeId node);
/// Without the interface's name and the local address, which the maps do not know by name.
[[nodiscard]] PathStatus path_status(const Store& store, NodeId node, PathId path);
[[nodiscard]] std::vector<Counter> counters(const Store& store);

/// The RTT that `share` per mille of the histogram's entries do not exceed: the upper end of their
/// power-of-two class. 0 for an empty histogram.
[[nodiscard]] Duration quantile(const std::array<std::uint64_t, 64>& histogram,
                                std::uint64_t share);

}  // namespace xbeat::heart
