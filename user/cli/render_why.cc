#include "cli/render_why.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <vector>

#include "cib/suggest.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

using schedule::Explanation;
using schedule::NodeChoice;
using schedule::NodeView;
using schedule::Placement;
using schedule::Role;
using schedule::ScoreCause;
using schedule::ScoreChange;
using schedule::StepInput;
using schedule::StepReason;

std::string_view without_number(std::string_view id) {
    const std::size_t colon = id.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == id.size()) return id;
    const std::string_view number = id.substr(colon + 1);
    const bool is_number = number.find_first_not_of("0123456789") == std::string_view::npos;
    return is_number ? id.substr(0, colon) : id;
}

bool is_meant(std::string_view id, std::string_view wanted) {
    return id == wanted || without_number(id) == wanted;
}

// --- Scores --------------------------------------------------------------------------------------

std::string amount_text(const ScoreChange& change) {
    if (change.after.is_infinite() || change.before.is_infinite()) return to_string(change.after);
    const int amount = change.after.points() - change.before.points();
    return fmt::format("{:+}", amount);
}

std::string role_word(Role role) {
    switch (role) {
        case Role::Promoted:
            return "promoted";
        case Role::Unpromoted:
            return "unpromoted";
        case Role::Stopped:
        case Role::Unknown:
            return "stopped";
        case Role::Started:
            break;
    }
    return "running";
}

std::string places_of(const Placement& placement) {
    return fmt::format("{}", fmt::join(placement.running_on, " and "));
}

// What is to be done about a resource, and what of it cannot be done.
struct Prospect {
    bool stops = false;
    bool cannot_stop = false;
    bool cannot_start = false;
    bool cannot_promote = false;
    bool cannot_demote = false;
};

Prospect prospect_of(const Explanation& told, const Placement& one) {
    Prospect out;
    for (const StepReason& step : told.steps) {
        if (step.resource != one.resource) continue;
        const bool is_planned = step.action.has_value();
        if (step.task == "stop") (is_planned ? out.stops : out.cannot_stop) = true;
        if (is_planned) continue;
        if (step.task == "start" && step.node == one.node) out.cannot_start = true;
        if (step.task == "promote") out.cannot_promote = true;
        if (step.task == "demote") out.cannot_demote = true;
    }
    return out;
}

std::string where_it_stays(const Placement& one, const Prospect& to_do) {
    const bool was_promoted = one.role == Role::Promoted;
    const bool is_promoted = one.next_role == Role::Promoted;
    if (!one.is_managed) return "and stays there";
    if (to_do.cannot_stop) return "and stays so: it ought to be restarted, but cannot be stopped";
    if (to_do.stops && to_do.cannot_start) return "and is to be stopped: it cannot run there now";
    if (!was_promoted && is_promoted) {
        return to_do.cannot_promote ? "and stays so: it is to be promoted, but cannot be"
                                    : "and is to be promoted";
    }
    if (was_promoted && !is_promoted) {
        return to_do.cannot_demote ? "and stays so: it is to be demoted, but cannot be"
                                   : "and is to be demoted";
    }
    if (one.is_failed && to_do.stops) return "and is to be recovered there";
    return to_do.stops ? "and is to be restarted there" : "and stays there";
}

std::string where_it_goes(const Placement& one, const Prospect& to_do) {
    if (to_do.cannot_stop) {
        return fmt::format("and stays there: its place would be {}, but it cannot be stopped",
                           one.node);
    }
    if (to_do.cannot_start) {
        return fmt::format(
            "and is to be stopped: its place would be {}, but it cannot run there now", one.node);
    }
    return fmt::format("and is to move to {}", one.node);
}

// "web is running on pm01 and stays there."
std::string headline(const Explanation& told, const Placement& one) {
    const bool will_run = !one.node.empty() && one.next_role != Role::Stopped;
    const Prospect to_do = prospect_of(told, one);
    if (one.running_on.empty()) {
        const std::string now = one.resource + " is stopped";
        if (!will_run) return now + " and stays so.";
        if (to_do.cannot_start) {
            return fmt::format(
                "{} and stays so: its place would be {}, but it cannot run there now.", now,
                one.node);
        }
        return fmt::format("{} and is to run on {}{}.", now, one.node,
                           one.next_role == Role::Promoted ? ", promoted" : "");
    }
    const std::string state = one.is_failed     ? "has failed"
                              : one.is_starting ? "is starting"
                                                : "is " + role_word(one.role);
    const std::string now = fmt::format("{} {} on {}", one.resource, state, places_of(one));
    if (!will_run) {
        return now + (to_do.cannot_stop ? " and stays so: it ought to be stopped, but cannot be."
                                        : " and is to be stopped.");
    }
    if (one.running_on.size() > 1) {
        return to_do.stops ? fmt::format("{} and is to run on {} only.", now, one.node)
                           : now + " and stays so.";
    }
    const bool stays = one.running_on.front() == one.node;
    return fmt::format("{} {}.", now,
                       stays ? where_it_stays(one, to_do) : where_it_goes(one, to_do));
}

std::vector<std::string> score_lines(const Explanation& told, const Placement& one,
                                     const std::string& only_node) {
    std::vector<std::string> lines;
    std::size_t name_width = 0;
    for (const NodeChoice& choice : one.nodes) {
        name_width = std::max(name_width, choice.node.size());
    }
    for (const NodeChoice& choice : one.nodes) {
        if (!only_node.empty() && choice.node != only_node && choice.node != one.node) continue;
        std::string note = choice.unusable;
        if (choice.node == one.node) note = "chosen";
        lines.push_back(fmt::format("  {:<{}}  {:>9}{}", choice.node, name_width,
                                    to_string(choice.score), note.empty() ? "" : "  " + note));
        for (const ScoreChange& change : told.changes) {
            if (change.resource != one.resource || change.node != choice.node ||
                change.is_promotion) {
                continue;
            }
            lines.push_back(fmt::format("  {:<{}}  {:>9}  {}", "", name_width, amount_text(change),
                                        cause_text(change)));
        }
    }
    return lines;
}

std::vector<std::string> promotion_lines(const Explanation& told, const Placement& one) {
    std::vector<std::string> lines;
    for (const ScoreChange& change : told.changes) {
        if (change.resource != one.resource || !change.is_promotion) continue;
        if (change.cause == ScoreCause::Promotion && change.after == Score::of(-1)) {
            lines.emplace_back("         -1  no promotion score was set by its agent");
            continue;
        }
        lines.push_back(fmt::format("  {:>9}  {}", amount_text(change), cause_text(change)));
    }
    return lines;
}

std::string role_reason(const Placement& one) {
    if (one.restraint.empty() || one.is_orphan) return {};
    const bool is_stopped = one.node.empty() || one.next_role == Role::Stopped;
    return fmt::format("It is not to {}: {}.", is_stopped ? "run" : "be promoted",
                       printable(one.restraint));
}

// Of equals, one had to be taken.
std::string tie_reason(const Placement& one) {
    if (one.tie.empty() || one.node.empty()) return {};
    return fmt::format("{} would be as good; {} is taken because {}.", fmt::join(one.equals, ", "),
                       one.node, one.tie);
}

// --- Actions -------------------------------------------------------------------------------------

struct Wait {
    std::uint32_t step = 0;
    std::set<std::string> ids;
};

// Events stand for the actions behind them: those are what a person can look at. The constraints
// that lie between an event and what waits for it count for the actions behind it.
void collect_waits(const Explanation& told, const StepInput& input, const Wait& from,
                   std::set<std::uint32_t>& seen, std::vector<Wait>& out) {
    if (input.step >= told.steps.size() || !seen.insert(input.step).second) return;
    const StepReason& first = told.steps[input.step];
    Wait wait{.step = input.step, .ids = from.ids};
    if (wait.ids.empty()) wait.ids.insert(input.ids.begin(), input.ids.end());
    if (!input.is_pseudo) {
        out.push_back(std::move(wait));
        return;
    }
    for (const StepInput& behind : first.inputs) collect_waits(told, behind, wait, seen, out);
}

// All that comes before a step, near or far.
void collect_before(const Explanation& told, std::uint32_t step, std::set<std::uint32_t>& out) {
    for (const StepInput& input : told.steps[step].inputs) {
        if (input.step >= told.steps.size() || !out.insert(input.step).second) continue;
        collect_before(told, input.step, out);
    }
}

// What is waited for already by something else that is waited for says nothing new.
std::vector<Wait> waits_of(const Explanation& told, const StepReason& step) {
    std::vector<Wait> all;
    std::set<std::uint32_t> seen;
    for (const StepInput& input : step.inputs) collect_waits(told, input, {}, seen, all);
    std::set<std::uint32_t> implied;
    for (const Wait& wait : all) collect_before(told, wait.step, implied);
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const Wait& wait) { return implied.contains(wait.step); }),
              all.end());
    return all;
}

// Nobody is asked to stop what ran on a node that is fenced.
bool is_implied(const StepReason& step) {
    return step.is_pseudo && step.action.has_value() &&
           (step.task == "stop" || step.task == "demote");
}

void add_step(const Explanation& told, const StepReason& step, std::vector<std::string>& lines) {
    const bool is_planned = step.action.has_value();
    const std::string_view note = is_implied(step) ? ", implied by the end of what it runs on"
                                  : is_planned     ? ""
                                                   : ": wanted, but it cannot be done";
    lines.push_back(fmt::format("  {}{}", printable(step.name), note));
    for (const std::string& cause : step.causes) {
        lines.push_back(fmt::format("    because    {}", printable(cause)));
    }
    for (const std::string& obstacle : step.obstacles) {
        lines.push_back(fmt::format("    but        {}", printable(obstacle)));
    }
    if (!is_planned) return;
    for (const Wait& wait : waits_of(told, step)) {
        const std::string by =
            wait.ids.empty() ? "" : fmt::format(" (constraint {})", fmt::join(wait.ids, ", "));
        lines.push_back(fmt::format("    waits for  {}{}", told.steps[wait.step].name, by));
    }
}

// In the order in which they are done; what cannot be done comes last.
std::vector<const StepReason*> in_order(const Explanation& told,
                                        const std::vector<const StepReason*>& steps) {
    std::vector<std::pair<std::size_t, const StepReason*>> keyed;
    for (const StepReason* step : steps) {
        std::set<std::uint32_t> before;
        if (step->action) {
            collect_before(told, static_cast<std::uint32_t>(step - told.steps.data()), before);
        }
        keyed.emplace_back(step->action ? before.size() : told.steps.size() + 1, step);
    }
    std::stable_sort(keyed.begin(), keyed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const StepReason*> out;
    for (const auto& [before, step] : keyed) out.push_back(step);
    return out;
}

bool fits(const StepReason& step, const WhyQuestion& question) {
    if (!question.node.empty() && step.node != question.node) return false;
    if (question.action.empty()) return true;
    if (question.action == "probe") return step.task == "monitor" && step.interval_ms == 0;
    return step.task == question.action;
}

// "web_start_0", also of an instance: its history knows it without its number.
bool is_key(const StepReason& step, std::string_view key) {
    if (step.key == key) return true;
    const std::string_view name = without_number(step.resource);
    return name != step.resource && step.key.starts_with(step.resource) && key.starts_with(name) &&
           key.substr(name.size()) == std::string_view(step.key).substr(step.resource.size());
}

std::vector<std::string> steps_of(const Explanation& told, const WhyQuestion& question,
                                  const std::set<std::string>& resources) {
    std::vector<const StepReason*> chosen;
    for (const StepReason& step : told.steps) {
        if (step.is_pseudo && !is_implied(step)) continue;
        // What is monitored once it runs says nothing while that cannot be, unless it is asked for.
        const bool is_idle = !step.action && step.task == "monitor" && step.interval_ms > 0;
        if (is_idle && question.action.empty()) continue;
        if (resources.contains(step.resource) && fits(step, question)) chosen.push_back(&step);
    }
    std::vector<std::string> lines;
    for (const StepReason* step : in_order(told, chosen)) add_step(told, *step, lines);
    return lines;
}

// --- Answers -------------------------------------------------------------------------------------

void append(std::string& text, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) text += line + '\n';
}

void append_sentence(std::string& text, const std::string& sentence) {
    if (!sentence.empty()) text += sentence + '\n';
}

std::string about_one(const Explanation& told, const Placement& one, const WhyQuestion& question) {
    std::string text = headline(told, one) + '\n';
    if (one.is_orphan) text += "It is no longer configured.\n";
    if (!one.is_managed) {
        text += fmt::format("It is {}, so that nothing is done to it but monitors: {}.\n",
                            one.is_blocked ? "blocked" : "not managed", printable(one.unmanaged));
    }
    append_sentence(text, role_reason(one));
    append_sentence(text, tie_reason(one));
    const std::vector<std::string> scores = score_lines(told, one, question.node);
    if (!scores.empty()) {
        text += "\nScores, best node first:\n";
        append(text, scores);
    }
    const std::vector<std::string> promotion = promotion_lines(told, one);
    if (!promotion.empty()) {
        text += "\nScore for being promoted:\n";
        append(text, promotion);
    }
    return text;
}

constexpr std::size_t kFullAnswersMax = 3;  // of a collective resource's parts; else a line each

std::string about_resources(const Explanation& told, const std::vector<const Placement*>& chosen,
                            const WhyQuestion& question) {
    std::string text;
    std::set<std::string> names;
    for (const Placement* one : chosen) names.insert(one->resource);
    if (question.action.empty()) {
        for (const Placement* one : chosen) {
            if (chosen.size() > kFullAnswersMax) {
                append_sentence(text, headline(told, *one));
                continue;
            }
            if (!text.empty()) text += '\n';
            text += about_one(told, *one, question);
        }
        if (chosen.size() > kFullAnswersMax) {
            text += fmt::format("\nFor the scores of one of them: xbeat why {}\n",
                                chosen.front()->resource);
        }
    }
    const std::vector<std::string> steps = steps_of(told, question, names);
    if (!steps.empty()) {
        if (!text.empty()) text += "\n";
        text += "Actions:\n";
        append(text, steps);
    } else {
        text += text.empty() ? "No such action is planned or wanted.\n"
                             : fmt::format("\nNothing is to be done{}.\n",
                                           question.node.empty() ? "" : " on " + question.node);
    }
    return text;
}

// Of a node that ought to be fenced and is not: else its fencing tells.
std::string why_not_fenced(const Explanation& told, const NodeView& node) {
    if (!node.unclean) return {};
    std::string text;
    std::set<std::string> reasons;
    for (const schedule::NodeReason& reason : told.fencings) {
        if (reason.node == node.name && reasons.insert(reason.why).second) {
            text += fmt::format("It is to be fenced because: {}.\n", printable(reason.why));
        }
    }
    text += fmt::format("Nothing can fence it{}{}.\n", told.no_fencing.empty() ? "" : ": ",
                        told.no_fencing);
    return text;
}

std::string about_node(const Explanation& told, const NodeView& node) {
    std::string state = node.online ? "online" : "offline";
    if (node.unclean)
        state = node.online ? "to be fenced" : "lost, and to be fenced";
    else if (node.pending)
        state = "joining";
    else if (node.shutting_down)
        state = "shutting down";
    else if (node.maintenance)
        state = "in maintenance";
    else if (node.standby || node.standby_on_fail)
        state = "in standby";
    std::string text = fmt::format("{} is {}.\n", node.name, state);
    if (!node.resources.empty()) {
        text += fmt::format("Active there: {}.\n", fmt::join(node.resources, ", "));
    }
    std::vector<std::string> lines;
    for (const StepReason& step : told.steps) {
        if (step.node == node.name && (step.task == "stonith" || step.task == "do_shutdown")) {
            add_step(told, step, lines);
        }
    }
    if (lines.empty()) text += why_not_fenced(told, node);
    if (!lines.empty()) text += "\nActions:\n";
    append(text, lines);
    return text;
}

constexpr std::array<std::string_view, 13> kActions = {
    "start",  "stop",   "promote", "demote",       "monitor",    "probe",          "notify",
    "cancel", "delete", "stonith", "migrate_from", "migrate_to", "clear_failcount"};

bool is_known_action(const Explanation& told, std::string_view action) {
    if (std::find(kActions.begin(), kActions.end(), action) != kActions.end()) return true;
    return std::any_of(told.steps.begin(), told.steps.end(),
                       [action](const StepReason& step) { return step.task == action; });
}

Error unknown(std::string_view kind, const std::string& word,
              std::span<const std::string_view> known) {
    return {.code = Code::NotFound,
            .context = fmt::format("there is no {} {}{}", kind, printable(word),
                                   cib::did_you_mean(word, known))};
}

Error not_found(const Explanation& told, const schedule::Situation& situation,
                const WhyQuestion& question) {
    std::set<std::string> names;
    for (const Placement& one : told.placements) {
        names.insert(std::string(without_number(one.resource)));
        for (const std::string& outer : one.within)
            names.insert(std::string(without_number(outer)));
    }
    for (const NodeView& node : situation.nodes) names.insert(node.name);
    const std::vector<std::string_view> views(names.begin(), names.end());
    return unknown("resource, action or node", question.what, views);
}

}  // namespace

std::string cause_text(const ScoreChange& change) {
    const bool is_named = !change.id.empty() && change.id.front() != '#';
    const std::string named = is_named ? fmt::format(" {}", change.id) : std::string();
    switch (change.cause) {
        case ScoreCause::Location:
            return "location constraint" + named;
        case ScoreCause::Health:
            return "the node's health (node-health-strategy" + named + ")";
        case ScoreCause::Stickiness:
            return "it runs there (resource-stickiness)";
        case ScoreCause::Failures:
            return "it failed there too often (migration-threshold)";
        case ScoreCause::Failure:
            return is_named ? fmt::format("{} ({})", change.other, change.id) : change.other;
        case ScoreCause::Unmanaged:
            return "it runs there and is not managed";
        case ScoreCause::Orphan:
            return "it is not configured any more";
        case ScoreCause::Multiple:
            return "it is active on several nodes (multiple-active=stop_only)";
        case ScoreCause::ShutdownLock:
            return "it waits for the node that was shut down (shutdown-lock)";
        case ScoreCause::Discovery:
            return "a constraint with resource-discovery=exclusive names other nodes";
        case ScoreCause::Ticket:
            return fmt::format("ticket {} does not allow it (constraint{})", change.other, named);
        case ScoreCause::Colocation:
            if (change.id == "#group-members") {
                return fmt::format("{}, the member before it in the group", change.other);
            }
            return is_named ? fmt::format("colocation{} with {}", named, change.other)
                            : fmt::format("it goes with {}", change.other);
        case ScoreCause::Dependent:
            return is_named
                       ? fmt::format("{} wants to be with it (colocation{})", change.other, named)
                       : fmt::format("{} wants to be with it", change.other);
        case ScoreCause::Promotion:
            return "promotion score, set by its agent";
        case ScoreCause::Role:
            if (!change.is_promotion) return "it is to be stopped";
            return change.after == Score::always() ? "its role is settled already"
                                                   : "it may not be promoted (target-role)";
        case ScoreCause::Capacity:
            return "no room is left for what it uses (utilization)";
        case ScoreCause::Unusable:
            return "no instance can be there now";
        case ScoreCause::Instances:
            return "the node has its share of instances (clone-node-max)";
        case ScoreCause::Banned:
            return "no instance may be there";
        case ScoreCause::Sum:
            return "what the clone itself has there";
        case ScoreCause::Surplus:
            return "as many instances as wanted have a place already (clone-max)";
        case ScoreCause::Bundle:
            return "it runs inside its bundle's container";
        case ScoreCause::Remote:
            return "neither connections nor fence devices are on remote nodes";
        case ScoreCause::Guest:
            return fmt::format("it belongs to {}", change.other);
    }
    return "?";
}

std::vector<const Placement*> placements_meant(const Explanation& told,
                                               const WhyQuestion& question) {
    std::vector<const Placement*> out;
    for (const Placement& one : told.placements) {
        const bool is_part =
            std::any_of(one.within.begin(), one.within.end(),
                        [&](const std::string& id) { return is_meant(id, question.what); });
        if (is_part || is_meant(one.resource, question.what)) out.push_back(&one);
    }
    return out;
}

std::vector<const StepReason*> steps_meant(const Explanation& told, const WhyQuestion& question) {
    std::set<std::string> resources;
    for (const Placement* one : placements_meant(told, question)) resources.insert(one->resource);
    std::vector<const StepReason*> out;
    for (const StepReason& step : told.steps) {
        const bool ends_a_node = step.task == "stonith" || step.task == "do_shutdown";
        const bool of_resource =
            (!step.is_pseudo || is_implied(step)) && resources.contains(step.resource);
        const bool of_node = resources.empty() && ends_a_node && step.node == question.what;
        const bool is_named = resources.empty() && is_key(step, question.what);
        if (of_node || ((of_resource || is_named) && fits(step, question))) out.push_back(&step);
    }
    return out;
}

Result<std::string> render_why(const Explanation& told, const schedule::Situation& situation,
                               const WhyQuestion& question) {
    const auto find_view = [&situation](const std::string& name) {
        return std::find_if(situation.nodes.begin(), situation.nodes.end(),
                            [&name](const NodeView& node) { return node.name == name; });
    };
    if (!question.node.empty() && find_view(question.node) == situation.nodes.end()) {
        std::vector<std::string_view> names;
        for (const NodeView& node : situation.nodes) names.emplace_back(node.name);
        return unknown("node", question.node, names);
    }
    if (!question.action.empty() && !is_known_action(told, question.action)) {
        return unknown("action", question.action, kActions);
    }
    const std::vector<const Placement*> chosen = placements_meant(told, question);
    const auto node = find_view(question.what);
    const bool is_node = node != situation.nodes.end();
    if (!chosen.empty()) {
        // A remote node is called like its connection.
        const bool is_both = is_node && question.node.empty() && question.action.empty();
        return about_resources(told, chosen, question) +
               (is_both ? fmt::format("\nAs a node, {}", about_node(told, *node)) : "");
    }
    if (is_node) return about_node(told, *node);
    std::vector<std::string> lines;
    for (const StepReason& step : told.steps) {
        if (is_key(step, question.what) && fits(step, question)) add_step(told, step, lines);
    }
    if (lines.empty()) return not_found(told, situation, question);
    std::string text;
    append(text, lines);
    return text;
}

}  // namespace xbeat::cli
