#include "agent/inherit.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "agent/last_will.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

// Not open if nobody listens there: a socket's file outlives who made it.
Result<sys::Fd> knock(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return sys::Fd();
    path.copy(address.sun_path, path.size());
    sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return sys::system_error("making a socket");
    const auto* at = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.get(), at, sizeof address) == 0) return socket;
    if (errno == ENOENT || errno == ECONNREFUSED) return sys::Fd();
    return sys::system_error(concat("asking at ", path));
}

// Who listens: known before it says anything, and not another's number while this is held.
Result<sys::Fd> process_behind(const sys::Fd& socket) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
        return sys::system_error("asking who listens");
    }
    return sys::Fd(static_cast<int>(::syscall(SYS_pidfd_open, who.pid, 0)));
}

// True if the descriptor became readable in time.
bool wait_for(const sys::Fd& fd, Instant until) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - sys::boot_now());
        if (left.count() <= 0) return false;
        pollfd waiting{.fd = fd.get(), .events = POLLIN, .revents = 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

}  // namespace

Result<std::optional<WillNews>> inherit(const std::string& run_dir,
                                        const std::function<void(Duration)>& waiting) {
    const sys::Fd socket = XB_TRY(knock(will_socket(run_dir)));
    if (!socket.is_open()) return std::optional<WillNews>();
    const sys::Fd process = XB_TRY(process_behind(socket));
    WillNews newest{.state = WillNews::State::Running, .wait = {}, .text = {}};
    FrameReader<Reply> reader;
    Instant until = sys::boot_now() + kHeirPatience;
    std::array<char, 4096> bytes{};
    while (wait_for(socket, until)) {
        const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        reader.feed({bytes.data(), static_cast<std::size_t>(got)});
        Result<std::optional<Reply>> reply = reader.next();
        for (; reply && reply->has_value(); reply = reader.next()) {
            const auto* news = std::get_if<WillNews>(&**reply);
            if (news == nullptr) continue;
            newest = *news;
            until = sys::boot_now() + newest.wait + kHeirPatience;
            if (newest.wait > Duration{}) waiting(newest.wait + 2 * kHeirPatience);
        }
        if (!reply) break;  // it speaks another version: only its end counts
    }
    // Without a descriptor it has ended already: it is no child of ours, so nobody keeps its
    // number.
    if (!process.is_open()) return std::optional<WillNews>(newest);
    if (!wait_for(process, std::max(until, sys::boot_now() + kHeirPatience))) {
        ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
        if (!wait_for(process, sys::boot_now() + kHeirPatience)) {
            return Error{.code = Code::System,
                         .context = "an xbeat-exec of before can be neither asked nor ended"};
        }
    }
    return std::optional<WillNews>(newest);
}

}  // namespace xbeat::agent
