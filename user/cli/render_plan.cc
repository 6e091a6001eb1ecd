#include "cli/render_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/words.h"

namespace xbeat::cli {
namespace {

using schedule::Action;
using schedule::ActionKind;

std::string value_of(const std::vector<schedule::NameValue>& rows, std::string_view name) {
    const auto found = std::find_if(
        rows.begin(), rows.end(), [&](const schedule::NameValue& row) { return row.name == name; });
    return found == rows.end() ? std::string() : found->value;
}

std::string action_text(const Action& action) {
    if (action.task == "stonith") {
        const std::string how = value_of(action.meta, "CRM_meta_stonith_action");
        return fmt::format("fence {} ({})", action.node, how.empty() ? "reboot" : how);
    }
    const std::string_view name =
        action.resource_long_id.empty() ? action.resource_id : action.resource_long_id;
    if (action.task == "do_shutdown")
        return fmt::format("shut down the cluster on {}", action.node);
    if (action.task == "cancel") {
        const std::string what = value_of(action.meta, "CRM_meta_operation");
        return fmt::format("cancel {} every {} of {} on {}", what.empty() ? "monitor" : what,
                           interval_text(action.interval_ms), name, action.node);
    }
    if (action.task == "monitor" && action.interval_ms == 0) {
        return fmt::format("probe {} on {}", name, action.node);
    }
    const std::string every =
        action.interval_ms == 0 ? "" : fmt::format(" every {}", interval_text(action.interval_ms));
    return fmt::format("{}{} {} on {}", action.task, every, name, action.node);
}

bool is_shown(const Action& action) {
    return action.kind != ActionKind::Pseudo && !action.is_no_op;
}

// Each action behind its inputs; among those that are ready, the lowest index first. A cycle, which
// a sound plan never has, is appended as it stands.
std::vector<std::uint32_t> ordered(const std::vector<Action>& actions) {
    std::vector<std::uint32_t> order;
    std::vector<bool> done(actions.size(), false);
    const auto is_ready = [&](const Action& action) {
        return std::all_of(action.inputs.begin(), action.inputs.end(), [&](std::uint32_t input) {
            return input >= actions.size() || done[input];
        });
    };
    bool moved = true;
    while (moved) {
        moved = false;
        for (std::uint32_t at = 0; at < actions.size(); ++at) {
            if (done[at] || !is_ready(actions[at])) continue;
            done[at] = true;
            order.push_back(at);
            moved = true;
        }
    }
    for (std::uint32_t at = 0; at < actions.size(); ++at) {
        if (!done[at]) order.push_back(at);
    }
    return order;
}

}  // namespace

bool has_work(const schedule::Plan& plan) {
    return std::any_of(plan.actions.begin(), plan.actions.end(), is_shown);
}

std::vector<std::string> plan_lines(const schedule::Plan& plan) {
    std::vector<std::string> lines;
    for (const std::uint32_t at : ordered(plan.actions)) {
        const Action& action = plan.actions[at];
        if (is_shown(action)) lines.push_back(action_text(action));
    }
    return lines;
}

std::string render_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += fmt::format("  * {}\n", line);
    return text.empty() ? "  * nothing to do\n" : text;
}

std::string render_plan(const schedule::Plan& plan) { return render_lines(plan_lines(plan)); }

}  // namespace xbeat::cli
