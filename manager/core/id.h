// Numbers with a meaning are types: two of different meaning cannot be swapped, compared or added.
#pragma once

#include <compare>
#include <cstdint>

namespace xbeat {

template <class Tag, class Rep>
struct Id {
    Rep value{};
    friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using NodeId = Id<struct NodeTag, std::uint16_t>;  // 1..kNodesMax; 0 is no node
using PathId = Id<struct PathTag, std::uint8_t>;   // 0..kPathsMax-1, the link's place in the file
using Incarnation = Id<struct IncarnationTag, std::uint64_t>;  // new at every start of a daemon
using Term = Id<struct TermTag, std::uint64_t>;                // of a coordinator; never decreases
using LogIndex =
    Id<struct LogIndexTag, std::uint64_t>;  // place in the replicated log; 0 is before the first
using OperationId =
    Id<struct OperationTag, std::uint64_t>;  // one run of one agent action on one node
using ClientId =
    Id<struct ClientTag, std::uint64_t>;  // one request of one client, chosen by the host
using Ticket = Id<struct TicketTag, std::uint64_t>;  // one write to the store, chosen by the core

}  // namespace xbeat
