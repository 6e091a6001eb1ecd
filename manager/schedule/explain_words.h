// The words of an explanation: what a step is called, and why a resource has the role and the place
// that it has.
#pragma once

#include <string>
#include <string_view>

#include "schedule/world.h"

namespace xbeat::schedule {

/// "offline", "in standby", ...; empty if the node can be used.
[[nodiscard]] std::string_view unusable_because(const Node& node);

/// "start of web on pm01", "fencing of pm02"; events are called by what they complete.
[[nodiscard]] std::string name_of(const Step& step);

/// Why the role that it is to have is not a better one: "its target-role is Stopped". Empty if it
/// is to run, and to be promoted if it can be.
[[nodiscard]] std::string restraint_of(const World& world, const Resource& resource);

/// Why no node can be fenced; empty if nothing is in the way.
[[nodiscard]] std::string_view no_fencing_because(const ClusterOptions& options);

/// Why nothing is done to it: of what is blocked, and of what is not managed. Empty if it is
/// managed.
[[nodiscard]] std::string unmanaged_because(const World& world, const Resource& resource);

}  // namespace xbeat::schedule
