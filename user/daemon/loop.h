// The manager thread's loop: see daemon.h. Made and run by run_daemon().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/server.h"
#include "daemon/agents.h"
#include "daemon/answers.h"
#include "daemon/arbiter.h"
#include "daemon/daemon.h"
#include "daemon/host.h"
#include "daemon/log.h"
#include "daemon/reflex.h"
#include "daemon/translate.h"
#include "net/peers.h"
#include "ring/ring.h"
#include "store/past.h"
#include "store/recorder.h"
#include "store/store.h"
#include "sys/fd.h"

namespace xbeat::daemon {

class Loop {
public:
    /// Everything that was made before the loop; outlives it.
    struct Parts {
        const Places& places;
        Config& config;
        ring::Ring& ring;
        sys::Fd& signals;  // a signalfd
        heart::Heart& heart;
        Reflex& reflex;
        store::Store& store;
        store::Past& past;
        net::Peers& peers;
        Agents& agents;
        Arbiter& arbiter;
        LeaseGuard& guard;
        control::Server& server;
        Log& log;
        store::Recorder* recorder;  // null: this run is not recorded
    };

    Loop(Parts parts, node::Options options, SelfReport self);

    /// Steps the manager's first event and goes on until the end.
    Result<Ending> run(node::Started started);

private:
    void arm_polls();
    void complete(const ring::Completion& completion);
    bool gather();  // news of all parts, once; whether there was any
    void settle();  // ... until there is none
    void arm_timer();
    void tick();

    void take_heart_events();
    void hear(const node::Event& event);
    void keep_verdict(const node::PeerVerdict& verdict);
    [[nodiscard]] Sources make_sources() const;
    void handle_netlink();
    void take_store();
    bool take_arbiter();
    void take_requests();
    void serve(control::Incoming incoming);
    void answer(const control::Incoming& incoming);
    void ask_events(const control::Incoming& incoming);
    void ask_history(const control::Incoming& incoming);
    void take_past();
    void request_change(control::Incoming incoming, node::RequestBody body);
    void take_replies();
    void stream(const store::EventRow& row);
    Result<void> flush();
    void take_signals();
    void leave();
    void reload();
    void report_to_systemd();
    void set_degraded(const std::string& what, const std::string& reason);

    struct Asked {
        control::Peer peer;
        std::string echo;
        bool follow = false;
        std::uint64_t last = 0;  // of the rows that a follower was sent
        control::Role role = control::Role::None;
    };

    Parts parts_;
    Host host_;
    SelfReport self_;
    HeartTranslator translator_;
    std::map<ClientId, Asked> changes_;         // requests that wait for the manager's reply
    std::map<std::uint64_t, Asked> questions_;  // for events, that wait for the store
    std::map<control::Peer, Asked> followers_;
    std::uint64_t next_id_ = 1;
    std::optional<ClientId> leaving_;  // the request that a signal made
    std::optional<Instant> armed_at_;
    std::uint32_t timer_generation_ = 0;
    std::uint64_t watchdog_us_ = 0;  // systemd's, 0 if it watches not
    Instant watchdog_at_{};
    std::deque<std::string> verdicts_;  // JSON: the heart as it was at each, oldest first
    std::string status_told_;           // to systemd
    std::string gate_told_;             // the troubles of the gate and the arbiter,
    std::string arbiter_told_;          // as the manager was told them
    bool has_more_ = false;             // the last turn ended before the parts had no more news
    bool is_abandoned_ = false;
};

}  // namespace xbeat::daemon
