// What members keep equal: the CIB, and the few facts beside it.
//
// A State is changed by apply() alone, record by record in order, on every member alike. Its
// encoded form is a snapshot: what the store saves and what a joining node receives.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/id.h"
#include "core/result.h"
#include "wire/record.h"

namespace xbeat::replicate {

struct Proposal {
    LogIndex index;
    wire::ProposeConfiguration wanted;
};

/// Where a term's records begin.
struct TermStart {
    Term term;
    LogIndex first;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.term, self.first);
    }
};

/// An attribute of a node that members know and the CIB does not hold.
struct PrivateAttribute {
    std::string node;  // id
    std::string name;
    std::string value;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.node, self.name, self.value);
    }
};

struct State {
    cib::Element cib;
    std::vector<PrivateAttribute> privates;  // at most kPrivateAttributesMax, as they came
    std::deque<wire::RecordFence> fences;    // oldest first, at most kFenceHistoryMax
    std::optional<Proposal> proposal;
    std::vector<TermStart> terms;  // ascending, at most kTermHistoryMax
    LogIndex applied;              // the last record in here; 0 if none

    /// The term of the last record, 0 if there is none.
    [[nodiscard]] Term last_term() const;
    /// True if the record at `index` was made in `term`, as far as the history of terms reaches.
    [[nodiscard]] bool contains(Term term, LogIndex index) const;
};

/// A state without records: what a new cluster of that name starts with.
[[nodiscard]] State empty_state(std::string_view cluster_name);

/// "admin_epoch.epoch.num_updates"; "admin_epoch.epoch" without the last number.
[[nodiscard]] std::string version_of(const cib::Element& cib);
[[nodiscard]] std::string configuration_version_of(const cib::Element& cib);

/// The names of all transient attributes of the node with that id, private ones among them.
[[nodiscard]] std::set<std::string> transient_names(const State& state, std::string_view node_id);

/// A number that differs (almost surely) for different configurations and status.
[[nodiscard]] std::uint64_t digest_of(const State& state);

[[nodiscard]] std::string encode_snapshot(const State& state);
/// Code::Corrupt if the bytes are not exactly one snapshot.
[[nodiscard]] Result<State> decode_snapshot(std::string_view bytes);

}  // namespace xbeat::replicate
