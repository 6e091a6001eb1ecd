// The last will: what xbeat-exec is to stop if this daemon hangs or ends while the lease runs out.
// Written ahead of time, when there is time: never on the way of a takeover.
#include <algorithm>
#include <utility>

#include "core/limits.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {

using member::Phase;

namespace {

// Changes come in crowds; and while a transition runs the next one follows soon.
constexpr Duration kCalm = 1s;
constexpr Duration kUneaseMax = 10s;  // no will is older than that, whatever goes on

}  // namespace

// The state is looked at after each step; the plan that a will needs is made later.
void Mind::note_what_changed() {
    if (!lease_.is_used() || phase_ != Phase::Active || is_yielding_) {
        will_at_.reset();
        will_stale_since_.reset();
        will_seen_ = {};
        return;
    }
    if (will_seen_ == shared_.applied) return;
    will_seen_ = shared_.applied;
    if (!will_stale_since_) will_stale_since_ = now_.boot;
    const bool is_busy = transition_ || !flights_.empty();
    const Instant latest = *will_stale_since_ + kUneaseMax;
    will_at_ = is_busy ? latest : std::min(latest, now_.boot + kCalm);
}

void Mind::write_will() {
    will_at_.reset();
    will_stale_since_.reset();
    const schedule::Plan plan = make_last_plan();
    const std::vector<execute::WillAction> actions = execute::will_of(plan, self_.name);
    if (actions.size() > kWillStopsMax) {
        if (!std::exchange(is_will_too_long_, true)) {
            note(Level::Warning, "last-will-refused",
                 concat("more than ", kWillStopsMax, " stops would be needed on ", self_.name,
                        ": should this daemon hang without a lease, nobody makes them"));
        }
        return leave_will({});
    }
    is_will_too_long_ = false;
    std::vector<execute::WillStop> stops;
    for (const execute::WillAction& each : actions) {
        wire::Operation operation = describe_operation(plan.actions[each.action]);
        if (operation.task == "stop") local_.complete_stop(operation);
        stops.push_back({.call = {.operation = {},
                                  .agent_class = std::move(operation.agent_class),
                                  .provider = std::move(operation.agent_provider),
                                  .type = std::move(operation.agent_type),
                                  .resource = std::move(operation.resource),
                                  .action = std::move(operation.task),
                                  .timeout = std::chrono::milliseconds(operation.timeout_ms),
                                  .parameters = std::move(operation.parameters),
                                  .watch = false},
                         .after = each.after});
    }
    leave_will(std::move(stops));
}

void Mind::leave_will(std::vector<execute::WillStop> stops) {
    if (stops == will_) return;
    will_ = std::move(stops);
    out_.run.emplace_back(LeaveWill{will_});
}

}  // namespace xbeat::node
