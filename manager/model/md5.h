// MD5 (RFC 1321), for one purpose: comparing with the parameter digests that executors record.
// Never for security.
#pragma once

#include <string>
#include <string_view>

namespace xbeat::model {

/// The digest of `data` as 32 lower-case hexadecimal digits.
[[nodiscard]] std::string md5_hex(std::string_view data);

}  // namespace xbeat::model
