// Assigning the instances of clones and bundles: who stays, who moves, who is one too many.
#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/bundle.h"
#include "schedule/colocate.h"
#include "schedule/constraints.h"
#include "schedule/explain.h"
#include "schedule/failcount.h"

namespace xbeat::schedule {
namespace {

Allowed* parent_entry(const Resource& instance, const Node* node) {
    if (node == nullptr) return nullptr;
    if (instance.parent == nullptr) {
        return const_cast<Resource&>(instance).allowed.find(node);
    }
    return instance.parent->allowed.find(node);
}

bool has_failed(const Resource& resource) {
    if (resource.failed) return true;
    return std::any_of(resource.children.begin(), resource.children.end(),
                       [](const Resource* child) { return has_failed(*child); });
}

// Why the node takes no instance now; nothing if it does.
std::optional<ScoreCause> refusal(const Resource& instance, const Node* node,
                                  std::int32_t per_node_max) {
    if (instance.orphan) return ScoreCause::Orphan;
    if (!is_usable(*node)) return ScoreCause::Unusable;
    const Allowed* entry = parent_entry(instance, node);
    if (entry == nullptr || entry->score < Score()) return ScoreCause::Banned;
    if (entry->count >= per_node_max) return ScoreCause::Instances;
    return std::nullopt;
}

void ban(World& world, const Resource& resource, Allowed& entry, ScoreCause cause) {
    note_score(world, resource, *entry.node, {cause}, entry.score, Score::never());
    entry.score = Score::never();
}

void ban_unavailable(World& world, Resource& instance, std::int32_t per_node_max) {
    for (Allowed& entry : instance.allowed) {
        const std::optional<ScoreCause> cause = refusal(instance, entry.node, per_node_max);
        if (!cause) continue;
        ban(world, instance, entry, *cause);
        for (Resource* child : instance.children) {
            if (Allowed* below = child->allowed.find(entry.node))
                ban(world, *child, *below, *cause);
        }
    }
}

Node* try_instance(World& world, Resource& instance, Node* prefer, std::int32_t per_node_max) {
    ban_unavailable(world, instance, per_node_max);
    Node* chosen = assign(world, instance, prefer, prefer == nullptr);
    if (Allowed* entry = parent_entry(instance, chosen)) ++entry->count;
    return chosen;
}

struct SavedTables {
    std::vector<Table> tables;  // the instance's own, then its children's
};

SavedTables save_tables(const Resource& instance) {
    SavedTables out;
    out.tables.push_back(instance.allowed);
    for (const Resource* child : instance.children) out.tables.push_back(child->allowed);
    return out;
}

void restore_tables(Resource& instance, const SavedTables& saved) {
    instance.allowed = saved.tables.front();
    for (std::size_t at = 0; at < instance.children.size(); ++at) {
        instance.children[at]->allowed = saved.tables[at + 1];
    }
}

// The node where an instance should be tried to be kept; null if it is not worth trying.
Node* stay_node(const Resource& instance, std::int32_t optimal) {
    if (instance.running_on.empty() || !instance.unassigned || instance.failed) return nullptr;
    Node* node = active_on(instance);
    if (node == nullptr || !is_usable(*node)) return nullptr;
    const Allowed* entry = parent_entry(instance, node);
    return entry != nullptr && entry->count >= optimal ? nullptr : node;
}

// Tries to keep an instance where it is. If another node is better for it, that node gets a slot
// reserved and the trial is repeated: so better nodes get their share without moving everybody.
bool keep_instance(World& world, Resource& instance, Node* current, std::int32_t per_node_max,
                   std::int32_t available) {
    const Allowed* here = instance.allowed.find(current);
    if (here == nullptr || here->score < Score() || !is_usable(*current)) return false;
    Resource& parent = *instance.parent;
    const Table parent_table = parent.allowed;
    const SavedTables saved = save_tables(instance);
    bool kept = false;
    for (std::int32_t reserved = 0; reserved < available; ++reserved) {
        const ExplanationMark mark = explanation_mark(world);
        Node* chosen = try_instance(world, instance, current, per_node_max);
        if (chosen == current) {
            kept = true;
            break;
        }
        restore_tables(instance, saved);
        roll_back_explanation(world, mark);
        unassign(world, instance);
        if (chosen == nullptr) break;
    }
    parent.allowed = parent_table;
    if (!kept) return false;
    if (Allowed* entry = parent_entry(instance, current)) ++entry->count;
    return true;
}

int compare_scores_by_colocation(World& world, Resource& a, Resource& b) {
    Node* here_a = active_on(a);
    Node* here_b = active_on(b);
    const auto wish = [&world](Resource& instance, Node* here) {
        Table nodes;
        nodes.enter(here).score = Score();
        for (const Colocation* each : this_with(instance)) {
            merge_wishes(world, *each->primary, instance, nodes, each, Factor::of(each->score),
                         Merge::Default);
        }
        for (const Colocation* each : with_this(instance)) {
            if (!has_influence(*each, &instance)) continue;
            merge_wishes(world, *each->dependent, instance, nodes, each, Factor::of(each->score),
                         Merge::Nonnegative);
        }
        return nodes.find(here)->score;
    };
    const Score score_a = wish(a, here_a);
    const Score score_b = wish(b, here_b);
    if (score_a == score_b) return 0;
    return score_a > score_b ? -1 : 1;
}

int compare_numbers(const Resource& a, const Resource& b) {
    const std::int32_t number_a = instance_number(a.id).value_or(-1);
    const std::int32_t number_b = instance_number(b.id).value_or(-1);
    if (number_a != number_b) return number_a < number_b ? -1 : 1;
    const Replica* replica_a = replica_of(a);
    const Replica* replica_b = replica_of(b);
    if (replica_a != nullptr && replica_b != nullptr && replica_a->offset != replica_b->offset) {
        return replica_a->offset < replica_b->offset ? -1 : 1;
    }
    return a.id.compare(b.id);
}

int prefer_first(bool a, bool b) { return a == b ? 0 : (a ? -1 : 1); }

int compare_running(World& world, Resource& a, Resource& b, Node* node_a, Node* node_b) {
    if (const int order = prefer_first(is_usable(*node_a), is_usable(*node_b))) return order;
    const Allowed* entry_a = parent_entry(a, node_a);
    const Allowed* entry_b = parent_entry(b, node_b);
    if (entry_a == nullptr && entry_b == nullptr) return compare_numbers(a, b);
    if (const int order = prefer_first(entry_a != nullptr, entry_b != nullptr)) return order;
    if (entry_a->count != entry_b->count) return entry_a->count < entry_b->count ? -1 : 1;
    if (const int order = prefer_first(!has_failed(a), !has_failed(b))) return order;
    if (const int order = compare_scores_by_colocation(world, a, b)) return order;
    return compare_numbers(a, b);
}

}  // namespace

int compare_instances(World& world, Resource& a, Resource& b) {
    const ActiveNodes active_a = active_nodes(a);
    const ActiveNodes active_b = active_nodes(b);
    if (active_a.all > 0 && active_b.all > 0 && active_a.all != active_b.all) {
        return active_a.all < active_b.all ? -1 : 1;
    }
    const auto allowed_here = [](const Resource& instance, Node*& node) {
        if (node == nullptr) return true;
        const Allowed* entry = instance.allowed.find(node);
        if (entry != nullptr && entry->score >= Score()) return true;
        node = nullptr;
        return false;
    };
    Node* node_a = active_a.one;
    Node* node_b = active_b.one;
    const bool allowed_a = allowed_here(a, node_a);
    const bool allowed_b = allowed_here(b, node_b);
    if (const int order = prefer_first(allowed_a, allowed_b)) return order;
    if (a.priority != b.priority) return a.priority > b.priority ? -1 : 1;
    if (node_a == nullptr && node_b == nullptr) return compare_numbers(a, b);
    if (const int order = prefer_first(node_a != nullptr, node_b != nullptr)) return order;
    return compare_running(world, a, b, node_a, node_b);
}

void assign_instances(World& world, Resource& collective, std::vector<Resource*>& instances,
                      std::int32_t total_max, std::int32_t per_node_max) {
    std::int32_t available = 0;
    for (Allowed& entry : collective.allowed) {
        entry.count = 0;
        if (is_usable(*entry.node)) ++available;
    }
    const std::int32_t optimal = available > 0 ? std::max(total_max / available, 1) : 1;
    std::int32_t assigned = 0;
    for (Resource* instance : instances) {
        if (assigned >= total_max) break;
        Node* current = stay_node(*instance, optimal);
        if (current != nullptr &&
            keep_instance(world, *instance, current, per_node_max, total_max - assigned)) {
            ++assigned;
        }
    }
    for (Resource* instance : instances) {
        if (!instance->unassigned) continue;
        if (assigned >= total_max) {
            const ScoreWatch watch(world, *instance, {ScoreCause::Surplus});
            add_location_score(world, *instance, nullptr, Score::never());
        } else if (try_instance(world, *instance, nullptr, per_node_max) != nullptr) {
            ++assigned;
        }
    }
}

Node* assign_clone(World& world, Resource& clone, Node* prefer, bool stop_if_fail) {
    if (clone.promotable) {
        const ScoreWatch watch(world, clone, {ScoreCause::Promotion});
        add_promotion_scores(world, clone);
    }
    for (const Colocation* each : this_with(clone)) {
        assign(world, *each->primary, prefer, stop_if_fail);
    }
    for (const Colocation* each : with_this(clone)) {
        const ScoreWatch watch(world, clone,
                               {ScoreCause::Dependent, each->id, each->dependent->id});
        add_dependent_wishes(world, clone, *each);
    }
    if (world.record.scores) {
        for (const Allowed& entry : clone.allowed) {
            world.record.score_lines.push_back(concat("pcmk__clone_assign: ", clone.id,
                                                      " allocation score on ", entry.node->name,
                                                      ": ", to_string(entry.score)));
        }
    }
    std::stable_sort(
        clone.children.begin(), clone.children.end(),
        [&world](Resource* a, Resource* b) { return compare_instances(world, *a, *b) < 0; });
    std::vector<Resource*> instances = clone.children;
    assign_instances(world, clone, instances, clone.clone.clone_max, clone.clone.clone_node_max);
    if (clone.promotable) choose_promoted(world, clone);
    clone.unassigned = false;
    return nullptr;
}

namespace {

// What is in a bundle goes where its container is.
void goes_inside(World& world, Replica& replica) {
    const ScoreWatch watch(world, *replica.child, {ScoreCause::Bundle});
    for (Allowed& entry : replica.child->allowed) {
        Resource* banned = nullptr;
        if (entry.node != replica.node) {
            entry.score = Score::never();
        } else if (!threshold_reached(world, *replica.child, *replica.node, &banned)) {
            entry.score = Score::always();
        }
    }
}

}  // namespace

Node* assign_bundle(World& world, Resource& bundle, Node* prefer, bool stop_if_fail) {
    if (!bundle.unassigned || bundle.assigning) return nullptr;
    bundle.assigning = true;
    BundleData& data = *bundle.bundle;
    std::vector<Resource*> containers = instances_of(bundle);
    std::stable_sort(containers.begin(), containers.end(), [&world](Resource* a, Resource* b) {
        return compare_instances(world, *a, *b) < 0;
    });
    assign_instances(world, bundle, containers, data.replicas, data.replicas_per_host);
    for (Replica& replica : data.parts) {
        if (replica.ip != nullptr) assign(world, *replica.ip, prefer, stop_if_fail);
        if (replica.connection != nullptr) {
            // Where the host is a remote node itself, both connections start from one place.
            const Node* host = replica.container->assigned;
            if (host != nullptr && host->remote != nullptr) {
                add_colocation(world, "#replica-with-host-connection", "", Score::always(),
                               replica.connection, host->remote, Role::Unknown, Role::Unknown,
                               true);
            }
            assign(world, *replica.connection, prefer, stop_if_fail);
        }
        if (replica.child == nullptr) continue;
        goes_inside(world, replica);
        Resource* clone = replica.child->parent;
        clone->assigning = true;
        assign(world, *replica.child, replica.node, stop_if_fail);
        clone->assigning = false;
    }
    if (data.child != nullptr) {
        for (Allowed& entry : data.child->allowed) {
            entry.score = replica_on(bundle, *entry.node) != nullptr ? Score() : Score::never();
        }
        assign(world, *data.child, prefer, stop_if_fail);
    }
    bundle.assigning = false;
    bundle.unassigned = false;
    return nullptr;
}

std::vector<Resource*> instances_of(const Resource& collective) {
    if (collective.kind != Kind::Bundle) return collective.children;
    std::vector<Resource*> out;
    for (const Replica& replica : collective.bundle->parts) out.push_back(replica.container);
    return out;
}

bool interleaves(const Resource& collective) {
    if (collective.kind == Kind::Clone) return collective.clone.interleave;
    const std::string* text = meta(collective, "interleave");
    return text != nullptr && parse_boolean(*text).value_or(false);
}

std::int32_t instances_per_node(const Resource& collective) {
    return collective.kind == Kind::Bundle ? collective.bundle->replicas_per_host
                                           : collective.clone.clone_node_max;
}

Resource* compatible_instance(World& world, const Resource& match, const Resource& collective,
                              Role role, bool current) {
    const auto on_node = [&collective, role, current](const Node* node) -> Resource* {
        for (Resource* instance : instances_of(collective)) {
            if (is_blocked_tree(*instance)) continue;
            if (role != Role::Unknown && role_of(*instance, current) != role) continue;
            if (place_of(*instance, current) == node) return instance;
        }
        return nullptr;
    };
    if (const Node* node = place_of(match, current)) return on_node(node);
    for (const Allowed& entry : sorted_nodes(world, match.allowed, nullptr)) {
        if (Resource* found = on_node(entry.node)) return found;
    }
    return nullptr;
}

}  // namespace xbeat::schedule
