#include "daemon/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::daemon {

Result<sys::Fd> take_lock(const std::string& run_dir) {
    if (::mkdir(run_dir.c_str(), 0755) != 0 && errno != EEXIST)
        return sys::system_error(fmt::format("cannot make {}", run_dir));
    const std::string path = run_dir + "/lock";
    sys::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file.is_open()) return sys::system_error(fmt::format("cannot open {}", path));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return sys::system_error(fmt::format("cannot lock {}", path));
        std::array<char, 32> text{};
        const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
        const auto pid =
            got > 0
                ? parse_integer(trim(std::string_view(text.data(), static_cast<std::size_t>(got))))
                : std::nullopt;
        return Error{.code = Code::Exists,
                     .context = fmt::format("xbeatd runs on this node already, as pid {} ({} is "
                                            "locked): stop it first",
                                            pid ? std::to_string(*pid) : "unknown", path)};
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(file.get(), 0) != 0 ||
        ::pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
        return sys::system_error(fmt::format("cannot write {}", path));
    return file;
}

}  // namespace xbeat::daemon
