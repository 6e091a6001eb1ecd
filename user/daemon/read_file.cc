#include "daemon/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>

#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::daemon {

Result<std::string> read_file(const std::string& file, std::size_t bytes_max) {
    // Not blocking: opening a FIFO must not hang the start.
    const sys::Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!opened.is_open()) {
        Error error = sys::system_error(fmt::format("cannot open {}", file));
        if (error.system_errno == ENOENT) error.code = Code::NotFound;
        if (error.system_errno == EACCES) error.code = Code::Denied;
        return error;
    }
    struct stat about {};
    if (::fstat(opened.get(), &about) != 0)
        return sys::system_error(fmt::format("cannot look at {}", file));
    if (!S_ISREG(about.st_mode))
        return Error{.code = Code::Invalid,
                     .context = fmt::format("{} is not a regular file", file)};
    std::string text;
    std::array<char, 4096> chunk;
    while (true) {
        const ssize_t got = ::read(opened.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error(fmt::format("cannot read {}", file));
        if (got == 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max)
            return Error{.code = Code::Limit,
                         .context = fmt::format("{} has more than {} bytes", file, bytes_max)};
    }
}

}  // namespace xbeat::daemon
