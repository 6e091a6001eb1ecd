// What travels inside the TLS stream between two daemons: frames, and the first of them, the hello.
//
// A frame is a header of 16 bytes (payload length u32, version u8, kind u8, two zero bytes,
// sequence u64; network byte order) and a payload. The decoder believes nothing, although the other
// end holds the key: it may run an older or newer program, or have been taken over.
//
//   hello  the connector's: cluster, from, to, path, session, received, is_fresh
//   reply  the acceptor's, same payload
//   data   one message; `sequence` counts from 1 within a session
//   ack    no payload; all data up to `sequence` were received
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/id.h"
#include "core/limits.h"
#include "core/result.h"

namespace xbeat::net {

constexpr std::uint8_t kFrameVersion = 1;
constexpr std::size_t kHeaderBytes = 16;
// A message can carry a whole configuration and the status that belongs to it. Larger: Limit.
constexpr std::size_t kMessageBytesMax = 2 * kConfigBytesMax;
constexpr std::size_t kHelloBytesMax = 256;

enum class FrameKind : std::uint8_t { Hello = 1, Reply = 2, Data = 3, Ack = 4 };

struct FrameHeader {
    FrameKind kind = FrameKind::Ack;
    std::uint32_t length = 0;  // of the payload
    std::uint64_t sequence = 0;
    friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// Who speaks, on which path, and where the session stands.
struct Hello {
    std::string cluster;
    NodeId from{};
    NodeId to{};
    PathId path{};
    std::uint64_t session = 0;   // chosen by the connector, random, never 0
    std::uint64_t received = 0;  // highest sequence received in that session
    bool is_fresh = false;       // the connector has nothing of that session yet
    friend bool operator==(const Hello&, const Hello&) = default;
};

[[nodiscard]] std::string encode_header(const FrameHeader& header);
/// A whole frame: header and payload.
[[nodiscard]] std::string encode_hello(FrameKind kind, const Hello& hello);
[[nodiscard]] std::string encode_data(std::uint64_t sequence, std::string_view payload);
[[nodiscard]] std::string encode_ack(std::uint64_t sequence);

/// The header at the front of `bytes`; empty if more bytes are needed. Code::Corrupt for another
/// version, an unknown kind, or a length that this kind cannot have.
[[nodiscard]] Result<std::optional<FrameHeader>> decode_header(std::string_view bytes);
/// The payload of a hello or reply. Code::Corrupt for anything that encode_hello() cannot write.
[[nodiscard]] Result<Hello> decode_hello(std::string_view payload);

}  // namespace xbeat::net
