// The keys between a cluster and its witness: a pair for each cluster, derived from the cluster's
// secret.
//
// The witness never learns the secret: it is given one line a cluster, which `xbeat witness key`
// prints: the cluster's name, the number by which datagrams name the key, and the key. Requests
// and answers are tagged with different halves of it, so that neither passes for the other.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "wire/witness.h"

namespace xbeat::witness {

constexpr std::size_t kClustersMax = 10'000;  // of one witness; a further one: the file is rejected
constexpr std::size_t kKeysPerClusterMax = 2;  // while a key is being changed; a third is rejected
constexpr std::size_t kClusterNameBytesMax = 64;
constexpr std::size_t kKeyFileBytesMax = std::size_t{4} << 20U;

/// SipHash's key as two little-endian words. Wiped when it goes.
struct TagKey {
    TagKey() = default;
    TagKey(const TagKey&) = default;
    TagKey(TagKey&&) = default;
    TagKey& operator=(const TagKey&) = default;
    TagKey& operator=(TagKey&&) = default;
    ~TagKey();

    std::array<std::uint64_t, 2> words{};
};

struct ClusterKey {
    std::string cluster;
    std::uint64_t id = 0;  // never 0
    TagKey request;        // from a node to the witness
    TagKey answer;         // from the witness to a node
};

/// The key of a cluster, from its secret. Errors as net::derive_bytes().
[[nodiscard]] Result<ClusterKey> derive_key(std::span<const std::uint8_t> secret,
                                            std::string_view cluster);

/// "NAME ID KEY", without a line end: 16 and 64 hexadecimal digits.
[[nodiscard]] std::string print_key(const ClusterKey& key);

/// The keys of a file's text: a line each, empty lines and lines that begin with # aside. Several
/// lines with one name are keys of one cluster. Errors: Invalid with FILE:LINE, Limit.
[[nodiscard]] Result<std::vector<ClusterKey>> parse_keys(std::string_view text,
                                                         std::string_view file);

/// Reads and parses a file of keys; it must be readable by its owner alone.
[[nodiscard]] Result<std::vector<ClusterKey>> load_keys(const std::string& file);

/// Writes the tag into the last bytes.
void seal(wire::WitnessDatagram& datagram, const TagKey& key);
/// Whether the last bytes are the tag; takes the same time wherever they differ.
/// Requires: bytes.size() == kWitnessBytes.
[[nodiscard]] bool is_sealed(std::span<const std::uint8_t> bytes, const TagKey& key);

}  // namespace xbeat::witness
