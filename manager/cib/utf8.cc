#include "cib/utf8.h"

#include <cstdint>
#include <cstring>

namespace xbeat::cib {
namespace {

constexpr std::uint8_t byte_at(std::string_view text, std::size_t at) {
    return static_cast<std::uint8_t>(text[at]);
}

constexpr bool is_good_ascii(std::uint8_t byte) {
    return byte >= 0x20 ? byte != 0x7f : byte == '\t' || byte == '\n' || byte == '\r';
}

// The length of the sequence that begins here, 0 if it is malformed.
std::size_t sequence_length(std::string_view text, std::size_t at) {
    const std::uint8_t first = byte_at(text, at);
    const std::size_t length = first >= 0xf0 ? 4U : first >= 0xe0 ? 3U : 2U;
    if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return 0;
    const std::uint8_t second = byte_at(text, at + 1);
    const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        const std::uint8_t next = byte_at(text, at + i);
        if (next < 0x80 || next > 0xbf) return 0;
    }
    return length;
}

// Eight printable ASCII bytes at once: nearly all of a configuration is that. A byte has its mark
// (the top bit) set if it is past ASCII, below a blank, or a delete.
bool are_eight_printable(const char* bytes) {
    constexpr std::uint64_t kOnes = 0x0101010101010101U;
    constexpr std::uint64_t kTops = 0x8080808080808080U;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    if ((word & kTops) != 0) return false;
    // With all tops clear no sum or difference below carries into the next byte.
    const std::uint64_t below_blank = ~((word | kTops) - kOnes * 0x20);
    const std::uint64_t is_delete = word + kOnes;
    return ((below_blank | is_delete) & kTops) == 0;
}

}  // namespace

std::optional<std::size_t> find_bad_byte(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (text.size() - at >= sizeof(std::uint64_t) && are_eight_printable(text.data() + at)) {
            at += sizeof(std::uint64_t);
            continue;
        }
        if (byte_at(text, at) < 0x80) {
            if (!is_good_ascii(byte_at(text, at))) return at;
            ++at;
            continue;
        }
        const std::size_t length = sequence_length(text, at);
        if (length == 0) return at;
        at += length;
    }
    return std::nullopt;
}

}  // namespace xbeat::cib
