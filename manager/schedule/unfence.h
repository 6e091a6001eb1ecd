// Unfencing: nodes must be switched on again by a fence device before resources use them.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Orders stops before, and starts after, the unfencing of every node a resource may use.
void order_unfencing(World& world, Resource& resource);

/// Makes `step` wait for the unfencing of `node`, if the resource needs it.
void order_after_unfencing(World& world, Resource& resource, Node* node, Step& step,
                           Effects effects);

/// Unfences the node anew because `device`, if it is a fence device, is not what it was.
void trigger_unfencing(World& world, Resource& device, Node& node, std::string_view why);

}  // namespace xbeat::schedule
