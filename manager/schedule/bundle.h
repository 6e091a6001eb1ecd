// Bundles: containers with addresses, connections and one resource inside, expanded to primitives.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Expands a <bundle> into its replicas. False if it cannot be used.
bool unpack_bundle(World& world, Resource& bundle);

/// The replica of `bundle` whose guest node is `node`, or null.
[[nodiscard]] Replica* replica_on(const Resource& bundle, const Node& node);

}  // namespace xbeat::schedule
