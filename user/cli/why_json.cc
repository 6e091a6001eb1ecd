#include "cli/why_json.h"

#include <set>
#include <string_view>

namespace xbeat::cli {
namespace {

using schedule::Explanation;
using schedule::NodeChoice;
using schedule::Placement;
using schedule::ScoreCause;
using schedule::ScoreChange;
using schedule::StepInput;
using schedule::StepReason;

std::string_view word_of(ScoreCause cause) {
    switch (cause) {
        case ScoreCause::Location:
            return "location";
        case ScoreCause::Health:
            return "health";
        case ScoreCause::Stickiness:
            return "stickiness";
        case ScoreCause::Failures:
            return "failures";
        case ScoreCause::Failure:
            return "failure";
        case ScoreCause::Unmanaged:
            return "unmanaged";
        case ScoreCause::Orphan:
            return "orphan";
        case ScoreCause::Multiple:
            return "multiple-active";
        case ScoreCause::ShutdownLock:
            return "shutdown-lock";
        case ScoreCause::Discovery:
            return "discovery";
        case ScoreCause::Ticket:
            return "ticket";
        case ScoreCause::Colocation:
            return "colocation";
        case ScoreCause::Dependent:
            return "dependent";
        case ScoreCause::Promotion:
            return "promotion";
        case ScoreCause::Role:
            return "role";
        case ScoreCause::Capacity:
            return "capacity";
        case ScoreCause::Unusable:
            return "unusable";
        case ScoreCause::Instances:
            return "instances";
        case ScoreCause::Banned:
            return "banned";
        case ScoreCause::Sum:
            return "sum";
        case ScoreCause::Surplus:
            return "surplus";
        case ScoreCause::Bundle:
            return "bundle";
        case ScoreCause::Remote:
            return "remote";
        case ScoreCause::Guest:
            return "guest";
    }
    return "";
}

Document change_of(const ScoreChange& change) {
    const bool is_named = !change.id.empty() && change.id.front() != '#';
    const bool is_failure = change.cause == ScoreCause::Failure;
    return {{"cause", word_of(change.cause)},
            {"constraint", is_named && !is_failure ? change.id : std::string()},
            {"operation", is_failure ? change.id : std::string()},
            {"other", is_failure ? std::string() : change.other},
            {"before", to_string(change.before)},
            {"after", to_string(change.after)},
            {"text", cause_text(change)}};
}

Document changes_of(const Explanation& told, const Placement& one, std::string_view node,
                    bool is_promotion) {
    Document out = Document::array();
    for (const ScoreChange& change : told.changes) {
        if (change.resource != one.resource || change.is_promotion != is_promotion) continue;
        if (is_promotion || change.node == node) out.push_back(change_of(change));
    }
    return out;
}

Document placement_of(const Explanation& told, const Placement& one, const WhyQuestion& question) {
    Document scores = Document::array();
    for (const NodeChoice& choice : one.nodes) {
        if (!question.node.empty() && choice.node != question.node && choice.node != one.node) {
            continue;
        }
        scores.push_back({{"node", choice.node},
                          {"score", to_string(choice.score)},
                          {"chosen", choice.node == one.node},
                          {"unusable", choice.unusable},
                          {"changes", changes_of(told, one, choice.node, false)}});
    }
    return {{"resource", one.resource},
            {"within", one.within},
            {"running_on", one.running_on},
            {"node", one.node},
            {"role", to_string(one.role)},
            {"next_role", to_string(one.next_role)},
            {"role_because", one.roles.empty() ? std::string() : one.roles.back().why},
            {"managed", one.is_managed},
            {"blocked", one.is_blocked},
            {"failed", one.is_failed},
            {"orphan", one.is_orphan},
            {"starting", one.is_starting},
            {"restraint", one.restraint},
            {"unmanaged", one.unmanaged},
            {"equals", one.equals},
            {"tie", one.tie},
            {"scores", std::move(scores)},
            {"promotion", changes_of(told, one, "", true)}};
}

Document action_of(const StepReason& step) {
    Document inputs = Document::array();
    for (const StepInput& input : step.inputs) {
        inputs.push_back({{"key", input.key},
                          {"name", input.name},
                          {"node", input.node},
                          {"event", input.is_pseudo},
                          {"constraints", input.ids}});
    }
    return {{"key", step.key},
            {"name", step.name},
            {"task", step.task},
            {"resource", step.resource},
            {"node", step.node},
            {"interval_ms", step.interval_ms},
            {"planned", step.action.has_value()},
            {"implied", step.is_pseudo},
            {"because", step.causes},
            {"obstacles", step.obstacles},
            {step.action ? "waits_for" : "needs", std::move(inputs)}};
}

}  // namespace

Document why_document(const Explanation& told, const WhyQuestion& question) {
    Document placements = Document::array();
    for (const Placement* one : placements_meant(told, question)) {
        placements.push_back(placement_of(told, *one, question));
    }
    Document actions = Document::array();
    for (const StepReason* step : steps_meant(told, question)) actions.push_back(action_of(*step));
    Document fencing = Document::array();
    std::set<std::string> seen;
    for (const schedule::NodeReason& reason : told.fencings) {
        if (reason.node == question.what && seen.insert(reason.why).second) {
            fencing.push_back(reason.why);
        }
    }
    return {{"placements", std::move(placements)},
            {"actions", std::move(actions)},
            {"fencing", std::move(fencing)}};
}

}  // namespace xbeat::cli
