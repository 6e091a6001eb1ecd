// Two or more nodes in network namespaces behind a switch, each with a real heart in its own
// process.
//
// A node's process can be killed, stopped and started again, while its namespace, and so its kernel
// heart, goes on. A path is cut silently at the switch: carriers stay up. Everything is anonymous
// and goes with the test's process: namespaces and mounts by their last descriptor, processes with
// their parent.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heart/heart.h"
#include "sys/fd.h"

namespace xbeat::heart::test {

constexpr std::size_t kLogMax = 4096;

/// What a node's process shares with the test.
struct NodeBoard {
    std::atomic<std::uint64_t> incarnation;  // of its heart; 0 until it runs
    std::atomic<std::uint32_t> generation;   // rises with each start of the process
    std::atomic<std::uint32_t> events;       // entries of `log` that count
    std::atomic<std::uint64_t> grant_ns;     // what it shall grant all peers
    std::atomic<bool> progress_stops;        // true: the daemon hangs
    std::atomic<bool> must_stop;             // true: stop the heart and end
    std::atomic<bool> adopted;
    std::atomic<int> failed;                 // 1: create() failed, see `error`
    std::atomic<std::uint8_t> mode;          // Mode of the heart
    std::atomic<std::uint64_t> generations;  // of the circulating packet
    std::array<char, 256> error;
    std::array<HeartEvent, kLogMax> log;
};

struct LabOptions {
    std::size_t nodes = 2;
    std::size_t paths = 2;
    Mode mode = Mode::Generic;
    bool is_v6 = false;
    std::uint16_t vlan = 0;
    Duration period = 1ms;
    std::uint32_t k_suspect = 3;
    std::uint32_t k_dead = 5;
    Duration stall_after = 200ms;
    bool switch_has_xdp = true;  // without it native XDP_TX cannot work, and silence() does nothing
    int realtime_priority = 0;   // of the nodes' loops; 0 leaves them alone
};

class Lab {
public:
    /// Why the lab cannot run here; empty if it can.
    [[nodiscard]] static std::string why_not();

    explicit Lab(LabOptions options);
    ~Lab();
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    /// Nodes are numbered 1, 2, ... as their node ids are.
    void start(std::size_t node);
    /// Starts all and tells each the others' incarnations; false if they do not all become alive.
    [[nodiscard]] bool start_all();
    void kill(std::size_t node);  // SIGKILL, and waits for the end
    void freeze(std::size_t node);
    void thaw(std::size_t node);
    /// Clean end: the heart is stopped.
    void end(std::size_t node);

    void cut(std::size_t node, std::size_t path);
    void mend(std::size_t node, std::size_t path);
    /// Drops everything that the node sends, on all paths in the same instant, carriers up; returns
    /// the instant before.
    Instant silence(std::size_t node);
    /// Runs a shell command inside a node's network namespace; 0 is the switch.
    void run(std::size_t node, const std::string& command) const;

    [[nodiscard]] NodeBoard& board(std::size_t node) { return *boards_.at(node - 1); }
    [[nodiscard]] std::vector<HeartEvent> events(std::size_t node, std::size_t from = 0);
    /// Waits until an event for which `wanted` is true is in the log at or behind place `from`.
    [[nodiscard]] bool wait_for(std::size_t node,
                                const std::function<bool(const HeartEvent&)>& wanted,
                                std::size_t from = 0, Duration limit = 10s);
    /// The peer's state in the kernel's map, no process asked.
    [[nodiscard]] PeerState kernel_state(std::size_t node, std::size_t peer) const;
    [[nodiscard]] std::uint64_t kernel_since(std::size_t node, std::size_t peer) const;
    [[nodiscard]] std::uint64_t lease_until(std::size_t node, std::size_t peer) const;
    [[nodiscard]] std::uint64_t counter(std::size_t node, int counter) const;
    [[nodiscard]] std::uint64_t laps(std::size_t node) const;
    [[nodiscard]] std::uint64_t held(std::size_t node) const;
    [[nodiscard]] std::uint64_t lap_gap_max(std::size_t node) const;
    [[nodiscard]] std::string pin_dir(std::size_t node) const;
    [[nodiscard]] Options options_of(std::size_t node) const;
    [[nodiscard]] int namespace_of(std::size_t node) const { return namespaces_.at(node).get(); }

    /// Removes a node's interface, and makes it anew.
    void unplug(std::size_t node, std::size_t path);
    void plug(std::size_t node, std::size_t path);

private:
    [[noreturn]] void live(std::size_t node);
    void log(std::size_t node, const HeartEvent& event);

    LabOptions options_;
    std::string folder_;
    std::vector<sys::Fd> namespaces_;  // [0] is the switch
    std::vector<sys::Fd> fates_;       // a map each: what the switch does with the node's frames
    std::vector<NodeBoard*> boards_;
    std::vector<pid_t> processes_;
};

/// Waits until `is_so` returns true, looking every millisecond.
[[nodiscard]] bool wait_until(const std::function<bool()>& is_so, Duration limit = 10s);

}  // namespace xbeat::heart::test
