// Stage 8: fencing and shutdown of nodes.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

void schedule_fencing_and_shutdowns(World& world);

/// Orders every resource's steps against one fencing: starts wait, stops there become implied.
void order_against_fencing(World& world, Step& fencing);

/// Writes into a fencing step what the unfencing devices are configured with. True if the node was
/// unfenced by devices with another configuration.
bool add_unfencing_digests(World& world, Node& node, Step& step);

}  // namespace xbeat::schedule
