#include "heart/ip_address.h"

#include <arpa/inet.h>

namespace xbeat::heart {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    IpAddress address;
    if (::inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
        address.family = Family::V4;
        return address;
    }
    if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) {
        address.family = Family::V6;
        return address;
    }
    return std::nullopt;
}

std::string to_string(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.family == IpAddress::Family::None) return "-";
    const int family = address.family == IpAddress::Family::V4 ? AF_INET : AF_INET6;
    ::inet_ntop(family, address.bytes.data(), text.data(), text.size());
    return text.data();
}

}  // namespace xbeat::heart
