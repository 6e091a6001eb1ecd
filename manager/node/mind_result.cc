// What came of operations: history, fail counts, and whether the plan still fits.
#include <algorithm>

#include "core/text.h"
#include "execute/agent_facts.h"
#include "node/mind.h"

namespace xbeat::node {

using execute::Progress;
using member::Standing;

void Mind::heard(const wire::Report& report) {
    if (is_coordinator() && is_peer_member()) result(report, peer_place());
}

void Mind::result(const wire::Report& report, const execute::Place& place) {
    const wire::Operation& operation = report.operation;
    const auto found = flights_.find(operation.id);
    std::optional<std::uint32_t> action;
    const bool is_flight = found != flights_.end();
    Instant began = now_.boot;
    if (is_flight) {
        action = found->second.action;
        began = found->second.began;
        flights_.erase(found);
        for (auto held = held_.begin(); held != held_.end();) {
            held->second.erase(operation.id);
            held = held->second.empty() ? held_.erase(held) : std::next(held);
        }
    }
    const bool is_good = execute::is_expected(operation, report.result);
    settle_owed(operation.id, is_good);
    record_result(report, place);
    note_result(report, place, is_good);
    const bool is_probe = operation.task == "monitor" && operation.interval_ms == 0;
    if (is_probe && !is_good) note_multiple(operation.resource);
    if (is_flight) {
        chronicle_.add({.phase = "action",
                        .detail = concat(operation.key, " on ", place.name),
                        .from = began,
                        .to = now_.boot,
                        .succeeded = is_good});
    }
    const bool is_notification = operation.task == "notify";
    const bool is_current = action && transition_;
    if (is_current) {
        const bool counts_as_done =
            is_good || is_notification || transition_->action(*action).can_fail;
        transition_->set(*action, counts_as_done ? Progress::Done : Progress::Failed);
        if (counts_as_done) return;
        transition_->abort();
    }
    if (is_notification) return;
    // A carried-over action that no plan waits for, a surprise, or a monitor's change of mind.
    const bool has_failed = execute::is_failure(operation, report.result);
    want_plan(concat(operation.resource, ' ', operation.task,
                     has_failed ? " failed on " : " ended on ", place.name,
                     has_failed || is_good ? "" : " with another result than expected"));
}

void Mind::record_result(const wire::Report& report, const execute::Place& place) {
    execute::FailureOffsets offsets;
    if (transition_) {
        offsets.start = transition_->plan().failed_start_offset;
        offsets.stop = transition_->plan().failed_stop_offset;
    }
    std::vector<wire::RecordBody> counts = execute::fail_count_records(
        shared_.cib, execute::as_recorded(report.operation), report.result, place, offsets);
    std::vector<wire::RecordBody> entries =
        execute::result_records(report.operation, report.result, place);
    execute::add_parameter_record(report.result.parameters, entries);
    append_all(std::move(entries));
    append_all(std::move(counts));
}

void Mind::note_result(const wire::Report& report, const execute::Place& place, bool is_good) {
    const wire::Operation& operation = report.operation;
    const wire::OperationResult& result = report.result;
    const bool has_failed = execute::is_failure(operation, result);
    alert_of(report, place);
    Fields fields = {{"key", operation.key},
                     {"rc", concat(result.rc)},
                     {"status", concat(result.op_status)},
                     {"exec_ms", concat(result.exec_ms)}};
    if (!result.exit_reason.empty()) fields.emplace_back("exit_reason", result.exit_reason);
    if (!result.trigger.empty()) fields.emplace_back("trigger", result.trigger);
    std::string text = concat(operation.task, ' ', operation.resource, " on ", place.name,
                              has_failed ? " failed: " : " ended: ", "rc ", result.rc);
    if (!result.exit_reason.empty()) text += concat(" (", result.exit_reason, ')');
    chronicle_.note({.level = has_failed ? Level::Warning : (is_good ? Level::Debug : Level::Info),
                     .kind = has_failed ? "action-failed" : "action-done",
                     .node = place.name,
                     .resource = operation.resource,
                     .text = std::move(text),
                     .fields = std::move(fields),
                     .at = now_.boot});
    if (has_failed) {
        failover_begins(concat(operation.resource, " failed on ", place.name), place.name,
                        operation.resource);
    }
}

// The executor ends every agent in time; this is for a member that never answers at all.
void Mind::flights_overdue() {
    std::vector<Flight> overdue;
    for (const auto& [id, flight] : flights_) {
        if (flight.deadline && *flight.deadline <= now_.boot) overdue.push_back(flight);
    }
    for (const Flight& flight : overdue) {
        wire::Report report{.operation = flight.operation, .result = {}};
        report.result.id = flight.operation.id;
        report.result.rc = 1;
        report.result.op_status = static_cast<std::int32_t>(wire::OpStatus::TimedOut);
        report.result.exit_reason = "the node did not answer in time";
        report.result.changed = now_.calendar;
        // Later than anything that the node itself has numbered.
        report.result.call_id =
            1'000'000'000 + static_cast<std::int64_t>(flight.operation.id.value & 0xffffffffU);
        result(report, flight.place);
    }
}

// This node was told by another coordinator to run something that has not ended yet.
void Mind::import_local_flights() {
    for (const wire::Operation& operation : local_.unfinished()) {
        Flight flight{.operation = operation,
                      .place = self_place(),
                      .is_remote = false,
                      .action = {},
                      .began = now_.boot,
                      .deadline = {}};
        execute::drop_parameters(flight.operation);
        flights_.emplace(operation.id, std::move(flight));
    }
}

// Results of this node that the coordinator of before may not have recorded. Those that it did
// record have come back as records; they are known by their call.
void Mind::results_unheard(const std::vector<wire::Body>& bodies) {
    if (!is_coordinator()) return;
    for (const wire::Body& body : bodies) {
        const auto* report = std::get_if<wire::Report>(&body);
        if (report == nullptr) continue;
        const cib::Element* history =
            replicate::history_of(shared_.cib, self_place().id, report->operation.resource);
        const std::string call = concat(report->result.call_id);
        const bool is_known =
            history != nullptr &&
            std::any_of(history->children.begin(), history->children.end(),
                        [&call](const cib::Element& op) { return op.get("call-id") == call; });
        if (!is_known) result(*report, self_place());
    }
}

// Whatever runs at the peer answers to nobody any more; no plan may count on it.
void Mind::drop_remote_flights() {
    for (auto flight = flights_.begin(); flight != flights_.end();) {
        if (!flight->second.is_remote) {
            ++flight;
            continue;
        }
        if (flight->second.action && transition_) {
            transition_->set(*flight->second.action, Progress::Failed);
            transition_->abort();
            want_plan(concat(flight->second.place.name, " no longer answers"));
        }
        for (auto& [key, waits] : held_) waits.erase(flight->first);
        flight = flights_.erase(flight);
    }
    std::erase_if(held_, [](const auto& each) { return each.second.empty(); });
    for (auto order = fences_.begin(); order != fences_.end();) {
        const bool is_lost = order->second.is_remote && order->second.is_running;
        if (!is_lost) {
            ++order;
            continue;
        }
        // Whether it shot is not known; the next plan orders what is still needed.
        if (order->second.action && transition_) {
            transition_->set(*order->second.action, Progress::Failed);
            transition_->abort();
        }
        for (const Asker& asker : order->second.askers) {
            reply(asker, Error{Code::Unavailable, "the node that was to fence is gone"});
        }
        order = fences_.erase(order);
        want_plan("the node that was to fence is gone");
    }
}

}  // namespace xbeat::node
