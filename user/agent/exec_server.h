// xbeat-exec: the only process that runs agents.
//
// One thread, one epoll set: the channel to xbeatd, one timer for the nearest deadline, and for
// each operation its pidfd and its pipes. epoll rather than io_uring: this process must work where
// io_uring is switched off (kernel.io_uring_disabled), it does a handful of calls per action, and
// it forks, which wants a small address space.
//
// At its time-out an action gets SIGKILL at once, with everything that it started: its control
// group, its process group and, without a control group, its session. No SIGTERM first: Pacemaker's
// executor does the same, and whoever set the time-out counts the recovery from then on. If it does
// not die within a second (a process in uninterruptible sleep), it is reported as timed out all the
// same. When an action ends by itself, nothing is killed: the daemons that it started are the
// service.
//
// When the channel ends (xbeatd died or left), all running actions are killed and the process
// exits; launched programs and services live on. Unless it was left a last will (last_will.h): then
// it stays, and carries the will out if that becomes due, until a successor of the daemon comes and
// asks at its socket. A will may also become due while the channel is there, because the daemon
// hangs. From its beginning on no request is served: whoever left it has to end, and its successor
// begins with probes, when the last stop has ended (decision 0047).
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/allow_list.h"
#include "agent/builtin/builtins.h"
#include "agent/cgroup.h"
#include "agent/child.h"
#include "agent/environment.h"
#include "agent/exec_protocol.h"
#include "agent/last_will.h"
#include "agent/output.h"
#include "agent/units.h"
#include "core/result.h"
#include "core/time.h"
#include "sys/fd.h"

namespace xbeat::agent {

class ExecServer {
public:
    struct Options {
        AllowedRoots roots;
        EnvironmentOptions environment;
        std::string instance = "default";  // of the control groups, see CgroupTree
        rlim_t child_files_max = 1024;     // soft limit of open files that children get
        std::string run_dir = {};  // xbeatd's, for the socket of a will; empty: no will is taken
    };

    /// Takes over the channel (a connected stream socket). Code::System if the kernel refuses.
    static Result<ExecServer> create(Options options, sys::Fd channel);

    /// Serves until the channel ends. Code::Corrupt if the other side broke the protocol, else
    /// Code::System; running actions have been killed in any case.
    Result<void> run();

    static constexpr Duration kDeathGrace = std::chrono::seconds(1);

private:
    struct Operation {
        OperationId id;
        bool launched = false;
        bool timed_out = false;
        bool killed = false;
        bool reported = false;  // its last reply was sent although the process lives
        std::string path;       // for error texts
        Child child;
        sys::Fd output_pipe;
        sys::Fd errors_pipe;
        sys::Fd input_pipe;
        std::string input;
        std::size_t input_at = 0;
        Output output;
        Output errors;
        std::optional<ChildFault> fault;
        CgroupLeaf group;
        Instant queued_at{};
        Instant started_at{};
        std::optional<Instant> deadline;
    };
    enum class Source : std::uint8_t {
        Channel,
        Timer,
        Exit,
        Status,
        Output,
        Errors,
        Input,
        Look,      // at the lease, for a will
        Heir,      // a successor knocks
        Builtins,  // what a will stops in this process
        Units,
    };
    /// What the daemon left to be stopped without it.
    struct LastWill {
        Will left;
        WillWatch watch{Duration{}};
        std::optional<WillRun> run;  // once it is carried out
        bool is_told = false;        // that it has ended
        bool is_blind = false;       // the lease cannot be read; noted once
        ino_t door_number = 0;       // of the socket's file
        sys::Fd looks;               // a timer
        sys::Fd door;                // listens at will_socket()
        sys::Fd heir;                // the successor that waits for the end
        std::optional<Builtins> builtins;
        std::optional<Units> units;
    };
    using Serial = std::uint32_t;

    ExecServer(Options options, sys::Fd channel);

    void handle(Spawn spawn);
    void handle(Launch launch);
    void handle(const Release& release);
    void handle(const Kill& kill);
    void handle(const Metadata& metadata);
    void handle(Will will);
    void handle(const Alive& alive);
    void start(Operation operation, ChildPlan plan, const std::string& group);
    bool admit(OperationId id);

    Result<void> dispatch(std::uint64_t token);
    Result<void> read_channel();
    Result<void> send_replies();
    void reply(const Reply& message);
    void fail(OperationId id, FailReason reason, std::string text);

    void read_pipe(sys::Fd& pipe, Output& into, int rounds);
    void write_input(Operation& operation);
    void read_status(Operation& operation);
    void on_exit(Serial serial, Operation& operation);
    void report(Operation& operation, std::int32_t exit_code, std::int32_t signal);
    void on_deadlines();
    void kill_all(const Operation& operation) const;
    void kill_for_good(Operation& operation) const;
    void arm_timer();
    void watch(int fd, Source source, Serial serial, std::uint32_t events);
    void forget(sys::Fd& fd);
    Operation* find(OperationId id);
    void shut_down();

    // exec_will.cc
    Result<void> open_door();
    [[nodiscard]] bool is_door_ours() const;
    [[nodiscard]] bool has_successor() const;
    void channel_ended();
    void look();
    void begin_will();
    void advance_will();
    void begin_stop(std::uint32_t place);
    bool take_end_of_stop(const Reply& message);
    void admit_heir();
    void tell_heir(const WillNews& news);
    [[nodiscard]] bool has_begun_will() const { return will_.run.has_value(); }
    [[nodiscard]] bool is_running_for_daemon() const;

    Options options_;
    pid_t daemon_ = 0;  // our parent at the start
    sys::Fd channel_;
    sys::Fd epoll_;
    sys::Fd timer_;
    CgroupTree groups_;
    FrameReader<Request> reader_;
    std::string replies_;               // encoded, not yet taken by the socket
    std::size_t replies_at_ = 0;        // how much of them it has taken
    std::uint32_t channel_events_ = 0;  // what epoll is asked for
    bool ended_ = false;
    Serial next_serial_ = 1;
    std::map<Serial, Operation> operations_;
    LastWill will_;
};

}  // namespace xbeat::agent
