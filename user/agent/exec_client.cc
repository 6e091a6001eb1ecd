#include "agent/exec_client.h"

#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

constexpr int kChannelFd = 3;
constexpr std::size_t kReadBytes = 64U << 10U;
constexpr Duration kEndPatience = std::chrono::seconds(2);

std::vector<std::string> command_line(const ExecClient::Options& options) {
    std::vector<std::string> words = {options.program,
                                      "--ocf-root",
                                      options.ocf_root,
                                      "--fence-dir",
                                      options.fence_directory,
                                      "--lsb-dir",
                                      options.lsb_directory,
                                      "--temporary-dir",
                                      options.temporary_directory,
                                      "--instance",
                                      options.instance};
    const auto add = [&words](const char* name, const std::string& value) {
        if (!value.empty()) words.insert(words.end(), {name, value});
    };
    add("--shim-dir", options.shim_directory);
    add("--log-file", options.log_file);
    add("--run-dir", options.run_dir);
    return words;
}

// posix_spawn's two C objects, released in every case.
struct SpawnSettings {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
    SpawnSettings() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
};

Result<pid_t> spawn(const ExecClient::Options& options, int channel) {
    SpawnSettings settings;
    sigset_t none;
    ::sigemptyset(&none);
    sigset_t all;
    ::sigfillset(&all);
    const sched_param ordinary{};
    ::posix_spawnattr_setsigmask(&settings.attributes, &none);
    ::posix_spawnattr_setsigdefault(&settings.attributes, &all);
    ::posix_spawnattr_setschedpolicy(&settings.attributes, SCHED_OTHER);
    ::posix_spawnattr_setschedparam(&settings.attributes, &ordinary);
    ::posix_spawnattr_setflags(&settings.attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                   POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSID);
    // dup2 onto the same number clears close-on-exec there (glibc), so 3 itself is fine too.
    ::posix_spawn_file_actions_adddup2(&settings.actions, channel, kChannelFd);
    ::posix_spawn_file_actions_addclosefrom_np(&settings.actions, kChannelFd + 1);

    std::vector<std::string> words = command_line(options);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<char*, 1> environment = {nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, options.program.c_str(), &settings.actions,
                                    &settings.attributes, arguments.data(), environment.data());
    if (error == ENOENT) {
        return Error{.code = Code::NotFound, .context = concat(options.program, " does not exist")};
    }
    if (error != 0) return sys::system_error(concat("starting ", options.program), error);
    return pid;
}

}  // namespace

ExecClient::ExecClient(Options options, sys::Fd epoll)
    : options_(std::move(options)), epoll_(std::move(epoll)) {}

ExecClient::ExecClient(ExecClient&& other) noexcept
    : options_(std::move(other.options_)),
      epoll_(std::move(other.epoll_)),
      socket_(std::move(other.socket_)),
      child_(std::exchange(other.child_, 0)),
      restarts_(other.restarts_),
      restart_times_(std::move(other.restart_times_)),
      reader_(std::move(other.reader_)),
      backlog_(std::move(other.backlog_)),
      will_(std::move(other.will_)),
      writing_(other.writing_),
      running_(std::move(other.running_)),
      launched_(std::move(other.launched_)) {}

ExecClient::~ExecClient() {
    // It may have to stop what runs here, and whoever comes next asks it whether it has.
    if (!will_.empty()) child_ = 0;
    end_child();
}

Result<ExecClient> ExecClient::start(Options options) {
    sys::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.is_open()) return sys::system_error("making an epoll set");
    ExecClient client(std::move(options), std::move(epoll));
    XB_TRY(client.spawn_child());
    return client;
}

Result<void> ExecClient::spawn_child() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return sys::system_error("making a socket pair");
    }
    sys::Fd ours(ends[0]);
    const sys::Fd theirs(ends[1]);
    child_ = XB_TRY(spawn(options_, theirs.get()));
    socket_ = std::move(ours);
    writing_ = false;
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event) != 0) {
        return sys::system_error("watching xbeat-exec");
    }
    // Before anything else: it knows nothing of what its predecessor was left.
    backlog_.insert(0, will_);
    flush();
    return {};
}

Result<void> ExecClient::send(const Request& request) {
    if (!socket_.is_open()) XB_TRY(revive());
    const OperationId id = operation_of(request);
    const bool is_new =
        !std::holds_alternative<Release>(request) && !std::holds_alternative<Kill>(request);
    if (is_new && running_.contains(id)) {
        return Error{.code = Code::Exists,
                     .context = concat("agent operation ", id.value, " is running already")};
    }
    std::string frame = XB_TRY(encode(request));
    XB_TRY(put(std::move(frame)));
    if (is_new) running_.insert(id);
    if (std::holds_alternative<Launch>(request)) launched_.insert(id);
    return {};
}

Result<void> ExecClient::put(std::string frame) {
    if (backlog_.size() + frame.size() > kBacklogBytesMax) {
        return Error{.code = Code::Limit, .context = "xbeat-exec does not take requests any more"};
    }
    backlog_ += frame;
    // A dead xbeat-exec is no error of this request: receive() reports it as every other in flight.
    flush();
    return {};
}

Result<void> ExecClient::leave_will(const Will& will) {
    std::string frame = XB_TRY(encode(Request(will)));
    if (!socket_.is_open()) XB_TRY(revive());
    XB_TRY(put(frame));
    will_ = will.stops.empty() ? std::string() : std::move(frame);
    return {};
}

void ExecClient::say_alive() {
    if (will_.empty() || !socket_.is_open()) return;
    // One that takes nothing is busy or stands still; it finds the sign when it reads again, or
    // begins to count anew by itself.
    if (!backlog_.empty()) return flush();
    [[maybe_unused]] const Result<void> put_in = put(*encode(Request(Alive{})));
}

void ExecClient::flush() {
    while (!backlog_.empty()) {
        const ssize_t sent = ::send(socket_.get(), backlog_.data(), backlog_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        // Whatever else is wrong with the socket, reading from it says so too.
        if (sent < 0) break;
        backlog_.erase(0, static_cast<std::size_t>(sent));
    }
    if (writing_ == !backlog_.empty()) return;
    writing_ = !backlog_.empty();
    epoll_event event{};
    event.events = EPOLLIN | (writing_ ? EPOLLOUT : 0U);
    XB_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket_.get(), &event) == 0);
}

Result<std::vector<Reply>> ExecClient::receive() {
    if (!socket_.is_open()) XB_TRY(revive());
    std::vector<Reply> replies;
    flush();
    read_replies(replies);
    return replies;
}

void ExecClient::read_replies(std::vector<Reply>& replies) {
    std::array<char, kReadBytes> bytes{};
    while (true) {
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (got <= 0) return bury(replies, "xbeat-exec ended while the action was running");
        reader_.feed({bytes.data(), static_cast<std::size_t>(got)});
        while (true) {
            Result<std::optional<Reply>> reply = reader_.next();
            if (!reply) return bury(replies, reply.error().context);
            if (!reply->has_value()) break;
            account(**reply);
            replies.push_back(*std::move(*reply));
        }
    }
}

void ExecClient::account(const Reply& reply) {
    const OperationId id = operation_of(reply);
    const bool ends = std::holds_alternative<Done>(reply) || std::holds_alternative<Failed>(reply);
    // A launched program belongs to nobody once it runs: its end may never be reported.
    const bool runs = std::holds_alternative<Executed>(reply);
    if (ends || runs) running_.erase(id);
    if (ends || runs) launched_.erase(id);
}

void ExecClient::bury(std::vector<Reply>& replies, const std::string& why) {
    end_child();
    for (const OperationId id : running_) {
        const std::string_view fate = launched_.contains(id)
                                          ? "; the program may have been started"
                                          : "; the action was killed, how far it came is unknown";
        replies.emplace_back(
            Failed{.id = id, .reason = FailReason::ExecutorDied, .text = concat(why, fate)});
    }
    running_.clear();
    launched_.clear();
    backlog_.clear();
    reader_ = {};
    // If this fails the next send() tries again and says why not.
    [[maybe_unused]] const Result<void> revived = revive();
}

Result<void> ExecClient::revive() {
    const Instant now = sys::boot_now();
    while (!restart_times_.empty() && restart_times_.front() + options_.restart_window < now) {
        restart_times_.pop_front();
    }
    if (restart_times_.size() >= options_.restarts_max) {
        return Error{.code = Code::Unavailable,
                     .context = concat("xbeat-exec ended ", restart_times_.size(),
                                       " times within seconds; see its messages")};
    }
    restart_times_.push_back(now);
    XB_TRY(spawn_child());
    ++restarts_;
    return {};
}

void ExecClient::end_child() {
    socket_ = sys::Fd();  // takes itself out of the epoll set: nobody else holds it
    if (child_ == 0) return;
    const pid_t child = std::exchange(child_, 0);
    // It ends by itself when the channel closes, after it has killed its actions. A stopped or
    // broken one is killed: its actions get their parent-death signal.
    const sys::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    pollfd ending{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kEndPatience);
    if (!pidfd.is_open() || ::poll(&ending, 1, static_cast<int>(patience.count())) != 1) {
        ::kill(child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
}

}  // namespace xbeat::agent
