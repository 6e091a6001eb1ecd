// The encrypted channels to the other nodes: TCP, TLS and sessions, over the manager's ring.
//
// For each peer and path there is at most one connection; the node with the lower id connects and
// keeps trying, at once when the heart says that the path is up. All connections to one peer make
// its channel: up with the first that has proven who it is, down with the last. Messages never
// block; what cannot be sent waits in the session, within its limit. Keep-alive is the heart's
// business; TCP's own only clears away what the other side has forgotten.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.h"
#include "core/note.h"
#include "core/result.h"
#include "core/time.h"
#include "heart/heart.h"
#include "heart/ip_address.h"
#include "node/event.h"
#include "ring/ring.h"

namespace xbeat::net {

constexpr std::size_t kConnectionsMax = 160;  // slots, of all kinds
constexpr std::size_t kHandshakesMax = 16;  // accepted and not yet proven; a further one is closed
constexpr Duration kConnectMax = std::chrono::milliseconds(500);  // until TCP stands; then anew
constexpr Duration kHandshakeMax = std::chrono::seconds(3);       // until the hello; then closed
constexpr Duration kBackoffMin = std::chrono::milliseconds(10);   // doubles at each failure
constexpr Duration kBackoffMax = std::chrono::milliseconds(500);

// Between two notes of refused connections on one path; those between are counted only.
constexpr Duration kRefusalNoteInterval = std::chrono::seconds(10);

enum class LinkState : std::uint8_t { Down, Connecting, Handshaking, Up };
[[nodiscard]] std::string_view to_string(LinkState state);

class Peers {
public:
    struct Peer {
        NodeId id;
        std::string name;
        std::vector<heart::IpAddress> addresses;  // index = PathId; as many as own addresses
    };
    struct Options {
        std::string cluster;
        NodeId self;
        std::uint16_t port = 7455;
        std::vector<heart::IpAddress> addresses;  // own, index = PathId; at most kPathsMax
        std::vector<Peer> peers;                  // the others
        heart::Secret secret{};                   // keys are derived from it; the copy is wiped
        Duration user_timeout = std::chrono::seconds(2);  // unacknowledged bytes break a connection
    };

    /// Derives the keys and listens on each own address that a lower id may connect to, even where
    /// no interface has it yet. `ring` must outlive this. Errors: System, with the address that
    /// cannot be listened on; Limit for too many peers and paths.
    static Result<Peers> create(Options options, ring::Ring& ring, Instant now);

    Peers(Peers&&) noexcept;
    Peers& operator=(Peers&&) = delete;  // NOLINT: the ring's requests belong to one object
    ~Peers();

    /// Handles a completion whose token has one of the Peer* operations.
    void complete(const ring::Completion& completion, Instant now);
    /// Does what is due: connects again, gives up on handshakes. To be called at deadline().
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;

    /// Queues a message. Without a channel it is dropped, as the network would. Errors: NotFound
    /// for an unknown peer, Limit (the channel is reset if it is the session's limit).
    Result<void> send(NodeId peer, std::string_view bytes, Instant now);
    /// Drops the channel, if there is one, and connects again. No ChannelDown follows for a reset
    /// of our own wish.
    void reset(NodeId peer, Instant now);
    /// The heart heard the peer on this path again: connect now instead of later.
    void path_up(NodeId peer, PathId path, Instant now);
    [[nodiscard]] LinkState state(NodeId peer, PathId path) const;

    /// Messages wait that a channel could still send: before the end, turn the ring until there are
    /// none.
    [[nodiscard]] bool has_unsent() const;

    struct News {
        std::vector<node::Event> events;  // ChannelUp, ChannelDown, MessageReceived
        std::vector<Note> notes;
    };
    [[nodiscard]] News take();

    /// Connections turned away: unknown address, too many at once, failed handshake or hello.
    [[nodiscard]] std::uint64_t refused() const;

private:
    class Impl;
    explicit Peers(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace xbeat::net
