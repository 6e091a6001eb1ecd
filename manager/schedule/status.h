// Stage 3: the status section: tickets, the state of every node, and then their histories.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

void unpack_status(World& world);

/// Recomputes whether a remote or guest node is up, from its connection and container.
void judge_remote_node(Node& node);

}  // namespace xbeat::schedule
