#include "agent/builtin/announce.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>

#include "core/check.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {
namespace {

using heart::IpAddress;
using heart::MacAddress;

constexpr MacAddress kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kArpOperationAt = kEthernetBytes + 6;
constexpr std::size_t kArpSenderMacAt = kEthernetBytes + 8;
constexpr std::size_t kArpSenderAt = kEthernetBytes + 14;
constexpr std::size_t kArpBytes = kEthernetBytes + 28;
constexpr std::size_t kNextHeaderAt = kEthernetBytes + 6;
constexpr std::size_t kIcmpAt = kEthernetBytes + kIpv6Bytes;
constexpr std::size_t kTargetAt = kIcmpAt + 8;
constexpr std::uint8_t kAdvertisementOverride = 0x20;  // RFC 4861 section 4.4, the O flag

bool is_v6(const IpAddress& address) { return address.family == IpAddress::Family::V6; }

class Builder {
public:
    Builder& u8(unsigned value) {
        frame_.push_back(static_cast<std::byte>(value));
        return *this;
    }
    Builder& u16(unsigned value) { return u8(value >> 8U & 0xffU).u8(value & 0xffU); }
    template <std::size_t Size>
    Builder& bytes(const std::array<std::uint8_t, Size>& from, std::size_t count = Size) {
        for (std::size_t i = 0; i < count; ++i) u8(from[i]);
        return *this;
    }
    Builder& ethernet(const MacAddress& to, const MacAddress& from, unsigned type) {
        return bytes(to).bytes(from).u16(type);
    }
    Builder& zeros(std::size_t count) {
        frame_.resize(frame_.size() + count);
        return *this;
    }
    Frame take() { return std::move(frame_); }

private:
    Frame frame_;
};

// RFC 826, for Ethernet and IPv4.
Frame arp(unsigned operation, const MacAddress& mac, const IpAddress& sender,
          const IpAddress& target) {
    const MacAddress target_mac = operation == ARPOP_REPLY ? mac : MacAddress{};
    return Builder()
        .ethernet(kBroadcast, mac, ETH_P_ARP)
        .u16(ARPHRD_ETHER)
        .u16(ETH_P_IP)
        .u8(6)
        .u8(4)
        .u16(operation)
        .bytes(mac)
        .bytes(sender.bytes, 4)
        .bytes(target_mac)
        .bytes(target.bytes, 4)
        .take();
}

// RFC 1071 over the pseudo header of RFC 8200 section 8.1 and the ICMPv6 message.
std::uint16_t icmp_checksum(const Frame& frame) {
    const std::size_t length = frame.size() - kIcmpAt;
    std::uint32_t sum = IPPROTO_ICMPV6 + static_cast<std::uint32_t>(length);
    // The two addresses (32 bytes before the payload) and the payload, all of even length.
    for (std::size_t at = kIcmpAt - 32; at + 1 < frame.size(); at += 2) {
        sum += std::to_integer<std::uint32_t>(frame[at]) << 8U |
               std::to_integer<std::uint32_t>(frame[at + 1]);
    }
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

struct Discovery {
    unsigned type = 0;
    unsigned flags = 0;
    unsigned option = 0;  // link-layer address option; 0: none
    std::array<std::uint8_t, 16> source{};
    std::array<std::uint8_t, 16> destination{};
};

Frame neighbour_discovery(const Discovery& message, const IpAddress& target,
                          const MacAddress& mac) {
    // RFC 2464 section 7: a multicast group's MAC ends in the last four bytes of its address.
    MacAddress to = {0x33, 0x33, 0, 0, 0, 0};
    std::copy(message.destination.begin() + 12, message.destination.end(), to.begin() + 2);
    const std::size_t length = 8 + 16 + (message.option != 0 ? 8U : 0U);
    Builder builder;
    builder.ethernet(to, mac, ETH_P_IPV6)
        .u16(0x6000)
        .u16(0)
        .u16(static_cast<unsigned>(length))
        .u8(IPPROTO_ICMPV6)
        .u8(255)
        .bytes(message.source)
        .bytes(message.destination)
        .u8(message.type)
        .u8(0)
        .u16(0)
        .u8(message.flags)
        .zeros(3)
        .bytes(target.bytes);
    if (message.option != 0) builder.u8(message.option).u8(1).bytes(mac);
    Frame frame = builder.take();
    const std::uint16_t checksum = icmp_checksum(frame);
    frame[kIcmpAt + 2] = static_cast<std::byte>(checksum >> 8U);
    frame[kIcmpAt + 3] = static_cast<std::byte>(checksum & 0xffU);
    return frame;
}

std::array<std::uint8_t, 16> all_nodes() {
    return {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

// RFC 4291 section 2.7.1.
std::array<std::uint8_t, 16> solicited_node(const IpAddress& address) {
    std::array<std::uint8_t, 16> group = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0};
    std::copy(address.bytes.begin() + 13, address.bytes.end(), group.begin() + 13);
    return group;
}

// All that an IPv6 listener wants to see. Fixed: attaching a filter compiles it, which costs about
// half a millisecond, so it is not made for each address. ARP is rare enough to be looked at whole.
constexpr std::array<sock_filter, 6> kAdvertisements = {{
    BPF_STMT(BPF_LD | BPF_ABS | BPF_B, kNextHeaderAt),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
    BPF_STMT(BPF_LD | BPF_ABS | BPF_B, kIcmpAt),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0xffff),
    BPF_STMT(BPF_RET | BPF_K, 0),
}};
// What waits between two probes is dropped beyond this; a probe drains it first.
constexpr int kListenerBufferBytes = 64 * 1024;

Result<sys::Fd> open_listener(IpAddress::Family family) {
    sys::Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) return sys::system_error("opening a packet socket");
    const bool v6 = family == IpAddress::Family::V6;
    auto program = kAdvertisements;
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    if (v6 &&
        ::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
        return sys::system_error("filtering a packet socket");
    }
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kListenerBufferBytes,
                     sizeof kListenerBufferBytes) != 0) {
        return sys::system_error("bounding a packet socket");
    }
    sockaddr_ll any{};
    any.sll_family = AF_PACKET;
    any.sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_ARP);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
        return sys::system_error("binding a packet socket");
    }
    return socket;
}

}  // namespace

Frame probe_frame(const IpAddress& address, const MacAddress& mac) {
    if (!is_v6(address)) {
        return arp(ARPOP_REQUEST, mac, IpAddress{.family = IpAddress::Family::V4}, address);
    }
    return neighbour_discovery({.type = ND_NEIGHBOR_SOLICIT,
                                .flags = 0,
                                .option = 0,
                                .source = {},
                                .destination = solicited_node(address)},
                               address, mac);
}

std::vector<Frame> announcement_frames(const IpAddress& address, const MacAddress& mac) {
    if (!is_v6(address)) {
        return {arp(ARPOP_REQUEST, mac, address, address), arp(ARPOP_REPLY, mac, address, address)};
    }
    return {neighbour_discovery({.type = ND_NEIGHBOR_ADVERT,
                                 .flags = kAdvertisementOverride,
                                 .option = ND_OPT_TARGET_LINKADDR,
                                 .source = address.bytes,
                                 .destination = all_nodes()},
                                address, mac)};
}

std::optional<MacAddress> claimant(std::span<const std::byte> frame, const IpAddress& address) {
    const auto at = [frame](std::size_t place) {
        return std::to_integer<std::uint8_t>(frame[place]);
    };
    const auto equals = [&](std::size_t place, std::size_t size) {
        return std::memcmp(frame.data() + place, address.bytes.data(), size) == 0;
    };
    MacAddress mac{};
    if (!is_v6(address)) {
        if (frame.size() < kArpBytes || at(12) != ETH_P_ARP >> 8U || at(13) != (ETH_P_ARP & 0xff)) {
            return std::nullopt;
        }
        const unsigned operation =
            static_cast<unsigned>(at(kArpOperationAt)) << 8U | at(kArpOperationAt + 1);
        if (operation != ARPOP_REQUEST && operation != ARPOP_REPLY) return std::nullopt;
        if (!equals(kArpSenderAt, 4)) return std::nullopt;
        std::memcpy(mac.data(), frame.data() + kArpSenderMacAt, mac.size());
        return mac;
    }
    if (frame.size() < kTargetAt + 16 || at(12) != ETH_P_IPV6 >> 8U ||
        at(13) != (ETH_P_IPV6 & 0xff) || at(kNextHeaderAt) != IPPROTO_ICMPV6 ||
        at(kIcmpAt) != ND_NEIGHBOR_ADVERT || !equals(kTargetAt, 16)) {
        return std::nullopt;
    }
    std::memcpy(mac.data(), frame.data() + 6, mac.size());
    return mac;
}

std::string to_string(const MacAddress& mac) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : mac) {
        if (!text.empty()) text += ':';
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 0xfU];
    }
    return text;
}

Result<void> Announcer::send(int ifindex, std::span<const std::byte> frame) {
    if (!sender_.is_open()) {
        // Protocol 0: it never receives, so it costs nothing between two sends.
        sender_ = sys::Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!sender_.is_open()) return sys::system_error("opening a packet socket");
    }
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = ifindex;
    to.sll_halen = 6;
    std::memcpy(to.sll_addr, frame.data(), to.sll_halen);
    const ssize_t sent = ::sendto(sender_.get(), frame.data(), frame.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&to), sizeof to);
    if (sent != static_cast<ssize_t>(frame.size())) return sys::system_error("sending a frame");
    return {};
}

Result<void> Announcer::announce(const Announcement& announcement) {
    for (const Frame& frame : announcement_frames(announcement.address, announcement.mac)) {
        XB_TRY(send(announcement.ifindex, frame));
    }
    return {};
}

Announcer::Listener& Announcer::listener(IpAddress::Family family) {
    return family == IpAddress::Family::V6 ? ipv6_ : arp_;
}

int Announcer::fd(IpAddress::Family family) const {
    return (family == IpAddress::Family::V6 ? ipv6_ : arp_).socket.get();
}

Result<void> Announcer::prepare(IpAddress::Family family) {
    sys::Fd& socket = listener(family).socket;
    if (!socket.is_open()) socket = XB_TRY(open_listener(family));
    return {};
}

Result<void> Announcer::probe(const IpAddress& address, int ifindex, const MacAddress& mac) {
    XB_TRY(prepare(address.family));
    Listener& listening = listener(address.family);
    // What came in while nobody asked is old news.
    std::array<std::byte, 1> rest{};
    while (listening.probed.empty() &&
           ::recv(listening.socket.get(), rest.data(), rest.size(), 0) > 0) {
    }
    listening.probed.push_back(address);
    return send(ifindex, probe_frame(address, mac));
}

std::optional<MacAddress> Announcer::claim(const IpAddress& address, const MacAddress& mac) {
    Listener& listening = listener(address.family);
    std::array<std::byte, 256> frame{};
    while (true) {
        const ssize_t got = ::recv(listening.socket.get(), frame.data(), frame.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        const auto bytes = std::span(frame).first(static_cast<std::size_t>(got));
        for (const IpAddress& one : listening.probed) {
            const std::optional<MacAddress> owner = claimant(bytes, one);
            if (owner && listening.claims.size() < kClaimsMax) {
                listening.claims.emplace_back(one, *owner);
            }
        }
    }
    for (const auto& [claimed, owner] : listening.claims) {
        if (claimed == address && owner != mac) return owner;
    }
    return std::nullopt;
}

void Announcer::end_probe(const IpAddress& address) {
    Listener& listening = listener(address.family);
    const auto at = std::find(listening.probed.begin(), listening.probed.end(), address);
    if (at != listening.probed.end()) listening.probed.erase(at);
    std::erase_if(listening.claims, [&](const auto& one) { return one.first == address; });
}

}  // namespace xbeat::agent::builtin
