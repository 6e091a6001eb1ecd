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
// A last survivor may start without the other one, so it must be the one that lets the other in:
// before it does, it durably gives up that right.
auto claim_fresh(const wire::Hello& hello) {
    return std::tuple(hello.is_last_survivor, hello.log_term, hello.log_index);
}

// The peer of a node with such a log was proven off before that node started alone, and has not
// been a member since: a right of its own to start alone is from before that.
bool is_past(const wire::Hello& newer, const wire::Hello& older) {
    return newer.log_term.value >= older.log_term.value + kTermsAloneMax;
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
    if (i_run != they_run) return lead_if(i_run, "the other one has just started");
    const bool lower_id = mine.sender < theirs.sender;
    if (i_run) {
        if (mine.session == theirs.session && mine.session != 0 && mine.term == theirs.term &&
            mine.is_coordinator != theirs.is_coordinator) {
            return {.decision = Decision::Resume, .reason = "the session goes on"};
        }
        const auto a = claim_running(mine);
        const auto b = claim_running(theirs);
        if (a != b) {
            return lead_if(a > b, mine.runs_resources != theirs.runs_resources
                                      ? "it runs resources"
                                      : "it has the newer term");
        }
        return lead_if(lower_id, "it has the lower id");
    }
    if (is_past(mine, theirs) || is_past(theirs, mine)) {
        return lead_if(is_past(mine, theirs), "it was started when the other one was off");
    }
    const auto a = claim_fresh(mine);
    const auto b = claim_fresh(theirs);
    if (a != b) {
        return lead_if(a > b, mine.is_last_survivor != theirs.is_last_survivor
                                  ? "it was the last survivor"
                                  : "its state is newer");
    }
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
