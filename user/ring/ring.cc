#include "ring/ring.h"

#include <poll.h>

#include <array>
#include <bit>
#include <cerrno>
#include <utility>

#include "core/check.h"
#include "sys/system_error.h"

namespace xbeat::ring {
namespace {

constexpr std::uint32_t kEntriesMin = 8;
constexpr std::uint32_t kEntriesMax = 4096;

int set_up(std::uint32_t entries, std::uint32_t flags, io_uring& ring) {
    io_uring_params parameters{};
    parameters.flags = flags;
    return ::io_uring_queue_init_params(entries, &ring, &parameters);
}

}  // namespace

Result<Ring> Ring::create(Options options) {
    XB_CHECK(std::has_single_bit(options.entries));
    XB_CHECK(options.entries >= kEntriesMin);
    XB_CHECK(options.entries <= kEntriesMax);
    Ring made;
    int outcome =
        set_up(options.entries,
               IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
               made.ring_);
    if (outcome == -EINVAL) outcome = set_up(options.entries, IORING_SETUP_SUBMIT_ALL, made.ring_);
    if (outcome == -EPERM)
        return Error{.code = Code::Denied,
                     .context =
                         "io_uring is switched off for this process: set the sysctl "
                         "kernel.io_uring_disabled to 0"};
    if (outcome < 0) return sys::system_error("cannot set up io_uring", -outcome);
    made.is_open_ = true;
    made.times_.resize(made.ring_.sq.ring_entries);
    return made;
}

Ring::Ring(Ring&& other) noexcept
    : ring_(other.ring_),
      is_open_(std::exchange(other.is_open_, false)),
      times_(std::move(other.times_)),
      times_used_(other.times_used_) {}

Ring& Ring::operator=(Ring&& other) noexcept {
    if (this == &other) return *this;
    if (is_open_) ::io_uring_queue_exit(&ring_);
    ring_ = other.ring_;
    is_open_ = std::exchange(other.is_open_, false);
    times_ = std::move(other.times_);
    times_used_ = other.times_used_;
    return *this;
}

Ring::~Ring() {
    if (is_open_) ::io_uring_queue_exit(&ring_);
}

io_uring_sqe* Ring::next_entry(Token token) {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        // Full: hand over what is there. -EBUSY and -EAGAIN would mean completions that nobody
        // takes; the kernel keeps those in a list of its own, so submission goes on.
        const int submitted = ::io_uring_submit(&ring_);
        XB_CHECK(submitted >= 0);
        if (::io_uring_sq_ready(&ring_) == 0) times_used_ = 0;
        entry = ::io_uring_get_sqe(&ring_);
        XB_CHECK(entry != nullptr);
    }
    // The preparation functions clear user_data in some versions of liburing and not in others:
    // the callers set it afterwards through this one place.
    *entry = io_uring_sqe{};
    entry->user_data = pack(token);
    return entry;
}

void Ring::poll(int fd, std::uint32_t events, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_poll_multishot(entry, fd, events);
    entry->user_data = pack(token);
}

void Ring::read(int fd, std::span<char> buffer, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_read(entry, fd, buffer.data(), static_cast<unsigned>(buffer.size()),
                         static_cast<std::uint64_t>(-1));
    entry->user_data = pack(token);
}

void Ring::receive(int fd, std::span<char> buffer, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_recv(entry, fd, buffer.data(), buffer.size(), 0);
    entry->user_data = pack(token);
}

void Ring::send(int fd, std::span<const char> bytes, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_send(entry, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    entry->user_data = pack(token);
}

void Ring::receive_message(int fd, msghdr* message, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_recvmsg(entry, fd, message, 0);
    entry->user_data = pack(token);
}

void Ring::send_message(int fd, const msghdr* message, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_sendmsg(entry, fd, message, MSG_NOSIGNAL);
    entry->user_data = pack(token);
}

void Ring::read_at(int fd, std::span<char> buffer, std::uint64_t offset, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_read(entry, fd, buffer.data(), static_cast<unsigned>(buffer.size()), offset);
    entry->user_data = pack(token);
}

void Ring::write_at(int fd, std::span<const char> bytes, std::uint64_t offset, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_write(entry, fd, bytes.data(), static_cast<unsigned>(bytes.size()), offset);
    entry->user_data = pack(token);
}

void Ring::accept(int fd, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_multishot_accept(entry, fd, nullptr, nullptr, SOCK_CLOEXEC);
    entry->user_data = pack(token);
}

void Ring::connect(int fd, const sockaddr* address, socklen_t length, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    ::io_uring_prep_connect(entry, fd, address, length);
    entry->user_data = pack(token);
}

void Ring::timeout_at(Instant at, Token token) {
    io_uring_sqe* const entry = next_entry(token);
    XB_CHECK(times_used_ < times_.size());
    const std::int64_t ns = at.time_since_epoch().count();
    XB_CHECK(ns >= 0);
    __kernel_timespec& time = times_[times_used_++];
    time = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    ::io_uring_prep_timeout(entry, &time, 0, IORING_TIMEOUT_ABS | IORING_TIMEOUT_BOOTTIME);
    entry->user_data = pack(token);
}

void Ring::cancel(Token token) {
    io_uring_sqe* const entry = next_entry({});
    ::io_uring_prep_cancel64(entry, pack(token), 0);
    entry->user_data = pack(Token{});
}

void Ring::cancel_timeout(Token token) {
    io_uring_sqe* const entry = next_entry({});
    ::io_uring_prep_timeout_remove(entry, pack(token), 0);
    entry->user_data = pack(Token{});
}

Result<std::size_t> Ring::wait(const std::function<void(const Completion&)>& handle) {
    const int submitted = ::io_uring_submit_and_wait(&ring_, 1);
    if (::io_uring_sq_ready(&ring_) == 0) times_used_ = 0;
    if (submitted < 0 && submitted != -EINTR && submitted != -EAGAIN && submitted != -EBUSY)
        return sys::system_error("cannot wait for io_uring", -submitted);
    // Handlers prepare new requests, so completions are taken over before any is handled.
    constexpr std::size_t kBatch = 64;
    std::array<Completion, kBatch> batch;
    std::array<io_uring_cqe*, kBatch> entries{};
    std::size_t handled = 0;
    while (true) {
        const unsigned count = ::io_uring_peek_batch_cqe(&ring_, entries.data(), kBatch);
        if (count == 0) return handled;
        for (unsigned i = 0; i < count; ++i) {
            batch[i] = {.token = unpack(entries[i]->user_data),
                        .result = entries[i]->res,
                        .more = (entries[i]->flags & IORING_CQE_F_MORE) != 0};
        }
        ::io_uring_cq_advance(&ring_, count);
        for (unsigned i = 0; i < count; ++i) handle(batch[i]);
        handled += count;
    }
}

}  // namespace xbeat::ring
