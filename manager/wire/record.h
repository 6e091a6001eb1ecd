// The changes that a cluster's state is made of: each one typed, bounded, and the same on every
// node.
//
// The coordinator is the only one who makes records. A record says what the new fact is, never how
// to compute it, so that applying it needs no judgement: replicate/apply.h turns it into the CIB.
// Its encoded form is what the log stores and what members send each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::wire {

/// A configuration that somebody wants; it means nothing until it is committed.
struct ProposeConfiguration {
    std::string configuration;  // XML of <configuration>, already checked and in today's syntax
    std::string validate_with;  // the schema's name
    std::int64_t admin_epoch = 0;
    std::int64_t epoch = 0;  // the version it will have
    std::string user;
    std::string origin;  // node where it was asked for
    EpochSeconds when;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.configuration, self.validate_with, self.admin_epoch, self.epoch, self.user,
                self.origin, self.when);
    }
};
/// The proposal at that place of the log is durable on all members: it is the configuration now.
struct CommitConfiguration {
    LogIndex proposal;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.proposal);
    }
};
/// The proposal could not be made durable: forget it.
struct AbortConfiguration {
    LogIndex proposal;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.proposal);
    }
};
/// The node of the cluster's own list gets its <node> in the configuration, if it has none.
struct EnsureNode {
    std::string id;
    std::string name;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.id, self.name);
    }
};
struct SetNodeState {
    std::string id;
    std::string name;
    bool is_member = false;  // in_ccm
    bool is_online = false;  // crmd
    std::string join;        // "member" or "down"
    std::string expected;    // "member" or "down"
    bool forget = false;     // its history and transient attributes are void
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.id, self.name, self.is_member, self.is_online, self.join, self.expected,
                self.forget);
    }
};
struct SetTransient {
    std::string node;  // id
    std::string name;
    std::string value;
    bool remove = false;
    bool is_private = false;  // kept beside the CIB
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node, self.name, self.value, self.remove, self.is_private);
    }
};
/// An attribute of a ticket's state; an empty name with `remove` is the whole state.
struct SetTicketState {
    std::string ticket;
    std::string name;
    std::string value;
    bool remove = false;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.ticket, self.name, self.value, self.remove);
    }
};
/// One entry of a resource's history on a node, as the attributes of its lrm_rsc_op, `id` first.
struct SetHistory {
    std::string node;  // id
    std::string resource;
    std::string agent_class;
    std::string agent_provider;
    std::string agent_type;
    std::vector<std::pair<std::string, std::string>> attributes;
    bool ends_recurring = false;  // the resource's recurring monitors ended with this operation
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node, self.resource, self.agent_class, self.agent_provider, self.agent_type,
                self.attributes, self.ends_recurring);
    }
};
struct EraseHistory {
    std::string node;      // id
    std::string resource;  // empty = all
    std::string entry;     // id of one lrm_rsc_op; empty = all of the resource
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node, self.resource, self.entry);
    }
};
/// How an attempt to fence ended. Kept beside the CIB, kFenceHistoryMax of them.
struct RecordFence {
    std::string target;  // node name
    std::string action;
    std::string origin;   // node that ran the device
    std::string device;   // empty for a person's confirmation
    std::string outcome;  // "success", "failed", "confirmed by operator"
    std::string reason;
    EpochSeconds when;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.target, self.action, self.origin, self.device, self.outcome, self.reason,
                self.when);
    }
};
/// The history of fencing is forgotten.
struct EraseFences {
    std::string target;  // node name; empty = all
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.target);
    }
};
struct SetCluster {
    bool have_quorum = false;
    std::string coordinator;  // id
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.have_quorum, self.coordinator);
    }
};

using RecordBody = std::variant<ProposeConfiguration, CommitConfiguration, AbortConfiguration,
                                EnsureNode, SetNodeState, SetTransient, SetHistory, EraseHistory,
                                RecordFence, SetCluster, SetTicketState, EraseFences>;

struct Record {
    Term term;  // of the coordinator who made it
    LogIndex index;
    RecordBody body;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term, self.index, self.body);
    }
};

/// The stored form: a version byte, the record, and a checksum over both.
[[nodiscard]] std::string encode_record(const Record& record);
/// Code::Corrupt if the bytes are not exactly one record of a version that is known.
[[nodiscard]] Result<Record> decode_record(std::string_view bytes);

/// FNV-1a, 64 bits: a checksum against torn and rotten bytes, not against malice.
[[nodiscard]] std::uint64_t checksum(std::string_view bytes);

}  // namespace xbeat::wire
