// One node's whole mind: what it knows, and how each event changes it. Private to node/.
//
// The parts judge (member/pair.h, health/), count (replicate/log.h), walk (execute/), shoot
// (fence/); the Mind connects them. Its functions lie in one file a subject: mind_member.cc (who is
// in), mind_log.cc (the replicated state), mind_plan.cc (planning and starting actions),
// mind_carry.cc (what outlives a plan), mind_result.cc (what came of them), mind_leave.cc,
// mind_fence.cc, mind_lease.cc, mind_will.cc, mind_request.cc (clients), mind_attribute.cc,
// mind_alert.cc, mind_view.cc. Every function runs inside one step(); what it wants is collected in
// `out`.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/prng.h"
#include "execute/activity.h"
#include "execute/alert.h"
#include "execute/history.h"
#include "execute/last_will.h"
#include "execute/local.h"
#include "execute/transition.h"
#include "fence/examiner.h"
#include "fence/fencer.h"
#include "fence/guard.h"
#include "fence/lease.h"
#include "health/peer_health.h"
#include "member/link.h"
#include "member/pair.h"
#include "member/view.h"
#include "node/chronicle.h"
#include "node/node.h"
#include "replicate/apply.h"
#include "replicate/log.h"
#include "replicate/state.h"
#include "replicate/tail.h"
#include "wire/message.h"

namespace xbeat::node {

/// The other node of a pair.
struct Peer {
    NodeName node;
    member::Standing standing = member::Standing::Absent;
    bool has_channel = false;
    health::PeerHealth health;
    member::Link link;
    std::optional<wire::Hello> said;   // our hello on this channel
    std::optional<wire::Hello> heard;  // its hello on this channel
    bool is_to_be_welcomed = false;    // it is to join us, as soon as nothing is in the way
    bool waits_for_lease = false;      // and is not before what it was granted has run out
    bool has_joined = false;           // it has everything, and is to be admitted
    std::uint16_t version = wire::kProtocolOldest;  // of the protocol, on this channel
    Term newest_term;                               // that its hellos told of
    Incarnation daemon;            // of its life as a member; 0 if it never was one
    Incarnation fenced_daemon;     // the life that a proof ended; 0 if none
    bool is_out_by_lease = false;  // and the proof was that its lease had run out
    bool was_lost = false;         // joins after it was lost without a proof
    std::string refusal;           // the last reason noted
    std::vector<PathView> paths;
    std::optional<Instant> hold_until;  // alive again after `dead`: fence only after that
};

/// An operation that was started and has not answered.
struct Flight {
    wire::Operation operation;
    execute::Place place;
    bool is_remote = false;
    std::optional<std::uint32_t> action;  // of the present transition
    Instant began{};
    std::optional<Instant> deadline;  // our own, in case the peer never answers
};

/// Who asked: a client here, or one of the peer's.
struct Asker {
    bool is_remote = false;
    ClientId client;
    std::string user;
};

/// A configuration on its way to being durable.
struct Change {
    Asker asker;
    std::string answer;  // what the client is told when it is done
    LogIndex proposal;
    std::optional<LogIndex> commit;
    std::string previous;  // configuration before, to go back to if the commit cannot be written
};

/// A configuration that waits for its turn.
struct WantedChange {
    Asker asker;
    cib::Element configuration;
    std::string validate_with;
    std::optional<std::int64_t> admin_epoch;
    std::string answer;
};

/// What goes on when a write has reached the disk.
enum class After : std::uint8_t {
    Nothing,
    LeadTerm,
    TermKept,
    JoinWrites,
    SurvivorCleared,
    SurvivorKept
};

class Mind {
public:
    explicit Mind(Options options);
    [[nodiscard]] Output step(Now at, const Event& event);

    // mind_view.cc
    [[nodiscard]] std::vector<PeerView> peer_views() const;
    [[nodiscard]] std::string_view coordinator_name() const;
    [[nodiscard]] std::string activity() const;
    [[nodiscard]] bool tells_of_earlier_life() const { return is_own_history_void_; }
    [[nodiscard]] std::vector<FenceView> fence_views() const;
    [[nodiscard]] LeaseView lease_view() const;
    [[nodiscard]] std::vector<AttributeView> attribute_views() const;  // mind_attribute.cc

    [[nodiscard]] const replicate::State& shared() const { return shared_; }
    [[nodiscard]] Term term() const { return term_; }
    [[nodiscard]] const Chronicle& chronicle() const { return chronicle_; }

private:
    // mind.cc: events, writes, deadlines.
    void handle(const Started& started);
    void handle(const PeerVerdict& verdict);
    void handle(const PathVerdict& verdict);
    void handle(const ChannelUp& up);
    void handle(const ChannelDown& down);
    void handle(const MessageReceived& message);
    void handle(const Persisted& persisted);
    void handle(const AgentDone& done);
    void handle(const ProcessExited& exited);
    void handle(const ClientRequest& request);
    void handle(const Wake& wake);
    void handle(const Degraded& degraded);
    void handle(const ArbiterAnswer& answer);
    void handle(const LeaseSeen& seen);
    void handle(const AgentDescribed& described);
    void load(const Started& started);
    void settle();
    [[nodiscard]] bool drain();
    void collect();
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    Ticket write(std::variant<AppendRecord, TruncateLog, SaveSnapshot, PutMeta> body, After after);
    void put_meta(std::string key, std::string value, After after);
    void note(Level level, std::string kind, std::string text, Fields fields = {});
    void note_node(Level level, std::string kind, std::string node, std::string text,
                   Fields fields = {});

    // mind_member.cc
    [[nodiscard]] wire::Hello make_hello() const;
    void heard(wire::Hello hello);
    void heard(const wire::Refuse& refuse);
    void meet();
    void refuse(std::string reason);
    void try_welcome();
    [[nodiscard]] bool is_admitted_by_word() const;
    void give_up_right();
    void try_admit();
    void start_alone_if_allowed();
    void lead(std::string why);
    [[nodiscard]] bool is_forming() const;
    void wait_anew();
    void lead_durably();
    void raise_term();
    void term_is_durable();
    void take_over(std::string why);
    void keep_term();
    void stand_down();
    void peer_gone(std::string why);
    // Shot: it runs nothing. Word: the same, a person says. Goodbye: nothing but left_running_.
    // Lease: nothing that it runs can serve, as long as this node is exclusive.
    enum class Proof : std::uint8_t { Shot, Word, Goodbye, Lease };
    void peer_is_out(std::string how, Proof proof);
    void remember_survivor();
    void write_survivor();
    void drop_survivor_writes();
    [[nodiscard]] bool keeps_right() const;
    void forget_survivor();
    void update_quorum();
    void reset_channel();

    // mind_join.cc
    void welcome();
    [[nodiscard]] std::optional<wire::Catchup> catchup_for(const wire::Hello& hello) const;
    void heard(const wire::Welcome& welcome);
    void heard(const wire::Catchup& catchup);
    void begin_membership(Term term, std::uint64_t session);
    void save_joined_state(std::string snapshot);
    void note_divergence(const replicate::State& taken);
    void joined_writes_done();
    void follow();
    void peer_joined();

    // mind_leave.cc
    void heard(const wire::MayLeave& order);
    void heard(const wire::Goodbye& goodbye);
    void say_goodbye();
    void go_if_heard();
    void record_peer_out();
    void probe_arrivals();
    void rename_nodes();
    [[nodiscard]] std::string what_was_left() const;
    [[nodiscard]] std::set<std::string> held_resources() const;

    // mind_log.cc
    LogIndex append(wire::RecordBody body);
    void append_all(std::vector<wire::RecordBody> bodies);
    void say(wire::Body body);
    void flush_appends();
    void heard(const wire::Append& message);
    void heard(const wire::Durable& message);
    void heard(const wire::NotDurable& message);
    void log_progressed();
    void save_snapshot();
    [[nodiscard]] bool is_durable_everywhere(LogIndex index) const;
    void propose(WantedChange wanted);
    void next_change();
    void drive_change();
    void note_change(const cib::Element& before);
    void change_failed(const std::string& reason);
    static constexpr const char* kYieldingText =
        "this node has no lease any more and makes no changes: ask the other node";
    void drop_changes(const std::string& reason);

    // mind_plan.cc
    void want_plan(std::string cause);
    void plan();
    [[nodiscard]] schedule::Plan make_plan() const;
    [[nodiscard]] schedule::Plan make_last_plan() const;
    [[nodiscard]] cib::Element cib_to_plan(const std::set<std::string>& held) const;
    void adopt_flights();
    void hold_dependents();
    void hold_beside_unwanted();
    [[nodiscard]] bool advance();
    [[nodiscard]] bool may_start(const schedule::Action& action) const;
    [[nodiscard]] bool may_run_on_lost_peer(const schedule::Action& action) const;
    [[nodiscard]] bool start(std::uint32_t index);
    [[nodiscard]] bool start_resource_action(std::uint32_t index);
    [[nodiscard]] bool start_cluster_action(std::uint32_t index);
    [[nodiscard]] bool has_business(std::string_view node) const;
    void shut_down(const schedule::Action& action, std::uint32_t index);
    [[nodiscard]] wire::Operation make_operation(const schedule::Action& action,
                                                 std::uint32_t index);
    [[nodiscard]] static wire::Operation describe_operation(const schedule::Action& action);
    void finish_transition();
    void note_multiple(const std::string& resource);
    void failover_begins(const std::string& cause, const std::string& node,
                         const std::string& resource);
    void disturbance_ended(bool is_complete);
    [[nodiscard]] std::map<std::string, std::string> places_now() const;
    [[nodiscard]] std::vector<std::string> note_moves();

    // mind_result.cc
    void heard(const wire::Report& report);
    void result(const wire::Report& report, const execute::Place& place);
    void record_result(const wire::Report& report, const execute::Place& place);
    void note_result(const wire::Report& report, const execute::Place& place, bool is_good);
    void flights_overdue();
    void import_local_flights();
    void results_unheard(const std::vector<wire::Body>& bodies);
    void drop_remote_flights();

    // mind_fence.cc
    [[nodiscard]] bool start_fencing(std::uint32_t index);
    void order_fence(const fence::Order& order, bool from_here);
    void fence_ended(const fence::Outcome& outcome, const std::string& origin);
    void clear_fence_counts(std::string_view target);
    void save_fence_counts();
    void fence_failed(const fence::Outcome& outcome, const std::string& origin);
    void examinations_ended(std::vector<fence::Finding> findings);
    void found_to_be_fenced();
    void node_unfenced(const std::string& target, const schedule::Action& action);
    void heard(const wire::Fence& order);
    void heard(const wire::FenceDone& done);
    [[nodiscard]] bool can_fence() const;
    [[nodiscard]] bool is_peer_unknown() const;
    [[nodiscard]] bool is_split() const;
    [[nodiscard]] std::string reason_to_spare(std::string_view target) const;
    [[nodiscard]] std::string fence_obstacle(std::string_view target) const;
    void peer_alive_again();
    void record_fence(const fence::Outcome& outcome, const std::string& origin, std::string result);

    // mind_lease.cc
    void lease_wishes();
    void follow_lease();
    void lose_lease();
    void peer_lease_ran_out();
    [[nodiscard]] bool is_lease_open() const;
    [[nodiscard]] bool must_hold_grant() const;
    [[nodiscard]] bool runs_anything_twice() const;
    void yield();
    void yielded();
    void manage_addresses();

    // mind_will.cc
    void note_what_changed();
    void write_will();
    void leave_will(std::vector<execute::WillStop> stops);

    // mind_request.cc
    void heard(const wire::Forward& forward);
    void heard(const wire::Answer& answer);
    void request(const Asker& asker, const RequestBody& body);
    void request(const Asker& asker, const ReplaceConfiguration& wanted);
    void request(const Asker& asker, const SetAttribute& wanted);
    void request(const Asker& asker, const SetTicket& wanted);
    void request(const Asker& asker, const Cleanup& wanted);
    void request(const Asker& asker, const FenceNode& wanted);
    void request(const Asker& asker, const ConfirmFenced& wanted);
    void request(const Asker& asker, const ForgetFences& wanted);
    void request(const Asker& asker, const ValidateDevice& wanted);
    void request(const Asker& asker, const FailResource& wanted);
    void request(const Asker& asker, const Leave& wanted);
    void reply(const Asker& asker, Result<std::string> outcome);
    void fail_forwarded(const std::string& reason);
    void confirm_fenced(const Asker& asker, std::string_view node);
    void forget_failures(const execute::Place& place, const std::string& resource, bool all,
                         std::set<std::string>& touched);

    // mind_attribute.cc
    [[nodiscard]] std::optional<Error> attribute_error(const SetAttribute& wanted) const;
    void set_permanent_attribute(const Asker& asker, const SetAttribute& wanted);
    void set_transient(const SetAttribute& wanted);
    [[nodiscard]] bool is_in_force(const SetAttribute& wanted) const;
    void dampen(const Asker& asker, const SetAttribute& wanted);
    void write_dampened();

    // mind_carry.cc
    void owe_notifications();
    void forget_repeated_notifications();
    void settle_owed(OperationId flight, bool is_good);
    [[nodiscard]] bool start_owed();
    void begin_postponed();
    [[nodiscard]] bool is_past_failure(const Flight& flight, const cib::Element& entry) const;
    [[nodiscard]] bool has_past_failures() const;
    void hide_past_failures(cib::Element& cib) const;

    // mind_alert.cc
    void alert(const execute::AlertEvent& event);
    void alert_of(const wire::RecordBody& body);
    void alert_of(const wire::Report& report, const execute::Place& place);
    [[nodiscard]] bool alert_done(const AgentDone& done);

    // mind.cc: small questions.
    void hold_ended();
    void heard(const wire::Joined& joined);
    void heard(const wire::Admitted& admitted);
    void heard(const wire::Execute& order);
    void heard(const wire::EndMonitors& order);
    void hear(wire::Body body);
    [[nodiscard]] bool is_coordinator() const;
    [[nodiscard]] bool is_peer_member() const;
    [[nodiscard]] bool i_run_resources() const;
    [[nodiscard]] execute::Place self_place() const;
    [[nodiscard]] execute::Place peer_place() const;
    [[nodiscard]] std::optional<execute::Place> place_of(std::string_view name) const;
    [[nodiscard]] std::vector<NodeId> node_ids() const;

    Options options_;
    NodeName self_;
    Prng prng_;
    Now now_;
    Output out_;
    Chronicle chronicle_;
    std::uint64_t next_run_ = 1;
    std::uint64_t next_ticket_ = 1;
    std::uint64_t next_operation_ = 1;
    std::map<Ticket, After> writes_;

    // Membership.
    member::Phase phase_ = member::Phase::Down;
    bool has_life_ = false;  // was active since the start of this daemon
    Incarnation daemon_;
    Incarnation heart_;
    bool may_run_leftovers_ = false;  // an earlier life's: the machine ran on
    Term term_;
    Term term_led_;        // the newest that was led here: a disk may have refused a newer one
    LogIndex term_began_;  // the first record of the newest term that was led here
    NodeId coordinator_;   // 0: none
    std::optional<Peer> peer_;
    bool is_last_survivor_ = false;     // the peer is out, with a proof
    bool is_survivor_durable_ = false;  // and the disk knows
    // The copy of the state tells of an earlier life of this node: the coordinator has not recorded
    // yet that it joined anew.
    bool is_own_history_void_ = false;
    bool is_survivor_clearing_ = false;
    std::optional<LogIndex> survivor_after_;  // the disk is told when it has records up to here
    // What the peer left running when it said goodbye; durable with the fact above. Empty again
    // when the peer has joined, was shot, or a person vouched for it.
    std::set<std::string> left_running_;
    bool is_lead_pending_ = false;  // a new term of ours is on its way to the disk
    bool owes_term_ = false;        // the disk refused the term of a takeover
    std::string lead_reason_;
    std::size_t join_writes_ = 0;        // of the takeover of a welcome's state, not yet durable
    bool must_join_again_ = false;       // the disk refused the welcome's state
    std::optional<Instant> meet_until_;  // a last survivor listens for its peer before it starts
    std::optional<Instant> retry_at_;    // of a write that failed and must not be given up
    bool is_leaving_ = false;
    bool is_going_ = false;  // said goodbye; ends when it was heard, or at gone_at_
    Instant gone_at_{};
    std::optional<Asker> leaver_;  // the local client that asked to leave

    // The replicated state.
    replicate::State shared_;
    replicate::Log log_;
    replicate::Tail tail_;
    bool wants_whole_state_ = false;   // records did not lead where the coordinator is
    std::vector<std::string> unsent_;  // records of this step, for the peer
    LogIndex told_durable_;            // what we told the coordinator
    std::optional<Change> change_;
    std::deque<WantedChange> wanted_;
    struct Forwarded {
        Asker asker;
        std::string fences;  // the node that it asks to fence, if it does
    };
    std::map<ClientId, Forwarded> forwarded_;  // clients here, waiting for the coordinator

    // Attributes that wait for calm here, by node and name.
    struct Dampened {
        SetAttribute wanted;
        Instant due{};
    };
    std::map<std::pair<std::string, std::string>, Dampened> dampened_;

    std::map<OperationId, std::string> alerts_;  // agents that run, and their alerts' ids
    std::uint64_t alert_sequence_ = 0;

    // Plans and actions.
    execute::Local local_;
    std::optional<execute::Transition> transition_;
    std::int64_t next_transition_ = 0;
    bool wants_plan_ = false;
    std::string plan_cause_;
    std::map<OperationId, Flight> flights_;
    std::map<std::string, std::set<OperationId>> held_;  // "key node" -> what it waits for
    // Notifications of a plan that was replaced, which are due all the same.
    struct Owed {
        wire::Operation operation;
        execute::Place place;
        std::string about;            // the operation that they tell of
        std::set<OperationId> waits;  // flights that have to succeed first
    };
    std::vector<Owed> owed_;
    // Starts that the coordinator wanted when this node had no lease: whoever stood still hears
    // them late, and may have been replaced since.
    std::vector<wire::Execute> postponed_;
    std::optional<Instant> recheck_at_;
    bool is_failing_over_ = false;
    std::map<std::string, std::string> places_before_;  // resource -> where it was
    std::set<std::string> failed_now_;  // resources that failed since the failover began

    // Leases.
    fence::Lease lease_;
    struct Rights {
        bool may_serve = false;
        bool may_peer_serve = false;
        bool is_exclusive = false;
        friend bool operator==(const Rights&, const Rights&) = default;
    };
    Rights rights_;                    // as the newest plan found them
    bool holds_grant_ = false;         // the peer was replaced: what runs on it must be known first
    bool is_lease_proven_ = false;     // the lost peer's lease has run out; fencing goes on
    bool is_yielding_ = false;         // no lease any more: everything here is being stopped
    std::optional<Instant> yield_by_;  // then the watchdog has to end what cannot be stopped
    std::set<std::string> managed_;    // addresses that the gate was told
    std::string managed_version_;      // of the configuration that they are of

    // What the executor is to stop if this daemon cannot.
    std::vector<execute::WillStop> will_;
    LogIndex will_seen_;                       // up to here the state was looked at
    std::optional<Instant> will_stale_since_;  // the state has changed, the will has not
    std::optional<Instant> will_at_;           // then it is written anew
    bool is_will_too_long_ = false;            // and that was noted

    // Fencing.
    fence::Fencer fencer_;
    fence::Guard guard_;
    fence::Examiner examiner_;
    std::map<std::uint64_t, Asker> examined_for_;  // by the examination's number
    std::uint64_t next_examination_ = 1;
    struct FenceOrder {
        std::optional<std::uint32_t> action;  // of the present transition
        bool is_remote = false;               // the peer shoots
        bool is_running = false;              // handed to a fencer
        std::vector<Asker> askers;
        fence::Order order;
        Instant began{};
    };
    std::map<std::string, FenceOrder> fences_;  // by target
    std::string obstacle_;                      // why a lost peer is not fenced; noted once
    // The peer has a proof that this life is over, and went on alone: its word is the newer one.
    bool counts_as_off_ = false;
};

}  // namespace xbeat::node
