#include "net/frame.h"

#include "core/check.h"

namespace xbeat::net {
namespace {

template <class Integer>
void put(std::string& out, Integer value) {
    for (std::size_t i = sizeof value; i-- > 0;)
        out.push_back(static_cast<char>((value >> (8 * i)) & 0xffU));
}

/// Reads from the front of a view that has enough bytes; the caller has checked.
template <class Integer>
Integer take(std::string_view& bytes) {
    XB_CHECK(bytes.size() >= sizeof(Integer));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
        value = value << 8U | static_cast<std::uint8_t>(bytes[i]);
    bytes.remove_prefix(sizeof(Integer));
    return static_cast<Integer>(value);
}

Error corrupt(std::string_view what) {
    return {.code = Code::Corrupt, .context = std::string(what)};
}

bool is_length_possible(FrameKind kind, std::uint32_t length) {
    switch (kind) {
        case FrameKind::Hello:
        case FrameKind::Reply:
            return length <= kHelloBytesMax;
        case FrameKind::Data:
            return length <= kMessageBytesMax;
        case FrameKind::Ack:
            return length == 0;
    }
    return false;
}

}  // namespace

std::string encode_header(const FrameHeader& header) {
    std::string out;
    put(out, header.length);
    put(out, kFrameVersion);
    put(out, static_cast<std::uint8_t>(header.kind));
    put(out, std::uint16_t{0});
    put(out, header.sequence);
    return out;
}

std::string encode_hello(FrameKind kind, const Hello& hello) {
    std::string payload;
    put(payload, static_cast<std::uint16_t>(hello.cluster.size()));
    payload += hello.cluster;
    put(payload, hello.from.value);
    put(payload, hello.to.value);
    put(payload, hello.path.value);
    put(payload, hello.session);
    put(payload, hello.received);
    put(payload, std::uint8_t{hello.is_fresh});
    XB_CHECK(payload.size() <= kHelloBytesMax);
    return encode_header({.kind = kind, .length = static_cast<std::uint32_t>(payload.size())}) +
           payload;
}

std::string encode_data(std::uint64_t sequence, std::string_view payload) {
    XB_CHECK(payload.size() <= kMessageBytesMax);
    std::string frame = encode_header({.kind = FrameKind::Data,
                                       .length = static_cast<std::uint32_t>(payload.size()),
                                       .sequence = sequence});
    frame += payload;
    return frame;
}

std::string encode_ack(std::uint64_t sequence) {
    return encode_header({.kind = FrameKind::Ack, .length = 0, .sequence = sequence});
}

Result<std::optional<FrameHeader>> decode_header(std::string_view bytes) {
    if (bytes.size() < kHeaderBytes) return std::optional<FrameHeader>{};
    FrameHeader header;
    header.length = take<std::uint32_t>(bytes);
    const auto version = take<std::uint8_t>(bytes);
    const auto kind = take<std::uint8_t>(bytes);
    const auto zero = take<std::uint16_t>(bytes);
    header.sequence = take<std::uint64_t>(bytes);
    if (version != kFrameVersion) return corrupt("a frame of another version of the protocol");
    if (kind < static_cast<std::uint8_t>(FrameKind::Hello) ||
        kind > static_cast<std::uint8_t>(FrameKind::Ack))
        return corrupt("a frame of unknown kind");
    if (zero != 0) return corrupt("a frame whose reserved bytes are not zero");
    header.kind = static_cast<FrameKind>(kind);
    if (!is_length_possible(header.kind, header.length))
        return corrupt("a frame that is longer than its kind may be");
    return std::optional<FrameHeader>{header};
}

Result<Hello> decode_hello(std::string_view payload) {
    constexpr std::size_t kFixedBytes = 2 + 2 + 1 + 8 + 8 + 1;
    if (payload.size() < 2) return corrupt("a hello that is too short");
    const auto name_size = take<std::uint16_t>(payload);
    if (payload.size() != std::size_t{name_size} + kFixedBytes)
        return corrupt("a hello whose lengths do not fit");
    Hello hello;
    hello.cluster = payload.substr(0, name_size);
    payload.remove_prefix(name_size);
    hello.from = NodeId{take<std::uint16_t>(payload)};
    hello.to = NodeId{take<std::uint16_t>(payload)};
    hello.path = PathId{take<std::uint8_t>(payload)};
    hello.session = take<std::uint64_t>(payload);
    hello.received = take<std::uint64_t>(payload);
    const auto fresh = take<std::uint8_t>(payload);
    if (fresh > 1) return corrupt("a hello whose flag is neither yes nor no");
    hello.is_fresh = fresh == 1;
    if (hello.session == 0) return corrupt("a hello without a session");
    return hello;
}

}  // namespace xbeat::net
