#include "execute/last_will.h"

#include <algorithm>
#include <optional>

namespace xbeat::execute {
namespace {

using schedule::Action;
using schedule::ActionKind;
using schedule::Plan;

bool belongs(const Action& action, std::string_view node) {
    const bool ends = action.task == "stop" || action.task == "demote";
    return action.kind == ActionKind::Resource && ends && !action.is_no_op &&
           action.agent_class != "stonith" && action.node == node && action.router_node.empty();
}

// Those of `wanted` that an action waits for, directly or through actions that are not wanted.
std::vector<std::uint32_t> nearest_before(const Plan& plan, const std::vector<bool>& wanted,
                                          std::uint32_t index) {
    std::vector<std::uint32_t> found;
    std::vector<bool> seen(plan.actions.size());
    std::vector<std::uint32_t> open = plan.actions[index].inputs;
    while (!open.empty()) {
        const std::uint32_t at = open.back();
        open.pop_back();
        if (seen[at] || at == index) continue;
        seen[at] = true;
        if (wanted[at]) {
            found.push_back(at);
        } else {
            open.insert(open.end(), plan.actions[at].inputs.begin(), plan.actions[at].inputs.end());
        }
    }
    return found;
}

}  // namespace

std::vector<WillAction> will_of(const Plan& plan, std::string_view node) {
    std::vector<bool> wanted(plan.actions.size());
    std::vector<std::uint32_t> waiting;
    for (std::uint32_t i = 0; i < plan.actions.size(); ++i) {
        wanted[i] = belongs(plan.actions[i], node);
        if (wanted[i]) waiting.push_back(i);
    }
    std::vector<std::vector<std::uint32_t>> before(plan.actions.size());
    for (const std::uint32_t i : waiting) before[i] = nearest_before(plan, wanted, i);

    std::vector<WillAction> will;
    std::vector<std::optional<std::uint32_t>> place(plan.actions.size());
    // Each round places at least one. A plan has no circle; if one had, its actions would be left
    // out, as they would never start.
    for (bool has_moved = true; has_moved;) {
        has_moved = false;
        for (const std::uint32_t i : waiting) {
            const auto is_placed = [&place](std::uint32_t each) { return place[each].has_value(); };
            if (is_placed(i) || !std::all_of(before[i].begin(), before[i].end(), is_placed))
                continue;
            WillAction next{.action = i, .after = {}};
            for (const std::uint32_t each : before[i]) next.after.push_back(*place[each]);
            std::sort(next.after.begin(), next.after.end());
            place[i] = static_cast<std::uint32_t>(will.size());
            will.push_back(std::move(next));
            has_moved = true;
        }
    }
    return will;
}

}  // namespace xbeat::execute
