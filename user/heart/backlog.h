// Lets the tick know which processors owe receive work (backlog.bpf.c): attaching and pinning.
//
// An aid, not a need: where the tracepoints are refused, the heart beats and judges without it, and
// status says so.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace xbeat::heart::backlog {

/// How many processors are looked at: all that may ever be online, at most XB_CPUS_MAX; 1 if the
/// kernel does not say.
[[nodiscard]] std::uint32_t processors();

/// True if the programs run that an earlier process attached and pinned in that folder.
[[nodiscard]] bool is_attached(const std::string& pin_dir);

/// Attaches the programs to the softirq tracepoints and pins the links; `map` is xb_backlog. What
/// was pinned there before is let go. Errors: System.
Result<void> attach(const std::string& pin_dir, int map);

/// Lets go of the pins, and so of the programs.
void remove(const std::string& pin_dir);

/// FNV-1a of the object as built, begun with `hash`.
[[nodiscard]] std::uint64_t program_id(std::uint64_t hash);

}  // namespace xbeat::heart::backlog
