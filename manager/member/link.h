// A session with a peer: messages in order, each exactly once, across any number of channels.
//
// The encrypted channel may break and come back at any moment and then has lost an unknown number
// of messages. Everything said within a session is numbered and kept until acknowledged; after a
// reconnect both sides name the last number they have, and the rest is sent again. So whoever uses
// a Link needs neither retries nor a memory of what it has seen. When sessions begin and end is
// decided elsewhere (pair.h).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "wire/message.h"

namespace xbeat::member {

class Link {
public:
    [[nodiscard]] std::uint64_t session() const { return session_; }
    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] bool is_open() const { return is_open_; }
    /// Messages that the peer has not acknowledged.
    [[nodiscard]] std::size_t unacked() const { return kept_.size(); }
    /// What the peer may not have heard, in order: for whoever takes over its part.
    [[nodiscard]] std::vector<wire::Body> unheard() const;
    /// Too much is waiting for a peer without a channel: the session cannot go on.
    [[nodiscard]] bool is_overfull() const;

    /// A new session: nothing sent, nothing received. Not open until open().
    void begin(std::uint64_t session);
    /// No session: what was kept is forgotten.
    void end() { begin(0); }
    /// The channel carries this session now; `peer_received` messages need not be sent again.
    void open(std::uint64_t peer_received);
    /// The channel is gone, or another one has taken its place.
    void close();

    /// Says something within the session. It leaves now if the session is open, else after open().
    void push(wire::Body body);
    /// The message's body if it is the next one; nothing if it was received before or belongs to
    /// another session. Code::Invalid if messages are missing before it.
    [[nodiscard]] Result<std::optional<wire::Body>> take(wire::Data data);
    void acknowledge(const wire::Ack& ack);
    /// What is to be sent, in order; an acknowledgement last if one is due. Then there is nothing.
    [[nodiscard]] std::vector<wire::Message> take_outgoing();

private:
    struct Kept {
        std::uint64_t number = 0;
        wire::Body body;
    };
    void forget_until(std::uint64_t number);

    std::uint64_t session_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    bool is_open_ = false;
    bool owes_ack_ = false;
    std::deque<Kept> kept_;
    std::vector<wire::Message> outgoing_;
};

}  // namespace xbeat::member
