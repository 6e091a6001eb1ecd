#include "agent/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "core/text.h"
#include "sys/system_error.h"

namespace xbeat::agent {
namespace {

constexpr int kStatusFd = 3;  // where the child keeps what it needs until it executes
constexpr int kGateFd = 4;
constexpr int kProgramFd = 5;
constexpr int kFirstForeignFd = 6;
constexpr int kSafeFd = 64;  // copies are first made above all of these

struct Pipe {
    sys::Fd reading;
    sys::Fd writing;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys::system_error("making a pipe");
    return Pipe{sys::Fd(ends[0]), sys::Fd(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

// Everything below runs in the child and must not return to the server's code.

[[noreturn]] void give_up(ChildFault::Stage stage) {
    const ChildFault fault{stage, errno};
    // The parent reads it or is gone; nobody else could be told.
    [[maybe_unused]] const ssize_t told = ::write(kStatusFd, &fault, sizeof fault);
    ::_exit(127);
}

// Puts each descriptor at its place. Copies go up first, so that no source is overwritten.
void arrange_descriptors(const ChildPlan& plan, int status, int gate) {
    const std::array<int, 6> sources = {
        plan.standard_input, plan.standard_output, plan.standard_error, status, gate,
        plan.program_fd};
    std::array<int, 6> copies{};
    for (std::size_t i = 0; i < sources.size(); ++i) {
        copies[i] = sources[i] < 0 ? -1 : ::fcntl(sources[i], F_DUPFD_CLOEXEC, kSafeFd);
        if (sources[i] >= 0 && copies[i] < 0) ::_exit(127);
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
        const int place = static_cast<int>(i);
        ::close(place);
        if (copies[i] < 0) continue;
        const int flags = place <= STDERR_FILENO ? 0 : O_CLOEXEC;
        if (::dup3(copies[i], place, flags) < 0) ::_exit(127);
    }
    // Closed, not only marked: a held child must not keep other operations' pipes open.
    if (::syscall(SYS_close_range, kFirstForeignFd, ~0U, 0) != 0) ::_exit(127);
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The server raised its own limit; programs that use select(2) count on the usual one.
void reset_files_max(rlim_t files_max) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

// A daemon that protects itself from the OOM killer does not protect what it starts.
void reset_oom_score() {
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    // Best effort: without /proc the score is inherited, which is what would happen anyway.
    [[maybe_unused]] const ssize_t written = ::write(file, "0", 1);
    ::close(file);
}

void take_identity(const Identity& identity) {
    if (::setgroups(identity.groups.size(), identity.groups.data()) != 0 ||
        ::setresgid(identity.gid, identity.gid, identity.gid) != 0 ||
        ::setresuid(identity.uid, identity.uid, identity.uid) != 0) {
        give_up(ChildFault::Stage::Identity);
    }
}

void wait_at_gate() {
    char byte = 0;
    ssize_t got = 0;
    do {
        got = ::read(kGateFd, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got != 1) ::_exit(127);  // the parent is gone or has changed its mind
    ::close(kGateFd);
}

[[noreturn]] void run_child(const ChildPlan& plan, int status, int gate, pid_t parent) {
    ::setsid();
    arrange_descriptors(plan, status, gate);
    if (!plan.outlives_us) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(127);  // it died before the line above
    }
    reset_signals();
    reset_oom_score();
    reset_files_max(plan.files_max);
    ::umask(022);
    if (plan.hold) wait_at_gate();
    std::vector<char*> arguments = pointers(plan.arguments);
    std::vector<char*> environment = pointers(plan.environment);
    if (plan.identity) take_identity(*plan.identity);
    if (::chdir(plan.directory.c_str()) != 0) give_up(ChildFault::Stage::Directory);
    if (plan.program_fd >= 0) {
        ::syscall(SYS_execveat, kProgramFd, "", arguments.data(), environment.data(),
                  AT_EMPTY_PATH);
    } else {
        ::execve(plan.path.c_str(), arguments.data(), environment.data());
    }
    give_up(ChildFault::Stage::Execute);
}

// fork(2) with a pidfd, born in its control group. Plain copy of the whole process: the server
// is small and has one thread, and a held child must not suspend it as vfork would.
long clone_process(int control_group, int* pidfd) {
    clone_args arguments{};
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
    arguments.exit_signal = SIGCHLD;
    if (control_group >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(control_group);
    }
    return ::syscall(SYS_clone3, &arguments, sizeof arguments);
}

}  // namespace

Result<Identity> find_user(const std::string& name) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr) {
        if (error != 0) return sys::system_error(concat("looking up user ", name), error);
        return Error{.code = Code::NotFound, .context = concat("there is no user ", name)};
    }
    Identity identity{.uid = entry.pw_uid, .gid = entry.pw_gid, .groups = {}};
    int count = 0;
    ::getgrouplist(name.c_str(), entry.pw_gid, nullptr, &count);
    identity.groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), entry.pw_gid, identity.groups.data(), &count) < 0) {
        return Error{.code = Code::Conflict,
                     .context = concat("the groups of user ", name, " changed while read")};
    }
    identity.groups.resize(static_cast<std::size_t>(count));
    return identity;
}

Result<Child> fork_child(const ChildPlan& plan) {
    Pipe status = XB_TRY(make_pipe());
    Pipe gate;
    if (plan.hold) gate = XB_TRY(make_pipe());
    const pid_t parent = ::getpid();
    int pidfd = -1;
    long pid = clone_process(plan.control_group, &pidfd);
    // The group may have been removed from outside; the action matters more than its group.
    if (pid < 0 && plan.control_group >= 0) pid = clone_process(-1, &pidfd);
    if (pid < 0) return sys::system_error("starting a process");
    if (pid == 0) run_child(plan, status.writing.get(), gate.reading.get(), parent);
    Child child;
    child.pid = static_cast<pid_t>(pid);
    child.pidfd = sys::Fd(pidfd);
    child.status = std::move(status.reading);
    child.gate = std::move(gate.writing);
    return child;
}

}  // namespace xbeat::agent
