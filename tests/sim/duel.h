// Arbiters alone: two nodes that ask for nothing but the lease (rivals.h).
#pragma once

#include "tests/sim/chaos.h"

namespace xbeat::xsim {

[[nodiscard]] Outcome duel_over_witness(const RunOptions& options);
[[nodiscard]] Outcome duel_over_disk(const RunOptions& options);

}  // namespace xbeat::xsim
