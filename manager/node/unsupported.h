// What the scheduler can plan and this version cannot carry out: bundles, remote and guest nodes.
#pragma once

#include <optional>
#include <string>

#include "cib/xml.h"

namespace xbeat::node {

/// A sentence for the operator that names the first such resource of a <configuration>; empty if
/// all of it can be run.
[[nodiscard]] std::optional<std::string> what_cannot_run(const cib::Element& configuration);

}  // namespace xbeat::node
