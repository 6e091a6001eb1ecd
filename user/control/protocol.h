// The operations of the local control protocol, and who may ask for them: one table, default deny.
//
// One request is one line of JSON, one reply is one line of JSON; docs/control-protocol.md has
// every field. The role of a connection is decided once, when it is accepted, from the socket that
// was used and the kernel's word about the caller; it can only be less than the socket allows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/limits.h"
#include "core/result.h"

namespace xbeat::control {

/// What a connection may do; each role contains the ones before it.
enum class Role : std::uint8_t {
    None,      // nothing at all
    Viewer,    // read what is no secret
    Operator,  // move, standby, clean up: nothing that can run code or lose data
    Admin,     // configuration, fencing, leaving: the same as root
};
[[nodiscard]] std::string_view to_string(Role role);

enum class Op : std::uint8_t {
    Ping,
    Status,
    Cib,
    Events,
    Timeline,
    Heart,
    Attributes,
    History,
    SetAttribute,
    SetTicket,
    Cleanup,
    Fail,
    ReplaceConfiguration,
    Fence,
    Confirm,
    ForgetFences,
    ValidateDevice,
    Leave,
};

struct OpRow {
    std::string_view name;
    Op op;
    Role role;  // the least role that may ask
};

inline constexpr std::array kOps{
    OpRow{"ping", Op::Ping, Role::Viewer},
    OpRow{"status", Op::Status, Role::Viewer},
    OpRow{"cib", Op::Cib, Role::Viewer},
    OpRow{"events", Op::Events, Role::Viewer},
    OpRow{"timeline", Op::Timeline, Role::Viewer},
    OpRow{"heart", Op::Heart, Role::Viewer},
    OpRow{"attributes", Op::Attributes, Role::Viewer},
    OpRow{"history", Op::History, Role::Viewer},
    OpRow{"set_attribute", Op::SetAttribute, Role::Operator},
    OpRow{"set_ticket", Op::SetTicket, Role::Operator},
    OpRow{"cleanup", Op::Cleanup, Role::Operator},
    OpRow{"fail", Op::Fail, Role::Operator},
    OpRow{"replace_configuration", Op::ReplaceConfiguration, Role::Admin},
    OpRow{"fence", Op::Fence, Role::Admin},
    OpRow{"confirm", Op::Confirm, Role::Admin},
    OpRow{"forget_fences", Op::ForgetFences, Role::Admin},
    OpRow{"validate_device", Op::ValidateDevice, Role::Admin},
    OpRow{"leave", Op::Leave, Role::Admin},
};

/// The row of an operation's name, or null for any other text.
[[nodiscard]] const OpRow* find_op(std::string_view name);

/// A listening socket in the run directory, the group that may open it and the most it allows.
struct SocketRow {
    std::string_view file;
    std::string_view group;  // 0660 root:GROUP; 0600 root where the group does not exist
    Role role;
};
inline constexpr std::array kSockets{
    SocketRow{"admin.sock", "xbeat-admin", Role::Admin},
    SocketRow{"operator.sock", "xbeat-operator", Role::Operator},
    SocketRow{"ro.sock", "xbeat", Role::Viewer},
};

/// What the code means to a client, and back: "conflict", "denied", ... (core/result.h). Unknown
/// words are Code::Unavailable.
[[nodiscard]] Code parse_code(std::string_view word);

// A JSON string can be twice as long as its text, so a line may be twice the configuration's limit
// and a little. A longer line is answered with code `limit` and the connection is closed.
constexpr std::size_t kLineBytesMax = 2 * kConfigBytesMax + (std::size_t{64} << 10U);
constexpr std::size_t kConnectionsMax = 256;       // of all; a further one is closed at once
constexpr std::size_t kConnectionsPerUidMax = 64;  // of one uid; likewise
constexpr std::size_t kEventsReplyMax = 1000;  // rows of one `events` reply; ask again with since
constexpr int kJsonDepthMax = 16;              // nesting of a request; deeper: code `invalid`
// What waits to be written to one client. One that does not read is closed past this, or when
// nothing moved for kWriteIdleMax.
constexpr std::size_t kReplyBytesMax = std::size_t{64} << 20U;

}  // namespace xbeat::control
