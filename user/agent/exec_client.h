// xbeatd's end of xbeat-exec: starts it, speaks with it without blocking, and starts it again if it
// dies.
//
// Poll fd() for input (it stays the same descriptor for ever: an epoll set that holds whatever
// socket is in use, for reading and, while something waits, for writing) and call receive().
// Nothing here blocks. If xbeat-exec ends, every operation in flight is answered with
// Failed{ExecutorDied}: its process got SIGKILL (PR_SET_PDEATHSIG, and the next xbeat-exec kills
// the control group), so it is not running on unseen, but how far it came is unknown: monitor
// before anything else. Launched programs and daemons that agents left behind live on.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "agent/exec_protocol.h"
#include "core/result.h"
#include "core/time.h"
#include "sys/fd.h"

namespace xbeat::agent {

class ExecClient {
public:
    struct Options {
        std::string program = "/usr/libexec/xbeat/xbeat-exec";
        std::string ocf_root = "/usr/lib/ocf";
        std::string fence_directory = "/usr/sbin";
        std::string lsb_directory = "/etc/init.d";
        std::string shim_directory = {};  // first in PATH, and HA_SBIN_DIR; empty: /usr/sbin
        std::string temporary_directory = "/run/resource-agents";  // HA_RSCTMP; made if missing
        std::string log_file = {};  // HA_LOGFILE of agents; empty: they log nowhere
        std::string instance =
            "default";                   // control groups are below xbeat/INSTANCE: one per daemon
        std::string run_dir = {};        // of xbeatd, for a last will; empty: none can be left
        std::uint32_t restarts_max = 5;  // within restart_window; then send() says Unavailable
        Duration restart_window = std::chrono::seconds(10);
    };

    /// Starts xbeat-exec. Call before threads, locked memory and real-time priority where possible
    /// (a restart later uses posix_spawn(3), which copies none of them).
    /// Code::NotFound if the program does not exist, Code::System if the kernel refuses.
    static Result<ExecClient> start(Options options);

    ExecClient(ExecClient&& other) noexcept;
    ExecClient& operator=(ExecClient&&) = delete;
    ExecClient(const ExecClient&) = delete;
    ExecClient& operator=(const ExecClient&) = delete;
    /// Closes the socket: xbeat-exec then kills all running actions and ends. Waits for it, at most
    /// 2 s; but not if a last will is in force: then xbeat-exec stays.
    ~ExecClient();

    /// Readable when receive() has something to do. Stays the same across restarts.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    /// Hands over one request; what the socket does not take now is sent from receive().
    /// Code::Exists if an operation of that id runs, Code::Limit for a request past its limits or a
    /// backlog past kBacklogBytesMax, Code::Unavailable if xbeat-exec died too often. After an
    /// error nothing was sent and no reply will come.
    Result<void> send(const Request& request);

    /// Leaves a will in place of the one before; one without stops takes it back. It is left again
    /// to an xbeat-exec that had to be started anew. Code::Limit, Code::Unavailable as send();
    /// after an error the will of before is in force.
    Result<void> leave_will(const Will& will);
    /// The daemon makes progress: to be said at least once in a second while a will is in force.
    /// Says nothing where none is.
    void say_alive();
    [[nodiscard]] bool has_will() const { return !will_.empty(); }

    /// All replies that are there now, in order; empty if none. Does not block. That xbeat-exec
    /// died is no error: it is reported per operation, and a new one is started (one that breaks
    /// the protocol and does not end is waited for, at most 2 s). Code::Unavailable if none runs
    /// and it died too often.
    Result<std::vector<Reply>> receive();

    /// The running xbeat-exec, for logs and tests; 0 if none.
    [[nodiscard]] pid_t pid() const { return child_; }
    /// How often it had to be started again.
    [[nodiscard]] std::uint64_t restarts() const { return restarts_; }
    /// Operations that have been sent and not yet been answered with Done or Failed (or, for
    /// launched programs, Executed).
    [[nodiscard]] std::size_t in_flight() const { return running_.size(); }

    static constexpr std::size_t kBacklogBytesMax = std::size_t{16} << 20U;

private:
    ExecClient(Options options, sys::Fd epoll);
    Result<void> spawn_child();
    Result<void> put(std::string frame);
    void flush();
    void read_replies(std::vector<Reply>& replies);
    void account(const Reply& reply);
    void bury(std::vector<Reply>& replies, const std::string& why);
    Result<void> revive();
    void end_child();

    Options options_;
    sys::Fd epoll_;
    sys::Fd socket_;
    pid_t child_ = 0;
    std::uint64_t restarts_ = 0;
    std::deque<Instant> restart_times_;  // within the window
    FrameReader<Reply> reader_;
    std::string backlog_;  // encoded requests the socket has not taken yet
    std::string will_;     // encoded; empty: none is in force
    bool writing_ = false;
    std::set<OperationId> running_;
    std::set<OperationId> launched_;  // those of them that are Launch
};

}  // namespace xbeat::agent
