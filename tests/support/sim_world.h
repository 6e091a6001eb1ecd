// A deterministic world for Nodes: clocks, channels, heart verdicts, disks, agents, fence devices.
//
// One thread, one queue ordered by (time, sequence), one seed. The Nodes are the real ones; the
// world is their host and knows the ground truth: what runs where, who has power, what each disk
// holds. After every event it checks what must never happen; the first violation is kept.
#pragma once

#include <array>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/prng.h"
#include "node/node.h"

namespace xbeat::sim {

struct Faults {
    int agent_failure_percent = 0;  // of starts, stops and monitors
    int fence_failure_percent = 0;
    int disk_failure_percent = 0;
    Duration agent_min = 5ms;
    Duration agent_max = 40ms;
};

struct Settings {
    std::uint64_t seed = 1;
    std::size_t nodes = 2;
    node::ArbiterKind arbiter = node::ArbiterKind::Fence;
    bool unsafe_takeover = false;
    Duration handicap = 20ms;
    bool is_recorded = false;  // every node's life, for recording()
    std::array<std::uint16_t, 2> newest = {wire::kProtocolNewest, wire::kProtocolNewest};
    bool has_trace = std::getenv("XBEAT_SIM_TRACE") != nullptr;  // print every event
};

class World {
public:
    explicit World(Settings settings);

    // --- What can be done to it.
    void boot(std::size_t index);         // power on, heart and daemon start
    void crash(std::size_t index);        // power loss: everything but synced writes is gone
    void kill_daemon(std::size_t index);  // SIGKILL; heart and services go on
    void start_daemon(std::size_t index);
    void set_partition(bool is_cut);    // beats and channel
    void set_channel_cut(bool is_cut);  // channel only
    void drop_channel();                // breaks once, comes back
    void kill_service(std::size_t index, const std::string& resource);
    void request(std::size_t index, node::RequestBody body);
    /// A person made sure that it is off: what it ran is gone for certain.
    void confirm_off(std::size_t index) { hosts_[index].active.clear(); }
    /// The heart of a node whose daemon left begins anew.
    void restart_heart(std::size_t index) { hosts_[index].heart = prng_.next() | 1U; }
    void set_faults(Faults faults) { faults_ = faults; }
    void fail_next(const std::string& action, const std::string& resource, int rc, int times = 1);
    void delay_next(const std::string& action, const std::string& resource, Duration duration);
    /// What its daemon speaks from its next start on.
    void set_newest(std::size_t index, std::uint16_t version) {
        settings_.newest.at(index) = version;
    }
    void set_fence_works(bool works) { fence_works_ = works; }
    void set_auto_boot(bool boots) { boots_after_fence_ = boots; }
    void set_disk_works(std::size_t index, bool works);
    void set_disk_stuck(std::size_t index, bool is_stuck);

    // --- Time.
    void run(Duration span);
    /// Runs until the condition holds; false if it did not within `limit`.
    bool run_until(const std::function<bool()>& condition, Duration limit);
    [[nodiscard]] Duration now() const { return now_; }

    // --- What can be asked.
    [[nodiscard]] const std::string& violation() const { return violation_; }
    [[nodiscard]] node::Node* node(std::size_t index);
    [[nodiscard]] bool is_powered(std::size_t index) const { return hosts_[index].is_powered; }
    [[nodiscard]] bool is_active(std::size_t index, const std::string& resource) const;
    [[nodiscard]] std::string coordinator() const;
    [[nodiscard]] bool both_members();
    [[nodiscard]] bool is_idle();
    [[nodiscard]] bool are_equal();
    /// How a node ended last, if one did.
    [[nodiscard]] const std::optional<node::Exit>& last_exit() const { return last_exit_; }
    [[nodiscard]] int fences() const { return fences_; }
    [[nodiscard]] const std::vector<Note>& notes() const { return notes_; }
    [[nodiscard]] bool has_note(const std::string& kind) const;
    [[nodiscard]] int count_runs(const std::string& action, const std::string& resource) const;
    [[nodiscard]] const std::vector<node::RunAgent>& runs() const { return runs_; }
    [[nodiscard]] const std::vector<node::Reply>& replies(std::size_t index) const {
        return hosts_[index].replies;
    }
    [[nodiscard]] std::optional<Result<std::string>> last_reply(std::size_t index) const;
    /// Asks for a configuration with a marker of its own; lost_change() follows what becomes of it.
    void change_configuration(std::size_t index, const std::vector<std::string>& resources);
    /// What is wrong with the configuration that the nodes have now, compared with those that were
    /// acknowledged; empty if nothing.
    [[nodiscard]] std::string lost_change();
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    /// The newest life of a node's daemon as the daemon would have recorded it.
    [[nodiscard]] const std::string& recording(std::size_t index) const {
        return hosts_[index].recording;
    }
    [[nodiscard]] static std::string name_of(std::size_t index);

private:
    struct PendingWrite {
        std::uint64_t sequence = 0;
        node::Write write;
        bool fails = false;
    };
    struct Disk {
        std::string snapshot;
        LogIndex snapshot_index;
        std::map<LogIndex, std::string> log;
        std::map<std::string, std::string> meta;
        std::deque<PendingWrite> pending;
        Duration busy_until{};
        bool works = true;
        bool is_stuck = false;
    };
    struct Run {
        node::RunAgent call;
        Duration began{};
    };
    struct Host {
        std::unique_ptr<node::Node> node;
        bool is_powered = false;
        std::uint64_t life = 0;  // changes with each start of the daemon
        std::uint64_t heart = 0;
        Duration boot_offset{};
        Disk disk;
        std::map<OperationId, Run> runs;
        std::set<std::string> active;  // ground truth; survives a crash until fenced or booted
        std::set<std::string> watched;
        std::optional<std::uint64_t> accepted_heart;
        node::PeerState verdict = node::PeerState::Unknown;
        Duration last_answer{};
        std::uint64_t wake_number = 0;
        std::uint64_t seen_term = 0;
        std::vector<node::Reply> replies;
        std::string recording;
    };
    struct Item {
        std::function<void()> action;
    };
    struct Script {
        int rc = 0;
        int times = 0;
        std::optional<Duration> duration;
    };

    void at(Duration when, std::function<void()> action);
    void after(Duration delay, std::function<void()> action) {
        at(now_ + delay, std::move(action));
    }
    void violate(const std::string& what);
    void step(std::size_t index, const node::Event& event);
    void honour(std::size_t index, node::Output output);
    void persist(std::size_t index, node::Write write);
    void finish_write(std::size_t index, std::uint64_t life);
    static void apply_write(Disk& disk, const node::Write& write);
    void send(std::size_t from, node::Message message);
    void run_agent(std::size_t index, node::RunAgent call);
    void end_agent(std::size_t index, std::uint64_t life, OperationId operation, int rc,
                   execute::AgentStatus status);
    int outcome_of(std::size_t index, const node::RunAgent& call);
    void power_off(std::size_t index);
    void connect_soon();
    void disconnect(const std::string& reason);
    void tell_channel(std::size_t index, bool is_up, const std::string& reason);
    void judge_hearts();
    void judge_heart(std::size_t index);
    void check(std::size_t index);
    void trace(const std::string& text) const;
    [[nodiscard]] std::size_t index_of(const std::string& name) const;
    [[nodiscard]] bool can_connect() const;

    Settings settings_;
    Prng prng_;
    Faults faults_;
    Duration now_{};
    std::uint64_t sequence_ = 0;
    std::map<std::pair<Duration, std::uint64_t>, std::function<void()>> queue_;
    std::vector<Host> hosts_;
    bool is_cut_ = false;
    bool is_channel_cut_ = false;
    bool is_connected_ = false;
    std::uint64_t channel_ = 0;         // generation
    std::vector<Duration> deliver_at_;  // per direction: keeps the order
    bool fence_works_ = true;
    bool boots_after_fence_ = true;
    int fences_ = 0;
    std::map<std::pair<std::string, std::string>, Script> scripts_;
    std::map<std::uint64_t, std::size_t> coordinators_;  // of each term
    std::vector<Note> notes_;
    std::vector<node::RunAgent> runs_;
    struct Acknowledged {
        std::string marker;
        std::int64_t epoch = 0;
    };
    std::map<std::uint64_t, std::string> asked_;  // client -> marker
    Acknowledged acknowledged_;                   // the newest
    std::uint64_t next_marker_ = 1;
    std::string violation_;
    std::uint64_t next_client_ = 1;
    std::uint64_t digest_ = 0xcbf29ce484222325U;
    std::optional<node::Exit> last_exit_;
};

/// A cib with fencing and the given primitives (ocf:heartbeat:Dummy, monitor every 10 s), each
/// named; `marker` tells configurations apart.
[[nodiscard]] std::string configuration(const std::vector<std::string>& resources,
                                        const std::string& marker, bool has_fencing = true);

}  // namespace xbeat::sim
