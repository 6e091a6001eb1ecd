// From queued orderings to edges between steps: finding (or making) the steps that each names.
#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/graph.h"
#include "schedule/propagate.h"
#include "schedule/settle.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

bool is_ancestor(const Resource& ancestor, const Resource& of) {
    for (const Resource* at = of.parent; at != nullptr; at = at->parent) {
        if (at == &ancestor) return true;
    }
    return false;
}

Task first_task_of(const Ordering& ordering) {
    return ordering.first != nullptr ? ordering.first->task : ordering.first_task;
}

Task then_task_of(const Ordering& ordering) {
    return ordering.then != nullptr ? ordering.then->task : ordering.then_task;
}

// What holds for stop and start holds in its own way for a live migration.
void add_migration_equivalents(World& world, const Ordering& ordering) {
    Resource* first = ordering.first_resource;
    Resource* then = ordering.then_resource;
    if (first == nullptr || then == nullptr || first == then || is_ancestor(*first, *then) ||
        is_ancestor(*then, *first)) {
        return;
    }
    const bool first_moves = first->allow_migrate;
    if (!then->allow_migrate) return;
    const Task first_task = first_task_of(ordering);
    const Task then_task = then_task_of(ordering);
    const Effects unless = first_moves ? kPlain | kIfFirstUnmigratable : kPlain;
    if (first_task == Task::Start && then_task == Task::Start) {
        if (first_moves) order(world, first, Task::MigrateFrom, then, Task::MigrateTo, kPlain);
        order(world, first, Task::Start, then, Task::MigrateTo, unless);
    } else if (first_task == Task::Stop && then_task == Task::Stop) {
        order(world, first, Task::Stop, then, Task::MigrateTo, unless);
        if (then->migration_target != nullptr) {
            order(world, first, Task::Stop, then, Task::MigrateFrom, unless);
        }
    } else if (first_task == Task::Promote && then_task == Task::Start) {
        order(world, first, Task::Promote, then, Task::MigrateTo, kPlain);
    } else if (first_task == Task::Demote && then_task == Task::Stop) {
        order(world, first, Task::Demote, then, Task::MigrateTo, kPlain);
        if (then->migration_target != nullptr) {
            order(world, first, Task::Demote, then, Task::MigrateFrom, kPlain);
        }
    }
}

std::vector<Step*> steps_of(const Resource& resource, const std::string& key, Task task,
                            std::int64_t interval_ms) {
    if (!key.empty()) return find_steps_by_key(resource, key);
    return find_steps(resource, task, nullptr, interval_ms);
}

void order_after(World& world, Step* first, Resource& resource, const Ordering& ordering) {
    std::vector<Step*> thens;
    if (ordering.then != nullptr) {
        thens.push_back(ordering.then);
    } else {
        thens = steps_of(resource, ordering.then_key, ordering.then_task, 0);
    }
    Effects effects = ordering.effects;
    if (first != nullptr && first->resource == &resource && first->is(flag::kDangling)) {
        effects &= ~kFirstDrivesThen;
    }
    static_cast<void>(world);
    for (Step* then : thens) {
        if (first != nullptr) {
            link_steps(*first, *then, effects);
        } else {
            then->flags &= ~flag::kRunnable;
        }
    }
}

void apply(World& world, const Ordering& ordering) {
    Resource* first_resource = ordering.first_resource;
    if (first_resource == nullptr) {
        if (ordering.then_resource != nullptr) {
            order_after(world, ordering.first, *ordering.then_resource, ordering);
        } else if (ordering.first != nullptr && ordering.then != nullptr) {
            link_steps(*ordering.first, *ordering.then, ordering.effects);
        }
        return;
    }
    std::vector<Step*> firsts;
    if (ordering.first != nullptr) {
        firsts.push_back(ordering.first);
    } else {
        firsts = steps_of(*first_resource, ordering.first_key, ordering.first_task,
                          ordering.first_interval_ms);
    }
    if (firsts.empty()) {
        if (first_resource == ordering.then_resource || !ordering.first_key.empty()) return;
        const Role role = role_of(*first_resource, true);
        if (role == Role::Stopped && ordering.first_task == Task::Stop) return;
        if (role == Role::Unpromoted && ordering.first_task == Task::Demote) return;
        // The step is not going to happen; what depends on it must know that.
        firsts.push_back(&make_step(world, {.resource = first_resource,
                                            .task = ordering.first_task,
                                            .interval_ms = ordering.first_interval_ms}));
    }
    for (Step* first : firsts) {
        if (ordering.then_resource != nullptr) {
            order_after(world, first, *ordering.then_resource, ordering);
        } else if (ordering.then != nullptr) {
            link_steps(*first, *ordering.then, ordering.effects);
        }
    }
}

// What has to restart when a resource starts waits, going down, for the probe that decides whether
// it will start. Follows the orderings from the probe, each step once a search.
class RestartSearch {
public:
    explicit RestartSearch(std::uint32_t number) : number_(number) {}

    void follow(Step& probe, Step& after) {
        if (after.search == number_) return;
        after.search = number_;
        Resource* resource = after.resource;
        const bool is_collective = resource != nullptr && resource->kind != Kind::Primitive;
        if (resource != nullptr && !is_collective && resource != probe.resource) {
            const Task undo = after.task == Task::Start     ? Task::Stop
                              : after.task == Task::Promote ? Task::Demote
                                                            : Task::None;
            for (Step* then : find_steps(*resource, undo)) {
                if (undo != Task::None && !then->is(flag::kPseudo)) {
                    link_steps(probe, *then, kPlain);
                }
            }
        }
        const bool interleaved = is_collective && interleaves(*resource);
        for (std::size_t at = 0; at < after.after.size(); ++at) {
            const Edge edge = after.after[at];
            if ((edge.effects & kFirstDrivesThen) == 0) {
                // From a collective resource's event on to its parts.
                if (!is_collective || probe.resource->parent == resource) continue;
                const Resource* part = edge.step->resource;
                if (part == nullptr || is_clone_or_bundle(*part) || part->parent != resource) {
                    continue;
                }
                // Of what interleaves, only the part beside what is probed.
                const Node* place = place_of(*part, false);
                const Node* beside = probe.resource->assigned;
                if (interleaved && is_clone_or_bundle(*resource) && place != nullptr &&
                    beside != nullptr && place != beside) {
                    continue;
                }
            }
            follow(probe, *edge.step);
        }
    }

private:
    std::uint32_t number_;
};

void add_restart_orderings(Resource& resource, std::uint32_t& searches) {
    if (resource.kind != Kind::Primitive) {
        for (Resource* child : resource.children) add_restart_orderings(*child, searches);
        return;
    }
    for (Step* probe : find_steps(resource, Task::Monitor)) {
        const std::size_t followers = probe->after.size();
        for (std::size_t at = 0; at < followers; ++at) {
            RestartSearch(++searches).follow(*probe, *probe->after[at].step);
        }
    }
}

// What waits for a stop waits for the probe that may lead to it.
void add_probe_orderings(World& world) {
    for (const Ordering& ordering : world.orderings) {
        if (ordering.effects == kNone || ordering.first_resource == nullptr ||
            ordering.first_resource == ordering.then_resource ||
            first_task_of(ordering) != Task::Stop) {
            continue;
        }
        Resource& first = *ordering.first_resource;
        if (ordering.then_resource != nullptr && first.launcher == ordering.then_resource &&
            then_task_of(ordering) == Task::Stop) {
            continue;
        }
        Effects effects = kPlain;
        effects |= ordering.effects & (kIfFirstUnmigratable | kSameNode);
        if (ordering.effects == kRequiredOnSameNode || ordering.effects == kSameNodeOrTarget) {
            effects = ordering.effects;
        }
        const std::vector<Step*> probes = find_steps(first, Task::Monitor);
        if (probes.empty()) continue;
        std::vector<Step*> thens;
        if (ordering.then != nullptr) {
            thens.push_back(ordering.then);
        } else if (ordering.then_resource != nullptr) {
            thens = steps_of(*ordering.then_resource, ordering.then_key, ordering.then_task, 0);
        }
        for (Step* probe : probes) {
            for (Step* then : thens) {
                const bool is_cluster = then->resource == nullptr && !then->is(flag::kPseudo);
                if (is_cluster && (then->node != probe->node || then->task == Task::Fence)) {
                    continue;
                }
                link_steps(*probe, *then, effects);
            }
        }
    }
}

// Finds out whether a step waits, over any number of others, for itself.
class LoopSearch {
public:
    explicit LoopSearch(const Step& start) : start_(start) {}

    bool closes(const Step& step, const Edge& input) {
        Step& first = *input.step;
        if (first.is(flag::kTracking) || !edge_counts(step, input)) return false;
        if (&first == &start_) return true;
        first.flags |= flag::kTracking;
        visited_.push_back(&first);
        return std::any_of(first.before.begin(), first.before.end(),
                           [this, &first](const Edge& edge) { return closes(first, edge); });
    }
    LoopSearch(const LoopSearch&) = delete;
    LoopSearch& operator=(const LoopSearch&) = delete;
    ~LoopSearch() {
        for (Step* step : visited_) step->flags &= ~flag::kTracking;
    }

private:
    const Step& start_;
    std::vector<Step*> visited_;
};

// Orderings that could never be met: a guest after what runs in it, or two resources that wait for
// each other's room. Of several loops the newest step gives way first.
void drop_impossible(World& world) {
    for (std::size_t at = world.steps.size(); at-- > 0;) {
        Step& then = world.steps[at];
        for (std::size_t input = then.before.size(); input-- > 0;) {
            Edge& edge = then.before[input];
            const Step& first = *edge.step;
            if ((edge.effects & kGuestAllowed) == 0 && first.resource != nullptr &&
                first.node != nullptr && then.resource != nullptr && is_guest(*first.node) &&
                first.node->remote->launcher == then.resource) {
                edge.effects = kNone;
            } else if (edge.effects == kSameNodeOrTarget && then.resource != nullptr &&
                       then.task == Task::MigrateTo && LoopSearch(then).closes(then, edge)) {
                edge.effects = kNone;
            }
        }
    }
}

}  // namespace

void apply_orderings(World& world) {
    // Equivalents are appended behind; they have none of their own.
    for (std::size_t at = 0; at < world.orderings.size(); ++at) {
        add_migration_equivalents(world, world.orderings[at]);
    }
    for (std::size_t at = 0; at < world.orderings.size(); ++at) {
        apply(world, world.orderings[at]);
    }
    for (std::size_t at = world.steps.size(); at-- > 0;) block_colocated(world, world.steps[at]);
    std::uint32_t searches = 0;
    for (Resource* resource : world.top) add_restart_orderings(*resource, searches);
    add_probe_orderings(world);
    for (std::size_t at = world.steps.size(); at-- > 0;) settle(world, world.steps[at]);
    drop_impossible(world);
}

}  // namespace xbeat::schedule
