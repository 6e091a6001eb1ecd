// systemd's units as resources: class `systemd`, over D-Bus, without a process.
//
// It speaks to systemd's own socket (as systemctl(1) does for root), so no bus daemon has to run.
// Starting a unit first writes a run-time drop-in that keeps systemd from restarting it by itself
// (recovery is the cluster's), a stop removes it again; nothing is ever enabled. A start or stop is
// over when its job is, a monitor asks ActiveState and waits while the unit is between two states.
// Requests and replies are those of xbeat-exec. If systemd goes away, what runs fails and the next
// run connects anew.
// Source: org.freedesktop.systemd1(5); "Pacemaker Explained", section "Systemd".
#pragma once

#include <systemd/sd-bus.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/exec_protocol.h"
#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::agent {

class Units {
public:
    struct Options {
        std::string socket = "/run/systemd/private";
        std::string drop_in_root = "/run/systemd/system";
        Duration poll_pause = std::chrono::milliseconds(200);  // while a unit changes its state
    };

    /// Connects to nothing yet. Code::System if the kernel refuses.
    static Result<Units> create(Options options);
    Units(Units&&) noexcept;
    Units& operator=(Units&&) noexcept;
    ~Units();

    /// Begins an action of the unit spawn.type (".service" is added where no ending of a unit is
    /// given): start, stop, monitor (status), reload. Done or Failed comes from receive().
    void start(const Spawn& spawn, Instant now);
    /// The run's Done says `killed`; what systemd does goes on. Unknown ids are ignored.
    void kill(OperationId id, Instant now);

    /// Readable when receive() has something to do.
    [[nodiscard]] int fd() const { return epoll_.get(); }
    std::vector<Reply> receive(Instant now);
    [[nodiscard]] std::size_t in_flight() const { return runs_.size(); }

    /// "nginx" -> "nginx.service"; names that end as a unit's do stay.
    [[nodiscard]] static std::string unit_name(std::string_view type);

    struct Call;  // one method call under way; private to units.cc

private:
    enum class Stage : std::uint8_t { Reload, Job, Ask, Between };
    struct Run {
        std::string unit;
        std::string action;
        Stage stage = Stage::Ask;
        std::string job;         // its path while stage is Job
        std::string job_result;  // known before the path was
        Instant started_at{};
        Instant deadline{};
        Instant ask_at{};  // stage Between
    };

    Units() = default;
    Result<void> connect();
    void disconnect(const std::string& why);
    void begin(OperationId id, Run& run);
    void call(OperationId id, const char* path, const char* interface, const char* method,
              const char* signature, const std::string& text);
    void answered(OperationId id, sd_bus_message* message);
    void job_removed(sd_bus_message* message);
    void job_ended(OperationId id, const std::string& result);
    void state_known(OperationId id, const std::string& state);
    void ask_state(OperationId id);
    void finish(OperationId id, int code, std::string reason);
    void lose(OperationId id, const std::string& why);
    void expire(Instant now);
    void arm(Instant now);
    Result<void> write_drop_in(const std::string& unit) const;
    void remove_drop_in(const std::string& unit) const;
    static int on_reply(sd_bus_message* message, void* data, sd_bus_error* error);
    static int on_job_removed(sd_bus_message* message, void* data, sd_bus_error* error);

    Options options_;
    sys::Fd epoll_;
    sys::Fd timer_;
    struct BusDeleter {
        void operator()(sd_bus* bus) const;
    };
    std::unique_ptr<sd_bus, BusDeleter> bus_;
    int watched_ = -1;  // the bus's descriptor in the epoll set
    std::map<OperationId, Run> runs_;
    std::map<OperationId, std::unique_ptr<Call>> calls_;
    std::map<std::string, std::string> early_results_;  // of jobs whose path is not known yet
    std::vector<Reply> replies_;
    Instant now_{};
};

}  // namespace xbeat::agent
