// The built-in agents in one place: what has provider "xbeat" runs here, in process, and not in
// xbeat-exec.
//
// The host owns one epoll set and one timer and drives any number of runs; poll fd() for input and
// call receive(). Requests and replies are those of xbeat-exec, so that the caller treats both
// alike:
//   run      if (Builtins::has(provider, type)) builtins.start(spawn), else exec.send(spawn)
//   replies  of xbeat-exec are offered to consume() first: it takes those of a launch of its own
//   hold     xbeat:process answers Spawned like a held agent; after the watch was added the caller
//   sends
//            Release{id} to xbeat-exec as for any other
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/builtin/announce.h"
#include "agent/builtin/probe.h"
#include "agent/builtin/process_record.h"
#include "agent/builtin/run.h"
#include "agent/builtin/vip.h"
#include "agent/exec_protocol.h"
#include "core/result.h"
#include "sys/fd.h"

namespace xbeat::agent {

class Builtins {
public:
    struct Options {
        std::string run_dir = "/run/xbeat";  // records of processes are in RUN_DIR/process
        // Hands a request to xbeat-exec: ExecClient::send.
        std::function<Result<void>(const Request&)> send = {};
    };

    /// Code::System if the kernel refuses. Requires: options.send.
    static Result<Builtins> create(Options options);

    Builtins(Builtins&&) noexcept;
    Builtins& operator=(Builtins&&) noexcept;
    ~Builtins();

    /// This agent is built in: provider "xbeat", type "VIP", "process", "ping", "disk" or
    /// "link".
    [[nodiscard]] static bool has(std::string_view provider, std::string_view type);

    /// Begins one action of ocf:xbeat:TYPE; Done or Failed comes from receive(), perhaps at once.
    /// agent_class, environment and input are not looked at. Code::Exists if a run of that id is
    /// under way, Code::Limit past kOperationsMax; then no reply comes.
    Result<void> start(const Spawn& spawn, Instant now);

    /// Ends the run at once; its Done says `killed`. Unknown ids are ignored.
    void kill(OperationId id, Instant now);

    /// Takes a reply of xbeat-exec if it belongs to a run here. True if it did.
    bool consume(const Reply& reply, Instant now);

    /// Readable when receive() has something to do. The same for the life of this object.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    /// Drives everything that is due; the replies since the last call, in order. Never blocks.
    std::vector<Reply> receive(Instant now);

    /// The attributes that probes want set, since the last call.
    std::vector<builtin::AttributeUpdate> take_attributes() {
        return std::exchange(attributes_, {});
    }

    [[nodiscard]] std::size_t in_flight() const { return runs_.size(); }
    /// Announcements that go on in the background.
    [[nodiscard]] std::size_t announcing() const { return announcements_.size(); }

private:
    struct Active {
        std::unique_ptr<builtin::Run> run;
        int fd = -1;
        std::optional<Instant> wake_at;
        Instant deadline{};
        Instant started_at{};
    };
    using Place = std::map<OperationId, Active>::iterator;

    Builtins() = default;
    std::unique_ptr<builtin::Run> make_run(const Spawn& spawn);
    void take(Place at, builtin::Step step, Instant now);
    void finish(Place at, const builtin::Outcome& outcome, Instant now);
    void give_up(Place at, bool timed_out, Instant now);
    void wait_on(Active& active, int fd);
    void resume_ready(int fd, Instant now);
    void resume_due(Instant now);
    void announce_due(Instant now);
    void arm_timer();
    void make_readable();

    Options options_;
    sys::Fd epoll_;
    sys::Fd timer_;
    std::unique_ptr<builtin::VipTools> vip_;
    std::unique_ptr<builtin::ProcessRecords> records_;
    std::map<OperationId, Active> runs_;
    std::map<int, std::size_t> waited_on_;  // descriptors in the epoll set, and by how many runs
    std::vector<builtin::Announcement> announcements_;
    std::unique_ptr<builtin::ProbeMarks> marks_;
    std::vector<builtin::AttributeUpdate> attributes_;
    std::vector<Reply> replies_;
    bool readable_ = false;  // replies wait: the timer is set to the past
};

}  // namespace xbeat::agent
