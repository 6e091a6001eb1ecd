#include "wire/record.h"

#include "wire/codec.h"

namespace xbeat::wire {
namespace {

constexpr std::uint8_t kRecordVersion = 2;

struct Stored {
    std::uint8_t version = kRecordVersion;
    Record record;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.version, self.record);
    }
};

}  // namespace

std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : bytes) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return hash;
}

std::string encode_record(const Record& record) {
    std::string bytes = encode(Stored{.record = record});
    bytes += encode(checksum(bytes));
    return bytes;
}

Result<Record> decode_record(std::string_view bytes) {
    constexpr std::size_t kSum = sizeof(std::uint64_t);
    if (bytes.size() < kSum + 1) return Error{Code::Corrupt, "a stored record is too short"};
    const std::string_view body = bytes.substr(0, bytes.size() - kSum);
    if (encode(checksum(body)) != bytes.substr(body.size())) {
        return Error{Code::Corrupt, "a stored record does not match its checksum"};
    }
    std::optional<Stored> stored = decode<Stored>(body);
    if (!stored) return Error{Code::Corrupt, "a stored record has an unknown form"};
    if (stored->version != kRecordVersion) {
        return Error{Code::Corrupt, "a stored record has an unknown version"};
    }
    return std::move(stored->record);
}

}  // namespace xbeat::wire
