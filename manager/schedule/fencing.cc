// Stage 8: fencing and shutdown of nodes, and what they imply for the steps there.
#include <algorithm>

#include "core/text.h"
#include "schedule/explanation.h"
#include "schedule/fence_marks.h"
#include "schedule/fencing.h"
#include "schedule/notify.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

// A lost node with the most important load gets a head start in a race of two partitions.
std::int64_t priority_delay_ms(const World& world, const Node& node) {
    const std::int64_t delay = world.options.priority_fencing_delay_ms;
    if (delay <= 0 || node.variant != NodeVariant::Cluster || node.online) return 0;
    std::int32_t members = 0;
    std::int32_t online = 0;
    std::int32_t top = 0;
    std::int32_t lowest = 0;
    for (const Node& each : world.nodes) {
        if (each.variant != NodeVariant::Cluster) continue;
        ++members;
        if (each.online) ++online;
        if (members == 1 || each.priority > top) top = each.priority;
        if (members == 1 || each.priority < lowest) lowest = each.priority;
    }
    if (online > members / 2 || lowest == top || node.priority < top) return 0;
    return delay;
}

void set_meta(Step& step, std::string_view name, std::string value) {
    for (auto& [known, old] : step.meta) {
        if (known == name) {
            old = std::move(value);
            return;
        }
    }
    step.meta.emplace_back(name, std::move(value));
}

bool any_managed(const World& world) {
    return std::any_of(world.resources.begin(), world.resources.end(),
                       [](const Resource& resource) {
                           return resource.kind == Kind::Primitive && resource.managed;
                       });
}

// A whole anonymous clone is known where one instance is; parts of cloned groups are not.
bool is_known_on(const Resource& resource, const Node* node) {
    if (runs_on(resource.known_on, node)) return true;
    return resource.parent != nullptr && is_anonymous_clone(*resource.parent) &&
           runs_on(resource.parent->known_on, node);
}

void order_starts_after(Resource& resource, Step& fencing) {
    for (Step* step : resource.steps) {
        switch (step->needs) {
            case Requires::Nothing:
                break;
            case Requires::Fencing:
            case Requires::Unfencing:
                link_steps(fencing, *step, kPlain);
                break;
            case Requires::Quorum:
                if (step->task == Task::Start && resource.allowed.find(fencing.node) != nullptr &&
                    !is_known_on(resource, fencing.node)) {
                    link_steps(fencing, *step, kPlain | kFirstGates);
                }
                break;
        }
    }
}

void imply_stops(World& world, Resource& resource, Step& fencing) {
    const Node* target = fencing.node;
    const bool ordered = resource.needs_fencing || is_guest(*target);
    Step* parent_stop = nullptr;
    if (ordered) parent_stop = find_step(*top_of(resource), Task::Stop);
    for (Step* stop : find_steps(resource, Task::Stop, target)) {
        stop->flags |= flag::kPseudo | flag::kRunnable;
        if (ordered) {
            if (!is_bundled(resource)) link_steps(fencing, *stop, kGuestAllowed);
            if (parent_stop != nullptr) link_steps(fencing, *parent_stop, kGuestAllowed);
        }
        if (resource.notify) notify_of_fencing(world, *stop, resource, fencing);
    }
    for (Step* demote : find_steps(resource, Task::Demote, target)) {
        if (demote->node->online && !demote->node->unclean && !resource.failed) continue;
        demote->flags |= flag::kPseudo | flag::kRunnable;
        if (!is_bundled(resource) && ordered) {
            link_steps(fencing, *demote, kGuestAllowed | kPlain);
        }
    }
}

void order_resources(World& world, Resource& resource, Step& fencing) {
    if (resource.kind == Kind::Bundle) {
        for (Replica& replica : resource.bundle->parts) {
            for (Resource* part : {replica.ip, replica.container, replica.connection}) {
                if (part != nullptr) order_resources(world, *part, fencing);
            }
        }
        if (resource.bundle->child != nullptr) {
            order_resources(world, *resource.bundle->child, fencing);
        }
        return;
    }
    if (!resource.children.empty()) {
        for (Resource* child : resource.children) order_resources(world, *child, fencing);
        return;
    }
    if (!resource.managed) return;
    order_starts_after(resource, fencing);
    imply_stops(world, resource, fencing);
}

// A guest is "fenced" by the recovery of what it runs in; the event is there to be ordered against.
void fence_guest(World& world, Node& node) {
    Resource* launcher = node.remote->launcher;
    Step* stop = nullptr;
    std::string_view action = "off";
    if (launcher != nullptr) {
        stop = find_step(*launcher, Task::Stop);
        if (find_step(*launcher, Task::Start) != nullptr) action = "reboot";
    }
    Step& fencing = fence_step(world, node, action, false, "guest is unclean", false);
    fencing.flags |= flag::kPseudo | flag::kRunnable;
    if (stop != nullptr && stop->is(flag::kPseudo)) {
        Step& host = fence_step(world, *stop->node, "", false, "", false);
        link_steps(host, fencing, kFirstGates | kFirstDrivesThen);
    } else if (stop != nullptr) {
        link_steps(*stop, fencing, kFirstGates | kFirstDrivesThen);
    } else if (Step* connection_stop = find_step(*node.remote, Task::Stop)) {
        link_steps(*connection_stop, fencing, kPlain);
    }
    order_against_fencing(world, fencing);
}

Step& shut_down(World& world, Node& node) {
    Step& step = make_step(world, {.task = Task::Shutdown,
                                   .node = &node,
                                   .optional = false,
                                   .key = concat("do_shutdown-", node.name)});
    for (Step& each : world.steps) {
        if (each.node != &node || each.task != Task::Stop || each.resource == nullptr) continue;
        if (each.resource->maintenance || node.maintenance) continue;
        if (!each.resource->managed && !each.resource->blocked) continue;
        set_optional(each, false);
        order_steps(world, &each, &step, kPlain | kFirstGates);
    }
    set_meta(step, "op_no_wait", "true");
    return step;
}

}  // namespace

bool can_fence(const World& world, const Node* node) {
    if (node != nullptr && is_guest(*node)) {
        for (const Node* host : node->remote->launcher->running_on) {
            if (!host->online && !can_fence(world, host)) return false;
        }
        return true;
    }
    const ClusterOptions& options = world.options;
    if (!options.fencing_enabled || !options.have_fence_device) return false;
    if (options.have_quorum || options.no_quorum_policy == QuorumPolicy::Ignore) return true;
    if (node == nullptr) return false;
    if (is_remote(*node) && !options.fence_remote_without_quorum && node->remote != nullptr) {
        // Another partition may still hold the connection.
        for (const Node* host : node->remote->running_on) {
            if (!host->online) return false;
        }
    }
    return node->online;
}

Step* find_fence_step(const World& world, const Node& node) {
    const auto at =
        world.singletons.find(concat("stonith-", node.name, '-', world.options.fencing_action));
    return at == world.singletons.end() ? nullptr : at->second;
}

Step& fence_step(World& world, Node& node, std::string_view action, bool optional,
                 std::string_view why, bool priority_delay) {
    if (action.empty()) action = world.options.fencing_action;
    const std::string key = concat("stonith-", node.name, '-', action);
    const bool is_new = !world.singletons.contains(key);
    Step& step = make_step(world, {.task = Task::Fence, .node = &node, .key = key});
    if (is_new) {
        set_meta(step, "stonith_action", std::string(action));
        if (add_unfencing_digests(world, node, step)) optional = false;
    }
    const auto has_delay = std::any_of(step.meta.begin(), step.meta.end(), [](const auto& pair) {
        return pair.first == "priority-fencing-delay";
    });
    if (world.options.priority_fencing_delay_ms > 0 && (priority_delay || has_delay)) {
        set_meta(step, "priority-fencing-delay", concat(priority_delay_ms(world, node) / 1000));
    }
    if (!optional && can_fence(world, &node)) require(step, why);
    return step;
}

void mark_for_fencing(World& world, Node& node, std::string_view why, bool priority_delay) {
    if (world.record.explanation != nullptr) {
        world.record.explanation->fencings.push_back({node.name, std::string(why)});
    }
    if (is_guest(node)) {
        Resource& launcher = *node.remote->launcher;
        if (launcher.failed || !launcher.managed) return;
        node.remote_requires_reset = true;
        launcher.failed = true;
        launcher.stop_required = true;
        return;
    }
    if (is_remote(node)) {
        if (node.remote != nullptr && node.remote->orphan_container_filler) {
            node.remote->failed = true;
            node.remote->stop_required = true;
            return;
        }
        if (node.remote == nullptr || node.remote->managed) node.remote_requires_reset = true;
        node.unclean = true;
        fence_step(world, node, "", true, why, false);
        return;
    }
    if (node.unclean) {
        if (priority_delay) fence_step(world, node, "", true, why, true);
        return;
    }
    node.unclean = true;
    fence_step(world, node, "", true, why, priority_delay);
}

void order_against_fencing(World& world, Step& fencing) {
    for (Resource* resource : world.top) order_resources(world, *resource, fencing);
}

void schedule_fencing_and_shutdowns(World& world) {
    Step* dc_down = nullptr;
    std::vector<Step*> fencings;
    std::vector<Step*> shutdowns;
    const bool managed = any_managed(world);
    for (Node& node : world.nodes) {
        if (is_guest(node)) {
            if (node.remote_requires_reset && managed && can_fence(world, &node)) {
                fence_guest(world, node);
            }
            continue;
        }
        if (managed && node.unclean && can_fence(world, &node)) {
            Step& step = fence_step(world, node, "", false, "node is unclean", false);
            order_against_fencing(world, step);
            if (node.is_dc) {
                dc_down = &step;
                continue;
            }
            if (!world.options.concurrent_fencing && !fencings.empty()) {
                link_steps(*fencings.back(), step, kPlain);
            }
            fencings.push_back(&step);
        } else if (!is_guest_or_remote(node) && node.online && node.shutting_down) {
            Step& step = shut_down(world, node);
            if (node.is_dc) {
                dc_down = &step;
            } else {
                shutdowns.push_back(&step);
            }
        }
    }
    if (dc_down == nullptr) return;
    if (dc_down->task == Task::Shutdown) {
        for (Step* step : shutdowns) link_steps(*step, *dc_down, kPlain);
    }
    if (world.options.concurrent_fencing) {
        for (Step* step : fencings) link_steps(*step, *dc_down, kPlain);
    } else if (!fencings.empty()) {
        link_steps(*fencings.back(), *dc_down, kPlain);
    }
}

}  // namespace xbeat::schedule
