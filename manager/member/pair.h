// Two nodes that meet: who leads, who joins, or why they must not.
//
// Both sides hold the same two hellos, their own as it was sent and the peer's, and call judge()
// with them the other way round. So the answers fit together without a further word.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/id.h"
#include "wire/message.h"

namespace xbeat::member {

enum class Decision : std::uint8_t {
    Refuse,  // they do not belong together: see the reason
    Resume,  // the session goes on
    Lead,    // this node is coordinator, the peer joins it
    Join,    // the other way round
};

struct Judgement {
    Decision decision = Decision::Refuse;
    std::string reason;  // one sentence, for people
};

/// Refuses: no common protocol version, other cluster name, same node id, lists of nodes that
/// differ.
///
/// Two that run with one session resume it. Else the one leads that was started on a person's word
/// after all that the other one holds; then the last survivor; then one that runs, before one that
/// is fresh. Of two that run apart, the one that runs resources leads, then the one with the newer
/// term. Of two fresh ones, the one leads whose log is newer by (term, index). The lowest id
/// decides what is still even.
[[nodiscard]] Judgement judge(const wire::Hello& mine, const wire::Hello& theirs);

/// The smallest term above `newest` that belongs to this node: terms are dealt out by the node's
/// place among `nodes` sorted ids, so that two nodes never pick the same one, however little they
/// know of each other. Requires: self is in nodes.
[[nodiscard]] Term next_term(Term newest, NodeId self, const std::vector<NodeId>& nodes);

/// A term that is newer than all that the peer can have led alone since it and this node knew
/// `newest`: 100 000 further on. A node that goes on alone uses up one a start.
///
/// For who starts alone because the peer was proven off, or goes on because a person said so: its
/// records have to be newer than the peer's, although nobody tells how far the peer had come.
[[nodiscard]] Term past_unknown_terms(Term newest);

/// Why a node may start without having met its peer; empty if it may not.
struct AloneFacts {
    std::size_t nodes = 0;          // in the cluster's list
    bool is_last_survivor = false;  // durable: the peer was out, with a proof, when this node ended
    bool is_peer_confirmed = false;  // a person vouches that the peer is off
};
[[nodiscard]] std::string reason_to_start_alone(const AloneFacts& facts);

}  // namespace xbeat::member
