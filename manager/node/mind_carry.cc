// What outlives a plan: notifications that are due all the same, and failures that are past.
//
// A plan is replaced while its actions run. Clones were promised to hear of what was begun: a
// notification that comes after operations of the old plan is sent once those have succeeded, even
// though the new plan, which counts them as done, has none. And what starts now was stopped or
// never ran: a failure of before is not to be recovered from again, although its record stays, and
// the record of the stop has been replaced by that of the start.
#include <algorithm>

#include "core/score.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {
namespace {

using execute::Progress;
using schedule::Action;
using schedule::ActionKind;

constexpr std::int32_t kUrgent = 1'000'000;  // the priority of what an abort does not stop

std::string_view meta_of(const Action& action, std::string_view name) {
    for (const schedule::NameValue& each : action.meta) {
        if (each.name == name) return each.value;
    }
    return {};
}

bool is_late_notification(const Action& action) {
    return action.kind == ActionKind::Resource && action.task == "notify" &&
           action.priority >= kUrgent && meta_of(action, "CRM_meta_notify_type") == "post";
}

}  // namespace

// Before the transition is replaced, while flights still know their actions.
void Mind::owe_notifications() {
    if (!transition_) return;
    std::map<std::uint32_t, OperationId> running;
    for (const auto& [id, flight] : flights_) {
        if (flight.action) running.emplace(*flight.action, id);
    }
    for (std::uint32_t i = 0; i < transition_->plan().actions.size(); ++i) {
        const Action& action = transition_->action(i);
        if (!is_late_notification(action) || transition_->progress(i) != Progress::Waiting) {
            continue;
        }
        const std::optional<execute::Place> place = place_of(action.node);
        if (!place) continue;
        Owed owed{.operation = {},
                  .place = *place,
                  .about = std::string(meta_of(action, "CRM_meta_notify_operation")),
                  .waits = {}};
        bool is_due = true;
        bool has_begun = false;
        std::set<std::uint32_t> seen;
        std::vector<std::uint32_t> to_visit = action.inputs;
        while (is_due && !to_visit.empty()) {
            const std::uint32_t at = to_visit.back();
            to_visit.pop_back();
            if (!seen.insert(at).second) continue;
            const Action& input = transition_->action(at);
            const Progress progress = transition_->progress(at);
            const bool is_real = input.kind != ActionKind::Pseudo && input.task != "notify";
            if (const auto flight = running.find(at); flight != running.end()) {
                owed.waits.insert(flight->second);
                has_begun = has_begun || is_real;
            } else if (progress == Progress::Done) {
                has_begun = has_begun || is_real;
            } else if (is_real) {
                is_due = false;  // it will not happen in this plan, so there is nothing to tell yet
            }
            // What stands before something real that is done or running is done itself.
            if (!is_real) {
                to_visit.insert(to_visit.end(), input.inputs.begin(), input.inputs.end());
            }
        }
        if (!is_due || !has_begun) continue;
        owed.operation = make_operation(action, i);
        owed_.push_back(std::move(owed));
    }
}

// The new plan may contain the very operation that is under way, and then its notifications too.
void Mind::forget_repeated_notifications() {
    for (const Action& action : transition_->plan().actions) {
        if (!is_late_notification(action)) continue;
        const std::string_view about = meta_of(action, "CRM_meta_notify_operation");
        std::erase_if(owed_, [&](const Owed& owed) {
            return owed.place.name == action.node &&
                   owed.operation.resource == action.resource_id && owed.about == about;
        });
    }
}

void Mind::settle_owed(OperationId flight, bool is_good) {
    if (!is_good) {
        std::erase_if(owed_, [flight](const Owed& owed) { return owed.waits.contains(flight); });
        return;
    }
    for (Owed& owed : owed_) owed.waits.erase(flight);
}

// True if any was started.
bool Mind::start_owed() {
    if (owed_.empty()) return false;
    // Whoever leads next makes plans of its own; a flight that is gone told nothing.
    std::erase_if(owed_, [this](const Owed& owed) {
        const bool is_here = owed.place.name == self_.name;
        return !is_coordinator() || (!is_here && !is_peer_member()) ||
               std::any_of(owed.waits.begin(), owed.waits.end(),
                           [this](OperationId id) { return !flights_.contains(id); });
    });
    bool has_started = false;
    for (auto owed = owed_.begin(); owed != owed_.end();) {
        if (!owed->waits.empty()) {
            ++owed;
            continue;
        }
        const bool is_here = owed->place.name == self_.name;
        Flight flight{.operation = owed->operation,
                      .place = owed->place,
                      .is_remote = !is_here,
                      .action = {},
                      .began = now_.boot,
                      .deadline = {}};
        if (!is_here) {
            flight.deadline =
                now_.boot + std::chrono::milliseconds(owed->operation.timeout_ms) + 60s;
        }
        execute::drop_parameters(flight.operation);
        flights_.emplace(owed->operation.id, std::move(flight));
        if (is_here) {
            local_.accept(std::move(owed->operation), now_);
        } else {
            say(wire::Execute{.term = term_, .operation = std::move(owed->operation)});
        }
        owed = owed_.erase(owed);
        has_started = true;
    }
    return has_started;
}

// --- Failures of before -------------------------------------------------------------------------

bool Mind::is_past_failure(const Flight& flight, const cib::Element& entry) const {
    return execute::makes_active(flight.operation.task) &&
           entry.get("id") == concat(flight.operation.resource, "_last_failure_0");
}

bool Mind::has_past_failures() const {
    return std::any_of(flights_.begin(), flights_.end(), [this](const auto& each) {
        const Flight& flight = each.second;
        const cib::Element* history =
            replicate::history_of(shared_.cib, flight.place.id, flight.operation.resource);
        return history != nullptr && std::any_of(history->children.begin(), history->children.end(),
                                                 [&](const cib::Element& entry) {
                                                     return is_past_failure(flight, entry);
                                                 });
    });
}

// In the scheduler's copy only: displays go on showing the failure until it is cleaned up.
void Mind::hide_past_failures(cib::Element& cib) const {
    for (const auto& [id, flight] : flights_) {
        for (cib::Element& node : cib.child_or_new("status").children) {
            if (node.get("id") != flight.place.id) continue;
            cib::Element* resources = cib::histories_of(node);
            if (resources == nullptr) continue;
            for (cib::Element& history : resources->children) {
                if (history.get("id") != flight.operation.resource) continue;
                std::erase_if(history.children, [&, &running = flight](const cib::Element& entry) {
                    return is_past_failure(running, entry);
                });
            }
        }
    }
}

}  // namespace xbeat::node
