// io_uring and nothing else: one thread, one loop, tagged completions.
//
// Requests are prepared by the methods below and reach the kernel with the next wait(); a full
// submission queue is submitted at once, so a method never fails for want of room. Memory given to
// read, receive and send must live until the completion with that token was seen. Cancelled or
// outlived requests still complete once: their token's generation tells them apart.
//
// Source: io_uring(7), io_uring_enter(2). With DEFER_TASKRUN completions appear only when the
// thread enters the kernel for them, so the loop always waits and never only peeks.
#pragma once

#include <liburing.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "ring/token.h"

namespace xbeat::ring {

struct Completion {
    Token token;
    std::int32_t result = 0;  // >= 0, or a negative errno
    bool more = false;        // a multishot request goes on; false: ask again if it is still wanted
};

class Ring {
public:
    struct Options {
        std::uint32_t entries = 256;  // submission slots; a power of two, 8..4096
    };

    /// To be called by the thread that will use the ring. Asks for SINGLE_ISSUER and DEFER_TASKRUN,
    /// and does without where the kernel (before 6.1) has none. Code::System if it refuses,
    /// Code::Denied with the sysctl's name where io_uring is switched off.
    static Result<Ring> create(Options options);

    Ring(Ring&& other) noexcept;
    Ring& operator=(Ring&& other) noexcept;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring();

    /// Each time that `fd` becomes ready for `events` (POLLIN, ...): edge-triggered, so what is
    /// there must be drained. Result: the ready events.
    void poll(int fd, std::uint32_t events, Token token);
    /// One read(2) at the file's own position.
    void read(int fd, std::span<char> buffer, Token token);
    /// One recv(2). Result 0: the other end closed. Here and below the descriptor must not be
    /// O_NONBLOCK: the kernel would answer EAGAIN instead of waiting.
    void receive(int fd, std::span<char> buffer, Token token);
    /// One send(2) without SIGPIPE; may send less.
    void send(int fd, std::span<const char> bytes, Token token);
    /// One recvmsg(2) or sendmsg(2); the header and all it points to must live until the
    /// completion.
    void receive_message(int fd, msghdr* message, Token token);
    void send_message(int fd, const msghdr* message, Token token);
    /// One pread(2) or pwrite(2). For O_DIRECT, place, size and `offset` are the caller's to align.
    void read_at(int fd, std::span<char> buffer, std::uint64_t offset, Token token);
    void write_at(int fd, std::span<const char> bytes, std::uint64_t offset, Token token);
    /// Connections as they come (multishot). Result: a new descriptor, close-on-exec, to be owned.
    void accept(int fd, Token token);
    /// `address` must live until the completion.
    void connect(int fd, const sockaddr* address, socklen_t length, Token token);
    /// Result -ETIME once the boot clock passes `at`, at once if it has already. -ECANCELED if
    /// cancelled.
    void timeout_at(Instant at, Token token);
    /// Ends the timeout or other request with exactly this token; a request that is already done is
    /// left alone. The cancellation's own completion carries Op::None.
    void cancel(Token token);
    void cancel_timeout(Token token);

    /// Submits what was prepared, waits for at least one completion and hands out all that are
    /// there. A signal that interrupts the wait is no error. Returns how many were handed out.
    Result<std::size_t> wait(const std::function<void(const Completion&)>& handle);

    /// For messages between rings; borrowed.
    [[nodiscard]] int fd() const { return ring_.ring_fd; }

private:
    Ring() = default;
    io_uring_sqe* next_entry(Token token);

    io_uring ring_{};
    bool is_open_ = false;
    // The kernel copies a timeout's time at submission: until then it stands here, one place for
    // each submission slot.
    std::vector<__kernel_timespec> times_;
    std::size_t times_used_ = 0;
};

}  // namespace xbeat::ring
