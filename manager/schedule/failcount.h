// Fail counts: transient attributes of nodes, with expiry.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

struct FailCount {
    Score count;
    std::int64_t last_failure = 0;  // epoch seconds, 0 if none
};

/// The fail count of `resource` on `node`. `effective`: an expired count is 0. `with_launched`:
/// what the resource launches counts as well. `operation`: the record being judged, if any.
[[nodiscard]] FailCount fail_count(World& world, Resource& resource, const Node& node,
                                   bool effective, bool with_launched,
                                   const cib::Element* operation = nullptr);

/// Whether failures forbid the resource (or its whole anonymous clone: `*banned`) on the node.
[[nodiscard]] bool threshold_reached(World& world, Resource& resource, const Node& node,
                                     Resource** banned);

}  // namespace xbeat::schedule
