#include "sys/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::sys {
namespace {

Error refuse(Code code, std::string text) { return {.code = code, .context = std::move(text)}; }

Error cannot_open(const std::string& file, int why) {
    if (why == ENOENT) return refuse(Code::NotFound, fmt::format("there is no key file {}", file));
    if (why == EACCES)
        return refuse(Code::Denied,
                      fmt::format("the key file {} may not be read: run as root", file));
    if (why == ELOOP)
        return refuse(
            Code::Invalid,
            fmt::format("the key file {} is a symbolic link: name the file itself", file));
    return system_error(fmt::format("cannot open the key file {}", file), why);
}

Result<void> check_file(const std::string& file, const struct stat& about) {
    if (!S_ISREG(about.st_mode))
        return refuse(Code::Invalid, fmt::format("the key file {} is not a regular file", file));
    if (about.st_uid != 0 && about.st_uid != ::geteuid())
        return refuse(Code::Denied,
                      fmt::format("the key file {} belongs to uid {}: `chown root {}`", file,
                                  about.st_uid, file));
    constexpr mode_t kPermissions = 07777;
    const mode_t mode = about.st_mode & kPermissions;
    if (mode != 0400 && mode != 0600)
        return refuse(
            Code::Denied,
            fmt::format("the key file {} has mode {:04o}, so others may have read it: `chmod "
                        "0400 {}`, and make a new key if that is possible",
                        file, mode, file));
    return {};
}

}  // namespace

Result<std::string> read_secret_file(const std::string& file, std::size_t bytes_max) {
    const Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!opened.is_open()) return cannot_open(file, errno);
    struct stat about {};
    if (::fstat(opened.get(), &about) != 0)
        return system_error(fmt::format("cannot look at the key file {}", file));
    XB_TRY(check_file(file, about));
    std::string text;
    text.reserve(bytes_max + 1);  // never moved, so that no copy of a key stays behind
    std::array<char, 4096> chunk{};
    Result<void> outcome;
    while (true) {
        const ssize_t got = ::read(opened.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) outcome = system_error(fmt::format("cannot read the key file {}", file));
        if (got <= 0) break;
        if (text.size() + static_cast<std::size_t>(got) > bytes_max) {
            outcome = refuse(Code::Limit, fmt::format("the key file {} has more than {} bytes",
                                                      file, bytes_max));
            break;
        }
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    ::explicit_bzero(chunk.data(), chunk.size());
    if (outcome) return text;
    ::explicit_bzero(text.data(), text.size());
    return outcome.error();
}

}  // namespace xbeat::sys
