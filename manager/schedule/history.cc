#include "schedule/history.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/bundle.h"
#include "schedule/explain.h"
#include "schedule/failcount.h"
#include "schedule/fence_marks.h"
#include "schedule/outcome.h"
#include "schedule/resources.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

constexpr int kPending = -1;
constexpr int kDone = 0;

// --- Which resource a history belongs to
// -----------------------------------------------------------

Resource* member_named(Resource& instance, std::string_view name) {
    if (base_name(instance.id) == name || instance.history_name == name || instance.id == name) {
        return instance.kind == Kind::Primitive ? &instance : nullptr;
    }
    for (Resource* child : instance.children) {
        if (Resource* found = member_named(*child, name)) return found;
    }
    return nullptr;
}

bool is_universal(const World& world, const Resource& clone) {
    return clone.clone.clone_max == static_cast<std::int32_t>(world.nodes.size());
}

// The nodes where an instance is active now or soon, members included.
std::vector<Node*> places_of(const Resource& resource) {
    if (resource.kind == Kind::Primitive) {
        std::vector<Node*> out = resource.running_on;
        Node* pending = resource.pending_node;
        if (pending != nullptr && !runs_on(out, pending)) out.push_back(pending);
        return out;
    }
    std::vector<Node*> out;
    for (const Resource* child : resource.children) {
        for (Node* node : places_of(*child)) {
            if (!runs_on(out, node)) out.push_back(node);
        }
    }
    return out;
}

// Anonymous histories carry no number: the instance already active on the node, else the lowest
// free one, else a new orphan.
Resource* find_anonymous(World& world, Node& node, Resource& clone, std::string_view name) {
    Resource* found = nullptr;
    Resource* inactive = nullptr;
    bool skip_inactive = false;
    for (Resource* child : clone.children) {
        const std::vector<Node*> places = places_of(*child);
        if (!places.empty()) {
            if (places.front() != &node) continue;
            found = member_named(*child, name);
            if (found != nullptr && !found->running_on.empty()) {
                // A second history of one clone on one node: the further ones are orphans.
                skip_inactive = true;
                found = nullptr;
            }
            if (found != nullptr) break;
        } else if (!skip_inactive && inactive == nullptr) {
            inactive = member_named(*child, name);
            if (inactive != nullptr && inactive->pending_node != nullptr &&
                inactive->pending_node != &node) {
                inactive = nullptr;
            }
        }
    }
    if (found == nullptr && !skip_inactive) found = inactive;
    // An unclean node must not use up an instance that could run elsewhere without its fencing.
    if (found != nullptr && !found->needs_fencing && (!node.online || node.unclean) &&
        !is_guest(node) && !is_universal(world, clone)) {
        found = nullptr;
    }
    if (found == nullptr) {
        Resource* orphan = make_instance(world, clone);
        if (orphan == nullptr) return nullptr;
        if (!orphan->orphan) {
            mark_tree(*orphan, &Resource::orphan, true);
            mark_tree(*orphan, &Resource::removed_instance, true);
        }
        found = member_named(*orphan, name);
    }
    return found;
}

Resource* find_owner(World& world, Node& node, std::string_view name) {
    Resource* resource = world.find_resource(name);
    Resource* parent = nullptr;
    if (resource == nullptr) {
        const std::string zero = concat(base_name(name), ":0");
        Resource* first = world.find_resource(zero);
        if (first != nullptr && !first->unique) {
            resource = first;
            parent = top_of(*first);
        }
    } else if (resource->kind != Kind::Primitive) {
        return nullptr;  // the name now means a collective resource
    } else {
        parent = top_of(*resource);
    }
    if (parent != nullptr && is_anonymous_clone(*parent)) {
        if (is_bundled(*parent)) {
            Replica* replica = replica_on(*parent->parent, node);
            resource = replica == nullptr ? nullptr : replica->child;
        } else {
            resource = find_anonymous(world, node, *parent, base_name(name));
        }
    }
    if (resource != nullptr && name != resource->id && name != resource->history_name) {
        resource->history_name = name;
    }
    return resource;
}

// --- The state that a history leads to
// ---------------------------------------------------------------

void react(World& world, Resource& resource, Node& node, OnFail on_fail, bool known_active) {
    switch (on_fail) {
        case OnFail::Ignore:
            break;
        case OnFail::Demote:
            resource.failed = true;
            make_demote(world, resource, &node, false);
            break;
        case OnFail::Fence:
            mark_for_fencing(world, node, concat(resource.id, " failed there"), false);
            break;
        case OnFail::Standby:
            node.standby = true;
            node.standby_on_fail = true;
            break;
        case OnFail::Block:
            resource.managed = false;
            resource.blocked = true;
            break;
        case OnFail::Ban: {
            const ScoreWatch watch(world, resource,
                                   {ScoreCause::Failure, {}, "it failed there, with on-fail=ban"});
            add_location_score(world, resource, &node, Score::never());
            break;
        }
        case OnFail::Stop:
            set_next_role(world, resource, Role::Stopped, "on-fail=stop");
            break;
        case OnFail::Restart:
            if (!known_active) break;
            resource.failed = true;
            resource.stop_required = true;
            make_stop(world, resource, &node, false);
            break;
        case OnFail::RestartContainer:
            resource.failed = true;
            resource.stop_required = true;
            if (resource.launcher != nullptr && is_bundled(resource)) {
                world.stop_later.push_back(resource.launcher);
            } else if (resource.launcher != nullptr) {
                make_stop(world, *resource.launcher, &node, false);
            } else if (known_active) {
                make_stop(world, resource, &node, false);
            }
            break;
        case OnFail::ResetRemote: {
            resource.failed = true;
            resource.stop_required = true;
            Node* remote = world.find_node(resource.id);
            if (world.options.fencing_enabled && remote != nullptr && is_remote(*remote) &&
                !remote->remote_was_fenced) {
                mark_for_fencing(world, *remote, "remote connection is unrecoverable", false);
            }
            if (resource.role > Role::Stopped) make_stop(world, resource, &node, false);
            if (resource.reconnect_interval_ms > 0) {
                set_next_role(world, resource, Role::Stopped, "remote reset");
            }
            break;
        }
    }
}

void judge_lost_node(World& world, Resource& resource, Node& node) {
    if (resource.role <= Role::Stopped || node.online || node.maintenance || !resource.managed) {
        return;
    }
    bool fence = false;
    if (is_guest(node)) {
        resource.failed = true;
        resource.stop_required = true;
        fence = true;
    } else if (world.options.fencing_enabled) {
        if (is_remote(node) && node.remote != nullptr && !node.remote->failed) {
            // The connection may come up elsewhere; only if it does not is fencing needed.
            node.unseen = true;
        }
        fence = true;
    }
    if (fence) {
        mark_for_fencing(world, node, concat(resource.id, " is thought to be active there"), false);
    }
}

void apply_state(World& world, Resource& resource, Node& node, OnFail on_fail,
                 std::string_view name) {
    const bool known_active = resource.role > Role::Stopped;
    if (resource.role != Role::Unknown) {
        for (Resource* at = &resource; at != nullptr; at = at->parent) {
            if (!runs_on(at->known_on, &node)) at->known_on.push_back(&node);
            if (at->unique) break;
        }
    }
    judge_lost_node(world, resource, node);
    const OnFail recorded = on_fail;
    if (node.unclean) on_fail = OnFail::Ignore;  // the fencing recovers everything
    react(world, resource, node, on_fail, known_active);
    if (resource.failed && resource.is_connection) {
        Node* remote = world.find_node(resource.id);
        if (remote != nullptr && remote->unclean) remote->unseen = false;
    }
    if (resource.role != Role::Stopped && resource.role != Role::Unknown) {
        add_running(world, resource, node, recorded != OnFail::Ignore);
        if (on_fail == OnFail::Demote || on_fail == OnFail::Block) {
            resource.failed = true;
        } else if (on_fail != OnFail::Ignore) {
            resource.failed = true;
            resource.stop_required = true;
        }
    } else if (instance_number(name) && !resource.unique) {
        resource.history_name = resource.id;
    } else {
        for (Step* stop : find_steps(resource, Task::Stop, &node)) set_optional(*stop, true);
    }
    if (resource.role == Role::Stopped && resource.migration_source == &node &&
        resource.migration_target != nullptr && !resource.running_on.empty()) {
        resource.role = Role::Started;
    }
}

// Recurring operations that are active get an optional step: so it is known that they run.
void note_recurring(World& world, Resource& resource, Node& node,
                    const std::vector<Recorded>& records) {
    if (!node.online) return;
    const ActiveRange range = active_range(records);
    int place = 0;
    for (const Recorded& record : records) {
        ++place;
        if (range.start < range.stop && place <= range.stop) continue;
        if (place < range.start) continue;
        if (record.interval_ms == 0 || record.status == kPending) continue;
        if (record.kind == Task::None) continue;
        make_step(world, {.resource = &resource,
                          .task = record.kind,
                          .interval_ms = record.interval_ms,
                          .node = &node});
    }
}

void take_shutdown_lock(World& world, Resource& resource, Node& node, const cib::Element& history) {
    const std::int64_t since = parse_integer(history.get("shutdown-lock")).value_or(0);
    if (since == 0) return;
    if (world.options.shutdown_lock_ms > 0 &&
        world.now.value > since + world.options.shutdown_lock_ms / 1000) {
        erase_lock(world, resource, node);
        return;
    }
    resource.lock_node = &node;
    resource.lock_time = since;
}

void unpack_one(World& world, Node& node, const cib::Element& history) {
    const std::string_view name = history.get("id");
    if (name.empty()) return;
    const std::vector<Recorded> records = sorted_records(history);
    if (records.empty() && !world.options.shutdown_lock) return;
    Resource* resource = find_owner(world, node, name);
    if (resource == nullptr) {
        if (records.empty()) return;
        resource = make_orphan(world, history, name);
        if (resource == nullptr) return;
        if (!world.options.stop_orphans) {
            resource->managed = false;
        } else {
            const ScoreWatch watch(world, *resource, {ScoreCause::Orphan});
            add_location_score(world, *resource, nullptr, Score::never());
        }
    }
    if (world.options.shutdown_lock) take_shutdown_lock(world, *resource, node, history);
    const Role saved = resource->role;
    resource->role = Role::Unknown;
    Judge judge{.world = world, .resource = *resource, .node = node, .last_failure = std::nullopt};
    for (const Recorded& record : records) judge_record(judge, record);
    note_recurring(world, *resource, node, records);
    apply_state(world, *resource, node, judge.on_fail, name);
    if (const auto limit = target_role(*resource)) {
        if (resource->next_role == Role::Unknown || *limit < resource->next_role) {
            set_next_role(world, *resource, *limit, "target-role");
        }
    }
    if (saved > resource->role) resource->role = saved;
}

void raise_priority(Node& node, const Resource& resource) {
    if (resource.priority == 0) return;
    const std::int32_t bonus = resource.role == Role::Promoted ? 1 : 0;
    node.priority += resource.priority + bonus;
    // A guest's load weighs on its host as well.
    if (is_guest(node)) {
        for (Node* host : node.remote->launcher->running_on) {
            host->priority += resource.priority + bonus;
        }
    }
}

void block_all(Resource& resource) {
    resource.managed = false;
    resource.blocked = true;
}

void judge_multiple(World& world, Resource& resource) {
    if (resource.kind != Kind::Primitive || resource.running_on.size() < 2) return;
    switch (resource.multiple_active) {
        case MultipleActive::StopOnly: {
            const ScoreWatch watch(world, resource, {ScoreCause::Multiple});
            for (Allowed& entry : resource.allowed) entry.score = Score::never();
            break;
        }
        case MultipleActive::Block:
            block_all(resource);
            if (resource.parent != nullptr &&
                (resource.parent->kind == Kind::Group || resource.parent->kind == Kind::Bundle) &&
                resource.parent->multiple_active == MultipleActive::Block) {
                for (Resource* sibling : resource.parent->children) block_all(*sibling);
            }
            break;
        case MultipleActive::StopStart:
        case MultipleActive::StopUnexpected:
            break;
    }
}

}  // namespace

Recorded decode_record(const cib::Element& xml) {
    Recorded out;
    out.xml = &xml;
    out.id = xml.get("id");
    out.task = xml.get("operation");
    out.key = xml.has("operation_key") ? xml.get("operation_key") : xml.get("id");
    out.kind = parse_task(out.task);
    out.interval_ms = parse_integer(xml.get("interval")).value_or(0);
    out.call_id = parse_integer(xml.get("call-id")).value_or(-1);
    out.last_change = parse_integer(xml.get("last-rc-change")).value_or(-1);
    out.number = parse_integer(xml.get("xbeat-record")).value_or(-1);
    out.status = static_cast<int>(parse_integer(xml.get("op-status")).value_or(-2));
    out.rc = static_cast<int>(parse_integer(xml.get("rc-code")).value_or(-1));
    std::string_view key = xml.get("transition-key");
    if (key.empty()) {
        key = xml.get("transition-magic");
        const std::size_t semicolon = key.find(';');
        key = semicolon == std::string_view::npos ? std::string_view() : key.substr(semicolon + 1);
    }
    const auto field = [&key] {
        const std::size_t colon = key.find(':');
        const std::string_view text = key.substr(0, colon);
        key = colon == std::string_view::npos ? std::string_view() : key.substr(colon + 1);
        return parse_integer(text).value_or(-1);
    };
    if (std::count(key.begin(), key.end(), ':') >= 3) {
        out.action = field();
        out.transition = field();
        out.target_rc = static_cast<int>(field());
        out.transition_uuid = key;
    }
    return out;
}

int compare_age(const Recorded& a, const Recorded& b, bool same_node) {
    const auto by_change = [&a, &b] {
        // The number is sure, and clocks of two nodes are not.
        const bool has_numbers = a.number >= 0 && b.number >= 0;
        const std::int64_t first = has_numbers ? a.number : a.last_change;
        const std::int64_t second = has_numbers ? b.number : b.last_change;
        if (first < 0 || second < 0) return 0;
        return first < second ? -1 : (first > second ? 1 : 0);
    };
    if (same_node && a.id == b.id && !a.id.empty()) return 0;
    if (!same_node) return by_change();
    if (a.call_id == -1 && b.call_id == -1) return 0;
    if (a.call_id >= 0 && a.call_id < b.call_id) return -1;
    if (b.call_id >= 0 && a.call_id > b.call_id) return 1;
    if (a.call_id >= 0 && a.call_id == b.call_id) return by_change();
    // One of them is pending: the transition tells which came later.
    if (a.transition_uuid != b.transition_uuid || a.transition == b.transition) {
        return b.call_id == -1 ? -1 : 1;
    }
    // What belongs to no transition is part of a shutdown, and that comes last.
    if (a.transition < 0) return 1;
    return b.transition < 0 || a.transition < b.transition ? -1 : 1;
}

std::vector<Recorded> sorted_records(const cib::Element& lrm_resource) {
    std::vector<Recorded> out;
    for (const cib::Element& child : lrm_resource.children) {
        if (child.name == "lrm_rsc_op") out.push_back(decode_record(child));
    }
    std::stable_sort(out.begin(), out.end(), [](const Recorded& a, const Recorded& b) {
        return compare_age(a, b, true) < 0;
    });
    return out;
}

const cib::Element* find_history(const Node& node, std::string_view resource) {
    if (node.status == nullptr) return nullptr;
    const cib::Element* list = cib::histories_of(*node.status);
    if (list == nullptr) return nullptr;
    for (const cib::Element& child : list->children) {
        if (child.name == "lrm_resource" && child.get("id") == resource) return &child;
    }
    return nullptr;
}

ActiveRange active_range(const std::vector<Recorded>& records) {
    ActiveRange out;
    int implied_by_monitor = -1;
    int implied_by_role = -1;
    int place = 0;
    for (const Recorded& record : records) {
        ++place;
        if (record.kind == Task::Stop && record.status == kDone) {
            out.stop = place;
        } else if (record.kind == Task::Start || record.kind == Task::MigrateFrom) {
            out.start = place;
        } else if (implied_by_monitor <= out.stop && record.kind == Task::Monitor) {
            if (record.rc == 0 || record.rc == 8) implied_by_monitor = place;
        } else if (record.kind == Task::Promote || record.kind == Task::Demote) {
            implied_by_role = place;
        }
    }
    if (out.start == -1) {
        out.start = implied_by_role != -1 ? implied_by_role : implied_by_monitor;
    }
    return out;
}

void add_running(World& world, Resource& resource, Node& node, bool failed) {
    if (runs_on(resource.running_on, &node)) return;
    resource.running_on.push_back(&node);
    if (resource.kind == Kind::Primitive) {
        node.running.push_back(&resource);
        if (!failed || resource.role != Role::Promoted) {
            raise_priority(node, resource);
        } else {
            node.priority += resource.priority;
        }
        if (node.maintenance) {
            resource.managed = false;
            resource.maintenance = true;
        }
    }
    if (!resource.managed) {
        const ScoreWatch watch(world, resource, {ScoreCause::Unmanaged});
        add_location_score(world, resource, &node, Score::always());
        for (Resource* up = resource.parent; up != nullptr && node.online; up = up->parent) {
            if (!runs_on(up->running_on, &node)) up->running_on.push_back(&node);
        }
        return;
    }
    judge_multiple(world, resource);
    if (resource.parent != nullptr) add_running(world, *resource.parent, node, false);
}

void unpack_node_history(World& world, Node& node, const cib::Element& state) {
    const cib::Element* list = cib::histories_of(state);
    if (list == nullptr) return;
    std::vector<const cib::Element*> fillers;
    for (const cib::Element& child : list->children) {
        if (child.name != "lrm_resource") continue;
        unpack_one(world, node, child);
        if (child.has("container")) fillers.push_back(&child);
    }
    // What ran in a container that is itself no longer configured goes with it.
    for (const cib::Element* filler : fillers) {
        Resource* resource = world.find_resource(filler->get("id"));
        Resource* launcher = world.find_resource(filler->get("container"));
        if (resource == nullptr || launcher == nullptr || !resource->orphan_container_filler ||
            resource->launcher != nullptr) {
            continue;
        }
        resource->launcher = launcher;
        launcher->launched.push_back(resource);
    }
}

void erase_lock(World& world, Resource& resource, Node& node) {
    Step& erase = make_step(world, {.resource = &resource,
                                    .task = Task::Delete,
                                    .node = &node,
                                    .optional = false,
                                    .key = operation_key(resource.id, "lrm_delete", 0)});
    erase.lock_node = &node;
    erase.meta.emplace_back("on-fail", "ignore");
    update_runnable(world, erase);
}

void stop_failed_containers(World& world) {
    for (Resource* container : world.stop_later) {
        Node* node = active_on(*container);
        if (node != nullptr) make_stop(world, *container, node, false);
    }
    world.stop_later.clear();
}

}  // namespace xbeat::schedule
