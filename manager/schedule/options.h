// Stage 1: cluster options, from all of their attribute sets and spellings.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Fills world.options. Unknown names are kept and ignored; a value that cannot be read counts as
/// absent.
void unpack_options(World& world);

/// A node health colour or score as the cluster counts it.
[[nodiscard]] Score health_score(const World& world, std::string_view text);

}  // namespace xbeat::schedule
