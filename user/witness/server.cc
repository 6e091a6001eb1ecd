#include "witness/server.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "net/socket.h"
#include "sys/boot_clock.h"
#include "sys/log.h"
#include "sys/system_error.h"

namespace xbeat::witness {
namespace {

constexpr Duration kDropNotePause = 60s;  // between two notes of one kind of dropped datagram
constexpr std::size_t kNotesMax = 1000;   // that wait to be taken; further ones are left out

Result<void> set_option(int socket, int level, int name, const char* what) {
    const int on = 1;
    if (::setsockopt(socket, level, name, &on, sizeof on) == 0) return {};
    return sys::system_error(fmt::format("cannot set {} on the witness's socket", what));
}

/// The address to bind to: one, or all of both families, or all of IPv4 where there is no IPv6.
Result<sys::Fd> open_socket(const heart::IpAddress& address, std::uint16_t port,
                            bool want_both_families) {
    const bool is_v6 = want_both_families || address.family == heart::IpAddress::Family::V6;
    sys::Fd socket(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!socket.is_open()) return sys::system_error("cannot make a UDP socket");
    if (is_v6) {
        const int only = want_both_families ? 0 : 1;
        if (::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0)
            return sys::system_error("cannot set IPV6_V6ONLY on the witness's socket");
        XB_TRY(set_option(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"));
    } else {
        XB_TRY(set_option(socket.get(), IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO"));
    }
    net::SocketAddress local;
    if (address.family == heart::IpAddress::Family::None) {
        heart::IpAddress any;
        any.family = is_v6 ? heart::IpAddress::Family::V6 : heart::IpAddress::Family::V4;
        local = net::socket_address(any, port);
    } else {
        local = net::socket_address(address, port);
    }
    if (::bind(socket.get(), local.get(), local.length) != 0)
        return sys::system_error(fmt::format("cannot listen on UDP port {} of {}", port,
                                             address.family == heart::IpAddress::Family::None
                                                 ? std::string("all addresses")
                                                 : heart::to_string(address)));
    return socket;
}

Result<std::uint16_t> bound_port(int socket) {
    net::SocketAddress local;
    local.length = sizeof local.storage;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&local.storage), &local.length) != 0)
        return sys::system_error("cannot ask for the witness's port");
    // The port stands at the same place for both families.
    return ntohs(reinterpret_cast<const sockaddr_in*>(&local.storage)->sin_port);
}

/// An answer leaves from the address that was asked, but by whatever interface leads back; only
/// link-local addresses mean nothing without theirs.
void keep_source_address(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(part), sizeof info);
            info.ipi_spec_dst = info.ipi_addr;
            info.ipi_ifindex = 0;
            std::memcpy(CMSG_DATA(part), &info, sizeof info);
        } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(part), sizeof info);
            if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
            std::memcpy(CMSG_DATA(part), &info, sizeof info);
        }
    }
}

std::string print_sender(const sockaddr_storage& from) {
    heart::IpAddress address;
    if (from.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
        address.family = heart::IpAddress::Family::V4;
        std::memcpy(address.bytes.data(), &v4.sin_addr, 4);
    } else if (from.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
        const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        address.family = is_mapped ? heart::IpAddress::Family::V4 : heart::IpAddress::Family::V6;
        const std::size_t skip = is_mapped ? 12 : 0;
        std::memcpy(address.bytes.data(), v6.sin6_addr.s6_addr + skip, 16 - skip);
    }
    return heart::to_string(address);
}

}  // namespace

Result<Server> Server::create(Options options, std::vector<ClusterKey> keys, ring::Ring& ring,
                              Instant now) {
    const bool wants_all = options.address.family == heart::IpAddress::Family::None;
    Result<sys::Fd> socket = open_socket(options.address, options.port, wants_all);
    if (!socket && wants_all) socket = open_socket(options.address, options.port, false);
    if (!socket) return socket.error();
    options.port = XB_TRY(bound_port(socket->get()));
    Server made(*std::move(socket), options, ring, now);
    XB_TRY(made.replace_keys(std::move(keys), now));
    for (std::uint16_t place = 0; place < kSlots; ++place) made.receive(place);
    return made;
}

Server::Server(sys::Fd socket, Options options, ring::Ring& ring, Instant now)
    : socket_(std::move(socket)),
      port_(options.port),
      ring_(&ring),
      ledger_({.life = options.life, .started = now, .clusters = 0}),
      slots_(std::make_unique<std::array<Slot, kSlots>>()) {}

Result<void> Server::replace_keys(std::vector<ClusterKey> keys, Instant now) {
    std::map<std::string, std::size_t, std::less<>> places = places_;
    std::map<std::string, std::size_t, std::less<>> present;
    std::unordered_map<std::uint64_t, Key> wanted;
    for (ClusterKey& key : keys) {
        const std::size_t place = places.emplace(key.cluster, places.size()).first->second;
        present.emplace(key.cluster, place);
        const std::uint64_t id = key.id;
        wanted.emplace(id, Key{.key = std::move(key), .place = place});
    }
    if (places.size() > kClustersMax)
        return Error{.code = Code::Limit,
                     .context = fmt::format("{} clusters, those taken out since the start "
                                            "included; at most {}: restart the witness",
                                            places.size(), kClustersMax)};
    const Instant usable_at =
        now + wire::kWitnessLeaseMax + arbiter::lease_margin(wire::kWitnessLeaseMax);
    while (ledger_.size() < places.size()) ledger_.add(usable_at);
    holders_.resize(ledger_.size());
    places_ = std::move(places);
    of_cluster_ = std::move(present);
    keys_ = std::move(wanted);
    return {};
}

std::size_t Server::leases(Instant now) const {
    std::size_t held = 0;
    for (std::size_t place = 0; place < ledger_.size(); ++place)
        held += ledger_.holder(place, now) == NodeId{} ? 0 : 1;
    return held;
}

void Server::receive(std::uint16_t place) {
    Slot& slot = slots_->at(place);
    slot.is_sending = false;
    slot.part = {.iov_base = slot.bytes.data(), .iov_len = slot.bytes.size()};
    slot.message = {};
    slot.message.msg_name = &slot.from;
    slot.message.msg_namelen = sizeof slot.from;
    slot.message.msg_iov = &slot.part;
    slot.message.msg_iovlen = 1;
    slot.message.msg_control = slot.control.data();
    slot.message.msg_controllen = slot.control.size();
    ring_->receive_message(socket_.get(), &slot.message,
                           {.op = ring::Op::WitnessDatagram, .slot = place});
}

void Server::complete(const ring::Completion& completion, Instant now) {
    const std::uint16_t place = completion.token.slot;
    XB_CHECK(place < kSlots);
    Slot& slot = slots_->at(place);
    if (slot.is_sending) {
        if (completion.result < 0) ++counters_.unsent;
        return receive(place);
    }
    // An error of the socket (an ICMP message that came back) concerns a datagram of the past.
    const bool answers =
        completion.result >= 0 && serve(slot, static_cast<std::size_t>(completion.result), now);
    if (!answers) return receive(place);
    slot.is_sending = true;
    slot.part.iov_len = wire::kWitnessBytes;
    slot.message.msg_flags = 0;
    keep_source_address(slot.message);
    ring_->send_message(socket_.get(), &slot.message,
                        {.op = ring::Op::WitnessDatagram, .slot = place});
}

bool Server::serve(Slot& slot, std::size_t size, Instant now) {
    const std::span<const std::uint8_t> bytes(slot.bytes.data(), size);
    const auto cluster = wire::witness_cluster(bytes);
    if (!cluster) {
        drop(counters_.malformed, "malformed", slot, now);
        return false;
    }
    const auto found = keys_.find(*cluster);
    if (found == keys_.end()) {
        drop(counters_.unknown_cluster, "of an unknown cluster", slot, now);
        return false;
    }
    const Key& key = found->second;
    if (!is_sealed(bytes, key.key.request)) {
        drop(counters_.wrong_tag, "with a wrong tag", slot, now);
        return false;
    }
    const auto request = wire::decode_witness_request(bytes);
    if (!request) {
        drop(counters_.malformed, "malformed", slot, now);
        return false;
    }
    const wire::WitnessAnswer answer = ledger_.answer(key.place, *request, now);
    count(answer.outcome);
    NodeId& noted = holders_.at(key.place);
    if (answer.holder != noted && notes_.size() < kNotesMax) {
        Note note = sys::Log::note(Level::Info, "lease-changed",
                                   answer.holder == NodeId{}
                                       ? fmt::format("the lease of `{}` is free", key.key.cluster)
                                       : fmt::format("the lease of `{}` is held by node {}",
                                                     key.key.cluster, answer.holder.value));
        note.fields = {{"cluster", key.key.cluster},
                       {"holder", std::to_string(answer.holder.value)},
                       {"before", std::to_string(noted.value)},
                       {"version", std::to_string(answer.version)}};
        notes_.push_back(std::move(note));
        noted = answer.holder;
    }
    wire::WitnessDatagram datagram = wire::encode_witness(answer);
    seal(datagram, key.key.answer);
    std::copy(datagram.begin(), datagram.end(), slot.bytes.begin());
    return true;
}

void Server::count(wire::WitnessOutcome outcome) {
    switch (outcome) {
        case wire::WitnessOutcome::Told:
            ++counters_.told;
            break;
        case wire::WitnessOutcome::Granted:
            ++counters_.granted;
            break;
        case wire::WitnessOutcome::Held:
            ++counters_.held;
            break;
        case wire::WitnessOutcome::Stale:
            ++counters_.stale;
            break;
        case wire::WitnessOutcome::Starting:
            ++counters_.starting;
            break;
        case wire::WitnessOutcome::Released:
            ++counters_.released;
            break;
    }
}

void Server::drop(std::uint64_t& counter, const char* why, const Slot& slot, Instant now) {
    ++counter;
    const auto told = told_at_.find(why);
    if (told != told_at_.end() && now < told->second + kDropNotePause) return;
    told_at_.insert_or_assign(why, now);
    if (notes_.size() >= kNotesMax) return;
    Note note = sys::Log::note(Level::Warning, "datagram-dropped",
                               fmt::format("dropped a datagram {} from {}; more of them are only "
                                           "counted for a minute",
                                           why, print_sender(slot.from)));
    note.fields = {{"count", std::to_string(counter)}};
    notes_.push_back(std::move(note));
}

}  // namespace xbeat::witness
