// The heart: beats that need no process. This class sets it up, adopts it, feeds it and listens to
// it.
//
// In the kernel, a packet goes round a private veth pair and beats at each lap (bpf/heart.bpf.c);
// the peers' kernels reflect the probes (bpf/reflect.bpf.c); the verdicts fall in the lap. What is
// left for a process: keys, addresses, next hops, the peers' incarnations, its own progress counter
// and listening to the verdicts. Everything lives in pinned maps, so a process that dies stops
// neither beats nor verdicts, and the next create() takes the running heart over.
//
// Threads. One *reflex* thread may call event_fd, drain, set_progress and set_flags:
// they allocate nothing and, but for the reads of drain, make no system call. One other thread
// calls everything else. The heart lives in the network namespace of the thread that called
// create(), and the other calls must come from that namespace too.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/ip_address.h"

namespace xbeat::heart {

/// How frames travel. Auto tries native XDP, then generic XDP, then a UDP socket, a link at a time
/// for the first two; UDP, which beats only while the reflex thread runs, is for the whole heart.
enum class Mode : std::uint8_t { Auto, Native, Generic, Udp };
[[nodiscard]] std::string_view to_string(Mode mode);
/// "auto", "native", "generic", "udp"; empty for anything else.
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view text);

using Secret = std::array<std::uint8_t, 32>;
using KeyId = Id<struct KeyTag, std::uint8_t>;  // of beat keys; two are valid at a time, n and n+1

/// One interconnect link of this node. The path's number is the same on all nodes.
struct LinkOptions {
    PathId path{};
    std::string interface;   // its name; followed by ifindex afterwards, so a rename is harmless
    IpAddress local;         // source address of the probes
    std::uint16_t vlan = 0;  // 802.1Q tag that the frames carry on `interface`, 1..4094; 0 is none
};

struct PeerPath {
    PathId path{};
    IpAddress remote;  // same family as the link's local address; may be behind a gateway
};

struct PeerOptions {
    NodeId node{};
    std::vector<PeerPath> paths;  // 1..kPathsMax, each on a configured link
};

struct Options {
    NodeId self{};                  // 1..peers_max
    std::uint64_t cluster_tag = 0;  // tells clusters on one wire apart; the MAC is what protects
    Secret secret{};                // the cluster secret; keys are derived and this copy is wiped
    KeyId key_id{};                 // which generation of the secret this is
    Duration period = 10ms;         // of the beat: 0.1 ms .. 1 s
    std::uint32_t k_suspect = 10;   // unanswered probes on every path until `suspect`; 1..k_dead
    std::uint32_t k_dead = 100;     // ... until `dead`; k_suspect..10000
    Duration stall_after = 1s;      // daemon progress standing still until `stalled`; >= 10 periods
    Duration grace_min = 0ns;   // a probe counts as unanswered at this age or at the RTT's tail,
                                // whichever is later; 0 = half a period
    std::uint16_t port = 7455;  // UDP, source and destination
    std::string pin_dir = "/run/xbeat/bpf";  // our own bpffs, 0700; mounted if it is not there
    Mode mode = Mode::Auto;
    std::uint32_t peers_max = 32;    // highest node id; up to 1000
    std::vector<LinkOptions> links;  // 1..kPathsMax
    std::vector<PeerOptions> peers;  // not this node itself
};

/// A peer as the kernel sees it.
enum class PeerState : std::uint8_t {
    Unknown,  // no incarnation told, or no probe answered since: not judged
    Alive,
    Suspect,  // k_suspect unanswered on every path; goes back to Alive or Stalled by itself
    Dead,     // k_dead unanswered on every path; stays until set_peer()
    Stalled,  // its kernel reflects, its daemon made no progress for stall_after
};
[[nodiscard]] std::string_view to_string(PeerState state);

enum class PathState : std::uint8_t { Unknown, Up, Down };
[[nodiscard]] std::string_view to_string(PathState state);

enum class EventKind : std::uint8_t {
    Peer,      // `peer` went from `peer_before` to `peer_state`
    Path,      // `path` to `peer` went to `path_state`
    Degraded,  // redundancy or a guard is lost, see `trouble`; never a verdict about a peer
    Restored,  // the trouble of an earlier Degraded has gone
};

/// Why a Degraded (or Restored) was raised.
enum class Trouble : std::uint8_t {
    None,
    LinkMissing,      // no interface of that name, or it went away
    LinkDown,         // administratively down or without carrier
    NextHopMissing,   // the neighbour table has no MAC for the peer's next hop
    ProgramDetached,  // found detached or replaced; it was attached again
    NativeFailed,     // XDP_TX failed on this link: it went to generic mode
    ThreadedNapi,     // NAPI of this link runs in threads: beats wait for the scheduler
    BeatLost,         // the circulating packet was lost; a new generation was started
};
[[nodiscard]] std::string_view to_string(Trouble trouble);

/// One thing that happened, with its evidence. Fixed size, no pointers.
struct HeartEvent {
    EventKind kind = EventKind::Peer;
    PeerState peer_before = PeerState::Unknown;
    PeerState peer_state = PeerState::Unknown;
    PathState path_state = PathState::Unknown;
    Trouble trouble = Trouble::None;
    PathId path{};  // Path, and Degraded of a link
    NodeId peer{};  // Peer and Path, and NextHopMissing
    Instant at{};   // when the kernel decided
    // Evidence. For Peer: of the path that answered last. For Path: of that path.
    std::uint64_t sequence = 0;           // of the newest probe that left
    std::uint64_t answered_sequence = 0;  // of the newest probe that was answered
    Instant sent_at{};                    // when `sequence` left
    Instant answered_at{};                // when `answered_sequence` came back
    Instant heard_at{};                   // newest authentic frame of any kind from the peer
    Duration rtt{};                       // the last one
    Duration grace{};                     // how old a probe had to be to count
    std::uint32_t unanswered = 0;         // for Peer: the smallest count of all paths
    std::uint32_t unsent = 0;           // how many of those could not leave: no carrier, no device
    Duration tick_gap{};                // between the deciding lap and the one before
    std::uint64_t ticks_late = 0;       // so far
    std::uint32_t daemon_progress = 0;  // the peer's
    std::uint32_t flags = 0;            // the peer's
};

struct Counter {
    std::string_view name;  // stable, snake_case
    std::uint64_t value = 0;
};

struct PathStatus {
    PathId path{};
    PathState state = PathState::Unknown;
    std::string interface;  // its present name; as configured when it is missing
    IpAddress local;
    IpAddress remote;
    bool next_hop_known = false;
    Duration rtt_min{};  // all RTTs: 0 while nothing was measured; p50 and p99 are upper bounds of
    Duration rtt_p50{};  // their power-of-two class, clipped to the maximum
    Duration rtt_p99{};
    Duration rtt_max{};
    std::uint64_t sent = 0;      // probes that left
    std::uint64_t unsent = 0;    // probes that could not
    std::uint64_t answered = 0;  // probes that came back
    std::uint64_t lost = 0;      // probes that left and had no answer within the grace
    std::uint32_t unanswered = 0;
    Instant heard_at{};  // newest authentic frame; Instant{} if none yet
    Duration grace{};
    std::array<std::uint64_t, 64> rtt_histogram{};  // [i] counts 2^i <= ns < 2^(i+1)
};

struct PeerStatus {
    NodeId node{};
    PeerState state = PeerState::Unknown;
    std::uint64_t incarnation = 0;  // 0 before set_peer()
    Instant since{};                // of `state`
    Instant heard_at{};             // on any path
    std::uint32_t daemon_progress = 0;
    std::uint32_t executor_progress = 0;
    std::uint32_t flags = 0;
    Duration grant{};       // what we grant it; 0 once it is dead
    Instant lease_until{};  // what it granted us, counted from when the answered probe was sent
    std::vector<PathStatus> paths;
};

struct LinkStatus {
    PathId path{};
    std::string interface;
    int ifindex = 0;                    // 0 while missing
    std::optional<Mode> mode;           // Native, Generic or Udp; empty while nothing is attached
    bool is_up = false;                 // administratively and with carrier
    std::optional<bool> threaded_napi;  // empty where the kernel does not tell
};

struct Status {
    NodeId self{};
    std::uint64_t incarnation = 0;
    bool adopted = false;        // taken over from an earlier process
    Mode mode = Mode::Auto;      // the weakest of all links: Native, Generic or Udp
    Duration period{};           // wanted
    Duration period_measured{};  // mean since the heart was created
    Duration tick_gap_max{};
    std::uint64_t ticks = 0;
    std::uint64_t ticks_late = 0;
    std::uint64_t ticks_held = 0;   // laps that judged nobody: receive work was waiting here
    bool sees_backlog = false;      // the kernel tells which processors owe receive work
    std::uint64_t generations = 0;  // 1 = the first packet still circulates
    std::vector<LinkStatus> links;
    std::vector<PeerStatus> peers;
    std::vector<Counter> counters;  // all named counters, of this node
};

class Heart {
public:
    /// Starts the heart, or adopts the running one that is pinned in `pin_dir`.
    ///
    /// A running heart of the same ABI is adopted: its incarnation, sequences, peers and verdicts
    /// stay, and options that differ are written into its maps. Of another ABI (or peers_max, or
    /// self, or mode Udp): it is stopped and replaced. Needs root (CAP_BPF, CAP_NET_ADMIN,
    /// CAP_NET_RAW, CAP_SYS_ADMIN for the mount), but not in mode Udp. Errors: Invalid for options
    /// out of range; Denied without privileges; System with the failing call. A missing interface
    /// or next hop is no error but an event.
    [[nodiscard]] static Result<Heart> create(Options options);

    Heart(Heart&&) noexcept;
    Heart& operator=(Heart&&) noexcept;
    /// Lets go of the heart and leaves it beating (mode Udp: it ends with the object).
    ~Heart();

    /// Clean end: detaches the programs, removes the pins and the veth pair. Calling it twice is
    /// fine.
    Result<void> stop();

    /// Made when the heart was created, random, never 0, kept on adoption. Peers must be told it on
    /// the encrypted channel.
    [[nodiscard]] std::uint64_t own_incarnation() const;

    /// Tells the peer's own_incarnation(), learned on the encrypted channel, and starts judging it
    /// with its first answered probe. The same incarnation again changes nothing, unless the peer
    /// is Dead: then judgement starts anew. Requires: incarnation != 0. Errors: NotFound if the
    /// peer is not configured.
    Result<void> set_peer(NodeId peer, std::uint64_t incarnation);
    /// Stops probing, judging and answering that peer, until set_peer(). Errors: NotFound.
    Result<void> forget_peer(NodeId peer);

    /// Puts the counters into all frames from now on. Peers see `stalled` when `daemon` stands
    /// still.
    void set_progress(std::uint32_t daemon, std::uint32_t executor);
    /// Puts state flags into all frames from now on; their meaning belongs to the daemons.
    void set_flags(std::uint32_t flags);
    /// The lease that each reflection to `peer` renews: 0 = none. The kernel stops it at `dead`; a
    /// later set_peer() alone does not bring it back: it is 0 again then. Unknown peers: no effect.
    void set_grant(NodeId peer, Duration lease);

    /// Accepts frames under a further secret; the one before the last is dropped. `id` must be the
    /// present one plus 1 (modulo 256). Errors: Invalid.
    Result<void> accept_key(KeyId id, const Secret& secret);
    /// Signs with that key from now on. Errors: NotFound if it was not accepted before.
    Result<void> send_with_key(KeyId id);

    /// Becomes readable when drain() has work. An epoll descriptor; belongs to the heart.
    [[nodiscard]] int event_fd() const;
    /// Calls `callback` for each event that is waiting, in order, and does the timed work (restarts
    /// a lost beat; in mode Udp: beats). At most 1024 events a call. Returns the number of events.
    std::size_t drain(const std::function<void(const HeartEvent&)>& callback);

    /// Becomes readable when handle_netlink() has work, at least every 500 ms (an inner timer). An
    /// epoll descriptor; belongs to the heart.
    [[nodiscard]] int netlink_fd() const;
    /// Follows links, next hops and attachments; calls `callback` for what it finds.
    Result<void> handle_netlink(const std::function<void(const HeartEvent&)>& callback);

    /// For display; allocates.
    [[nodiscard]] Status status() const;

private:
    class Impl;
    explicit Heart(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace xbeat::heart
