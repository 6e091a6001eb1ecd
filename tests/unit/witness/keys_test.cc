#include "witness/keys.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "xb_siphash128.h"

namespace xbeat::witness {
namespace {

const std::array<std::uint8_t, 32> kSecret{1, 2, 3};

std::string line(std::string_view name, char id = '1', char key = 'a') {
    return std::string(name) + " " + std::string(16, id) + " " + std::string(64, key) + "\n";
}

/// OpenSSL's SIPHASH with a 16-byte tag: another implementation of the same function.
std::array<std::uint8_t, 16> openssl_tag(const std::array<std::uint8_t, 16>& key,
                                         std::span<const std::uint8_t> bytes) {
    std::array<std::uint8_t, 16> tag{};
    EVP_MAC* const mac = ::EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
    EVP_MAC_CTX* const context = ::EVP_MAC_CTX_new(mac);
    std::size_t size = tag.size();
    const std::array<OSSL_PARAM, 2> parameters{
        ::OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), ::OSSL_PARAM_construct_end()};
    EXPECT_EQ(::EVP_MAC_init(context, key.data(), key.size(), parameters.data()), 1);
    EXPECT_EQ(::EVP_MAC_update(context, bytes.data(), bytes.size()), 1);
    EXPECT_EQ(::EVP_MAC_final(context, tag.data(), &size, tag.size()), 1);
    ::EVP_MAC_CTX_free(context);
    ::EVP_MAC_free(mac);
    return tag;
}

TEST(WitnessKeys, TheTagIsSipHashWith128Bits) {
    // The reference implementation's first vectors: key 00..0f, input 00 01 02 ...
    const std::array<__u64, 2> key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
    const std::array<__u64, 1> input{0x0706050403020100ULL};

    const xb_tag128 empty = ::xb_siphash128_words(key.data(), input.data(), 0);
    const xb_tag128 eight = ::xb_siphash128_words(key.data(), input.data(), 1);

    EXPECT_EQ(empty.low, 0xe6a825ba047f81a3ULL);
    EXPECT_EQ(empty.high, 0x930255c71472f66dULL);
    EXPECT_EQ(eight.low, 0x61f55862baa9623bULL);
    EXPECT_EQ(eight.high, 0xb49714f364e2830fULL);
}

TEST(WitnessKeys, TheTagAgreesWithAnotherImplementation) {
    std::array<std::uint8_t, 16> raw{};
    TagKey key;
    for (std::uint8_t run = 0; run < 100; ++run) {
        wire::WitnessDatagram datagram{};
        for (std::size_t i = 0; i < datagram.size(); ++i)
            datagram[i] = static_cast<std::uint8_t>(i * 7 + run);
        for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::uint8_t>(run ^ i);
        for (std::size_t word = 0; word < 2; ++word) {
            key.words[word] = 0;
            for (std::size_t i = 0; i < 8; ++i)
                key.words[word] |= std::uint64_t{raw[8 * word + i]} << (8 * i);
        }

        seal(datagram, key);

        const auto wanted = openssl_tag(raw, std::span(datagram).first(wire::kWitnessBodyBytes));
        EXPECT_TRUE(
            std::equal(wanted.begin(), wanted.end(), datagram.begin() + wire::kWitnessBodyBytes));
    }
}

TEST(WitnessKeys, AnyBitThatChangesBreaksTheSeal) {
    const ClusterKey key = *derive_key(kSecret, "lab");
    wire::WitnessDatagram datagram{};
    seal(datagram, key.request);
    ASSERT_TRUE(is_sealed(datagram, key.request));
    for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
        wire::WitnessDatagram wrong = datagram;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(is_sealed(wrong, key.request)) << bit;
    }
    EXPECT_FALSE(is_sealed(datagram, key.answer)) << "a request must not pass for an answer";
}

TEST(WitnessKeys, ClustersAndSecretsHaveKeysOfTheirOwn) {
    const ClusterKey lab = *derive_key(kSecret, "lab");
    const ClusterKey other = *derive_key(kSecret, "lab2");
    std::array<std::uint8_t, 32> secret = kSecret;
    secret[31] = 1;
    const ClusterKey changed = *derive_key(secret, "lab");

    EXPECT_NE(lab.id, other.id);
    EXPECT_NE(lab.request.words, other.request.words);
    EXPECT_NE(lab.request.words, lab.answer.words);
    EXPECT_NE(lab.id, changed.id);
    EXPECT_EQ(print_key(lab), print_key(*derive_key(kSecret, "lab")));
}

TEST(WitnessKeys, APrintedKeyIsReadAsItWas) {
    const ClusterKey key = *derive_key(kSecret, "lab");

    const auto read = parse_keys("# the lab\n\n" + print_key(key) + "\n", "keys");

    ASSERT_TRUE(read) << read.error().context;
    ASSERT_EQ(read->size(), 1U);
    EXPECT_EQ(read->front().cluster, "lab");
    EXPECT_EQ(read->front().id, key.id);
    EXPECT_EQ(read->front().request.words, key.request.words);
    EXPECT_EQ(read->front().answer.words, key.answer.words);
}

TEST(WitnessKeys, AWrongLineIsNamedAndItsKeyIsNot) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"lab\n", "keys:1: a line is NAME ID KEY"},
        {"lab 1 2 3\n", "keys:1: a line is NAME ID KEY"},
        {line("a/b"), "keys:1: a cluster's name"},
        {line(std::string(65, 'a')), "keys:1: a cluster's name"},
        {line("lab", 'x'), "keys:1: the ID of `lab` must be 16"},
        {line("lab", 'A'), "keys:1: the ID of `lab` must be 16"},
        {line("lab", '0'), "keys:1: the ID of `lab` must not be 0"},
        {line("lab", '1', 'q'), "keys:1: the KEY of `lab` must be 64"},
        {"lab " + std::string(16, '1') + " " + std::string(63, 'a') + "\n", "keys:1: the KEY"},
        {line("lab", '1') + line("other", '1'), "keys:2: the ID of `other` stands in an earlier"},
        {line("lab", '1') + line("lab", '2') + line("lab", '3'), "keys:3: `lab` has more than 2"},
    };
    for (const auto& [text, message] : wrong) {
        const auto read = parse_keys(text, "keys");
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().context.substr(0, message.size()), message);
        EXPECT_EQ(read.error().context.find("aaaaaaaa"), std::string::npos) << "a key is quoted";
    }
}

TEST(WitnessKeys, MoreClustersThanTheLimitAreRejected) {
    std::string text;
    for (std::size_t i = 1; i <= kClustersMax; ++i) {
        std::string id = std::to_string(i);
        id.insert(0, 16 - id.size(), '0');
        text += "c" + std::to_string(i) + " " + id + " " + std::string(64, 'a') + "\n";
    }
    EXPECT_TRUE(parse_keys(text, "keys"));

    const auto read = parse_keys(text + line("one-more", 'f'), "keys");

    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::Limit);
}

TEST(WitnessKeys, AFileThatOthersMayReadIsRefused) {
    const std::string file = testing::TempDir() + "witness.keys";
    std::ofstream(file) << line("lab");
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    const auto open = load_keys(file);
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    const auto closed = load_keys(file);
    std::filesystem::remove(file);
    const auto missing = load_keys(file);

    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, Code::Denied);
    EXPECT_TRUE(closed);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
    EXPECT_NE(missing.error().context.find("xbeat witness key"), std::string::npos);
}

}  // namespace
}  // namespace xbeat::witness
