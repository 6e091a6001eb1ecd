// What-if questions to the scheduler: edits of a CIB's status, made on a copy in memory.
#pragma once

#include <string>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"
#include "core/time.h"
#include "schedule/plan.h"

namespace xbeat::cli {

struct WhatIf {
    std::vector<std::string> nodes_down;
    std::vector<std::string> nodes_up;
    std::vector<std::string> failures;  // RESOURCE:OPERATION[:INTERVAL]@NODE=RC
    std::vector<std::string> tickets_granted;
    std::vector<std::string> tickets_revoked;
    std::string quorum;  // "yes", "no" or empty: as it is
};

/// Applies all of them to `cib`, the root element; `now` dates what is recorded. Errors:
/// Code::NotFound for an unknown node, Code::Invalid for a text that cannot be understood.
[[nodiscard]] Result<void> apply_what_if(cib::Element& cib, const WhatIf& what_if,
                                         EpochSeconds now);

/// The plan as a graphviz digraph: one node an action, one edge an ordering.
[[nodiscard]] std::string print_dot(const schedule::Plan& plan);

}  // namespace xbeat::cli
