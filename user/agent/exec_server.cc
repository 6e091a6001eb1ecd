#include "agent/exec_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <memory>
#include <utility>

#include "core/check.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

constexpr std::size_t kReadBytes = 64U << 10U;
constexpr int kRoundsPerEvent = 8;  // so that one loud agent does not starve the others
constexpr int kRoundsAtEnd =
    64;  // 4 MiB: what may still be in the pipe; a daemon may go on writing
constexpr int kSessionScansMax = 10;  // while its members fork faster than they are killed
constexpr std::size_t kRepliesBytesMax = std::size_t{64} << 20U;  // beyond it no request is read

struct PipeEnds {
    sys::Fd ours;
    sys::Fd theirs;
};

enum class Flow : std::uint8_t { FromChild, ToChild };

// Our end does not block; the child's end does, as programs expect.
Result<PipeEnds> make_pipe(Flow flow) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys::system_error("making a pipe");
    sys::Fd reading(ends[0]);
    sys::Fd writing(ends[1]);
    sys::Fd& ours = flow == Flow::FromChild ? reading : writing;
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return sys::system_error("making a pipe");
    if (flow == Flow::FromChild) return PipeEnds{std::move(reading), std::move(writing)};
    return PipeEnds{std::move(writing), std::move(reading)};
}

Result<sys::Fd> open_null() {
    sys::Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.is_open()) return sys::system_error("opening /dev/null");
    return null;
}

// The sixth word of /proc/PID/stat, counted after the name in parentheses (which may hold
// anything).
pid_t session_of(const char* pid) {
    std::ifstream file(concat("/proc/", pid, "/stat"));
    std::string line;
    if (!std::getline(file, line)) return -1;
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return -1;
    const std::vector<std::string_view> words =
        split_words(std::string_view(line).substr(name_end + 1));
    if (words.size() < 4) return -1;
    return static_cast<pid_t>(parse_integer(words[3]).value_or(-1));
}

// SIGKILL to all processes of the session; how many there were.
int kill_session(pid_t session) {
    int found = 0;
    const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
    if (!proc) return 0;
    while (const dirent* entry = ::readdir(proc.get())) {
        const std::optional<std::int64_t> pid = parse_integer(entry->d_name);
        if (!pid || session_of(entry->d_name) != session) continue;
        if (::kill(static_cast<pid_t>(*pid), SIGKILL) == 0) ++found;
    }
    return found;
}

std::uint64_t pack(std::uint8_t source, std::uint32_t serial) {
    return (std::uint64_t{serial} << 8U) | source;
}

std::optional<Refusal> launch_fault(const Launch& launch) {
    const auto bad = [&launch](FailReason reason, std::string_view why) {
        return Refusal{reason, concat(launch.program, ": ", why)};
    };
    if (!launch.program.starts_with('/'))
        return bad(FailReason::BadRequest, "not an absolute path");
    for (const std::string* text : {&launch.program, &launch.directory, &launch.user}) {
        if (text->find('\0') != std::string::npos) {
            return bad(FailReason::BadRequest, "a NUL in the request");
        }
    }
    struct stat status {};
    if (::stat(launch.program.c_str(), &status) != 0) {
        return bad(errno == ENOENT || errno == ENOTDIR ? FailReason::Missing : FailReason::System,
                   sys::error_text(errno));
    }
    if (!S_ISREG(status.st_mode)) return bad(FailReason::NotExecutable, "not a regular file");
    if ((status.st_mode & 0111U) == 0) return bad(FailReason::NotExecutable, "not executable");
    return std::nullopt;
}

FailReason reason_of(const ChildFault& fault) {
    if (fault.stage != ChildFault::Stage::Execute) return FailReason::BadRequest;
    if (fault.error == ENOENT) return FailReason::Missing;
    if (fault.error == EACCES || fault.error == ENOEXEC) return FailReason::NotExecutable;
    return FailReason::System;
}

std::string text_of(const ChildFault& fault, const std::string& path) {
    switch (fault.stage) {
        case ChildFault::Stage::Directory:
            return concat(path, ": its working directory: ", sys::error_text(fault.error));
        case ChildFault::Stage::Identity:
            return concat(path, ": taking its user's identity: ", sys::error_text(fault.error));
        case ChildFault::Stage::Execute:
            break;
    }
    if (fault.error == ENOENT) return concat(path, ": its interpreter does not exist");
    if (fault.error == ENOEXEC) return concat(path, ": neither a program nor a script with #!");
    return concat(path, ": ", sys::error_text(fault.error));
}

// Alert agents need no privilege: the cluster's own user where there is one.
std::optional<Identity> alert_identity() {
    for (const char* name : {"hacluster", "xbeat", "nobody"}) {
        Result<Identity> found = find_user(name);
        if (found) return *std::move(found);
    }
    return std::nullopt;
}

}  // namespace

ExecServer::ExecServer(Options options, sys::Fd channel)
    : options_(std::move(options)), daemon_(::getppid()), channel_(std::move(channel)) {}

Result<ExecServer> ExecServer::create(Options options, sys::Fd channel) {
    ExecServer server(std::move(options), std::move(channel));
    server.epoll_ = sys::Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!server.epoll_.is_open()) return sys::system_error("making an epoll set");
    server.timer_ = sys::Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!server.timer_.is_open()) return sys::system_error("making a timer");
    if (::fcntl(server.channel_.get(), F_SETFL, O_NONBLOCK) != 0 ||
        ::fcntl(server.channel_.get(), F_SETFD, FD_CLOEXEC) != 0) {
        return sys::system_error("preparing the channel");
    }
    const std::string& temporary = server.options_.environment.temporary_directory;
    if (::mkdir(temporary.c_str(), 01755) != 0 && errno != EEXIST) {
        return sys::system_error(concat("making ", temporary));
    }
    server.groups_ = CgroupTree::open(server.options_.instance);
    server.watch(server.channel_.get(), Source::Channel, 0, EPOLLIN);
    server.watch(server.timer_.get(), Source::Timer, 0, EPOLLIN);
    return server;
}

Result<void> ExecServer::run() {
    Result<void> outcome;
    while (!ended_ && outcome.has_value()) {
        arm_timer();
        std::array<epoll_event, 64> events{};
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
        if (count < 0 && errno != EINTR) outcome = sys::system_error("waiting for events");
        for (int i = 0; i < count && outcome.has_value(); ++i) {
            outcome = dispatch(events[static_cast<std::size_t>(i)].data.u64);
        }
        if (outcome.has_value()) advance_will();
        if (outcome.has_value() && !ended_) outcome = send_replies();
    }
    shut_down();
    return outcome;
}

Result<void> ExecServer::dispatch(std::uint64_t token) {
    const auto source = static_cast<Source>(token & 0xffU);
    if (source == Source::Channel) return read_channel();
    if (source == Source::Timer) {
        on_deadlines();
        return {};
    }
    if (source == Source::Look) look();
    if (source == Source::Heir) admit_heir();
    const auto serial = static_cast<Serial>(token >> 8U);
    const auto at = operations_.find(serial);
    if (at == operations_.end()) return {};  // ended by an earlier event of the same batch
    Operation& operation = at->second;
    switch (source) {
        case Source::Exit:
            on_exit(serial, operation);
            break;
        case Source::Status:
            read_status(operation);
            break;
        case Source::Output:
            read_pipe(operation.output_pipe, operation.output, kRoundsPerEvent);
            break;
        case Source::Errors:
            read_pipe(operation.errors_pipe, operation.errors, kRoundsPerEvent);
            break;
        case Source::Input:
            write_input(operation);
            break;
        default:
            break;  // of no operation
    }
    return {};
}

Result<void> ExecServer::read_channel() {
    if (!channel_.is_open()) return {};  // ended by an earlier event of the same batch
    std::array<char, kReadBytes> bytes{};
    while (replies_.size() < kRepliesBytesMax) {
        const ssize_t got = ::recv(channel_.get(), bytes.data(), bytes.size(), 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            channel_ended();
            return {};
        }
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
        if (got < 0) return sys::system_error("reading the channel");
        reader_.feed({bytes.data(), static_cast<std::size_t>(got)});
        will_.watch.heard();
        while (std::optional<Request> request = XB_TRY(reader_.next())) {
            // Who was away for so long that its will is carried out has nothing to order any more.
            if (has_begun_will()) continue;
            std::visit([this](auto& one) { handle(std::move(one)); }, *request);
        }
    }
    return {};
}

Result<void> ExecServer::send_replies() {
    if (!channel_.is_open()) {
        replies_.clear();
        return {};
    }
    while (replies_at_ < replies_.size()) {
        const ssize_t sent = ::send(channel_.get(), replies_.data() + replies_at_,
                                    replies_.size() - replies_at_, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            channel_ended();
            return {};
        }
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            return sys::system_error("writing to the channel");
        }
        if (sent < 0) break;
        replies_at_ += static_cast<std::size_t>(sent);
    }
    if (replies_at_ == replies_.size()) {
        replies_.clear();
        replies_at_ = 0;
    }
    // While replies wait, the other side is slow: it is told of nothing new and asked for nothing.
    const bool may_read = replies_.size() < kRepliesBytesMax;
    const std::uint32_t wanted = (may_read ? EPOLLIN : 0U) | (replies_.empty() ? 0U : EPOLLOUT);
    if (wanted == channel_events_) return {};
    channel_events_ = wanted;
    epoll_event event{};
    event.events = wanted;
    event.data.u64 = pack(static_cast<std::uint8_t>(Source::Channel), 0);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, channel_.get(), &event) != 0) {
        return sys::system_error("watching the channel");
    }
    return {};
}

void ExecServer::reply(const Reply& message) {
    if (!take_end_of_stop(message)) replies_ += encode(message);
}

void ExecServer::fail(OperationId id, FailReason reason, std::string text) {
    reply(Failed{.id = id, .reason = reason, .text = std::move(text)});
}

bool ExecServer::admit(OperationId id) {
    if (find(id) != nullptr) {
        fail(id, FailReason::BadRequest, concat("operation ", id.value, " is running already"));
        return false;
    }
    const auto running = std::count_if(operations_.begin(), operations_.end(),
                                       [](const auto& one) { return !one.second.reported; });
    if (static_cast<std::size_t>(running) >= kOperationsMax) {
        fail(id, FailReason::Limit, concat(kOperationsMax, " operations are running"));
        return false;
    }
    return true;
}

void ExecServer::handle(Spawn spawn) {
    if (!admit(spawn.id)) return;
    Operation operation;
    operation.id = spawn.id;
    operation.queued_at = sys::boot_now();
    std::variant<AgentFile, Refusal> opened =
        open_agent(options_.roots, spawn.agent_class, spawn.provider, spawn.type);
    if (Refusal* refusal = std::get_if<Refusal>(&opened)) {
        return fail(spawn.id, refusal->reason, std::move(refusal->text));
    }
    const AgentFile& file = std::get<AgentFile>(opened);
    const bool is_alert = spawn.agent_class == AgentClass::Alert;
    const bool by_stdin = spawn.agent_class == AgentClass::Stonith;
    if (!by_stdin && !is_alert && !is_plain_name(spawn.action)) {
        return fail(spawn.id, FailReason::BadRequest,
                    concat("\"", spawn.action, "\" is no action"));
    }
    Result<std::vector<std::string>> environment = agent_environment(spawn, options_.environment);
    if (!environment) return fail(spawn.id, FailReason::BadRequest, environment.error().context);

    ChildPlan plan;
    plan.path = file.path;
    plan.program_fd = file.is_script ? -1 : file.fd.get();
    plan.arguments = {file.path};
    if (!by_stdin && !is_alert) plan.arguments.push_back(spawn.action);
    if (is_alert) {
        plan.identity = alert_identity();
        if (!plan.identity) {
            return fail(spawn.id, FailReason::NotAllowed,
                        "alert agents do not run as root, and there is no user hacluster, xbeat or "
                        "nobody");
        }
    }
    plan.environment = *std::move(environment);
    plan.hold = spawn.hold;
    operation.path = file.path;
    operation.input = std::move(spawn.input);
    operation.deadline = operation.queued_at + spawn.timeout;
    start(std::move(operation), std::move(plan),
          concat(spawn.resource.empty() ? spawn.type : spawn.resource, '.', spawn.action));
}

void ExecServer::handle(const Metadata& metadata) {
    Spawn spawn;
    spawn.id = metadata.id;
    spawn.agent_class = metadata.agent_class;
    spawn.provider = metadata.provider;
    spawn.type = metadata.type;
    spawn.timeout = metadata.timeout;
    switch (metadata.agent_class) {
        case AgentClass::Ocf:
            spawn.action = "meta-data";
            break;
        case AgentClass::Stonith:
            spawn.action = "metadata";
            spawn.input = "action=metadata\n";
            break;
        case AgentClass::Alert:
        case AgentClass::Lsb:
        case AgentClass::Systemd:
            return fail(metadata.id, FailReason::BadRequest,
                        "LSB scripts and alert agents have no machine-readable description");
    }
    handle(std::move(spawn));
}

void ExecServer::handle(Launch launch) {
    if (!admit(launch.id)) return;
    if (std::optional<Refusal> fault = launch_fault(launch)) {
        return fail(launch.id, fault->reason, std::move(fault->text));
    }
    Result<std::vector<std::string>> environment = launch_environment(launch);
    if (!environment) return fail(launch.id, FailReason::BadRequest, environment.error().context);
    ChildPlan plan;
    if (!launch.user.empty()) {
        Result<Identity> identity = find_user(launch.user);
        if (!identity) return fail(launch.id, FailReason::BadRequest, identity.error().context);
        plan.identity = *std::move(identity);
    }
    plan.path = launch.program;
    plan.arguments = {launch.program};
    for (std::string& argument : launch.arguments) {
        if (argument.find('\0') != std::string::npos) {
            return fail(launch.id, FailReason::BadRequest, "a NUL in an argument");
        }
        plan.arguments.push_back(std::move(argument));
    }
    plan.environment = *std::move(environment);
    if (!launch.directory.empty()) plan.directory = launch.directory;
    plan.hold = launch.hold;
    plan.outlives_us = true;

    Operation operation;
    operation.id = launch.id;
    operation.launched = true;
    operation.queued_at = sys::boot_now();
    operation.path = launch.program;
    start(std::move(operation), std::move(plan), concat(launch.resource, ".run"));
}

void ExecServer::start(Operation operation, ChildPlan plan, const std::string& group) {
    const OperationId id = operation.id;
    Result<sys::Fd> null = open_null();
    if (!null) return fail(id, FailReason::System, null.error().context);
    std::array<PipeEnds, 3> pipes;
    const std::array<bool, 3> wanted = {!operation.input.empty(), !operation.launched,
                                        !operation.launched};
    for (std::size_t i = 0; i < pipes.size(); ++i) {
        if (!wanted[i]) continue;
        Result<PipeEnds> made = make_pipe(i == 0 ? Flow::ToChild : Flow::FromChild);
        if (!made) return fail(id, FailReason::System, made.error().context);
        pipes[i] = *std::move(made);
    }
    const auto end_for_child = [&](std::size_t i) {
        return wanted[i] ? pipes[i].theirs.get() : null->get();
    };
    plan.standard_input = end_for_child(0);
    plan.standard_output = end_for_child(1);
    plan.standard_error = end_for_child(2);
    operation.group = groups_.make(concat(group, '.', id.value, '.', ::getpid()));
    plan.control_group = operation.group.folder.get();
    plan.files_max = options_.child_files_max;
    Result<Child> child = fork_child(plan);
    if (!child) {
        groups_.finish(std::move(operation.group));
        return fail(id, FailReason::System, child.error().context);
    }
    operation.child = *std::move(child);
    operation.started_at = sys::boot_now();
    operation.input_pipe = std::move(pipes[0].ours);
    operation.output_pipe = std::move(pipes[1].ours);
    operation.errors_pipe = std::move(pipes[2].ours);
    // A launched program's group shall survive the clean-up of the next xbeat-exec from now on.
    if (operation.launched) CgroupTree::mark_done(operation.group);

    const Serial serial = next_serial_++;
    Operation& kept = operations_.emplace(serial, std::move(operation)).first->second;
    watch(kept.child.pidfd.get(), Source::Exit, serial, EPOLLIN);
    watch(kept.child.status.get(), Source::Status, serial, EPOLLIN);
    if (kept.output_pipe.is_open()) watch(kept.output_pipe.get(), Source::Output, serial, EPOLLIN);
    if (kept.errors_pipe.is_open()) watch(kept.errors_pipe.get(), Source::Errors, serial, EPOLLIN);
    if (kept.input_pipe.is_open()) watch(kept.input_pipe.get(), Source::Input, serial, EPOLLOUT);
    reply(Spawned{.id = id, .pid = kept.child.pid, .started_at = kept.started_at});
}

void ExecServer::handle(const Release& release) {
    Operation* operation = find(release.id);
    if (operation == nullptr || !operation->child.gate.is_open()) return;
    // A dead child is seen through its pidfd; SIGPIPE is ignored.
    [[maybe_unused]] const ssize_t opened = ::write(operation->child.gate.get(), "1", 1);
    operation->child.gate = sys::Fd();
}

// Killed on somebody's word, and given up if it is not dead after a while.
void ExecServer::kill_for_good(Operation& operation) const {
    operation.killed = true;
    kill_all(operation);
    operation.deadline = sys::boot_now() + kDeathGrace;
}

void ExecServer::handle(const Kill& kill) {
    Operation* operation = find(kill.id);
    if (operation == nullptr || operation->reported) return;
    kill_for_good(*operation);
}

void ExecServer::read_pipe(sys::Fd& pipe, Output& into, int rounds) {
    std::array<char, kReadBytes> bytes{};
    for (; rounds > 0 && pipe.is_open(); --rounds) {
        const ssize_t got = ::read(pipe.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return forget(pipe);
        into.feed({bytes.data(), static_cast<std::size_t>(got)});
    }
}

void ExecServer::write_input(Operation& operation) {
    while (operation.input_at < operation.input.size()) {
        const std::string_view rest = std::string_view(operation.input).substr(operation.input_at);
        const ssize_t sent = ::write(operation.input_pipe.get(), rest.data(), rest.size());
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) break;  // it does not want to read any more
        operation.input_at += static_cast<std::size_t>(sent);
    }
    forget(operation.input_pipe);
    operation.input.clear();  // it may hold passwords
}

void ExecServer::read_status(Operation& operation) {
    ChildFault fault;
    const ssize_t got = ::read(operation.child.status.get(), &fault, sizeof fault);
    if (got == static_cast<ssize_t>(sizeof fault)) operation.fault = fault;
    forget(operation.child.status);
    // A child that dies before it executes closes the pipe as well; so does a program that ends at
    // once, but then Done says all.
    siginfo_t info{};
    const int waited = ::waitid(P_PIDFD, static_cast<id_t>(operation.child.pidfd.get()), &info,
                                WEXITED | WNOHANG | WNOWAIT);
    const bool lives = waited == 0 && info.si_pid == 0;
    if (got == 0 && lives && operation.launched) {
        operation.reported = true;  // it is a service now: its end is the watch's business
        reply(Executed{.id = operation.id, .executed_at = sys::boot_now()});
    }
}

void ExecServer::on_exit(Serial serial, Operation& operation) {
    siginfo_t info{};
    const int waited =
        ::waitid(P_PIDFD, static_cast<id_t>(operation.child.pidfd.get()), &info, WEXITED | WNOHANG);
    if (waited != 0 || info.si_pid == 0) return;
    // The status pipe tells apart "could not execute" from "exited with 127".
    if (operation.child.status.is_open()) {
        ChildFault fault;
        const ssize_t got = ::read(operation.child.status.get(), &fault, sizeof fault);
        if (got == static_cast<ssize_t>(sizeof fault)) operation.fault = fault;
    }
    read_pipe(operation.output_pipe, operation.output, kRoundsAtEnd);
    read_pipe(operation.errors_pipe, operation.errors, kRoundsAtEnd);
    const bool exited = info.si_code == CLD_EXITED;
    if (operation.fault && !operation.timed_out && !operation.killed && !operation.reported) {
        fail(operation.id, reason_of(*operation.fault), text_of(*operation.fault, operation.path));
    } else if (!operation.reported) {
        report(operation, exited ? info.si_status : 0, exited ? 0 : info.si_status);
    }
    for (sys::Fd* fd : {&operation.child.pidfd, &operation.child.status, &operation.output_pipe,
                        &operation.errors_pipe, &operation.input_pipe}) {
        forget(*fd);
    }
    groups_.finish(std::move(operation.group));
    operations_.erase(serial);
}

void ExecServer::report(Operation& operation, std::int32_t exit_code, std::int32_t signal) {
    Done done;
    done.id = operation.id;
    done.exit_code = exit_code;
    done.signal = signal;
    done.timed_out = operation.timed_out;
    done.killed = operation.killed;
    done.output_cut = operation.output.is_cut() || operation.errors.is_cut();
    done.exit_reason = operation.errors.exit_reason();
    done.output = operation.output.take_text();
    done.errors = operation.errors.take_text();
    done.queued_at = operation.queued_at;
    done.started_at = operation.started_at;
    done.ended_at = sys::boot_now();
    operation.reported = true;
    reply(done);
}

void ExecServer::on_deadlines() {
    std::uint64_t expirations = 0;
    // Only to make it unreadable again; how often it fired does not matter.
    [[maybe_unused]] const ssize_t got = ::read(timer_.get(), &expirations, sizeof expirations);
    const Instant now = sys::boot_now();
    for (auto& [serial, operation] : operations_) {
        if (!operation.deadline || *operation.deadline > now) continue;
        if (!operation.timed_out && !operation.killed) {
            operation.timed_out = true;
            kill_all(operation);
            operation.deadline = now + kDeathGrace;
        } else {
            operation.deadline.reset();
            report(operation, 0, SIGKILL);
        }
    }
}

void ExecServer::kill_all(const Operation& operation) const {
    const pid_t pid = operation.child.pid;
    const bool by_group = CgroupTree::kill(operation.group);
    // The leader has not been waited for, so neither its number nor its group's can be another's.
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
    if (by_group) return;
    for (int scan = 0; scan < kSessionScansMax && kill_session(pid) > 1; ++scan) {
    }
}

void ExecServer::arm_timer() {
    std::optional<Instant> next;
    for (const auto& [serial, operation] : operations_) {
        if (operation.deadline && (!next || *operation.deadline < *next)) next = operation.deadline;
    }
    itimerspec when{};
    if (next) {
        const std::int64_t ns = std::max<std::int64_t>(next->time_since_epoch().count(), 1);
        when.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        when.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    }
    XB_CHECK(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

void ExecServer::watch(int fd, Source source, Serial serial, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = pack(static_cast<std::uint8_t>(source), serial);
    // Only out of memory or past max_user_watches can fail here: without the event an operation
    // would never be answered, so this process must not go on.
    XB_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void ExecServer::forget(sys::Fd& fd) {
    if (!fd.is_open()) return;
    // By hand: a forked child that has not executed yet still holds a copy, which would keep the
    // registration alive after the close.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr);
    fd = sys::Fd();
}

ExecServer::Operation* ExecServer::find(OperationId id) {
    for (auto& [serial, operation] : operations_) {
        if (operation.id == id && !operation.reported) return &operation;
    }
    return nullptr;
}

void ExecServer::shut_down() {
    for (const auto& [serial, operation] : operations_) {
        if (!operation.launched) kill_all(operation);
    }
    const Instant end = sys::boot_now() + kDeathGrace;
    for (auto& [serial, operation] : operations_) {
        if (operation.launched) continue;
        // Their groups can only be removed once they are gone; what will not die is left to the
        // next xbeat-exec.
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - sys::boot_now());
        pollfd ending{.fd = operation.child.pidfd.get(), .events = POLLIN, .revents = 0};
        ::poll(&ending, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(operation.child.pidfd.get()), &info, WEXITED | WNOHANG);
        groups_.discard(std::move(operation.group));
    }
    if (is_door_ours()) ::unlink(will_socket(options_.run_dir).c_str());
    groups_.close();
}

}  // namespace xbeat::agent
