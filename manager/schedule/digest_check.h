// Whether the parameters that an operation was run with are still those configured.
//
// The executor's record carries an MD5 over a canonical XML rendering of the parameters. The
// comparison can only say "changed": a record without digest is never judged.
#pragma once

#include "schedule/history.h"
#include "schedule/world.h"

namespace xbeat::schedule {

enum class Change : std::uint8_t {
    None,
    Reload,   // only parameters that the agent can take in while running
    Restart,  // the resource must be stopped and started
    Other,    // differs, but the record does not say which kind matters
};

/// Compares a record with the present configuration.
[[nodiscard]] Change parameters_changed(World& world, Resource& resource, Node& node,
                                        const Recorded& record);

/// Whether a failed start or monitor was run with other parameters than the present ones.
[[nodiscard]] bool failure_parameters_changed(World& world, Resource& resource, Node& node,
                                              const Recorded& record);

}  // namespace xbeat::schedule
