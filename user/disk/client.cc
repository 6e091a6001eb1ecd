#include "disk/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "sys/boot_clock.h"
#include "sys/log.h"
#include "sys/system_error.h"

namespace xbeat::disk {
namespace {

using arbiter::DiskAccess;
using arbiter::DiskTrouble;

constexpr Duration kHangsAfter = 2s;  // a request under way for longer is told

std::span<char> as_chars(Slot& slot) { return {reinterpret_cast<char*>(slot.data()), slot.size()}; }

/// Opened for direct and durable access, and locked against another daemon.
Result<sys::Fd> open_device(const std::string& path) {
    sys::Fd file(::open(path.c_str(), O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) return sys::system_error(fmt::format("cannot open {}", path));
    struct stat about {};
    if (::fstat(file.get(), &about) != 0)
        return sys::system_error(fmt::format("cannot look at {}", path));
    std::uint64_t size = static_cast<std::uint64_t>(about.st_size);
    if (S_ISBLK(about.st_mode) && ::ioctl(file.get(), BLKGETSIZE64, &size) != 0)
        return sys::system_error(fmt::format("cannot ask for the size of {}", path));
    if (!S_ISBLK(about.st_mode) && !S_ISREG(about.st_mode))
        return Error{.code = Code::Invalid, .context = fmt::format("{} is no block device", path)};
    if (size < kDiskBytes)
        return Error{
            .code = Code::Invalid,
            .context = fmt::format("{} has {} bytes; the lease takes {}", path, size, kDiskBytes)};
    if (S_ISBLK(about.st_mode) && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return sys::system_error(
            fmt::format("cannot lock {}: another daemon of this host uses it, or a request of one "
                        "that died is still under way",
                        path));
    return file;
}

}  // namespace

Client::Client(Options options, DiskKey key, ring::Ring& ring)
    : options_(std::move(options)),
      key_(key),
      ring_(&ring),
      lease_({.self = options_.self, .other = options_.other, .life = options_.life}),
      buffer_(std::make_unique<Aligned>()) {}

Client::~Client() {
    // The kernel may still write into it.
    if (is_busy_) static_cast<void>(buffer_.release());
}

void Client::ask(const arbiter::AskArbiter& question, Instant now) {
    lease_.ask(question, now);
    pump(now);
}

void Client::tick(Instant now) {
    lease_.tick(now);
    pump(now);
}

/// The next request to the disk, if it is idle.
void Client::pump(Instant now) {
    now_seen_ = now;
    if (is_busy_) return;
    if (state_ == State::Closed) {
        if (now >= open_at_) open(now);
        return;
    }
    if (state_ != State::Ready) return;
    access_ = lease_.take_access(now);
    if (!access_) return;
    switch (access_->kind) {
        case DiskAccess::Kind::ReadOwn:
            return read(slot_offset(options_.self));
        case DiskAccess::Kind::ReadOther:
            return read(slot_offset(options_.other));
        case DiskAccess::Kind::WriteOwn:
            write_block(buffer_->slot, key_, options_.self, access_->block);
            is_busy_ = true;
            return ring_->write_at(file_.get(), as_chars(buffer_->slot), slot_offset(options_.self),
                                   {.op = ring::Op::ArbiterDisk, .generation = ++generation_});
    }
}

void Client::read(std::uint64_t offset) {
    is_busy_ = true;
    ring_->read_at(file_.get(), as_chars(buffer_->slot), offset,
                   {.op = ring::Op::ArbiterDisk, .generation = ++generation_});
}

void Client::open(Instant now) {
    Result<sys::Fd> file = open_device(options_.path);
    if (!file) return give_up(file.error().context, now);
    file_ = *std::move(file);
    state_ = State::Opening;
    read(slot_offset(NodeId{}));
}

void Client::give_up(std::string why, Instant now) {
    file_ = sys::Fd();
    state_ = State::Closed;
    open_at_ = now + kReopenPause;
    if (why == why_closed_) return;
    why_closed_ = std::move(why);
    notes_.push_back(sys::Log::note(Level::Warning, "disk-unusable", why_closed_));
}

/// The header has been read.
void Client::opened(Instant now) {
    switch (read_header(buffer_->slot, key_)) {
        case HeaderState::Blank:
            return give_up(fmt::format("{} was never prepared: `xbeat disk init {}` on one node",
                                       options_.path, options_.path),
                           now);
        case HeaderState::Foreign:
            return give_up(fmt::format("{} holds something else, or belongs to another cluster: "
                                       "nothing on it was touched",
                                       options_.path),
                           now);
        case HeaderState::Ours:
            break;
    }
    state_ = State::Ready;
    why_closed_.clear();
    notes_.push_back(
        sys::Log::note(Level::Info, "disk-usable",
                       fmt::format("the shared disk {} is this cluster's", options_.path)));
}

void Client::complete(const ring::Completion& completion, Instant now) {
    if (completion.token.generation != generation_ || !is_busy_) return;
    is_busy_ = false;
    const bool is_whole = completion.result == static_cast<std::int32_t>(kSlotBytes);
    if (state_ == State::Opening) {
        if (is_whole)
            opened(now);
        else
            give_up(fmt::format("cannot read {}: {}", options_.path,
                                completion.result < 0 ? sys::error_text(-completion.result)
                                                      : std::string("it ends too early")),
                    now);
    } else if (access_) {
        const DiskAccess access = *std::exchange(access_, std::nullopt);
        if (!is_whole) {
            lease_.done(access.id, DiskTrouble::Failed, {}, now);
        } else if (access.kind == DiskAccess::Kind::WriteOwn) {
            lease_.done(access.id, DiskTrouble::None, {}, now);
        } else {
            const bool is_own = access.kind == DiskAccess::Kind::ReadOwn;
            const auto block =
                read_block(buffer_->slot, key_, is_own ? options_.self : options_.other);
            lease_.done(access.id, block ? DiskTrouble::None : DiskTrouble::Damaged,
                        block.value_or(arbiter::DiskBlock{}), now);
        }
    }
    pump(now);
}

std::optional<Instant> Client::deadline() const {
    std::optional<Instant> wake = lease_.wake_at();
    const auto consider = [&](Instant at) { wake = wake ? std::min(*wake, at) : at; };
    if (state_ == State::Closed) {
        // What the lease waits for cannot come before the disk is open.
        wake = lease_.question_deadline();
        consider(open_at_);
    } else if (lease_.waiting_since() && trouble().empty()) {
        consider(*lease_.waiting_since() + kHangsAfter);
    }
    return wake;
}

std::vector<arbiter::ArbiterAnswer> Client::take_answers() {
    std::vector<arbiter::ArbiterAnswer> answers = lease_.take_answers();
    for (arbiter::ArbiterAnswer& answer : answers) {
        if (answer.reply == arbiter::Reply::Unreachable && !why_closed_.empty())
            answer.reason = why_closed_;
    }
    return answers;
}

std::string Client::trouble() const {
    if (state_ != State::Ready) return why_closed_;
    if (lease_.waiting_since() && now_seen_ >= *lease_.waiting_since() + kHangsAfter)
        return fmt::format("the shared disk {} does not answer", options_.path);
    switch (lease_.trouble()) {
        case DiskTrouble::None:
            return {};
        case DiskTrouble::Failed:
            return fmt::format("the shared disk {} cannot be read or written", options_.path);
        case DiskTrouble::Damaged:
            return fmt::format(
                "a node's block on the shared disk {} is damaged: while both nodes "
                "are down, `xbeat disk init --force {}` mends it",
                options_.path, options_.path);
    }
    return {};
}

}  // namespace xbeat::disk
