// xbeat:VIP: an address that moves between nodes.
//
// start asks the neighbours whether somebody has the address (for probe_wait, a millisecond by
// default: whoever is alive answers ARP and neighbour solicitations in its kernel; RFC 5227's
// seconds would be most of a failover), adds it, announces it, and goes on announcing in the
// background. stop takes it away. monitor says whether it is there and the link is up. No process
// is started.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/builtin/addresses.h"
#include "agent/builtin/announce.h"
#include "agent/builtin/run.h"
#include "heart/netlink.h"

namespace xbeat::agent::builtin {

/// What the runs of all addresses share.
struct VipTools {
    Addresses addresses;
    heart::Netlink links;
    Announcer announcer;
    /// Code::System if the kernel refuses a socket.
    static Result<std::unique_ptr<VipTools>> create();
};

struct VipSettings {
    heart::IpAddress address = {};
    std::optional<std::uint8_t> prefix =
        {};                      // empty: that of the subnet on the interface, or all bits
    std::string interface = {};  // empty: the one with a subnet that holds the address
    std::string label = {};      // IPv4: INTERFACE:LABEL is shown by ifconfig
    int rounds = 5;              // of announcements; 0..100
    Duration round_interval = std::chrono::milliseconds(200);  // 10 ms..60 s
    Duration probe_wait = std::chrono::milliseconds(1);        // 0: do not ask; at most 10 s
};

/// The settings of a request. Code::Invalid with a sentence that names the parameter.
[[nodiscard]] Result<VipSettings> vip_settings(const Spawn& spawn);

/// A run of start, stop, monitor, status or validate-all; other actions end with "unimplemented".
/// `tools` must outlive it.
[[nodiscard]] std::unique_ptr<Run> make_vip_run(const Spawn& spawn, VipTools& tools);

}  // namespace xbeat::agent::builtin
