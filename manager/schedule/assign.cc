#include "schedule/assign.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/colocate.h"
#include "schedule/explain.h"
#include "schedule/failcount.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

bool runs_first(const World& world, const Allowed& a, const Allowed& b, const Node* active) {
    const Score score_a = is_usable(*a.node) ? a.score : Score::never();
    const Score score_b = is_usable(*b.node) ? b.score : Score::never();
    if (score_a != score_b) return score_a > score_b;
    if (world.options.placement != "minimal") {
        if (world.options.placement == "balanced") {
            const int room = compare_capacity(*a.node, *b.node);
            if (room != 0) return room < 0;
        }
        if (a.node->assigned_count != b.node->assigned_count) {
            return a.node->assigned_count < b.node->assigned_count;
        }
        if (active != nullptr && (a.node == active) != (b.node == active)) {
            return a.node == active;
        }
    }
    return a.node->name < b.node->name;
}

void apply_this_with(World& world, Resource& resource, const Colocation& colocation) {
    Resource& primary = *colocation.primary;
    const bool may_undo = colocation.dependent_role >= Role::Promoted ||
                          (colocation.score < Score() && !colocation.score.is_infinite());
    std::optional<Table> archive;
    if (may_undo) archive = resource.allowed;
    assign(world, primary, nullptr, true);
    const ScoreWatch watch(world, resource, {ScoreCause::Colocation, colocation.id, primary.id});
    apply_colocation(world, resource, primary, colocation);
    if (archive && !any_usable(resource.allowed)) resource.allowed = std::move(*archive);
}

void apply_colocations(World& world, Resource& resource) {
    const auto followed = this_with(resource);
    const auto following = with_this(resource);
    for (const bool mandatory : {true, false}) {
        for (const Colocation* each : followed) {
            if (each->score.is_infinite() == mandatory) apply_this_with(world, resource, *each);
        }
        for (const Colocation* each : following) {
            if (each->score.is_infinite() == mandatory) {
                const ScoreWatch watch(world, resource,
                                       {ScoreCause::Dependent, each->id, each->dependent->id});
                add_dependent_wishes(world, resource, *each);
            }
        }
    }
}

// Among equals: the caller's wish, then where it runs already, then the first.
const Allowed* choose(const Resource& resource, const std::vector<Allowed>& nodes,
                      const Node* prefer) {
    const Allowed* best = nodes.empty() ? nullptr : &nodes.front();
    if (prefer != nullptr && best != nullptr) {
        const auto at = std::find_if(nodes.begin(), nodes.end(), [prefer](const Allowed& entry) {
            return entry.node == prefer;
        });
        if (at != nodes.end() && at->score >= best->score && at->score >= Score() &&
            is_usable(*at->node)) {
            return &*at;
        }
    }
    if (best == nullptr) return nullptr;
    const bool unique_instance = resource.parent != nullptr &&
                                 resource.parent->kind == Kind::Clone && resource.parent->unique;
    if (unique_instance || best->score <= Score() || !is_usable(*best->node)) return best;
    const Node* running = active_on(resource);
    if (running == nullptr || !is_usable(*running)) return best;
    for (const Allowed& entry : nodes) {
        if (entry.score != best->score) break;
        if (entry.node == running) return &entry;
    }
    return best;
}

void assign_best(World& world, Resource& resource, Node* prefer, bool stop_if_fail) {
    Node* roomiest = nullptr;
    {
        const ScoreWatch watch(world, resource, {ScoreCause::Capacity});
        roomiest = ban_full_nodes(world, resource);
    }
    const std::string_view why_prefer =
        prefer == nullptr                     ? "there what goes with it finds most room"
        : resource.migration_target == prefer ? "it is on its way there already"
                                              : "it is there already";
    if (prefer == nullptr) prefer = roomiest;
    const std::vector<Allowed> nodes = sorted_nodes(world, resource.allowed, active_on(resource));
    const Allowed* chosen = choose(resource, nodes, prefer);
    if (chosen != nullptr) resource.assigned_score = chosen->score;
    note_choice(world, resource, nodes, chosen == nullptr ? nullptr : chosen->node, prefer,
                why_prefer);
    assign_to(world, resource, chosen == nullptr ? nullptr : chosen->node, false, stop_if_fail);
}

void record_scores(World& world, const Resource& resource, std::string_view function) {
    if (!world.record.scores || resource.orphan) return;
    for (const Allowed& entry : resource.allowed) {
        world.record.score_lines.push_back(concat(function, ": ", resource.id,
                                                  " allocation score on ", entry.node->name, ": ",
                                                  to_string(entry.score)));
    }
}

// A connection's plan decides what its remote node can still do.
void connection_assigned(World& world, Resource& connection) {
    Node* remote = world.find_node(connection.id);
    if (remote == nullptr) return;
    if (connection.assigned != nullptr && connection.next_role != Role::Stopped) {
        if (remote->pending || !remote->online) remote->online = true;
        if (remote->unseen) remote->unclean = false;  // a probe will tell its state
        return;
    }
    if (connection.running_on.empty() && connection.assigned == nullptr) {
        remote->online = false;
    } else if (connection.assigned == nullptr || connection.next_role == Role::Stopped) {
        remote->shutting_down = true;
    }
}

Node* assign_primitive(World& world, Resource& resource, Node* prefer, bool stop_if_fail) {
    apply_colocations(world, resource);
    const ClusterOptions& options = world.options;
    if (resource.next_role == Role::Stopped) {
        const ScoreWatch watch(world, resource, {ScoreCause::Role});
        add_location_score(world, resource, nullptr, Score::never());
    } else if (resource.next_role > resource.role && !options.have_quorum &&
               options.no_quorum_policy == QuorumPolicy::Freeze) {
        set_next_role(world, resource, resource.role, "no-quorum-policy=freeze");
    }
    record_scores(world, resource, "pcmk__primitive_assign");
    if (options.fencing_enabled && !options.have_fence_device) resource.managed = false;
    if (!resource.managed) {
        set_next_role(world, resource, resource.role, "unmanaged");
        note_choice(world, resource, {}, active_on(resource));
        assign_to(world, resource, active_on(resource), true, stop_if_fail);
    } else if (options.stop_all) {
        note_choice(world, resource, {}, nullptr);
        assign_to(world, resource, nullptr, true, stop_if_fail);
    } else {
        assign_best(world, resource, prefer, stop_if_fail);
    }
    if (resource.is_connection) connection_assigned(world, resource);
    return resource.assigned;
}

Node* assign_group(World& world, Resource& group, Node* prefer, bool stop_if_fail) {
    if (group.children.empty()) {
        group.unassigned = false;
        return nullptr;
    }
    Node* first = nullptr;
    group.role = group.children.front()->role;
    record_scores(world, group, "pcmk__group_assign");
    for (Resource* member : group.children) {
        Node* node = assign(world, *member, prefer, stop_if_fail);
        if (first == nullptr) first = node;
    }
    set_next_role(world, group, group.children.front()->next_role, "first group member");
    group.unassigned = false;
    return group.group_colocated ? first : nullptr;
}

void stop_where_it_is(World& world, Resource& resource) {
    set_next_role(world, resource, Role::Stopped, "unable to assign");
    for (Step* step : resource.steps) {
        if (step->task == Task::Stop) {
            set_optional(*step, false);
        } else if (step->task == Task::Start) {
            step->flags &= ~flag::kRunnable;
        } else if (step->interval_ms > 0) {
            const auto target =
                std::find_if(step->meta.begin(), step->meta.end(),
                             [](const auto& pair) { return pair.first == "op_target_rc"; });
            if (target == step->meta.end() || target->second != "7") {
                step->flags &= ~flag::kRunnable;
            }
        }
    }
}

// Higher first: priority, then the score where it runs now, then node for node from the best.
int compare_resources(const Resource& a, const Table& wishes_a, const Resource& b,
                      const Table& wishes_b, const std::vector<Allowed>& nodes) {
    if (a.priority != b.priority) return a.priority > b.priority ? -1 : 1;
    const auto score_at = [](const Table& table, const Node* node) {
        const Allowed* entry = table.find(node);
        return entry == nullptr ? Score::never() : entry->score;
    };
    const Node* here_a = active_on(a);
    const Node* here_b = active_on(b);
    Score best_a = Score::never();
    Score best_b = Score::never();
    if (here_a != nullptr) best_a = score_at(wishes_a, here_a);
    if (here_b != nullptr) best_b = score_at(wishes_b, here_b);
    if (best_a != best_b) return best_a > best_b ? -1 : 1;
    for (const Allowed& entry : nodes) {
        const Score on_a = score_at(wishes_a, entry.node);
        const Score on_b = score_at(wishes_b, entry.node);
        if (on_a != on_b) return on_a > on_b ? -1 : 1;
    }
    return 0;
}

void sort_resources(World& world) {
    Table all;
    for (Node& node : world.nodes) all.enter(&node);
    const std::vector<Allowed> nodes = sorted_nodes(world, all, nullptr);
    std::vector<std::pair<Resource*, Table>> keyed;
    for (Resource* resource : world.top) {
        keyed.emplace_back(resource, own_wishes(world, *resource));
    }
    std::stable_sort(keyed.begin(), keyed.end(), [&nodes](const auto& a, const auto& b) {
        return compare_resources(*a.first, a.second, *b.first, b.second, nodes) < 0;
    });
    for (std::size_t at = 0; at < keyed.size(); ++at) world.top[at] = keyed[at].first;
}

}  // namespace

std::vector<Allowed> sorted_nodes(const World& world, const Table& nodes, const Node* active) {
    std::vector<Allowed> out(nodes.begin(), nodes.end());
    std::stable_sort(out.begin(), out.end(), [&world, active](const Allowed& a, const Allowed& b) {
        return runs_first(world, a, b, active);
    });
    return out;
}

void unassign(World& world, Resource& resource) {
    for (Resource* child : resource.children) unassign(world, *child);
    resource.unassigned = true;
    Node* old = resource.assigned;
    if (old == nullptr || resource.kind != Kind::Primitive) return;
    resource.assigned = nullptr;
    --old->assigned_count;
    if (Allowed* entry = resource.allowed.find(old)) --entry->count;
    consume_capacity(*old, resource, true);
}

void assign_to(World& world, Resource& resource, Node* node, bool force, bool stop_if_fail) {
    if (!resource.children.empty() || resource.kind == Kind::Bundle) {
        if (resource.kind == Kind::Bundle) return;
        for (Resource* child : resource.children) {
            assign_to(world, *child, node, force, stop_if_fail);
        }
        return;
    }
    if (!force && node != nullptr) {
        const Allowed* entry = resource.allowed.find(node);
        const bool refused = entry == nullptr || entry->score < Score();
        // A guest's connection is assumed to come up with it.
        if (refused || (!is_usable(*node) && !is_guest(*node))) {
            if (stop_if_fail) set_next_role(world, resource, Role::Stopped, "node availability");
            node = nullptr;
        }
    }
    unassign(world, resource);
    resource.unassigned = false;
    if (node == nullptr) {
        if (stop_if_fail) stop_where_it_is(world, resource);
        return;
    }
    resource.assigned = node;
    const Allowed* entry = resource.allowed.find(node);
    resource.assigned_score = entry == nullptr ? Score() : entry->score;
    ++node->assigned_count;
    if (Allowed* own = resource.allowed.find(node)) ++own->count;
    consume_capacity(*node, resource, false);
}

Node* assign(World& world, Resource& resource, Node* prefer, bool stop_if_fail) {
    if (resource.kind == Kind::Bundle) return assign_bundle(world, resource, prefer, stop_if_fail);
    if (resource.kind == Kind::Primitive && resource.parent != nullptr &&
        !resource.parent->assigning && resource.parent->unassigned) {
        assign(world, *resource.parent, prefer, stop_if_fail);
    }
    if (!resource.unassigned) {
        return resource.kind == Kind::Primitive ? resource.assigned : nullptr;
    }
    if (resource.assigning) return nullptr;  // a loop of colocations: broken here
    resource.assigning = true;
    Node* node = nullptr;
    switch (resource.kind) {
        case Kind::Primitive:
            node = assign_primitive(world, resource, prefer, stop_if_fail);
            break;
        case Kind::Group:
            node = assign_group(world, resource, prefer, stop_if_fail);
            break;
        case Kind::Clone:
            node = assign_clone(world, resource, prefer, stop_if_fail);
            break;
        case Kind::Bundle:
            break;
    }
    resource.assigning = false;
    return node;
}

namespace {

// What is no longer configured takes its fail counts with it.
void clear_orphan_failures(World& world, Resource& resource) {
    if (!resource.orphan || resource.kind != Kind::Primitive) return;
    for (Node& node : world.nodes) {
        if (!node.online || fail_count(world, resource, node, true, false).count == Score()) {
            continue;
        }
        Step& clear = make_clear_failcount(world, resource, &node, "it is not configured");
        order_from_step(world, &clear, &resource, Task::Stop, effect::kPlain);
    }
}

}  // namespace

void assign_resources(World& world) {
    if (world.options.placement != "default") sort_resources(world);
    if (world.options.have_remote_nodes) {
        for (Resource* resource : world.top) {
            if (resource->is_connection) assign(world, *resource, resource->migration_target, true);
        }
    }
    for (Resource* resource : world.top) {
        if (!resource->is_connection) assign(world, *resource, nullptr, true);
    }
    for (Resource* resource : world.top) clear_orphan_failures(world, *resource);
}

bool is_blocked_tree(const Resource& resource) {
    if (resource.children.empty()) return resource.blocked;
    return std::any_of(resource.children.begin(), resource.children.end(),
                       [](const Resource* child) { return is_blocked_tree(*child); });
}

Node* place_of(const Resource& resource, bool current) {
    if (resource.kind == Kind::Primitive) {
        if (!current) return resource.assigned;
        return resource.running_on.size() == 1 ? resource.running_on.front() : nullptr;
    }
    Node* common = nullptr;
    for (const Resource* child : resource.children) {
        Node* node = place_of(*child, current);
        if (node == nullptr) continue;
        if (common != nullptr && common != node) return nullptr;
        common = node;
    }
    return common;
}

Score assigned_score_of(const Resource& resource) {
    if (resource.kind == Kind::Primitive || resource.children.empty()) {
        return resource.assigned_score;
    }
    for (const Resource* child : resource.children) {
        if (place_of(*child, false) != nullptr) return assigned_score_of(*child);
    }
    return {};
}

}  // namespace xbeat::schedule
