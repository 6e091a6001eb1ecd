#include "heart/beat_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <string>

namespace xbeat::heart {
namespace {

struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { ::EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { ::EVP_KDF_CTX_free(context); }
};

void append_big_endian(std::string& out, std::uint64_t value, unsigned int bytes) {
    for (unsigned int i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t read_little_endian(const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    for (unsigned int i = 0; i < 8; i++) value |= std::uint64_t{bytes[i]} << (8 * i);
    return value;
}

Error failure() { return {.code = Code::System, .context = "OpenSSL cannot derive a beat key"}; }

}  // namespace

Result<BeatKey> derive_beat_key(const Secret& secret, const BeatKeyLabel& label) {
    std::string info = "xbeat/v1/beat";
    append_big_endian(info, label.cluster_tag, 8);
    append_big_endian(info, label.sender.value, 2);
    append_big_endian(info, label.receiver.value, 2);
    append_big_endian(info, label.path.value, 1);
    append_big_endian(info, label.key_id.value, 1);

    const std::unique_ptr<EVP_KDF, FreeKdf> kdf(::EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    if (!kdf) return failure();
    const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(::EVP_KDF_CTX_new(kdf.get()));
    if (!context) return failure();
    // The parameters take pointers to non-const and only read.
    char digest[] = "SHA256";
    Secret key = secret;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end(),
    };
    std::array<std::uint8_t, 16> bytes{};
    const int derived = ::EVP_KDF_derive(context.get(), bytes.data(), bytes.size(), parameters);
    ::OPENSSL_cleanse(key.data(), key.size());
    if (derived != 1) return failure();
    const BeatKey result = {read_little_endian(bytes.data()), read_little_endian(bytes.data() + 8)};
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    return result;
}

}  // namespace xbeat::heart
