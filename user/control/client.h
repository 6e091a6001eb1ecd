// The blocking end of the control protocol, for the command line and the agents' shims.
//
// It speaks to the first socket that gives at least the wanted role, trusts only a daemon that runs
// as root (or as the caller), and turns every way in which there is no answer into an error that
// says what to do.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "control/protocol.h"
#include "core/result.h"
#include "core/time.h"
#include "sys/fd.h"

namespace xbeat::control {

/// The run directory: $XBEAT_RUN_DIR, or /run/xbeat.
[[nodiscard]] std::string run_directory();

class Client {
public:
    struct Options {
        std::string run_dir = run_directory();
        Role role =
            Role::Viewer;  // at least; the least powerful socket that gives it is tried first
        Duration connect_timeout = std::chrono::seconds(5);
    };

    /// Errors: Unavailable (no daemon, with the command that starts it), Denied (no permission,
    /// with the group that has it), Timeout (it does not even accept), System.
    static Result<Client> connect(const Options& options);

    /// Sends one request and returns its reply, if that says `ok`. Errors: the reply's own code and
    /// message; Timeout after `timeout` (the daemon hangs, or the change takes longer: it may still
    /// be done); Unavailable (with system_errno
    /// ECONNRESET) if the daemon closed the connection; Corrupt for a reply that is not
    /// one JSON object a line; Limit for a line past kLineBytesMax or kReplyBytesMax. After an
    /// error of the last five kinds the connection is useless.
    Result<nlohmann::json> call(const nlohmann::json& request,
                                Duration timeout = std::chrono::seconds(60));

    /// Sends without waiting: for `events` with `follow`, whose lines next() then returns.
    Result<void> send(const nlohmann::json& request, Duration timeout = std::chrono::seconds(5));
    /// The next line, if it says `ok`. Errors as for call().
    Result<nlohmann::json> next(Duration timeout);

    /// For who wants to poll; borrowed.
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    explicit Client(sys::Fd socket) : socket_(std::move(socket)) {}
    Result<std::string> read_line(Instant deadline);

    sys::Fd socket_;
    std::string buffer_;
    std::size_t scanned_ = 0;  // of buffer_: no line ends before
};

}  // namespace xbeat::control
