// rtnetlink, as much of it as the heart needs: links, a veth pair, a token bucket, neighbours,
// routes.
//
// One socket, requests answered in order; a second socket joined to groups hears changes. Written
// here because the alternatives are a library for forty lines of each message or a shell. Sources:
// rtnetlink(7), linux/rtnetlink.h, linux/if_link.h, linux/pkt_sched.h, linux/neighbour.h.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "heart/ip_address.h"
#include "sys/fd.h"

namespace xbeat::heart {

using MacAddress = std::array<std::uint8_t, 6>;

struct LinkInfo {
    int ifindex = 0;
    std::string name{};
    std::string kind{};  // "veth", "vlan", ...; empty for a plain device
    MacAddress mac{};
    bool is_up = false;        // administratively
    bool has_carrier = false;  // and something at the other end
};

struct NeighbourInfo {
    int ifindex = 0;
    IpAddress address{};
    std::optional<MacAddress> mac{};  // empty while it is not resolved, or failed
};

struct LinkGone {
    int ifindex = 0;
};
struct EventsLost {};  // the socket overflowed: ask again for everything
using NetlinkEvent = std::variant<LinkInfo, LinkGone, NeighbourInfo, EventsLost>;

class Netlink {
public:
    /// A socket for requests. Errors: System.
    [[nodiscard]] static Result<Netlink> open();
    /// A non-blocking socket that hears of links and neighbours. Errors: System.
    [[nodiscard]] static Result<Netlink> listen();

    [[nodiscard]] int fd() const { return socket_.get(); }

    /// The link of that name or number; empty if there is none. Errors: System.
    Result<std::optional<LinkInfo>> link(std::string_view name);
    Result<std::optional<LinkInfo>> link(int ifindex);

    /// A veth pair, both ends down. Errors: Exists, System.
    Result<void> add_veth(std::string_view name, std::string_view other);
    /// Keeps IPv6 from giving the link an address of its own accord, and so from sending on it.
    Result<void> forbid_addresses(int ifindex);
    Result<void> set_up(int ifindex);
    /// Removes a link (and the other end of a veth). No error if it is gone already.
    Result<void> remove_link(int ifindex);

    struct TokenBucket {
        std::uint64_t bytes_per_second = 0;
        std::uint32_t burst_bytes = 0;
        std::uint32_t limit_bytes = 0;
    };
    /// Puts sch_tbf at the root of the link, in place of what is there. Source: tc-tbf(8).
    /// Errors: NotFound if the kernel has no sch_tbf; System.
    Result<void> set_token_bucket(int ifindex, const TokenBucket& bucket);

    /// Whom to ask for on the link when sending to `remote`: a gateway, or `remote` itself. Empty
    /// if there is no route by this link. Errors: System.
    Result<std::optional<IpAddress>> next_hop(int ifindex, const IpAddress& remote);

    Result<std::vector<NeighbourInfo>> neighbours(int ifindex);
    /// Makes the kernel ask for that neighbour now (NTF_USE); the answer comes as an event.
    Result<void> resolve(int ifindex, const IpAddress& address);

    /// Calls `callback` for each change that has come in; never blocks. For a listen() socket.
    Result<void> receive(const std::function<void(const NetlinkEvent&)>& callback);

private:
    class Request;
    explicit Netlink(sys::Fd socket) : socket_(std::move(socket)) {}

    Result<void> send(Request& request);
    Result<void> acknowledge(Request& request, std::string_view what);
    /// Sends and calls `callback` for each answer until the end of the dump or the acknowledgement.
    Result<void> ask(Request& request, std::string_view what,
                     const std::function<void(const void* message)>& callback);
    Result<std::optional<LinkInfo>> get_link(Request& request);

    sys::Fd socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace xbeat::heart
