#include "execute/history.h"

#include <algorithm>
#include <array>

#include "cib/upgrade.h"
#include "core/score.h"
#include "core/text.h"
#include "replicate/apply.h"

namespace xbeat::execute {
namespace {

using wire::Operation;
using wire::OperationResult;
using wire::OpStatus;
using wire::RecordBody;

constexpr std::int32_t kPendingRc = 193;  // "unknown", as Pacemaker records it

bool is_task(const Operation& operation, std::initializer_list<std::string_view> tasks) {
    return std::find(tasks.begin(), tasks.end(), operation.task) != tasks.end();
}

// The parameters that tell between which nodes a resource moves; an entry of the history names them
// without the prefix.
constexpr std::string_view kMeta = "CRM_meta_";
constexpr std::array<std::string_view, 2> kMigrationEnds = {"CRM_meta_migrate_source",
                                                            "CRM_meta_migrate_target"};

bool is_migration_end(std::string_view parameter) {
    return std::find(kMigrationEnds.begin(), kMigrationEnds.end(), parameter) !=
           kMigrationEnds.end();
}

bool is_probe(const Operation& operation) {
    return operation.task == "monitor" && operation.interval_ms == 0;
}

std::int32_t without_degradation(std::int32_t rc) {
    constexpr std::int32_t kDegraded = 190;
    constexpr std::int32_t kDegradedPromoted = 191;
    constexpr std::int32_t kRunningPromoted = 8;
    if (rc == kDegraded) return 0;
    return rc == kDegradedPromoted ? kRunningPromoted : rc;
}

bool is_done(const OperationResult& result) {
    return result.op_status == static_cast<std::int32_t>(OpStatus::Done);
}

// A reload leaves the resource as a start with the new parameters would.
std::string_view recorded_task(const Operation& operation) {
    return is_task(operation, {"reload", "reload-agent"}) ? std::string_view("start")
                                                          : std::string_view(operation.task);
}

wire::SetHistory entry(const Operation& operation, const OperationResult& result,
                       const Place& place, std::string id) {
    const std::string_view task = recorded_task(operation);
    wire::SetHistory record{.node = place.id,
                            .resource = operation.resource,
                            .agent_class = operation.agent_class,
                            .agent_provider = operation.agent_provider,
                            .agent_type = operation.agent_type,
                            .attributes = {},
                            .ends_recurring = false};
    const std::string magic =
        concat(result.op_status, ':', result.rc, ';', operation.transition_key);
    record.attributes = {
        {"id", std::move(id)},
        {"operation_key", concat(operation.resource, '_', task, '_', operation.interval_ms)},
        {"operation", std::string(task)},
        {"crm-debug-origin", "xbeat"},
        {"crm_feature_set", std::string(cib::kFeatureSet)},
        {"transition-key", operation.transition_key},
        {"transition-magic", magic},
        {"exit-reason", result.exit_reason},
        {"on_node", place.name},
        {"call-id", concat(result.call_id)},
        {"rc-code", concat(result.rc)},
        {"op-status", concat(result.op_status)},
        {"interval", concat(operation.interval_ms)},
        {"last-rc-change", concat(result.changed.value)},
        {"exec-time", concat(result.exec_ms)},
        {"queue-time", concat(result.queue_ms)},
    };
    if (!operation.digest.empty()) record.attributes.emplace_back("op-digest", operation.digest);
    for (const auto& [name, value] : operation.parameters) {
        if (!is_migration_end(name)) continue;
        record.attributes.emplace_back(name.substr(kMeta.size()), value);
    }
    return record;
}

// What the newest entry of a resource's history says.
bool may_be_active(const cib::Element& resource) {
    const cib::Element* newest = nullptr;
    std::int64_t newest_call = 0;
    for (const cib::Element& op : resource.children) {
        if (op.name != "lrm_rsc_op") continue;
        const std::int64_t call = parse_integer(op.get("call-id")).value_or(0);
        if (call == -1) return true;  // something is under way
        if (newest == nullptr || call >= newest_call) {
            newest = &op;
            newest_call = call;
        }
    }
    if (newest == nullptr) return false;
    if (newest->get("operation") == "stop") return newest->get("rc-code") != "0";
    return newest->get("rc-code") != "7";
}

std::string last_id(const Operation& operation) { return concat(operation.resource, "_last_0"); }
std::string last_failure_id(std::string_view resource) {
    return concat(resource, "_last_failure_0");
}
std::string recurring_id(const Operation& operation) {
    return concat(operation.resource, '_', recorded_task(operation), '_', operation.interval_ms);
}

}  // namespace

void drop_parameters(Operation& operation) {
    std::erase_if(operation.parameters,
                  [](const auto& each) { return !is_migration_end(each.first); });
}

bool is_failure(const Operation& operation, const OperationResult& result) {
    if (result.op_status == static_cast<std::int32_t>(OpStatus::Cancelled)) return false;
    if (!is_done(result)) return true;
    const std::int32_t rc = without_degradation(result.rc);
    if (rc == operation.target_rc) return false;
    const bool is_state = rc == 0 || rc == 7 || rc == 8;
    return !(is_probe(operation) && is_state);
}

bool is_expected(const Operation& operation, const OperationResult& result) {
    return is_done(result) && without_degradation(result.rc) == operation.target_rc;
}

std::vector<RecordBody> begun_records(const Operation& operation, const Place& place,
                                      EpochSeconds calendar) {
    if (!is_task(operation, {"start", "promote", "migrate_to", "migrate_from"})) return {};
    OperationResult pending;
    pending.call_id = -1;
    pending.rc = kPendingRc;
    pending.op_status = static_cast<std::int32_t>(OpStatus::Pending);
    pending.changed = calendar;
    return {entry(operation, pending, place, last_id(operation))};
}

std::vector<RecordBody> result_records(const Operation& operation, const OperationResult& result,
                                       const Place& place) {
    if (operation.task == "cancel") {
        return {wire::EraseHistory{
            .node = place.id, .resource = operation.resource, .entry = operation.key}};
    }
    if (operation.task == "delete") {
        return {wire::EraseHistory{.node = place.id, .resource = operation.resource, .entry = {}}};
    }
    if (operation.task == "notify") return {};
    if (result.op_status == static_cast<std::int32_t>(OpStatus::Cancelled)) return {};

    std::vector<RecordBody> out;
    const bool ends_recurring =
        operation.interval_ms == 0 && !is_task(operation, {"monitor", "asyncmon"});
    const bool has_failed = is_failure(operation, result);
    if (has_failed) {
        wire::SetHistory failure =
            entry(operation, result, place, last_failure_id(operation.resource));
        failure.ends_recurring = ends_recurring;
        out.emplace_back(std::move(failure));
        if (operation.interval_ms > 0) return out;
    }
    if (operation.task == "asyncmon") return out;
    wire::SetHistory record =
        entry(operation, result, place,
              operation.interval_ms > 0 ? recurring_id(operation) : last_id(operation));
    record.ends_recurring = ends_recurring;
    out.emplace_back(std::move(record));
    return out;
}

std::vector<RecordBody> fail_count_records(const cib::Element& cib, const Operation& operation,
                                           const OperationResult& result, const Place& place,
                                           const FailureOffsets& offsets) {
    if (!is_failure(operation, result)) return {};
    std::string_view offset;
    if (operation.interval_ms > 0 ||
        is_task(operation, {"promote", "demote", "migrate_to", "migrate_from", "asyncmon"})) {
        offset = "1";
    } else if (operation.task == "start") {
        offset = offsets.start;
    } else if (operation.task == "stop") {
        offset = offsets.stop;
    } else {
        return {};
    }
    const std::string suffix =
        concat(operation.resource, '#', operation.task, '_', operation.interval_ms);
    const std::string name = concat("fail-count-", suffix);
    const Score before =
        parse_score(replicate::transient_attribute(cib, place.id, name)).value_or(Score{});
    const Score count = before + parse_score(offset).value_or(Score::of(1));
    return {wire::SetTransient{
                .node = place.id, .name = name, .value = to_string(count), .remove = false},
            wire::SetTransient{.node = place.id,
                               .name = concat("last-failure-", suffix),
                               .value = concat(result.changed.value),
                               .remove = false}};
}

std::vector<RecordBody> clear_failures_records(const cib::Element& cib, std::string_view node_id,
                                               std::string_view resource) {
    std::vector<RecordBody> out;
    const cib::Element* node = replicate::node_state(cib, node_id);
    if (node == nullptr) return out;
    const auto is_count = [resource](std::string_view name) {
        for (const std::string_view prefix : {"fail-count-", "last-failure-"}) {
            if (!name.starts_with(prefix)) continue;
            const std::string_view rest = name.substr(prefix.size());
            return resource.empty() || rest == resource || rest.starts_with(concat(resource, '#'));
        }
        return false;
    };
    if (const cib::Element* holder = node->child("transient_attributes")) {
        for (const cib::Element& set : holder->children) {
            for (const cib::Element& pair : set.children) {
                if (!is_count(pair.get("name"))) continue;
                out.emplace_back(wire::SetTransient{.node = std::string(node_id),
                                                    .name = std::string(pair.get("name")),
                                                    .value = {},
                                                    .remove = true});
            }
        }
    }
    const cib::Element* resources = cib::histories_of(*node);
    if (resources == nullptr) return out;
    for (const cib::Element& known : resources->children) {
        if (!resource.empty() && known.get("id") != resource) continue;
        const std::string id = last_failure_id(known.get("id"));
        const bool has_failure =
            std::any_of(known.children.begin(), known.children.end(),
                        [&id](const cib::Element& op) { return op.get("id") == id; });
        if (!has_failure) continue;
        out.emplace_back(wire::EraseHistory{
            .node = std::string(node_id), .resource = std::string(known.get("id")), .entry = id});
    }
    return out;
}

bool runs_resources(const cib::Element& cib, std::string_view node_id) {
    const cib::Element* node = replicate::node_state(cib, node_id);
    const cib::Element* resources = node == nullptr ? nullptr : cib::histories_of(*node);
    if (resources == nullptr) return false;
    return std::any_of(resources->children.begin(), resources->children.end(),
                       [](const cib::Element& resource) {
                           return resource.get("class") != "stonith" && may_be_active(resource);
                       });
}

bool may_be_active(const cib::Element& cib, std::string_view node_id, std::string_view resource) {
    const cib::Element* history = replicate::history_of(cib, node_id, resource);
    return history == nullptr || may_be_active(*history);
}

}  // namespace xbeat::execute
