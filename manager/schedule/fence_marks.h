// Marking nodes for fencing, and the fencing steps themselves.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Whether fencing of `node` can be carried out from this partition.
[[nodiscard]] bool can_fence(const World& world, const Node* node);

/// Marks the node as unclean; a guest's container is to be recovered instead. `priority_delay`: the
/// loss is of a kind for which priority-fencing-delay counts.
void mark_for_fencing(World& world, Node& node, std::string_view why, bool priority_delay);

/// The fencing step of a node; `action` empty for the cluster's. Made if there is none.
Step& fence_step(World& world, Node& node, std::string_view action, bool optional,
                 std::string_view why, bool priority_delay);

/// The fencing step that exists already, or null.
[[nodiscard]] Step* find_fence_step(const World& world, const Node& node);

}  // namespace xbeat::schedule
