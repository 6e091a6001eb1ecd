// The small vocabulary of the scheduler: roles, tasks, reactions to failure, effects of an
// ordering.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace xbeat::schedule {

enum class Role : std::uint8_t { Unknown, Stopped, Started, Unpromoted, Promoted };

/// Reads a role, old words (Master, Slave) included. Unknown for other text.
[[nodiscard]] Role parse_role(std::string_view text);
[[nodiscard]] std::string_view to_string(Role role);

/// What to do about a failure; a later one is the more severe.
enum class OnFail : std::uint8_t {
    Ignore,
    Demote,
    Restart,
    ResetRemote,       // reconnect or fence the remote node
    RestartContainer,  // restart what launches the resource
    Ban,
    Block,
    Stop,
    Standby,
    Fence,
};

enum class MultipleActive : std::uint8_t { StopStart, StopOnly, Block, StopUnexpected };

enum class Discovery : std::uint8_t { Always, Never, Exclusive };

enum class QuorumPolicy : std::uint8_t { Stop, Freeze, Ignore, Demote, Fence };

/// What an action needs before it may run.
enum class Requires : std::uint8_t { Nothing, Quorum, Fencing, Unfencing };

enum class Task : std::uint8_t {
    None,
    Monitor,
    Start,
    Started,  // the completion events of collective resources follow their task
    Stop,
    Stopped,
    Promote,
    Promoted,
    Demote,
    Demoted,
    Notify,
    Notified,
    MigrateTo,
    MigrateFrom,
    ReloadAgent,
    Cancel,
    Delete,
    ClearFailCount,
    Fence,
    Shutdown,
    Other,  // pseudo events of our own making: the key tells them apart
};

[[nodiscard]] Task parse_task(std::string_view text);
[[nodiscard]] std::string_view to_string(Task task);

/// The event that says a task is complete for a collective resource (Start -> Started); else None.
[[nodiscard]] Task completion_of(Task task);

/// How an ordering couples `first` and `then`. Zero or more per ordering.
using Effects = std::uint32_t;
namespace effect {
constexpr Effects kNone = 0;
constexpr Effects kPlain = 1U << 0U;                    // order them if both end up in the graph
constexpr Effects kFirstDrivesThen = 1U << 1U;          // first required makes then required
constexpr Effects kThenDrivesFirst = 1U << 2U;          // then required makes first required
constexpr Effects kPromotedThenDrivesFirst = 1U << 3U;  // same, for promoted instances only
constexpr Effects kFirstDrivesThenOnNode = 1U << 4U;    // first-drives-then on the same node
constexpr Effects kFirstGates = 1U << 5U;               // then is runnable only if first is
constexpr Effects kUnmigratableThenBlocks = 1U << 6U;   // then not live-migratable: nor is first
constexpr Effects kRestartPair = 1U << 7U;        // stop (first) and start (then) belong together
constexpr Effects kNestedRemoteProbe = 1U << 8U;  // probe of a resource behind a connection
constexpr Effects kFirstPullsThen = 1U << 9U;     // first in the graph puts then there
constexpr Effects kThenPullsFirst = 1U << 10U;    // then in the graph puts first there
constexpr Effects kIfFirstUnmigratable = 1U << 11U;  // only if first is not live-migratable
constexpr Effects kSameNode = 1U << 12U;             // only if both are on one node
constexpr Effects kRequiredOnSameNode = 1U << 13U;   // ... and first is required
constexpr Effects kSameNodeOrTarget = 1U << 14U;     // a migration's target counts as well
constexpr Effects kThenCancelsFirst = 1U << 15U;     // then required makes first unnecessary
constexpr Effects kAsymmetric = 1U << 16U;           // no meaning when then is already done
constexpr Effects kMinRunnable = 1U << 17U;          // one of the enough firsts that then needs
constexpr Effects kGuestAllowed = 1U << 18U;         // also for resources on a guest of itself
constexpr Effects kSerialize = 1U << 19U;            // only one of the two at a time
constexpr Effects kFirstElseThen = 1U << 20U;        // first unrunnable: then becomes a real action
}  // namespace effect

}  // namespace xbeat::schedule
