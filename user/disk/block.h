// A shared disk's blocks as bytes: where they are, what is in them, and whose they are.
//
// The first 4 KiB say which cluster the disk belongs to; then each node has 4 KiB of its own at its
// id. Only the first 512 bytes of each count, so that a disk that writes whole sectors of 512 or
// 4096 bytes never shows half of one. Each ends with a tag made with a key of the cluster: what is
// torn, foreign, or a file system's is recognised as none of ours.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "arbiter/disk_lease.h"
#include "core/result.h"

namespace xbeat::disk {

constexpr std::size_t kSlotBytes = 4096;  // of every access; aligned for O_DIRECT everywhere
constexpr std::size_t kBlockBytes = 512;  // of a slot that count
constexpr std::size_t kDiskBytes =
    kSlotBytes * 33;  // header and 32 nodes: the least size of a disk

/// A cluster's name and tag key on the disk, derived from its secret.
struct DiskKey {
    std::uint64_t cluster = 0;
    std::array<std::uint64_t, 2> tag{};
};

[[nodiscard]] Result<DiskKey> derive_disk_key(std::span<const std::uint8_t> secret,
                                              std::string_view cluster);

using Slot = std::array<std::uint8_t, kSlotBytes>;

/// Fills a slot with the header, or with a node's block.
void write_header(Slot& slot, const DiskKey& key);
void write_block(Slot& slot, const DiskKey& key, NodeId node, const arbiter::DiskBlock& block);

enum class HeaderState : std::uint8_t { Ours, Blank, Foreign };

/// Whose disk it is: another cluster's header, and anything else that is not all zeros, is Foreign.
[[nodiscard]] HeaderState read_header(const Slot& slot, const DiskKey& key);
/// A node's block; the empty one if it was never written; nothing if it is damaged or foreign.
[[nodiscard]] std::optional<arbiter::DiskBlock> read_block(const Slot& slot, const DiskKey& key,
                                                           NodeId node);

[[nodiscard]] constexpr std::uint64_t slot_offset(NodeId node) {
    return std::uint64_t{kSlotBytes} * node.value;  // the header is node 0's
}

}  // namespace xbeat::disk
