// What a completion belongs to: an operation, a slot of whoever asked, and the slot's generation.
//
// Never a pointer: a late completion of something that was closed and whose slot is used again is
// recognised by its generation, counted and dropped.
#pragma once

#include <bit>
#include <cstdint>

namespace xbeat::ring {

/// Every kind of operation of the two loops. The loop switches on it.
enum class Op : std::uint8_t {
    None,  // nobody waits for it: cancellations
    Timer,
    Signal,
    StoreDone,
    ReflexMessage,
    ManagerMessage,
    HeartEvents,
    HeartNetlink,
    ExecReplies,
    BuiltinReplies,
    WatchEvents,
    PeerAccept,
    PeerConnect,
    PeerReceive,
    PeerSend,
    ControlAccept,
    ControlReceive,
    ControlSend,
    WitnessDatagram,  // the witness's own: one slot receives, answers, receives again
    ArbiterNews,      // the daemon's: answers of the witness
    ArbiterDisk,      // the daemon's: blocks of the shared disk
};

struct Token {
    Op op = Op::None;
    std::uint8_t reserved = 0;
    std::uint16_t slot = 0;
    std::uint32_t generation = 0;

    friend bool operator==(const Token&, const Token&) = default;
};
static_assert(sizeof(Token) == sizeof(std::uint64_t));

[[nodiscard]] constexpr std::uint64_t pack(Token token) {
    return std::bit_cast<std::uint64_t>(token);
}
[[nodiscard]] constexpr Token unpack(std::uint64_t bits) { return std::bit_cast<Token>(bits); }

}  // namespace xbeat::ring
