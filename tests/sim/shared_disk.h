// A block device that both nodes reach, each by a way of its own that can hang, fail, and be slow.
//
// What is asked of such a device is kept: a read shows every write that had ended before it began,
// and a block is written whole or not at all. Everything between the beginning and the end of a
// request is the device's business: when a write takes effect, and whether one that failed did. A
// machine that loses its power leaves nothing behind that could land later.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "arbiter/disk_lease.h"
#include "tests/sim/agenda.h"
#include "tests/sim/states.h"
#include "tests/sim/streams.h"
#include "tests/sim/truth.h"

namespace xbeat::xsim {

class SharedDisk {
public:
    /// From one node to the device.
    struct Way {
        int hangs = 0;  // how many faults hold it
        int fails = 0;
        Nanos extra_latency = 0;
        Prng prng{0};
    };
    struct Request {
        arbiter::DiskAccess access;
        std::uint64_t life = 0;    // of the daemon that made it
        std::uint64_t number = 0;  // tells it from later ones of that node
        bool has_landed = false;
        arbiter::DiskTrouble trouble = arbiter::DiskTrouble::None;
        arbiter::DiskBlock block;
    };
    /// The world around it. `after`: carries something out when that span is over.
    struct Host {
        std::function<Nanos()> now;
        std::function<void(Nanos, Action)> after;
        std::function<void(std::size_t, const Request&)> ended;
        std::function<void(State)> reach;
    };

    SharedDisk(std::uint64_t seed, Host host);

    [[nodiscard]] Way& way(std::size_t node) { return ways_[node]; }
    /// Also of a daemon that died: the next one gets the device's lock when it has ended.
    [[nodiscard]] bool is_busy(std::size_t node) const { return requests_[node].has_value(); }
    /// Requires: not busy.
    void begin(std::size_t node, const arbiter::DiskAccess& access, std::uint64_t life);
    /// +1 or -1: what that node asks of it hangs.
    void hold(std::size_t node, int by);
    /// The power goes.
    void lose_power(std::size_t node);
    /// Whoever reads that node's block only now does not pass it before `until`.
    [[nodiscard]] bool keeps_for(std::size_t node, Nanos until) const;

private:
    [[nodiscard]] bool is_under_way(std::size_t node, std::uint64_t number, bool has_landed) const {
        const std::optional<Request>& request = requests_[node];
        return request && request->number == number && request->has_landed == has_landed;
    }
    /// How long until the request that is under way takes effect, and from there to its end.
    [[nodiscard]] Nanos latency(std::size_t node);
    void go_on_later(std::size_t node);
    void go_on(std::size_t node);
    void land(std::size_t node);

    Host host_;
    std::array<Way, kNodes> ways_;
    std::array<std::optional<Request>, kNodes> requests_;
    std::array<arbiter::DiskBlock, kNodes> blocks_;
    std::array<Nanos, kNodes> written_at_{};
    std::uint64_t next_number_ = 1;
};

}  // namespace xbeat::xsim
