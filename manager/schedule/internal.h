// Stage 5b: the orderings and colocations that follow from what resources are: restarts, groups,
// instances, containers and connections.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

void add_internal_constraints(World& world);

}  // namespace xbeat::schedule
