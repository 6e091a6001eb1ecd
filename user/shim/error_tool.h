// The exit codes of Pacemaker's tools and what they are called.
#pragma once

#include <span>
#include <string_view>

namespace xbeat::shim {

struct ExitRow {
    int code = 0;
    std::string_view name;
    std::string_view text;
};

/// By rising code. Source: crm_exit_t of Pacemaker 2.1.
[[nodiscard]] std::span<const ExitRow> exit_codes();

}  // namespace xbeat::shim
