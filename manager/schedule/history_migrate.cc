// What a recorded live migration says: whose newest word counts, on which of the two nodes.
#include <algorithm>

#include "core/text.h"
#include "schedule/history.h"

namespace xbeat::schedule {
namespace {

constexpr int kNotRunning = 7;
constexpr int kNeverRan = 193;

const cib::Element* history_on(const World& world, std::string_view node_name,
                               std::string_view resource) {
    const Node* node = world.find_node(node_name);
    return node == nullptr ? nullptr : find_history(*node, resource);
}

bool is_changing(Task task) {
    return task == Task::Start || task == Task::Stop || task == Task::MigrateTo ||
           task == Task::MigrateFrom;
}

template <class Predicate>
bool any_record_after(const World& world, const HistoryEntry& entry, std::string_view node_name,
                      const Recorded& than, bool same_node, Predicate counts) {
    const cib::Element* history = history_on(world, node_name, entry.resource.history_name);
    if (history == nullptr) return false;
    for (const cib::Element& child : history->children) {
        if (child.name != "lrm_rsc_op") continue;
        const Recorded record = decode_record(child);
        if (counts(record) && compare_age(record, than, same_node) > 0) return true;
    }
    return false;
}

bool change_after(const World& world, const HistoryEntry& entry, std::string_view node_name,
                  const Recorded& than, bool same_node) {
    return any_record_after(world, entry, node_name, than, same_node,
                            [](const Recorded& record) { return is_changing(record.kind); });
}

bool not_running_after(const World& world, const HistoryEntry& entry, std::string_view node_name,
                       const Recorded& than, bool same_node) {
    return any_record_after(world, entry, node_name, than, same_node, [](const Recorded& record) {
        return record.kind == Task::Monitor && record.rc == kNotRunning;
    });
}

bool is_unknown_on(const World& world, const HistoryEntry& entry, std::string_view node_name) {
    const cib::Element* history = history_on(world, node_name, entry.resource.history_name);
    if (history == nullptr) return true;
    return std::none_of(history->children.begin(), history->children.end(),
                        [](const cib::Element& child) {
                            return child.name == "lrm_rsc_op" &&
                                   parse_integer(child.get("rc-code")).value_or(-1) != kNeverRan;
                        });
}

const cib::Element* find_migration(const World& world, const HistoryEntry& entry,
                                   std::string_view node_name, Task task, std::string_view peer,
                                   bool must_have_succeeded = false) {
    const cib::Element* history = history_on(world, node_name, entry.resource.history_name);
    if (history == nullptr) return nullptr;
    const std::string_view attribute =
        task == Task::MigrateTo ? "migrate_target" : "migrate_source";
    for (const cib::Element& child : history->children) {
        if (child.name != "lrm_rsc_op" || parse_task(child.get("operation")) != task) continue;
        if (child.get(attribute) != peer) continue;
        const bool succeeded = parse_integer(child.get("rc-code")).value_or(-1) == 0 &&
                               parse_integer(child.get("op-status")).value_or(-1) == 0;
        return succeeded || !must_have_succeeded ? &child : nullptr;
    }
    return nullptr;
}

// Whether the node has a newer word about the resource than the migration's own record.
bool newer_state(const World& world, const HistoryEntry& entry, std::string_view node_name,
                 const cib::Element* migrate_to, const cib::Element* migrate_from) {
    const cib::Element* own = migrate_to != nullptr ? migrate_to : migrate_from;
    if (own == nullptr) return false;
    const std::string_view source = own->get("migrate_source");
    const cib::Element* than = nullptr;
    bool same_node = false;
    if (node_name == source) {
        than = migrate_to != nullptr ? migrate_to : migrate_from;
        same_node = migrate_to != nullptr;
    } else {
        than = migrate_from != nullptr ? migrate_from : migrate_to;
        same_node = migrate_from != nullptr;
    }
    const Recorded record = decode_record(*than);
    return change_after(world, entry, node_name, record, same_node) ||
           not_running_after(world, entry, node_name, record, same_node);
}

struct Ends {
    std::string_view source;
    std::string_view target;
};

std::optional<Ends> ends_of(const HistoryEntry& entry) {
    const Ends ends{.source = entry.record.xml->get("migrate_source"),
                    .target = entry.record.xml->get("migrate_target")};
    if (ends.source.empty() || ends.target.empty()) return std::nullopt;
    const std::string_view here = entry.record.kind == Task::MigrateTo ? ends.source : ends.target;
    if (!equals_ignoring_case(here, entry.node.name)) return std::nullopt;
    return ends;
}

void fail_without_migration(Resource& resource) {
    resource.failed = true;
    resource.stop_required = true;
    resource.allow_migrate = false;
}

}  // namespace

void take_migrate_to_success(World& world, HistoryEntry& entry) {
    const auto ends = ends_of(entry);
    if (!ends) return;
    Resource& resource = entry.resource;
    const bool source_newer = change_after(world, entry, ends->source, entry.record, true);
    const cib::Element* from =
        find_migration(world, entry, ends->target, Task::MigrateFrom, ends->source);
    if (from != nullptr && source_newer) return;
    const bool target_newer = newer_state(world, entry, ends->target, entry.record.xml, from);
    if (source_newer && target_newer) return;

    const std::int64_t from_rc =
        from == nullptr ? -1 : parse_integer(from->get("rc-code")).value_or(-1);
    const std::int64_t from_status =
        from == nullptr ? -1 : parse_integer(from->get("op-status")).value_or(-1);
    if (from != nullptr && from_rc == 0 && from_status == 0) {
        // Arrived on the target, but the copy on the source was never stopped.
        resource.role = Role::Stopped;
        if (!runs_on(resource.dangling_migrations, &entry.node)) {
            resource.dangling_migrations.insert(resource.dangling_migrations.begin(), &entry.node);
        }
        return;
    }
    resource.role = Role::Started;
    Node* target = world.find_node(ends->target);
    Node* source = world.find_node(ends->source);
    const bool active_on_target = !target_newer && target != nullptr && target->online;
    if (from != nullptr && from_status != -1) {  // it failed
        if (active_on_target) {
            add_running(world, resource, *target, true);
        } else {
            fail_without_migration(resource);
        }
        return;
    }
    if (target != nullptr && target->online && is_unknown_on(world, entry, ends->target)) {
        return;  // its history was erased: a probe will tell
    }
    if (active_on_target) {
        add_running(world, resource, *target, false);
        if (source != nullptr && source->online) {
            resource.migration_source = source;
            resource.migration_target = target;
        }
    } else if (!source_newer) {
        fail_without_migration(resource);
    }
}

void take_migrate_to_failure(World& world, HistoryEntry& entry) {
    const auto ends = ends_of(entry);
    if (!ends) return;
    Resource& resource = entry.resource;
    resource.role = Role::Started;
    const cib::Element* from =
        find_migration(world, entry, ends->target, Task::MigrateFrom, ends->source, true);
    if (!is_unknown_on(world, entry, ends->target) &&
        !newer_state(world, entry, ends->target, entry.record.xml, from)) {
        Node* target = world.find_node(ends->target);
        if (target != nullptr && target->online) add_running(world, resource, *target, false);
    } else if (!change_after(world, entry, ends->source, entry.record, true)) {
        if (!runs_on(resource.dangling_migrations, &entry.node)) {
            resource.dangling_migrations.insert(resource.dangling_migrations.begin(), &entry.node);
        }
    }
}

void take_migrate_from_failure(World& world, HistoryEntry& entry) {
    const auto ends = ends_of(entry);
    if (!ends) return;
    Resource& resource = entry.resource;
    resource.role = Role::Started;
    const cib::Element* to =
        find_migration(world, entry, ends->source, Task::MigrateTo, ends->target, true);
    if (!is_unknown_on(world, entry, ends->source) &&
        !newer_state(world, entry, ends->source, to, entry.record.xml)) {
        Node* source = world.find_node(ends->source);
        if (source != nullptr && source->online) add_running(world, resource, *source, true);
    }
}

}  // namespace xbeat::schedule
