// A record becomes part of the state: the same on every member, without any judgement of its own.
//
// Versions count as Pacemaker's do: a committed configuration has its own epoch and num_updates 0;
// every change of the status adds 1 to num_updates. A record that changes nothing of the CIB does
// not count.
#pragma once

#include <string_view>

#include "core/result.h"
#include "replicate/state.h"
#include "wire/record.h"

namespace xbeat::replicate {

/// Code::Conflict if the record is not the next one; the state is then unchanged. Records that name
/// what does not exist (an unknown proposal, a history already erased) change nothing, and count as
/// applied.
[[nodiscard]] Result<void> apply(State& state, const wire::Record& record);

/// The node_state of that node id, or null.
[[nodiscard]] const cib::Element* node_state(const cib::Element& cib, std::string_view id);
/// The lrm_resource of a resource on a node, or null.
[[nodiscard]] const cib::Element* history_of(const cib::Element& cib, std::string_view node_id,
                                             std::string_view resource);
/// The value of a transient attribute of that node, or an empty view.
[[nodiscard]] std::string_view transient_attribute(const cib::Element& cib,
                                                   std::string_view node_id, std::string_view name);

}  // namespace xbeat::replicate
