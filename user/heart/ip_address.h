// An IPv4 or IPv6 address as bytes in network order: what links and next hops are told by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xbeat::heart {

struct IpAddress {
    enum class Family : std::uint8_t { None, V4, V6 };

    Family family = Family::None;
    std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four, the rest is 0

    /// How many of `bytes` count: 0, 4 or 16.
    [[nodiscard]] std::size_t size() const {
        return family == Family::V4 ? 4 : family == Family::V6 ? 16 : 0;
    }

    /// Dotted IPv4 or textual IPv6 without a zone (inet_pton(3)); empty for anything else.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// As inet_ntop(3) prints it; "-" for no address.
[[nodiscard]] std::string to_string(const IpAddress& address);

}  // namespace xbeat::heart
