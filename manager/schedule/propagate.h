// Stage 9: orderings become edges, and flags flow along them until nothing changes.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Turns all queued orderings into edges, then settles every step's flags.
void apply_orderings(World& world);

/// What an ordered-after step sees of a step: for collective resources the sum of their parts.
[[nodiscard]] std::uint32_t flags_for_ordering(Step& step, const Node* node);

}  // namespace xbeat::schedule
