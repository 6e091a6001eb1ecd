// Stage 3b: the operation histories: what runs where, what failed, what is in flight.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// One recorded operation, decoded once.
struct Recorded {
    const cib::Element* xml = nullptr;
    std::string_view id;
    std::string_view task;
    std::string_view key;
    Task kind = Task::None;
    std::int64_t interval_ms = 0;
    std::int64_t call_id = -1;
    std::int64_t last_change = -1;  // epoch seconds; -1 if not recorded
    std::int64_t number = -1;       // of the record, where xbeat made it: newer is larger
    std::int64_t transition = -1;
    std::int64_t action = -1;
    std::string_view transition_uuid;
    int status = -2;  // as recorded: -1 pending, 0 done, 1 cancelled, 2 timeout, 4 error, ...
    int rc = -1;
    int target_rc = -1;
};

[[nodiscard]] Recorded decode_record(const cib::Element& xml);

/// Which of two records is the newer: negative if `a` is older.
[[nodiscard]] int compare_age(const Recorded& a, const Recorded& b, bool same_node);

/// The records of one resource in one node's history, oldest first.
[[nodiscard]] std::vector<Recorded> sorted_records(const cib::Element& lrm_resource);

/// The <lrm_resource> of that name in a node's status, or null.
[[nodiscard]] const cib::Element* find_history(const Node& node, std::string_view resource);

void unpack_node_history(World& world, Node& node, const cib::Element& state);

/// Containers whose connection failed are stopped, now that it is known where they run.
void stop_failed_containers(World& world);

/// Erases the lock of `resource` to `node` in the CIB: what the node's history tells of it.
void erase_lock(World& world, Resource& resource, Node& node);

/// Makes the resource active on `node`, also for its parents.
void add_running(World& world, Resource& resource, Node& node, bool failed);

/// The range of a history that counts as current: records after it may be active monitors.
struct ActiveRange {
    int start = -1;  // 1-based place of the last start or what implies one; -1 if none
    int stop = -1;
};
[[nodiscard]] ActiveRange active_range(const std::vector<Recorded>& records);

// --- Records that concern two nodes (live migration), in history_migrate.cc
// ------------------------

struct HistoryEntry {
    Resource& resource;
    Node& node;
    Recorded record;
    int rc = 0;
    int status = 0;
};
void take_migrate_to_success(World& world, HistoryEntry& entry);
void take_migrate_to_failure(World& world, HistoryEntry& entry);
void take_migrate_from_failure(World& world, HistoryEntry& entry);

}  // namespace xbeat::schedule
