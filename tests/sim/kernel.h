// The heart of one simulated node: the lines of bpf/xb_judge.h as the BPF programs run them, with
// plain memory in place of maps and no packets around the beats.
//
// The order of calls is that of bpf/heart.bpf.c (the tick) and bpf/reflect.bpf.c (arrivals); what
// the loader writes into the maps is that of user/heart.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/agenda.h"
#include "xb_judge.h"

namespace xbeat::xsim {

constexpr std::size_t kPaths = 2;

struct Timing {
    Nanos period = kMilli;
    std::uint32_t suspect = 3;  // unanswered probes
    std::uint32_t dead = 5;
    Nanos stall_after = kSecond;
};

struct Verdict {
    bool is_peer = false;  // else of a path
    std::uint8_t path = 0;
    std::uint8_t after = 0;  // xb_peer_state or xb_path_state
    std::uint32_t misses = 0;
    std::uint64_t answered_ns = 0;
    std::uint64_t heard_ns = 0;
    std::uint64_t rtt_ns = 0;
    std::uint64_t grace_ns = 0;
};

/// What one lap brings about.
struct Lap {
    std::vector<Verdict> verdicts;
    std::vector<xb_beat> probes;
};

/// All that changes from lap to lap, as numbers: for telling that nothing new happens.
constexpr std::size_t kScalars = 27 + kPaths * 30;
using Scalars = std::array<std::uint64_t, kScalars>;

class Kernel {
public:
    Kernel(std::uint16_t self, const Timing& timing, std::uint64_t secret);

    /// A fresh kernel: nothing of before is known. `incarnation` is not 0.
    void boot(std::uint64_t incarnation);

    // As user/heart does it for the daemon.
    void set_peer(std::uint64_t incarnation);
    void forget_peer();
    void set_grant(std::uint64_t grant_ns) { peer_.grant_ns = grant_ns; }
    void make_progress() { ++control_.daemon_progress; }

    /// The circulating packet came out once more. `now`: this node's boot clock.
    void lap(std::uint64_t now, Lap& out);
    /// A frame came in on a path. Returns the reflection to be sent, if any.
    std::optional<xb_beat> receive(const xb_beat& frame, std::uint8_t path, std::uint64_t now);

    [[nodiscard]] std::uint32_t peer_state() const { return peer_.state; }
    [[nodiscard]] bool are_paths_up() const;
    [[nodiscard]] std::uint64_t incarnation() const { return control_.incarnation; }
    [[nodiscard]] std::uint64_t peer_incarnation() const { return peer_.incarnation; }
    /// When the lease that the peer granted ends, by this node's clock.
    [[nodiscard]] std::uint64_t lease_until() const { return peer_.lease_until_ns; }
    /// The peer's probes that prove that it heard us lately.
    [[nodiscard]] std::uint32_t fresh_probes() const { return peer_.fresh_probes; }
    /// The peer's newest probe calls this node dead.
    [[nodiscard]] bool is_called_dead() const { return (peer_.word_ns & 1) != 0; }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

    [[nodiscard]] Scalars scalars() const;
    /// True if `laps` further laps would change the numbers by `delta` each and no verdict would
    /// fall. Lowers `laps` to where something could.
    [[nodiscard]] bool may_skip(const Scalars& delta, std::uint64_t& laps) const;
    void skip(const Scalars& delta, std::uint64_t laps, std::uint64_t period_ns);

private:
    void judge(const xb_lap& lap, Lap& out);
    template <class Self, class Visit>
    static void visit(Self& self, Visit&& visit);

    xb_control control_{};
    xb_laps laps_{};
    xb_peer peer_{};
    std::array<xb_path, kPaths> paths_{};
    std::array<xb_keys, kPaths> keys_{};
    std::uint64_t dropped_ = 0;
};

}  // namespace xbeat::xsim
