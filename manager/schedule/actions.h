// Stage 7: the steps that bring every resource from its present role and node to the wanted ones.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

void create_actions(World& world);

/// Probes: what runs where is not known.
void create_probes(World& world);

/// Recurring operations of a primitive: started, kept or cancelled.
void create_recurring(World& world, Resource& resource);
/// A step that cancels a recurring operation on a node.
Step& make_cancel(World& world, Resource& resource, Node& node, Task task,
                  std::int64_t interval_ms);

/// Live migration instead of stop and start.
void create_migration(World& world, Resource& resource, Node* current);

/// Reacts to changed parameters and removed operations and resources found in the history.
void handle_changed_configuration(World& world);

/// Erases a resource's history on a node, between its stop and its next start.
void schedule_cleanup(World& world, Resource& resource, Node& node, bool optional);

/// Whether the node is a remote one whose connection failed and will not be tried again.
[[nodiscard]] bool is_connection_lost(const Node& node);

/// Steps on remote and guest nodes wait for their connections.
void order_remote_steps(World& world);

}  // namespace xbeat::schedule
