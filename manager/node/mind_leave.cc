// Leaving: what stops first, what may go on running, and what is believed of a node that left.
//
// A node that leaves stops or hands over what the cluster manages. What it does not manage goes on
// running, as with Pacemaker: people leave the cluster in maintenance in order to keep their
// services. The goodbye then proves less. The membership has ended and nothing waits for that
// node's disk, but what its history says may be active there keeps counting as active: until it is
// back and was probed, was fenced, or a person vouches for it. Both nodes hold the same history
// when the goodbye is said, so the word itself need not name anything. The survivor keeps the names
// beside the fact that it is the last one, because its own restart must not forget them.
#include <algorithm>

#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using member::Phase;
using member::Standing;

namespace {

std::string join(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += concat(text.empty() ? "" : ", ", name);
    return text;
}

}  // namespace

void Mind::heard(const wire::MayLeave& order) {
    if (order.term == term_ && is_leaving_) say_goodbye();
}

// What had to stop here has stopped. The peer has to hear it: otherwise it would have to prove by
// a shot what a word could have told. So the end waits a little for the word to arrive.
void Mind::say_goodbye() {
    constexpr Duration kPatience = 2s;
    if (is_going_) return;
    const std::set<std::string> active =
        has_life_ ? execute::active_on(shared_.cib, self_place().id) : std::set<std::string>();
    const std::string still =
        active.empty()
            ? std::string()
            : concat("; still running here, as the cluster does not manage it: ", join(active),
                     " (not started elsewhere before this node is back, "
                     "was fenced, or somebody runs `xbeat node confirm ",
                     self_.name, "`)");
    const std::string_view silent = lease_.is_used() && phase_ != Phase::Active
                                        ? "; it was no member: managed addresses stay silent here "
                                          "until it has joined again, or "
                                          "a reboot"
                                        : "";
    note_node(active.empty() ? Level::Info : Level::Warning, "left", self_.name,
              concat(self_.name, " leaves", still, silent));
    if (leaver_) reply(*leaver_, concat("left the cluster", still, silent));
    leaver_.reset();
    fail_forwarded("this node leaves");
    is_going_ = true;
    gone_at_ = now_.boot;
    if (is_peer_member()) {
        say(wire::Goodbye{.term = term_});
        gone_at_ = now_.boot + kPatience;
    }
    go_if_heard();
}

void Mind::go_if_heard() {
    if (!is_going_) return;
    const bool is_heard = !is_peer_member() || peer_->link.unacked() == 0;
    if (!is_heard && now_.boot < gone_at_) return;
    // Who has not heard what is left running here counts on the gate, and starts it once this
    // node's lease is over.
    const bool is_off = !peer_ || (peer_->standing == Standing::Out && !peer_->is_out_by_lease &&
                                   !holds_grant_);  // that one is silent, and may be back
    const bool is_known = is_peer_member() ? is_heard : is_off;
    const bool must_be_silent = lease_.is_used() && !is_known && i_run_resources();
    if (must_be_silent) {
        note_node(Level::Warning, "left-silenced", self_.name,
                  concat("nobody has heard that ", self_.name,
                         " leaves: the managed addresses of what still runs here stay silent until "
                         "it has joined again, or a reboot"));
    }
    lease_.leave();
    lease_wishes();
    out_.run.emplace_back(Exit{.keeps_gate = phase_ != Phase::Active || must_be_silent});
    phase_ = Phase::Left;
}

void Mind::heard(const wire::Goodbye& /*goodbye*/) {
    const std::string& name = peer_->node.name;
    left_running_ = execute::active_on(shared_.cib, peer_place().id);
    std::erase_if(left_running_, [this](const std::string& resource) {
        return !execute::must_run_once(shared_.cib, resource);
    });
    if (left_running_.empty()) {
        note_node(Level::Info, "left", name, concat(name, " left cleanly"));
    } else {
        note_node(Level::Warning, "left", name,
                  concat(name, " left cleanly, and ", what_was_left()),
                  {{"left_running", join(left_running_)}});
    }
    peer_is_out("left cleanly", Proof::Goodbye);
    want_plan(concat(name, " left"));
}

// For displays; empty if nothing was left.
std::string Mind::what_was_left() const {
    if (left_running_.empty()) return {};
    return concat(join(left_running_), " may still run there: not started elsewhere before ",
                  peer_->node.name, " is back, was fenced, or a person runs `xbeat node confirm ",
                  peer_->node.name, "`");
}

// What the peer was moving here when its life ended may have arrived, and its history, which could
// tell so, is void: only a probe tells.
void Mind::probe_arrivals() {
    const cib::Element* state = replicate::node_state(shared_.cib, peer_place().id);
    const cib::Element* histories = state == nullptr ? nullptr : cib::histories_of(*state);
    if (histories == nullptr) return;
    std::vector<std::string> moving;
    for (const cib::Element& resource : histories->children) {
        for (const cib::Element& entry : resource.children) {
            const bool is_open = entry.get("operation") == "migrate_to" &&
                                 entry.get("op-status") != "0" &&
                                 entry.get("migrate_target") == self_.name;
            if (is_open) moving.emplace_back(resource.get("id"));
        }
    }
    for (std::string& resource : moving) {
        append(wire::EraseHistory{
            .node = self_place().id, .resource = std::move(resource), .entry = {}});
    }
}

// The peer is down and expected to be. Its history is void, but for what it left running. Where a
// power cut takes the last of these records, too much stays, never too little.
void Mind::record_peer_out() {
    probe_arrivals();
    const execute::Place place = peer_place();
    append(wire::SetNodeState{.id = place.id,
                              .name = place.name,
                              .is_member = false,
                              .is_online = false,
                              .join = "down",
                              .expected = "down",
                              .forget = left_running_.empty()});
    if (left_running_.empty()) return;
    for (const std::string& resource : execute::known_on(shared_.cib, place.id)) {
        if (left_running_.contains(std::string(execute::primitive_of(resource)))) continue;
        append(wire::EraseHistory{.node = place.id, .resource = resource, .entry = {}});
    }
    for (const std::string& name : replicate::transient_names(shared_, place.id)) {
        append(wire::SetTransient{.node = place.id, .name = name, .value = {}, .remove = true});
    }
}

// Those of them that only this node's own care keeps from being started here: without a way to
// shoot, Pacemaker's rules take an offline node for empty; and a history that a failing disk lost
// tells the scheduler nothing. The others the plan itself has fenced once they are managed again.
std::set<std::string> Mind::held_resources() const {
    std::set<std::string> held;
    for (const std::string& resource : left_running_) {
        const bool is_planned_for =
            can_fence() && execute::active_on(shared_.cib, peer_place().id).contains(resource);
        if (!is_planned_for) held.insert(resource);
    }
    return held;
}

}  // namespace xbeat::node
