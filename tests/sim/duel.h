// The witness alone: two nodes that claim, renew and release its lease as often as they like, over
// a network that does everything, with clocks as far apart as they may be, and a witness that dies.
//
// No manager and no beats: what is tested is that never two nodes believe to hold the lease at one
// instant of true time. The nodes are nastier than the manager, which asks only with a reason.
#pragma once

#include "tests/sim/chaos.h"

namespace xbeat::xsim {

[[nodiscard]] Outcome run_duel(const RunOptions& options);

}  // namespace xbeat::xsim
