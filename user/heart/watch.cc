#include "heart/watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <utility>

#include "abi/xb_watch.h"
#include "core/text.h"
#include "heart/bpf_fs.h"
// Generated, and not written for clang's -Wconversion.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "skel/watch.skel.h"
#pragma GCC diagnostic pop
#include "sys/boot_clock.h"
#include "sys/fd.h"
#include "sys/quiet_libbpf.h"
#include "sys/system_error.h"

namespace xbeat::heart {
namespace {

Error no_such_cookie(std::uint64_t cookie) {
    return {.code = Code::NotFound, .context = concat("nothing is watched under ", cookie)};
}

Result<sys::Fd> open_process(pid_t pid) {
    sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.is_open()) return pidfd;
    if (errno == ESRCH || errno == EINVAL) {
        return Error{.code = Code::NotFound, .context = concat("there is no process ", pid)};
    }
    return sys::system_error(concat("opening process ", pid));
}

Result<std::uint32_t> own_pid_namespace() {
    struct stat status {};
    if (::stat("/proc/self/ns/pid", &status) != 0) {
        return sys::system_error("asking for the own pid namespace");
    }
    return static_cast<std::uint32_t>(status.st_ino);
}

struct SkeletonCloser {
    void operator()(watch_bpf* skeleton) const { watch_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<watch_bpf, SkeletonCloser>;

struct RingCloser {
    void operator()(ring_buffer* ring) const { ::ring_buffer__free(ring); }
};
using RingReader = std::unique_ptr<ring_buffer, RingCloser>;

}  // namespace

// What both ways of watching can do.
class Watch::Backend {
public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;
    virtual Result<void> add(pid_t pid, std::uint64_t cookie) = 0;
    virtual Result<void> remove(std::uint64_t cookie) = 0;
    virtual Result<void> set_armed(std::uint64_t cookie, bool armed) = 0;
    virtual std::vector<std::uint64_t> cookies() const = 0;
    virtual int event_fd() const = 0;
    virtual Result<std::size_t> drain(const std::function<void(const WatchEvent&)>& callback) = 0;
    virtual Mode mode() const = 0;
    virtual bool was_adopted() const { return false; }
    virtual std::uint64_t lost() const { return 0; }
};

// The programs of watch.bpf.c. Pinned: four maps and four links, each under its name.
class Watch::Tracing final : public Watch::Backend {
public:
    static Result<std::unique_ptr<Backend>> create(const std::string& pin_dir) {
        auto self = std::make_unique<Tracing>();
        self->pid_namespace_ = XB_TRY(own_pid_namespace());
        if (!pin_dir.empty()) XB_TRY(prepare_pin_folder(pin_dir));
        self->adopted_ = !pin_dir.empty() && self->adopt(pin_dir);
        if (!self->adopted_) XB_TRY(self->load(pin_dir));
        self->ring_.reset(::ring_buffer__new(self->ring_fd(), take, self.get(), nullptr));
        if (!self->ring_) return sys::system_error("reading the watch's ring");
        return std::unique_ptr<Backend>(std::move(self));
    }

    static void remove_pins(const std::string& pin_dir) {
        for (const char* name : kLinks) ::unlink(pin_path(pin_dir, name).c_str());
        for (const char* name : kMaps) ::unlink(pin_path(pin_dir, name).c_str());
    }

    Result<void> add(pid_t pid, std::uint64_t cookie) override {
        const sys::Fd process = XB_TRY(open_process(pid));
        const xb_watch_cookie fresh{.pid_namespace = pid_namespace_, .armed = 0};
        if (::bpf_map_update_elem(cookies_fd(), &cookie, &fresh, BPF_NOEXIST) != 0 &&
            errno != EEXIST) {
            if (errno == E2BIG || errno == ENOMEM) {
                return Error{.code = Code::Limit,
                             .context = concat(XB_WATCH_COOKIES_MAX, " services are watched")};
            }
            return sys::system_error("watching a service");
        }
        const xb_watch_task task{
            .cookie = cookie, .root = 1, .ended = 0, .signalled = 0, .reserved = 0};
        const int key = process.get();
        if (::bpf_map_update_elem(tasks_fd(), &key, &task, BPF_ANY) == 0) return {};
        if (errno == ENOENT || errno == ESRCH) {
            return Error{.code = Code::NotFound, .context = concat("there is no process ", pid)};
        }
        return sys::system_error(concat("watching process ", pid));
    }

    Result<void> remove(std::uint64_t cookie) override {
        if (::bpf_map_delete_elem(cookies_fd(), &cookie) == 0 || errno == ENOENT) return {};
        return sys::system_error("ending a watch");
    }

    Result<void> set_armed(std::uint64_t cookie, bool armed) override {
        const xb_watch_cookie value{.pid_namespace = pid_namespace_, .armed = armed ? 1U : 0U};
        if (::bpf_map_update_elem(cookies_fd(), &cookie, &value, BPF_EXIST) == 0) return {};
        if (errno == ENOENT) return no_such_cookie(cookie);
        return sys::system_error("arming a watch");
    }

    std::vector<std::uint64_t> cookies() const override {
        std::vector<std::uint64_t> all;
        std::uint64_t key = 0;
        const void* before = nullptr;
        while (all.size() < XB_WATCH_COOKIES_MAX &&
               ::bpf_map_get_next_key(cookies_fd(), before, &key) == 0) {
            all.push_back(key);
            before = &all.back();
        }
        std::sort(all.begin(), all.end());
        return all;
    }

    int event_fd() const override { return ring_fd(); }

    Result<std::size_t> drain(const std::function<void(const WatchEvent&)>& callback) override {
        callback_ = &callback;
        const int count = ::ring_buffer__consume(ring_.get());
        callback_ = nullptr;
        if (count < 0) return sys::system_error("reading the watch's ring", -count);
        return static_cast<std::size_t>(count);
    }

    Mode mode() const override { return Mode::Tracing; }
    bool was_adopted() const override { return adopted_; }

    std::uint64_t lost() const override {
        std::uint64_t sum = 0;
        for (const std::uint32_t counter : {XB_WATCH_LOST, XB_WATCH_UNFOLLOWED}) {
            std::uint64_t value = 0;
            if (::bpf_map_lookup_elem(maps_[3].get(), &counter, &value) == 0) sum += value;
        }
        return sum;
    }

private:
    static constexpr std::array<const char*, 4> kMaps = {"xb_watch_tasks", "xb_watch_cookies",
                                                         "xb_watch_ring", "xb_watch_counts"};
    static constexpr std::array<const char*, 4> kLinks = {"link_fork", "link_exit", "link_generate",
                                                          "link_deliver"};

    // Another version is another set of names: it is neither adopted nor in the way.
    static std::string pin_path(const std::string& pin_dir, const char* name) {
        return concat(pin_dir, '/', name, "_v", XB_WATCH_VERSION);
    }

    int tasks_fd() const { return maps_[0].get(); }
    int cookies_fd() const { return maps_[1].get(); }
    int ring_fd() const { return maps_[2].get(); }

    // All or nothing: half a set is what a crash in the middle of load() leaves.
    bool adopt(const std::string& pin_dir) {
        for (const char* name : kLinks) {
            const sys::Fd link(::bpf_obj_get(pin_path(pin_dir, name).c_str()));
            if (!link.is_open()) return false;
        }
        std::array<sys::Fd, kMaps.size()> maps;
        for (std::size_t i = 0; i < kMaps.size(); ++i) {
            maps[i] = sys::Fd(::bpf_obj_get(pin_path(pin_dir, kMaps[i]).c_str()));
            if (!maps[i].is_open()) return false;
        }
        maps_ = std::move(maps);
        return true;
    }

    Result<void> load(const std::string& pin_dir) {
        const sys::QuietLibbpf quiet;
        if (!pin_dir.empty()) remove_pins(pin_dir);
        skeleton_.reset(watch_bpf__open());
        if (!skeleton_) return sys::system_error("opening the watch's programs");
        if (const int error = watch_bpf__load(skeleton_.get()); error != 0) {
            return sys::system_error("loading the watch's programs", -error);
        }
        if (const int error = watch_bpf__attach(skeleton_.get()); error != 0) {
            return sys::system_error("attaching the watch's programs", -error);
        }
        const auto& maps = skeleton_->maps;
        const std::array<bpf_map*, kMaps.size()> made = {maps.xb_watch_tasks, maps.xb_watch_cookies,
                                                         maps.xb_watch_ring, maps.xb_watch_counts};
        for (std::size_t i = 0; i < made.size(); ++i) {
            maps_[i] = sys::Fd(::fcntl(::bpf_map__fd(made[i]), F_DUPFD_CLOEXEC, 3));
            if (!maps_[i].is_open()) return sys::system_error("keeping the watch's maps");
        }
        if (pin_dir.empty()) return {};
        Result<void> pinned = pin(pin_dir);
        if (!pinned) remove_pins(pin_dir);
        return pinned;
    }

    // The skeleton may go afterwards: the pins hold programs and maps.
    Result<void> pin(const std::string& pin_dir) {
        for (std::size_t i = 0; i < kMaps.size(); ++i) {
            if (::bpf_obj_pin(maps_[i].get(), pin_path(pin_dir, kMaps[i]).c_str()) != 0) {
                return sys::system_error("pinning the watch's maps");
            }
        }
        const auto& links = skeleton_->links;
        const std::array<bpf_link*, kLinks.size()> made = {links.xb_watch_fork, links.xb_watch_exit,
                                                           links.xb_watch_generate,
                                                           links.xb_watch_deliver};
        for (std::size_t i = 0; i < made.size(); ++i) {
            if (::bpf_obj_pin(::bpf_link__fd(made[i]), pin_path(pin_dir, kLinks[i]).c_str()) != 0) {
                return sys::system_error("pinning the watch's programs");
            }
        }
        return {};
    }

    static int take(void* context, void* data, std::size_t size) {
        auto* self = static_cast<Tracing*>(context);
        if (size < sizeof(xb_watch_event)) return 0;
        const auto* record = static_cast<const xb_watch_event*>(data);
        (*self->callback_)(to_event(*record));
        return 0;
    }

    static WatchEvent to_event(const xb_watch_event& record) {
        WatchEvent event;
        const int status = static_cast<int>(record.status);
        event.cookie = record.cookie;
        event.pid = static_cast<pid_t>(record.pid);
        event.at = Instant(Duration(record.at_ns));
        event.has_status = true;
        event.is_root = (record.flags & XB_WATCH_ROOT) != 0;
        event.is_top = (record.flags & XB_WATCH_TOP) != 0;
        event.out_of_memory = (record.flags & XB_WATCH_OOM) != 0;
        if (record.kind == XB_WATCH_SIGNAL) {
            event.kind = WatchEvent::Kind::Signal;
            event.signal = status;
            return event;
        }
        event.kind = WatchEvent::Kind::Exit;
        event.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        event.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        event.dumped_core = WIFSIGNALED(status) && WCOREDUMP(status);
        return event;
    }

    std::uint32_t pid_namespace_ = 0;
    bool adopted_ = false;
    Skeleton skeleton_;
    std::array<sys::Fd, kMaps.size()> maps_;
    RingReader ring_;
    const std::function<void(const WatchEvent&)>* callback_ = nullptr;
};

// One pidfd a process. Sees only what it was told of.
class Watch::Pidfds final : public Watch::Backend {
public:
    static Result<std::unique_ptr<Backend>> create() {
        auto self = std::make_unique<Pidfds>();
        self->epoll_ = sys::Fd(::epoll_create1(EPOLL_CLOEXEC));
        if (!self->epoll_.is_open()) return sys::system_error("making an epoll set");
        return std::unique_ptr<Backend>(std::move(self));
    }

    Result<void> add(pid_t pid, std::uint64_t cookie) override {
        sys::Fd process = XB_TRY(open_process(pid));
        if (!armed_.contains(cookie) && armed_.size() >= XB_WATCH_COOKIES_MAX) {
            return Error{.code = Code::Limit,
                         .context = concat(XB_WATCH_COOKIES_MAX, " services are watched")};
        }
        const std::uint64_t serial = next_serial_++;
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = serial;
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, process.get(), &event) != 0) {
            return sys::system_error(concat("watching process ", pid));
        }
        processes_.emplace(serial, Process{cookie, pid, std::move(process)});
        armed_.emplace(cookie, false);
        return {};
    }

    Result<void> remove(std::uint64_t cookie) override {
        armed_.erase(cookie);
        std::erase_if(processes_,
                      [cookie](const auto& one) { return one.second.cookie == cookie; });
        return {};
    }

    Result<void> set_armed(std::uint64_t cookie, bool armed) override {
        const auto at = armed_.find(cookie);
        if (at == armed_.end()) return no_such_cookie(cookie);
        at->second = armed;
        return {};
    }

    std::vector<std::uint64_t> cookies() const override {
        std::vector<std::uint64_t> all;
        for (const auto& [cookie, armed] : armed_) all.push_back(cookie);
        return all;
    }

    int event_fd() const override { return epoll_.get(); }

    Result<std::size_t> drain(const std::function<void(const WatchEvent&)>& callback) override {
        std::size_t reported = 0;
        std::array<epoll_event, 64> events{};
        while (true) {
            const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return sys::system_error("waiting for processes");
            if (count == 0) return reported;
            for (int i = 0; i < count; ++i) {
                const auto at = processes_.find(events[static_cast<std::size_t>(i)].data.u64);
                if (at == processes_.end()) continue;
                const Process ended = std::move(at->second);
                processes_.erase(at);  // closing the pidfd takes it out of the set
                if (!armed_.at(ended.cookie)) continue;
                callback(to_event(ended));
                ++reported;
            }
        }
    }

    Mode mode() const override { return Mode::Pidfd; }

private:
    struct Process {
        std::uint64_t cookie = 0;
        pid_t pid = 0;
        sys::Fd pidfd;
    };

    static WatchEvent to_event(const Process& ended) {
        WatchEvent event;
        event.cookie = ended.cookie;
        event.pid = ended.pid;
        event.is_root = true;
        event.is_top = true;
        event.at = sys::boot_now();
        return event;
    }

    sys::Fd epoll_;
    std::uint64_t next_serial_ = 1;
    std::map<std::uint64_t, Process> processes_;
    std::map<std::uint64_t, bool> armed_;
};

Watch::Watch(std::unique_ptr<Backend> backend, std::string why_not_tracing)
    : backend_(std::move(backend)), why_not_tracing_(std::move(why_not_tracing)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<Watch> Watch::create(const Options& options) {
    std::string why = "asked for pidfds";
    if (options.mode != Mode::Pidfd) {
        Result<std::unique_ptr<Backend>> tracing = Tracing::create(options.pin_dir);
        if (tracing) return Watch(*std::move(tracing), "");
        if (options.mode == Mode::Tracing) return tracing.error();
        why = tracing.error().context;
    }
    return Watch(XB_TRY(Pidfds::create()), std::move(why));
}

void Watch::remove_pins(const std::string& pin_dir) {
    Tracing::remove_pins(pin_dir);
    remove_pin_folder(pin_dir);
}

Result<void> Watch::add(pid_t pid, std::uint64_t cookie) { return backend_->add(pid, cookie); }
Result<void> Watch::remove(std::uint64_t cookie) { return backend_->remove(cookie); }
Result<void> Watch::arm(std::uint64_t cookie) { return backend_->set_armed(cookie, true); }
Result<void> Watch::disarm(std::uint64_t cookie) { return backend_->set_armed(cookie, false); }
std::vector<std::uint64_t> Watch::cookies() const { return backend_->cookies(); }
int Watch::event_fd() const { return backend_->event_fd(); }
Result<std::size_t> Watch::drain(const std::function<void(const WatchEvent&)>& callback) {
    return backend_->drain(callback);
}
Watch::Mode Watch::mode() const { return backend_->mode(); }
std::string_view Watch::why_not_tracing() const { return why_not_tracing_; }
bool Watch::was_adopted() const { return backend_->was_adopted(); }
std::uint64_t Watch::lost() const { return backend_->lost(); }

}  // namespace xbeat::heart
