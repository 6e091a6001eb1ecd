// The built-in agents' descriptions, as any OCF agent would print them for `meta-data`.
#pragma once

#include <string_view>

namespace xbeat::agent::builtin {

/// The XML of "VIP" or "process"; empty for any other type.
[[nodiscard]] std::string_view metadata_of(std::string_view type);

}  // namespace xbeat::agent::builtin
