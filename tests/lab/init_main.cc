// xblab-init: PID 1 of a machine of the lab.
//
//   xblab-init LOG [PROGRAM [ARGUMENT...]]
//
// It reaps what is orphaned and keeps one program running as systemd's Restart=on-failure would: a
// clean exit (0, SIGTERM, SIGINT, SIGHUP) stays stopped, and so do 64 and 78 (wrong command line or
// configuration), which no restart mends. SIGUSR1 starts the program again, SIGUSR2 stops it. What
// the program writes goes to LOG, with init's own lines between.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "core/text.h"
#include "sys/boot_clock.h"

namespace {

using namespace std::chrono_literals;
using xbeat::concat;
using xbeat::Duration;
using xbeat::Instant;

constexpr int kUsage = 64;
constexpr int kConfig = 78;
constexpr Duration kRestartFirst = 20ms;
constexpr Duration kRestartLast = 1s;
constexpr Duration kHealthy = 1s;  // who lived so long is started again without delay growing

class Keeper {
public:
    explicit Keeper(std::vector<char*> program) : program_(std::move(program)) {}

    void start() {
        if (program_.empty() || child_ > 0) return;
        waiting_ = false;
        wanted_ = true;
        started_at_ = xbeat::sys::boot_now();
        child_ = ::fork();
        if (child_ == 0) become_program();
        note(child_ > 0 ? "started" : "cannot fork");
    }

    void stop() {
        wanted_ = false;
        waiting_ = false;
        if (child_ > 0) ::kill(child_, SIGTERM);
    }

    /// Takes in one reaped process.
    void ended(pid_t pid, int status) {
        if (pid != child_) return;
        child_ = -1;
        note(WIFSIGNALED(status) ? concat("ended by signal ", WTERMSIG(status))
                                 : concat("ended with status ", WEXITSTATUS(status)));
        if (!wanted_ || !is_failure(status)) return;
        const Instant now = xbeat::sys::boot_now();
        delay_ = now - started_at_ >= kHealthy ? kRestartFirst : std::min(delay_ * 2, kRestartLast);
        restart_at_ = now + delay_;
        waiting_ = true;
    }

    /// How long to sleep until something is due; a negative duration: nothing is.
    [[nodiscard]] Duration until_restart() const {
        if (!waiting_) return -1ns;
        return std::max<Duration>(0ns, restart_at_ - xbeat::sys::boot_now());
    }

private:
    [[nodiscard]] static bool is_failure(int status) {
        if (WIFSIGNALED(status)) {
            const int signal = WTERMSIG(status);
            return signal != SIGTERM && signal != SIGINT && signal != SIGHUP;
        }
        const int code = WEXITSTATUS(status);
        return code != 0 && code != kUsage && code != kConfig;
    }

    [[noreturn]] void become_program() {
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::execvp(program_[0], program_.data());
        std::perror(program_[0]);
        ::_exit(kConfig);
    }

    void note(const std::string& what) const {
        const std::string line =
            concat("init at_ns=", xbeat::sys::boot_now().time_since_epoch().count(),
                   " program=", program_[0], " pid=", child_, " ", what, "\n");
        std::fputs(line.c_str(), stderr);
    }

    std::vector<char*> program_;  // ends with nullptr
    pid_t child_ = -1;
    bool wanted_ = false;
    bool waiting_ = false;
    Duration delay_ = kRestartFirst;
    Instant started_at_;
    Instant restart_at_;
};

void reap_into(Keeper& keeper) {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) keeper.ended(pid, status);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: xblab-init LOG [PROGRAM [ARGUMENT...]]\n", stderr);
        return kUsage;
    }
    const int log = ::open(argv[1], O_CREAT | O_WRONLY | O_APPEND, 0640);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (log < 0 || nothing < 0) {
        std::perror(argv[1]);
        return kConfig;
    }
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::close(log);
    ::close(nothing);
    ::setsid();
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGCHLD, SIGUSR1, SIGUSR2}) ::sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);

    std::vector<char*> program(argv + 2, argv + argc);
    if (!program.empty()) program.push_back(nullptr);
    Keeper keeper(std::move(program));
    keeper.start();
    for (;;) {
        const Duration wait = keeper.until_restart();
        const timespec limit{.tv_sec = wait / 1s, .tv_nsec = (wait % 1s).count()};
        const int signal = wait < 0ns ? ::sigwaitinfo(&signals, nullptr)
                                      : ::sigtimedwait(&signals, nullptr, &limit);
        if (signal == SIGCHLD) reap_into(keeper);
        if (signal == SIGUSR1) keeper.start();
        if (signal == SIGUSR2) keeper.stop();
        if (signal < 0 && keeper.until_restart() == 0ns) keeper.start();
    }
}
