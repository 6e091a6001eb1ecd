// Every limit of manager/ in one place, with what happens at it. Those of frames and maps are in
// bpf/abi/xb_abi.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xbeat {

constexpr std::size_t kPairNodesMax = 2;  // a third node in an embedded pair: configuration error
constexpr std::size_t kNodesMax = 32;     // with corosync; a further node: configuration error
constexpr std::size_t kPathsMax = 8;      // per peer; a further link: configuration error
constexpr std::size_t kResourcesMax =
    10'000;  // primitives, collective resources and instances: rejected whole
constexpr std::size_t kConfigBytesMax = std::size_t{16} << 20U;  // CIB or crm text: rejected whole
constexpr std::size_t kAgentOutputBytesMax = std::size_t{1}
                                             << 20U;   // past it output is cut, and that is noted
constexpr std::size_t kXmlDepthMax = 64;               // deeper documents are rejected
constexpr std::size_t kXmlElementsMax = 1'000'000;     // larger documents are rejected
constexpr std::size_t kXmlAttributesMax = 256;         // per element
constexpr std::size_t kXmlValueBytesMax = 64U << 10U;  // per attribute value
constexpr std::size_t kIdBytesMax = 255;               // of an XML id or resource name
constexpr std::size_t kMessageBytesMax =
    std::size_t{64} << 20U;  // between members; a longer one resets the channel
constexpr std::size_t kUnackedMax =
    100'000;  // messages kept for a member without a channel; past it, it joins anew
constexpr std::size_t kLogRecordsMax = 512;    // since the last snapshot; then a new one is saved
constexpr std::size_t kTailRecordsMax = 2048;  // kept for a node that returns; further back: the
                                               // whole state is sent
constexpr std::size_t kTailBytesMax = std::size_t{4} << 20U;  // of them together
constexpr std::size_t kFenceHistoryMax = 64;  // newest attempts to fence; older ones go
constexpr std::size_t kTermHistoryMax = 64;   // newest terms and where they began
constexpr std::size_t kForwardedMax = 1'000;  // clients' requests waiting; further: Code::Limit
constexpr std::size_t kPrivateAttributesMax = 10'000;  // of all nodes; a further one: Code::Limit
constexpr std::size_t kDampenedMax = 10'000;  // attributes that wait for calm; further: Code::Limit
constexpr std::int64_t kDampenMsMax = 24LL * 3600 * 1000;  // longer: Code::Invalid
constexpr std::size_t kAlertsMax = 64;           // configured, times recipients; further: left out
constexpr std::size_t kAlertsRunningMax = 256;   // agents at one time; further: left out, noted
constexpr std::size_t kManagedMax = 256;         // addresses under the gate; a further one: refused
constexpr int kYieldSecondsMax = 30;             // without a lease, not stopped by then: watchdog
constexpr std::size_t kWillStopsMax = 2048;      // of a last will; with more there is none, noted
constexpr std::int64_t kClockDriftPpmMax = 500;  // each clock against true time; more: leases fail
constexpr std::size_t kTimelineEntriesMax = 512;  // of one timeline; later ones are left out
constexpr std::size_t kTimelinesMax = 16;  // of the newest failovers and transitions; older ones go

}  // namespace xbeat
