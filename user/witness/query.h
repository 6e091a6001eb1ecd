// One question to the witness from outside the daemon: how the lease stands. Changes nothing.
#pragma once

#include "arbiter/witness_asker.h"
#include "core/result.h"
#include "heart/ip_address.h"
#include "witness/keys.h"

namespace xbeat::witness {

/// Asks, with copies, until an answer or the end of `patience`. Blocks. Errors: Unavailable if
/// nothing answers, in words for the operator; System for the socket.
[[nodiscard]] Result<arbiter::WitnessFinding> query(const heart::IpAddress& address,
                                                    std::uint16_t port, const ClusterKey& key,
                                                    NodeId node, Duration patience);

}  // namespace xbeat::witness
