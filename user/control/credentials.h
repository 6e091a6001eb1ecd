// Who is at the other end of a Unix socket, and what that lets it do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol.h"
#include "core/result.h"

namespace xbeat::control {

struct Credentials {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups;  // supplementary
};

/// The kernel's word at the time of connect(2): SO_PEERCRED and SO_PEERGROUPS (socket(7), unix(7)).
[[nodiscard]] Result<Credentials> credentials_of(int socket);

/// The group's number, or empty where it does not exist.
[[nodiscard]] std::optional<gid_t> find_group(std::string_view name);

/// The lesser of what the socket gives and what the caller is. Root and `own_uid` (who runs the
/// daemon) may all that the socket allows, so may members of its group; anybody else nothing.
[[nodiscard]] Role role_of(const Credentials& caller, const SocketRow& socket,
                           std::optional<gid_t> group, uid_t own_uid);

}  // namespace xbeat::control
