// The fallback: the same beats and the same judgement, made by a thread with sockets and a timer.
//
// For machines where neither XDP nor sch_tbf works. It beats only while the reflex thread runs, so
// it keeps every promise of the heart but the first one; the status says so (mode udp).
//
// Threads: beat(), receive() belong to the reflex thread, open_link() and close_link() to the
// other.
#pragma once

#include <pthread.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/ip_address.h"
#include "heart/store.h"
#include "sys/fd.h"

struct xb_lap;  // of xb_judge.h

namespace xbeat::heart {

/// A mutex that lends the waiter's priority to the holder: the reflex thread is SCHED_FIFO.
class PriorityMutex {
public:
    PriorityMutex();
    ~PriorityMutex();
    PriorityMutex(const PriorityMutex&) = delete;
    PriorityMutex& operator=(const PriorityMutex&) = delete;
    void lock();
    void unlock();

private:
    pthread_mutex_t mutex_{};
};

class UdpBeat {
public:
    /// Room for peers up to `peers_max`. Nothing is sent before open_link(). `epoll` will watch the
    /// sockets.
    UdpBeat(std::uint32_t peers_max, sys::Fd epoll);

    /// Becomes readable when receive() has work.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    [[nodiscard]] const Store& store() const { return store_; }
    void write_keys(std::size_t place, const xb_keys& keys);

    struct LinkOptions {
        PathId path{};
        std::string interface;
        IpAddress local;
        std::uint16_t port = 0;
    };
    /// Opens the socket of a path, bound to its interface and address. Errors: System.
    Result<void> open_link(const LinkOptions& options);
    void close_link(PathId path);

    using Events = std::vector<xb_event>;
    /// One lap: judges all peers, sends a probe on each path; appends verdicts to `events` while
    /// there is capacity, else counts them lost.
    void beat(Instant now, Events& events);
    /// Takes in what has come; never blocks.
    void receive();

private:
    void judge(std::uint16_t node, const xb_lap& lap, Events& events);
    void probe(std::uint16_t node);
    int send_probe(std::uint16_t node, std::uint8_t number, std::int64_t now);
    void receive_on(std::uint8_t number);
    /// XB_OK and the place of the sender's path, or the drop.
    int find_sender(const xb_beat& beat, std::size_t& place) const;
    void count(int counter) { store_.counters->value[counter]++; }

    xb_control control_{};
    xb_laps laps_{};
    xb_counters counters_{};
    std::vector<std::uint64_t> roster_;
    std::vector<xb_peer> peers_;
    std::vector<xb_path> paths_;
    std::vector<xb_keys> keys_;
    Store store_;
    sys::Fd epoll_;
    PriorityMutex sockets_lock_;
    std::array<sys::Fd, XB_PATHS_MAX> sockets_;
};

}  // namespace xbeat::heart
