// Stages 1 to 3: a CIB becomes a World: options, nodes, resources, status.
#pragma once

#include "schedule/schedule.h"
#include "schedule/world.h"

namespace xbeat::schedule {

/// Fills an empty World. `cib` must outlive it.
void unpack(World& world, const cib::Element& cib, const Options& options);

}  // namespace xbeat::schedule
