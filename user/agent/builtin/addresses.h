// The addresses of the machine's interfaces: listed, added and removed through rtnetlink.
//
// Source: rtnetlink(7), linux/if_addr.h. Requests are answered within the call that sends them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "heart/ip_address.h"
#include "sys/fd.h"

namespace xbeat::agent::builtin {

struct InterfaceAddress {
    int ifindex = 0;
    heart::IpAddress address = {};
    std::uint8_t prefix = 0;  // bits; 0..32 or 0..128
    std::string label = {};   // IPv4 only; empty: the interface's name
    friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

class Addresses {
public:
    /// Code::System if the kernel refuses a socket.
    static Result<Addresses> open();

    /// All addresses of all interfaces. Code::System.
    Result<std::vector<InterfaceAddress>> list();
    /// IPv6 addresses are added without duplicate address detection (they are probed for before),
    /// and usable at once. Code::Exists if it is there already, Code::System.
    Result<void> add(const InterfaceAddress& address);
    /// Code::NotFound if it is not there, Code::System.
    Result<void> remove(const InterfaceAddress& address);

private:
    explicit Addresses(sys::Fd socket) : socket_(std::move(socket)) {}
    struct Message;
    Result<void> change(const InterfaceAddress& address, std::uint16_t type, std::uint16_t flags,
                        const char* what);
    Result<void> send(const Message& message);

    sys::Fd socket_;
    std::uint32_t sequence_ = 0;
};

/// The address lies in the subnet of the other.
[[nodiscard]] bool is_within(const heart::IpAddress& address, const InterfaceAddress& subnet);

}  // namespace xbeat::agent::builtin
