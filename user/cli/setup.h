// Setting up a pair: the configuration file and the key of both nodes as one token.
//
// `xbeat init` makes them on the first node; `xbeat join` fetches them on the second, with a token
// that says where the first one waits (see handover.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace xbeat::cli {

constexpr std::size_t kTokenBytesMax = 16384;  // a longer one is refused
constexpr std::size_t kSetupKeyBytes = 32;
constexpr std::size_t kTokenSecretBytes = 32;

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
    std::string file = {};  // the whole xbeat.toml of a pair that exists; empty for a new one
};

/// The text of xbeat.toml. `key_file` goes into it as it stands.
[[nodiscard]] std::string print_setup(const Setup& setup, std::string_view key_file);

/// A setup as one text and back. Errors: Corrupt.
[[nodiscard]] std::string setup_text(const Setup& setup);
[[nodiscard]] Result<Setup> read_setup(std::string_view text);

/// Where the first node waits for the second, until when, and the secret by which they know each
/// other: good for one conversation.
struct InvitationLink {
    std::string host = {};    // the first node's address
    std::string joiner = {};  // the second one's: no other is let in
};
struct Invitation {
    std::string cluster = {};
    int port = 0;
    EpochSeconds expires{};  // by the first node's clock
    std::string secret = {};
    std::vector<InvitationLink> links = {};
};

/// "xb2." and base64url of everything, compressed, with a checksum against slips of the pen.
/// Requires: secret.size() == kTokenSecretBytes.
[[nodiscard]] std::string make_token(const Invitation& invitation);
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
