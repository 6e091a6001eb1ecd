// Where the heart's values live: memory that the kernel's programs share with us, or, in UDP mode,
// our own. The rest of user/heart does not know which.
#pragma once

#include <cstdint>
#include <span>

#include "abi/xb_abi.h"

namespace xbeat::heart {

struct Store {
    xb_control* control = nullptr;
    xb_laps* laps = nullptr;
    xb_counters* counters = nullptr;
    std::span<std::uint64_t> roster;  // XB_NODE_MAX places
    std::span<xb_peer> peers;         // by node id
    std::span<xb_path> paths;         // by node id * XB_PATHS_MAX + path
};

/// Another processor may be reading: whole words, and in the order of the program.
template <class Word, class Value>
void publish(Word& word, Value value) {
    __atomic_store_n(&word, static_cast<Word>(value), __ATOMIC_RELEASE);
}
template <class Word>
Word observe(const Word& word) {
    return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}

[[nodiscard]] constexpr std::size_t place_of(std::uint16_t node, std::uint8_t path) {
    return std::size_t{node} * XB_PATHS_MAX + path;
}

}  // namespace xbeat::heart
