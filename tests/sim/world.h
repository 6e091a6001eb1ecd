// Two nodes in a world that is made of numbers: clocks, wires, disks, agents, fence devices, power.
//
// The nodes are the real manager/, the hearts are the real judgement of bpf/. The world is their
// host and everything around them; it knows the truth (truth.h) and breaks things when it is told
// to (chaos.h). One thread, one queue, one seed. No two nodes' steps nest: all that a step wants
// comes back through the queue.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/node.h"
#include "tests/sim/agenda.h"
#include "tests/sim/disk.h"
#include "tests/sim/kernel.h"
#include "tests/sim/shared_disk.h"
#include "tests/sim/states.h"
#include "tests/sim/streams.h"
#include "tests/sim/truth.h"
#include "tests/sim/witness.h"

namespace xbeat::xsim {

struct Settings {
    std::uint64_t seed = 1;
    Timing timing;
    node::ArbiterKind arbiter = node::ArbiterKind::Fence;
    Duration handicap = 60ms;
    Duration stall_limit = 10s;
    std::array<std::uint16_t, kNodes> newest = {wire::kProtocolNewest, wire::kProtocolNewest};
    bool disks_may_tear = false;
    bool disks_may_garble = false;
    std::array<std::int64_t, kNodes> drift_ppm{};  // of the boot clocks
    // Only if the arbiter is a witness or a shared disk.
    Duration lease = 20ms;
    Duration exclusivity = 3s;
    std::int64_t witness_drift_ppm = 0;
    std::uint64_t slow_agents = 0;  // percent of their runs that take seconds, without any fault
    bool has_watchdog = true;       // which resets a machine that cannot stop what it must not run

    Nanos progress_interval = 100 * kMilli;  // of the reflex thread's pings
    bool may_skip = true;                    // quiet times, as far as nothing can happen
    std::function<void(Nanos, std::string_view)> trace;  // every event in words, if wanted
};

/// What a clock that is off by `ppm` has gained in `span`. In steps of a nanosecond: one that lost
/// whole microseconds at once would go back.
[[nodiscard]] constexpr Nanos drifted(Nanos span, std::int64_t ppm) {
    constexpr Nanos kMillion = 1'000'000;
    return span / kMillion * ppm + span % kMillion * ppm / kMillion;
}

/// How often agents misbehave, in percent of their runs.
struct AgentFaults {
    std::uint64_t fail = 0;
    std::uint64_t hang = 0;
    std::uint64_t slow = 0;
};

struct FenceFaults {
    std::uint64_t refuse = 0;
    std::uint64_t hang = 0;        // the agent times out, and the device acts late or never
    std::uint64_t lie = 0;         // success, and nothing was done: no safety is promised then
    std::uint64_t never_boot = 0;  // a reboot ends with the power off
};

/// One direction of one path.
struct Wire {
    int cuts = 0;  // how many faults hold it cut
    Nanos delay = 50 * kMicro;
    Nanos jitter = 0;
    std::uint64_t loss_permille = 0;
    std::uint64_t duplicate_permille = 0;
    std::uint64_t damage_permille = 0;
    Prng prng{0};
};

class World {
public:
    explicit World(Settings settings);

    // --- Machines and processes.
    void boot(std::size_t node);
    void cut_power(std::size_t node);
    void start_daemon(std::size_t node);
    void kill_daemon(std::size_t node);
    void kill_executor(std::size_t node);
    void stall_daemon(std::size_t node, Nanos span);
    void freeze(std::size_t node, Nanos span);
    void step_calendar(std::size_t node, std::int64_t seconds);
    /// A person who confirmed that it is off sees to it that it stays so until it can be heard.
    void keep_off(std::size_t node) {
        is_kept_off_[node] = true;
        is_kept_off_[1 - node] = false;
    }
    void kill_service(std::size_t node, const std::string& resource);
    /// Its power goes again that long after each boot; nothing: it does not any more.
    void crash_after_boot(std::size_t node, std::optional<Nanos> span) {
        hosts_[node].crashes_after = span;
    }
    /// No stop of any resource succeeds there.
    void break_stops(std::size_t node, bool are_broken) { hosts_[node].stops_fail = are_broken; }
    /// The power goes shortly after the next change was acknowledged: at the node that answered, or
    /// at both.
    struct CrashAtAck {
        bool both = false;
        Nanos after = 0;
        Nanos boots_after = 0;
    };
    void crash_at_ack(std::optional<CrashAtAck> crash) { crash_at_ack_ = crash; }

    /// As soon as either node has noted something of that kind for the nth time from now on.
    void on_note(std::string kind, std::uint64_t nth, Action action) {
        ambushes_.push_back({std::move(kind), nth, std::move(action)});
    }
    void forget_ambushes() { ambushes_.clear(); }

    // --- Wires. `sender`: the direction is from that node to the other one.
    [[nodiscard]] Wire& wire(std::size_t path, std::size_t sender) { return wires_[path][sender]; }
    /// To be called after cuts were changed.
    void network_changed();
    void cut_channel(int by);  // +1 or -1: the channel alone
    void drop_channel();
    /// Plays an old beat to that node again, or a damaged one.
    void replay_beat(std::size_t node, Prng& prng);

    // --- The witness.
    void start_witness();
    void crash_witness();
    /// Between that node and the witness, to it or from it.
    [[nodiscard]] Wire& witness_wire(std::size_t node, std::size_t from_witness) {
        return witness_wires_[node][from_witness];
    }
    /// Sends some of what was said between that node and the witness again.
    void replay_datagrams(std::size_t node, Prng& prng);
    // --- The shared disk.
    [[nodiscard]] SharedDisk::Way& shared_disk(std::size_t node) { return shared_disk_.way(node); }
    /// +1 or -1: what that node asks of it hangs.
    void hold_shared_disk(std::size_t node, int by) { shared_disk_.hold(node, by); }
    /// These may start elsewhere only after a shot, whatever a lease proves.
    void require_fencing(std::set<std::string> resources) { needs_fencing_ = std::move(resources); }
    /// What each of them is started after and stopped before, on its node.
    void require_order(std::map<std::string, std::string> before) {
        comes_after_ = std::move(before);
    }

    [[nodiscard]] Disk& disk(std::size_t node) { return hosts_[node].disk; }
    void set_agent_faults(AgentFaults faults) { agent_faults_ = faults; }
    void set_fence_faults(FenceFaults faults) { fence_faults_ = faults; }

    // --- Operators. `marker` (0: none) identifies the configuration that is asked for.
    ClientId request(std::size_t node, node::RequestBody body, std::uint64_t marker = 0);

    // --- Time.
    void at(Nanos when, Action action) { agenda_.add(when, std::move(action)); }
    void after(Nanos span, Action action) { at(now_ + span, std::move(action)); }
    /// Stops early at a violation.
    void run_until(Nanos end);
    [[nodiscard]] Nanos now() const { return now_; }

    // --- Questions.
    [[nodiscard]] const Truth& truth() const { return truth_; }
    [[nodiscard]] Truth& truth() { return truth_; }
    [[nodiscard]] bool has_failed() const { return truth_.violation().has_value(); }
    [[nodiscard]] node::Node* node(std::size_t index) { return hosts_[index].node.get(); }
    [[nodiscard]] bool is_powered(std::size_t index) const { return hosts_[index].is_powered; }
    [[nodiscard]] bool is_frozen(std::size_t index) const { return hosts_[index].is_frozen; }
    /// Packets of managed addresses leave that machine: by the lines of the kernel's gate.
    [[nodiscard]] bool is_gate_open(std::size_t index) const;
    /// It cannot stop what it must not run, and no watchdog helps: a person has to.
    [[nodiscard]] bool is_helpless(std::size_t index) const { return hosts_[index].is_helpless; }
    /// All paths to the peer, as that node's kernel sees them.
    [[nodiscard]] bool are_paths_up(std::size_t index) const {
        return hosts_[index].kernel.are_paths_up();
    }
    [[nodiscard]] bool is_member(std::size_t index) const;
    [[nodiscard]] bool is_idle() const;
    [[nodiscard]] bool are_equal() const;
    [[nodiscard]] std::string describe() const;
    /// Why the configuration that a node has is not at least the last acknowledged; empty if it is.
    [[nodiscard]] std::string lost_change(std::size_t index) const;
    [[nodiscard]] std::uint64_t digest() const { return digest_.value(); }
    [[nodiscard]] const Reached& reached() const { return reached_; }
    void reach(State state) { reached_(state); }
    [[nodiscard]] std::uint64_t steps() const { return steps_; }
    [[nodiscard]] std::uint64_t transitions() const { return transitions_; }
    [[nodiscard]] std::uint64_t automatic_fences() const { return automatic_fences_; }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_count_; }
    /// Of the newest configuration that was acknowledged; 0: none was.
    [[nodiscard]] std::uint64_t newest_marker() const { return acknowledged_.marker; }
    [[nodiscard]] std::uint64_t power_cuts_while_writing() const { return cuts_while_writing_; }
    [[nodiscard]] Nanos last_monitor(std::size_t index, const std::string& resource) const;
    [[nodiscard]] static std::string name_of(std::size_t node);

private:
    struct Run {
        node::RunAgent call;
        Nanos began = 0;
        std::uint64_t number = 0;
    };
    struct Host {
        explicit Host(Kernel made, Disk made_disk)
            : kernel(std::move(made)), disk(std::move(made_disk)) {}
        std::unique_ptr<node::Node> node;
        bool is_powered = false;
        bool has_heart = false;
        bool is_frozen = false;
        bool is_stalled = false;
        std::uint64_t machine = 0;  // counts boots
        std::uint64_t life = 0;     // of the daemon; 0: none
        Kernel kernel;
        Disk disk;
        Nanos next_lap = 0;
        Nanos boot_offset = 0;
        std::int64_t drift_ppm = 0;
        std::int64_t calendar_step = 0;
        std::uint64_t wake_number = 0;
        std::uint64_t thaw_number = 0;
        std::uint64_t stall_number = 0;
        std::deque<node::Event> waiting;  // for a daemon that stands still
        std::deque<Action> frozen;        // what the machine does when it goes on
        std::map<OperationId, Run> runs;
        std::set<std::string> watched;
        std::map<std::string, Nanos> last_monitor;
        std::uint32_t fresh_probes = 0;
        Nanos heard_at = 0;
        Nanos stalled_since = 0;           // as long as its heart calls the peer stalled
        std::uint64_t ended_accusing = 0;  // the newest heart that ended calling the other dead
        std::uint64_t led_term = 0;
        std::set<std::string> terms_led;  // in this life
        bool was_replaced = false;        // frozen, and the other one took over
        bool stops_fail = false;
        std::optional<Nanos> crashes_after;

        // Leases. What the gate reads outlives the daemon, not the machine.
        std::uint64_t exclusive_until = 0;
        std::optional<WitnessClient> client;
        std::optional<arbiter::DiskLease> disk_lease;  // in its place
        std::uint64_t arbiter_timer = 0;
        std::deque<wire::WitnessDatagram> mail;  // in the socket of a daemon that stands still
        std::deque<SharedDisk::Request> ended;   // in the ring of one
        bool was_lease_valid = false;
        std::optional<Instant> lease_told_at;
        std::deque<std::pair<std::uint8_t, xb_beat>> received;  // by a NIC whose machine is frozen
        bool is_silenced = false;  // the other one has proven that its lease is over
        bool is_helpless = false;
        bool keeps_gate = false;        // of a daemon that ended cleanly and was no member
        bool has_said_goodbye = false;  // nothing runs there: its rights mean nothing any more
        std::string seen_epoch;         // of the configuration in force there
        Nanos may_serve_until = 0;      // of a machine without power: its lease, in world time
    };
    struct Flying {
        std::uint8_t to = 0;
        std::uint8_t path = 0;
        xb_beat beat;
    };
    /// What was sent at once: it arrives whole, and in its turn.
    struct Segment {
        std::uint64_t number = 0;
        std::string bytes;
    };
    struct End {
        std::uint64_t connection = 0;  // 0: down
        std::deque<Segment> held;      // sent, and the wire is cut
        Nanos last_arrival = 0;        // of what it sent
        std::uint64_t sent = 0;
        std::uint64_t taken = 0;
        std::map<std::uint64_t, std::string> early;  // waits for what was sent before it
    };
    /// What is compared to find out that nothing new happens.
    struct Anchor {
        Nanos at = -1;
        std::uint64_t disturbances = 0;
        std::array<Scalars, kNodes> scalars{};
        std::optional<std::array<Scalars, kNodes>> deltas;  // from one lap to the next
    };
    struct Ambush {
        std::string note;
        std::uint64_t left = 1;
        Action action;
    };
    struct Acknowledged {
        std::uint64_t marker = 0;
        std::int64_t epoch = 0;
    };

    // world.cc: daemons and their steps.
    void step(std::size_t index, const node::Event& event);
    void step_once(std::size_t index, const node::Event& event);
    void deliver(std::size_t index, node::Event event);
    void resume(std::size_t index);
    void honour(std::size_t index, node::Output output);
    void take_cause(std::size_t index, const Note& note);
    void take_note(std::size_t index, const Note& note);
    void spring_ambushes(std::size_t index, const Note& note);
    void check_wait(std::size_t index, const Note& note);
    void crash_after_ack(std::size_t index);
    void take_reply(std::size_t index, const node::Reply& reply);
    void command(std::size_t index, node::Command& command);
    void set_wake(std::size_t index, Instant when);
    void arm_wake(std::size_t index, Nanos when, std::uint64_t number);
    void leave(std::size_t index, std::uint64_t life, bool keeps_gate);
    void check(std::size_t index);
    void see_configuration(std::size_t index);
    void check_log(std::size_t index, const node::Output& output);
    void check_fail_counts(std::size_t index, const std::map<std::string, std::string>& before);
    [[nodiscard]] std::map<std::string, std::string> fail_counts(std::size_t index) const;
    void begin_commit(std::size_t index);
    void finish_commit(std::size_t index);
    void tick_progress(std::size_t index, std::uint64_t life);
    /// Runs the action unless the machine or its daemon has changed; waits for a thaw.
    void guarded(Nanos when, std::size_t index, bool needs_daemon, Action action);

    // world_lease.cc: grants, gates, the witness.
    [[nodiscard]] bool has_leases() const { return arbiter::hands_out_leases(settings_.arbiter); }
    void begin_lease(std::size_t index);
    void end_lease(std::size_t index);
    void lose_gate(std::size_t index);
    void look_at_lease(std::size_t index, bool is_wake);
    bool lease_command(std::size_t index, const node::Command& command);
    void take_lease_note(std::size_t index, const Note& note);
    void set_exclusivity(std::size_t index, Instant until);
    void stop_watchdog(std::size_t index);
    void read_mail(std::size_t index);
    void pump(std::size_t index);
    void tell_answers(std::size_t index, std::vector<arbiter::ArbiterAnswer> answers);
    void wake_for_arbiter(std::size_t index, Instant when);
    void send_datagram(std::size_t node, std::size_t from_witness,
                       const wire::WitnessDatagram& datagram);
    void arrive_datagram(std::size_t node, std::size_t from_witness,
                         const wire::WitnessDatagram& datagram);
    [[nodiscard]] Instant witness_time() const;
    [[nodiscard]] bool has_shared_disk() const {
        return settings_.arbiter == node::ArbiterKind::Disk;
    }
    [[nodiscard]] bool is_replaceable(std::size_t index, const std::string& resource) const;
    void check_gates();
    void check_exclusivity(std::size_t index);
    [[nodiscard]] Nanos world_time(std::size_t index, Nanos local_time) const;

    // world_disk.cc: the shared disk.
    void serve_disk(std::size_t index);
    void pump_disk(std::size_t index);
    void request_ended(std::size_t index, const SharedDisk::Request& request);

    // world_wire.cc: hearts, frames, the channel.
    void lap(std::size_t index);
    void take_verdict(std::size_t index, const Verdict& verdict);
    void watch_stall(std::size_t index);
    void send_frame(std::size_t from, std::uint8_t path, const xb_beat& beat);
    void take_frame(const Flying& frame);
    [[nodiscard]] bool is_still() const;
    [[nodiscard]] bool try_skip(std::size_t index, Nanos end);
    [[nodiscard]] bool is_usable() const;
    [[nodiscard]] bool has_wires() const;
    [[nodiscard]] bool is_awake(std::size_t index) const;
    void connect_soon(Nanos span);
    void connect();
    void close_end(std::size_t index, std::uint64_t connection, std::string reason);
    void send(std::size_t from, std::string bytes);
    void arrive(std::size_t to, std::uint64_t connection, Segment segment);
    void fly(std::size_t from, std::uint64_t connection, Segment segment);

    // world_agent.cc: agents and fence devices.
    void run_agent(std::size_t index, node::RunAgent call);
    void end_agent(std::size_t index, OperationId operation, std::uint64_t number, int rc,
                   execute::AgentStatus status, std::string reason);
    void check_start(std::size_t index, const node::RunAgent& call);
    [[nodiscard]] int resource_outcome(std::size_t index, const node::RunAgent& call,
                                       bool is_killed, Prng& prng);
    void run_fence(std::size_t index, const Run& run);
    [[nodiscard]] int shoot(std::size_t victim, const std::string& action, bool is_confirmed);
    void note_fence(std::size_t victim, const std::string& action);
    void cut_short(std::size_t index);
    [[nodiscard]] Prng& agent_stream(std::size_t index, const std::string& resource);

    void trace(std::string_view text) const {
        if (settings_.trace) settings_.trace(now_, text);
    }
    [[nodiscard]] Nanos local(std::size_t index) const;
    [[nodiscard]] std::uint64_t next_incarnation() { return identities_.next() | 1U; }

    Settings settings_;
    Truth truth_;
    Reached reached_;
    Digest digest_;
    Agenda<Action> agenda_;
    Agenda<Flying> frames_;
    Nanos now_ = 0;
    std::vector<Host> hosts_;
    std::array<std::array<Wire, kNodes>, kPaths> wires_;
    std::array<End, kNodes> ends_;
    std::array<std::deque<Flying>, kNodes> heard_;  // for whoever wants to play them again
    std::array<Anchor, kNodes> anchors_;
    std::uint64_t disturbances_ = 0;  // of the hearts, from outside of them
    std::array<bool, kNodes> is_kept_off_{};
    WitnessKeys witness_keys_;
    WitnessHost witness_;
    Nanos witness_offset_ = 0;
    SharedDisk shared_disk_;
    std::array<std::array<Wire, 2>, kNodes> witness_wires_;
    // For whoever wants to send them again.
    std::array<std::array<std::deque<wire::WitnessDatagram>, 2>, kNodes> said_;
    Prng witness_prng_;
    std::set<std::string> needs_fencing_;
    std::map<std::string, std::string> comes_after_;
    int channel_cuts_ = 0;
    bool was_usable_ = false;
    std::uint64_t usable_number_ = 0;
    bool is_connecting_ = false;
    std::uint64_t next_connection_ = 1;
    AgentFaults agent_faults_;
    FenceFaults fence_faults_;
    std::map<std::string, Prng> agent_streams_;
    Prng identities_;
    Prng channel_prng_;
    std::uint64_t next_client_ = 1;
    std::uint64_t next_run_ = 1;
    std::map<std::uint64_t, std::uint64_t> asked_;  // client -> marker
    Acknowledged acknowledged_;
    std::set<std::string> in_force_;  // every configuration that ever was, by its marker
    std::uint64_t acknowledged_count_ = 0;
    std::optional<CrashAtAck> crash_at_ack_;
    std::vector<Ambush> ambushes_;
    Nanos operator_fence_until_ = -1;    // what is shot until then may be a person's wish
    std::uint64_t at_this_instant_ = 0;  // events
    std::uint64_t steps_ = 0;
    std::uint64_t transitions_ = 0;
    std::uint64_t automatic_fences_ = 0;
    std::uint64_t cuts_while_writing_ = 0;
    std::array<Nanos, kNodes> shot_at_{};  // when the node was last fenced
    Nanos last_boot_ = -1;
    Lap lap_;
};

}  // namespace xbeat::xsim
