// Everything that the outside world can tell the manager. The host turns completions into these
// values.
//
// Bytes from peers arrive as they were received: decoding and judging them is the manager's
// business.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::node {

/// Both clocks at one moment. `boot` decides everything; `calendar` only dates history and feeds
/// date rules.
struct Now {
    Instant boot{};
    EpochSeconds calendar{};
};

/// What the store held at start. The first event of a life, exactly once.
struct Started {
    Incarnation daemon;          // new at every start of this process; random, never 0
    Incarnation heart;           // of the kernel's beats; survives a restart of the daemon
    bool heart_adopted = false;  // the beats went on while the daemon was away
    std::string snapshot;        // last saved snapshot, empty if none
    LogIndex snapshot_index;
    std::vector<std::pair<LogIndex, std::string>> log;  // records after the snapshot, in order
    std::map<std::string, std::string> meta;  // small durable facts: term, last survivor, ...
};

enum class PeerState : std::uint8_t { Unknown, Alive, Suspect, Dead, Stalled };

/// Why the heart judged as it did, all on the local boot clock.
struct Evidence {
    Instant last_answer{};         // when the newest answered probe had been sent
    Instant judged_at{};           // when the tick judged
    std::uint32_t unanswered = 0;  // probes that left since and were not answered, on the best path
    Duration rtt_p99{};
    std::uint32_t ticks_late =
        0;  // ticks that came late during the silence: how far to trust ourselves
};

struct PeerVerdict {
    NodeId peer;
    PeerState state = PeerState::Unknown;
    Evidence evidence;
};

struct PathVerdict {
    NodeId peer;
    PathId path;
    bool is_up = false;
    std::string reason;  // "silent", "carrier lost", "no next hop", "interface missing", "answers
                         // again", ...
};

/// The encrypted channel to a peer came up (authenticated as that node) or went away.
struct ChannelUp {
    NodeId peer;
};
struct ChannelDown {
    NodeId peer;
    std::string reason;
};

/// One whole message from an authenticated peer; not yet decoded. Messages of one channel arrive in
/// order.
struct MessageReceived {
    NodeId peer;
    std::string bytes;
};

/// A write of Output::persist reached the disk, or did not.
struct Persisted {
    Ticket ticket;
    Result<void> outcome;
};

/// How an agent's run ended, below the level of its exit code.
enum class AgentStatus : std::uint8_t {
    Done,          // it exited: see rc
    TimedOut,      // killed at its timeout, with its whole process group
    Killed,        // killed on request, or by a signal from elsewhere
    NotInstalled,  // there is no such agent here
    NotAllowed,    // the file is not safe to run: owner, mode, place
    Failed,        // it could not be started, or xbeat-exec died under it
};

struct AgentDone {
    OperationId operation;
    AgentStatus status = AgentStatus::Done;
    int rc = 0;  // exit code, if Done
    std::string
        exit_reason;     // the agent's `ocf-exit-reason:` line, or our words for what went wrong
    std::string output;  // standard output, bounded by kAgentOutputBytesMax
    Instant started_at{};
    Instant ended_at{};
};

/// A process of a running service ended (seen by the kernel's watch). Whether the service failed is
/// its agent's to say.
struct ProcessExited {
    std::string resource;
    std::int32_t pid = 0;
    int code = 0;  // exit code if signal is 0
    int signal = 0;
    bool was_oom = false;
    Instant at{};
};

/// What clients may ask to be changed. Reading needs no event: see Node's accessors.
struct ReplaceConfiguration {
    std::string configuration;  // XML of <configuration>, or of a whole <cib>
    std::string
        base_version;  // "admin_epoch.epoch" it was derived from; empty = whatever is there now
};
struct SetAttribute {
    std::string node;  // node name
    std::string name;
    std::string value;  // ignored if remove
    bool remove = false;
    bool is_permanent = false;  // in the configuration, else transient (lost when the node leaves)
};
struct Cleanup {
    std::string resource;     // empty = all
    std::string node;         // empty = all
    bool failed_only = true;  // true: cleanup; false: refresh (forget everything, probe again)
};
struct FenceNode {
    std::string node;
    std::string action;  // "reboot" or "off"; "on" to unfence
};
struct ConfirmFenced {
    std::string node;  // a person vouches that it is off
};
struct FailResource {
    std::string resource;
    std::string node;
};
struct Leave {};  // leave the cluster cleanly and end

using RequestBody = std::variant<ReplaceConfiguration, SetAttribute, Cleanup, FenceNode,
                                 ConfirmFenced, FailResource, Leave>;

struct ClientRequest {
    ClientId client;
    std::string user;  // "uid 0" or the name: for the audit note
    RequestBody body;
};

/// The deadline of Output::wake_at passed. Early or repeated wakes are harmless.
struct Wake {};

/// The interfaces, heart or store lost or regained something that matters: shown, never a verdict.
struct Degraded {
    std::string what;    // "heart", "store", "exec", ...
    std::string reason;  // empty = well again
};

using Event =
    std::variant<Started, PeerVerdict, PathVerdict, ChannelUp, ChannelDown, MessageReceived,
                 Persisted, AgentDone, ProcessExited, ClientRequest, Wake, Degraded>;

}  // namespace xbeat::node
