// Reading a file of keys, checked before it is believed: whose it is and who else may read it.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"

namespace xbeat::sys {

/// The whole of a regular file with mode 0400 or 0600 that belongs to root or to who runs this
/// process. The caller wipes what it is given. Errors say what to do: NotFound (with no advice:
/// that is the caller's), Denied (owner, mode, permission), Invalid (symbolic link, no regular
/// file), Limit past `bytes_max`, System.
[[nodiscard]] Result<std::string> read_secret_file(const std::string& file, std::size_t bytes_max);

}  // namespace xbeat::sys
