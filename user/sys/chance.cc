#include "sys/chance.h"

#include <openssl/rand.h>

#include "core/check.h"

namespace xbeat::sys {

std::uint64_t random_number() {
    std::uint64_t value = 0;
    while (value == 0)
        XB_CHECK(::RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
    return value;
}

void random_bytes(std::span<std::uint8_t> bytes) {
    XB_CHECK(::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace xbeat::sys
