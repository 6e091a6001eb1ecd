#include "witness/query.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/check.h"
#include "net/socket.h"
#include "sys/boot_clock.h"
#include "sys/chance.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::witness {
namespace {

/// Gives an authentic answer to the asker; anything else, and errors, are as if nothing had come.
void receive(int socket, const ClusterKey& key, arbiter::WitnessAsker& asker) {
    std::array<std::uint8_t, wire::kWitnessBytes + 1> bytes{};
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got != static_cast<ssize_t>(wire::kWitnessBytes)) return;
    const std::span<const std::uint8_t> datagram(bytes.data(), wire::kWitnessBytes);
    if (!is_sealed(datagram, key.answer)) return;
    if (const auto answer = wire::decode_witness_answer(datagram))
        asker.take(*answer, sys::boot_now());
}

}  // namespace

Result<arbiter::WitnessFinding> query(const heart::IpAddress& address, std::uint16_t port,
                                      const ClusterKey& key, NodeId node, Duration patience) {
    const net::SocketAddress to = net::socket_address(address, port);
    const sys::Fd socket(::socket(to.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return sys::system_error("cannot make a UDP socket for the witness");
    const std::string where = fmt::format("{} port {}", heart::to_string(address), port);
    if (::connect(socket.get(), to.get(), to.length) != 0)
        return sys::system_error(fmt::format("no way leads to the witness at {}", where));
    arbiter::WitnessAsker asker({.cluster = key.id, .node = node, .life = sys::random_number()});
    asker.ask({.id = 1,
               .kind = wire::WitnessKind::Query,
               .lease = {},
               .deadline = sys::boot_now() + patience},
              sys::boot_now());
    while (asker.is_open()) {
        for (const wire::WitnessRequest& request : asker.take_requests()) {
            wire::WitnessDatagram datagram = wire::encode_witness(request);
            seal(datagram, key.request);
            // What does not leave is lost like any datagram; the copies follow.
            static_cast<void>(::send(socket.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL));
        }
        const Duration pause = std::max(Duration{}, *asker.wake_at() - sys::boot_now());
        const auto pause_ms = std::chrono::ceil<std::chrono::milliseconds>(pause).count();
        pollfd wanted{.fd = socket.get(), .events = POLLIN, .revents = 0};
        if (::poll(&wanted, 1, static_cast<int>(pause_ms)) < 0 && errno != EINTR)
            return sys::system_error("cannot wait for the witness");
        receive(socket.get(), key, asker);
        asker.tick(sys::boot_now());
    }
    const arbiter::WitnessFinding found = asker.take_findings().front();
    if (found.finding != arbiter::Finding::Unreachable) return found;
    return Error{.code = Code::Unavailable,
                 .context = fmt::format(
                     "no answer from the witness at {}: xbeat-witness does not run there, "
                     "cannot be reached, or does not have this cluster's key (`xbeat "
                     "witness key`)",
                     where)};
}

}  // namespace xbeat::witness
