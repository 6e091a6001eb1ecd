#include "model/md5.h"

#include <array>
#include <bit>
#include <cstdint>

namespace xbeat::model {
namespace {

using State = std::array<std::uint32_t, 4>;

// Round constants and shifts as in RFC 1321, section 3.4: floor(2^32 * abs(sin(i + 1))).
constexpr std::array<std::uint32_t, 64> kSines{
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr std::array<std::array<int, 4>, 4> kShifts{
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

void take_block(State& state, const std::string& data, std::size_t from) {
    std::array<std::uint32_t, 16> words{};
    for (std::size_t at = 0; at < 64; ++at) {
        const auto byte = static_cast<std::uint32_t>(static_cast<unsigned char>(data[from + at]));
        words[at / 4] |= byte << (8U * (at % 4));
    }
    auto [a, b, c, d] = state;
    for (std::size_t step = 0; step < 64; ++step) {
        std::uint32_t mixed = 0;
        std::size_t word = 0;
        if (step < 16) {
            mixed = (b & c) | (~b & d);
            word = step;
        } else if (step < 32) {
            mixed = (d & b) | (~d & c);
            word = (5 * step + 1) % 16;
        } else if (step < 48) {
            mixed = b ^ c ^ d;
            word = (3 * step + 5) % 16;
        } else {
            mixed = c ^ (b | ~d);
            word = (7 * step) % 16;
        }
        mixed += a + kSines[step] + words[word];
        a = d;
        d = c;
        c = b;
        b += std::rotl(mixed, kShifts[step / 16][step % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

}  // namespace

std::string md5_hex(std::string_view data) {
    std::string padded(data);
    padded.push_back(static_cast<char>(0x80));
    while (padded.size() % 64 != 56) padded.push_back('\0');
    const std::uint64_t bits = std::uint64_t{data.size()} * 8;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        padded.push_back(static_cast<char>((bits >> shift) & 0xffU));
    }
    State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    for (std::size_t from = 0; from < padded.size(); from += 64) take_block(state, padded, from);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const std::uint32_t word : state) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            const std::uint32_t byte = (word >> shift) & 0xffU;
            out.push_back(kDigits[byte >> 4U]);
            out.push_back(kDigits[byte & 0xfU]);
        }
    }
    return out;
}

}  // namespace xbeat::model
