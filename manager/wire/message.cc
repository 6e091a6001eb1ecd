#include "wire/message.h"

#include <algorithm>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"
#include "wire/codec.h"

namespace xbeat::wire {
namespace {

constexpr std::uint32_t kMagic = 0x31624258;  // "XBb1" as it lies in memory

struct Envelope {
    std::uint32_t magic = kMagic;
    std::uint16_t version = kProtocolOldest;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.magic, self.version);
    }
};
constexpr std::size_t kEnvelopeBytes = 6;
constexpr std::uint16_t kCatchupSince = 4;

}  // namespace

std::uint16_t newest_of(const Hello& hello) {
    const std::int64_t newest = parse_integer(hello.newest).value_or(hello.oldest);
    const bool is_sound = newest >= hello.oldest && newest <= UINT16_MAX;
    return is_sound ? static_cast<std::uint16_t>(newest) : hello.oldest;
}

std::optional<std::uint16_t> common_version(const Hello& a, const Hello& b) {
    const std::uint16_t newest = std::min(newest_of(a), newest_of(b));
    if (newest < std::max(a.oldest, b.oldest)) return std::nullopt;
    return newest;
}

std::string encode_message(const Message& message, std::uint16_t version) {
    XB_CHECK(version >= kCatchupSince || !std::holds_alternative<Catchup>(message));
    return encode(Envelope{.version = version}) + encode(message);
}

Result<Message> decode_message(std::string_view bytes) {
    if (bytes.size() > kMessageBytesMax) {
        return Error{Code::Limit, concat("a message of ", bytes.size(), " bytes is too long")};
    }
    const std::optional<Envelope> envelope = decode<Envelope>(bytes.substr(0, kEnvelopeBytes));
    if (!envelope || envelope->magic != kMagic) {
        return Error{Code::Invalid, "not a message of xbeat"};
    }
    const std::string_view body = bytes.substr(kEnvelopeBytes);
    const bool is_hello = body.starts_with('\0');
    const bool is_known =
        envelope->version >= kProtocolOldest && envelope->version <= kProtocolNewest;
    if (!is_hello && !is_known) {
        return Error{Code::Invalid,
                     concat("the peer speaks protocol version ", envelope->version,
                            ", this node speaks ", kProtocolOldest, " to ", kProtocolNewest)};
    }
    std::optional<Message> message = decode<Message>(body);
    const bool is_foreign =
        message && std::holds_alternative<Catchup>(*message) && envelope->version < kCatchupSince;
    if (!message || is_foreign) return Error{Code::Invalid, "a message is cut short or malformed"};
    return std::move(*message);
}

std::string_view kind_of(const Message& message) {
    constexpr std::string_view kKinds[] = {"hello", "refuse", "welcome", "ack", "data", "catchup"};
    static_assert(std::size(kKinds) == std::variant_size_v<Message>);
    return kKinds[message.index()];
}

}  // namespace xbeat::wire
