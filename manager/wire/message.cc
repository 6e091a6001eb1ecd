#include "wire/message.h"

#include "core/limits.h"
#include "core/text.h"
#include "wire/codec.h"

namespace xbeat::wire {
namespace {

constexpr std::uint32_t kMagic = 0x31624258;  // "XBb1" as it lies in memory

struct Envelope {
    std::uint32_t magic = kMagic;
    std::uint16_t version = kProtocolVersion;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.magic, self.version);
    }
};
constexpr std::size_t kEnvelopeBytes = 6;

}  // namespace

std::string encode_message(const Message& message) { return encode(Envelope{}) + encode(message); }

Result<Message> decode_message(std::string_view bytes) {
    if (bytes.size() > kMessageBytesMax) {
        return Error{Code::Limit, concat("a message of ", bytes.size(), " bytes is too long")};
    }
    const std::optional<Envelope> envelope = decode<Envelope>(bytes.substr(0, kEnvelopeBytes));
    if (!envelope || envelope->magic != kMagic) {
        return Error{Code::Invalid, "not a message of xbeat"};
    }
    if (envelope->version != kProtocolVersion) {
        return Error{Code::Invalid, concat("the peer speaks protocol version ", envelope->version,
                                           ", this node speaks ", kProtocolVersion)};
    }
    std::optional<Message> message = decode<Message>(bytes.substr(kEnvelopeBytes));
    if (!message) return Error{Code::Invalid, "a message is cut short or malformed"};
    return std::move(*message);
}

std::string_view kind_of(const Message& message) {
    constexpr std::string_view kKinds[] = {"hello", "refuse", "welcome", "ack", "data"};
    static_assert(std::size(kKinds) == std::variant_size_v<Message>);
    return kKinds[message.index()];
}

}  // namespace xbeat::wire
