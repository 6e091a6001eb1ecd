// Stage 10: the steps that are to happen, as a Plan.
#pragma once

#include "schedule/plan.h"
#include "schedule/world.h"

namespace xbeat::schedule {

[[nodiscard]] Plan make_plan(World& world);

/// The cluster node through which a step on a remote or guest node is run, or null.
[[nodiscard]] const Node* router_of(const Step& step);

}  // namespace xbeat::schedule
