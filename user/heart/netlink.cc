#include "heart/netlink.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <cstring>
#include <span>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::heart {
namespace {

constexpr std::size_t kRequestBytesMax = 1024;  // the largest request here needs under 300
constexpr std::size_t kAnswerBytesMax = 32768;  // the kernel's own limit for one datagram
constexpr std::uint32_t kLowerUp = 1U << 16U;   // IFF_LOWER_UP; net/if.h does not have it
constexpr std::uint8_t kAddrGenModeNone = 1;    // IN6_ADDR_GEN_MODE_NONE

int family_of(const IpAddress& address) {
    return address.family == IpAddress::Family::V6 ? AF_INET6 : AF_INET;
}

/// The attributes of a message; stops at the first malformed one.
template <class Visit>
void each_attribute(const void* first, std::size_t bytes, const Visit& visit) {
    const auto* attribute = static_cast<const rtattr*>(first);
    auto left = static_cast<unsigned int>(bytes);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        visit(static_cast<int>(attribute->rta_type & NLA_TYPE_MASK), RTA_DATA(attribute),
              static_cast<std::size_t>(RTA_PAYLOAD(attribute)));
    }
}

std::string text_of(const void* data, std::size_t bytes) {
    const auto* text = static_cast<const char*>(data);
    return {text, ::strnlen(text, bytes)};
}

std::string kind_of(const void* link_info, std::size_t bytes) {
    std::string kind;
    each_attribute(link_info, bytes, [&](int type, const void* data, std::size_t size) {
        if (type == IFLA_INFO_KIND) kind = text_of(data, size);
    });
    return kind;
}

LinkInfo parse_link(const nlmsghdr* header) {
    const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
    LinkInfo link{.ifindex = info->ifi_index};
    link.is_up = (info->ifi_flags & IFF_UP) != 0;
    link.has_carrier = (info->ifi_flags & kLowerUp) != 0;
    each_attribute(IFLA_RTA(info), IFLA_PAYLOAD(header),
                   [&](int type, const void* data, std::size_t size) {
                       if (type == IFLA_IFNAME) link.name = text_of(data, size);
                       if (type == IFLA_LINKINFO) link.kind = kind_of(data, size);
                       if (type == IFLA_ADDRESS && size == link.mac.size()) {
                           std::memcpy(link.mac.data(), data, size);
                       }
                   });
    return link;
}

IpAddress address_of(int family, const void* data, std::size_t size) {
    IpAddress address;
    if (family == AF_INET && size == 4) address.family = IpAddress::Family::V4;
    if (family == AF_INET6 && size == 16) address.family = IpAddress::Family::V6;
    std::memcpy(address.bytes.data(), data, address.size());
    return address;
}

NeighbourInfo parse_neighbour(const nlmsghdr* header) {
    const auto* info = static_cast<const ndmsg*>(NLMSG_DATA(header));
    NeighbourInfo neighbour{.ifindex = info->ndm_ifindex};
    // A known MAC stays good while the kernel merely wants to confirm it.
    const bool is_valid = (info->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE |
                                              NUD_PERMANENT | NUD_NOARP)) != 0;
    each_attribute(reinterpret_cast<const std::byte*>(info) + NLMSG_ALIGN(sizeof *info),
                   NLMSG_PAYLOAD(header, sizeof *info),
                   [&](int type, const void* data, std::size_t size) {
                       if (type == NDA_DST) {
                           neighbour.address = address_of(info->ndm_family, data, size);
                       }
                       if (type == NDA_LLADDR && is_valid && size == sizeof(MacAddress)) {
                           std::memcpy(neighbour.mac.emplace().data(), data, size);
                       }
                   });
    return neighbour;
}

/// Turns one notification into an event, if it is one for us.
void report(const nlmsghdr* header, const std::function<void(const NetlinkEvent&)>& callback) {
    if (header->nlmsg_type == RTM_NEWNEIGH) callback(parse_neighbour(header));
    if (header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK) return;
    // A bridge tells of its ports in the same words with its own family: joining and leaving it is
    // not coming and going.
    if (static_cast<const ifinfomsg*>(NLMSG_DATA(header))->ifi_family != AF_UNSPEC) return;
    if (header->nlmsg_type == RTM_NEWLINK) callback(parse_link(header));
    if (header->nlmsg_type == RTM_DELLINK) callback(LinkGone{parse_link(header).ifindex});
}

}  // namespace

/// A message under construction. Attributes are appended; nests are closed in reverse order.
class Netlink::Request {
public:
    template <class Payload>
    Request(std::uint16_t type, std::uint16_t flags, const Payload& payload) {
        header()->nlmsg_type = type;
        header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header()->nlmsg_len = NLMSG_LENGTH(sizeof payload);
        std::memcpy(NLMSG_DATA(header()), &payload, sizeof payload);
    }

    void add(std::uint16_t type, const void* data, std::size_t size) {
        const std::size_t at = NLMSG_ALIGN(header()->nlmsg_len);
        XB_CHECK(at + RTA_SPACE(size) <= bytes_.size());
        rtattr attribute{};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
        std::memcpy(bytes_.data() + at, &attribute, sizeof attribute);
        if (size > 0) std::memcpy(bytes_.data() + at + RTA_LENGTH(0), data, size);
        header()->nlmsg_len = static_cast<std::uint32_t>(at + RTA_LENGTH(size));
    }
    void add(std::uint16_t type, std::string_view text) {
        const std::string terminated(text);
        add(type, terminated.c_str(), terminated.size() + 1);
    }
    template <class Value>
    void add_value(std::uint16_t type, const Value& value) {
        add(type, &value, sizeof value);
    }
    [[nodiscard]] std::size_t begin_nest(std::uint16_t type) {
        const std::size_t at = NLMSG_ALIGN(header()->nlmsg_len);
        add(type, nullptr, 0);
        return at;
    }
    void end_nest(std::size_t at) {
        const auto length = static_cast<unsigned short>(header()->nlmsg_len - at);
        std::memcpy(bytes_.data() + at + offsetof(rtattr, rta_len), &length, sizeof length);
    }
    /// Room for a fixed struct in the middle of a nest (VETH_INFO_PEER begins with one).
    void add_raw(const void* data, std::size_t size) {
        const std::size_t at = NLMSG_ALIGN(header()->nlmsg_len);
        XB_CHECK(at + size <= bytes_.size());
        std::memcpy(bytes_.data() + at, data, size);
        header()->nlmsg_len = static_cast<std::uint32_t>(at + size);
    }
    [[nodiscard]] nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }

private:
    alignas(nlmsghdr) std::array<std::byte, kRequestBytesMax> bytes_{};
};

namespace {

Result<sys::Fd> open_socket(int flags, std::uint32_t groups) {
    sys::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
    if (!socket.is_open()) return sys::system_error("netlink socket");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return sys::system_error("netlink bind");
    }
    return socket;
}

}  // namespace

Result<Netlink> Netlink::open() {
    sys::Fd socket = XB_TRY(open_socket(0, 0));
    const int on = 1;
    // Words from the kernel about what was wrong are worth having, but not needed.
    (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    return Netlink(std::move(socket));
}

Result<Netlink> Netlink::listen() {
    return Netlink(XB_TRY(open_socket(SOCK_NONBLOCK, RTMGRP_LINK | RTMGRP_NEIGH)));
}

Result<void> Netlink::send(Request& request) {
    request.header()->nlmsg_seq = ++sequence_;
    const std::size_t length = request.header()->nlmsg_len;
    const ssize_t sent = ::send(socket_.get(), request.header(), length, 0);
    if (sent != static_cast<ssize_t>(length)) return sys::system_error("netlink send");
    return {};
}

Result<void> Netlink::ask(Request& request, std::string_view what,
                          const std::function<void(const void*)>& callback) {
    XB_TRY(send(request));
    alignas(nlmsghdr) std::array<std::byte, kAnswerBytesMax> answer;
    while (true) {
        const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error(what);
        auto left = static_cast<unsigned int>(got);
        for (auto* header = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_seq != sequence_) continue;  // an answer to a request given up before
            if (header->nlmsg_type == NLMSG_DONE) return {};
            if (header->nlmsg_type == NLMSG_ERROR) {
                const int code = static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
                if (code == 0) return {};
                return sys::system_error(what, -code);
            }
            callback(header);
        }
    }
}

Result<void> Netlink::acknowledge(Request& request, std::string_view what) {
    request.header()->nlmsg_flags |= NLM_F_ACK;
    return ask(request, what, [](const void*) {});
}

Result<std::optional<LinkInfo>> Netlink::get_link(Request& request) {
    std::optional<LinkInfo> found;
    request.header()->nlmsg_flags |= NLM_F_ACK;
    const Result<void> asked = ask(request, "look up a link", [&](const void* message) {
        found = parse_link(static_cast<const nlmsghdr*>(message));
    });
    if (!asked && asked.error().system_errno == ENODEV) return std::optional<LinkInfo>();
    if (!asked) return asked.error();
    return found;
}

Result<std::optional<LinkInfo>> Netlink::link(std::string_view name) {
    Request request(RTM_GETLINK, 0, ifinfomsg{});
    request.add(IFLA_IFNAME, name);
    return get_link(request);
}

Result<std::optional<LinkInfo>> Netlink::link(int ifindex) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    Request request(RTM_GETLINK, 0, info);
    return get_link(request);
}

Result<void> Netlink::add_veth(std::string_view name, std::string_view other) {
    const ifinfomsg info{};
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, info);
    request.add(IFLA_IFNAME, name);
    const std::size_t link_info = request.begin_nest(IFLA_LINKINFO);
    request.add(IFLA_INFO_KIND, "veth");
    const std::size_t data = request.begin_nest(IFLA_INFO_DATA);
    const std::size_t peer = request.begin_nest(VETH_INFO_PEER);
    request.add_raw(&info, sizeof info);
    request.add(IFLA_IFNAME, other);
    request.end_nest(peer);
    request.end_nest(data);
    request.end_nest(link_info);
    Result<void> made = acknowledge(request, concat("make the veth pair ", name));
    if (!made && made.error().system_errno == EEXIST) {
        return Error{.code = Code::Exists, .context = made.error().context, .system_errno = 0};
    }
    return made;
}

Result<void> Netlink::forbid_addresses(int ifindex) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    Request request(RTM_NEWLINK, 0, info);
    const std::size_t families = request.begin_nest(IFLA_AF_SPEC | NLA_F_NESTED);
    const std::size_t inet6 = request.begin_nest(AF_INET6 | NLA_F_NESTED);
    request.add_value(IFLA_INET6_ADDR_GEN_MODE, kAddrGenModeNone);
    request.end_nest(inet6);
    request.end_nest(families);
    Result<void> set = acknowledge(request, concat("forbid IPv6 addresses on link ", ifindex));
    // No IPv6 in this kernel, or not on this link: what was asked for.
    if (!set && set.error().system_errno == EAFNOSUPPORT) return {};
    return set;
}

Result<void> Netlink::set_up(int ifindex) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    info.ifi_flags = IFF_UP | IFF_NOARP;
    info.ifi_change = IFF_UP | IFF_NOARP;
    Request request(RTM_NEWLINK, 0, info);
    return acknowledge(request, concat("bring up link ", ifindex));
}

Result<void> Netlink::remove_link(int ifindex) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    Request request(RTM_DELLINK, 0, info);
    Result<void> removed = acknowledge(request, concat("remove link ", ifindex));
    if (!removed && removed.error().system_errno == ENODEV) return {};
    return removed;
}

Result<void> Netlink::set_token_bucket(int ifindex, const TokenBucket& bucket) {
    tcmsg message{};
    message.tcm_family = AF_UNSPEC;
    message.tcm_ifindex = ifindex;
    message.tcm_parent = TC_H_ROOT;
    message.tcm_handle = 0x10000;
    tc_tbf_qopt parameters{};
    parameters.rate.rate = static_cast<std::uint32_t>(bucket.bytes_per_second);
    // A stated link layer spares the kernel the rate table of old tools.
    parameters.rate.linklayer = TC_LINKLAYER_ETHERNET;
    parameters.limit = bucket.limit_bytes;
    Request request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, message);
    request.add(TCA_KIND, "tbf");
    const std::size_t options = request.begin_nest(TCA_OPTIONS);
    request.add_value(TCA_TBF_PARMS, parameters);
    request.add_value(TCA_TBF_BURST, bucket.burst_bytes);
    request.end_nest(options);
    Result<void> set = acknowledge(request, "set up sch_tbf");
    if (!set && set.error().system_errno == ENOENT) {
        return Error{
            .code = Code::NotFound, .context = "this kernel has no sch_tbf", .system_errno = 0};
    }
    return set;
}

Result<std::optional<IpAddress>> Netlink::next_hop(int ifindex, const IpAddress& remote) {
    rtmsg message{};
    message.rtm_family = static_cast<unsigned char>(family_of(remote));
    message.rtm_dst_len = static_cast<unsigned char>(remote.size() * 8);
    Request request(RTM_GETROUTE, 0, message);
    request.add(RTA_DST, remote.bytes.data(), remote.size());
    request.add_value(RTA_OIF, ifindex);
    request.header()->nlmsg_flags |= NLM_F_ACK;
    std::optional<IpAddress> hop;
    const Result<void> asked = ask(request, "look up a route", [&](const void* answer) {
        const auto* header = static_cast<const nlmsghdr*>(answer);
        const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(header));
        if (route->rtm_type == RTN_UNICAST) hop = remote;
        each_attribute(RTM_RTA(route), RTM_PAYLOAD(header),
                       [&](int type, const void* data, std::size_t size) {
                           if (type == RTA_GATEWAY) {
                               hop = address_of(route->rtm_family, data, size);
                           }
                       });
    });
    if (!asked) {
        const int code = asked.error().system_errno;
        if (code == ENETUNREACH || code == EHOSTUNREACH || code == ENODEV || code == ENETDOWN) {
            return std::optional<IpAddress>();
        }
        return asked.error();
    }
    return hop;
}

Result<std::vector<NeighbourInfo>> Netlink::neighbours(int ifindex) {
    ndmsg message{};
    message.ndm_ifindex = ifindex;
    Request request(RTM_GETNEIGH, NLM_F_DUMP, message);
    request.add_value(NDA_IFINDEX, ifindex);
    std::vector<NeighbourInfo> found;
    XB_TRY(ask(request, "read the neighbour table", [&](const void* answer) {
        NeighbourInfo neighbour = parse_neighbour(static_cast<const nlmsghdr*>(answer));
        if (neighbour.ifindex == ifindex) found.push_back(neighbour);
    }));
    return found;
}

Result<void> Netlink::resolve(int ifindex, const IpAddress& address) {
    ndmsg message{};
    message.ndm_family = static_cast<unsigned char>(family_of(address));
    message.ndm_ifindex = ifindex;
    message.ndm_state = NUD_NONE;
    message.ndm_flags = NTF_USE;
    Request request(RTM_NEWNEIGH, NLM_F_CREATE, message);
    request.add(NDA_DST, address.bytes.data(), address.size());
    return acknowledge(request, concat("resolve ", to_string(address)));
}

Result<void> Netlink::receive(const std::function<void(const NetlinkEvent&)>& callback) {
    alignas(nlmsghdr) std::array<std::byte, kAnswerBytesMax> bytes;
    while (true) {
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == ENOBUFS) {
            callback(EventsLost{});
            continue;
        }
        if (got < 0) return sys::system_error("netlink receive");
        auto left = static_cast<unsigned int>(got);
        for (auto* header = reinterpret_cast<nlmsghdr*>(bytes.data()); NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            report(header, callback);
        }
    }
}

}  // namespace xbeat::heart
