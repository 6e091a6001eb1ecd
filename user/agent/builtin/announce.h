// Telling the neighbours that an address has moved here, and asking them first whether somebody has
// it.
//
// IPv4: ARP probes and announcements (RFC 5227, sections 2.1.1 and 2.3; the announcement also as a
// reply, because some equipment learns only from those). IPv6: neighbour solicitations from the
// unspecified address and unsolicited advertisements (RFC 4861 sections 4.3, 4.4 and 7.2.6,
// RFC 4862 section 5.4). Whole frames through packet sockets: the address need not exist yet.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "heart/ip_address.h"
#include "heart/netlink.h"
#include "sys/fd.h"

namespace xbeat::agent::builtin {

using Frame = std::vector<std::byte>;

/// Asks who has the address, without claiming it. `mac`: of the interface that sends.
[[nodiscard]] Frame probe_frame(const heart::IpAddress& address, const heart::MacAddress& mac);
/// Claims the address for `mac`: the frames of one round.
[[nodiscard]] std::vector<Frame> announcement_frames(const heart::IpAddress& address,
                                                     const heart::MacAddress& mac);
/// Who says in this frame that it has the address; empty if the frame does not say so.
[[nodiscard]] std::optional<heart::MacAddress> claimant(std::span<const std::byte> frame,
                                                        const heart::IpAddress& address);
/// "02:00:00:00:00:01".
[[nodiscard]] std::string to_string(const heart::MacAddress& mac);

/// A series of rounds that is under way.
struct Announcement {
    heart::IpAddress address;
    int ifindex = 0;
    heart::MacAddress mac{};
    int rounds_left = 0;
    Duration interval{};
    Instant next{};
};

/// The packet sockets. Opened when first needed and then kept: closing one waits for an RCU grace
/// period in the kernel, which would cost more than the whole start of an address.
class Announcer {
public:
    /// One round, now. Code::System if the kernel refuses; the rest of the frames is not sent then.
    Result<void> announce(const Announcement& announcement);
    /// Opens what probe() needs, so that the first probe is as fast as the others. Code::System.
    Result<void> prepare(heart::IpAddress::Family family);
    /// Begins to listen for claims of the address and asks once. fd() is then readable for each
    /// frame that may be a claim. Code::System; end_probe() is due in any case.
    Result<void> probe(const heart::IpAddress& address, int ifindex, const heart::MacAddress& mac);
    /// A claim that has come in, if any; from another station than `mac`. Never blocks.
    std::optional<heart::MacAddress> claim(const heart::IpAddress& address,
                                           const heart::MacAddress& mac);
    /// Ends probe(): claims of the address are forgotten.
    void end_probe(const heart::IpAddress& address);
    /// Where claims of addresses of that family arrive; -1 before the first probe.
    [[nodiscard]] int fd(heart::IpAddress::Family family) const;

private:
    Result<void> send(int ifindex, std::span<const std::byte> frame);
    // Several addresses may be probed for at the same time over one socket.
    struct Listener {
        sys::Fd socket;
        std::vector<heart::IpAddress> probed;
        std::vector<std::pair<heart::IpAddress, heart::MacAddress>> claims;
    };
    static constexpr std::size_t kClaimsMax = 1024;  // further ones are dropped: one is enough
    Listener& listener(heart::IpAddress::Family family);

    sys::Fd sender_;
    Listener arp_;
    Listener ipv6_;
};

}  // namespace xbeat::agent::builtin
