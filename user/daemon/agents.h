// Runs of agents: who runs them, and what came of it, in the manager's words.
//
// Through xbeat-exec for everything that is a program; nothing here blocks. Each run that was taken
// up is answered by exactly one AgentDone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/exec_client.h"
#include "core/note.h"
#include "node/event.h"
#include "node/output.h"
#include "ring/ring.h"

namespace xbeat::daemon {

class Agents {
public:
    Agents(agent::ExecClient exec, ring::Ring& ring);

    /// Takes up a run; its AgentDone comes from take(), also if it could not be started.
    void run(const node::RunAgent& run, Instant now);
    /// The run's AgentDone will say Killed, unless it has ended already.
    void kill(OperationId operation);
    void unwatch(const std::string& resource);
    /// Handles a completion whose token has ExecReplies.
    void complete(const ring::Completion& completion, Instant now);

    [[nodiscard]] std::vector<node::Event> take();
    [[nodiscard]] std::vector<Note> take_notes();
    [[nodiscard]] bool executor_alive() const { return exec_.pid() != 0; }
    [[nodiscard]] int executor_pid() const { return exec_.pid(); }
    [[nodiscard]] std::uint64_t executor_restarts() const { return exec_.restarts(); }

private:
    void arm();
    void receive(Instant now);
    void take_reply(agent::Reply reply, Instant now);
    void answer(OperationId operation, node::AgentStatus status, std::string reason, Instant now);

    agent::ExecClient exec_;
    ring::Ring& ring_;
    std::uint64_t restarts_noted_ = 0;
    std::vector<node::Event> events_;
    std::vector<Note> notes_;
};

/// The request for xbeat-exec. Invalid for a class it does not know or values that it cannot pass.
[[nodiscard]] Result<agent::Spawn> make_spawn(const node::RunAgent& run);

/// What xbeat-exec answered, as the manager is told it.
[[nodiscard]] node::AgentDone make_done(const agent::Done& done);
[[nodiscard]] node::AgentDone make_done(const agent::Failed& failed, Instant now);

}  // namespace xbeat::daemon
