#include "agent/units.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "core/check.h"
#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kName = "org.freedesktop.systemd1";
constexpr std::size_t kEarlyResultsMax = 256;  // jobs of others; older ones are forgotten

// OCF's codes.
constexpr int kOk = 0;
constexpr int kGeneric = 1;
constexpr int kUnimplemented = 3;
constexpr int kNotInstalled = 5;
constexpr int kNotRunning = 7;

std::string drop_in_folder(const std::string& root, const std::string& unit) {
    return concat(root, '/', unit, ".d");
}

}  // namespace

// A method call waits for its reply; the slot ends with it.
struct Units::Call {
    Units* owner = nullptr;
    OperationId id;
    sd_bus_slot* slot = nullptr;
    Call(Units* self, OperationId run) : owner(self), id(run) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { sd_bus_slot_unref(slot); }
};

void Units::BusDeleter::operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }

Units::Units(Units&& other) noexcept
    : options_(std::move(other.options_)),
      epoll_(std::move(other.epoll_)),
      timer_(std::move(other.timer_)) {
    // Calls under way know their owner's place; only an idle one is moved.
    XB_CHECK(other.runs_.empty());
    XB_CHECK(other.bus_ == nullptr);
}

Units& Units::operator=(Units&& other) noexcept {
    XB_CHECK(other.runs_.empty());
    XB_CHECK(other.bus_ == nullptr);
    XB_CHECK(runs_.empty());
    bus_.reset();
    options_ = std::move(other.options_);
    epoll_ = std::move(other.epoll_);
    timer_ = std::move(other.timer_);
    return *this;
}

Units::~Units() { calls_.clear(); }

Result<Units> Units::create(Options options) {
    Units self;
    self.options_ = std::move(options);
    self.epoll_ = sys::Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!self.epoll_.is_open()) return sys::system_error("making an epoll set");
    self.timer_ = sys::Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!self.timer_.is_open()) return sys::system_error("making a timer");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = self.timer_.get();
    if (::epoll_ctl(self.epoll_.get(), EPOLL_CTL_ADD, self.timer_.get(), &event) != 0) {
        return sys::system_error("watching a timer");
    }
    return self;
}

std::string Units::unit_name(std::string_view type) {
    constexpr std::array<std::string_view, 11> kEndings = {
        ".service", ".socket", ".mount", ".timer", ".path",     ".target",
        ".device",  ".swap",   ".slice", ".scope", ".automount"};
    const bool has_ending =
        std::any_of(kEndings.begin(), kEndings.end(),
                    [type](std::string_view ending) { return type.ends_with(ending); });
    return has_ending ? std::string(type) : concat(type, ".service");
}

Result<void> Units::connect() {
    // systemd hangs up when it executes itself anew; what is asked then is asked of the next one.
    if (bus_ && sd_bus_is_open(bus_.get()) <= 0) disconnect("it hung up");
    if (bus_) return {};
    sd_bus* raw = nullptr;
    int error = sd_bus_new(&raw);
    if (error < 0) return sys::system_error("making a D-Bus connection", -error);
    std::unique_ptr<sd_bus, BusDeleter> bus(raw);
    const std::string address = concat("unix:path=", options_.socket);
    error = sd_bus_set_address(raw, address.c_str());
    // No bus daemon at the other end: no Hello, and signals come without being asked for.
    if (error >= 0) error = sd_bus_set_bus_client(raw, 0);
    if (error >= 0) error = sd_bus_start(raw);
    if (error >= 0) {
        error = sd_bus_match_signal(raw, nullptr, nullptr, kManagerPath, kManager, "JobRemoved",
                                    &Units::on_job_removed, this);
    }
    if (error < 0) {
        return sys::system_error(concat("systemd does not answer at ", options_.socket), -error);
    }
    bus_ = std::move(bus);
    watched_ = sd_bus_get_fd(raw);
    epoll_event event{};
    event.data.fd = watched_;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watched_, &event) != 0) {
        bus_.reset();
        return sys::system_error("watching systemd's socket");
    }
    return {};
}

void Units::disconnect(const std::string& why) {
    if (watched_ >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watched_, nullptr);
    watched_ = -1;
    calls_.clear();
    early_results_.clear();
    bus_.reset();
    for (const auto& [id, run] : runs_) {
        replies_.emplace_back(
            Failed{.id = id, .reason = FailReason::System, .text = concat("systemd: ", why)});
    }
    runs_.clear();
}

void Units::start(const Spawn& spawn, Instant now) {
    now_ = now;
    constexpr std::array<std::string_view, 5> kActions = {"start", "stop", "monitor", "status",
                                                          "reload"};
    const std::string unit = unit_name(spawn.type);
    const bool is_known =
        std::find(kActions.begin(), kActions.end(), spawn.action) != kActions.end();
    Run run{.unit = unit,
            .action = spawn.action,
            .stage = Stage::Ask,
            .job = {},
            .job_result = {},
            .started_at = now,
            .deadline = now + std::clamp(spawn.timeout, kTimeoutMin, kTimeoutMax),
            .ask_at = {}};
    const bool is_plain =
        unit.find('/') == std::string::npos && unit.front() != '.' && unit.size() <= 255;
    const Result<void> connected = connect();
    const auto at = runs_.insert_or_assign(spawn.id, std::move(run)).first;
    if (!is_plain) {
        finish(spawn.id, kNotInstalled, concat("\"", spawn.type, "\" is no unit's name"));
    } else if (!is_known) {
        finish(spawn.id, kUnimplemented, concat("units have no action ", spawn.action));
    } else if (!connected) {
        runs_.erase(at);
        replies_.emplace_back(Failed{
            .id = spawn.id, .reason = FailReason::System, .text = connected.error().context});
    } else {
        begin(spawn.id, at->second);
    }
    arm(now);
}

void Units::begin(OperationId id, Run& run) {
    if (run.action == "start") {
        const Result<void> written = write_drop_in(run.unit);
        if (!written) return finish(id, kGeneric, written.error().context);
        run.stage = Stage::Reload;
        return call(id, kManagerPath, kManager, "Reload", "", "");
    }
    if (run.action == "stop" || run.action == "reload") {
        run.stage = Stage::Job;
        return call(id, kManagerPath, kManager, run.action == "stop" ? "StopUnit" : "ReloadUnit",
                    "ss", run.unit);
    }
    ask_state(id);
}

void Units::call(OperationId id, const char* path, const char* interface, const char* method,
                 const char* signature, const std::string& text) {
    auto one = std::make_unique<Call>(this, id);
    int error = 0;
    const std::string_view shape = signature;
    if (shape.empty()) {
        error = sd_bus_call_method_async(bus_.get(), &one->slot, kName, path, interface, method,
                                         &Units::on_reply, one.get(), "");
    } else if (shape == "s") {
        error = sd_bus_call_method_async(bus_.get(), &one->slot, kName, path, interface, method,
                                         &Units::on_reply, one.get(), "s", text.c_str());
    } else {
        // Jobs replace others that are queued for the unit.
        error = sd_bus_call_method_async(
            bus_.get(), &one->slot, kName, path, interface, method, &Units::on_reply, one.get(),
            "ss", text.c_str(),
            std::string_view(interface) == kManager ? "replace" : "ActiveState");
    }
    if (error < 0) return lose(id, std::strerror(-error));
    calls_[id] = std::move(one);
}

int Units::on_reply(sd_bus_message* message, void* data, sd_bus_error* /*error*/) {
    const auto* one = static_cast<Call*>(data);
    Units* const self = one->owner;
    const OperationId id = one->id;
    // The slot is in use until we return; it goes when the next call takes its place.
    self->answered(id, message);
    return 0;
}

int Units::on_job_removed(sd_bus_message* message, void* data, sd_bus_error* /*error*/) {
    static_cast<Units*>(data)->job_removed(message);
    return 0;
}

void Units::answered(OperationId id, sd_bus_message* message) {
    // Kept until this function ends: calling again replaces it in the map.
    const std::unique_ptr<Call> done = [&] {
        const auto found = calls_.find(id);
        std::unique_ptr<Call> taken;
        if (found != calls_.end()) {
            taken = std::move(found->second);
            calls_.erase(found);
        }
        return taken;
    }();
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    Run& run = found->second;
    if (sd_bus_message_is_method_error(message, nullptr) > 0) {
        const sd_bus_error* error = sd_bus_message_get_error(message);
        const std::string_view name = error->name == nullptr ? "" : error->name;
        const bool is_missing = name == "org.freedesktop.systemd1.NoSuchUnit" ||
                                name == "org.freedesktop.systemd1.LoadFailed";
        const std::string text = error->message == nullptr ? std::string(name) : error->message;
        // The connection broke under the call: nothing is known of the unit.
        if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_DISCONNECTED) {
            return lose(id, text);
        }
        // What does not exist cannot run.
        if (is_missing && run.action == "stop") return finish(id, kOk, {});
        return finish(id, is_missing ? kNotInstalled : kGeneric, text);
    }
    const char* text = "";
    switch (run.stage) {
        case Stage::Reload:
            run.stage = Stage::Job;
            return call(id, kManagerPath, kManager, "StartUnit", "ss", run.unit);
        case Stage::Job: {
            if (sd_bus_message_read(message, "o", &text) < 0) break;
            run.job = text;
            const auto early = early_results_.find(run.job);
            if (early != early_results_.end()) return job_ended(id, early->second);
            return;
        }
        case Stage::Ask: {
            if (sd_bus_message_has_signature(message, "o") > 0) {
                if (sd_bus_message_read(message, "o", &text) < 0) break;
                const std::string path = text;
                return call(id, path.c_str(), "org.freedesktop.DBus.Properties", "Get", "ss",
                            "org.freedesktop.systemd1.Unit");
            }
            if (sd_bus_message_read(message, "v", "s", &text) < 0) break;
            return state_known(id, text);
        }
        case Stage::Between:
            return;
    }
    finish(id, kGeneric, "systemd answered something unexpected");
}

void Units::job_removed(sd_bus_message* message) {
    std::uint32_t number = 0;
    const char* path = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    if (sd_bus_message_read(message, "uoss", &number, &path, &unit, &result) < 0) return;
    for (const auto& [id, run] : runs_) {
        if (run.stage == Stage::Job && run.job == path) return job_ended(id, result);
    }
    if (early_results_.size() >= kEarlyResultsMax) early_results_.clear();
    early_results_[path] = result;
}

void Units::job_ended(OperationId id, const std::string& result) {
    Run& run = runs_.at(id);
    if (result != "done") {
        return finish(id, kGeneric, concat("systemd's job for ", run.unit, " ended: ", result));
    }
    if (run.action == "stop") {
        remove_drop_in(run.unit);
        return finish(id, kOk, {});
    }
    finish(id, kOk, {});
}

void Units::ask_state(OperationId id) {
    Run& run = runs_.at(id);
    run.stage = Stage::Ask;
    call(id, kManagerPath, kManager, "LoadUnit", "s", run.unit);
}

void Units::state_known(OperationId id, const std::string& state) {
    Run& run = runs_.at(id);
    if (state == "active" || state == "reloading") return finish(id, kOk, {});
    if (state == "activating" || state == "deactivating") {
        run.stage = Stage::Between;
        run.ask_at = now_ + options_.poll_pause;
        return;
    }
    const bool has_failed = state == "failed";
    finish(id, kNotRunning, has_failed ? concat(run.unit, " failed") : std::string());
}

void Units::finish(OperationId id, int code, std::string reason) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    Done done;
    done.id = id;
    done.exit_code = code;
    done.exit_reason = reason.substr(0, kReasonBytesMax);
    done.queued_at = found->second.started_at;
    done.started_at = found->second.started_at;
    done.ended_at = now_;
    runs_.erase(found);
    replies_.emplace_back(std::move(done));
}

// Nothing is known of the unit: whoever asked may ask again.
void Units::lose(OperationId id, const std::string& why) {
    runs_.erase(id);
    replies_.emplace_back(
        Failed{.id = id, .reason = FailReason::System, .text = concat("systemd: ", why)});
}

void Units::kill(OperationId id, Instant now) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    now_ = now;
    calls_.erase(id);
    finish(id, kGeneric, {});
    std::get<Done>(replies_.back()).killed = true;
    arm(now);
}

void Units::expire(Instant now) {
    std::vector<OperationId> late;
    std::vector<OperationId> to_ask;
    for (const auto& [id, run] : runs_) {
        if (run.deadline <= now) {
            late.push_back(id);
        } else if (run.stage == Stage::Between && run.ask_at <= now) {
            to_ask.push_back(id);
        }
    }
    for (const OperationId id : late) {
        calls_.erase(id);
        finish(id, kGeneric, {});
        std::get<Done>(replies_.back()).timed_out = true;
    }
    for (const OperationId id : to_ask) ask_state(id);
}

std::vector<Reply> Units::receive(Instant now) {
    now_ = now;
    std::uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &expirations, sizeof expirations);
    int more = bus_ ? 1 : 0;
    while (more > 0) more = sd_bus_process(bus_.get(), nullptr);
    if (more < 0) disconnect(std::strerror(-more));
    expire(now);
    std::vector<Reply> replies = std::exchange(replies_, {});
    arm(now);
    return replies;
}

// What the bus waits for, and the nearest time at which anything is due.
void Units::arm(Instant now) {
    std::optional<Instant> next;
    const auto consider = [&next](Instant at) {
        if (!next || at < *next) next = at;
    };
    for (const auto& [id, run] : runs_) {
        consider(run.deadline);
        if (run.stage == Stage::Between) consider(run.ask_at);
    }
    if (!replies_.empty()) consider(now);
    if (bus_) {
        epoll_event event{};
        const int wanted = sd_bus_get_events(bus_.get());
        event.events = static_cast<std::uint32_t>(std::max(wanted, 0));
        event.data.fd = watched_;
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watched_, &event);
        // sd-bus counts CLOCK_MONOTONIC; only whether it wants to run at once matters here: it has
        // no other time limits, since those of the runs are ours.
        std::uint64_t due = 0;
        if (sd_bus_get_timeout(bus_.get(), &due) > 0 && due == 0) consider(now);
    }
    itimerspec when{};
    if (next) {
        const std::int64_t ns = std::max<std::int64_t>(next->time_since_epoch().count(), 1);
        when.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        when.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    XB_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

Result<void> Units::write_drop_in(const std::string& unit) const {
    const std::string folder = drop_in_folder(options_.drop_in_root, unit);
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
        return sys::system_error(concat("making ", folder));
    }
    std::string text =
        concat("[Unit]\nDescription=Cluster controlled ", unit, "\nBefore=xbeatd.service\n");
    // Recovery is the cluster's; only services have the option.
    if (unit.ends_with(".service")) text += "\n[Service]\nRestart=no\n";
    const std::string path = folder + "/50-xbeat.conf";
    const sys::Fd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file.is_open()) return sys::system_error(concat("writing ", path));
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return sys::system_error(concat("writing ", path));
    }
    return {};
}

void Units::remove_drop_in(const std::string& unit) const {
    const std::string folder = drop_in_folder(options_.drop_in_root, unit);
    (void)::unlink((folder + "/50-xbeat.conf").c_str());
    (void)::rmdir(folder.c_str());  // stays if somebody else keeps a file in it
}

}  // namespace xbeat::agent
