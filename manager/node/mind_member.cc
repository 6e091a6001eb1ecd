// Who is in: meeting, joining, leading, losing and leaving.
#include <algorithm>

#include "cib/edit.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using member::Phase;
using member::Standing;

wire::Hello Mind::make_hello() const {
    wire::Hello hello;
    hello.cluster = options_.cluster;
    hello.sender = self_.id;
    for (const NodeName& node : options_.nodes) {
        hello.nodes.push_back({.id = node.id, .name = node.name});
    }
    std::sort(hello.nodes.begin(), hello.nodes.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    hello.daemon = daemon_;
    hello.heart = heart_;
    hello.standing = has_life_ ? wire::Standing::Running : wire::Standing::Fresh;
    hello.is_coordinator = is_coordinator();
    // Who has stood down follows the one that it met, whatever that one's state tells of this node.
    hello.runs_resources =
        has_life_ ? phase_ != Phase::Joining && i_run_resources() : may_run_leftovers_;
    hello.is_last_survivor = is_last_survivor_;
    hello.term = term_;
    hello.log_term = shared_.last_term();
    hello.log_index = shared_.applied;
    hello.newest = concat(options_.protocol_newest);
    hello.digest = wants_whole_state_ ? 0 : replicate::digest_of(shared_);
    hello.session = peer_->link.session();
    hello.received = peer_->link.received();
    return hello;
}

void Mind::heard(wire::Hello hello) {
    Peer& peer = *peer_;
    if (peer.heard) return reset_channel();
    peer.newest_term = std::max(peer.newest_term, hello.term);
    peer.heard = std::move(hello);
    meet();
}

// Both hellos of this channel are known: decide, as the peer does with the same two.
void Mind::meet() {
    Peer& peer = *peer_;
    const wire::Hello& theirs = *peer.heard;
    const member::Judgement judgement = member::judge(*peer.said, theirs);
    if (judgement.decision == member::Decision::Refuse) return refuse(judgement.reason);
    if (theirs.sender != peer.node.id) return refuse("the peer's id is not the expected one");
    // Replaced without a shot, or with one still under way: the same life is not followed any more.
    // If it stands down by itself it may join at once; it is granted nothing before what runs on it
    // was found.
    const bool is_same_life = theirs.daemon == peer.daemon && theirs.daemon.value != 0;
    const bool is_being_shot = peer.standing == Standing::Lost && is_lease_proven_;
    const bool is_replaced = is_same_life && (peer.is_out_by_lease || is_being_shot);
    if (is_replaced && judgement.decision == member::Decision::Join) {
        return refuse(concat(peer.node.name,
                             " lost its lease, and was replaced: it may join when everything on it "
                             "has stopped"));
    }
    const bool is_fenced = peer.fenced_daemon.value != 0 && theirs.daemon == peer.fenced_daemon;
    if (is_fenced && !peer.is_out_by_lease) {
        return refuse(concat(peer.node.name,
                             " was fenced, but the same life of its daemon speaks again: its "
                             "fence device does not do what it says"));
    }
    peer.refusal.clear();
    peer.version = wire::common_version(*peer.said, theirs).value();
    out_.run.emplace_back(AcceptPeer{.peer = peer.node.id, .heart = theirs.heart});
    switch (judgement.decision) {
        case member::Decision::Resume:
            peer.link.open(theirs.received);
            note_node(Level::Info, "channel-resumed", peer.node.name,
                      concat("the session with ", peer.node.name, " goes on"));
            return;
        case member::Decision::Lead:
            note_node(Level::Info, "peer-met", peer.node.name, judgement.reason);
            peer.is_to_be_welcomed = true;
            return try_welcome();
        case member::Decision::Join:
            note_node(Level::Info, "peer-met", peer.node.name, judgement.reason);
            forget_survivor();
            return stand_down();
        case member::Decision::Refuse:
            return;
    }
}

void Mind::refuse(std::string reason) {
    Peer& peer = *peer_;
    out_.send.push_back(
        {.peer = peer.node.id, .bytes = wire::encode_message(wire::Refuse{.reason = reason})});
    if (peer.refusal == reason) return;
    note_node(Level::Error, "peer-refused", peer.node.name, reason, {{"reason", reason}});
    peer.refusal = std::move(reason);
}

void Mind::heard(const wire::Refuse& refusal) {
    if (peer_->refusal == refusal.reason) return;
    peer_->refusal = refusal.reason;
    note_node(Level::Error, "refused-by-peer", peer_->node.name,
              concat(peer_->node.name, " refuses this node: ", refusal.reason),
              {{"reason", refusal.reason}});
    found_to_be_fenced();
}

// Who refuses this life has a proof that it ended: a device said that this node is off, or a person
// did. What runs here may run there as well by now.
void Mind::found_to_be_fenced() {
    const bool is_replaced = has_life_ && peer_->heard && peer_->heard->is_last_survivor;
    if (!is_replaced || lease_.is_used()) return;
    counts_as_off_ = true;
    const bool panics =
        fence::cluster_option(shared_.cib, "fencing-reaction", "fence-reaction") == "panic";
    const std::string reason = concat(self_.name, " counts as off for ", peer_->node.name,
                                      ", but it runs: its resources may run twice");
    note_node(
        Level::Error, "fenced-alive", self_.name,
        concat(reason, panics ? "; fencing-reaction=panic resets it"
                              : "; stop them or reset this node, and repair its fence device"),
        {{"reaction", panics ? "panic" : "stop"}});
    if (panics) out_.run.emplace_back(StopWatchdog{reason});
}

// Another node leads: this one takes over its state. What runs here goes on running; the new
// coordinator finds it by probing.
void Mind::stand_down() {
    Peer& peer = *peer_;
    if (transition_) transition_->abort();
    transition_.reset();
    flights_.clear();
    held_.clear();
    postponed_.clear();
    wants_plan_ = false;
    (void)fencer_.recall(peer.node.name);
    std::erase_if(fences_, [this](const auto& each) { return !fencer_.has_job(each.first); });
    drop_changes("this node is no longer the coordinator");
    fail_forwarded("the coordinator changed before it answered: look at the state and ask again");
    peer.link.end();
    peer.hold_until.reset();
    peer.standing = Standing::Absent;
    is_lease_proven_ = false;
    // A member that joins anew goes on granting: the other one serves under it.
    if (lease_.mode() != fence::Lease::Mode::Sharing) lease_.begin_anew();
    lease_wishes();
    is_lead_pending_ = false;
    std::erase_if(writes_, [](const auto& each) { return each.second == After::JoinWrites; });
    join_writes_ = 0;
    coordinator_ = {};
    phase_ = Phase::Joining;
}

// Welcomes the peer that is to join, once nothing stands in the way: no shot at it is under way,
// and this node leads a term newer than all of the peer's.
void Mind::try_welcome() {
    if (!peer_ || !peer_->has_channel || !peer_->is_to_be_welcomed) return;
    Peer& peer = *peer_;
    if (!fencer_.recall(peer.node.name)) return;
    if (const auto order = fences_.find(peer.node.name);
        order != fences_.end() && !order->second.is_remote) {
        fences_.erase(order);
        if (transition_) want_plan(concat(peer.node.name, " is back"));
        if (transition_) transition_->abort();
    }
    const bool needs_term = !is_coordinator() || term_led_ != term_ || peer.heard->term > term_;
    if (needs_term) {
        // One that is on its way may turn out to be too old; then another one follows it.
        if (is_lead_pending_) return;
        term_ = std::max(term_, peer.heard->term);
        if (phase_ == Phase::Waiting) phase_ = Phase::Forming;
        return lead_durably();
    }
    if (is_last_survivor_ && !is_admitted_by_word()) return give_up_right();
    if (must_hold_grant()) {
        // It grants this node as soon as it has joined.
        lease_.hold();
        lease_wishes();
        peer.waits_for_lease = !lease_.has_peer_run_out(now_.boot);
        if (peer.waits_for_lease) return;
        holds_grant_ = true;
    }
    welcome();
}

// Since version 5 a joiner that has everything becomes a member by a word of its own, and the right
// to start without it is kept until then. Before, it is one as soon as it has everything.
bool Mind::is_admitted_by_word() const {
    constexpr std::uint16_t kSince = 5;
    return peer_->version >= kSince;
}

// Not before this term has begun on the disk: without the right the newer log leads, and a peer
// that took over and yielded has records of a newer term than this node had.
void Mind::give_up_right() {
    if (is_survivor_clearing_ || log_.durable() < term_began_) return;
    drop_survivor_writes();
    is_survivor_clearing_ = true;
    put_meta("last_survivor", "", After::SurvivorCleared);
}

// The peer has everything. It is a member once this node cannot start without it any more.
void Mind::try_admit() {
    if (!peer_ || peer_->standing != Standing::Joining || !peer_->has_joined) return;
    if (is_last_survivor_) return give_up_right();
    peer_joined();
}

// True while this node leads the start of the cluster, and nobody follows it yet. What a last
// survivor leads so is not in force before it has given up that right.
bool Mind::is_forming() const {
    return phase_ == Phase::Forming || (phase_ == Phase::Active && is_last_survivor_ && peer_ &&
                                        peer_->standing == Standing::Absent);
}

// Whom this node was to follow, or who was to follow it, is gone before either began.
void Mind::wait_anew() {
    phase_ = Phase::Waiting;
    has_life_ = false;
    coordinator_ = {};
    is_lead_pending_ = false;
    peer_->standing = Standing::Absent;
}

// Asks the disk for a new term of our own; term_is_durable() goes on.
void Mind::lead_durably() {
    if (is_lead_pending_) return;
    is_lead_pending_ = true;
    raise_term();
    std::erase_if(writes_, [](const auto& each) { return each.second == After::LeadTerm; });
    put_meta("term", concat(term_.value), After::LeadTerm);
}

// The numbers of operations begin anew with the term that they contain, and only with it.
void Mind::raise_term() {
    term_ = member::next_term(term_, self_.id, node_ids());
    next_operation_ = 1;
}

void Mind::term_is_durable() {
    if (!is_lead_pending_) return;
    is_lead_pending_ = false;
    // A peer that can be asked has been told that this node is fresh: nobody starts alone then. Nor
    // if the right to it ran out while the disk was slow.
    const bool may_serve = !lease_.is_used() || lease_.is_exclusive(now_.boot);
    if ((peer_ && peer_->has_channel) || !may_serve) lead_reason_.clear();
    const bool has_reason = !lead_reason_.empty();
    if (!has_reason && !(peer_ && peer_->is_to_be_welcomed)) {
        if (phase_ == Phase::Forming) phase_ = Phase::Waiting;
        return;
    }
    std::string why = has_reason ? lead_reason_ : std::string("leads the start of the cluster");
    lead_reason_.clear();
    if (has_reason && peer_) peer_->standing = Standing::Out;
    lead(std::move(why));
    try_welcome();
}

void Mind::start_alone_if_allowed() {
    if (phase_ != Phase::Waiting || is_lead_pending_) return;
    if (peer_ && peer_->has_channel) return;  // it can be asked
    const std::string why = member::reason_to_start_alone(
        {.nodes = options_.nodes.size(),
         .is_last_survivor = is_last_survivor_,
         .is_peer_confirmed = peer_ && peer_->standing == Standing::Out});
    if (why.empty()) return;
    const bool is_confirmed = peer_ && peer_->standing == Standing::Out;
    if (meet_until_ && !is_confirmed) return;
    // A person vouches for the peer, or there is none. Else the arbiter has to agree: a survivor's
    // own memory does not tell what happened since.
    if (!peer_ || peer_->standing == Standing::Out) {
        lease_.peer_out(now_.boot);
    } else if (lease_.is_used() && !lease_.is_exclusive(now_.boot)) {
        lease_.return_alone(now_.boot);
        return lease_wishes();
    }
    lease_wishes();
    // By the arbiter's word the peer is silent, not off: what it runs has to be found first.
    holds_grant_ = holds_grant_ || (lease_.is_used() && !is_confirmed);
    lead_reason_ = concat("starts alone: ", why);
    lead_durably();
}

// A machine that took a dead one's place may have another name: the files call the node of that id
// so. What names the old one in the configuration means the new one from now on.
void Mind::rename_nodes() {
    const cib::Element* const present = shared_.cib.child("configuration");
    const cib::Element* const nodes = present == nullptr ? nullptr : present->child("nodes");
    if (nodes == nullptr) return;
    const auto is_in_files = [this](std::string_view name) {
        return std::any_of(options_.nodes.begin(), options_.nodes.end(),
                           [name](const NodeName& each) { return each.name == name; });
    };
    cib::Element configuration = *present;
    for (const NodeName& node : options_.nodes) {
        for (const cib::Element& known : nodes->children) {
            const std::string old(known.get("uname"));
            // One that the files know too is another node, whatever its id was elsewhere.
            if (known.get("id") != concat(node.id.value) || old.empty() || is_in_files(old))
                continue;
            const Result<void> renamed = cib::rename_object(configuration, old, node.name);
            const std::string what = concat("the node ", old, " is called ", node.name, " now");
            if (renamed) {
                note_node(Level::Info, "node-renamed", node.name, what, {{"before", old}});
            } else {
                note_node(Level::Warning, "node-renamed", node.name,
                          concat(what, ", but not in the configuration: ", renamed.error().context),
                          {{"before", old}});
            }
        }
    }
    if (configuration == *present) return;
    const std::int64_t epoch = parse_integer(shared_.cib.get("epoch")).value_or(0);
    const std::int64_t admin_epoch = parse_integer(shared_.cib.get("admin_epoch")).value_or(0);
    const LogIndex proposal =
        append(wire::ProposeConfiguration{.configuration = cib::print_xml(configuration),
                                          .validate_with = {},
                                          .admin_epoch = admin_epoch,
                                          .epoch = epoch + 1,
                                          .user = "xbeat",
                                          .origin = self_.name,
                                          .when = now_.calendar});
    append(wire::CommitConfiguration{.proposal = proposal});
}

// This node is coordinator from here on. Its term is ours alone; on the way to a takeover it may
// still be on its way to the disk.
void Mind::lead(std::string why) {
    const bool was_fresh = !has_life_;
    std::vector<wire::Body> unheard;
    if (peer_ && !is_coordinator()) {
        unheard = peer_->link.unheard();
        peer_->link.end();
    }
    phase_ = Phase::Active;
    has_life_ = true;
    // Two daemons that begin anew on machines that did not: nobody remembers which of them was
    // silenced, and both may run the same.
    const bool may_peer_run = peer_ && peer_->heard && peer_->heard->runs_resources;
    if (was_fresh && lease_.is_used() && (may_run_leftovers_ || may_peer_run)) holds_grant_ = true;
    coordinator_ = self_.id;
    term_led_ = term_;
    log_.peer_unknown();
    note_node(Level::Info, "coordinator", self_.name,
              concat(self_.name, " is coordinator of term ", term_.value, ": ", why),
              {{"term", concat(term_.value)}, {"reason", why}});
    term_began_ = append(wire::SetCluster{.have_quorum = true, .coordinator = self_place().id});
    rename_nodes();
    for (const NodeName& node : options_.nodes) {
        append(wire::EnsureNode{.id = concat(node.id.value), .name = node.name});
    }
    // What another coordinator proposed was never acknowledged; a change of our own goes on.
    if (shared_.proposal && !(change_ && change_->proposal == shared_.proposal->index)) {
        append(wire::AbortConfiguration{.proposal = shared_.proposal->index});
    }
    // What a node of an earlier life did is void: everything is probed. So it is for a node that
    // was welcomed and lost the other one before it heard that it is in: its monitors ended with
    // the welcome, and the state that it took over still tells of them.
    const cib::Element* own = replicate::node_state(shared_.cib, self_place().id);
    const bool is_void =
        was_fresh || is_own_history_void_ || own == nullptr || own->get("crmd") != "online";
    is_own_history_void_ = false;
    append(wire::SetNodeState{.id = self_place().id,
                              .name = self_.name,
                              .is_member = true,
                              .is_online = true,
                              .join = "member",
                              .expected = "member",
                              .forget = is_void});
    if (peer_ && was_fresh && peer_->standing == Standing::Out) {
        record_peer_out();
    } else if (peer_ && was_fresh) {
        // Unless something proves that it is off, it may still run what an earlier life started.
        append(wire::SetNodeState{.id = peer_place().id,
                                  .name = peer_->node.name,
                                  .is_member = false,
                                  .is_online = false,
                                  .join = "member",
                                  .expected = "member",
                                  .forget = true});
    }
    const bool is_alone = peer_ && peer_->standing == Standing::Out && !peer_->is_to_be_welcomed;
    if (is_alone && !keeps_right()) remember_survivor();
    import_local_flights();
    results_unheard(unheard);
    update_quorum();
    // A cold start of a pair plans when the peer has joined, not before.
    if (peer_ && peer_->standing != Standing::Out && peer_->standing != Standing::Lost) return;
    want_plan(std::move(why));
}

// A takeover does not wait for its term to be durable, but a disk that refuses it is asked again: a
// later life of this node must not lead the same term with other records (claim I-11).
void Mind::keep_term() {
    owes_term_ = false;
    put_meta("term", concat(term_.value), After::TermKept);
}

void Mind::take_over(std::string why) {
    is_lead_pending_ = false;  // a term that is on its way to the disk is not that far
    raise_term();
    keep_term();
    fail_forwarded("the coordinator is gone: look at the state and ask again");
    if (!is_coordinator()) places_before_ = places_now();
    lead(std::move(why));
}

// The peer is silent, or stalled for too long. It may still run something: nothing starts here on
// the strength of this alone.
void Mind::peer_gone(std::string why) {
    Peer& peer = *peer_;
    if (is_going_) return;  // whoever is left has to deal with it
    if (is_forming() || (phase_ == Phase::Joining && !has_life_)) {
        wait_anew();
        peer.link.end();
        return reset_channel();
    }
    // It waits for its welcome, and the heart stays with its verdict until the two meet anew: a
    // member that counts as dead would be granted nothing, and its loss never noticed.
    if (peer.is_to_be_welcomed) reset_channel();
    peer.hold_until.reset();  // it is not on its way back any more
    if (peer.standing == Standing::Lost) return;
    if (phase_ != Phase::Active && phase_ != Phase::Joining) return;
    if (peer.standing == Standing::Out) return;
    failover_begins(why, peer.node.name, {});
    const Evidence& evidence = peer.health.evidence();
    const Instant suspected = peer.health.suspect_since().value_or(evidence.judged_at);
    chronicle_.add({.phase = "silence",
                    .detail = {},
                    .from = evidence.last_answer,
                    .to = suspected,
                    .succeeded = true});
    chronicle_.add({.phase = "suspect",
                    .detail = {},
                    .from = suspected,
                    .to = evidence.judged_at,
                    .succeeded = true});
    chronicle_.add({.phase = "dead",
                    .detail = peer.node.name,
                    .from = evidence.judged_at,
                    .to = now_.boot,
                    .succeeded = true});
    peer.standing = Standing::Lost;
    lose_lease();
    drop_remote_flights();
    if (!is_coordinator()) take_over(why);
    peer.link.end();
    reset_channel();
    // It was to leave and was lost on its way: only a goodbye would have made it clean (claim I-3).
    if (!replicate::transient_attribute(shared_.cib, peer_place().id, "shutdown").empty()) {
        append(wire::SetTransient{
            .node = peer_place().id, .name = "shutdown", .value = {}, .remove = true});
    }
    append(wire::SetNodeState{.id = peer_place().id,
                              .name = peer.node.name,
                              .is_member = false,
                              .is_online = false,
                              .join = "member",
                              .expected = "member",
                              .forget = false});
    update_quorum();
    if (transition_) transition_->abort();
    want_plan(std::move(why));
}

// A proof: the peer runs nothing, or nothing but what it left running. Its history is void and
// nothing waits for its disk any more.
void Mind::peer_is_out(std::string how, Proof proof) {
    Peer& peer = *peer_;
    if (proof != Proof::Lease) {
        lease_.peer_out(now_.boot);
        holds_grant_ = false;
    }
    const bool runs_nothing = proof == Proof::Shot || proof == Proof::Word;
    const bool has_cleared = runs_nothing && !left_running_.empty();
    if (has_cleared) {
        left_running_.clear();
        if (is_last_survivor_) remember_survivor();
    }
    lease_wishes();
    is_lease_proven_ = false;
    peer.is_out_by_lease = proof == Proof::Lease;
    const bool was_running = phase_ == Phase::Active || (phase_ == Phase::Joining && has_life_);
    counts_as_off_ = false;
    peer.standing = Standing::Out;
    peer.is_to_be_welcomed = false;
    peer.fenced_daemon = peer.daemon;
    peer.hold_until.reset();
    peer.health.forget(now_.boot);
    drop_remote_flights();
    out_.run.emplace_back(ForgetPeer{peer.node.id});
    reset_channel();
    // Who needs a person for it was not there all the time: what the peer led since this node heard
    // it last is over, however long it went on.
    const bool has_gap = !was_running || proof == Proof::Word;
    if (has_gap) term_ = member::past_unknown_terms(std::max(term_, peer.newest_term));
    if (was_running && (has_gap || !is_coordinator())) take_over(concat(peer.node.name, ' ', how));
    peer.link.end();
    if (!was_running) {
        is_lead_pending_ = false;  // a term that is on its way to the disk is not that far
        return start_alone_if_allowed();
    }
    if (!keeps_right()) remember_survivor();
    record_peer_out();
    update_quorum();
}

// The next start may happen without the peer, and whoever meets the peer then has the newer state,
// whatever terms the peer went through before it was stopped. No client is answered before that is
// on the disk.
void Mind::remember_survivor() {
    drop_survivor_writes();
    is_last_survivor_ = true;
    survivor_after_ = shared_.applied;
    write_survivor();
}

// What was last asked of the disk about the right counts, not what is still on its way there.
void Mind::drop_survivor_writes() {
    std::erase_if(writes_, [](const auto& each) {
        return each.second == After::SurvivorKept || each.second == After::SurvivorCleared;
    });
    is_survivor_clearing_ = false;
    is_survivor_durable_ = false;
    survivor_after_.reset();
}

bool Mind::keeps_right() const { return is_last_survivor_ && !is_survivor_clearing_; }

// Not before all records are on the disk that this node had when the peer went: a later life would
// lead with less than this one knew.
void Mind::write_survivor() {
    if (!survivor_after_ || log_.durable() < *survivor_after_) return;
    survivor_after_.reset();
    std::string value = concat(term_.value);
    for (const std::string& resource : left_running_) value += concat(' ', resource);
    put_meta("last_survivor", std::move(value), After::SurvivorKept);
}

// Who follows another one has no right any more to start without it, whatever becomes of its
// joining.
void Mind::forget_survivor() {
    if (!is_last_survivor_) return;
    drop_survivor_writes();
    is_last_survivor_ = false;
    put_meta("last_survivor", "", After::Nothing);
}

void Mind::reset_channel() {
    if (!peer_->has_channel) return;
    // What still arrives on the old channel is not listened to: it has no hello any more.
    peer_->link.close();
    peer_->said.reset();
    peer_->heard.reset();
    peer_->is_to_be_welcomed = false;
    out_.run.emplace_back(ResetChannel{peer_->node.id});
}

// Quorum of a pair is the permission to plan for both: as long as the other one is in, provably
// out, or can be proven out.
void Mind::update_quorum() {
    if (!is_coordinator()) return;
    const bool is_split = this->is_split();
    std::string obstacle;
    if (is_yielding_) {
        obstacle = concat("no safe takeover: ", lease_.reason());
    } else if (is_split && !lease_.is_hopeful()) {
        obstacle = concat("no safe takeover: ", peer_->node.name,
                          " is lost and nothing can prove that it is off (no fencing)");
    }
    if (obstacle != obstacle_ && is_split && !obstacle.empty()) {
        note_node(Level::Error, "no-safe-takeover", peer_->node.name, obstacle);
    }
    obstacle_ = obstacle;
    append(wire::SetCluster{.have_quorum = !is_split, .coordinator = self_place().id});
}

}  // namespace xbeat::node
