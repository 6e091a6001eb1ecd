// TCP sockets as the control channel wants them: bound to one path's address, quick to fail.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "core/result.h"
#include "core/time.h"
#include "heart/ip_address.h"
#include "sys/fd.h"

namespace xbeat::net {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

/// Requires: address.family is not None.
[[nodiscard]] SocketAddress socket_address(const heart::IpAddress& address, std::uint16_t port);

/// Who is at the other end; empty if that is unknown or no IP address. IPv4 seen through an IPv6
/// socket does not occur: listeners are IPv6 only.
[[nodiscard]] std::optional<heart::IpAddress> other_end(int socket);

/// Listens on exactly this address, even while no interface has it (IP_FREEBIND, ip(7)).
[[nodiscard]] Result<sys::Fd> listen_on(const heart::IpAddress& address, std::uint16_t port);

/// A socket that will connect from this address.
[[nodiscard]] Result<sys::Fd> socket_from(const heart::IpAddress& address, Duration user_timeout);

/// No delay for small frames; break when the other side acknowledges nothing for `user_timeout`
/// (TCP_USER_TIMEOUT, tcp(7)), also when idle (keep-alive probes after a second).
Result<void> tune(int socket, Duration user_timeout);

}  // namespace xbeat::net
