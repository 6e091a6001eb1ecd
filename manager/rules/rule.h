// Rules: does an expression of node attributes, dates, agents or operations hold here and now?
//
// One function over an XML <rule> and a RuleInput that carries everything a rule may ask about.
// What a rule's outcome is used for (a location score, an attribute set) is the caller's. Source:
// "Pacemaker Explained", Rules.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/time.h"

namespace xbeat::rules {

using Attributes = std::map<std::string, std::string, std::less<>>;

/// Every element that has an `id`, so that references are found without searching the document.
class IdIndex {
public:
    IdIndex() = default;
    /// The first element of each id wins. `root` must outlive the index.
    explicit IdIndex(const cib::Element& root);
    /// Null if there is none.
    [[nodiscard]] const cib::Element* find(std::string_view id) const;
    /// The element that `element` refers to by `id-ref`; itself if it does not; null if dangling.
    [[nodiscard]] const cib::Element* resolve(const cib::Element& element) const;

private:
    // Sorted, the elements of one id in document order: cheaper to make than a tree, and it is made
    // anew for each plan.
    std::vector<std::pair<std::string_view, const cib::Element*>> by_id_;
};

struct RuleInput {
    EpochSeconds now = {};
    const IdIndex* ids = nullptr;
    const Attributes* node_attributes = nullptr;      // null: no node, every comparison fails
    const Attributes* resource_parameters = nullptr;  // for value-source="param"
    const Attributes* resource_meta = nullptr;        // for value-source="meta"
    std::string_view agent_class = {};                // with provider and type, for rsc_expression
    std::string_view agent_provider = {};
    std::string_view agent_type = {};
    bool has_agent = false;
    std::string_view operation = {};  // for op_expression
    std::int64_t interval_ms = 0;
    bool has_operation = false;
    const std::vector<std::string>* submatches = nullptr;  // %0..%9 in attribute names
};

/// Whether `rule` holds. `next_change`, if given, is lowered to the first time after `now` at which
/// a date in it changes its mind.
[[nodiscard]] bool holds(const cib::Element& rule, const RuleInput& input,
                         std::optional<EpochSeconds>* next_change = nullptr);

/// Whether all rules of `parent` hold; true if it has none.
[[nodiscard]] bool all_rules_hold(const cib::Element& parent, const RuleInput& input,
                                  std::optional<EpochSeconds>* next_change = nullptr);

/// `name` with %0..%9 replaced by the input's submatches.
[[nodiscard]] std::string expand_submatches(std::string_view name, const RuleInput& input);

/// Collects name and value of all attribute sets `set_name` directly below `parent`: the set with
/// the id `first_id` before all others, then by falling score, then the later set. The first
/// definition of a name wins and values already in `out` stay. "#default" unsets.
void collect_attributes(const cib::Element& parent, std::string_view set_name,
                        const RuleInput& input, std::string_view first_id, Attributes& out,
                        std::optional<EpochSeconds>* next_change = nullptr);

}  // namespace xbeat::rules
