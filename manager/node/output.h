// Everything that the manager wants of the outside world, in the order in which the host must
// honour it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "arbiter/arbiter.h"
#include "core/id.h"
#include "core/note.h"
#include "core/result.h"
#include "core/time.h"
#include "execute/agent_call.h"
#include "execute/last_will.h"

namespace xbeat::node {

/// Writes to the durable store. Each is answered by a Persisted event with its ticket once it is on
/// the disk; what must wait for that (an acknowledgement to a client, a vote, a fence record) waits
/// inside the manager, so nothing on the failover path waits for a disk. The store keeps the order
/// of writes.
struct AppendRecord {
    LogIndex index;
    std::string bytes;
};
struct TruncateLog {
    LogIndex from;  // this record and all later ones go
};
struct SaveSnapshot {
    LogIndex index;  // records up to this one are contained and may be deleted
    std::string bytes;
};
struct PutMeta {
    std::string key;
    std::string value;
};
struct Write {
    Ticket ticket;
    std::variant<AppendRecord, TruncateLog, SaveSnapshot, PutMeta> body;
};

struct Message {
    NodeId peer;
    std::string bytes;
};

using execute::RunAgent;

struct KillAgent {
    OperationId operation;
};
/// The resource is to stop: exits of its processes are no news any more.
struct Unwatch {
    std::string resource;
};
/// Judge this peer's beats from now on: its heart incarnation, learned on the encrypted channel.
struct AcceptPeer {
    NodeId peer;
    Incarnation heart;
};
struct ForgetPeer {
    NodeId peer;
};
/// How long each answered probe lets that peer serve; zero grants nothing. In force when the host
/// goes on to the next event: what the manager waits for counts from there.
struct SetGrant {
    NodeId peer;
    Duration lease{};
};
/// Drop the channel to the peer and connect again (it spoke nonsense, or belongs to an old life).
struct ResetChannel {
    NodeId peer;
};
using arbiter::AskArbiter;
/// This node may serve until then without the peer's grants: written for the gate, which takes the
/// later of both. Instant{} ends it at once; Instant::max() is without end (nobody else is left).
struct SetExclusivity {
    Instant until{};
};
/// The addresses that leave and enter this node only under a lease: all that resources of the
/// configuration may put on it, as text without prefix length, sorted, at most kManagedMax. The
/// gate drops what is from and to them while no lease runs. Replaces the set before.
struct SetManaged {
    std::vector<std::string> addresses;
};
/// This node cannot stop what it must not run any more: let the watchdog reset it.
struct StopWatchdog {
    std::string reason;
};
/// What is to be stopped here, and in which order, should the lease run out while this process
/// hangs or is no more: xbeat-exec does it then. Replaces the one before; empty: nothing is.
struct LeaveWill {
    std::vector<execute::WillStop> stops;
};
/// The clean leave is complete: stop the heart, close the store, end with success.
///
/// `keeps_gate`: nobody knows what this node's machine still runs, for it was no member or its peer
/// has not heard its goodbye, and the peer may have taken it over. The gate stays, without a lease,
/// until a later daemon has joined (claim I-8).
struct Exit {
    bool keeps_gate = false;
};

using Command =
    std::variant<RunAgent, KillAgent, Unwatch, AcceptPeer, ForgetPeer, SetGrant, ResetChannel, Exit,
                 AskArbiter, SetExclusivity, SetManaged, StopWatchdog, LeaveWill>;

struct Reply {
    ClientId client;
    Result<std::string> outcome;  // a sentence for the user
};

struct Output {
    std::vector<Write> persist;      // 1. handed to the store first
    std::vector<Message> send;       // 2. to peers; may be lost with the channel
    std::vector<Command> run;        // 3. agents, fencing, heart
    std::vector<Reply> replies;      // 4. to clients
    std::optional<Instant> wake_at;  // 5. the next deadline, if any: replaces the one before
    std::vector<Note> notes;         // 6. what to log, store and count
};

}  // namespace xbeat::node
