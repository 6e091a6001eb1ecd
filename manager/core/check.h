// XB_CHECK: our own bugs. On in every build; a failed check ends the process with the expression.
//
// Never for what comes from outside (files, packets, agents, clients): that is rejected with a
// Result or counted. Ending is safe because the heart and the gate live in the kernel and the peer
// or the supervisor acts.
#pragma once

namespace xbeat {

/// Prints `file:line: check failed: expression` to standard error and aborts.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace xbeat

#define XB_CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::xbeat::check_failed(#condition, __FILE__, __LINE__))
