// The keys of beats, derived from the cluster secret.
//
// One key for each sender, receiver, path and generation, so that a frame sent back to its sender,
// or taken over to another path, fails by its key and not by a rule.
#pragma once

#include <array>
#include <cstdint>

#include "core/id.h"
#include "core/result.h"
#include "heart/heart.h"

namespace xbeat::heart {

struct BeatKeyLabel {
    std::uint64_t cluster_tag = 0;
    NodeId sender{};
    NodeId receiver{};
    PathId path{};
    KeyId key_id{};
};

using BeatKey = std::array<std::uint64_t, 2>;  // SipHash's two key words, host order

/// HKDF-SHA-256 (RFC 5869) of the secret, without salt; the info is "xbeat/v1/beat" and the label's
/// fields, big endian, in the order of the struct. Errors: System if OpenSSL fails.
[[nodiscard]] Result<BeatKey> derive_beat_key(const Secret& secret, const BeatKeyLabel& label);

}  // namespace xbeat::heart
