// The replicated state: making records, sending and storing them; configurations in two steps.
//
// Records take effect at once and the disks follow, except configurations: one is proposed, becomes
// durable on all members, is committed, and only when the commit is durable too the client is
// answered. So a change that cannot be stored never takes effect, and one that was acknowledged is
// on every disk.
#include <algorithm>
#include <utility>

#include "cib/edit.h"
#include "core/limits.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using member::Phase;
using member::Standing;

LogIndex Mind::append(wire::RecordBody body) {
    XB_CHECK(coordinator_ == self_.id);
    alert_of(body);
    const LogIndex index{shared_.applied.value + 1};
    // What came first on two nodes is not told by their clocks, which may be hours apart.
    auto* history = std::get_if<wire::SetHistory>(&body);
    if (history != nullptr && !history->attributes.empty()) {
        history->attributes.emplace_back("xbeat-record", concat(index.value));
    }
    const wire::Record record{.term = term_, .index = index, .body = std::move(body)};
    const Result<void> applied = replicate::apply(shared_, record);
    XB_CHECK(applied.has_value());
    std::string bytes = wire::encode_record(record);
    if (peer_ && peer_->link.session() != 0) unsent_.push_back(bytes);
    if (peer_) tail_.push(record.term, record.index, bytes);
    const Ticket ticket =
        write(AppendRecord{.index = record.index, .bytes = std::move(bytes)}, After::Nothing);
    log_.append_begun(ticket, record.index);
    return record.index;
}

void Mind::append_all(std::vector<wire::RecordBody> bodies) {
    for (wire::RecordBody& body : bodies) append(std::move(body));
}

// Everything said within the session keeps its place behind the records made before it.
void Mind::say(wire::Body body) {
    if (!peer_) return;
    flush_appends();
    peer_->link.push(std::move(body));
    if (peer_->link.is_overfull()) {
        note_node(Level::Warning, "session-dropped", peer_->node.name,
                  concat("too much waits for ", peer_->node.name, "; it has to join again"));
        peer_->link.end();
        reset_channel();
    }
}

void Mind::flush_appends() {
    if (unsent_.empty()) return;
    std::vector<std::string> records = std::move(unsent_);
    unsent_.clear();
    if (peer_ && peer_->link.session() != 0) {
        peer_->link.push(wire::Append{.term = term_, .records = std::move(records)});
    }
}

void Mind::heard(const wire::Append& message) {
    if (message.term != term_ || is_coordinator()) return;
    for (const std::string& bytes : message.records) {
        const Result<wire::Record> record = wire::decode_record(bytes);
        Result<void> applied;
        if (!record) {
            applied = record.error();
        } else if (record->index <= shared_.applied) {
            continue;
        } else {
            applied = replicate::apply(shared_, *record);
        }
        if (!applied) {
            // The copies differ: only a welcome with the whole state makes them equal again.
            note_node(Level::Error, "record-refused", peer_->node.name, applied.error().context);
            peer_->link.end();
            return reset_channel();
        }
        const auto* state = std::get_if<wire::SetNodeState>(&record->body);
        if (state != nullptr && state->id == self_place().id) is_own_history_void_ = false;
        const Ticket ticket =
            write(AppendRecord{.index = record->index, .bytes = bytes}, After::Nothing);
        log_.append_begun(ticket, record->index);
        tail_.push(record->term, record->index, bytes);
    }
}

void Mind::heard(const wire::Durable& message) {
    if (!is_coordinator()) return;
    log_.peer_durable(message.up_to);
}

void Mind::heard(const wire::NotDurable& message) {
    if (!is_coordinator()) return;
    note_node(Level::Error, "store-failed", peer_->node.name,
              concat(peer_->node.name, " could not store a record: ", message.reason));
    const LogIndex awaited = change_ ? change_->commit.value_or(change_->proposal) : LogIndex{};
    if (change_ && message.index <= awaited) {
        change_failed(concat(peer_->node.name, " could not store it: ", message.reason));
    }
}

// The disk has more, or has failed: tell whoever waits for it.
void Mind::log_progressed() {
    if (phase_ == Phase::Active && !is_coordinator()) {
        if (log_.hole() && peer_) {
            say(wire::NotDurable{.index = *log_.hole(), .reason = "the disk refused a write"});
        }
        if (told_durable_ < log_.durable()) {
            told_durable_ = log_.durable();
            say(wire::Durable{told_durable_});
        }
        return;
    }
    if (change_ && log_.hole() && *log_.hole() <= change_->commit.value_or(change_->proposal)) {
        change_failed("the disk refused a write");
    }
    if (is_last_survivor_) {  // what waits for the records of a new term
        try_welcome();
        try_admit();
    }
}

void Mind::save_snapshot() {
    const Ticket ticket =
        write(SaveSnapshot{.index = shared_.applied, .bytes = replicate::encode_snapshot(shared_)},
              After::Nothing);
    log_.snapshot_begun(ticket, shared_.applied);
}

// Durable here, and at the peer unless a proof says that there is no peer. A peer that is merely
// lost may come back with its own copy, so it still counts.
bool Mind::is_durable_everywhere(LogIndex index) const {
    if (log_.durable() < index) return false;
    if (!peer_) return true;
    if (peer_->standing == Standing::Out) return is_survivor_durable_;
    return log_.durable_at_peer() >= index;
}

void Mind::propose(WantedChange wanted) {
    constexpr std::size_t kWaitingMax = 64;
    if (is_yielding_) return reply(wanted.asker, Error{Code::Unavailable, kYieldingText});
    if (wanted_.size() >= kWaitingMax) {
        return reply(wanted.asker,
                     Error{Code::Limit, concat("more than ", kWaitingMax,
                                               " changes of the configuration are waiting")});
    }
    wanted_.push_back(std::move(wanted));
    next_change();
}

void Mind::next_change() {
    if (change_ || wanted_.empty() || !is_coordinator()) return;
    WantedChange wanted = std::move(wanted_.front());
    wanted_.pop_front();
    const cib::Element& cib = shared_.cib;
    const std::int64_t admin_epoch = parse_integer(cib.get("admin_epoch")).value_or(0);
    const std::int64_t epoch = parse_integer(cib.get("epoch")).value_or(0);
    wire::ProposeConfiguration proposal{.configuration = cib::print_xml(wanted.configuration),
                                        .validate_with = std::move(wanted.validate_with),
                                        .admin_epoch = admin_epoch,
                                        .epoch = epoch + 1,
                                        .user = wanted.asker.user,
                                        .origin = self_.name,
                                        .when = now_.calendar};
    if (wanted.admin_epoch && *wanted.admin_epoch > admin_epoch) {
        proposal.admin_epoch = *wanted.admin_epoch;
    }
    const cib::Element* before = cib.child("configuration");
    Change change{.asker = std::move(wanted.asker),
                  .answer = std::move(wanted.answer),
                  .proposal = {},
                  .commit = {},
                  .previous = before == nullptr ? std::string() : cib::print_xml(*before)};
    change.proposal = append(std::move(proposal));
    change_ = std::move(change);
}

// What the change means, object by object, as far as a note can hold it.
void Mind::note_change(const cib::Element& before) {
    constexpr std::size_t kChangesMax = 20;
    Fields fields = {{"before", replicate::version_of(before)},
                     {"after", replicate::version_of(shared_.cib)},
                     {"user", change_->asker.user}};
    const cib::Element* was = before.child("configuration");
    const cib::Element* is = shared_.cib.child("configuration");
    if (was != nullptr && is != nullptr) {
        const std::vector<cib::Change> changes = cib::diff(*was, *is);
        for (std::size_t i = 0; i < changes.size() && i < kChangesMax; ++i) {
            fields.emplace_back("change", cib::to_string(changes[i]));
        }
        if (changes.size() > kChangesMax) {
            fields.emplace_back("change", concat(changes.size() - kChangesMax, " more"));
        }
    }
    note(Level::Info, "config-changed",
         concat("configuration ", replicate::configuration_version_of(shared_.cib),
                " is in force (", change_->asker.user, ")"),
         std::move(fields));
}

// The next step of the change under way, as far as the disks allow.
void Mind::drive_change() {
    if (!is_coordinator()) return;
    const bool is_void = change_ && !change_->commit &&
                         (!shared_.proposal || shared_.proposal->index != change_->proposal);
    if (is_void) return change_failed("another change took its place");
    if (change_ && !change_->commit && is_durable_everywhere(change_->proposal)) {
        const cib::Element before = shared_.cib;
        change_->commit = append(wire::CommitConfiguration{.proposal = change_->proposal});
        note_change(before);
        want_plan(concat("configuration changed by ", change_->asker.user));
    }
    if (change_ && change_->commit && is_durable_everywhere(*change_->commit)) {
        const Change done = std::move(*change_);
        change_.reset();
        reply(done.asker, done.answer);
        next_change();
    }
}

// Nothing of a change that cannot be stored stays: before the commit it never was; after it, the
// configuration of before is put back under a new version.
void Mind::change_failed(const std::string& reason) {
    if (!change_) return;
    const Change failed = std::move(*change_);
    change_.reset();
    if (is_coordinator()) {
        if (!failed.commit) {
            append(wire::AbortConfiguration{.proposal = failed.proposal});
        } else {
            const std::int64_t epoch = parse_integer(shared_.cib.get("epoch")).value_or(0);
            const std::int64_t admin = parse_integer(shared_.cib.get("admin_epoch")).value_or(0);
            const LogIndex back =
                append(wire::ProposeConfiguration{.configuration = failed.previous,
                                                  .validate_with = {},
                                                  .admin_epoch = admin,
                                                  .epoch = epoch + 1,
                                                  .user = "xbeat",
                                                  .origin = self_.name,
                                                  .when = now_.calendar});
            append(wire::CommitConfiguration{.proposal = back});
            want_plan("a change of the configuration was taken back");
        }
    }
    note(Level::Error, "config-refused",
         concat("the change of the configuration was not made: ", reason));
    reply(failed.asker,
          Error{Code::Unavailable,
                concat("the change could not be made durable and is not in force: ", reason)});
    next_change();
}

// Another one leads, or may lead: what this node answered from here on would not be sure to stay.
void Mind::drop_changes(const std::string& reason) {
    const std::deque<WantedChange> waiting = std::exchange(wanted_, {});
    change_failed(reason);
    for (const WantedChange& wanted : waiting) {
        reply(wanted.asker, Error{Code::Unavailable, reason});
    }
}

}  // namespace xbeat::node
