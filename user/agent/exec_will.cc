// The part of xbeat-exec that stops a node's services when nobody else can: see last_will.h.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <utility>

#include "agent/exec_server.h"
#include "core/check.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/log.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

// Numbers of its stops: no caller counts up to them.
constexpr std::uint64_t kWillRuns = std::uint64_t{1} << 62U;

bool is_of_will(OperationId id) {
    return id.value >= kWillRuns && id.value < kWillRuns + kWillStopsMax;
}

// This process speaks so seldom that a log kept open would only tie a descriptor.
void write_log(Level level, const char* kind, std::string text) {
    sys::Log log;
    log.write(sys::Log::note(level, kind, std::move(text)));
}

// A patience that is shorter than a look asks for more of them.
Duration look_interval(const Will& will) { return std::min(kWillLook, will.patience); }

void set_period(const sys::Fd& timer, Duration period) {
    itimerspec when{};
    const std::int64_t ns = period.count();
    when.it_interval.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    when.it_interval.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    when.it_value = when.it_interval;
    XB_CHECK(::timerfd_settime(timer.get(), 0, &when, nullptr) == 0);
}

Result<sys::Fd> listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return Error{.code = Code::Limit, .context = concat(path, " is too long for a socket")};
    }
    path.copy(address.sun_path, path.size());
    sys::Fd door(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!door.is_open()) return sys::system_error("making a socket");
    // A predecessor that could still be asked would have been: the daemon asks before it starts us.
    ::unlink(path.c_str());
    const mode_t before = ::umask(0177);
    const int bound =
        ::bind(door.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(before);
    if (bound != 0 || ::listen(door.get(), 1) != 0) {
        return sys::system_error(concat("listening at ", path));
    }
    return door;
}

}  // namespace

Result<void> ExecServer::open_door() {
    if (is_door_ours()) return {};
    if (options_.run_dir.empty()) {
        return Error{.code = Code::Unavailable, .context = "there is no folder for its socket"};
    }
    const std::string path = will_socket(options_.run_dir);
    forget(will_.door);
    forget(will_.looks);
    will_.door = XB_TRY(listen_at(path));
    struct stat file {};
    if (::stat(path.c_str(), &file) == 0) will_.door_number = file.st_ino;
    will_.looks = sys::Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!will_.looks.is_open()) return sys::system_error("making a timer");
    watch(will_.door.get(), Source::Heir, 0, EPOLLIN);
    watch(will_.looks.get(), Source::Look, 0, EPOLLIN);
    return {};
}

// False if it was never opened, or if somebody else listens at its place.
bool ExecServer::is_door_ours() const {
    struct stat file {};
    return will_.door.is_open() && ::stat(will_socket(options_.run_dir).c_str(), &file) == 0 &&
           file.st_ino == will_.door_number;
}

// A daemon that began after ours and found nobody to ask: it was quicker than our door. It wrote
// its number into its lock before it asked. A number that is another process's by now only makes us
// end, which stops nothing.
bool ExecServer::has_successor() const {
    std::ifstream lock(concat(options_.run_dir, "/lock"));
    std::string line;
    if (!std::getline(lock, line)) return false;
    const auto pid = static_cast<pid_t>(parse_integer(trim(line)).value_or(0));
    return pid > 1 && pid != daemon_ && ::kill(pid, 0) == 0;
}

void ExecServer::handle(Will will) {
    Result<void> outcome = WillRun::check(will);
    if (outcome && !will.stops.empty()) outcome = open_door();
    if (!outcome) {
        write_log(Level::Error, "last-will-refused",
                  concat("the daemon's last will cannot be taken: ", outcome.error().context));
        will.stops.clear();
    }
    will_.left = std::move(will);
    will_.watch = WillWatch(will_.left.patience);
    if (will_.looks.is_open()) {
        set_period(will_.looks, will_.left.stops.empty() ? Duration{} : look_interval(will_.left));
    }
}

void ExecServer::handle(const Alive& /*alive*/) {}  // that something arrived is all that counts

// The daemon has died or left. What it had running is nobody's any more.
void ExecServer::channel_ended() {
    if (will_.left.stops.empty() && !has_begun_will()) {
        ended_ = true;
        return;
    }
    forget(channel_);
    if (!has_begun_will() && has_successor()) {
        ended_ = true;
        return;
    }
    for (auto& [serial, operation] : operations_) {
        if (has_begun_will() || operation.launched) continue;
        kill_for_good(operation);
    }
    // A person or the system may end it, as long as nothing is half stopped.
    if (!has_begun_will() || will_.is_told) ::signal(SIGTERM, SIG_DFL);
    if (!has_begun_will()) {
        write_log(
            Level::Warning, "last-will-kept",
            concat("xbeatd is gone: should this node have no lease for ",
                   std::chrono::duration_cast<std::chrono::seconds>(will_.left.patience).count(),
                   " s before it is back, xbeat-exec stops what runs here"));
    }
}

void ExecServer::look() {
    std::uint64_t expirations = 0;
    // Only to make it unreadable; a look that comes late is told from the clock.
    [[maybe_unused]] const ssize_t got =
        ::read(will_.looks.get(), &expirations, sizeof expirations);
    if (has_begun_will() || will_.left.stops.empty()) return;
    if (!channel_.is_open() && has_successor()) {
        ended_ = true;
        return;
    }
    if (channel_.is_open() && !is_door_ours()) {
        // An executor of before was slow to open its own.
        const Result<void> opened = open_door();
        if (!opened) write_log(Level::Warning, "last-will-refused", opened.error().context);
        if (!opened) will_.left.stops.clear();
        return opened ? set_period(will_.looks, look_interval(will_.left)) : void();
    }
    const Result<heart::LeaseReading> read = heart::read_lease(will_.left.pins, will_.left.peer);
    if (!read && !std::exchange(will_.is_blind, true)) {
        write_log(Level::Warning, "last-will-blind",
                  concat("the lease cannot be read, so the last will is not carried out: ",
                         read.error().context));
    }
    if (read) will_.is_blind = false;
    const std::optional<heart::LeaseReading> lease =
        read ? std::optional<heart::LeaseReading>(*read) : std::nullopt;
    if (will_.watch.is_due(sys::boot_now(), lease)) begin_will();
}

// From here on only the will is run: what the daemon had ordered is killed first.
void ExecServer::begin_will() {
    ::signal(SIGTERM, SIG_IGN);
    set_period(will_.looks, {});
    for (auto& [serial, operation] : operations_) {
        if (operation.launched || operation.reported) continue;
        kill_for_good(operation);
    }
    write_log(Level::Error, "last-will-begun",
              concat("this node has no lease and xbeatd ", channel_.is_open() ? "hangs" : "is gone",
                     ": xbeat-exec stops ", will_.left.stops.size(), " resources"));
    will_.run.emplace(std::exchange(will_.left, {}));
    reply(WillNews{.state = WillNews::State::Running, .wait = {}, .text = {}});
}

bool ExecServer::is_running_for_daemon() const {
    return std::any_of(operations_.begin(), operations_.end(), [](const auto& each) {
        const Operation& operation = each.second;
        return !operation.launched && !operation.reported && !is_of_will(operation.id);
    });
}

void ExecServer::advance_will() {
    if (!has_begun_will()) return;
    WillRun& run = *will_.run;
    const Instant now = sys::boot_now();
    if (will_.builtins) {
        for (const Reply& each : will_.builtins->receive(now)) reply(each);
    }
    if (will_.units) {
        for (const Reply& each : will_.units->receive(now)) reply(each);
    }
    // What fails to begin ends at once and may let others begin: at most once each.
    while (!is_running_for_daemon()) {
        const std::vector<std::uint32_t> ready = run.take_ready();
        if (ready.empty()) break;
        for (const std::uint32_t place : ready) begin_stop(place);
    }
    if (!run.is_settled()) return;
    if (!std::exchange(will_.is_told, true)) {
        ::signal(SIGTERM, channel_.is_open() ? SIG_IGN : SIG_DFL);
        write_log(run.is_complete() ? Level::Warning : Level::Error, "last-will-ended",
                  run.summary());
    }
    if (!will_.heir.is_open()) return;
    tell_heir({.state = WillNews::State::Ended, .wait = {}, .text = run.summary()});
    ended_ = true;
}

void ExecServer::begin_stop(std::uint32_t place) {
    Spawn spawn = will_.run->stop(place);
    spawn.id = {kWillRuns | place};
    spawn.hold = false;
    const Instant now = sys::boot_now();
    const auto give_up = [&](const Result<void>& outcome) {
        fail(spawn.id, FailReason::System, outcome.error().context);
    };
    if (spawn.agent_class == AgentClass::Systemd) {
        if (!will_.units) {
            Result<Units> made = Units::create({});
            if (!made) return give_up(made.error());
            will_.units.emplace(*std::move(made));
            watch(will_.units->fd(), Source::Units, 0, EPOLLIN);
        }
        return will_.units->start(spawn, now);
    }
    if (spawn.agent_class == AgentClass::Ocf && Builtins::has(spawn.provider, spawn.type)) {
        if (!will_.builtins) {
            // Their stops ask for no process.
            Result<Builtins> made = Builtins::create(
                {.run_dir = options_.run_dir, .send = [](const Request& /*request*/) {
                     return Result<void>(
                         Error{.code = Code::Denied, .context = "a last will starts nothing"});
                 }});
            if (!made) return give_up(made.error());
            will_.builtins.emplace(*std::move(made));
            watch(will_.builtins->fd(), Source::Builtins, 0, EPOLLIN);
        }
        const Result<void> begun = will_.builtins->start(spawn, now);
        return begun ? void() : give_up(begun);
    }
    handle(std::move(spawn));
}

// True if the reply is for the will, and not for the daemon.
bool ExecServer::take_end_of_stop(const Reply& message) {
    const OperationId id = operation_of(message);
    if (!has_begun_will() || !is_of_will(id)) return false;
    const bool is_end =
        std::holds_alternative<Done>(message) || std::holds_alternative<Failed>(message);
    const std::uint64_t place = id.value - kWillRuns;
    if (is_end) will_.run->ended(static_cast<std::uint32_t>(place), trouble_of(message));
    return true;
}

// The successor of the daemon: it holds the daemon's lock, so the one that left the will is no
// more.
void ExecServer::admit_heir() {
    sys::Fd heir(::accept4(will_.door.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!heir.is_open()) return;
    ucred who{};
    socklen_t size = sizeof who;
    const bool is_known = ::getsockopt(heir.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    if (!is_known || (who.uid != 0 && who.uid != ::geteuid())) return;
    will_.heir = std::move(heir);
    if (!has_begun_will()) {
        tell_heir({.state = WillNews::State::Unused, .wait = {}, .text = {}});
        ended_ = true;
        return;
    }
    will_.run->cease();
    tell_heir({.state = WillNews::State::Running,
               .wait = will_.run->wait_max() + kDeathGrace,
               .text = {}});
}

void ExecServer::tell_heir(const WillNews& news) {
    const std::string frame = encode(Reply(news));
    // Smaller than any socket's buffer. One that does not listen learns nothing, and probes anyway.
    [[maybe_unused]] const ssize_t sent =
        ::send(will_.heir.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
}

}  // namespace xbeat::agent
