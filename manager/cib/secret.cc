#include "cib/secret.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/text.h"

namespace xbeat::cib {

bool is_secret_name(std::string_view name) {
    const std::string lower = to_lower(name);
    constexpr std::array<std::string_view, 4> kMarks{"passw", "secret", "token", "private_key"};
    return std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view mark) {
        return lower.find(mark) != std::string::npos;
    });
}

}  // namespace xbeat::cib
