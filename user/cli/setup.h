// Setting up a pair: the configuration file and the key of both nodes as one token.
//
// `xbeat init` makes them on the first node, `xbeat join` unpacks them on the second. The token is
// as secret as the key that it contains. Pure but for the key's random bytes, which are given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace xbeat::cli {

constexpr std::size_t kTokenBytesMax = 16384;  // a longer one is refused
constexpr std::size_t kSetupKeyBytes = 32;

struct SetupLink {
    std::string interface = {};
    std::string address = {};
};
struct SetupNode {
    std::string name = {};
    int id = 0;
    std::vector<SetupLink> links = {};
};
struct Setup {
    std::string cluster = {};
    std::string profile = {};
    std::string arbiter = {};  // fence or none
    std::string self = {};     // empty: the host name says it
    int port = 7455;
    std::vector<SetupNode> nodes = {};
};

/// The text of xbeat.toml. `key_file` goes into it as it stands.
[[nodiscard]] std::string print_setup(const Setup& setup, std::string_view key_file);

/// What the second node needs: "xb1." and base64url of everything, compressed.
/// Requires: key.size() == kSetupKeyBytes.
[[nodiscard]] std::string make_token(const Setup& setup, std::string_view key);

struct Invitation {
    Setup setup;
    std::string key = {};
};
/// Errors: Invalid for a text that is no token, was cut or mistyped; Limit.
[[nodiscard]] Result<Invitation> read_token(std::string_view token);

/// An address of this machine that could be an end of a link.
struct LocalAddress {
    std::string interface = {};
    std::string address = {};
    int prefix = 0;
    bool is_up = false;
    bool has_default_route = false;
};

/// All addresses of interfaces but the loopback's and link-local ones, IPv4 first. Errors: System.
[[nodiscard]] Result<std::vector<LocalAddress>> local_addresses();

/// The only other host of the address's network (a /30, /31, /126 or /127), or an empty text.
[[nodiscard]] std::string other_end(const LocalAddress& address);

}  // namespace xbeat::cli
