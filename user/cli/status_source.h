// From the daemon's replies and from CIB text to the values that displays are made of.
//
// Reading is lenient: a newer daemon may say more, an older one less, and a status display that
// refuses to show the rest because one member is missing helps nobody.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "cli/status_input.h"
#include "core/result.h"

namespace xbeat::cli {

/// The reply of the operation `status` (docs/control-protocol.md). Errors: Code::Corrupt if its CIB
/// cannot be read.
[[nodiscard]] Result<StatusInput> status_from_reply(const nlohmann::json& reply);

/// The same from a CIB alone. `clock`: now, for expiry and date rules, unless the CIB names its own
/// time.
[[nodiscard]] StatusInput status_from_cib(const cib::Element& cib, EpochSeconds clock);

/// The reply of the operation `timeline`, newest last.
[[nodiscard]] std::vector<TimelineStatus> timelines_from_reply(const nlohmann::json& reply);

/// A member of an object, or what stands for "absent" if it is missing or of another type.
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* member);
[[nodiscard]] std::int64_t number_of(const nlohmann::json& object, const char* member);
[[nodiscard]] double fraction_of(const nlohmann::json& object, const char* member);
[[nodiscard]] bool flag_of(const nlohmann::json& object, const char* member);
/// The list's entries that are objects; none if it is no list.
[[nodiscard]] std::vector<nlohmann::json> objects_of(const nlohmann::json& object,
                                                     const char* member);

}  // namespace xbeat::cli
