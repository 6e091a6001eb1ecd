// The cluster secret's file, checked before it is believed (see config.h).
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "daemon/config.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::daemon {
namespace {

Error refuse(Code code, std::string text) { return {.code = code, .context = std::move(text)}; }

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

Result<heart::Secret> load_key(const std::string& file) {
    const sys::Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!opened.is_open()) {
        const int why = errno;
        if (why == ENOENT)
            return refuse(
                Code::NotFound,
                fmt::format("there is no key file {}: `xbeat keygen {}` on one node, then "
                            "copy it to the others",
                            file, file));
        if (why == EACCES)
            return refuse(Code::Denied,
                          fmt::format("the key file {} may not be read: run as root", file));
        if (why == ELOOP)
            return refuse(Code::Invalid, fmt::format("the key file {} is a symbolic link: name the "
                                                     "file itself",
                                                     file));
        return sys::system_error(fmt::format("cannot open the key file {}", file), why);
    }
    struct stat about {};
    if (::fstat(opened.get(), &about) != 0)
        return sys::system_error(fmt::format("cannot look at the key file {}", file));
    XB_TRY(check_file(file, about));
    std::array<std::uint8_t, kKeyBytes + 1> bytes{};  // one more, to see whether it is longer
    std::size_t count = 0;
    while (count < bytes.size()) {
        const ssize_t got = ::read(opened.get(), bytes.data() + count, bytes.size() - count);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error(fmt::format("cannot read the key file {}", file));
        if (got == 0) break;
        count += static_cast<std::size_t>(got);
    }
    heart::Secret secret{};
    std::copy_n(bytes.begin(), kKeyBytes, secret.begin());
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    if (count == kKeyBytes) return secret;
    ::OPENSSL_cleanse(secret.data(), secret.size());
    return refuse(
        Code::Invalid,
        fmt::format("the key file {} has {} {} bytes; a key has exactly {}: copy it again "
                    "from the other node, or make one with `xbeat keygen {}`",
                    file, count < kKeyBytes ? "only" : "more than",
                    count < kKeyBytes ? count : kKeyBytes, kKeyBytes, file));
}

}  // namespace xbeat::daemon
