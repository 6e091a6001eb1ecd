// The readable forms of a simulation, laid out as crm_simulate's users know them.
//
// Pure: from a situation and a plan with its explanation to text.
#pragma once

#include <string>

#include "cib/xml.h"
#include "core/time.h"
#include "schedule/explanation.h"
#include "schedule/plan.h"

namespace xbeat::cli {

/// "1 of 2 resource instances DISABLED and 0 BLOCKED ..." if any is, else empty.
[[nodiscard]] std::string instances_notice(const cib::Element& cib, EpochSeconds now);

/// Nodes and resources under `heading`.
[[nodiscard]] std::string simulated_status(std::string_view heading, const cib::Element& cib,
                                           EpochSeconds now);

/// "Transition Summary:", a line for every node that is fenced and every resource that changes,
/// with the reason where there is a short one.
[[nodiscard]] std::string transition_summary(const schedule::Plan& plan,
                                             const schedule::Explanation& explanation);

/// The plan as a graphviz digraph: one node an action, one edge an ordering.
[[nodiscard]] std::string print_dot(const schedule::Plan& plan);

}  // namespace xbeat::cli
