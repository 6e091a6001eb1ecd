#include "control/client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <vector>

#include "control/reply.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::control {
namespace {

/// Milliseconds until `deadline`, rounded up, at least 0: poll(2)'s unit.
int poll_timeout(Instant deadline) {
    const Duration left = deadline - sys::boot_now();
    if (left <= Duration::zero()) return 0;
    return static_cast<int>(
        std::min<std::int64_t>((left.count() + 999'999) / 1'000'000, 1'000'000'000));
}

/// Waits for `events` on the socket. False when the deadline passed.
Result<bool> wait_for(int socket, short events, Instant deadline) {
    pollfd entry{.fd = socket, .events = events, .revents = 0};
    while (true) {
        const int count = ::poll(&entry, 1, poll_timeout(deadline));
        if (count > 0) return true;
        if (count == 0) return false;
        if (errno != EINTR) return sys::system_error("cannot wait for xbeatd");
    }
}

Error not_running(const std::string& path) {
    return {.code = Code::Unavailable,
            .context = fmt::format("xbeatd does not run on this node (nobody listens at {}): start "
                                   "it with `systemctl start xbeatd`",
                                   path)};
}

/// One attempt at one socket. ENOENT, ECONNREFUSED and EACCES are in system_errno for the caller.
Result<sys::Fd> connect_to(const std::string& path, Instant deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error{.code = Code::Invalid,
                     .context = fmt::format("the run directory's name is too long: {}", path)};
    path.copy(address.sun_path, path.size());
    sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) return sys::system_error("cannot make a socket");
    // A Unix socket answers EAGAIN while the listener's queue is full, and cannot be waited for.
    while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
           0) {
        if (errno != EAGAIN && errno != EINTR)
            return sys::system_error(fmt::format("cannot connect to {}", path));
        if (sys::boot_now() >= deadline)
            return Error{
                .code = Code::Timeout,
                .context = fmt::format(
                    "xbeatd does not accept connections at {}: it hangs, see its log", path)};
        ::poll(nullptr, 0, 10);
    }
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return sys::system_error("cannot ask who listens");
    if (peer.uid != 0 && peer.uid != ::geteuid())
        return Error{
            .code = Code::Denied,
            .context = fmt::format("{} is served by uid {}, which is neither root nor you: "
                                   "not trusting it",
                                   path, peer.uid)};
    return socket;
}

}  // namespace

std::string run_directory() {
    const char* const given = std::getenv("XBEAT_RUN_DIR");
    return given != nullptr && *given != '\0' ? given : "/run/xbeat";
}

Result<Client> Client::connect(const Options& options) {
    const Instant deadline = sys::boot_now() + options.connect_timeout;
    std::optional<Error> denied;
    std::string tried;
    // The table lists the most powerful socket first.
    for (auto row = kSockets.rbegin(); row != kSockets.rend(); ++row) {
        if (row->role < options.role) continue;
        tried = fmt::format("{}/{}", options.run_dir, row->file);
        Result<sys::Fd> socket = connect_to(tried, deadline);
        if (socket) return Client(*std::move(socket));
        const int why = socket.error().system_errno;
        if (why == EACCES || why == EPERM) {
            if (!denied)
                denied =
                    Error{.code = Code::Denied,
                          .context = fmt::format("no permission for {}: it is for root and the "
                                                 "group {}",
                                                 tried, row->group)};
        } else if (why != ENOENT && why != ECONNREFUSED) {
            return socket.error();
        }
    }
    if (denied) return *denied;
    return not_running(tried);
}

Result<void> Client::send(const nlohmann::json& request, Duration timeout) {
    const Instant deadline = sys::boot_now() + timeout;
    std::string line = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (line.size() >= kLineBytesMax)
        return Error{.code = Code::Limit,
                     .context = fmt::format("the request has {} bytes; at most {} are allowed",
                                            line.size(), kLineBytesMax)};
    line += '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            if (!XB_TRY(wait_for(socket_.get(), POLLOUT, deadline)))
                return Error{.code = Code::Timeout,
                             .context = "xbeatd does not take the request: it hangs, see its log"};
        } else if (errno == EPIPE || errno == ECONNRESET) {
            // It may have said why before it closed: let next() read that.
            return {};
        } else if (errno != EINTR) {
            return sys::system_error("cannot send to xbeatd");
        }
    }
    return {};
}

Result<std::string> Client::read_line(Instant deadline) {
    std::array<char, 65536> chunk;
    while (true) {
        const std::size_t end = buffer_.find('\n', scanned_);
        if (end != std::string::npos) {
            std::string line;
            if (end + 1 == buffer_.size()) {  // as ever but while following: no copy of megabytes
                line = std::move(buffer_);
                buffer_.clear();
                line.pop_back();
            } else {
                line = buffer_.substr(0, end);
                buffer_.erase(0, end + 1);
            }
            scanned_ = 0;
            return line;
        }
        scanned_ = buffer_.size();
        if (buffer_.size() > kReplyBytesMax)
            return Error{.code = Code::Limit, .context = "xbeatd's reply is longer than allowed"};
        if (!XB_TRY(wait_for(socket_.get(), POLLIN, deadline)))
            return Error{.code = Code::Timeout,
                         .context =
                             "no answer from xbeatd in time: it hangs, or the change takes "
                             "longer and may still be done"};
        const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (got > 0) {
            buffer_.append(chunk.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || errno == ECONNRESET) {
            return Error{.code = Code::Unavailable,
                         .context =
                             "xbeatd closed the connection: it ends, or this was too much; "
                             "see its log",
                         .system_errno = ECONNRESET};
        } else if (errno != EAGAIN && errno != EINTR) {
            return sys::system_error("cannot read from xbeatd");
        }
    }
}

Result<nlohmann::json> Client::next(Duration timeout) {
    const std::string line = XB_TRY(read_line(sys::boot_now() + timeout));
    nlohmann::json reply = parse_reply(line);
    const Error corrupt{.code = Code::Corrupt,
                        .context = "what answered is no xbeatd: its reply is not understood"};
    if (!reply.is_object()) return corrupt;
    const auto ok = reply.find("ok");
    if (ok == reply.end() || !ok->is_boolean()) return corrupt;
    if (ok->get<bool>()) return reply;
    const auto text = [&](const char* member) -> std::string {
        const auto found = reply.find(member);
        return found != reply.end() && found->is_string() ? found->get<std::string>() : "";
    };
    return Error{.code = parse_code(text("code")), .context = text("message")};
}

Result<nlohmann::json> Client::call(const nlohmann::json& request, Duration timeout) {
    XB_TRY(send(request, timeout));
    return next(timeout);
}

}  // namespace xbeat::control
