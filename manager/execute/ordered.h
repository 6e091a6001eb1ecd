// What the configuration puts in an order with a resource, however many steps away.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "cib/xml.h"

namespace xbeat::execute {

/// Everything that groups, clones, bundles and orders of any kind connect with that primitive, and
/// itself, by the ids in the configuration. Rather too much than too little: it does not matter who
/// comes first, and what shares a set, a tag or a template counts as ordered.
[[nodiscard]] std::set<std::string> ordered_with(const cib::Element& cib,
                                                 std::string_view primitive);

}  // namespace xbeat::execute
