// The host of the manager: events in, outputs carried out in the order that output.h gives.
//
// It owns the Node and knows the parts that act; it decides nothing. Not to be called from itself:
// what an output brings about at once comes back through the parts, at the next turn of the loop.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "daemon/agents.h"
#include "daemon/arbiter.h"
#include "daemon/lease_guard.h"
#include "daemon/log.h"
#include "daemon/reflex.h"
#include "heart/heart.h"
#include "net/peers.h"
#include "node/node.h"
#include "store/past.h"
#include "store/recorder.h"
#include "store/store.h"

namespace xbeat::daemon {

class Host {
public:
    /// The parts outlive the host.
    struct Parts {
        store::Store& store;
        store::Past& past;
        net::Peers& peers;
        heart::Heart& heart;
        Reflex& reflex;
        Agents& agents;
        Arbiter& arbiter;
        LeaseGuard& guard;
        Log& log;
        store::Recorder* recorder;  // null: this run is not recorded
    };

    Host(node::Options options, Parts parts);

    /// One step, and everything that it wants done.
    void handle(const node::Event& event);
    /// Prints, stores and counts a note, the manager's or the daemon's own.
    void note(const Note& note);

    /// The manager's next deadline.
    [[nodiscard]] std::optional<Instant> wake_at() const { return wake_at_; }
    [[nodiscard]] std::vector<node::Reply> take_replies();
    /// The manager wants the daemon to end with success: the heart is to be stopped.
    /// Set once the manager wants the end.
    [[nodiscard]] const std::optional<node::Exit>& exit() const { return exit_; }
    [[nodiscard]] const node::Node& node() const { return node_; }

private:
    [[nodiscard]] node::Output step(node::Now now, const node::Event& event);
    void carry_out(node::Output output, Instant now);
    void command(const node::Command& command, Instant now);
    [[nodiscard]] bool lease_command(const node::Command& command);
    void remember(const std::vector<Note>& notes);

    node::Node node_;
    Parts parts_;
    std::optional<Instant> wake_at_;
    std::vector<node::Reply> replies_;
    std::string configuration_;  // version of the last one that was handed to the past
    std::optional<node::Exit> exit_;
};

}  // namespace xbeat::daemon
