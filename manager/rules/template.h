// What a primitive is made of that names a template: one resource out of two elements.
#pragma once

#include <optional>

#include "cib/xml.h"
#include "rules/rule.h"

namespace xbeat::rules {

/// The primitive with what its template adds: attributes of the element where it has none of its
/// own, the attribute sets of both, and the template's operations that it does not say itself.
/// Nothing if it names no template, or none that is there: it counts as it stands then.
[[nodiscard]] std::optional<cib::Element> merge_template(const cib::Element& primitive,
                                                         const IdIndex& ids);

}  // namespace xbeat::rules
