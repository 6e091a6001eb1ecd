// Stage 8: fencing and shutdown of nodes.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

void schedule_fencing_and_shutdowns(World& world);

/// Orders every resource's steps against one fencing: starts wait, stops there become implied.
void order_against_fencing(World& world, Step& fencing);

/// What an unfencing step carries about the devices it stands for.
void add_unfencing_digests(World& world, Node& node, Step& step, std::string_view action);

}  // namespace xbeat::schedule
