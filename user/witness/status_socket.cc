#include "witness/status_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::witness {
namespace {

constexpr int kWaiting = 8;      // that have connected and were not told yet
constexpr int kAnswerMs = 2000;  // for the whole line
constexpr std::size_t kLineMax = 65536;

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return Error{.code = Code::Invalid, .context = concat("no socket can be at '", path, "'")};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

}  // namespace

Result<StatusSocket> StatusSocket::listen(const std::string& path) {
    const sockaddr_un address = XB_TRY(address_of(path));
    sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) return sys::system_error("cannot make a socket");
    // systemd makes the folder; elsewhere it is made here. Without it bind() says why.
    (void)::mkdir(path.substr(0, path.rfind('/')).c_str(), 0700);
    // Whoever owns the port is the only witness here: what stands there is of an earlier life.
    (void)::unlink(path.c_str());
    const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    const mode_t before = ::umask(0177);
    const int bound = ::bind(socket.get(), raw, sizeof address);
    const int why = errno;
    (void)::umask(before);
    if (bound != 0) return sys::system_error(concat("cannot listen at ", path), why);
    if (::listen(socket.get(), kWaiting) != 0)
        return sys::system_error(concat("cannot listen at ", path));
    return StatusSocket(std::move(socket));
}

void StatusSocket::tell(std::string_view line) const {
    for (;;) {
        const sys::Fd one(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!one.is_open()) return;
        (void)::send(one.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

Result<std::string> read_status(const std::string& path) {
    const sockaddr_un address = XB_TRY(address_of(path));
    const sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return sys::system_error("cannot make a socket");
    const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.get(), raw, sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) {
            return Error{.code = Code::NotFound,
                         .context = concat("no xbeat-witness runs on this host (", path, ")")};
        }
        if (errno == EACCES) {
            return Error{.code = Code::Denied,
                         .context = concat(path, " is the witness's and root's alone")};
        }
        return sys::system_error(path);
    }
    std::string line;
    while (line.find('\n') == std::string::npos && line.size() < kLineMax) {
        pollfd one{.fd = socket.get(), .events = POLLIN, .revents = 0};
        if (::poll(&one, 1, kAnswerMs) <= 0) {
            return Error{.code = Code::Timeout,
                         .context = concat("the witness at ", path, " does not answer: it hangs")};
        }
        std::array<char, 4096> block;
        const ssize_t got = ::recv(socket.get(), block.data(), block.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys::system_error(path);
        if (got == 0) break;
        line.append(block.data(), static_cast<std::size_t>(got));
    }
    return line;
}

}  // namespace xbeat::witness
