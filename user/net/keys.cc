#include "net/keys.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>

namespace xbeat::net {
namespace {

struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { ::EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { ::EVP_KDF_CTX_free(context); }
};

/// Integers in the label have a fixed width and texts their length, so that no two uses share one.
std::string make_label(std::string_view purpose, const PskUse& use) {
    return fmt::format("xbeat/v1/{}/{}:{}/{:05}/{:05}/{:03}/{:03}", purpose, use.cluster.size(),
                       use.cluster, use.connector.value, use.acceptor.value, use.path.value,
                       use.key_id);
}

Result<void> hkdf(std::span<const std::uint8_t> secret, std::string label,
                  std::span<std::uint8_t> out) {
    const std::unique_ptr<EVP_KDF, FreeKdf> kdf(::EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(
        kdf == nullptr ? nullptr : ::EVP_KDF_CTX_new(kdf.get()));
    if (context == nullptr)
        return Error{.code = Code::Unavailable, .context = "OpenSSL has no HKDF: check its set-up"};
    std::array<char, 7> digest{"SHA256"};
    // The parameters are not const in the library's types, but it only reads them.
    auto* const key = const_cast<std::uint8_t*>(secret.data());
    const std::array<OSSL_PARAM, 4> parameters{
        ::OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, secret.size()),
        ::OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
        ::OSSL_PARAM_construct_end()};
    if (::EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) != 1)
        return Error{.code = Code::Unavailable, .context = "OpenSSL cannot derive keys with HKDF"};
    return {};
}

}  // namespace

Result<void> derive_bytes(std::span<const std::uint8_t> secret, const std::string& label,
                          std::span<std::uint8_t> out) {
    return hkdf(secret, label, out);
}

Psk::~Psk() { ::OPENSSL_cleanse(key.data(), key.size()); }

Result<Psk> derive_psk(std::span<const std::uint8_t> secret, const PskUse& use) {
    Psk psk;
    XB_TRY(hkdf(secret, make_label("psk", use), psk.key));
    std::array<std::uint8_t, 16> name{};
    XB_TRY(hkdf(secret, make_label("psk-identity", use), name));
    psk.identity = "xbeat1:";
    for (const std::uint8_t byte : name) psk.identity += fmt::format("{:02x}", byte);
    return psk;
}

}  // namespace xbeat::net
