// Which bytes may stand in a configuration: UTF-8 without control characters.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace xbeat::cib {

/// The offset of the first byte that is not part of well-formed UTF-8 (no overlong form, no
/// surrogate, at most U+10FFFF) or is a control character other than tab, line feed and carriage
/// return. Source: RFC 3629, section 4; XML 1.0, section 2.2.
[[nodiscard]] std::optional<std::size_t> find_bad_byte(std::string_view text);

}  // namespace xbeat::cib
