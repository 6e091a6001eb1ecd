// The lease of this node as the gate's programs see it, for a process that has no heart of its own.
#pragma once

#include <string>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::heart {

struct LeaseReading {
    Instant granted_until{};    // by the peer's reflections
    Instant exclusive_until{};  // by the arbiter; Instant::max(): without end

    /// Packets of managed addresses pass the gate at that moment.
    [[nodiscard]] bool is_open(Instant now) const;
};

/// Reads the pinned maps once. `peer`: whose grants count; 0: nobody's. Errors: NotFound if no gate
/// or no heart is pinned in that folder; Corrupt if what is there is of another ABI.
[[nodiscard]] Result<LeaseReading> read_lease(const std::string& pin_dir, NodeId peer);

}  // namespace xbeat::heart
