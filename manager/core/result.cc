#include "core/result.h"

namespace xbeat {

std::string_view to_string(Code code) {
    switch (code) {
        case Code::Invalid:
            return "invalid";
        case Code::NotFound:
            return "not-found";
        case Code::Exists:
            return "exists";
        case Code::Conflict:
            return "conflict";
        case Code::Denied:
            return "denied";
        case Code::Limit:
            return "limit";
        case Code::Unavailable:
            return "unavailable";
        case Code::Unsafe:
            return "unsafe";
        case Code::Timeout:
            return "timeout";
        case Code::System:
            return "system";
        case Code::Corrupt:
            return "corrupt";
    }
    XB_CHECK(false);  // a code outside its enumeration
    return "";
}

}  // namespace xbeat
