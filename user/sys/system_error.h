// A failed system call as an Error: what was attempted, the kernel's words, and the errno for who
// decides on it.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "core/result.h"

namespace xbeat::sys {

/// Code::System with "CONTEXT: Permission denied". `error` is a positive errno value; by default
/// the current one.
[[nodiscard]] Error system_error(std::string_view context, int error = errno);

/// The kernel's words for a positive errno value, thread-safe.
[[nodiscard]] std::string error_text(int error);

}  // namespace xbeat::sys
