// Preparing a shared disk and looking at it, from the command line: blocking, with no daemon.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "disk/block.h"

namespace xbeat::disk {

enum class Overwrite : std::uint8_t { Never, Whatever };

/// Makes the disk this cluster's: empty blocks, then the header, durable. Errors: Exists if it is
/// prepared already or holds anything else and `overwrite` is Never; Denied, Invalid and System for
/// the device.
Result<void> prepare(const std::string& path, const DiskKey& key, Overwrite overwrite);

struct NodeBlock {
    NodeId node;
    bool is_damaged = false;
    arbiter::DiskBlock block;
};

/// The blocks of these nodes. Errors: Invalid if the disk is not this cluster's; System.
[[nodiscard]] Result<std::vector<NodeBlock>> inspect(const std::string& path, const DiskKey& key,
                                                     const std::vector<NodeId>& nodes);

}  // namespace xbeat::disk
