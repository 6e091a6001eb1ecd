// The fixpoint of stage 9: how the flags of one step change those of the steps around it.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Recomputes `step` from its inputs, and everything that depends on what changed.
void settle(World& world, Step& step);

/// A start or promotion that cannot run keeps mandatory dependents of its resource from theirs.
void block_colocated(World& world, Step& step);

struct Changed {
    bool first = false;
    bool then = false;
    Changed& operator|=(Changed other) {
        first |= other.first;
        then |= other.then;
        return *this;
    }
};

/// Applies one kind of effect between two steps, and to the parts of collective resources.
/// `seen`: the flags of `first` as `then` sees them; `filter`: which of them matter now.
Changed update_pair(World& world, Resource& method, Step& first, Step& then, const Node* node,
                    std::uint32_t seen, std::uint32_t filter, Effects effects);

/// The flags of a resource's step: for collective resources computed from the parts.
[[nodiscard]] std::uint32_t step_flags(Step& step, const Node* node);

}  // namespace xbeat::schedule
