#include "control/protocol.h"

#include <algorithm>

namespace xbeat::control {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::None:
            return "none";
        case Role::Viewer:
            return "viewer";
        case Role::Operator:
            return "operator";
        case Role::Admin:
            return "admin";
    }
    return "none";
}

const OpRow* find_op(std::string_view name) {
    const auto* const row = std::find_if(kOps.begin(), kOps.end(),
                                         [&](const OpRow& entry) { return entry.name == name; });
    return row == kOps.end() ? nullptr : row;
}

Code parse_code(std::string_view word) {
    for (const Code code :
         {Code::Invalid, Code::NotFound, Code::Exists, Code::Conflict, Code::Denied, Code::Limit,
          Code::Unavailable, Code::Unsafe, Code::Timeout, Code::System, Code::Corrupt}) {
        if (to_string(code) == word) return code;
    }
    return Code::Unavailable;
}

}  // namespace xbeat::control
