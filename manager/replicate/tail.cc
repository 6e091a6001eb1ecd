#include "replicate/tail.h"

#include <utility>
#include <variant>

#include "core/limits.h"
#include "core/text.h"

namespace xbeat::replicate {
namespace {

std::string attribute_of(const wire::SetHistory& record, std::string_view name) {
    for (const auto& [known, value] : record.attributes) {
        if (known == name) return value;
    }
    return {};
}

// One overload a kind of record.
struct Describer {
    std::string operator()(const wire::ProposeConfiguration& each) const {
        return concat("configuration ", each.admin_epoch, '.', each.epoch, " was proposed by ",
                      each.user, " on ", each.origin);
    }
    std::string operator()(const wire::CommitConfiguration& each) const {
        return concat("the configuration of record ", each.proposal.value, " came into force");
    }
    std::string operator()(const wire::AbortConfiguration& each) const {
        return concat("the configuration of record ", each.proposal.value, " was given up");
    }
    std::string operator()(const wire::EnsureNode& each) const {
        return concat("node ", each.name, " is in the configuration");
    }
    std::string operator()(const wire::SetNodeState& each) const {
        return concat("node ", each.name, " is ", each.is_online ? "online" : "offline",
                      each.forget ? ", its history is void" : "");
    }
    std::string operator()(const wire::SetTransient& each) const {
        if (each.remove) return concat("attribute ", each.name, " of node ", each.node, " is gone");
        return concat("attribute ", each.name, " of node ", each.node, " is ", each.value);
    }
    std::string operator()(const wire::SetHistory& each) const {
        return concat(attribute_of(each, "operation"), ' ', each.resource, " on node ", each.node,
                      ": rc ", attribute_of(each, "rc-code"));
    }
    std::string operator()(const wire::EraseHistory& each) const {
        return concat("history of ", each.resource.empty() ? "everything" : each.resource,
                      " on node ", each.node, " is void");
    }
    std::string operator()(const wire::RecordFence& each) const {
        return concat("fencing ", each.target, " (", each.action, "): ", each.outcome);
    }
    std::string operator()(const wire::EraseFences& each) const {
        return concat("the history of fencing", each.target.empty() ? "" : " of ", each.target,
                      " is forgotten");
    }
    std::string operator()(const wire::SetCluster& each) const {
        return concat("node ", each.coordinator, " coordinates, ",
                      each.have_quorum ? "with quorum" : "without quorum");
    }
    std::string operator()(const wire::SetTicketState& each) const {
        return concat("ticket ", each.ticket, ": ", each.name, each.remove ? " is gone" : " is ",
                      each.value);
    }
};

}  // namespace

void Tail::push(Term term, LogIndex index, std::string bytes) {
    if (!entries_.empty() && entries_.back().index.value + 1 != index.value) clear();
    bytes_ += bytes.size();
    entries_.push_back({.term = term, .index = index, .bytes = std::move(bytes)});
    while (entries_.size() > kTailRecordsMax || bytes_ > kTailBytesMax) {
        bytes_ -= entries_.front().bytes.size();
        entries_.pop_front();
    }
}

void Tail::clear() {
    entries_.clear();
    bytes_ = 0;
}

std::optional<std::vector<std::string>> Tail::after(LogIndex index, LogIndex last) const {
    std::vector<std::string> out;
    if (index == last) return out;
    const bool is_here = !entries_.empty() && entries_.front().index.value <= index.value + 1 &&
                         entries_.back().index == last;
    if (!is_here) return std::nullopt;
    for (const Entry& entry : entries_) {
        if (entry.index > index) out.push_back(entry.bytes);
    }
    return out;
}

std::vector<std::string> Tail::missing_in(const State& other) const {
    std::vector<std::string> out;
    for (const Entry& entry : entries_) {
        if (other.contains(entry.term, entry.index)) continue;
        const Result<wire::Record> record = wire::decode_record(entry.bytes);
        if (record) {
            out.push_back(
                concat(entry.term.value, '/', entry.index.value, ": ", describe(*record)));
        }
    }
    return out;
}

std::string describe(const wire::Record& record) { return std::visit(Describer{}, record.body); }

}  // namespace xbeat::replicate
