// The local control sockets: who may come in, lines in, lines out. What a request means is for the
// daemon.
//
// Nothing a client does can block the daemon or another client: reading stops while its request is
// under way, and one that does not read its replies is dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/request.h"
#include "core/note.h"
#include "core/result.h"
#include "core/time.h"
#include "ring/ring.h"

namespace xbeat::control {

constexpr Duration kReadIdleMax = std::chrono::minutes(10);   // without a request: closed
constexpr Duration kWriteIdleMax = std::chrono::seconds(30);  // replies that nobody reads: closed

/// One connection, for as long as it lasts; never used again for another.
struct Peer {
    std::uint16_t slot = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const Peer&, const Peer&) = default;
    friend auto operator<=>(const Peer&, const Peer&) = default;
};

struct Incoming {
    Peer peer;
    Role role = Role::None;
    std::uint32_t uid = 0;
    std::int32_t pid = 0;
    std::string echo;  // to be given to the print functions
    Request request;
};

class Server {
public:
    /// Makes the directory (0755) if it is missing and listens on the sockets of kSockets in it;
    /// sockets of a daemon that died are replaced, which is why the caller must hold the daemon's
    /// lock. `ring` must outlive this. Code::System with the path.
    static Result<Server> create(const std::string& run_dir, ring::Ring& ring);

    Server(Server&&) noexcept;
    Server& operator=(Server&&) = delete;
    /// Removes the sockets.
    ~Server();

    /// Handles a completion whose token has one of the Control* operations.
    void complete(const ring::Completion& completion, Instant now);
    /// Drops who was idle for too long. To be called at deadline().
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;

    /// Well-formed requests that the role may ask, at most one for each connection until finish().
    [[nodiscard]] std::vector<Incoming> take();
    /// Queues the last line of the reply and takes up the connection's next request. A connection
    /// that has gone is no error.
    void finish(Peer peer, std::string_view line, Instant now);
    /// Queues a line of a reply that goes on (events with `follow`). False if the connection has
    /// gone.
    bool stream(Peer peer, std::string_view line, Instant now);

    /// Replies wait that a client may still read: before the end, turn the ring until there are
    /// none.
    [[nodiscard]] bool has_unsent() const;
    [[nodiscard]] std::size_t connections() const;
    /// Turned away or dropped since the start: limits, no role, slow readers.
    [[nodiscard]] std::uint64_t refused() const;

private:
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace xbeat::control
