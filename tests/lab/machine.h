// One machine of the lab: its cables, its kernel's view (namespaces) and its processes.
//
// Switching on builds a new network namespace (a machine that starts has no leftover addresses and
// no BPF programs), plugs the cables into the switch's bridges and starts a small init as PID 1 in
// its own mount, PID, UTS, IPC and cgroup namespaces. Switching off cuts all cables silently, kills
// every process and returns only when none will run an instruction of its program any more; the
// kernel then takes its time to clear them away. What survives is what a disk keeps: /etc, /var/lib
// and /var/log of the machine, in its folder.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "lab/port.h"
#include "sys/fd.h"

namespace xbeat::lab {

/// What all machines of one lab share.
struct Site {
    std::string prefix = "xb-";  // of the network namespaces' names
    std::string directory;       // the lab's folder, on a file system that can carry an overlay
    std::string programs;        // where xblab-init is
    std::string cgroup;          // the lab's folder in the cgroup2 tree; empty: no cgroup2 to write
};

struct MachineSpec {
    std::string name;
    unsigned id = 0;                   // the last byte of its addresses; 1..254
    std::vector<std::string> links;    // svc, ic0, ic1: 10.77.0.ID, 10.77.1.ID, 10.77.2.ID
    std::vector<std::string> program;  // what init keeps running; empty: nothing
};

class Machine {
public:
    Machine(const Site& site, MachineSpec spec) : site_(&site), spec_(std::move(spec)) {}

    [[nodiscard]] const MachineSpec& spec() const { return spec_; }
    [[nodiscard]] std::string directory() const { return site_->directory + "/" + spec_.name; }
    [[nodiscard]] std::string namespace_name() const { return site_->prefix + spec_.name; }
    [[nodiscard]] std::string port(std::string_view link) const;
    [[nodiscard]] bool has_link(std::string_view link) const;

    [[nodiscard]] bool is_running() const { return init_.is_open() && !is_dying_; }
    [[nodiscard]] bool is_powered() const { return powered_; }
    [[nodiscard]] bool is_frozen() const { return frozen_; }
    /// Readable when PID 1 and with it every process of the machine is cleared away; then call
    /// bury(). -1 if there is none.
    [[nodiscard]] int init_fd() const { return init_.get(); }

    /// Starts the machine with fresh kernel state, once its last life is cleared away. Requires:
    /// not running.
    Result<void> boot(const PassAll& pass);

    /// Cuts all cables silently and kills every process; returns when all of their threads are on
    /// their way out of the kernel. A frozen machine is thawed by its death. Code::Timeout after 5
    /// s.
    Result<void> crash();

    /// Waits until the dying machine's processes are cleared away. Code::Timeout after 5 s.
    Result<void> bury();

    /// As crash(), and the power is off.
    Result<void> power_off();

    /// What a crashed machine's kernel still holds (addresses, programs, a circling packet) goes:
    /// its namespace is replaced by an empty one of the same name.
    Result<void> scrap();

    /// Stops or continues every process of the machine; its kernel goes on.
    Result<void> freeze();
    Result<void> thaw();

    /// SIGKILL to every process that is called `process` (or has that PID in the machine).
    /// Returns how many there were; Code::NotFound if none.
    Result<unsigned> kill_process(std::string_view process) const;

    /// SIGUSR1 tells init to start its program, SIGUSR2 to stop it.
    Result<void> signal_init(int signal) const;

private:
    [[nodiscard]] std::string cgroup() const;
    [[nodiscard]] std::vector<pid_t> processes() const;
    Result<void> plug_in(const PassAll& pass) const;
    Result<void> start_init();
    Result<void> signal_all(int signal) const;
    [[nodiscard]] bool is_harmless() const;
    [[nodiscard]] Error does_not_die() const;

    const Site* site_;
    MachineSpec spec_;
    sys::Fd init_;  // pidfd of PID 1
    pid_t init_pid_ = -1;
    ino_t pid_space_ = 0;  // names its PID namespace
    bool is_dying_ = false;
    bool powered_ = false;
    bool frozen_ = false;
};

/// Runs a program with these arguments and this text on its standard input; Code::System with its
/// standard error if it does not exit 0. For `ip`, which knows every kind of link.
Result<void> run(const std::vector<std::string>& arguments, std::string_view input = {});

}  // namespace xbeat::lab
