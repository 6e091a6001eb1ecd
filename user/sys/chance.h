// Numbers that nobody can guess, and that no other life of anything has.
//
// Not called random.h: with -I user, <sys/random.h> would be this file.
#pragma once

#include <cstdint>
#include <span>

namespace xbeat::sys {

/// 64 bits from OpenSSL's generator, never 0. Aborts if there is no randomness.
[[nodiscard]] std::uint64_t random_number();

/// Fills all of `bytes` from it. Aborts likewise.
void random_bytes(std::span<std::uint8_t> bytes);

}  // namespace xbeat::sys
