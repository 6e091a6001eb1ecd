#include "replicate/state.h"

#include <algorithm>

#include "cib/edit.h"
#include "core/limits.h"
#include "core/text.h"
#include "replicate/apply.h"
#include "wire/codec.h"

namespace xbeat::replicate {
namespace {

constexpr std::uint8_t kSnapshotVersion = 2;

// A snapshot's form on disk and on the wire; the CIB travels as text.
struct Snapshot {
    std::uint8_t version = kSnapshotVersion;
    LogIndex applied;
    std::string cib;
    std::vector<wire::RecordFence> fences;
    std::vector<TermStart> terms;
    bool has_proposal = false;
    LogIndex proposal_index;
    wire::ProposeConfiguration proposal;
    std::vector<PrivateAttribute> privates;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.version, self.applied, self.cib, self.fences, self.terms, self.has_proposal,
                self.proposal_index, self.proposal, self.privates);
    }
};

std::string_view number_of(const cib::Element& cib, std::string_view attribute) {
    const std::string_view value = cib.get(attribute);
    return value.empty() ? "0" : value;
}

}  // namespace

Term State::last_term() const { return terms.empty() ? Term{} : terms.back().term; }

bool State::contains(Term term, LogIndex index) const {
    if (index.value == 0) return true;
    if (index > applied) return false;
    const auto next = std::upper_bound(
        terms.begin(), terms.end(), index,
        [](LogIndex wanted, const TermStart& start) { return wanted < start.first; });
    return next != terms.begin() && std::prev(next)->term == term;
}

State empty_state(std::string_view cluster_name) {
    State state;
    state.cib = cib::empty_cib(cluster_name);
    return state;
}

std::string configuration_version_of(const cib::Element& cib) {
    return concat(number_of(cib, "admin_epoch"), '.', number_of(cib, "epoch"));
}

std::string version_of(const cib::Element& cib) {
    return concat(configuration_version_of(cib), '.', number_of(cib, "num_updates"));
}

std::set<std::string> transient_names(const State& state, std::string_view node_id) {
    std::set<std::string> names;
    for (const PrivateAttribute& each : state.privates) {
        if (each.node == node_id) names.insert(each.name);
    }
    const cib::Element* node = node_state(state.cib, node_id);
    const cib::Element* holder = node == nullptr ? nullptr : node->child("transient_attributes");
    if (holder == nullptr) return names;
    for (const cib::Element& set : holder->children) {
        for (const cib::Element& pair : set.children) names.emplace(pair.get("name"));
    }
    return names;
}

std::uint64_t digest_of(const State& state) { return wire::checksum(cib::print_xml(state.cib)); }

std::string encode_snapshot(const State& state) {
    Snapshot snapshot{.applied = state.applied,
                      .cib = cib::print_xml(state.cib),
                      .fences = {state.fences.begin(), state.fences.end()},
                      .terms = state.terms,
                      .has_proposal = state.proposal.has_value(),
                      .proposal_index = {},
                      .proposal = {},
                      .privates = state.privates};
    if (state.proposal) {
        snapshot.proposal_index = state.proposal->index;
        snapshot.proposal = state.proposal->wanted;
    }
    std::string bytes = wire::encode(snapshot);
    bytes += wire::encode(wire::checksum(bytes));
    return bytes;
}

Result<State> decode_snapshot(std::string_view bytes) {
    constexpr std::size_t kSum = sizeof(std::uint64_t);
    if (bytes.size() <= kSum) return Error{Code::Corrupt, "the snapshot is too short"};
    const std::string_view body = bytes.substr(0, bytes.size() - kSum);
    if (wire::encode(wire::checksum(body)) != bytes.substr(body.size())) {
        return Error{Code::Corrupt, "the snapshot does not match its checksum"};
    }
    std::optional<Snapshot> snapshot = wire::decode<Snapshot>(body);
    if (!snapshot || snapshot->version != kSnapshotVersion) {
        return Error{Code::Corrupt, "the snapshot has an unknown form"};
    }
    if (snapshot->fences.size() > kFenceHistoryMax || snapshot->terms.size() > kTermHistoryMax ||
        snapshot->privates.size() > kPrivateAttributesMax) {
        return Error{Code::Corrupt, "the snapshot's lists are too long"};
    }
    Result<cib::Element> cib = cib::parse_xml(snapshot->cib);
    if (!cib || cib->name != "cib") return Error{Code::Corrupt, "the snapshot holds no CIB"};
    State state;
    state.cib = std::move(*cib);
    state.fences.assign(snapshot->fences.begin(), snapshot->fences.end());
    state.terms = std::move(snapshot->terms);
    state.privates = std::move(snapshot->privates);
    state.applied = snapshot->applied;
    if (snapshot->has_proposal) {
        state.proposal = {.index = snapshot->proposal_index,
                          .wanted = std::move(snapshot->proposal)};
    }
    return state;
}

}  // namespace xbeat::replicate
