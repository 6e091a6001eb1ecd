// The only door into manager/: one node's whole mind, stepped by its host.
//
// `Node` is a deterministic function of the events it was given: no clock, thread, file or socket.
// The daemon and the simulator are two hosts of this class. Reading accessors serve `xbeat status`
// and never change state.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arbiter/arbiter.h"
#include "cib/xml.h"
#include "node/event.h"
#include "node/output.h"
#include "wire/message.h"

namespace xbeat::node {

using arbiter::ArbiterKind;

struct NodeName {
    NodeId id;
    std::string name;
    std::vector<std::string> paths;  // names of its links; index = PathId
};

struct Options {
    NodeId self;
    std::string cluster;
    std::vector<NodeName> nodes;  // self included; 1 (alone) or 2 (pair)
    ArbiterKind arbiter = ArbiterKind::Fence;
    Duration handicap = 20ms;      // how long the side that runs nothing waits before it fences
    Duration stall_limit = 10s;    // a peer stalled for longer is treated as dead
    bool unsafe_takeover = false;  // take over without any proof (documented as unsafe)
    // The next two count only if the arbiter hands out leases.
    Duration lease = 100ms;     // what each answered probe grants the peer: twice the time to
                                // `dead`, so that a verdict comes before the lease has run out
    Duration exclusivity = 3s;  // what is asked of the arbiter; renewed every third of it
    std::uint64_t seed = 1;     // for everything random; the host logs it
    // What this node says it speaks: tests make it a node of the release before.
    std::uint16_t protocol_newest = wire::kProtocolNewest;
};

/// One phase of a failover as shown by `xbeat timeline`.
struct TimelineEntry {
    std::string phase;   // "silence", "suspect", "dead", "fence requested", "proof", "plan",
                         // "action", "done"
    std::string detail;  // the action's key and node, the fence device, ...
    Instant from{};
    Instant to{};
    bool succeeded = true;
};
struct Timeline {
    std::string cause;  // "node pm01 dead", "web-server failed on pm01", "operator: standby pm01"
    EpochSeconds calendar{};
    std::vector<TimelineEntry> entries;
    bool is_finished = false;
    bool succeeded = false;
    bool is_failover = false;  // something failed; else somebody wanted a change
};

struct PathView {
    std::string name;
    bool is_up = false;
    std::string reason;
    Instant since{};
};
struct PeerView {
    NodeId id;
    std::string name;
    PeerState state = PeerState::Unknown;
    bool has_channel = false;
    bool is_member = false;
    Instant since{};
    std::vector<PathView> paths;
};
struct FenceView {
    std::string target;
    std::string action;
    std::string origin;   // node that ran the device
    std::string device;   // empty for a person's confirmation
    std::string outcome;  // "pending", "success", "failed", "confirmed by operator"
    std::string reason;
    EpochSeconds when{};
};

/// By what right this node serves, and until when. The gates are the host's to show.
struct LeaseView {
    bool is_used = false;  // the arbiter hands out leases; else nothing below counts
    ArbiterKind arbiter = ArbiterKind::None;
    std::string standing;       // "under the peer's grant", "exclusive by the witness", "alone: the
                                // peer is off", "no lease", "yielding"
    Instant granted_until{};    // by the peer, as last seen
    Instant exclusive_until{};  // by the arbiter; Instant::max() if nobody else is left
    Duration granting{};        // what we grant the peer; zero: nothing
    std::string arbiter_said;   // its newest answer, in words; empty if it was never asked
    std::optional<Instant> peer_until{};  // the lost peer's lease has run out for certain then
};

/// A transient attribute of a node: what is in force, and what waits for calm here.
struct AttributeView {
    std::string node;
    std::string name;
    std::optional<std::string> value;  // what members know; empty if there is none yet
    bool is_private = false;
    bool is_waiting = false;              // a change asked for on this node is being dampened
    std::optional<std::string> expected;  // what it will be then; empty if it will be removed
};

class Node {
public:
    /// Requires: options.nodes names self; 1 <= nodes <= kPairNodesMax.
    explicit Node(Options options);
    Node(Node&&) noexcept;
    Node& operator=(Node&&) noexcept;
    ~Node();

    /// Takes in one event and says what it wants. `now.boot` must not go back.
    [[nodiscard]] Output step(Now now, const Event& event);

    /// The configuration and status as a CIB, with its version attributes.
    [[nodiscard]] const cib::Element& cib() const;
    [[nodiscard]] std::vector<PeerView> peers() const;
    /// The coordinator's name, or empty while there is none.
    [[nodiscard]] std::string_view coordinator() const;
    [[nodiscard]] Term term() const;
    /// "waiting for the peer", "joining", "idle", "transition 12: 3 of 8 actions done", "no safe
    /// takeover: ...".
    [[nodiscard]] std::string activity() const;
    /// What cib() says of this node is of an earlier life: it joined, and the coordinator's record
    /// of that, which erases it, has not come yet.
    [[nodiscard]] bool tells_of_earlier_life() const;
    /// The newest timelines, newest last; at most kTimelinesMax.
    [[nodiscard]] const std::deque<Timeline>& timelines() const;
    [[nodiscard]] std::vector<FenceView> fence_history() const;
    [[nodiscard]] LeaseView lease() const;
    /// By node and name; private ones among them.
    [[nodiscard]] std::vector<AttributeView> attributes() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace xbeat::node
