// One run: a pair, a configuration, faults of some kinds, operators; then everything heals, and
// then nothing may happen any more.
//
// All of it follows from one seed. A run can be repeated with fewer kinds of faults, fewer faults
// or less time (shrink.h) without shifting what is left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/config.h"
#include "tests/sim/world.h"

namespace xbeat::xsim {

#define XSIM_FAULTS(X)                 \
    X(Crash, "crash")                  \
    X(Reboot, "reboot")                \
    X(KillDaemon, "kill-daemon")       \
    X(StallDaemon, "stall-daemon")     \
    X(Freeze, "freeze")                \
    X(Partition, "partition")          \
    X(CutPath, "cut-path")             \
    X(CutOneWay, "cut-one-way")        \
    X(Loss, "loss")                    \
    X(Jitter, "jitter")                \
    X(Forgery, "forgery")              \
    X(CutChannel, "cut-channel")       \
    X(DropChannel, "drop-channel")     \
    X(KillService, "kill-service")     \
    X(KillExecutor, "kill-executor")   \
    X(AgentsFail, "agents-fail")       \
    X(AgentsHang, "agents-hang")       \
    X(DiskFails, "disk-fails")         \
    X(DiskSlow, "disk-slow")           \
    X(FenceRefuses, "fence-refuses")   \
    X(FenceHangs, "fence-hangs")       \
    X(FenceLies, "fence-lies")         \
    X(ClockSteps, "clock-steps")       \
    X(Configure, "configure")          \
    X(Cleanup, "cleanup")              \
    X(OperatorFence, "operator-fence") \
    X(Confirm, "confirm")              \
    X(Leave, "leave")                  \
    X(Attribute, "attribute")          \
    X(Start, "start")                  \
    X(WitnessCrash, "witness-crash")   \
    X(WitnessCut, "witness-cut")       \
    X(WitnessLoss, "witness-loss")     \
    X(WitnessReplay, "witness-replay") \
    X(Flap, "flap")                    \
    X(CrashAtAck, "crash-at-ack")      \
    X(Ambush, "ambush")                \
    X(DiskCrawls, "disk-crawls")       \
    X(SharedHangs, "shared-hangs")     \
    X(SharedFails, "shared-fails")     \
    X(SharedSlow, "shared-slow")       \
    X(StopsFail, "stops-fail")         \
    X(BootLoop, "boot-loop")           \
    X(Maintenance, "maintenance")      \
    X(Move, "move")

enum class FaultKind : std::uint8_t {
#define XSIM_FAULT_ENUM(name, text) name,
    XSIM_FAULTS(XSIM_FAULT_ENUM)
#undef XSIM_FAULT_ENUM
        Count,
};
constexpr std::size_t kFaultKinds = static_cast<std::size_t>(FaultKind::Count);
// What a run without a witness draws from: what comes later was added later, and old seeds mean
// what they meant.
constexpr std::size_t kFenceFaultKinds = static_cast<std::size_t>(FaultKind::WitnessCrash);
constexpr std::size_t kLeaseFaultKinds = static_cast<std::size_t>(FaultKind::CrashAtAck);
constexpr std::size_t kFirstSharedKind = static_cast<std::size_t>(FaultKind::SharedHangs);
constexpr std::size_t kSharedFaultKinds = static_cast<std::size_t>(FaultKind::StopsFail);
[[nodiscard]] std::string_view name_of(FaultKind kind);

struct Fault {
    Nanos at = 0;
    FaultKind kind = FaultKind::Crash;
    std::uint64_t seed = 0;
};

/// What a run is about; the same seed means something else for each.
enum class RunKind : std::uint8_t {
    Fence,      // fence devices or nothing, all faults
    Lease,      // a witness, with or without fence devices, all faults
    Partition,  // short: cuts of the network alone, with every arbiter
    Witness,    // the witness and two nodes that ask for nothing but its lease (duel.h)
    Ambush,     // blows at the moments in which something changes, and several at once
    Echo,       // as Witness, over a network that sends again what it carried long ago
    Disk,       // as Lease, with a disk that both share in place of the witness
    Flags,      // as Witness, over a shared disk
    Siege,      // one blow after the other, each long enough for the pair to have answered it
    Move,       // as Fence or Lease, with resources that migrate, and that people keep moving
    Count,
};
[[nodiscard]] std::string_view name_of(RunKind kind);

/// What a seed means.
struct Plan {
    RunKind kind = RunKind::Fence;
    Settings settings;
    std::size_t resources_max = 20;
    bool has_fencing = true;
    Nanos chaos = 0;
    Nanos span_max = INT64_MAX;  // of a fault that ends by itself
    Nanos span_min = 0;
    std::vector<std::string_view> moments;  // that an ambush waits for
    std::size_t frequent_moments = 0;       // the first of them, which it chooses more often
    bool has_drill = false;                 // in the end each node has to serve alone for a while
    std::set<FaultKind> kinds;
    std::vector<Fault> faults;
};

/// What to leave out of a seed's plan.
struct Cuts {
    std::set<FaultKind> without;
    std::set<std::size_t> kept;     // faults by number; none: all
    Nanos chaos_max = 0;            // 0: as planned
    std::size_t resources_max = 0;  // 0: as planned
};

[[nodiscard]] Plan make_plan(RunKind kind, std::uint64_t seed, const Cuts& cuts);
[[nodiscard]] std::string describe(const Plan& plan);

struct RunOptions {
    RunKind kind = RunKind::Fence;
    std::uint64_t seed = 1;
    Cuts cuts;
    Nanos until = 0;  // 0: to the end
    bool may_skip = true;
    std::function<void(Nanos, std::string_view)> trace;
};

struct Outcome {
    std::optional<Violation> violation;
    std::uint64_t digest = 0;
    Reached reached;
    Nanos simulated = 0;
    std::uint64_t steps = 0;
    std::uint64_t faults = 0;
    std::uint64_t partitions = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t power_cuts = 0;  // while writes were on their way
};

[[nodiscard]] Outcome run(const RunOptions& options);

}  // namespace xbeat::xsim
