#include "sys/system_error.h"

#include <array>
#include <cstring>

#include "core/text.h"

namespace xbeat::sys {

std::string error_text(int error) {
    std::array<char, 128> buffer{};
    // The GNU form returns the text, which may or may not be in the buffer.
    return ::strerror_r(error, buffer.data(), buffer.size());
}

Error system_error(std::string_view context, int error) {
    return {.code = Code::System,
            .context = concat(context, ": ", error_text(error)),
            .system_errno = error};
}

}  // namespace xbeat::sys
