#include "member/pair.h"

#include <algorithm>
#include <tuple>

#include "core/check.h"
#include "core/text.h"

namespace xbeat::member {
namespace {

// What a node can use up alone, one a start. A leap is twice as far: so it is still one that long
// from anything that was led alone. The numbers of operations hold 32 bits of a term: room for more
// than 42 000 leaps.
constexpr std::uint64_t kTermsAloneMax = 50'000;

std::string list_of(const std::vector<wire::NodeEntry>& nodes) {
    std::string text;
    for (const wire::NodeEntry& node : nodes) {
        if (!text.empty()) text += ", ";
        text += concat(node.name, " (", node.id.value, ")");
    }
    return text;
}

std::string reason_to_refuse(const wire::Hello& mine, const wire::Hello& theirs) {
    if (!wire::common_version(mine, theirs)) {
        return concat("the peer speaks protocol versions ", theirs.oldest, " to ",
                      wire::newest_of(theirs), ", this node speaks ", mine.oldest, " to ",
                      wire::newest_of(mine), ": install the same release on both nodes");
    }
    if (theirs.cluster != mine.cluster) {
        return concat("the peer belongs to the cluster \"", theirs.cluster, "\", this node to \"",
                      mine.cluster, "\": correct `cluster` in xbeat.toml");
    }
    if (theirs.sender == mine.sender) {
        return concat("the peer has this node's own id, ", mine.sender.value,
                      ": correct `id` in xbeat.toml");
    }
    if (theirs.nodes != mine.nodes) {
        return concat("the peer's list of nodes is ", list_of(theirs.nodes), ", this node's is ",
                      list_of(mine.nodes), ": make xbeat.toml the same on all nodes");
    }
    return {};
}

// Orders two nodes that run apart; the greater leads.
auto claim_running(const wire::Hello& hello) {
    return std::tuple(hello.runs_resources, hello.term, hello.is_coordinator);
}
auto claim_fresh(const wire::Hello& hello) { return std::tuple(hello.log_term, hello.log_index); }

// The peer of a node with such a log was proven off before that node started alone, and has not
// been a member since: a right of its own to start alone is from before that.
bool is_past(const wire::Hello& newer, const wire::Hello& older) {
    return newer.log_term.value >= older.log_term.value + kTermsAloneMax;
}

// One of them went on, or may go on, with a proof that the other one was off or silenced. A last
// survivor that lets another node in durably gives up that right before. So the other one has
// nothing that was answered to anybody since, also if it runs: it stood still, or it was cut off.
bool is_heir(const wire::Hello& heir, const wire::Hello& other) {
    return is_past(heir, other) ||
           (heir.is_last_survivor && !other.is_last_survivor && !is_past(other, heir));
}

Judgement lead_if(bool leads, std::string_view why) {
    return {.decision = leads ? Decision::Lead : Decision::Join,
            .reason = concat(leads ? "this node leads: " : "the peer leads: ", why)};
}

}  // namespace

Judgement judge(const wire::Hello& mine, const wire::Hello& theirs) {
    std::string refusal = reason_to_refuse(mine, theirs);
    if (!refusal.empty()) return {.decision = Decision::Refuse, .reason = std::move(refusal)};

    const bool i_run = mine.standing == wire::Standing::Running;
    const bool they_run = theirs.standing == wire::Standing::Running;
    if (i_run && they_run && mine.session == theirs.session && mine.session != 0 &&
        mine.term == theirs.term && mine.is_coordinator != theirs.is_coordinator) {
        return {.decision = Decision::Resume, .reason = "the session goes on"};
    }
    // Before version 5 only two fresh nodes asked for this.
    constexpr std::uint16_t kHeirsLeadSince = 5;
    const bool is_asked =
        (!i_run && !they_run) || wire::common_version(mine, theirs) >= kHeirsLeadSince;
    const bool i_am_heir = is_heir(mine, theirs);
    const bool does_runner_lead = i_run != they_run && i_run == i_am_heir;
    if (is_asked && !does_runner_lead && (i_am_heir || is_heir(theirs, mine))) {
        return lead_if(i_am_heir, is_past(mine, theirs) || is_past(theirs, mine)
                                      ? "it was started when the other one was off"
                                      : "it was the last survivor");
    }
    if (i_run != they_run) return lead_if(i_run, "the other one has just started");
    const bool lower_id = mine.sender < theirs.sender;
    if (i_run) {
        const auto a = claim_running(mine);
        const auto b = claim_running(theirs);
        if (a != b) {
            return lead_if(a > b, mine.runs_resources != theirs.runs_resources
                                      ? "it runs resources"
                                      : "it has the newer term");
        }
        return lead_if(lower_id, "it has the lower id");
    }
    const auto a = claim_fresh(mine);
    const auto b = claim_fresh(theirs);
    if (a != b) return lead_if(a > b, "its state is newer");
    return lead_if(lower_id, "both have the same state, and it has the lower id");
}

Term next_term(Term newest, NodeId self, const std::vector<NodeId>& nodes) {
    std::vector<NodeId> sorted = nodes;
    std::sort(sorted.begin(), sorted.end());
    const auto place = std::find(sorted.begin(), sorted.end(), self);
    XB_CHECK(place != sorted.end());
    const auto wanted = static_cast<std::uint64_t>(place - sorted.begin());
    std::uint64_t term = newest.value + 1;
    while (term % sorted.size() != wanted) ++term;
    return Term{term};
}

Term past_unknown_terms(Term newest) { return Term{newest.value + 2 * kTermsAloneMax}; }

std::string reason_to_start_alone(const AloneFacts& facts) {
    if (facts.nodes == 1) return "the cluster has one node";
    if (facts.is_last_survivor) return "this node was the last survivor";
    if (facts.is_peer_confirmed) return "a person confirmed that the peer is off";
    return {};
}

}  // namespace xbeat::member
