// What a node and the witness say to each other: one datagram asks, one of the same size answers.
//
// Fixed size, little-endian, reserved bytes zero and checked. The last 16 bytes are the tag over
// everything before; making and checking it needs keys and is left to the host, so that these
// lines stay free of them. What a request does is in arbiter/witness_ledger.h, when it is sent
// again in arbiter/witness_asker.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "core/id.h"
#include "core/time.h"

namespace xbeat::wire {

constexpr std::size_t kWitnessTagBytes = 16;
constexpr std::size_t kWitnessBytes = 96;  // of every datagram: an answer never amplifies
constexpr std::size_t kWitnessBodyBytes = kWitnessBytes - kWitnessTagBytes;
constexpr std::uint16_t kWitnessVersion = 1;
constexpr std::uint16_t kWitnessPort = 7456;  // UDP, beside the port of the beats

/// No lease is longer: so long does a witness that was started anew refuse everybody.
constexpr Duration kWitnessLeaseMax = 10s;
constexpr Duration kWitnessLeaseMin = 1ms;

enum class WitnessKind : std::uint8_t {
    Query,    // tell me how it stands; changes nothing
    Claim,    // give me the lease, or more time of it
    Release,  // I need it no more
};

/// Which lease the request may change: a compare-and-set on both numbers.
struct WitnessRequest {
    WitnessKind kind = WitnessKind::Query;
    std::uint64_t cluster = 0;  // names the key, never 0
    NodeId node;                // who asks
    std::uint64_t life = 0;     // random, new at every start of the asking daemon
    std::uint64_t number = 0;   // +1 with every request of a life; copies of one are alike
    std::uint64_t witness = 0;  // the witness's life as last heard; 0 if never
    std::uint64_t version = 0;  // the lease's version as last heard
    Duration lease{};           // for Claim: kWitnessLeaseMin..kWitnessLeaseMax, else 0

    friend bool operator==(const WitnessRequest&, const WitnessRequest&) = default;
};

enum class WitnessOutcome : std::uint8_t {
    Told,      // the answer to Query
    Granted,   // the lease is the asker's, from the arrival of the request for `lease`
    Held,      // it is the other node's
    Stale,     // another life or version: ask again with those of this answer
    Starting,  // the witness was started anew and does not know yet who may hold a lease
    Released,
};

struct WitnessAnswer {
    WitnessOutcome outcome = WitnessOutcome::Told;
    WitnessKind kind = WitnessKind::Query;  // of the request; this and the next four repeat it
    std::uint64_t cluster = 0;
    NodeId node;
    std::uint64_t life = 0;
    std::uint64_t number = 0;
    NodeId holder;              // 0 if the lease is free
    NodeId last_holder;         // who held it last in this life of the witness; 0 if nobody did
    std::uint64_t witness = 0;  // the witness's life
    std::uint64_t version = 0;  // of the lease, as it is now
    Duration lease{};           // what was granted
    Duration remaining{};       // until the holder's lease, or the waiting of Starting, is over

    friend bool operator==(const WitnessAnswer&, const WitnessAnswer&) = default;
};

using WitnessDatagram = std::array<std::uint8_t, kWitnessBytes>;

/// The bytes, with a tag of zeros.
[[nodiscard]] WitnessDatagram encode_witness(const WitnessRequest& request);
[[nodiscard]] WitnessDatagram encode_witness(const WitnessAnswer& answer);

/// The value, or nothing if the bytes are no such datagram of this version: another size, magic or
/// choice, a number out of its range, a reserved byte that is not zero. The tag is not looked at.
[[nodiscard]] std::optional<WitnessRequest> decode_witness_request(
    std::span<const std::uint8_t> bytes);
[[nodiscard]] std::optional<WitnessAnswer> decode_witness_answer(
    std::span<const std::uint8_t> bytes);

/// Which key a datagram claims to be made with: the only thing to be read before the tag is
/// checked. Nothing if the size or magic is wrong.
[[nodiscard]] std::optional<std::uint64_t> witness_cluster(std::span<const std::uint8_t> bytes);

}  // namespace xbeat::wire
