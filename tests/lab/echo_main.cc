// xblab-echo: the smallest service that can tell who served: UDP echo and HTTP on one port.
//
//   xblab-echo [--port N]
//
// A datagram comes back with a space and the host's name behind it. A TCP connection gets a page
// with the host's name, whatever it asks. It listens on every address, so a virtual address may
// come and go; the answer leaves from the address that was asked.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/text.h"
#include "sys/fd.h"

namespace {

constexpr int kUsage = 64;
constexpr int kUnavailable = 69;
constexpr int kBacklog = 512;

xbeat::sys::Fd listen_on(int type, std::uint16_t port) {
    xbeat::sys::Fd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    const bool good = ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                      (type != SOCK_DGRAM ||
                       ::setsockopt(socket.get(), IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes) == 0) &&
                      ::bind(socket.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0 &&
                      (type != SOCK_STREAM || ::listen(socket.get(), kBacklog) == 0);
    return good ? std::move(socket) : xbeat::sys::Fd();
}

/// Answers one datagram; false when none waits.
bool echo_one(int socket, const std::string& name) {
    std::array<char, 512> data{};
    std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    sockaddr_in from{};
    iovec part{.iov_base = data.data(), .iov_len = data.size() - 80};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(socket, &message, 0);
    if (length < 0) return false;
    const auto size = static_cast<std::size_t>(length);
    data[size] = ' ';
    name.copy(&data[size + 1], 64);
    part.iov_len = size + 1 + std::min<std::size_t>(name.size(), 64);
    // The same control message, sent back, makes the asked address the source.
    if (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr) {
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(header), sizeof info);
        info.ipi_spec_dst = info.ipi_addr;
        info.ipi_ifindex = 0;
        std::memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    // An answer that cannot leave is a lost request, which the client counts.
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) return true;
    return true;
}

/// Answers one connection without reading it to its end: requests here fit one segment.
bool serve_one(int listener, const std::string& page) {
    const xbeat::sys::Fd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.is_open()) return false;
    std::array<char, 2048> request{};
    const timeval limit{.tv_sec = 0, .tv_usec = 100'000};
    if (::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        ::recv(connection.get(), request.data(), request.size(), 0) <= 0 ||
        ::send(connection.get(), page.data(), page.size(), MSG_NOSIGNAL) < 0) {
        return true;  // the client gave up
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 7;
    for (int i = 1; i + 1 < argc; i += 2) {
        const auto number = xbeat::parse_integer(argv[i + 1]);
        if (std::strcmp(argv[i], "--port") != 0 || !number || *number < 1 || *number > 65535) {
            std::fputs("usage: xblab-echo [--port N]\n", stderr);
            return kUsage;
        }
        port = static_cast<std::uint16_t>(*number);
    }
    const xbeat::sys::Fd datagrams = listen_on(SOCK_DGRAM, port);
    const xbeat::sys::Fd streams = listen_on(SOCK_STREAM, port);
    if (!datagrams.is_open() || !streams.is_open()) {
        std::perror("xblab-echo");
        return kUnavailable;
    }
    std::array<char, 65> host{};
    ::gethostname(host.data(), host.size() - 1);
    const std::string name = host.data();
    const std::string body = name + "\n";
    const std::string page = xbeat::concat(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ",
        body.size(), "\r\n\r\n", body);
    std::array<pollfd, 2> waits{{{datagrams.get(), POLLIN, 0}, {streams.get(), POLLIN, 0}}};
    for (;;) {
        if (::poll(waits.data(), waits.size(), -1) < 0) continue;
        if (waits[0].revents != 0) {
            while (echo_one(datagrams.get(), name)) {
            }
        }
        if (waits[1].revents != 0) {
            while (serve_one(streams.get(), page)) {
            }
        }
    }
}
