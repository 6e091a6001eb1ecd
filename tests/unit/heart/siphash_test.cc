#include "xb_siphash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>

namespace xbeat::heart {
namespace {

// The key of the published vectors: the bytes 00, 01, ... 0f.
constexpr __u64 kKey[2] = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};

std::array<std::uint8_t, 64> counting_bytes() {
    std::array<std::uint8_t, 64> bytes{};
    for (std::size_t i = 0; i < bytes.size(); i++) bytes.at(i) = static_cast<std::uint8_t>(i);
    return bytes;
}

std::uint64_t by_openssl(const std::uint8_t* bytes, std::size_t length) {
    EVP_MAC* mac = ::EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
    EVP_MAC_CTX* context = ::EVP_MAC_CTX_new(mac);
    unsigned int size = 8;
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
                                     OSSL_PARAM_construct_end()};
    std::uint64_t tag = 0;
    std::size_t written = 0;
    const auto* key = reinterpret_cast<const unsigned char*>(kKey);
    EXPECT_EQ(::EVP_MAC_init(context, key, sizeof kKey, parameters), 1);
    EXPECT_EQ(::EVP_MAC_update(context, bytes, length), 1);
    EXPECT_EQ(
        ::EVP_MAC_final(context, reinterpret_cast<unsigned char*>(&tag), &written, sizeof tag), 1);
    EXPECT_EQ(written, sizeof tag);
    ::EVP_MAC_CTX_free(context);
    ::EVP_MAC_free(mac);
    return tag;
}

// Appendix A of "SipHash: a fast short-input PRF" and the first of the authors' list.
TEST(SipHash, GivesThePublishedTags) {
    const auto bytes = counting_bytes();
    EXPECT_EQ(xb_siphash_bytes(kKey, bytes.data(), 15), 0xa129ca6149be45e5U);
    EXPECT_EQ(xb_siphash_bytes(kKey, bytes.data(), 0), 0x726fdb47dd0e0e31U);
    EXPECT_EQ(xb_siphash_bytes(kKey, bytes.data(), 1), 0x74f839c593dc67fdU);
}

TEST(SipHash, AgreesWithOpensslAtEachLengthOfTheOfficialVectors) {
    const auto bytes = counting_bytes();
    for (std::size_t length = 0; length < bytes.size(); length++) {
        EXPECT_EQ(xb_siphash_bytes(kKey, bytes.data(), length), by_openssl(bytes.data(), length))
            << "length " << length;
    }
}

TEST(SipHash, GivesABeatTheTagOfItsBytes) {
    xb_beat beat{};
    beat.magic = XB_BEAT_MAGIC;
    beat.sequence = 0x0123456789abcdefU;
    beat.executor_progress = 77;
    std::array<std::uint8_t, sizeof beat> bytes{};
    std::memcpy(bytes.data(), &beat, sizeof beat);

    EXPECT_EQ(xb_beat_mac(&beat, kKey), xb_siphash_bytes(kKey, bytes.data(), sizeof beat - 8));
}

}  // namespace
}  // namespace xbeat::heart
