// Probes: one-time monitors that find out where a resource is active.
#include <algorithm>

#include "core/text.h"
#include "schedule/actions.h"
#include "schedule/assign.h"
#include "schedule/fence_marks.h"
#include "schedule/steps.h"
#include "schedule/unfence.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

bool contains_guest(const Resource& resource) {
    return std::any_of(resource.launched.begin(), resource.launched.end(),
                       [](const Resource* launched) { return launched->is_connection; });
}

const Resource* same_member(const Resource& instance, std::string_view name) {
    if (instance.kind == Kind::Primitive) {
        return base_name(instance.id) == name ? &instance : nullptr;
    }
    for (const Resource* child : instance.children) {
        if (const Resource* found = same_member(*child, name)) return found;
    }
    return nullptr;
}

bool any_known(const Resource& resource, const Node& node) {
    if (resource.children.empty()) return runs_on(resource.known_on, &node);
    return std::any_of(resource.children.begin(), resource.children.end(),
                       [&node](const Resource* child) { return any_known(*child, node); });
}

// For anonymous instances it is enough that any of them is known there.
bool is_known(const Resource& resource, const Node& node) {
    if (runs_on(resource.known_on, &node)) return true;
    const Resource& clone = *top_of(resource);
    if (!is_anonymous_clone(clone) || !runs_on(clone.known_on, &node)) return false;
    return std::any_of(clone.children.begin(), clone.children.end(), [&](const Resource* each) {
        const Resource* peer = same_member(*each, base_name(resource.id));
        return peer != nullptr && runs_on(peer->known_on, &node);
    });
}

bool is_excluded(const Resource& resource, const Node& node) {
    if (is_guest_or_remote(node)) {
        if (resource.is_fence_device || resource.is_connection) return true;
        if (is_guest(node) && contains_guest(resource)) return true;
    }
    if (resource.launcher != nullptr && !resource.is_connection) return true;
    if (resource.orphan || is_known(resource, node)) return true;
    const Allowed* entry = resource.allowed.find(&node);
    if (resource.exclusive_discovery || top_of(resource)->exclusive_discovery) {
        if (entry == nullptr || entry->discovery != Discovery::Exclusive) return true;
    }
    // A bundle's node answers for what runs in the bundle alone.
    if (entry == nullptr) return node.is_bundle;
    return entry->discovery == Discovery::Never;
}

// Nothing can be active in a guest that is down; the start waits for the guest instead.
bool is_settled_by_guest(World& world, Resource& resource, const Node& node) {
    if (!is_guest(node)) return false;
    Resource& guest = *node.remote->launcher;
    Resource* top = top_of(resource);
    if (guest.role <= Role::Stopped) {
        if (guest.assigned != nullptr && !runs_on(guest.known_on, guest.assigned)) {
            order(world, &guest, Task::Monitor, top, Task::Start, kPlain);
        }
        return true;
    }
    const bool moves = guest.assigned != nullptr && !runs_on(guest.running_on, guest.assigned);
    if (node.remote_requires_reset || node.unclean || guest.failed ||
        guest.next_role == Role::Stopped || moves) {
        order(world, &guest, Task::Stop, top, Task::Start, kPlain);
        return true;
    }
    return false;
}

void set_expected(Step& probe, const Resource& resource, const Node& node) {
    std::string_view rc = "7";
    if (runs_on(resource.running_on, &node)) {
        rc = resource.role == Role::Promoted ? "8" : "0";
    }
    if (probe.meta.empty()) probe.meta.emplace_back("op_target_rc", rc);
}

void probe_on(World& world, Resource& resource, Node& node);

void probe_clone(World& world, Resource& clone, Node& node) {
    if (clone.clone.clone_max == 0) return;
    if (clone.exclusive_discovery) {
        const Allowed* entry = clone.allowed.find(&node);
        if (entry != nullptr && entry->discovery != Discovery::Exclusive) {
            clone.allowed.erase(&node);
            return;
        }
    }
    std::vector<Resource*> instances = clone.children;
    std::stable_sort(instances.begin(), instances.end(), [](const Resource* a, const Resource* b) {
        return instance_number(a->id) < instance_number(b->id);
    });
    if (clone.unique) {
        for (Resource* instance : instances) probe_on(world, *instance, node);
        return;
    }
    if (instances.empty()) return;
    // Of a group that was probed in part, the same instance's other members are asked.
    auto here = std::find_if(instances.begin(), instances.end(),
                             [&node](Resource* each) { return any_known(*each, node); });
    if (here == instances.end()) {
        here = std::find_if(instances.begin(), instances.end(),
                            [&node](Resource* each) { return place_of(*each, false) == &node; });
    }
    probe_on(world, here == instances.end() ? *instances.front() : **here, node);
}

void probe_replica(World& world, Resource& bundle, Replica& replica, Node& node) {
    if (replica.ip != nullptr) probe_on(world, *replica.ip, node);
    if (replica.child != nullptr && replica.node == &node) probe_on(world, *replica.child, node);
    const std::size_t before = world.steps.size();
    probe_on(world, *replica.container, node);
    if (world.steps.size() != before) {
        Step* probe = find_step(*replica.container, Task::Monitor, &node);
        // A copy that is found to run already must not be started a second time elsewhere.
        for (Replica& other : bundle.bundle->parts) {
            if (&other == &replica || probe == nullptr) continue;
            if (other.container->allowed.find(&node) == nullptr) continue;
            order_from_step(world, probe, other.container, Task::Start, kPlain | kSameNode);
        }
    }
    if (replica.connection == nullptr) return;
    const std::size_t unprobed = world.steps.size();
    probe_on(world, *replica.connection, node);
    if (world.steps.size() != unprobed) {
        Step* probe = find_step(*replica.connection, Task::Monitor, &node);
        if (probe != nullptr) {
            order_to_step(world, replica.container, Task::Start, probe, kNestedRemoteProbe);
        }
    }
}

void probe_primitive(World& world, Resource& resource, Node& node) {
    if (is_excluded(resource, node)) return;
    if (is_settled_by_guest(world, resource, node)) return;
    Step& probe = make_step(
        world, {.resource = &resource, .task = Task::Monitor, .node = &node, .optional = false});
    set_optional(probe, false);  // even of what is not managed one wants to know where it is
    order_after_unfencing(world, resource, &node, probe, kPlain);
    set_expected(probe, resource, node);
    Effects effects = kPlain;
    if (!probe.is(flag::kRunnable) && resource.running_on.empty()) effects |= kFirstGates;
    // Of a clone the whole start waits: any instance may be the one that is found.
    Resource* starter = is_in_clone(resource) ? top_of(resource) : &resource;
    order_from_step(world, &probe, starter, Task::Start, effects);
    order_from_step(world, &probe, &resource, Task::ReloadAgent, kPlain);
}

void probe_on(World& world, Resource& resource, Node& node) {
    switch (resource.kind) {
        case Kind::Primitive:
            probe_primitive(world, resource, node);
            break;
        case Kind::Group:
            for (Resource* member : resource.children) probe_on(world, *member, node);
            break;
        case Kind::Clone:
            probe_clone(world, resource, node);
            break;
        case Kind::Bundle:
            for (Replica& replica : resource.bundle->parts) {
                probe_replica(world, resource, replica, node);
            }
            break;
    }
}

}  // namespace

void create_probes(World& world) {
    if (!world.options.startup_probes) return;
    for (Node& node : world.nodes) {
        if (!node.online) {
            if (is_connection_lost(node)) {
                mark_for_fencing(world, node, "the connection is unrecoverable", false);
            }
            continue;
        }
        // A pending node is probed in vain: that keeps starts waiting for what it may be running.
        if (node.unclean || !node.discovery_enabled || node.variant == NodeVariant::Ping) continue;
        for (Resource* resource : world.top) probe_on(world, *resource, node);
    }
}

}  // namespace xbeat::schedule
