// What an operation's result leaves behind in the CIB: history entries and fail counts.
//
// Entries are those that Pacemaker writes: RSC_last_0 for what is not recurring,
// RSC_monitor_INTERVAL for recurring monitors, RSC_last_failure_0 beside them for a failure.
// Judging them is the scheduler's business.
// Source: "Pacemaker Explained", chapters "Resource history" and "Handling resource failure".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/time.h"
#include "wire/operation.h"
#include "wire/record.h"

namespace xbeat::execute {

/// Where an operation ran.
struct Place {
    std::string id;    // node id in the CIB
    std::string name;  // node name
};

/// What the plan says about the cost of a failed start or stop: "INFINITY" or a number.
struct FailureOffsets {
    std::string start = "INFINITY";
    std::string stop = "INFINITY";
};

/// Takes off an operation's parameters what nobody needs who keeps or reports it, secrets among
/// them. What stays are the ends of a migration, which its entry in the history names.
void drop_parameters(wire::Operation& operation);

/// True if the result is not what was expected: another rc than the target (190 and 191 count as 0
/// and 8), or a status that is no proper end. A probe that finds the resource running, stopped or
/// promoted did not fail.
[[nodiscard]] bool is_failure(const wire::Operation& operation,
                              const wire::OperationResult& result);
/// True if the result is exactly what the plan counted on.
[[nodiscard]] bool is_expected(const wire::Operation& operation,
                               const wire::OperationResult& result);

/// The entry of an operation that was just begun (op-status -1). Nothing for operations whose
/// beginning is not recorded: only what may make the resource active is (start, promote, migrate),
/// because until its end is known the resource must count as active; one that is stopped counts as
/// active anyway.
[[nodiscard]] std::vector<wire::RecordBody> begun_records(const wire::Operation& operation,
                                                          const Place& place,
                                                          EpochSeconds calendar);

/// The entries of a result, in order; a cancelled monitor loses its entry, a deleted resource all.
[[nodiscard]] std::vector<wire::RecordBody> result_records(const wire::Operation& operation,
                                                           const wire::OperationResult& result,
                                                           const Place& place);

/// The new fail count and time of a failed result; nothing if that result does not count: it did
/// not fail, or was a probe or a notification. `cib` holds the present count.
[[nodiscard]] std::vector<wire::RecordBody> fail_count_records(const cib::Element& cib,
                                                               const wire::Operation& operation,
                                                               const wire::OperationResult& result,
                                                               const Place& place,
                                                               const FailureOffsets& offsets);

/// Removes all fail counts of a resource on a node (of every resource if empty) and its
/// RSC_last_failure_0 entries.
[[nodiscard]] std::vector<wire::RecordBody> clear_failures_records(const cib::Element& cib,
                                                                   std::string_view node_id,
                                                                   std::string_view resource);

/// True if the history of a node says that some resource may be active there. Fence devices do not
/// count: they serve nobody.
[[nodiscard]] bool runs_resources(const cib::Element& cib, std::string_view node_id);

/// False only if the history of a node says that this resource is not active there. Without any
/// history nobody knows.
[[nodiscard]] bool may_be_active(const cib::Element& cib, std::string_view node_id,
                                 std::string_view resource);

}  // namespace xbeat::execute
