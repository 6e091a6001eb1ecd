// The measurements of ocf:xbeat:disk and ocf:xbeat:link.
//
// A read past the caches may hang for as long as the disk does, and nothing can end it. So a thread
// of its own reads and is left behind at the deadline: at most one for each device, since a next
// check of a device whose last read still hangs needs no further one to know. The thread is small,
// because the daemon's memory is locked.
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "agent/builtin/probe.h"
#include "agent/builtin/values.h"
#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::agent::builtin {
namespace {

constexpr std::size_t kBlock = 4096;  // what every disk can read without a cache
constexpr std::size_t kThreadStackBytes = std::size_t{64} << 10U;

// What the thread and who waits for it share; whoever is last frees it.
struct Check {
    std::string device;
    sys::Fd event;
    std::atomic<int> error{0};
    std::atomic<bool> is_done{false};
};

// Devices whose read has not come back.
class Hanging {
public:
    bool enter(const std::string& device) {
        const std::lock_guard lock(mutex_);
        return devices_.emplace(device, true).second;
    }
    void leave(const std::string& device) {
        const std::lock_guard lock(mutex_);
        devices_.erase(device);
    }

private:
    std::mutex mutex_;
    std::map<std::string, bool> devices_;
};

// Outlives every thread, those that never end included.
Hanging& hanging() {
    static Hanging* const table = new Hanging;  // never freed on purpose
    return *table;
}

int read_block(const std::string& device) {
    const sys::Fd file(::open(device.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) return errno;
    void* memory = nullptr;
    if (::posix_memalign(&memory, kBlock, kBlock) != 0) return ENOMEM;
    const ssize_t got = ::pread(file.get(), memory, kBlock, 0);
    const int error = got < 0 ? errno : 0;
    std::free(memory);
    if (error == 0 && got == 0) return ENODATA;
    return error;
}

void* run_check(void* data) {
    const std::unique_ptr<std::shared_ptr<Check>> owned(static_cast<std::shared_ptr<Check>*>(data));
    Check& check = **owned;
    check.error = read_block(check.device);
    check.is_done = true;
    hanging().leave(check.device);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(check.event.get(), &one, sizeof one);
    return nullptr;
}

Result<void> start_thread(const std::shared_ptr<Check>& check) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    ::pthread_attr_setstacksize(&attributes, kThreadStackBytes);
    auto owned = std::make_unique<std::shared_ptr<Check>>(check);
    pthread_t thread{};
    const int error = ::pthread_create(&thread, &attributes, run_check, owned.get());
    ::pthread_attr_destroy(&attributes);
    if (error != 0) return sys::system_error("starting a thread", error);
    [[maybe_unused]] const auto* given = owned.release();  // the thread's
    return {};
}

class Disk final : public Measurement {
public:
    Disk(std::string device, Duration deadline, bool fails)
        : device_(std::move(device)), deadline_(deadline), fails_(fails) {}

    Progress begin(Instant now) override {
        until_ = now + deadline_;
        if (!hanging().enter(device_)) return bad("an earlier read has not come back yet");
        check_ = std::make_shared<Check>();
        check_->device = device_;
        check_->event = sys::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        const Result<void> started = check_->event.is_open()
                                         ? start_thread(check_)
                                         : Result<void>(sys::system_error("making an event"));
        if (!started) {
            hanging().leave(device_);
            return bad(started.error().context);
        }
        return {.reading = {}, .fd = check_->event.get(), .wake_at = until_};
    }

    Progress resume(Instant now) override {
        if (check_->is_done) {
            const int error = check_->error;
            if (error != 0) return bad(std::strerror(error));
            return {.reading = Reading{.value = "normal", .is_bad = false, .reason = {}},
                    .fd = -1,
                    .wake_at = {}};
        }
        if (now < until_) return {.reading = {}, .fd = check_->event.get(), .wake_at = until_};
        return bad("the read did not come back in time");
    }

private:
    [[nodiscard]] Progress bad(std::string_view why) const {
        return {
            .reading =
                Reading{.value = "ERROR", .is_bad = fails_, .reason = concat(device_, ": ", why)},
            .fd = -1,
            .wake_at = {}};
    }

    std::string device_;
    Duration deadline_;
    bool fails_;
    Instant until_{};
    std::shared_ptr<Check> check_;
};

// /sys tells without asking the driver.
std::string read_sys(const std::string& interface, const char* file) {
    const std::string path = concat("/sys/class/net/", interface, '/', file);
    const sys::Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 64> text{};
    const ssize_t got = opened.is_open() ? ::read(opened.get(), text.data(), text.size()) : -1;
    if (got <= 0) return {};
    return std::string(trim(std::string_view(text.data(), static_cast<std::size_t>(got))));
}

class Link final : public Measurement {
public:
    Link(std::string interface, std::int64_t value)
        : interface_(std::move(interface)), value_(value) {}
    Progress begin(Instant /*now*/) override {
        const std::string state = read_sys(interface_, "operstate");
        // Some drivers leave it unknown and tell only the carrier.
        const bool is_up =
            state == "up" || (state == "unknown" && read_sys(interface_, "carrier") == "1");
        return {
            .reading = Reading{.value = concat(is_up ? value_ : 0), .is_bad = false, .reason = {}},
            .fd = -1,
            .wake_at = {}};
    }
    Progress resume(Instant now) override { return begin(now); }

private:
    std::string interface_;
    std::int64_t value_;
};

}  // namespace

Result<std::unique_ptr<Measurement>> make_disk(const Spawn& spawn) {
    std::string device(parameter(spawn, "device"));
    if (device.empty() || device.front() != '/') {
        return Error{.code = Code::Invalid, .context = "device must be an absolute path"};
    }
    const Duration deadline =
        XB_TRY(duration_parameter(spawn, "deadline", {.min = 10ms, .max = 60s, .fallback = 1s}));
    const std::string_view fails = parameter(spawn, "fail");
    const std::optional<bool> is_fatal = fails.empty() ? false : parse_boolean(fails);
    if (!is_fatal) {
        return Error{.code = Code::Invalid, .context = "fail must be true or false"};
    }
    return std::unique_ptr<Measurement>(
        std::make_unique<Disk>(std::move(device), deadline, *is_fatal));
}

Result<std::unique_ptr<Measurement>> make_link(const Spawn& spawn) {
    std::string interface(parameter(spawn, "interface"));
    constexpr std::size_t kNameMax = 15;
    if (interface.empty() || interface.size() > kNameMax || interface.front() == '.' ||
        interface.find('/') != std::string::npos) {
        return Error{.code = Code::Invalid, .context = "interface must name an interface"};
    }
    const std::int64_t value =
        XB_TRY(integer_parameter(spawn, "multiplier", {.min = 1, .max = 1'000'000, .fallback = 1}));
    return std::unique_ptr<Measurement>(std::make_unique<Link>(std::move(interface), value));
}

}  // namespace xbeat::agent::builtin
