#include "sys/random.h"

#include <openssl/rand.h>

#include "core/check.h"

namespace xbeat::sys {

std::uint64_t random_number() {
    std::uint64_t value = 0;
    while (value == 0)
        XB_CHECK(::RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
    return value;
}

}  // namespace xbeat::sys
