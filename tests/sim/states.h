// Rare states that a long batch of runs has to reach at least once each: what was never reached was
// never tested.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xbeat::xsim {

#define XSIM_STATES(X)                                                           \
    X(FenceDuringFailover, "a second fence while a failover is under way")       \
    X(FenceRefused, "a fence device refused")                                    \
    X(FenceTimedOut, "a fence agent timed out")                                  \
    X(FenceLate, "a device switched a node off after its agent had timed out")   \
    X(FenceLied, "a device reported success and did nothing")                    \
    X(FenceRecalled, "a shot was recalled because the peer answered again")      \
    X(FenceMutual, "both nodes were off by each other's shots")                  \
    X(ShooterDied, "the shooting node went down while its fence agent ran")      \
    X(NoSafeTakeover, "a takeover was refused for lack of a proof")              \
    X(BothDead, "each node had judged the other one dead")                       \
    X(BothSuspect, "each node suspected the other one")                          \
    X(OneWaySilence, "one direction of every path was cut")                      \
    X(StalledPeer, "a peer was judged stalled")                                  \
    X(StalledTooLong, "a peer was given up for being stalled")                   \
    X(FrozenThawedOut, "a frozen node was thawed after it had been replaced")    \
    X(TermMidTransition, "the coordinator changed while actions were running")   \
    X(TornRecord, "a torn record was found and cut off")                         \
    X(LostWrites, "the power went while writes were on their way")               \
    X(DiskFailed, "a commit failed")                                             \
    X(StateDiverged, "a node returned with records that nobody else had")        \
    X(SessionResumed, "a session went on over a new channel")                    \
    X(ChangeAborted, "a change of the configuration was refused or taken back")  \
    X(ChangeAcknowledged, "a change of the configuration was acknowledged")      \
    X(ChangeByFollower, "a change was asked for at the node that follows")       \
    X(StartFailed, "a start failed")                                             \
    X(StopFailed, "a stop failed")                                               \
    X(StopTimedOut, "a stop timed out")                                          \
    X(StartTimedOut, "a start timed out")                                        \
    X(MonitorFailed, "a monitor found a failure")                                \
    X(ServiceDied, "a service died by itself")                                   \
    X(DaemonKilledBusy, "a daemon was killed while agents ran")                  \
    X(DaemonRestarted, "a daemon came back while its services ran on")           \
    X(ExecutorDied, "the executor died under its agents")                        \
    X(BootBothAtOnce, "both nodes booted within a second")                       \
    X(StartedAlone, "a node started without its peer")                           \
    X(LeftCleanly, "a node left cleanly")                                        \
    X(LeaverReturned, "a node that had left came back")                          \
    X(Confirmed, "a person confirmed that a node is off")                        \
    X(OperatorFenced, "a person had a node fenced")                              \
    X(LifeOfTheDead, "a daemon that was to be dead spoke again and was refused") \
    X(ClockStepped, "a wall clock jumped by a day")                              \
    X(FrameForged, "a forged or damaged beat was dropped")                       \
    X(FrameReplayed, "an old beat was played again")                             \
    X(StandbyNode, "a node was put into standby")                                \
    X(Maintenance, "the cluster was in maintenance")                             \
    X(TwoReleases, "nodes of two releases were members")                         \
    X(CaughtUp, "a node that returned was sent the records that it missed")      \
    X(QuietSkipped, "a quiet time was skipped")                                  \
    X(Exclusive, "the witness gave a node exclusivity")                          \
    X(LeaseRanOut, "a lost peer was proven by the end of its lease")             \
    X(SilentDouble, "what was taken over by lease ran on, silenced")             \
    X(Yielded, "a node without a lease stopped everything and begins anew")      \
    X(WatchdogLetGo, "a node without a lease could not stop")                    \
    X(WitnessCrashed, "the witness crashed and forgot")                          \
    X(DatagramReplayed, "an old datagram of the witness was sent again")         \
    X(CrashedAtAck, "the power went right after a change was acknowledged")      \
    X(Ambushed, "a fault struck at the moment of a change")                      \
    X(Migrated, "a resource migrated")                                           \
    X(MigrationLost, "a migration ended badly, and the resource had arrived")    \
    X(Drilled, "each node had to serve alone in the end")                        \
    X(SharedDiskHung, "a request hung in the shared disk")                       \
    X(SharedDiskFailed, "the shared disk failed a request")                      \
    X(SharedWriteLost, "a node died while its block was being written")

enum class State : std::uint8_t {
#define XSIM_STATE_ENUM(name, text) name,
    XSIM_STATES(XSIM_STATE_ENUM)
#undef XSIM_STATE_ENUM
        Count,
};
constexpr std::size_t kStates = static_cast<std::size_t>(State::Count);

constexpr std::array<std::string_view, kStates> kStateTexts = {
#define XSIM_STATE_TEXT(name, text) std::string_view(text),
    XSIM_STATES(XSIM_STATE_TEXT)
#undef XSIM_STATE_TEXT
};

/// How often each was reached.
class Reached {
public:
    void operator()(State state) { ++counts_[static_cast<std::size_t>(state)]; }
    [[nodiscard]] std::uint64_t count(std::size_t state) const { return counts_[state]; }
    void add(const Reached& other) {
        for (std::size_t i = 0; i < kStates; ++i) counts_[i] += other.counts_[i];
    }

private:
    std::array<std::uint64_t, kStates> counts_{};
};

}  // namespace xbeat::xsim
