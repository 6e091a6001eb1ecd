// Which values nobody but an administrator may see: in answers, in events, in reports.
#pragma once

#include <string_view>

namespace xbeat::cib {

/// What stands in the place of a secret.
constexpr std::string_view kSecretMask = "********";

/// Whether a parameter or attribute of this name holds a secret: names that contain passw, secret,
/// token or private_key, in any case.
[[nodiscard]] bool is_secret_name(std::string_view name);

}  // namespace xbeat::cib
