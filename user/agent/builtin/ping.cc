// The measurement of ocf:xbeat:ping: echo requests over raw ICMP sockets.
//
// Raw sockets hear every reply of the machine, so each run has an identifier of its own and takes
// only what carries it. IPv4 replies come with their IP header, IPv6 ones without; the kernel fills
// in ICMPv6 checksums, those of ICMP are ours. Source: RFC 792, RFC 4443, RFC 3542.
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/builtin/probe.h"
#include "agent/builtin/values.h"
#include "core/text.h"
#include "heart/ip_address.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {
namespace {

constexpr std::size_t kHostsMax = 64;   // a further one: refused as a configuration error
constexpr std::size_t kReadsMax = 256;  // packets of one wake; the rest at the next

using Packet = std::array<std::uint8_t, 16>;

// RFC 1071: the sum of 16-bit words in one's complement.
std::uint16_t checksum(const Packet& packet) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < packet.size(); i += 2) {
        sum += static_cast<std::uint32_t>(packet[i] << 8U) + packet[i + 1];
    }
    while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

Packet echo_request(std::uint8_t type, std::uint16_t identifier, std::uint16_t sequence) {
    Packet packet{};
    packet[0] = type;
    packet[4] = static_cast<std::uint8_t>(identifier >> 8U);
    packet[5] = static_cast<std::uint8_t>(identifier);
    packet[6] = static_cast<std::uint8_t>(sequence >> 8U);
    packet[7] = static_cast<std::uint8_t>(sequence);
    std::memcpy(packet.data() + 8, "xbeat", 5);
    if (type == ICMP_ECHO) {
        const std::uint16_t sum = checksum(packet);
        packet[2] = static_cast<std::uint8_t>(sum >> 8U);
        packet[3] = static_cast<std::uint8_t>(sum);
    }
    return packet;
}

struct Host {
    heart::IpAddress address;
    bool has_answered = false;
};

std::uint16_t next_identifier() {
    static std::uint16_t next = 0;
    return ++next;
}

class Ping final : public Measurement {
public:
    struct Options {
        std::vector<Host> hosts;
        std::int64_t multiplier = 1;
        std::int64_t attempts = 3;
        std::int64_t failure_below = 0;
        Duration wait{};
    };
    explicit Ping(Options options) : options_(std::move(options)), identifier_(next_identifier()) {}

    Result<void> open() {
        epoll_ = sys::Fd(::epoll_create1(EPOLL_CLOEXEC));
        if (!epoll_.is_open()) return sys::system_error("making an epoll set");
        for (const auto family : {heart::IpAddress::Family::V4, heart::IpAddress::Family::V6}) {
            const bool is_wanted =
                std::any_of(options_.hosts.begin(), options_.hosts.end(),
                            [family](const Host& host) { return host.address.family == family; });
            if (is_wanted) XB_TRY(open_socket(family));
        }
        return {};
    }

    Progress begin(Instant now) override { return attempt(now); }

    Progress resume(Instant now) override {
        read_replies();
        const bool has_all = std::all_of(options_.hosts.begin(), options_.hosts.end(),
                                         [](const Host& host) { return host.has_answered; });
        if (has_all) return reading();
        if (now < wake_at_) return waiting();
        return attempts_done_ < options_.attempts ? attempt(now) : reading();
    }

private:
    Result<void> open_socket(heart::IpAddress::Family family) {
        const bool is_v4 = family == heart::IpAddress::Family::V4;
        sys::Fd socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
        if (!socket.is_open()) return sys::system_error("opening a raw ICMP socket");
        if (!is_v4) {
            icmp6_filter filter{};
            ICMP6_FILTER_SETBLOCKALL(&filter);
            ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
            if (::setsockopt(socket.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) !=
                0) {
                return sys::system_error("filtering ICMPv6");
            }
        }
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = socket.get();
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) {
            return sys::system_error("watching an ICMP socket");
        }
        (is_v4 ? v4_ : v6_) = std::move(socket);
        return {};
    }

    Progress attempt(Instant now) {
        ++attempts_done_;
        wake_at_ = now + options_.wait;
        for (std::size_t i = 0; i < options_.hosts.size(); ++i) {
            if (!options_.hosts[i].has_answered) send_to(i);
        }
        return waiting();
    }

    // One that cannot be sent (no route, interface down) is one that is not answered.
    void send_to(std::size_t index) {
        const heart::IpAddress& address = options_.hosts[index].address;
        const auto sequence = static_cast<std::uint16_t>(index);
        if (address.family == heart::IpAddress::Family::V4) {
            sockaddr_in to{};
            to.sin_family = AF_INET;
            std::memcpy(&to.sin_addr, address.bytes.data(), 4);
            const Packet packet = echo_request(ICMP_ECHO, identifier_, sequence);
            (void)::sendto(v4_.get(), packet.data(), packet.size(), MSG_NOSIGNAL,
                           reinterpret_cast<const sockaddr*>(&to), sizeof to);
            return;
        }
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        std::memcpy(&to.sin6_addr, address.bytes.data(), 16);
        const Packet packet = echo_request(ICMP6_ECHO_REQUEST, identifier_, sequence);
        (void)::sendto(v6_.get(), packet.data(), packet.size(), MSG_NOSIGNAL,
                       reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }

    void read_replies() {
        for (sys::Fd* socket : {&v4_, &v6_}) {
            for (std::size_t i = 0; socket->is_open() && i < kReadsMax; ++i) {
                std::array<std::uint8_t, 512> bytes{};
                sockaddr_storage from{};
                socklen_t from_size = sizeof from;
                const ssize_t got =
                    ::recvfrom(socket->get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&from), &from_size);
                if (got < 0) break;
                std::size_t size = static_cast<std::size_t>(got);
                std::size_t at = 0;
                if (socket == &v4_) at = std::size_t{4} * (bytes[0] & 0xfU);  // the IP header
                if (size < at + 8) continue;
                take(bytes.data() + at, socket == &v4_, from);
            }
        }
    }

    void take(const std::uint8_t* bytes, bool is_v4, const sockaddr_storage& from) {
        const std::uint8_t wanted = is_v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
        const auto identifier = static_cast<std::uint16_t>((bytes[4] << 8U) | bytes[5]);
        const auto sequence = static_cast<std::uint16_t>((bytes[6] << 8U) | bytes[7]);
        if (bytes[0] != wanted || identifier != identifier_) return;
        if (sequence >= options_.hosts.size()) return;
        Host& host = options_.hosts[sequence];
        // Another one's answer does not count, whatever it says.
        const void* address =
            is_v4 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(&from)->sin_addr)
                  : static_cast<const void*>(
                        &reinterpret_cast<const sockaddr_in6*>(&from)->sin6_addr);
        const bool is_same_family = (host.address.size() == 4) == is_v4;
        if (!is_same_family) return;
        if (std::memcmp(address, host.address.bytes.data(), host.address.size()) != 0) return;
        host.has_answered = true;
    }

    [[nodiscard]] Progress waiting() const {
        return {.reading = {}, .fd = epoll_.get(), .wake_at = wake_at_};
    }

    [[nodiscard]] Progress reading() const {
        const auto answered = std::count_if(options_.hosts.begin(), options_.hosts.end(),
                                            [](const Host& host) { return host.has_answered; });
        const std::int64_t value = answered * options_.multiplier;
        const bool is_bad = value < options_.failure_below;
        return {
            .reading = Reading{.value = concat(value),
                               .is_bad = is_bad,
                               .reason = is_bad ? concat(answered, " of ", options_.hosts.size(),
                                                         " hosts answered: the value ", value,
                                                         " is below failure_score")
                                                : std::string()},
            .fd = -1,
            .wake_at = {}};
    }

    Options options_;
    std::uint16_t identifier_;
    std::int64_t attempts_done_ = 0;
    Instant wake_at_{};
    sys::Fd epoll_;
    sys::Fd v4_;
    sys::Fd v6_;
};

}  // namespace

Result<std::unique_ptr<Measurement>> make_ping(const Spawn& spawn) {
    Ping::Options options;
    for (const std::string_view word : split_words(parameter(spawn, "host_list"))) {
        const std::optional<heart::IpAddress> address = heart::IpAddress::parse(word);
        if (!address) {
            return Error{.code = Code::Invalid,
                         .context = concat("host_list: \"", word, "\" is no address")};
        }
        options.hosts.push_back({.address = *address, .has_answered = false});
    }
    if (options.hosts.empty() || options.hosts.size() > kHostsMax) {
        return Error{.code = Code::Invalid,
                     .context = concat("host_list must have 1 to ", kHostsMax, " addresses")};
    }
    options.multiplier =
        XB_TRY(integer_parameter(spawn, "multiplier", {.min = 1, .max = 1'000'000, .fallback = 1}));
    options.attempts =
        XB_TRY(integer_parameter(spawn, "attempts", {.min = 1, .max = 20, .fallback = 3}));
    options.failure_below = XB_TRY(
        integer_parameter(spawn, "failure_score", {.min = 0, .max = 1'000'000'000, .fallback = 0}));
    options.wait =
        XB_TRY(duration_parameter(spawn, "wait", {.min = 10ms, .max = 60s, .fallback = 500ms}));
    auto ping = std::make_unique<Ping>(std::move(options));
    XB_TRY(ping->open());
    return std::unique_ptr<Measurement>(std::move(ping));
}

}  // namespace xbeat::agent::builtin
