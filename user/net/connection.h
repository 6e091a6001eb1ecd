// One TCP connection of the control channel with its TLS, and what of it is with the kernel.
//
// It moves bytes: ciphertext from and to the ring, frames out of the plain text, frames of a
// session into it. Whom it belongs to and what a frame means is for Peers. Requests that the kernel
// still holds outlive a close: the slot is free only when all have completed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/id.h"
#include "core/time.h"
#include "net/frame.h"
#include "net/session.h"
#include "net/socket.h"
#include "net/tls.h"
#include "ring/ring.h"
#include "sys/fd.h"

namespace xbeat::net {

constexpr std::uint16_t kNoIndex = 0xffff;

struct Connection {
    enum class State : std::uint8_t { Free, Connecting, Handshaking, Up, Closing };

    State state = State::Free;
    bool accepted = false;          // by our listener; else we connected
    std::uint16_t slot = kNoIndex;  // its place, for tokens
    std::uint32_t generation = 1;   // of the slot's user
    std::uint16_t peer = kNoIndex;  // index among the peers; unknown until an acceptor's handshake
    std::uint16_t path = kNoIndex;  // index of the path
    Instant deadline{};             // while Connecting or Handshaking
    std::optional<TlsSession> tls;
    std::string plain;         // decrypted, not yet taken by next()
    std::uint64_t cursor = 0;  // next sequence of the session to send here
    bool acknowledge = false;  // an ack is due
    bool hello_sent = false;

    /// Begins a life in this slot.
    void open(sys::Fd socket);
    /// Asks the ring to connect. The address is kept until that completed.
    void connect(ring::Ring& ring, const SocketAddress& address);
    void receive(ring::Ring& ring);
    /// Sends what waits, in this order: TLS's own output, `urgent` frames, an ack, the session's.
    /// One piece at a time is with the kernel; call again when it completed.
    Result<void> pump(ring::Ring& ring, const Session* session);
    /// A frame to go before all messages: hello and reply.
    void push_urgent(std::string_view frame) { urgent_ += frame; }

    /// Take in completions. The bytes are valid until receive() is called again.
    void connected() { is_connecting_ = false; }
    std::string_view received(std::int32_t count);
    void sent(std::int32_t count);

    struct Frame {
        FrameHeader header;
        std::string payload;
    };
    /// The next whole frame of the plain text; empty if more bytes are needed. Code::Corrupt.
    Result<std::optional<Frame>> next();

    /// Ends it: tells the kernel to give back what it holds. `alert`: last bytes for the other end,
    /// as far as they fit.
    void close(ring::Ring& ring, std::string_view alert);
    /// Frees the slot once nothing is with the kernel. Returns whether it is free.
    bool free_if_idle();

    [[nodiscard]] int fd() const { return socket_.get(); }
    /// Something waits that pump() could send, or is with the kernel.
    [[nodiscard]] bool has_unsent(const Session& session) const;

private:
    [[nodiscard]] ring::Token token(ring::Op op) const {
        return {.op = op, .slot = slot, .generation = generation};
    }
    Result<void> fill(const Session* session);

    static constexpr std::size_t kReadBytes = 16384;
    static constexpr std::size_t kBatchBytes = 65536;  // of plain text encrypted at a time

    sys::Fd socket_;
    SocketAddress address_;
    std::string input_;          // where the kernel writes
    std::string output_;         // ciphertext with the kernel, or to go there
    std::size_t output_at_ = 0;  // how much of it was sent
    std::string urgent_;
    Session::Frame partial_;  // a frame of which a part has been encrypted
    std::size_t partial_at_ = 0;
    bool is_connecting_ = false;
    bool is_receiving_ = false;
    bool is_sending_ = false;
};

}  // namespace xbeat::net
