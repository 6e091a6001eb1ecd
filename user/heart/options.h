// The heart's options: whether they make sense, and how they stand in the maps.
#pragma once

#include "core/result.h"
#include "heart/heart.h"
#include "heart/store.h"

namespace xbeat::heart {

/// Errors: Invalid, with the option's name and its range.
Result<void> check_options(const Options& options);

/// Writes what is derived from the options into `control`, and, if the heart is new, a random
/// incarnation. Errors: System if there is no randomness.
Result<void> write_control(const Options& options, const Store& store, bool is_new);

/// Writes which peers and paths there are. Peers that are not in the options any more are
/// forgotten.
void write_roster(const Options& options, const Store& store);

}  // namespace xbeat::heart
