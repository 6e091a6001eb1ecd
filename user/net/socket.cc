#include "net/socket.h"

#include <fmt/format.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "sys/system_error.h"

namespace xbeat::net {
namespace {

using Family = heart::IpAddress::Family;

Result<void> set_option(int socket, int level, int name, int value, const char* what) {
    if (::setsockopt(socket, level, name, &value, sizeof value) != 0)
        return sys::system_error(fmt::format("cannot set {} of a socket", what));
    return {};
}

Result<sys::Fd> make_socket(Family family) {
    const bool is_v6 = family == Family::V6;
    sys::Fd made(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made.is_open()) return sys::system_error("cannot make a TCP socket");
    if (is_v6) {
        XB_TRY(set_option(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"));
        XB_TRY(set_option(made.get(), IPPROTO_IPV6, IPV6_FREEBIND, 1, "IPV6_FREEBIND"));
    } else {
        XB_TRY(set_option(made.get(), IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND"));
    }
    return made;
}

}  // namespace

SocketAddress socket_address(const heart::IpAddress& address, std::uint16_t port) {
    XB_CHECK(address.family != Family::None);
    SocketAddress made;
    if (address.family == Family::V4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::memcpy(&in.sin_addr, address.bytes.data(), address.size());
        std::memcpy(&made.storage, &in, sizeof in);
        made.length = sizeof in;
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        std::memcpy(&in.sin6_addr, address.bytes.data(), address.size());
        std::memcpy(&made.storage, &in, sizeof in);
        made.length = sizeof in;
    }
    return made;
}

std::optional<heart::IpAddress> other_end(int socket) {
    SocketAddress found;
    found.length = sizeof found.storage;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&found.storage), &found.length) != 0)
        return std::nullopt;
    heart::IpAddress address;
    if (found.storage.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &found.storage, sizeof in);
        address.family = Family::V4;
        std::memcpy(address.bytes.data(), &in.sin_addr, address.size());
        return address;
    }
    if (found.storage.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &found.storage, sizeof in);
        address.family = Family::V6;
        std::memcpy(address.bytes.data(), &in.sin6_addr, address.size());
        return address;
    }
    return std::nullopt;
}

Result<sys::Fd> listen_on(const heart::IpAddress& address, std::uint16_t port) {
    sys::Fd made = XB_TRY(make_socket(address.family));
    XB_TRY(set_option(made.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
    const SocketAddress own = socket_address(address, port);
    constexpr int kBacklog = 16;
    if (::bind(made.get(), own.get(), own.length) != 0 || ::listen(made.get(), kBacklog) != 0)
        return sys::system_error(
            fmt::format("cannot listen on {} port {}", heart::to_string(address), port));
    return made;
}

Result<sys::Fd> socket_from(const heart::IpAddress& address, Duration user_timeout) {
    sys::Fd made = XB_TRY(make_socket(address.family));
    XB_TRY(set_option(made.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "the source port"));
    XB_TRY(tune(made.get(), user_timeout));
    const SocketAddress own = socket_address(address, 0);
    if (::bind(made.get(), own.get(), own.length) != 0)
        return sys::system_error(fmt::format("cannot connect from {}", heart::to_string(address)));
    return made;
}

Result<void> tune(int socket, Duration user_timeout) {
    const auto timeout_ms = static_cast<int>(
        std::chrono::duration_cast<std::chrono::milliseconds>(user_timeout).count());
    const int count = std::max(1, timeout_ms / 1000);
    XB_TRY(set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"));
    XB_TRY(set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, timeout_ms, "TCP_USER_TIMEOUT"));
    XB_TRY(set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"));
    XB_TRY(set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 1, "TCP_KEEPIDLE"));
    XB_TRY(set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 1, "TCP_KEEPINTVL"));
    return set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, count, "TCP_KEEPCNT");
}

}  // namespace xbeat::net
