#include "wire/witness.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/limits.h"
#include "wire/codec.h"

namespace xbeat::wire {
namespace {

constexpr std::uint32_t kRequestMagic = 0x51577278;  // "xrWQ" on the wire
constexpr std::uint32_t kAnswerMagic = 0x41577278;   // "xrWA"
constexpr std::size_t kClusterAt = 8;

std::string_view as_text(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One list of fields for both ways; `zero` is written as 0 and must be read as 0.
template <class Archive, class Request>
void request_fields(Archive& archive, Request& request, std::uint32_t& magic,
                    std::uint16_t& version, std::uint8_t& kind, std::uint64_t& zeros) {
    auto zero8 = static_cast<std::uint8_t>(0);
    auto zero16 = static_cast<std::uint16_t>(0);
    auto zero32 = static_cast<std::uint32_t>(0);
    std::uint64_t zero_a = 0;
    std::uint64_t zero_b = 0;
    archive(magic, version, kind, zero8, request.cluster, request.node, zero16, zero32,
            request.life, request.number, request.witness, request.version, request.lease, zero_a,
            zero_b);
    zeros = zero8 | zero16 | zero32 | zero_a | zero_b;
}

template <class Archive, class Answer>
void answer_fields(Archive& archive, Answer& answer, std::uint32_t& magic, std::uint16_t& version,
                   std::uint8_t& kind, std::uint8_t& outcome, std::uint64_t& zeros) {
    auto zero16 = static_cast<std::uint16_t>(0);
    std::uint64_t zero_a = 0;
    archive(magic, version, kind, outcome, answer.cluster, answer.node, answer.holder,
            answer.last_holder, zero16, answer.life, answer.number, answer.witness, answer.version,
            answer.lease, answer.remaining, zero_a);
    zeros = zero16 | zero_a;
}

WitnessDatagram finish(std::string body) {
    XB_CHECK(body.size() == kWitnessBodyBytes);
    WitnessDatagram bytes{};
    std::copy(body.begin(), body.end(), bytes.begin());
    return bytes;
}

bool is_node(NodeId node) { return node.value >= 1 && node.value <= kNodesMax; }
bool is_lease(Duration lease) { return lease >= kWitnessLeaseMin && lease <= kWitnessLeaseMax; }

}  // namespace

WitnessDatagram encode_witness(const WitnessRequest& request) {
    Writer writer;
    std::uint32_t magic = kRequestMagic;
    std::uint16_t version = kWitnessVersion;
    auto kind = static_cast<std::uint8_t>(request.kind);
    std::uint64_t zeros = 0;
    request_fields(writer, request, magic, version, kind, zeros);
    return finish(std::move(writer).take());
}

WitnessDatagram encode_witness(const WitnessAnswer& answer) {
    Writer writer;
    std::uint32_t magic = kAnswerMagic;
    std::uint16_t version = kWitnessVersion;
    auto kind = static_cast<std::uint8_t>(answer.kind);
    auto outcome = static_cast<std::uint8_t>(answer.outcome);
    std::uint64_t zeros = 0;
    answer_fields(writer, answer, magic, version, kind, outcome, zeros);
    return finish(std::move(writer).take());
}

std::optional<WitnessRequest> decode_witness_request(std::span<const std::uint8_t> bytes) {
    if (bytes.size() != kWitnessBytes) return std::nullopt;
    Reader reader(as_text(bytes.first(kWitnessBodyBytes)));
    WitnessRequest request;
    std::uint32_t magic = 0;
    std::uint16_t version = 0;
    std::uint8_t kind = 0;
    std::uint64_t zeros = 0;
    request_fields(reader, request, magic, version, kind, zeros);
    if (!reader.is_good() || !reader.is_at_end()) return std::nullopt;
    if (magic != kRequestMagic || version != kWitnessVersion || zeros != 0) return std::nullopt;
    if (kind > static_cast<std::uint8_t>(WitnessKind::Release)) return std::nullopt;
    request.kind = static_cast<WitnessKind>(kind);
    if (request.cluster == 0 || !is_node(request.node)) return std::nullopt;
    if (request.life == 0 || request.number == 0) return std::nullopt;
    const bool fits =
        request.kind == WitnessKind::Claim ? is_lease(request.lease) : request.lease == Duration{};
    return fits ? std::optional(request) : std::nullopt;
}

std::optional<WitnessAnswer> decode_witness_answer(std::span<const std::uint8_t> bytes) {
    if (bytes.size() != kWitnessBytes) return std::nullopt;
    Reader reader(as_text(bytes.first(kWitnessBodyBytes)));
    WitnessAnswer answer;
    std::uint32_t magic = 0;
    std::uint16_t version = 0;
    std::uint8_t kind = 0;
    std::uint8_t outcome = 0;
    std::uint64_t zeros = 0;
    answer_fields(reader, answer, magic, version, kind, outcome, zeros);
    if (!reader.is_good() || !reader.is_at_end()) return std::nullopt;
    if (magic != kAnswerMagic || version != kWitnessVersion || zeros != 0) return std::nullopt;
    if (kind > static_cast<std::uint8_t>(WitnessKind::Release)) return std::nullopt;
    if (outcome > static_cast<std::uint8_t>(WitnessOutcome::Released)) return std::nullopt;
    answer.kind = static_cast<WitnessKind>(kind);
    answer.outcome = static_cast<WitnessOutcome>(outcome);
    if (answer.cluster == 0 || !is_node(answer.node)) return std::nullopt;
    if (answer.holder.value > kNodesMax || answer.last_holder.value > kNodesMax)
        return std::nullopt;
    if (answer.life == 0 || answer.number == 0 || answer.witness == 0) return std::nullopt;
    const bool is_granted = answer.outcome == WitnessOutcome::Granted;
    if (is_granted ? !is_lease(answer.lease) : answer.lease != Duration{}) return std::nullopt;
    if (answer.remaining < Duration{} || answer.remaining > 2 * kWitnessLeaseMax)
        return std::nullopt;
    return answer;
}

std::optional<std::uint64_t> witness_cluster(std::span<const std::uint8_t> bytes) {
    if (bytes.size() != kWitnessBytes) return std::nullopt;
    Reader reader(as_text(bytes));
    std::uint32_t magic = 0;
    std::uint32_t rest = 0;
    std::uint64_t cluster = 0;
    static_assert(kClusterAt == sizeof magic + sizeof rest);
    reader(magic, rest, cluster);
    if (magic != kRequestMagic && magic != kAnswerMagic) return std::nullopt;
    return cluster;
}

}  // namespace xbeat::wire
