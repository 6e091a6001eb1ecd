// Joining: what the coordinator sends, what the joiner takes over, and what it drops.
//
// A joiner whose log is how the coordinator's begins is sent the records that it missed, if they
// are still at hand; everybody else the whole state. Records that the coordinator never had are
// dropped, and said in words: nobody was told that they had happened, but somebody may have wanted
// them.
#include "cib/edit.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using member::Phase;
using member::Standing;

void Mind::welcome() {
    XB_CHECK(!is_last_survivor_ || is_admitted_by_word());
    Peer& peer = *peer_;
    peer.is_to_be_welcomed = false;
    peer.has_joined = false;
    const std::uint64_t session = prng_.next() | 1U;
    drop_remote_flights();
    if (peer.standing != Standing::Joining) peer.was_lost = peer.standing == Standing::Lost;
    peer.standing = Standing::Joining;
    // If it does not finish its joining, what its old life ran must be dealt with after all.
    peer.hold_until = now_.boot + options_.stall_limit;
    peer.daemon = peer.heard->daemon;
    log_.peer_unknown();
    flush_appends();
    wire::Message message;
    if (std::optional<wire::Catchup> catchup = catchup_for(*peer.heard)) {
        catchup->session = session;
        message = std::move(*catchup);
    } else {
        message = wire::Welcome{
            .session = session,
            .term = term_,
            .joiner = peer.heard->daemon,
            .is_divergent = !shared_.contains(peer.heard->log_term, peer.heard->log_index),
            .snapshot = replicate::encode_snapshot(shared_)};
    }
    out_.send.push_back(
        {.peer = peer.node.id, .bytes = wire::encode_message(message, peer.version)});
    peer.link.begin(session);
    peer.link.open(0);
}

// Nothing if the whole state has to be sent.
std::optional<wire::Catchup> Mind::catchup_for(const wire::Hello& hello) const {
    constexpr std::uint16_t kSince = 4;
    const bool is_possible = peer_->version >= kSince && hello.digest != 0 &&
                             hello.log_index.value != 0 &&
                             shared_.contains(hello.log_term, hello.log_index);
    if (!is_possible) return std::nullopt;
    std::optional<std::vector<std::string>> records = tail_.after(hello.log_index, shared_.applied);
    if (!records) return std::nullopt;
    return wire::Catchup{.session = 0,
                         .term = term_,
                         .joiner = hello.daemon,
                         .after = hello.log_index,
                         .records = std::move(*records),
                         .digest = replicate::digest_of(shared_)};
}

void Mind::heard(const wire::Welcome& welcome) {
    Peer& peer = *peer_;
    if (phase_ != Phase::Joining || !peer.heard || welcome.joiner != daemon_) return;
    if (welcome.term < term_ || welcome.session == 0) return reset_channel();
    Result<replicate::State> state = replicate::decode_snapshot(welcome.snapshot);
    if (!state) {
        note_node(Level::Error, "join-failed", peer.node.name, state.error().context);
        return reset_channel();
    }
    if (welcome.is_divergent) note_divergence(*state);
    shared_ = std::move(*state);
    tail_.clear();
    begin_membership(welcome.term, welcome.session);
    save_joined_state(welcome.snapshot);
}

void Mind::heard(const wire::Catchup& catchup) {
    Peer& peer = *peer_;
    if (phase_ != Phase::Joining || !peer.heard || catchup.joiner != daemon_) return;
    const bool is_ours = catchup.session != 0 && catchup.after == shared_.applied;
    if (catchup.term < term_ || !is_ours) return reset_channel();
    replicate::State state = shared_;
    std::vector<wire::Record> records;
    Result<void> applied;
    for (const std::string& bytes : catchup.records) {
        Result<wire::Record> record = wire::decode_record(bytes);
        applied = record ? replicate::apply(state, *record) : Result<void>(record.error());
        if (!applied) break;
        records.push_back(std::move(*record));
    }
    if (!applied || replicate::digest_of(state) != catchup.digest) {
        // The copies differ where they should be one: only the whole state makes them equal again.
        wants_whole_state_ = true;
        note_node(Level::Error, "catch-up-failed", peer.node.name,
                  concat("the records of ", peer.node.name, " do not lead to its state",
                         applied ? "" : ": ", applied ? "" : applied.error().context));
        return reset_channel();
    }
    shared_ = std::move(state);
    for (std::size_t i = 0; i < records.size(); ++i) {
        tail_.push(records[i].term, records[i].index, catchup.records[i]);
    }
    note_node(Level::Debug, "caught-up", peer.node.name,
              concat("missed ", records.size(), " records of ", peer.node.name));
    begin_membership(catchup.term, catchup.session);
    // A record of before that this disk refused is made good with the rest.
    if (log_.hole()) return save_joined_state(replicate::encode_snapshot(shared_));
    for (std::size_t i = 0; i < records.size(); ++i) {
        ++join_writes_;
        const Ticket ticket =
            write(AppendRecord{.index = records[i].index, .bytes = catchup.records[i]},
                  After::JoinWrites);
        log_.append_begun(ticket, records[i].index);
    }
}

// The state is the coordinator's; it has to be on the disk before this node says so.
void Mind::begin_membership(Term term, std::uint64_t session) {
    Peer& peer = *peer_;
    counts_as_off_ = false;
    wants_whole_state_ = false;
    term_ = term;
    local_.end_monitors({});
    peer.link.begin(session);
    peer.link.open(0);
    peer.daemon = peer.heard->daemon;
    told_durable_ = {};
    std::erase_if(writes_, [](const auto& each) { return each.second == After::JoinWrites; });
    join_writes_ = 2;
    put_meta("term", concat(term_.value), After::JoinWrites);
    survivor_after_.reset();
    put_meta("last_survivor", "", After::JoinWrites);
}

void Mind::save_joined_state(std::string snapshot) {
    join_writes_ += 2;
    const Ticket saved = write(SaveSnapshot{.index = shared_.applied, .bytes = std::move(snapshot)},
                               After::JoinWrites);
    (void)write(TruncateLog{LogIndex{shared_.applied.value + 1}}, After::JoinWrites);
    log_ = {};
    log_.snapshot_begun(saved, shared_.applied);
}

// What is dropped stays in the history of events: record by record as far as they are at hand, and
// the configuration that nobody will see again.
void Mind::note_divergence(const replicate::State& taken) {
    constexpr std::size_t kLinesMax = 32;
    constexpr std::size_t kTextMax = std::size_t{64} << 10U;
    Fields fields = {{"own", concat(shared_.last_term().value, '/', shared_.applied.value)},
                     {"own_version", replicate::version_of(shared_.cib)},
                     {"taken", concat(taken.last_term().value, '/', taken.applied.value)},
                     {"taken_version", replicate::version_of(taken.cib)}};
    const auto add = [&fields](const std::string& name, const std::vector<std::string>& lines) {
        for (std::size_t i = 0; i < lines.size() && i < kLinesMax; ++i) {
            fields.emplace_back(name, lines[i]);
        }
        if (lines.size() > kLinesMax) {
            fields.emplace_back(name, concat(lines.size() - kLinesMax, " more"));
        }
    };
    const std::vector<std::string> dropped = tail_.missing_in(taken);
    add("dropped", dropped);
    const cib::Element* mine = shared_.cib.child("configuration");
    const cib::Element* theirs = taken.cib.child("configuration");
    const bool has_other_configuration =
        mine != nullptr && theirs != nullptr && !(*mine == *theirs);
    if (has_other_configuration) {
        std::vector<std::string> differences;
        for (const cib::Change& change : cib::diff(*mine, *theirs)) {
            differences.push_back(cib::to_string(change));
        }
        add("difference", differences);
        std::string text = cib::print_xml(*mine);
        if (text.size() <= kTextMax) fields.emplace_back("configuration", std::move(text));
    }
    note_node(
        Level::Warning, "state-diverged", peer_->node.name,
        concat("this node held records that ", peer_->node.name,
               " never had, and nobody was told of them; they are dropped: ", dropped.size(),
               " known here", has_other_configuration ? ", with a configuration of its own" : ""),
        std::move(fields));
}

void Mind::joined_writes_done() {
    if (phase_ != Phase::Joining) return;
    say(wire::Joined{.term = term_});
    if (!is_admitted_by_word()) follow();
}

void Mind::heard(const wire::Admitted& admitted) {
    const bool has_everything = join_writes_ == 0 && !must_join_again_;
    if (phase_ == Phase::Joining && admitted.term == term_ && has_everything) follow();
}

// From here on this node is a member.
void Mind::follow() {
    Peer& peer = *peer_;
    is_last_survivor_ = false;
    phase_ = Phase::Active;
    has_life_ = true;
    coordinator_ = peer.node.id;
    peer.standing = Standing::Member;
    clear_fence_counts(peer.node.name);
    left_running_.clear();
    is_own_history_void_ = true;
    peer.fenced_daemon = {};
    peer.is_out_by_lease = false;
    holds_grant_ = false;  // that is for who leads to decide
    lease_.peer_joined(now_.boot);
    lease_wishes();
    note_node(Level::Info, "joined", self_.name,
              concat(self_.name, " joined ", peer.node.name, " in term ", term_.value),
              {{"term", concat(term_.value)}});
}

// The joiner is a member from here on, whose resources will be probed.
void Mind::peer_joined() {
    Peer& peer = *peer_;
    peer.has_joined = false;
    if (is_admitted_by_word()) say(wire::Admitted{.term = term_});
    counts_as_off_ = false;
    peer.standing = Standing::Member;
    peer.hold_until.reset();
    clear_fence_counts(peer.node.name);
    left_running_.clear();
    // Only now: a life that was welcomed and lost again before it followed may still lead its own.
    peer.fenced_daemon = {};
    peer.is_out_by_lease = false;
    is_lease_proven_ = false;
    lease_.peer_joined(
        now_.boot, holds_grant_ ? fence::Lease::Granting::Held : fence::Lease::Granting::AtOnce);
    lease_wishes();
    probe_arrivals();
    append(wire::SetNodeState{.id = peer_place().id,
                              .name = peer.node.name,
                              .is_member = true,
                              .is_online = true,
                              .join = "member",
                              .expected = "member",
                              .forget = true});
    note_node(Level::Info, "joined", peer.node.name,
              concat(peer.node.name, " joined in term ", term_.value),
              {{"term", concat(term_.value)}});
    update_quorum();
    want_plan(concat(peer.node.name, " joined"));
}

}  // namespace xbeat::node
