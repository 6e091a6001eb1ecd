// Stage 7c: notifications: instances of a clone are told before and after its members change.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// The bracket events around a pair of clone pseudo events, for a notifying clone.
void make_notify_brackets(World& world, Resource& clone, Task task, Step& action, Step& complete);

/// The notify operations of all notifying clones, once all other steps exist.
void make_notifications(World& world);

/// Tells the others of a stop that a fencing implies.
void notify_of_fencing(World& world, Step& stop, Resource& resource, Step& fencing);

}  // namespace xbeat::schedule
