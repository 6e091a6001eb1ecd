// The keys of the control channel: one for each connection that may exist, derived from the cluster
// secret.
//
// HKDF-SHA-256 (RFC 5869) with a label that names the use, the cluster, who connects, who accepts
// and the path, so that a key of one is worthless for another. The identity by which TLS names the
// key on the wire is derived too: it tells an eavesdropper neither cluster nor node.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/id.h"
#include "core/result.h"

namespace xbeat::net {

constexpr std::size_t kPskBytes = 48;  // the size of SHA-384, the hash of the one cipher suite

/// A pre-shared key and the public name it goes by. Wiped when it goes.
struct Psk {
    Psk() = default;
    Psk(const Psk&) = default;
    Psk(Psk&&) = default;
    Psk& operator=(const Psk&) = default;
    Psk& operator=(Psk&&) = default;
    ~Psk();

    std::string identity;  // printable, at most 64 bytes
    std::array<std::uint8_t, kPskBytes> key{};
};

struct PskUse {
    std::string_view cluster;
    NodeId connector{};
    NodeId acceptor{};
    PathId path{};
    std::uint8_t key_id = 0;  // generation of the cluster secret
};

/// The key for one connector, acceptor and path. Code::System if the library fails.
[[nodiscard]] Result<Psk> derive_psk(std::span<const std::uint8_t> secret, const PskUse& use);

/// HKDF-SHA-256 of the cluster secret for another use; `label` names it and must be no other's.
/// Code::Unavailable if the library fails.
Result<void> derive_bytes(std::span<const std::uint8_t> secret, const std::string& label,
                          std::span<std::uint8_t> out);

}  // namespace xbeat::net
