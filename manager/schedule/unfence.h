// Unfencing: nodes must be switched on again by a fence device before resources use them.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Orders stops before, and starts after, the unfencing of every node a resource may use.
void order_unfencing(World& world, Resource& resource);

/// Makes `step` wait for the unfencing of `node`, if the resource needs it.
void order_after_unfencing(World& world, Resource& resource, Node* node, Step& step,
                           Effects effects);

/// Schedules unfencing where a device or its definition changed. `dependency`: a step to wait for.
void trigger_unfencing(World& world, Resource* resource, Node& node, Step* dependency);

}  // namespace xbeat::schedule
