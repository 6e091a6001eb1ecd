// Runs of agents: who runs them, and what came of it, in the manager's words.
//
// In process for what is built in (ocf:xbeat:*), through xbeat-exec for everything that is a
// program; nothing here blocks. Each run that was taken up is answered by exactly one AgentDone.
// The first run of an OCF agent also asks it for its metadata, beside the run; the run's AgentDone
// comes after what the agent says of itself. Around start and stop the watch follows the processes
// that a resource leaves behind: a child is held until it is watched, exits are reported from the
// start's success to the next stop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/builtin/builtins.h"
#include "agent/exec_client.h"
#include "agent/units.h"
#include "core/note.h"
#include "heart/watch.h"
#include "node/event.h"
#include "node/output.h"
#include "ring/ring.h"

namespace xbeat::daemon {

// Workers and connections of a service that end abnormally are reported this often for each
// resource; its main process always.
constexpr Duration kWorkerReportInterval = std::chrono::milliseconds(500);

class Agents {
public:
    /// What a last will needs besides its stops.
    struct WillTerms {
        std::string pins = {};  // the folder of the gate's pins; empty: leases are not used
        NodeId peer = {};
    };
    struct Parts {
        std::unique_ptr<agent::ExecClient> exec;  // where the builtins send to; they know its place
        agent::Builtins builtins;
        heart::Watch watch;
        WillTerms will;
    };
    Agents(Parts parts, ring::Ring& ring);

    /// Takes up a run; its AgentDone comes from take(), also if it could not be started.
    void run(const node::RunAgent& run, Instant now);
    /// The run's AgentDone will say Killed, unless it has ended already.
    void kill(OperationId operation, Instant now);
    /// The resource is to stop: what becomes of its processes is no news until it is started again.
    void unwatch(const std::string& resource);
    /// What xbeat-exec is to stop if this process cannot; see agent/last_will.h.
    void leave_will(const node::LeaveWill& will);
    /// At the clean end: nothing is to be stopped any more.
    void take_will_back();
    /// At each turn in which the manager made progress.
    void say_alive(Instant now);
    /// Looks whether xbeat-exec has begun to carry out the will; true if it has.
    bool hear_of_will(Instant now);
    /// It has: it takes no orders any more, and whoever left the will has to end.
    [[nodiscard]] bool is_overtaken() const { return is_overtaken_; }
    /// Handles a completion whose token has ExecReplies, BuiltinReplies or WatchEvents.
    void complete(const ring::Completion& completion, Instant now);

    [[nodiscard]] std::vector<node::Event> take();
    [[nodiscard]] std::vector<Note> take_notes();
    [[nodiscard]] bool executor_alive() const { return parts_.exec->pid() != 0; }
    [[nodiscard]] int executor_pid() const { return parts_.exec->pid(); }
    [[nodiscard]] std::uint64_t executor_restarts() const { return parts_.exec->restarts(); }

    /// How process exits are seen: by tracing, or why not.
    [[nodiscard]] std::string describe_watch() const;

private:
    /// A run whose end changes what is watched.
    enum class Watching : std::uint8_t {
        Start,  // it leaves processes behind: to be held and added
        Probe,  // it finds what an adopted watch knows, or that nothing is there
        Stop,   // it ends them
    };
    struct Watched {
        std::string resource;
        Watching kind = Watching::Start;
    };

    /// The metadata of one agent: as old as its file.
    struct Description {
        std::int64_t file_ns = 0;  // when the file was last changed
        bool is_asked = false;     // its answer is on the way
        std::vector<node::AgentDone> waiting;
    };

    void arm();
    void ask_metadata(const node::RunAgent& run);
    [[nodiscard]] bool take_metadata(const agent::Reply& reply);
    void deliver(node::AgentDone done);
    void receive(Instant now);
    void receive_builtins(Instant now);
    void run_unit(const node::RunAgent& run, Instant now);
    void receive_units(Instant now);
    void arm_units();
    void hold(OperationId operation, const agent::Spawned& spawned);
    void finish_watched(const node::AgentDone& done);
    void drain_watch();
    void take_exit(const heart::WatchEvent& event);
    void note_failure(const char* kind, const Result<void>& outcome);
    void take_reply(agent::Reply reply, Instant now);
    void answer(OperationId operation, node::AgentStatus status, std::string reason, Instant now);

    Parts parts_;
    ring::Ring& ring_;
    std::optional<agent::Units> units_;  // made by the first unit
    std::map<OperationId, std::string>
        lsb_runs_;  // to their actions: their codes mean other things
    std::uint64_t restarts_noted_ = 0;
    std::optional<Instant> alive_said_at_;
    bool is_overtaken_ = false;
    std::uint64_t lost_noted_ = 0;
    std::map<OperationId, Watched> watched_runs_;
    // The watch knows resources by a number made from the name, the same in every life of the
    // daemon. Names are learned from the runs; until then exits are no news, since a daemon that
    // has just started probes everything anyway.
    std::map<std::uint64_t, std::string> resources_;
    std::map<std::uint64_t, Instant> worker_reported_;
    std::map<std::string, Description> descriptions_;    // by "PROVIDER:TYPE"
    std::map<OperationId, std::string> metadata_runs_;   // ours, to the agents that they ask
    std::map<OperationId, std::string> described_runs_;  // the manager's that wait for one of them
    std::uint64_t next_metadata_ = 1;
    std::vector<node::Event> events_;
    std::vector<Note> notes_;
};

/// The request for xbeat-exec. Invalid for a class it does not know or values that it cannot pass.
[[nodiscard]] Result<agent::Spawn> make_spawn(const node::RunAgent& run);

/// The will that is left to xbeat-exec. A stop that it could not run is left out, with a word in
/// `trouble`, and nothing waits for it.
[[nodiscard]] agent::Will make_will(const node::LeaveWill& will, const Agents::WillTerms& terms,
                                    std::string& trouble);

/// The OCF code of an init script's exit code. Source: Linux Standard Base 5.0, "Init Script
/// Actions".
[[nodiscard]] int ocf_code_of_lsb(std::string_view action, int code);

/// What the class `service` means for a type on this node: "lsb" where there is an init script of
/// that name in `lsb_directory`, else "systemd".
[[nodiscard]] std::string resolve_service(std::string_view type, const std::string& lsb_directory);

/// The watch's number of a resource.
[[nodiscard]] std::uint64_t watch_cookie(std::string_view resource);

/// What xbeat-exec answered, as the manager is told it.
[[nodiscard]] node::AgentDone make_done(const agent::Done& done);
[[nodiscard]] node::AgentDone make_done(const agent::Failed& failed, Instant now);

}  // namespace xbeat::daemon
