#include "heart/udp_beat.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "core/check.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"
#include "xb_judge.h"

namespace xbeat::heart {
namespace {

constexpr int kFramesPerCall = 256;  // a flood must not keep the thread from beating
constexpr int kExpedited = 0xb8;     // RFC 3246, as the kernel's probes carry

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(sys::boot_now().time_since_epoch().count());
}

socklen_t fill_address(sockaddr_storage& storage, const IpAddress& address, std::uint16_t port) {
    if (address.family == IpAddress::Family::V6) {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        std::memcpy(&v6->sin6_addr, address.bytes.data(), 16);
        return sizeof *v6;
    }
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, address.bytes.data(), 4);
    return sizeof *v4;
}

/// The same three answers as the tick gives, from sendto(2)'s errno.
xb_sending sending_of(int error) {
    switch (error) {
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case ENODEV:
        case EADDRNOTAVAIL:
        case EBADF:
            return XB_UNSENT;
        default:
            return XB_FAILED;
    }
}

}  // namespace

PriorityMutex::PriorityMutex() {
    pthread_mutexattr_t attributes;
    XB_CHECK(::pthread_mutexattr_init(&attributes) == 0);
    XB_CHECK(::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    XB_CHECK(::pthread_mutex_init(&mutex_, &attributes) == 0);
    ::pthread_mutexattr_destroy(&attributes);
}
PriorityMutex::~PriorityMutex() { ::pthread_mutex_destroy(&mutex_); }
void PriorityMutex::lock() { XB_CHECK(::pthread_mutex_lock(&mutex_) == 0); }
void PriorityMutex::unlock() { XB_CHECK(::pthread_mutex_unlock(&mutex_) == 0); }

UdpBeat::UdpBeat(std::uint32_t peers_max, sys::Fd epoll)
    : roster_(XB_NODE_MAX),
      peers_(std::size_t{peers_max} + 1),
      paths_(peers_.size() * XB_PATHS_MAX),
      keys_(paths_.size()),
      epoll_(std::move(epoll)) {
    store_ = {.control = &control_,
              .laps = &laps_,
              .counters = &counters_,
              .roster = roster_,
              .peers = peers_,
              .paths = paths_};
}

void UdpBeat::write_keys(std::size_t place, const xb_keys& keys) {
    const std::lock_guard<PriorityMutex> guard(sockets_lock_);
    keys_.at(place) = keys;
}

Result<void> UdpBeat::open_link(const LinkOptions& options) {
    const bool is_v6 = options.local.family == IpAddress::Family::V6;
    sys::Fd socket(
        ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return sys::system_error("beat socket");
    const int on = 1;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return sys::system_error("beat socket: SO_REUSEADDR");
    }
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, options.interface.c_str(),
                     static_cast<socklen_t>(options.interface.size() + 1)) != 0) {
        return sys::system_error(concat("bind to ", options.interface));
    }
    // A wish to the switches, no need: a refusal changes nothing.
    (void)::setsockopt(socket.get(), is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                       is_v6 ? IPV6_TCLASS : IP_TOS, &kExpedited, sizeof kExpedited);
    sockaddr_storage address{};
    const socklen_t length = fill_address(address, options.local, options.port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return sys::system_error(concat("bind to ", to_string(options.local)));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) {
        return sys::system_error("watch the beat socket");
    }
    const std::lock_guard<PriorityMutex> guard(sockets_lock_);
    sockets_.at(options.path.value) = std::move(socket);
    return {};
}

void UdpBeat::close_link(PathId path) {
    const std::lock_guard<PriorityMutex> guard(sockets_lock_);
    sockets_.at(path.value) = sys::Fd();
}

void UdpBeat::judge(std::uint16_t node, const xb_lap& lap, Events& events) {
    xb_peer& peer = peers_.at(node);
    const xb_path* latest = nullptr;
    std::uint32_t misses = UINT32_MAX;
    const auto emit = [&](const xb_path& path, xb_event event) {
        if (events.size() == events.capacity()) return count(XB_EVENTS_LOST);
        event.at_ns = lap.now;
        event.node = node;
        event.sequence = path.sent_sequence;
        event.answered_sequence = path.answered.highest;
        event.sent_ns = path.sent_ns;
        event.answered_ns = path.answered_ns;
        event.heard_ns = peer.heard_ns;
        event.rtt_ns = path.rtt_ns;
        event.grace_ns = path.grace_used_ns;
        event.unsent_misses = path.unsent_misses;
        event.gap_ns = lap.gap_ns;
        event.late = lap.late;
        event.daemon_progress = peer.daemon_progress;
        event.flags = peer.flags;
        events.push_back(event);
        count(XB_EVENTS);
    };
    if (peer.seen_epoch != observe(peer.epoch)) xb_begin_epoch(&peer, &lap);
    for (std::uint8_t number = 0; number < XB_PATHS_MAX; number++) {
        if ((peer.path_mask & (1U << number)) == 0) continue;
        xb_path& path = paths_.at(place_of(node, number));
        xb_event event{};
        event.kind = XB_EVENT_PATH;
        event.before = static_cast<std::uint8_t>(path.state);
        if (xb_judge_path(&control_, &peer, &path, &lap) != 0) {
            event.after = static_cast<std::uint8_t>(path.state);
            event.path = number;
            event.misses = path.misses;
            emit(path, event);
        }
        misses = std::min(misses, path.misses);
        if (latest == nullptr || path.answered_ns > latest->answered_ns) latest = &path;
    }
    xb_event event{};
    event.kind = XB_EVENT_PEER;
    event.before = static_cast<std::uint8_t>(peer.state);
    if (latest == nullptr || xb_judge_peer(&control_, &peer, misses, &lap) == 0) return;
    event.after = static_cast<std::uint8_t>(peer.state);
    event.misses = misses;
    emit(*latest, event);
}

int UdpBeat::send_probe(std::uint16_t node, std::uint8_t number, std::int64_t now) {
    const xb_path& path = paths_.at(place_of(node, number));
    const sys::Fd& socket = sockets_.at(number);
    const xb_link& link = control_.links[number];
    if (!socket.is_open() || link.family == 0) return XB_UNSENT;
    xb_beat beat{};
    xb_make_probe(&beat, &control_, &peers_.at(node), &path, &keys_.at(place_of(node, number)),
                  node, number, static_cast<std::uint64_t>(now));
    IpAddress remote{.family = link.family == 6 ? IpAddress::Family::V6 : IpAddress::Family::V4};
    std::memcpy(remote.bytes.data(), path.remote, remote.bytes.size());
    sockaddr_storage address{};
    const socklen_t length = fill_address(address, remote, control_.port);
    const ssize_t sent = ::sendto(socket.get(), &beat, sizeof beat, MSG_DONTWAIT | MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&address), length);
    return sent == sizeof beat ? XB_SENT : sending_of(errno);
}

void UdpBeat::probe(std::uint16_t node) {
    for (std::uint8_t number = 0; number < XB_PATHS_MAX; number++) {
        if ((peers_.at(node).path_mask & (1U << number)) == 0) continue;
        xb_path& path = paths_.at(place_of(node, number));
        path.sequence++;
        const std::uint64_t now = now_ns();
        const int sending = send_probe(node, number, static_cast<std::int64_t>(now));
        xb_note_sending(&path, static_cast<xb_sending>(sending), now);
        count(sending == XB_SENT     ? XB_PROBES_SENT
              : sending == XB_UNSENT ? XB_PROBES_UNSENT
                                     : XB_PROBES_FAILED);
    }
}

void UdpBeat::beat(Instant now, Events& events) {
    const std::lock_guard<PriorityMutex> guard(sockets_lock_);
    const xb_lap lap =
        xb_begin_lap(&control_, &laps_, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    const std::uint32_t entries = observe(control_.roster_count);
    for (std::uint32_t i = 0; i < entries && i < roster_.size(); i++) {
        const auto node = static_cast<std::uint16_t>(roster_.at(i));
        const xb_peer& peer = peers_.at(node);
        if (observe(peer.incarnation) == 0 || peer.path_mask == 0) continue;
        judge(node, lap, events);
        probe(node);
    }
}

int UdpBeat::find_sender(const xb_beat& beat, std::size_t& place) const {
    const std::uint16_t node = XB_LE16(beat.sender);
    if (node == 0 || node >= peers_.size() || peers_.at(node).path_mask == 0) return XB_DROP_SENDER;
    if ((peers_.at(node).path_mask & (1U << beat.path)) == 0) return XB_DROP_PATH;
    place = place_of(node, beat.path);
    return XB_OK;
}

void UdpBeat::receive_on(std::uint8_t number) {
    const int socket = sockets_.at(number).get();
    for (int i = 0; i < kFramesPerCall; i++) {
        alignas(xb_beat) std::array<std::byte, sizeof(xb_beat) + 1> bytes;
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(socket, bytes.data(), bytes.size(), MSG_DONTWAIT,
                                       reinterpret_cast<sockaddr*>(&from), &length);
        if (got < 0) return;
        xb_beat beat{};
        std::memcpy(&beat, bytes.data(), sizeof beat);
        std::size_t place = 0;
        int outcome = XB_OK;
        if (got != sizeof beat)
            outcome = got < static_cast<ssize_t>(sizeof beat) ? XB_DROP_SHORT : XB_DROP_LONG;
        if (outcome == XB_OK) outcome = xb_judge_shape(&beat, &control_, number);
        if (outcome == XB_OK) outcome = find_sender(beat, place);
        if (outcome != XB_OK) {
            count(outcome);
            continue;
        }
        xb_peer& peer = peers_.at(place / XB_PATHS_MAX);
        const std::uint64_t now = now_ns();
        outcome = xb_judge_frame(&beat, &control_, &peer, &paths_.at(place), &keys_.at(place), now);
        count(outcome);
        if (outcome != XB_PROBES_REFLECTED) continue;
        if (xb_is_stale_probe(&beat, &control_, now) != 0) count(XB_STALE_PROBES);
        xb_make_reflection(&beat, &control_, &peer, &paths_.at(place), &keys_.at(place), now);
        // A reflection that cannot leave is a lost one to the peer; there is nothing else to do.
        (void)::sendto(socket, &beat, sizeof beat, MSG_DONTWAIT | MSG_NOSIGNAL,
                       reinterpret_cast<const sockaddr*>(&from), length);
    }
}

void UdpBeat::receive() {
    const std::lock_guard<PriorityMutex> guard(sockets_lock_);
    for (std::uint8_t number = 0; number < XB_PATHS_MAX; number++) {
        if (sockets_.at(number).is_open()) receive_on(number);
    }
}

}  // namespace xbeat::heart
