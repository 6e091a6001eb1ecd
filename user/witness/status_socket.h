// Who asks the witness on its own host gets its counters: a Unix socket that says one line of JSON
// to each that connects, and hangs up. Nothing is read, so nothing can be done to the witness
// through it.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::witness {

constexpr std::string_view kStatusSocket = "/run/xbeat-witness/status.sock";

class StatusSocket {
public:
    /// Listens at `path` for this user alone (0600), in place of what an earlier life left there.
    /// Errors: System.
    static Result<StatusSocket> listen(const std::string& path);
    StatusSocket(StatusSocket&&) = default;
    StatusSocket& operator=(StatusSocket&&) = default;

    [[nodiscard]] int fd() const { return socket_.get(); }
    /// Says `line` to everybody who waits. Nobody is waited for: who does not take it at once gets
    /// nothing.
    void tell(std::string_view line) const;

private:
    explicit StatusSocket(sys::Fd socket) : socket_(std::move(socket)) {}
    sys::Fd socket_;
};

/// What the witness of this host says. Errors: NotFound if none listens there, Denied, Timeout
/// after 2 s.
[[nodiscard]] Result<std::string> read_status(const std::string& path);

}  // namespace xbeat::witness
