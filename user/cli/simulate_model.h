// Carrying a plan out on a model: every action succeeds (or fails as asked) at once, and what a
// real cluster would record is written into the status of a CIB in memory. Nothing is run.
#pragma once

#include <string>
#include <vector>

#include "cib/xml.h"
#include "cli/what_if.h"
#include "core/result.h"
#include "core/time.h"
#include "schedule/plan.h"

namespace xbeat::cli {

struct ModelRun {
    std::vector<std::string> lines;  // one for each action, in the order in which they were done
    bool has_failed = false;         // an injected failure ended it early
};

/// Does the actions of `plan` in their order and changes the status of `cib`, the root element, as
/// they would. `failures`: operations that fail when their turn comes; the rest of the plan is then
/// left undone, as a new plan would be made. A node that is shut down leaves only if `nodes_leave`:
/// crm_simulate shows it as it was.
[[nodiscard]] ModelRun carry_out(cib::Element& cib, const schedule::Plan& plan, EpochSeconds now,
                                 const std::vector<Failure>& failures, bool nodes_leave);

}  // namespace xbeat::cli
