// The cluster's key: 32 random bytes in a file that only its owner can read.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"

namespace xbeat::cli {

constexpr std::size_t kKeyBytes = 32;

/// Writes a new key (from OpenSSL's generator) to `file`, mode 0400, synced to the disk. An
/// existing file is never touched: Code::Exists. If writing fails nothing is left behind. Other
/// errors: Code::System.
[[nodiscard]] Result<void> write_new_key(const std::string& file);

}  // namespace xbeat::cli
