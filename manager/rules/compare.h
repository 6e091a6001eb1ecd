// Comparing two attribute values as a rule's `type` says: string, integer, number or version.
#pragma once

#include <string_view>

namespace xbeat::rules {

/// Negative, zero or positive as `a` is before, equal to or after `b`. An empty `type` means: for
/// range operations number if either text has a point, else integer; otherwise string. Texts that
/// cannot be read as the type are compared as strings, without regard to case.
[[nodiscard]] int compare_as(std::string_view type, std::string_view a, std::string_view b,
                             bool is_range);

/// Compares dotted version numbers: field by field as numbers; a missing field is before any.
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

}  // namespace xbeat::rules
