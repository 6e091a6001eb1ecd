// What a thread needs to be on time: a real-time priority and memory that is never paged out.
//
// Both may be refused (containers, limits): that is told and shown, never fatal, since the beats do
// not depend on it.
#pragma once

#include "core/result.h"

namespace xbeat::sys {

/// SCHED_FIFO for the calling thread, with the flag that children do not inherit it (sched(7)).
/// `priority`: 1..99. Code::System with EPERM where RLIMIT_RTPRIO or the control group forbid it.
Result<void> become_realtime(int priority);

/// Locks the memory of the process as it is touched (mlockall(2) with MCL_ONFAULT: what is never
/// used costs nothing). Code::System where RLIMIT_MEMLOCK forbids it.
Result<void> lock_memory();

/// Lets glibc's heap give back what large configurations needed, and share its arenas between
/// threads: an idle daemon stays small (mallopt(3)). To be called before the first thread.
void keep_heap_small();

/// The resident memory of this process in bytes; 0 if /proc does not tell.
[[nodiscard]] std::size_t resident_bytes();

}  // namespace xbeat::sys
