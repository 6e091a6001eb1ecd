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

#include "arbiter/arbiter.h"
#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "execute/agent_call.h"
#include "health/verdict.h"
#include "wire/request.h"

namespace xbeat::node {

using xbeat::Now;

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

using health::Evidence;
using health::PeerState;

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

using execute::AgentDone;
using execute::AgentStatus;

/// What an OCF agent of this node printed as its metadata; empty if it printed none. Told before
/// the results of the first runs of that agent, and anew when its file has changed.
struct AgentDescribed {
    std::string provider;
    std::string type;
    std::string metadata;
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
using wire::Cleanup;
using wire::ConfirmFenced;
using wire::FailResource;
using wire::FenceNode;
using wire::ForgetFences;
using wire::Leave;
using wire::ReplaceConfiguration;
using wire::RequestBody;
using wire::SetAttribute;
using wire::SetTicket;
using wire::ValidateDevice;

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

using arbiter::ArbiterAnswer;

/// Until when the peer's grants let this node serve, as the gate in the kernel reads it; Instant{}
/// if it never granted anything. The host tells it before every Wake, whenever it went from running
/// to run out or back, and at least once a second. Only if the arbiter hands out leases.
struct LeaseSeen {
    NodeId peer;
    Instant until{};
};

using Event = std::variant<Started, PeerVerdict, PathVerdict, ChannelUp, ChannelDown,
                           MessageReceived, Persisted, AgentDone, ProcessExited, ClientRequest,
                           Wake, Degraded, ArbiterAnswer, LeaseSeen, AgentDescribed>;

}  // namespace xbeat::node
