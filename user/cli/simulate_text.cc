#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "cli/render_status.h"
#include "cli/simulate.h"
#include "cli/status_source.h"
#include "core/text.h"
#include "schedule/schedule.h"

namespace xbeat::cli {
namespace {

using schedule::Action;
using schedule::ActionKind;
using schedule::Explanation;
using schedule::Placement;
using schedule::Plan;
using schedule::Role;
using schedule::StepReason;

struct Row {
    std::string change;  // Start, Stop, Move, ...
    std::string resource;
    std::string details;
    std::string reason;
    bool is_blocked = false;
};

std::string meta_of(const Action& action, std::string_view name) {
    for (const schedule::NameValue& pair : action.meta) {
        if (pair.name == name) return pair.value;
    }
    return {};
}

std::string_view word_of(Role role) {
    switch (role) {
        case Role::Promoted:
            return "Promoted";
        case Role::Unpromoted:
            return "Unpromoted";
        case Role::Stopped:
        case Role::Unknown:
            return "Stopped";
        case Role::Started:
            break;
    }
    return "Started";
}

// The rows of one resource.
class Changes {
public:
    Changes(const Explanation& told, std::vector<Row>& rows) : rows_(rows) {
        for (const StepReason& step : told.steps) {
            if (!step.resource.empty()) steps_[step.resource].push_back(&step);
        }
    }

    void add(const Placement& one) {
        const bool runs = !one.running_on.empty();
        const bool will_run = !one.node.empty() && one.next_role > Role::Stopped;
        if (!runs && !will_run) return;
        if (!runs) {
            come_up(one);
        } else if (!will_run) {
            for (const std::string& node : one.running_on) go_down(one, node, "node availability");
        } else {
            const bool stays = std::find(one.running_on.begin(), one.running_on.end(), one.node) !=
                               one.running_on.end();
            stays ? stay(one) : move(one);
        }
    }

private:
    [[nodiscard]] const StepReason* step(const Placement& one, std::string_view task,
                                         std::string_view node) const {
        const auto at = steps_.find(one.resource);
        if (at == steps_.end()) return nullptr;
        for (const StepReason* each : at->second) {
            if (each->task == task && each->node == node && each->interval_ms == 0) return each;
        }
        return nullptr;
    }
    [[nodiscard]] bool is_planned(const Placement& one, std::string_view task,
                                  std::string_view node) const {
        const StepReason* found = step(one, task, node);
        return found != nullptr && found->action.has_value();
    }

    // Of a promotable instance the role is worth a word.
    static std::string with_role(Role role, std::string_view node) {
        if (role != Role::Promoted && role != Role::Unpromoted) return std::string(node);
        return fmt::format("{} {}", word_of(role), node);
    }

    static std::string reason_of(const StepReason* found) {
        return found == nullptr ? std::string() : found->trigger;
    }

    // Why a start cannot be done, in crm_simulate's words.
    static std::string obstacle_of(const StepReason* found) {
        if (found == nullptr) return {};
        for (const std::string& each : found->obstacles) {
            if (each == "there is no quorum") return "no quorum";
        }
        return found->trigger;
    }

    void come_up(const Placement& one) {
        const StepReason* start = step(one, "start", one.node);
        if (start == nullptr) return;
        if (!start->action) {
            if (!one.is_managed) return;
            rows_.push_back({"Start", one.resource, one.node, obstacle_of(start), true});
        } else if (one.next_role == Role::Promoted) {
            rows_.push_back({"Promote",
                             one.resource,
                             fmt::format("Stopped -> Promoted {}", one.node),
                             {},
                             false});
        } else {
            rows_.push_back({"Start", one.resource, one.node, {}, false});
        }
    }

    void go_down(const Placement& one, const std::string& node, std::string_view why) {
        const StepReason* stop = step(one, "stop", node);
        if (stop == nullptr) return;
        std::string reason(why);
        for (const schedule::RoleChange& change : one.roles) {
            if (change.role == Role::Stopped && change.why == "no-quorum-policy") {
                reason = "no quorum";
            }
        }
        if (stop->trigger.starts_with("unrunnable")) reason = stop->trigger;
        rows_.push_back({"Stop", one.resource, with_role(one.role, node), reason, !stop->action});
    }

    void move(const Placement& one) {
        const std::string& from = one.running_on.front();
        const StepReason* start = step(one, "start", one.node);
        const StepReason* stop = step(one, "stop", from);
        if (start != nullptr && !start->action) {
            if (stop != nullptr) go_down(one, from, obstacle_of(start));
            return;
        }
        if (start == nullptr && stop == nullptr) return;
        const bool migrates = is_planned(one, "migrate_from", one.node);
        std::string change = one.is_failed ? "Recover" : "Move";
        if (migrates) change = "Migrate";
        std::string details = fmt::format("{} -> {}", from, one.node);
        if (one.role > Role::Started || one.next_role > Role::Started) {
            details = one.role == one.next_role
                          ? fmt::format("{} {} -> {}", word_of(one.role), from, one.node)
                          : fmt::format("{} {} -> {} {}", word_of(one.role), from,
                                        word_of(one.next_role), one.node);
        }
        std::string reason = migrates ? std::string() : reason_of(stop);
        if (!reason.starts_with("unmigrateable")) reason = migrates ? "" : reason_of(start);
        rows_.push_back({change, one.resource, details, reason, false});
        // More copies than there may be go away.
        for (std::size_t at = 1; at < one.running_on.size(); ++at) {
            if (migrates) break;
            go_down(one, one.running_on[at], "node availability");
        }
    }

    void stay(const Placement& one) {
        for (const std::string& node : one.running_on) {
            if (node != one.node && one.running_on.size() > 1 && !one.is_failed) {
                go_down(one, node, "node availability");
            }
        }
        const StepReason* start = step(one, "start", one.node);
        const StepReason* stop = step(one, "stop", one.node);
        std::string details = with_role(one.next_role, one.node);
        if (one.role != one.next_role && one.role > Role::Started) {
            details =
                fmt::format("{} -> {} {}", word_of(one.role), word_of(one.next_role), one.node);
        }
        if (stop != nullptr && stop->is_wanted) {
            if (start == nullptr || !start->action) {
                go_down(one, one.node, obstacle_of(start));
            } else if (one.is_failed) {
                rows_.push_back({"Recover", one.resource, details, {}, false});
            } else {
                rows_.push_back({"Restart", one.resource, details, reason_of(start), false});
            }
            return;
        }
        if (step(one, "reload-agent", one.node) != nullptr) {
            rows_.push_back({"Reload", one.resource, details, {}, false});
        } else if (is_planned(one, "demote", one.node) && one.next_role == Role::Promoted) {
            rows_.push_back(
                {one.is_failed ? "Recover" : "Re-promote", one.resource, details, {}, false});
        } else if (is_planned(one, "demote", one.node)) {
            rows_.push_back({"Demote", one.resource, details, {}, false});
        } else if (const StepReason* up = step(one, "promote", one.node)) {
            rows_.push_back({"Promote", one.resource, details, up->action ? "" : up->trigger,
                             !up->action.has_value()});
        }
    }

    std::map<std::string, std::vector<const StepReason*>> steps_;
    std::vector<Row>& rows_;
};

std::vector<std::string> node_lines(const Plan& plan, const Explanation& told) {
    std::vector<std::string> lines;
    for (const Action& action : plan.actions) {
        if (action.task != "stonith") continue;
        const std::string how = meta_of(action, "CRM_meta_stonith_action");
        std::string why;
        for (const schedule::NodeReason& reason : told.fencings) {
            if (reason.node == action.node && why.empty()) why = reason.why;
        }
        if (why.empty() && how != "on") why = "node is unclean";
        lines.push_back(fmt::format("  * Fence ({}) {}{}", how, action.node,
                                    why.empty() ? "" : fmt::format(" '{}'", why)));
    }
    return lines;
}

std::string dot_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

}  // namespace

std::string instances_notice(const cib::Element& cib, EpochSeconds now) {
    const schedule::Situation situation = schedule::observe(cib, {.now = now});
    if (situation.disabled_instances == 0 && situation.blocked_instances == 0) return {};
    return fmt::format(
        "{} of {} resource instances DISABLED and {} BLOCKED from further action due to failure\n",
        situation.disabled_instances, situation.resource_instances, situation.blocked_instances);
}

std::string simulated_status(std::string_view heading, const cib::Element& cib, EpochSeconds now) {
    StatusOptions options;
    options.headers = false;
    options.inactive = true;
    options.links = false;
    options.failures = false;
    options.fence_history = 0;
    const std::string text = render_status(status_from_cib(cib, now), options);
    std::string out(heading);
    out += ":\n";
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        if (!line.empty()) out += line.front() == ' ' ? "  " : "  * ";
        out += line;
        out += '\n';
        at = end + 1;
    }
    return out;
}

std::string transition_summary(const Plan& plan, const Explanation& explanation) {
    std::string out = "Transition Summary:\n";
    for (const std::string& line : node_lines(plan, explanation)) out += line + '\n';
    std::vector<Row> rows;
    Changes changes(explanation, rows);
    for (const Placement& one : explanation.placements) changes.add(one);
    std::size_t names = 3;
    std::size_t details = 0;
    for (const Row& row : rows) {
        names = std::max(names, row.resource.size());
        details = std::max(details, row.details.size());
    }
    for (const Row& row : rows) {
        out += fmt::format("  * {:<10} {:<{}}( {:>{}} )", row.change, row.resource, names + 5,
                           row.details, details);
        if (!row.reason.empty()) out += "  due to " + row.reason;
        if (row.is_blocked) out += row.reason.empty() ? "  (blocked)" : " (blocked)";
        out += '\n';
    }
    return out;
}

std::string print_dot(const Plan& plan) {
    std::string out = "digraph \"plan\" {\n";
    const auto label = [](const Action& action) {
        return dot_text(action.node.empty() ? action.key : concat(action.key, ' ', action.node));
    };
    for (const Action& action : plan.actions) {
        const bool pseudo = action.kind == ActionKind::Pseudo;
        out += concat(label(action), " [ style=bold color=\"green\" fontcolor=\"",
                      pseudo ? "orange" : "black", "\"]\n");
        for (const std::uint32_t input : action.inputs) {
            out += concat(label(plan.actions[input]), " -> ", label(action), " [ style = bold]\n");
        }
    }
    return out + "}\n";
}

}  // namespace xbeat::cli
