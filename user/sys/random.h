// Numbers that nobody can guess, and that no other life of anything has.
#pragma once

#include <cstdint>

namespace xbeat::sys {

/// 64 bits from OpenSSL's generator, never 0. Aborts if there is no randomness.
[[nodiscard]] std::uint64_t random_number();

}  // namespace xbeat::sys
