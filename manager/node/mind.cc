#include "node/mind.h"

#include <algorithm>

#include "core/limits.h"
#include "core/text.h"
#include "wire/codec.h"

namespace xbeat::node {
namespace {

// How long a last survivor listens for its peer before it starts without it: a channel needs a few
// tenths of a second. Its right is as old as its disk; a person may have started the other node in
// the meantime.
constexpr Duration kMeetingPatience = 3s;
constexpr Duration kRetryPause = 1s;  // after a write that failed and must be repeated
// One step ends: each round hands something to the outside or finishes an action.
constexpr int kRoundsMax = 100'000;

NodeName find_self(const Options& options) {
    for (const NodeName& node : options.nodes) {
        if (node.id == options.self) return node;
    }
    check_failed("options.nodes names self", __FILE__, __LINE__);
}

std::optional<Peer> find_peer(const Options& options) {
    for (const NodeName& node : options.nodes) {
        if (node.id == options.self) continue;
        Peer peer{.node = node,
                  .standing = member::Standing::Absent,
                  .has_channel = false,
                  .health = health::PeerHealth(options.stall_limit),
                  .link = {},
                  .said = {},
                  .heard = {},
                  .is_to_be_welcomed = false,
                  .waits_for_lease = false,
                  .version = wire::kProtocolOldest,
                  .newest_term = {},
                  .daemon = {},
                  .fenced_daemon = {},
                  .is_out_by_lease = false,
                  .refusal = {},
                  .paths = {},
                  .hold_until = {}};
        for (const std::string& path : node.paths) {
            peer.paths.push_back({.name = path, .is_up = false, .reason = "not seen", .since = {}});
        }
        return peer;
    }
    return std::nullopt;
}

}  // namespace

Mind::Mind(Options options)
    : options_(std::move(options)),
      self_(find_self(options_)),
      prng_(options_.seed),
      peer_(find_peer(options_)),
      shared_(replicate::empty_state(options_.cluster)),
      local_(&next_run_),
      lease_({.arbiter = options_.arbiter,
              .peer = peer_ ? peer_->node.id : NodeId{},
              .lease = options_.lease,
              .exclusivity = options_.exclusivity,
              .handicap = options_.handicap,
              .is_unsafe = options_.unsafe_takeover}),
      fencer_(self_.name, &next_run_, options_.seed ^ 0x66656e6365U),
      examiner_(&next_run_) {
    XB_CHECK(!options_.nodes.empty());
    XB_CHECK(options_.nodes.size() <= kPairNodesMax);
}

Output Mind::step(Now at, const Event& event) {
    XB_CHECK(at.boot >= now_.boot);
    now_ = at;
    out_ = {};
    if (phase_ != member::Phase::Left) {
        lease_.tick(now_.boot);
        lease_wishes();
        std::visit([this](const auto& each) { handle(each); }, event);
        settle();
    }
    note_what_changed();
    collect();
    return std::move(out_);
}

// Goes on until nothing more follows from what is known.
void Mind::settle() {
    for (int round = 0; round < kRoundsMax; ++round) {
        begin_postponed();
        bool has_moved = drain();
        follow_lease();
        if (phase_ == member::Phase::Left) return;
        drive_change();
        if (wants_plan_ && is_coordinator()) {
            plan();
            has_moved = true;
        }
        has_moved = start_owed() || has_moved;
        if (transition_ && is_coordinator()) {
            has_moved = advance() || has_moved;
            if (transition_ && transition_->is_settled() && !wants_plan_) finish_transition();
        }
        if (!has_moved && !wants_plan_) break;
        if (!is_coordinator()) wants_plan_ = false;
    }
    flush_appends();
    go_if_heard();
    if (log_.since_snapshot() > kLogRecordsMax && !log_.has_snapshot_under_way()) save_snapshot();
}

// Takes what the local executor and the fencer have to say. True if results came in.
bool Mind::drain() {
    execute::LocalOutput local = local_.take();
    for (std::string& resource : local.unwatch) out_.run.emplace_back(Unwatch{std::move(resource)});
    for (const OperationId run : local.kill) out_.run.emplace_back(KillAgent{run});
    for (RunAgent& run : local.run) out_.run.emplace_back(std::move(run));
    fence::FencerOutput shots = fencer_.take();
    for (RunAgent& run : shots.run) out_.run.emplace_back(std::move(run));
    fence::ExaminerOutput examined = examiner_.take();
    for (RunAgent& run : examined.run) out_.run.emplace_back(std::move(run));
    examinations_ended(std::move(examined.findings));
    for (const wire::Report& report : local.results) {
        if (is_coordinator()) {
            result(report, self_place());
        } else {
            say(report);
        }
    }
    for (const fence::Outcome& outcome : shots.outcomes) fence_ended(outcome, self_.name);
    if (!shots.outcomes.empty()) try_welcome();  // the target may have waited for the end of it
    return !local.results.empty() || !shots.outcomes.empty();
}

void Mind::collect() {
    if (peer_) {
        for (const wire::Message& message : peer_->link.take_outgoing()) {
            out_.send.push_back(
                {.peer = peer_->node.id, .bytes = wire::encode_message(message, peer_->version)});
        }
    }
    out_.wake_at = next_deadline();
    std::vector<Note> notes = chronicle_.take_notes();
    out_.notes.insert(out_.notes.end(), std::make_move_iterator(notes.begin()),
                      std::make_move_iterator(notes.end()));
}

std::optional<Instant> Mind::next_deadline() const {
    if (phase_ == member::Phase::Left) return std::nullopt;
    std::optional<Instant> first;
    const auto consider = [&first](std::optional<Instant> deadline) {
        if (deadline && (!first || *deadline < *first)) first = deadline;
    };
    consider(local_.next_deadline());
    consider(fencer_.next_deadline());
    consider(lease_.next_deadline());
    consider(yield_by_);
    consider(retry_at_);
    consider(meet_until_);
    consider(recheck_at_);
    consider(will_at_);
    if (is_going_) consider(gone_at_);
    if (peer_) {
        // Whoever is left when this node has gone deals with that.
        const bool is_watched = peer_->standing == member::Standing::Member ||
                                peer_->standing == member::Standing::Joining ||
                                phase_ == member::Phase::Joining;
        if (is_watched && !is_going_) consider(peer_->health.stall_deadline());
        consider(peer_->hold_until);
    }
    for (const auto& [id, flight] : flights_) consider(flight.deadline);
    for (const auto& [key, dampened] : dampened_) consider(dampened.due);
    for (const auto& [target, order] : fences_) {
        if (!order.is_running) consider(guard_.not_before(target));
    }
    return first;
}

Ticket Mind::write(std::variant<AppendRecord, TruncateLog, SaveSnapshot, PutMeta> body,
                   After after) {
    const Ticket ticket{next_ticket_++};
    out_.persist.push_back({.ticket = ticket, .body = std::move(body)});
    if (after != After::Nothing) writes_.emplace(ticket, after);
    return ticket;
}

void Mind::put_meta(std::string key, std::string value, After after) {
    (void)write(PutMeta{.key = std::move(key), .value = std::move(value)}, after);
}

void Mind::note(Level level, std::string kind, std::string text, Fields fields) {
    chronicle_.note({.level = level,
                     .kind = std::move(kind),
                     .node = {},
                     .resource = {},
                     .text = std::move(text),
                     .fields = std::move(fields),
                     .at = now_.boot});
}

void Mind::note_node(Level level, std::string kind, std::string node, std::string text,
                     Fields fields) {
    chronicle_.note({.level = level,
                     .kind = std::move(kind),
                     .node = std::move(node),
                     .resource = {},
                     .text = std::move(text),
                     .fields = std::move(fields),
                     .at = now_.boot});
}

// --- Events -------------------------------------------------------------------------------------

void Mind::handle(const Started& started) {
    XB_CHECK(phase_ == member::Phase::Down);
    XB_CHECK(started.daemon.value != 0);
    daemon_ = started.daemon;
    heart_ = started.heart;
    // Numbers of agents' runs and of writes are of this life only.
    load(started);
    // A daemon that left took its heart along, and what the cluster does not manage went on.
    // Whether the machine was off since then nobody tells.
    may_run_leftovers_ =
        started.heart_adopted || !execute::active_on(shared_.cib, self_place().id).empty();
    // The services of before may run on, and so may those of a peer that was replaced by its lease.
    holds_grant_ = lease_.is_used() && is_last_survivor_ && may_run_leftovers_;
    phase_ = member::Phase::Waiting;
    if (peer_) meet_until_ = now_.boot + kMeetingPatience;
    note_node(Level::Info, "started", self_.name,
              concat(self_.name, " starts with configuration ", replicate::version_of(shared_.cib),
                     " of term ", term_.value),
              {{"term", concat(term_.value)},
               {"records", concat(shared_.applied.value)},
               {"heart", started.heart_adopted ? "adopted" : "new"}});
    start_alone_if_allowed();
}

void Mind::load(const Started& started) {
    const auto meta = [&started](const char* key) -> std::string_view {
        const auto found = started.meta.find(key);
        return found == started.meta.end() ? std::string_view() : std::string_view(found->second);
    };
    if (const auto stored = parse_integer(meta("term"))) {
        term_ = Term{static_cast<std::uint64_t>(std::max<std::int64_t>(0, *stored))};
    }
    // The term in which the peer went, and what it left running.
    const std::vector<std::string_view> survivor = split_words(meta("last_survivor"));
    if (survivor.size() > 1) left_running_.insert(survivor.begin() + 1, survivor.end());
    is_last_survivor_ = !meta("last_survivor").empty();
    is_survivor_durable_ = is_last_survivor_;
    guard_.load(meta("fence_counts"), now_);
    if (!started.snapshot.empty()) {
        Result<replicate::State> snapshot = replicate::decode_snapshot(started.snapshot);
        if (snapshot) {
            shared_ = std::move(*snapshot);
        } else {
            // What cannot be read is not interpreted; the peer has the other copy.
            is_last_survivor_ = false;
            note(Level::Error, "store-corrupt",
                 concat("the stored state cannot be used: ", snapshot.error().context,
                        "; this node waits for the peer's copy"));
        }
    }
    for (const auto& [index, bytes] : started.log) {
        if (index <= shared_.applied) continue;
        const Result<wire::Record> record = wire::decode_record(bytes);
        Result<void> applied;
        if (!record) {
            applied = record.error();
        } else {
            applied = replicate::apply(shared_, *record);
        }
        if (!applied) {
            note(Level::Warning, "log-cut",
                 concat("the stored log ends before record ", index.value, ": ",
                        applied.error().context));
            (void)write(TruncateLog{index}, After::Nothing);
            break;
        }
        tail_.push(record->term, index, bytes);
    }
    log_.loaded(shared_.applied);
    term_ = std::max(term_, shared_.last_term());
}

void Mind::handle(const PeerVerdict& verdict) {
    if (!peer_ || verdict.peer != peer_->node.id) return;
    Peer& peer = *peer_;
    const PeerState before = peer.health.judge(verdict.state, verdict.evidence, now_.boot);
    if (before == verdict.state) return;
    const Evidence& evidence = verdict.evidence;
    const Duration silence = evidence.judged_at - evidence.last_answer;
    Fields fields = {{"before", std::string(health::to_string(before))},
                     {"unanswered", concat(evidence.unanswered)},
                     {"silence_us", concat(silence.count() / 1000)},
                     {"rtt_p99_us", concat(evidence.rtt_p99.count() / 1000)},
                     {"ticks_late", concat(evidence.ticks_late)}};
    const std::string kind = concat("peer-", health::to_string(verdict.state));
    const std::string& name = peer.node.name;
    switch (verdict.state) {
        case PeerState::Suspect:
            note_node(Level::Warning, kind, name, concat(name, " does not answer; it is suspect"),
                      std::move(fields));
            break;
        case PeerState::Dead:
            note_node(Level::Error, kind, name,
                      concat(name, " is dead: ", evidence.unanswered, " probes unanswered in ",
                             silence.count() / 1000, " us on every path"),
                      std::move(fields));
            peer_gone(concat("node ", name, " dead"));
            break;
        case PeerState::Stalled:
            note_node(Level::Warning, kind, name,
                      concat("the kernel of ", name, " answers, its daemon makes no progress"),
                      std::move(fields));
            break;
        case PeerState::Alive:
            note_node(Level::Info, kind, name, concat(name, " answers"), std::move(fields));
            peer_alive_again();
            break;
        case PeerState::Unknown:
            break;
    }
}

void Mind::handle(const PathVerdict& verdict) {
    if (!peer_ || verdict.peer != peer_->node.id) return;
    if (verdict.path.value >= peer_->paths.size()) return;
    PathView& path = peer_->paths[verdict.path.value];
    const bool is_change = path.is_up != verdict.is_up;
    path.is_up = verdict.is_up;
    path.reason = verdict.reason;
    if (!is_change) return;
    path.since = now_.boot;
    note_node(verdict.is_up ? Level::Info : Level::Warning, verdict.is_up ? "path-up" : "path-down",
              peer_->node.name,
              concat("path ", path.name, " to ", peer_->node.name, " is ",
                     verdict.is_up ? "up" : "down", ": ", verdict.reason),
              {{"path", path.name}, {"reason", verdict.reason}});
}

void Mind::handle(const ChannelUp& up) {
    if (!peer_ || up.peer != peer_->node.id) return;
    Peer& peer = *peer_;
    peer.has_channel = true;
    peer.link.close();
    peer.heard.reset();
    peer.is_to_be_welcomed = false;
    // Who has no lease any more says nothing before everything has stopped.
    if (is_yielding_) return peer.said.reset();
    peer.said = make_hello();
    out_.send.push_back({.peer = peer.node.id, .bytes = wire::encode_message(*peer.said)});
    note_node(Level::Info, "channel-up", peer.node.name,
              concat("the channel to ", peer.node.name, " is up"));
}

void Mind::handle(const ChannelDown& down) {
    if (!peer_ || down.peer != peer_->node.id || !peer_->has_channel) return;
    Peer& peer = *peer_;
    peer.has_channel = false;
    peer.link.close();
    peer.said.reset();
    peer.heard.reset();
    peer.is_to_be_welcomed = false;
    note_node(Level::Warning, "channel-down", peer.node.name,
              concat("the channel to ", peer.node.name, " is down: ", down.reason),
              {{"reason", down.reason}});
    if (is_forming()) wait_anew();
    // Who hears a goodbye hangs up.
    if (is_going_) gone_at_ = now_.boot;
    start_alone_if_allowed();
}

void Mind::handle(const MessageReceived& message) {
    if (!peer_ || message.peer != peer_->node.id || !peer_->has_channel) return;
    if (!peer_->said) return;  // the channel is being reset
    Result<wire::Message> decoded = wire::decode_message(message.bytes);
    if (!decoded) {
        note_node(Level::Error, "message-refused", peer_->node.name,
                  concat("a message of ", peer_->node.name, ": ", decoded.error().context));
        return reset_channel();
    }
    if (auto* hello = std::get_if<wire::Hello>(&*decoded)) return heard(std::move(*hello));
    if (const auto* no = std::get_if<wire::Refuse>(&*decoded)) return heard(*no);
    if (const auto* welcome = std::get_if<wire::Welcome>(&*decoded)) return heard(*welcome);
    if (const auto* catchup = std::get_if<wire::Catchup>(&*decoded)) return heard(*catchup);
    if (const auto* ack = std::get_if<wire::Ack>(&*decoded)) return peer_->link.acknowledge(*ack);
    Result<std::optional<wire::Body>> body =
        peer_->link.take(std::move(std::get<wire::Data>(*decoded)));
    if (!body) {
        note_node(Level::Warning, "message-refused", peer_->node.name, body.error().context);
        return reset_channel();
    }
    if (*body) hear(std::move(**body));
}

void Mind::hear(wire::Body body) {
    if (auto* joined = std::get_if<wire::Joined>(&body)) return heard(*joined);
    if (auto* records = std::get_if<wire::Append>(&body)) return heard(*records);
    if (auto* durable = std::get_if<wire::Durable>(&body)) return heard(*durable);
    if (auto* failed = std::get_if<wire::NotDurable>(&body)) return heard(*failed);
    if (auto* order = std::get_if<wire::Execute>(&body)) return heard(*order);
    if (auto* end = std::get_if<wire::EndMonitors>(&body)) return heard(*end);
    if (auto* report = std::get_if<wire::Report>(&body)) return heard(*report);
    if (auto* order = std::get_if<wire::Fence>(&body)) return heard(*order);
    if (auto* done = std::get_if<wire::FenceDone>(&body)) return heard(*done);
    if (auto* forward = std::get_if<wire::Forward>(&body)) return heard(*forward);
    if (auto* answer = std::get_if<wire::Answer>(&body)) return heard(*answer);
    if (auto* leave = std::get_if<wire::MayLeave>(&body)) return heard(*leave);
    if (auto* admitted = std::get_if<wire::Admitted>(&body)) return heard(*admitted);
    heard(std::get<wire::Goodbye>(body));
}

void Mind::handle(const Persisted& persisted) {
    const bool is_good = persisted.outcome.has_value();
    if (log_.written(persisted.ticket, is_good)) {
        if (!is_good) {
            note(Level::Error, "store-failed",
                 concat("a record could not be stored: ", persisted.outcome.error().context));
            if (!retry_at_) retry_at_ = now_.boot + kRetryPause;
        }
        log_progressed();
        write_survivor();
    }
    const auto found = writes_.find(persisted.ticket);
    if (found == writes_.end()) return;
    const After after = found->second;
    writes_.erase(found);
    if (!is_good) {
        note(Level::Error, "store-failed",
             concat("the store failed: ", persisted.outcome.error().context));
        if (!retry_at_) retry_at_ = now_.boot + kRetryPause;
        if (after == After::LeadTerm) is_lead_pending_ = false;
        if (after == After::TermKept) owes_term_ = true;
        if (after == After::SurvivorCleared) is_survivor_clearing_ = false;
        if (after == After::JoinWrites) {
            join_writes_ = 0;
            must_join_again_ = true;  // at the retry: a full disk does not empty itself at once
        }
        return;
    }
    switch (after) {
        case After::LeadTerm:
            return term_is_durable();
        case After::JoinWrites:
            if (join_writes_ > 0 && --join_writes_ == 0) joined_writes_done();
            return;
        case After::SurvivorCleared:
            is_survivor_clearing_ = false;
            is_last_survivor_ = false;
            try_welcome();
            return try_admit();
        case After::SurvivorKept:
            is_survivor_durable_ = true;
            return;
        case After::TermKept:
        case After::Nothing:
            return;
    }
}

void Mind::handle(const AgentDone& done) {
    if (local_.agent_done(done, now_)) return;
    if (alert_done(done) || examiner_.agent_done(done)) return;
    (void)fencer_.agent_done(done, now_);  // an answer to a run of nobody's any more means nothing
}

void Mind::handle(const AgentDescribed& described) {
    Result<execute::AgentFacts> facts = execute::read_agent_facts(described.metadata);
    if (facts) return local_.describe(described.provider, described.type, std::move(*facts));
    local_.describe(described.provider, described.type, {});
    note(Level::Warning, "metadata-missing",
         concat("the metadata of ocf:", described.provider, ':', described.type,
                " cannot be read: ", facts.error().context,
                "; a changed parameter restarts its resources"));
}

void Mind::handle(const ProcessExited& exited) {
    std::string how =
        exited.signal != 0 ? concat("signal ", exited.signal) : concat("code ", exited.code);
    if (exited.was_oom) how += ", out of memory";
    const std::string trigger = concat("exit of process ", exited.pid, " (", how, ")");
    chronicle_.note(
        {.level = Level::Info,
         .kind = "process-exited",
         .node = self_.name,
         .resource = exited.resource,
         .text = concat("process ", exited.pid, " of ", exited.resource, " ended with ", how),
         .fields = {{"pid", concat(exited.pid)},
                    {"code", concat(exited.code)},
                    {"signal", concat(exited.signal)},
                    {"oom", exited.was_oom ? "true" : "false"}},
         .at = exited.at});
    local_.process_exited(exited.resource, trigger, now_);
}

void Mind::handle(const ClientRequest& client) {
    request({.is_remote = false, .client = client.client, .user = client.user}, client.body);
}

void Mind::handle(const Wake& /*wake*/) {
    local_.wake(now_);
    fencer_.wake(now_);
    flights_overdue();
    write_dampened();
    if (will_at_ && now_.boot >= *will_at_) write_will();
    if (recheck_at_ && now_.boot >= *recheck_at_) {
        recheck_at_.reset();
        want_plan("periodic check");
    }
    if (meet_until_ && now_.boot >= *meet_until_) {
        meet_until_.reset();
        start_alone_if_allowed();
    }
    if (retry_at_ && now_.boot >= *retry_at_) {
        retry_at_.reset();
        if (must_join_again_ && phase_ == member::Phase::Joining) {
            // The session is over as well: in one that goes on nobody is welcomed.
            peer_->link.end();
            reset_channel();
        }
        must_join_again_ = false;
        if (owes_term_) keep_term();
        if (keeps_right() && !is_survivor_durable_) remember_survivor();
        if (log_.hole() && !log_.has_snapshot_under_way()) save_snapshot();
        start_alone_if_allowed();
        try_welcome();
        try_admit();
    }
    if (peer_) {
        if (peer_->health.has_stalled_too_long(now_.boot)) {
            peer_gone(concat("node ", peer_->node.name, " stalled"));
        }
        if (peer_->hold_until && now_.boot >= *peer_->hold_until) hold_ended();
    }
    // Attempts that had to wait: the next plan orders them again, if they are still wanted.
    for (auto order = fences_.begin(); order != fences_.end();) {
        const auto not_before = guard_.not_before(order->first);
        if (order->second.is_running || (not_before && *not_before > now_.boot)) {
            ++order;
            continue;
        }
        want_plan(concat("fencing ", order->first));
        order = fences_.erase(order);
    }
}

void Mind::hold_ended() {
    const bool is_joining = peer_->standing == member::Standing::Joining;
    if (is_joining && peer_->has_joined) {
        // It has everything: what is waited for is this node's own disk.
        peer_->hold_until = now_.boot + options_.stall_limit;
        return;
    }
    peer_->hold_until.reset();
    const std::string why = concat("node ", peer_->node.name, " did not come back");
    if (is_joining) peer_gone(why);
    want_plan(why);
}

void Mind::handle(const Degraded& degraded) {
    const bool is_well = degraded.reason.empty();
    note(is_well ? Level::Info : Level::Warning, is_well ? "restored" : "degraded",
         is_well ? concat(degraded.what, " is well again")
                 : concat(degraded.what, " is degraded: ", degraded.reason),
         {{"what", degraded.what}, {"reason", degraded.reason}});
}

// --- Small messages -----------------------------------------------------------------------------

void Mind::heard(const wire::Joined& joined) {
    if (joined.term != term_ || !is_coordinator()) return;
    if (peer_->standing != member::Standing::Joining) return;
    peer_->has_joined = true;
    try_admit();
}

void Mind::heard(const wire::Execute& order) {
    // An order of an older term is a fenced coordinator's last word (claims I-9, I-14).
    // Nor does a node that said goodbye begin anything.
    if (order.term != term_ || is_coordinator() || is_going_) return;
    const bool serves =
        order.operation.agent_class != "stonith" && execute::makes_active(order.operation.task);
    if (serves && !lease_.may_begin(now_.boot)) return postponed_.push_back(order);
    local_.accept(order.operation, now_);
}

// Those of a term that is over are dropped by the way.
void Mind::begin_postponed() {
    if (postponed_.empty() || !lease_.may_begin(now_.boot)) return;
    for (const wire::Execute& order : std::exchange(postponed_, {})) heard(order);
}

void Mind::heard(const wire::EndMonitors& order) {
    if (!is_coordinator()) local_.end_monitors(order.resource);
}

// --- Questions ----------------------------------------------------------------------------------

bool Mind::is_coordinator() const {
    return phase_ == member::Phase::Active && coordinator_ == self_.id && !is_going_;
}

bool Mind::is_peer_member() const { return peer_ && peer_->standing == member::Standing::Member; }

bool Mind::i_run_resources() const { return execute::runs_resources(shared_.cib, self_place().id); }

execute::Place Mind::self_place() const {
    return {.id = concat(self_.id.value), .name = self_.name};
}

execute::Place Mind::peer_place() const {
    XB_CHECK(peer_.has_value());
    return {.id = concat(peer_->node.id.value), .name = peer_->node.name};
}

std::optional<execute::Place> Mind::place_of(std::string_view name) const {
    if (name == self_.name) return self_place();
    if (peer_ && name == peer_->node.name) return peer_place();
    return std::nullopt;
}

std::vector<NodeId> Mind::node_ids() const {
    std::vector<NodeId> ids;
    for (const NodeName& node : options_.nodes) ids.push_back(node.id);
    return ids;
}

}  // namespace xbeat::node
