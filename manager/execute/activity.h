// What the history of a node says may be active there.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"

namespace xbeat::execute {

/// The primitive that an instance "id:number" belongs to; the id itself if it is no instance.
[[nodiscard]] inline std::string_view primitive_of(std::string_view resource) {
    return resource.substr(0, resource.find(':'));
}

/// What leaves a resource serving where it did not before.
[[nodiscard]] inline bool makes_active(std::string_view task) {
    return task == "start" || task == "promote" || task == "migrate_from";
}

/// Every resource that has a history on a node, in its order.
[[nodiscard]] std::vector<std::string> known_on(const cib::Element& cib, std::string_view node_id);

/// The primitives that the history of a node says may be active there, by the id in the
/// configuration, sorted. Fence devices do not count: they serve nobody.
[[nodiscard]] std::set<std::string> active_on(const cib::Element& cib, std::string_view node_id);

/// False for the instances of a clone that may run on every node alike: it is neither promotable
/// nor globally unique. True for everything else, also for what is configured no more.
[[nodiscard]] bool must_run_once(const cib::Element& cib, std::string_view primitive);

}  // namespace xbeat::execute
