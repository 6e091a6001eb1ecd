#include "agent/builtin/addresses.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "core/check.h"
#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {

using heart::IpAddress;

// A request under construction: header, ifaddrmsg and a few attributes.
struct Addresses::Message {
    alignas(NLMSG_ALIGNTO) std::array<std::byte, 256> bytes{};

    Message(std::uint16_t type, std::uint16_t flags, const ifaddrmsg& body) {
        nlmsghdr header{};
        header.nlmsg_type = type;
        header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header.nlmsg_len = NLMSG_LENGTH(sizeof body);
        std::memcpy(bytes.data(), &header, sizeof header);
        std::memcpy(bytes.data() + NLMSG_HDRLEN, &body, sizeof body);
    }
    [[nodiscard]] nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes.data()); }
    [[nodiscard]] const nlmsghdr* header() const {
        return reinterpret_cast<const nlmsghdr*>(bytes.data());
    }
    void add(std::uint16_t type, const void* data, std::size_t size) {
        const std::size_t at = NLMSG_ALIGN(header()->nlmsg_len);
        XB_CHECK(at + RTA_SPACE(size) <= bytes.size());
        rtattr attribute{};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
        std::memcpy(bytes.data() + at, &attribute, sizeof attribute);
        std::memcpy(bytes.data() + at + RTA_LENGTH(0), data, size);
        header()->nlmsg_len = static_cast<std::uint32_t>(at + RTA_LENGTH(size));
    }
};

namespace {

constexpr std::size_t kAnswerBytesMax = 32768;  // the kernel's own limit for one datagram
constexpr std::size_t kLabelBytesMax = 15;      // IFNAMSIZ less its NUL

unsigned char family_of(const IpAddress& address) {
    return address.family == IpAddress::Family::V6 ? AF_INET6 : AF_INET;
}

InterfaceAddress parse(const nlmsghdr* header) {
    const auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(header));
    InterfaceAddress found;
    found.ifindex = static_cast<int>(body->ifa_index);
    found.prefix = body->ifa_prefixlen;
    const std::size_t size = body->ifa_family == AF_INET6 ? 16 : 4;
    bool has_local = false;
    auto left = static_cast<unsigned int>(IFA_PAYLOAD(header));
    for (const rtattr* one = IFA_RTA(body); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
        const auto* data = static_cast<const char*>(RTA_DATA(one));
        // IFA_ADDRESS is the other end on point-to-point links; IFA_LOCAL, if there, is ours.
        const bool is_local = one->rta_type == IFA_LOCAL;
        if ((is_local || (one->rta_type == IFA_ADDRESS && !has_local)) &&
            RTA_PAYLOAD(one) == size) {
            found.address.family = size == 16 ? IpAddress::Family::V6 : IpAddress::Family::V4;
            std::memcpy(found.address.bytes.data(), data, size);
            has_local = is_local;
        }
        if (one->rta_type == IFA_LABEL) found.label.assign(data, ::strnlen(data, RTA_PAYLOAD(one)));
    }
    return found;
}

// The broadcast address of an IPv4 subnet; none for /31 and /32 (RFC 3021).
std::optional<std::uint32_t> broadcast_of(const InterfaceAddress& address) {
    if (address.address.family != IpAddress::Family::V4 || address.prefix > 30) return std::nullopt;
    std::uint32_t word = 0;
    std::memcpy(&word, address.address.bytes.data(), sizeof word);
    const std::uint32_t hosts = address.prefix == 0 ? ~0U : (1U << (32U - address.prefix)) - 1U;
    return word | htonl(hosts);
}

}  // namespace

Result<Addresses> Addresses::open() {
    sys::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket.is_open()) return sys::system_error("opening a netlink socket");
    return Addresses(std::move(socket));
}

Result<void> Addresses::send(const Message& message) {
    const std::size_t size = message.header()->nlmsg_len;
    const ssize_t sent = ::send(socket_.get(), message.bytes.data(), size, 0);
    if (sent != static_cast<ssize_t>(size)) return sys::system_error("asking the kernel");
    return {};
}

Result<std::vector<InterfaceAddress>> Addresses::list() {
    Message request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    request.header()->nlmsg_seq = ++sequence_;
    XB_TRY(send(request));
    std::vector<InterfaceAddress> all;
    std::vector<std::byte> bytes(kAnswerBytesMax);
    while (true) {
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error("listing addresses");
        auto left = static_cast<unsigned int>(got);
        for (const auto* one = reinterpret_cast<const nlmsghdr*>(bytes.data()); NLMSG_OK(one, left);
             one = NLMSG_NEXT(one, left)) {
            if (one->nlmsg_seq != sequence_) continue;
            if (one->nlmsg_type == NLMSG_DONE) return all;
            if (one->nlmsg_type == NLMSG_ERROR) {
                const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(one));
                return sys::system_error("listing addresses", -error->error);
            }
            if (one->nlmsg_type == RTM_NEWADDR) all.push_back(parse(one));
        }
    }
}

Result<void> Addresses::change(const InterfaceAddress& address, std::uint16_t type,
                               std::uint16_t flags, const char* what) {
    ifaddrmsg body{};
    body.ifa_family = family_of(address.address);
    body.ifa_prefixlen = address.prefix;
    body.ifa_index = static_cast<unsigned>(address.ifindex);
    if (body.ifa_family == AF_INET6) body.ifa_flags = IFA_F_NODAD;
    Message request(type, static_cast<std::uint16_t>(flags | NLM_F_ACK), body);
    request.header()->nlmsg_seq = ++sequence_;
    const void* raw = address.address.bytes.data();
    request.add(IFA_LOCAL, raw, address.address.size());
    request.add(IFA_ADDRESS, raw, address.address.size());
    if (type == RTM_NEWADDR) {
        const std::optional<std::uint32_t> broadcast = broadcast_of(address);
        if (broadcast) request.add(IFA_BROADCAST, &*broadcast, sizeof *broadcast);
        if (!address.label.empty() && address.label.size() <= kLabelBytesMax) {
            request.add(IFA_LABEL, address.label.c_str(), address.label.size() + 1);
        }
    }
    XB_TRY(send(request));
    alignas(NLMSG_ALIGNTO) std::array<std::byte, 1024> bytes{};
    while (true) {
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error(what);
        const auto* answer = reinterpret_cast<const nlmsghdr*>(bytes.data());
        if (!NLMSG_OK(answer, static_cast<unsigned>(got)) || answer->nlmsg_seq != sequence_)
            continue;
        if (answer->nlmsg_type != NLMSG_ERROR) continue;
        const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(answer));
        if (error->error == 0) return {};
        Error failed = sys::system_error(what, -error->error);
        if (error->error == -EEXIST) failed.code = Code::Exists;
        if (error->error == -EADDRNOTAVAIL) failed.code = Code::NotFound;
        return failed;
    }
}

Result<void> Addresses::add(const InterfaceAddress& address) {
    return change(address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "adding the address");
}

Result<void> Addresses::remove(const InterfaceAddress& address) {
    return change(address, RTM_DELADDR, 0, "removing the address");
}

bool is_within(const IpAddress& address, const InterfaceAddress& subnet) {
    if (address.family != subnet.address.family || address.size() == 0) return false;
    for (std::size_t bit = 0; bit < subnet.prefix; bit += 8) {
        const std::size_t left = subnet.prefix - bit;
        const auto mask = static_cast<std::uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
        const std::size_t at = bit / 8;
        if (((address.bytes[at] ^ subnet.address.bytes[at]) & mask) != 0) return false;
    }
    return true;
}

}  // namespace xbeat::agent::builtin
