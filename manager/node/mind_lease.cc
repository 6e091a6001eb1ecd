// By what right this node serves: the peer's grants, the arbiter's exclusivity, or being alone; and
// what follows when there is none. The rules are in fence/lease.h; here they meet the rest.
#include <algorithm>
#include <array>

#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using fence::Lease;
using member::Phase;
using member::Standing;

namespace {

constexpr std::array<std::string_view, 5> kAddressTypes = {"IPaddr2", "IPaddr", "VIP", "IPv6addr",
                                                           "IPsrcaddr"};
constexpr std::array<std::string_view, 3> kAddressNames = {"ip", "ipv6addr", "ipaddress"};

bool is_one_of(std::string_view word, const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Every address that a resource of the configuration may put on this node, whatever rules say about
// when: one too many is harmless, one too few is a hole.
void collect_addresses(const cib::Element& element, std::set<std::string>& out) {
    for (const cib::Element& child : element.children) {
        collect_addresses(child, out);
        if (child.name != "primitive" && child.name != "template") continue;
        const bool may_be_of_template = child.get("type").empty();
        if (!may_be_of_template && !is_one_of(child.get("type"), kAddressTypes)) continue;
        for (const cib::Element& set : child.children) {
            if (set.name != "instance_attributes") continue;
            for (const cib::Element& pair : set.children) {
                if (!is_one_of(pair.get("name"), kAddressNames)) continue;
                const std::string_view value = trim(pair.get("value"));
                const std::string_view address = value.substr(0, value.find('/'));
                if (!address.empty()) out.emplace(address);
            }
        }
    }
}

// Primitives that are no instances of a clone or bundle.
void collect_singles(const cib::Element& element, std::set<std::string>& out) {
    for (const cib::Element& child : element.children) {
        if (child.name == "primitive") {
            out.emplace(child.get("id"));
        } else if (child.name == "resources" || child.name == "group") {
            collect_singles(child, out);
        }
    }
}

}  // namespace

void Mind::lease_wishes() {
    for (const Lease::Wish& wish : lease_.take()) {
        if (const auto* grant = std::get_if<Lease::Grant>(&wish)) {
            if (peer_) {
                out_.run.emplace_back(SetGrant{.peer = peer_->node.id, .lease = grant->lease});
            }
        } else if (const auto* exclusivity = std::get_if<Lease::Exclusivity>(&wish)) {
            out_.run.emplace_back(SetExclusivity{exclusivity->until});
        } else {
            const auto& question = std::get<AskArbiter>(wish);
            out_.run.emplace_back(question);
        }
    }
}

void Mind::handle(const ArbiterAnswer& answer) {
    const Lease::Mode before = lease_.mode();
    lease_.answered(answer, now_.boot);
    lease_wishes();
    if (lease_.mode() == before) return;
    if (lease_.mode() == Lease::Mode::Exclusive) {
        chronicle_.add({.phase = "exclusivity",
                        .detail = std::string(arbiter::to_string(options_.arbiter)),
                        .from = peer_ ? peer_->health.evidence().judged_at : now_.boot,
                        .to = now_.boot,
                        .succeeded = true});
        note(Level::Warning, "exclusivity-granted",
             concat("the ", arbiter::to_string(options_.arbiter), " gave this node exclusivity"),
             {{"arbiter", std::string(arbiter::to_string(options_.arbiter))}});
    }
}

void Mind::handle(const LeaseSeen& seen) {
    if (!peer_ || seen.peer != peer_->node.id) return;
    lease_.seen(seen.until, now_.boot);
    lease_wishes();
}

// The peer has just become `lost`.
void Mind::lose_lease() {
    is_lease_proven_ = false;  // that was of an earlier loss
    if (!lease_.is_used()) return;
    const Evidence& evidence = peer_->health.evidence();
    const bool is_dead = peer_->health.state() == PeerState::Dead;
    std::optional<Instant> silent_since;
    // The kernel stopped granting when it judged; a stalled peer's kernel goes on being answered.
    if (is_dead) {
        silent_since = evidence.last_heard == Instant{} ? evidence.judged_at : evidence.last_heard;
    }
    // A verdict that comes after our own lease has run out comes too late to tell when the peer may
    // have begun to act alone: this machine stood still. Then it counts from there.
    Instant lost_at = is_dead ? std::min(evidence.judged_at, evidence.last_answer + options_.lease)
                              : std::min(now_.boot, lease_.granted_until());
    // Answers alone grant nothing: the peer may have replaced this node and answered it all the
    // same.
    if (!lease_.may_begin(now_.boot)) lost_at = std::min(lost_at, lease_.granted_until());
    lease_.peer_lost(silent_since, lost_at, i_run_resources(), now_.boot);
    lease_wishes();
}

// What follows from the rights as they are now.
void Mind::follow_lease() {
    if (!lease_.is_used()) return;
    manage_addresses();
    if (lease_.must_yield() && !is_yielding_) yield();
    if (!lease_.must_yield() && is_yielding_) {
        is_yielding_ = false;
        yield_by_.reset();
        update_quorum();
        want_plan("this node has a lease again");
    }
    if (is_yielding_) {
        const bool is_quiet = !transition_ && !wants_plan_ && flights_.empty();
        if (is_quiet && !i_run_resources()) return yielded();
        if (yield_by_ && now_.boot >= *yield_by_) {
            yield_by_.reset();
            const std::string reason =
                concat("this node has no lease and could not stop within ", kYieldSecondsMax, " s");
            note_node(Level::Error, "last-resort", self_.name,
                      concat(reason, ": the watchdog, if there is one, resets it"));
            out_.run.emplace_back(StopWatchdog{reason});
        }
    }
    if (phase_ == Phase::Waiting && lease_.mode() == Lease::Mode::Exclusive) {
        start_alone_if_allowed();
    }
    if (phase_ == Phase::Active && peer_ && peer_->standing == Standing::Lost &&
        !is_lease_proven_ && lease_.is_peer_proven(now_.boot)) {
        peer_lease_ran_out();
    }
    if (peer_ && peer_->waits_for_lease && lease_.has_peer_run_out(now_.boot)) {
        peer_->waits_for_lease = false;
        try_welcome();
    }
    // A peer that was replaced without a shot: what it ran goes on running until it was found.
    if (holds_grant_ && is_peer_member() && is_coordinator() && !transition_ && !wants_plan_ &&
        flights_.empty() && !runs_anything_twice()) {
        holds_grant_ = false;
        lease_.may_grant(now_.boot);
        lease_wishes();
    }
    const Rights rights{.may_serve = lease_.may_serve(now_.boot),
                        .may_peer_serve = lease_.may_peer_serve(now_.boot),
                        .is_exclusive = lease_.is_exclusive(now_.boot)};
    if (rights == rights_) return;
    rights_ = rights;
    if (is_coordinator() && !is_yielding_) {
        update_quorum();
        // A cold start of a pair plans when the peer has joined, not before.
        if (peer_ && peer_->standing != Standing::Absent && peer_->standing != Standing::Joining) {
            want_plan("leases changed");
        }
    }
}

// True while it is not decided whether a lost peer can be replaced without a shot.
bool Mind::is_lease_open() const {
    return lease_.is_used() && peer_ && peer_->standing == Standing::Lost && lease_.is_hopeful() &&
           !is_lease_proven_ && !can_fence();
}

// True if the peer that is to be welcomed may run what runs here, or runs here by then: it was
// replaced, or it may have replaced this node. That takes a node whose own lease has run out, and
// a daemon that begins anew where another one served may know nothing of it.
bool Mind::must_hold_grant() const {
    if (!lease_.is_used()) return false;
    const wire::Hello& theirs = *peer_->heard;
    const bool may_be_heir = theirs.standing == wire::Standing::Fresh && theirs.runs_resources &&
                             !lease_.may_begin(now_.boot);
    return holds_grant_ || peer_->is_out_by_lease || is_lease_proven_ || may_be_heir;
}

// True if a resource that may run once runs on two nodes.
bool Mind::runs_anything_twice() const {
    std::set<std::string> singles;
    if (const cib::Element* configuration = shared_.cib.child("configuration")) {
        collect_singles(*configuration, singles);
    }
    const std::map<std::string, std::string> places = places_now();
    return std::any_of(places.begin(), places.end(), [&singles](const auto& each) {
        return each.second.find(", ") != std::string::npos && singles.contains(each.first);
    });
}

void Mind::peer_lease_ran_out() {
    const std::string& name = peer_->node.name;
    note_node(Level::Warning, "lease-ran-out", name,
              concat("the lease of ", name, " has run out, and it cannot get another one"));
    chronicle_.add({.phase = "proof",
                    .detail = concat("lease of ", name),
                    .from = peer_->health.evidence().judged_at,
                    .to = now_.boot,
                    .succeeded = true});
    if (can_fence()) {
        is_lease_proven_ = true;
    } else {
        peer_is_out("has lost its lease", Proof::Lease);
    }
    want_plan(concat("the lease of ", name, " has run out"));
}

// Another may serve now: everything here stops, and what this life knew is not told any more.
void Mind::yield() {
    is_yielding_ = true;
    yield_by_ = now_.boot + std::chrono::seconds(kYieldSecondsMax);
    note_node(Level::Error, "lease-lost", self_.name,
              concat("this node has no lease any more and stops its resources: ", lease_.reason()),
              {{"reason", lease_.reason()}});
    if (peer_) (void)fencer_.recall(peer_->node.name);
    drop_changes(kYieldingText);
    if (!is_coordinator()) return;
    update_quorum();
    if (transition_) transition_->abort();
    want_plan("this node has no lease");
}

// Nothing runs here any more: this node may join again, as a new life that nobody has seen.
void Mind::yielded() {
    is_yielding_ = false;
    yield_by_.reset();
    if (phase_ != Phase::Active && phase_ != Phase::Joining) return lease_.begin_anew();
    note_node(Level::Warning, "yielded", self_.name,
              concat("everything on ", self_.name, " has stopped: it waits for ",
                     peer_ ? peer_->node.name : std::string("a person")));
    leave_will({});
    stand_down();
    phase_ = Phase::Waiting;
    has_life_ = false;
    is_failing_over_ = false;
    obstacle_.clear();
    daemon_ = Incarnation{prng_.next() | 1U};
    if (peer_) reset_channel();
    start_alone_if_allowed();
}

// The gate is told what the configuration may put on this node. Nothing is taken away again in this
// life: what was configured may still be running.
void Mind::manage_addresses() {
    std::string version = concat(shared_.cib.get("admin_epoch"), '.', shared_.cib.get("epoch"));
    if (version == managed_version_) return;
    managed_version_ = std::move(version);
    std::set<std::string> wanted;
    const cib::Element* configuration = shared_.cib.child("configuration");
    const cib::Element* resources =
        configuration == nullptr ? nullptr : configuration->child("resources");
    if (resources != nullptr) collect_addresses(*resources, wanted);
    if (wanted.size() > kManagedMax) {
        note(Level::Error, "too-many-addresses",
             concat("the configuration has ", wanted.size(), " addresses; the gate takes ",
                    kManagedMax, " at most, and the others are not guarded"));
    }
    if (wanted.size() + managed_.size() <= kManagedMax) {
        wanted.insert(managed_.begin(), managed_.end());
    }
    if (wanted == managed_) return;
    managed_ = std::move(wanted);
    SetManaged command;
    for (const std::string& address : managed_) {
        if (command.addresses.size() < kManagedMax) command.addresses.push_back(address);
    }
    out_.run.emplace_back(std::move(command));
}

LeaseView Mind::lease_view() const {
    LeaseView view;
    view.is_used = lease_.is_used();
    view.arbiter = options_.arbiter;
    view.standing = lease_.standing(now_.boot);
    view.granted_until = lease_.granted_until();
    view.exclusive_until = lease_.exclusive_until();
    view.granting = lease_.granting();
    view.arbiter_said = lease_.arbiter_said();
    if (peer_ && peer_->standing == Standing::Lost) view.peer_until = lease_.peer_until();
    return view;
}

}  // namespace xbeat::node
