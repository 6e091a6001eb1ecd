// What drivers tell beside netlink: threaded NAPI and failed XDP transmissions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "heart/netlink.h"

namespace xbeat::heart {

/// Whether the device's NAPI runs in kernel threads, which are scheduled like any process. Read
/// from /sys/class/net/NAME/threaded; empty if that file does not exist, or if /sys shows the
/// devices of another network namespace than the caller's.
[[nodiscard]] std::optional<bool> threaded_napi(const LinkInfo& link);

/// Frames that the driver should have sent for XDP_TX and could not, over all queues
/// (ETHTOOL_GSTATS, names that end in xdp_tx_errors). Empty if the driver does not count them.
[[nodiscard]] std::optional<std::uint64_t> xdp_tx_errors(const std::string& interface);

}  // namespace xbeat::heart
