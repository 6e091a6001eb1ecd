// Stage 10: the steps that are to happen, as a Plan.
#pragma once

#include "schedule/plan.h"
#include "schedule/world.h"

namespace xbeat::schedule {

[[nodiscard]] Plan make_plan(World& world);

/// Whether an ordering still says something of `step`, one of whose inputs it is, now that all
/// flags are known.
[[nodiscard]] bool edge_counts(const Step& step, const Edge& edge);

/// The cluster node through which a step on a remote or guest node is run, or null.
[[nodiscard]] const Node* router_of(const Step& step);

}  // namespace xbeat::schedule
