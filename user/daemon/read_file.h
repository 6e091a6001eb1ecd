// Reading the two small files that a daemon starts from: its configuration and the cluster key.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"

namespace xbeat::daemon {

/// The whole file. Errors: NotFound, Denied, Limit past `bytes_max`, Invalid for anything but a
/// regular file, System.
[[nodiscard]] Result<std::string> read_file(const std::string& file, std::size_t bytes_max);

}  // namespace xbeat::daemon
