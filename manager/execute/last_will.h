// The order in which a node's services would be stopped, kept for a time in which nobody can plan.
//
// A daemon that hangs or died cannot stop what runs when its lease is gone. So it leaves the stops
// with the executor ahead of time: those that the scheduler itself would order if this node were
// to stop everything now. Here they are taken out of such a plan.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "execute/agent_call.h"
#include "schedule/plan.h"

namespace xbeat::execute {

/// One action of a plan that belongs into a last will, and what has to have succeeded before it.
struct WillAction {
    std::uint32_t action = 0;          // of the plan
    std::vector<std::uint32_t> after;  // places in the list, all before this one; ascending
    friend bool operator==(const WillAction&, const WillAction&) = default;
};

/// The stops and demotions of this node in the plan, each after those that it waits for, near or
/// through other actions. What other nodes do, probes, notifications and fencing are left out:
/// nobody waits for them then. Starting a fence device is the manager's own play, so is stopping
/// it. Empty if the plan stops nothing here.
[[nodiscard]] std::vector<WillAction> will_of(const schedule::Plan& plan, std::string_view node);

/// A stop as it is to be run. `call.operation` has no meaning.
struct WillStop {
    RunAgent call;
    std::vector<std::uint32_t> after;  // places in the list, all before this one
    friend bool operator==(const WillStop&, const WillStop&) = default;
};

}  // namespace xbeat::execute
