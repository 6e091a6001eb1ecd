#include "control/credentials.h"

#include <grp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "sys/system_error.h"

namespace xbeat::control {

Result<Credentials> credentials_of(int socket) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return sys::system_error("cannot ask who connected");
    Credentials found{.uid = peer.uid, .gid = peer.gid, .pid = peer.pid, .groups = {}};
    constexpr std::size_t kGroupsMax = 65536;  // NGROUPS_MAX of Linux
    found.groups.resize(64);
    while (true) {
        length = static_cast<socklen_t>(found.groups.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, found.groups.data(), &length) == 0)
            break;
        if (errno != ERANGE || length > kGroupsMax * sizeof(gid_t))
            return sys::system_error("cannot ask for the groups of who connected");
        found.groups.resize(length / sizeof(gid_t));
    }
    found.groups.resize(length / sizeof(gid_t));
    return found;
}

std::optional<gid_t> find_group(std::string_view name) {
    const std::string wanted(name);
    std::array<char, 16384> buffer{};
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(wanted.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    return entry.gr_gid;
}

Role role_of(const Credentials& caller, const SocketRow& socket, std::optional<gid_t> group,
             uid_t own_uid) {
    if (caller.uid == 0 || caller.uid == own_uid) return socket.role;
    if (!group) return Role::None;
    const bool is_member =
        caller.gid == *group ||
        std::find(caller.groups.begin(), caller.groups.end(), *group) != caller.groups.end();
    return is_member ? socket.role : Role::None;
}

}  // namespace xbeat::control
