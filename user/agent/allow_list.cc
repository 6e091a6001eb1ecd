#include "agent/allow_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

using Opened = std::variant<AgentFile, Refusal>;

constexpr std::string_view kNameBytes =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

Refusal refuse(FailReason reason, std::string_view path, std::string_view why) {
    return {reason, concat(path, ": ", why)};
}

Refusal refuse_errno(std::string_view path, int error) {
    switch (error) {
        case ENOENT:
            return refuse(FailReason::Missing, path, "does not exist");
        case ENOTDIR:
            return refuse(FailReason::Missing, path, "a folder above it is not a folder");
        case ELOOP:
            return refuse(FailReason::NotAllowed, path, "is a symbolic link");
        default:
            return refuse(FailReason::System, path, sys::error_text(error));
    }
}

// Who may write it. Empty if only root.
std::string_view ownership_fault(const struct stat& status) {
    if (status.st_uid != 0) return "does not belong to root";
    if ((status.st_mode & S_IWOTH) != 0) return "is writable by everybody";
    if ((status.st_mode & S_IWGRP) != 0) return "is writable by its group";
    return {};
}

std::optional<std::vector<std::string>> components(std::string_view path) {
    if (!path.starts_with('/')) return std::nullopt;
    std::vector<std::string> parts;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        if (part == "." || part == ".." || part.find('\0') != std::string_view::npos) {
            return std::nullopt;
        }
        if (!part.empty()) parts.emplace_back(part);
        at = end + 1;
    }
    if (parts.empty()) return std::nullopt;
    return parts;
}

// The file's own rules; `fd` was opened without side effects (O_PATH).
std::optional<Refusal> file_fault(const struct stat& status, const std::string& path) {
    if (S_ISLNK(status.st_mode)) {
        return refuse(FailReason::NotAllowed, path, "is a symbolic link");
    }
    if (!S_ISREG(status.st_mode)) {
        return refuse(FailReason::NotAllowed, path, "is not a regular file");
    }
    if (const std::string_view fault = ownership_fault(status); !fault.empty()) {
        return refuse(FailReason::NotAllowed, path, fault);
    }
    if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) {
        return refuse(FailReason::NotAllowed, path, "is set-uid or set-gid");
    }
    if ((status.st_mode & S_IXUSR) == 0) {
        return refuse(FailReason::NotExecutable, path, "is not executable");
    }
    return std::nullopt;
}

Opened open_file(int folder, const std::string& name, const std::string& path) {
    // O_PATH first: opening a device or a pipe for reading could have effects or block.
    const sys::Fd probe(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!probe.is_open()) return refuse_errno(path, errno);
    struct stat status {};
    if (::fstat(probe.get(), &status) != 0) return refuse_errno(path, errno);
    if (std::optional<Refusal> fault = file_fault(status, path)) return *std::move(fault);

    AgentFile file;
    file.fd =
        sys::Fd(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.fd.is_open()) return refuse_errno(path, errno);
    struct stat again {};
    if (::fstat(file.fd.get(), &again) != 0) return refuse_errno(path, errno);
    if (again.st_dev != status.st_dev || again.st_ino != status.st_ino) {
        return refuse(FailReason::NotAllowed, path, "was exchanged while it was being checked");
    }
    std::array<char, 2> magic{};
    const ssize_t got = ::pread(file.fd.get(), magic.data(), magic.size(), 0);
    if (got < 0) return refuse_errno(path, errno);
    file.is_script = got == 2 && magic[0] == '#' && magic[1] == '!';
    file.path = path;
    return file;
}

}  // namespace

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= kIdBytesMax && name.front() != '.' &&
           name.front() != '-' && name.find_first_not_of(kNameBytes) == std::string_view::npos;
}

Opened open_allowed(std::string_view path) {
    const std::optional<std::vector<std::string>> parts = components(path);
    if (!parts) return refuse(FailReason::BadRequest, path, "is not a plain absolute path");

    constexpr int kFolder = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    sys::Fd folder(::open("/", kFolder));
    int error = errno;  // of the last open, if it failed
    std::string walked;
    for (std::size_t i = 0;; ++i) {
        const std::string shown = walked.empty() ? "/" : walked;
        struct stat status {};
        if (!folder.is_open()) {
            // With O_DIRECTORY, a link where a folder must be is ENOTDIR: tell the two apart.
            struct stat link {};
            if (error == ENOTDIR && ::lstat(shown.c_str(), &link) == 0 && S_ISLNK(link.st_mode)) {
                return refuse_errno(shown, ELOOP);
            }
            // What is missing is the agent, whichever of its folders is.
            return refuse_errno(error == ENOENT ? std::string(path) : shown, error);
        }
        if (::fstat(folder.get(), &status) != 0) return refuse_errno(shown, errno);
        if (const std::string_view fault = ownership_fault(status); !fault.empty()) {
            return refuse(FailReason::NotAllowed, shown, fault);
        }
        const std::string& part = (*parts)[i];
        walked += concat('/', part);
        if (i + 1 == parts->size()) return open_file(folder.get(), part, walked);
        sys::Fd next(::openat(folder.get(), part.c_str(), kFolder));
        error = errno;
        folder = std::move(next);
    }
}

Opened open_agent(const AllowedRoots& roots, AgentClass agent_class, std::string_view provider,
                  std::string_view type) {
    if (agent_class == AgentClass::Alert) return open_allowed(type);
    if (!is_plain_name(type)) {
        return Refusal{FailReason::BadRequest, concat("agent type \"", type, "\" is not a name")};
    }
    switch (agent_class) {
        case AgentClass::Ocf:
            if (!is_plain_name(provider)) {
                return Refusal{FailReason::BadRequest,
                               concat("agent provider \"", provider, "\" is not a name")};
            }
            return open_allowed(concat(roots.ocf_root, "/resource.d/", provider, '/', type));
        case AgentClass::Lsb:
            return open_allowed(concat(roots.lsb_directory, '/', type));
        case AgentClass::Stonith:
            if (!type.starts_with("fence_")) {
                return Refusal{FailReason::BadRequest,
                               concat("fence agent \"", type, "\" does not begin with fence_")};
            }
            return open_allowed(concat(roots.fence_directory, '/', type));
        case AgentClass::Alert:
        case AgentClass::Systemd:
            break;
    }
    return Refusal{FailReason::BadRequest, "unknown class of agent"};
}

}  // namespace xbeat::agent
