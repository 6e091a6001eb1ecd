// What alert agents are told of, once for each event and by the coordinator: nodes that come and
// go, fencing, results of operations, attributes.
//
// The coordinator's records are the events: whatever else a node notices is an opinion until it is
// one. Agents run beside everything else, and nothing waits for them.
#include "core/limits.h"
#include "core/text.h"
#include "execute/alert.h"
#include "node/mind.h"

namespace xbeat::node {
namespace {

using execute::AlertEvent;
using execute::AlertKind;

std::string_view words_of(std::int32_t rc) {
    switch (rc) {
        case 0:
            return "ok";
        case 1:
            return "error";
        case 2:
            return "invalid parameter";
        case 3:
            return "unimplemented feature";
        case 4:
            return "insufficient privileges";
        case 5:
            return "not installed";
        case 6:
            return "not configured";
        case 7:
            return "not running";
        case 8:
            return "promoted";
        case 9:
            return "promoted (failed)";
        case 190:
            return "ok (degraded)";
        case 191:
            return "promoted (degraded)";
        default:
            return "error";
    }
}

std::string node_name(const cib::Element& cib, std::string_view id) {
    const cib::Element* state = replicate::node_state(cib, id);
    return state == nullptr ? std::string(id) : std::string(state->get("uname"));
}

}  // namespace

void Mind::alert(const AlertEvent& event) {
    for (RunAgent& run : execute::alert_runs(shared_.cib, event, ++alert_sequence_)) {
        if (alerts_.size() >= kAlertsRunningMax) {
            return note(Level::Warning, "alerts-left-out",
                        concat(kAlertsRunningMax,
                               " alert agents are running: further alerts are left out"));
        }
        run.operation = OperationId{next_run_++};
        alerts_.emplace(run.operation, run.resource);
        out_.run.emplace_back(std::move(run));
    }
}

// Before the record is applied: what it changes is news, what it repeats is not.
void Mind::alert_of(const wire::RecordBody& body) {
    if (!execute::has_alerts(shared_.cib)) return;
    if (const auto* state = std::get_if<wire::SetNodeState>(&body)) {
        const cib::Element* before = replicate::node_state(shared_.cib, state->id);
        const bool was_member = before != nullptr && before->get("in_ccm") == "true";
        if (was_member == state->is_member) return;
        return alert({.kind = AlertKind::Node,
                      .node = state->name,
                      .node_id = state->id,
                      .description = state->is_member ? "member" : "lost",
                      .attribute = {},
                      .variables = {}});
    }
    if (const auto* fence = std::get_if<wire::RecordFence>(&body)) {
        const bool has_failed = fence->outcome == "failed";
        const std::string how =
            has_failed ? concat("failed", fence->reason.empty() ? "" : ": ", fence->reason)
                       : std::string("OK");
        return alert({.kind = AlertKind::Fencing,
                      .node = fence->target,
                      .node_id = {},
                      .description = concat("Operation ", fence->action, " of ", fence->target,
                                            " by ", fence->origin, ": ", how),
                      .attribute = {},
                      .variables = {{"task", fence->action}, {"rc", has_failed ? "1" : "0"}}});
    }
    if (const auto* attribute = std::get_if<wire::SetTransient>(&body)) {
        if (attribute->is_private) return;
        const std::string_view before =
            replicate::transient_attribute(shared_.cib, attribute->node, attribute->name);
        if (!attribute->remove && before == attribute->value) return;
        alert({.kind = AlertKind::Attribute,
               .node = node_name(shared_.cib, attribute->node),
               .node_id = attribute->node,
               .description = {},
               .attribute = attribute->name,
               .variables = {{"attribute_name", attribute->name},
                             {"attribute_value", attribute->remove ? "" : attribute->value}}});
    }
}

// A monitor that finds what was expected is no news.
void Mind::alert_of(const wire::Report& report, const execute::Place& place) {
    if (!is_coordinator() || !execute::has_alerts(shared_.cib)) return;
    const wire::Operation& operation = report.operation;
    const wire::OperationResult& result = report.result;
    const bool is_cancelled =
        result.op_status == static_cast<std::int32_t>(wire::OpStatus::Cancelled);
    const bool is_quiet_monitor =
        operation.task == "monitor" && execute::is_expected(operation, result);
    if (is_cancelled || is_quiet_monitor) return;
    const bool is_done = result.op_status == static_cast<std::int32_t>(wire::OpStatus::Done);
    const bool is_late = result.op_status == static_cast<std::int32_t>(wire::OpStatus::TimedOut);
    const std::string_view words = is_late ? "Timed Out" : is_done ? words_of(result.rc) : "Error";
    alert({.kind = AlertKind::Resource,
           .node = place.name,
           .node_id = place.id,
           .description = std::string(words),
           .attribute = {},
           .variables = {{"rsc", operation.resource},
                         {"task", operation.task},
                         {"interval", concat(operation.interval_ms)},
                         {"rc", concat(result.rc)},
                         {"target_rc", concat(operation.target_rc)},
                         {"status", concat(result.op_status)},
                         {"exec_time", concat(result.exec_ms)}}});
}

bool Mind::alert_done(const AgentDone& done) {
    const auto found = alerts_.find(done.operation);
    if (found == alerts_.end()) return false;
    const std::string id = found->second;
    alerts_.erase(found);
    if (done.status == AgentStatus::Done && done.rc == 0) return true;
    const std::string why = done.status == AgentStatus::TimedOut ? std::string("it took too long")
                            : done.exit_reason.empty()           ? concat("exit code ", done.rc)
                                                                 : done.exit_reason;
    note(Level::Warning, "alert-failed", concat("the agent of alert ", id, " failed: ", why),
         {{"alert", id}, {"rc", concat(done.rc)}});
    return true;
}

}  // namespace xbeat::node
