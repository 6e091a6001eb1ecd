#include "schedule/colocate.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/constraints.h"
#include "schedule/explain.h"

namespace xbeat::schedule {
namespace {

constexpr std::int64_t kOne = 1'000'000'000'000'000'000;  // 10^18
__extension__ using Wide = __int128;

// --- Which colocations count for a resource
// ---------------------------------------------------------

bool comes_before(const Resource& a, const Resource& b) {
    if (a.priority != b.priority) return a.priority > b.priority;
    if (a.kind != b.kind) return a.kind > b.kind;  // bundles, clones, groups, primitives
    if (a.kind == Kind::Clone && a.promotable != b.promotable) return a.promotable;
    return a.id < b.id;
}

using List = std::vector<const Colocation*>;

void insert(List& list, const Colocation* colocation, bool by_primary) {
    const auto other = [by_primary](const Colocation* each) {
        return by_primary ? each->primary : each->dependent;
    };
    const auto at = std::find_if(list.begin(), list.end(), [&](const Colocation* present) {
        return !comes_before(*other(present), *other(colocation));
    });
    list.insert(at, colocation);
}

void insert_all(List& list, const std::vector<Colocation*>& from, bool by_primary,
                bool only_explicit = false) {
    for (const Colocation* each : from) {
        if (only_explicit && each->id.starts_with('#')) continue;
        insert(list, each, by_primary);
    }
}

void collect_this_with(const Resource& resource, const Resource& origin, List& list);
void collect_with_this(const Resource& resource, const Resource& origin, List& list);

void collect_group_this_with(const Resource& group, const Resource& origin, List& list) {
    if (group.children.empty()) return;
    if (&group == &origin || &origin == group.children.front()) {
        insert_all(list, group.colocated_with, true);
        if (group.parent != nullptr) collect_this_with(*group.parent, origin, list);
        // What a later member explicitly asks for concerns where the group begins.
        for (const Resource* member : group.children) {
            if (member == &origin) continue;
            for (const Colocation* each : member->colocated_with) {
                const bool inner = each->primary->parent == &group;
                if (!inner && !each->id.starts_with('#')) insert(list, each, true);
            }
        }
        return;
    }
    // Later members follow through the chain, which an unmanaged member breaks.
    for (const Resource* member : group.children) {
        if (member == &origin) break;
        if (member->managed) continue;
        for (const Colocation* each : group.colocated_with) {
            if (each->score == Score::always()) insert(list, each, true);
        }
        break;
    }
}

void collect_group_with_this(const Resource& group, const Resource& origin, List& list) {
    if (group.children.empty()) return;
    if (&group != &origin && &origin != group.children.back()) return;
    insert_all(list, group.colocated_by, false);
    if (group.parent != nullptr) collect_with_this(*group.parent, origin, list);
    // What is explicitly tied to any member counts for the whole.
    for (const Resource* member : group.children) {
        if (member == &origin) continue;
        for (const Colocation* each : member->colocated_by) {
            const bool inner = each->dependent->parent == &group;
            if (!inner && !each->id.starts_with('#')) insert(list, each, false);
        }
    }
}

bool is_container_of(const Resource& bundle, const Resource& origin) {
    return std::any_of(bundle.bundle->parts.begin(), bundle.bundle->parts.end(),
                       [&origin](const Replica& replica) { return replica.container == &origin; });
}

// A bundle's address or connection: neither container nor content.
bool is_wrapper(const Resource& resource) {
    return resource.parent != nullptr && resource.parent->kind == Kind::Bundle &&
           !is_container_of(*resource.parent, resource);
}

// What runs in a bundle has its place from the container; the bundle's colocations concern it only
// when roles are chosen, after it was placed.
bool is_choosing_roles(const Resource& bundle, const Resource& origin) {
    const Resource* child = bundle.bundle->child;
    if (child == nullptr || !child->promotable || top_of(origin) != child) return false;
    return &origin == child ? child->clone.added_promoted_constraints : !origin.unassigned;
}

void collect_this_with(const Resource& resource, const Resource& origin, List& list) {
    switch (resource.kind) {
        case Kind::Primitive:
            insert_all(list, resource.colocated_with, true, &resource != &origin);
            if (&resource == &origin && resource.parent != nullptr && !is_wrapper(resource)) {
                collect_this_with(*resource.parent, origin, list);
            }
            break;
        case Kind::Group:
            collect_group_this_with(resource, origin, list);
            break;
        case Kind::Clone:
            insert_all(list, resource.colocated_with, true);
            if (resource.parent != nullptr) collect_this_with(*resource.parent, origin, list);
            break;
        case Kind::Bundle:
            if (&resource == &origin || is_container_of(resource, origin)) {
                insert_all(list, resource.colocated_with, true);
                break;
            }
            if (is_choosing_roles(resource, origin)) {
                insert_all(list, resource.colocated_with, true);
            }
            break;
    }
}

void collect_with_this(const Resource& resource, const Resource& origin, List& list) {
    switch (resource.kind) {
        case Kind::Primitive:
            insert_all(list, resource.colocated_by, false, &resource != &origin);
            if (&resource == &origin && resource.parent != nullptr && !is_wrapper(resource)) {
                collect_with_this(*resource.parent, origin, list);
            }
            break;
        case Kind::Group:
            collect_group_with_this(resource, origin, list);
            break;
        case Kind::Clone:
            insert_all(list, resource.colocated_by, false);
            if (resource.parent != nullptr) collect_with_this(*resource.parent, origin, list);
            break;
        case Kind::Bundle:
            if (&resource == &origin || is_container_of(resource, origin)) {
                insert_all(list, resource.colocated_by, false);
                break;
            }
            if (is_choosing_roles(resource, origin)) {
                insert_all(list, resource.colocated_by, false);
            }
            break;
    }
}

// --- Attribute values
// ---------------------------------------------------------------------------------

// Inside a bundle the place that counts is where the container is.
const Node* host_of(const Node* node, const Resource* resource) {
    if (node == nullptr || resource == nullptr || !node->is_bundle || node->remote == nullptr ||
        node->remote->launcher == nullptr) {
        return node;
    }
    if (bundle_of(*resource) == nullptr || bundle_of(*resource) != bundle_of(*node->remote)) {
        return node;
    }
    const Resource& container = *node->remote->launcher;
    return container.assigned != nullptr ? container.assigned : active_on(container);
}

std::string place_value(const Node* node, const Colocation& colocation, const Resource* resource) {
    if (node == nullptr) return {};
    if (colocation.node_attribute.empty()) return node->name;
    return resource_node_attribute(node, colocation.node_attribute, resource);
}

bool same_place(const Colocation& colocation, const Node* a, const Resource* resource_a,
                const Node* b, const Resource* resource_b) {
    a = host_of(a, resource_a);
    b = host_of(b, resource_b);
    if (colocation.node_attribute.empty()) {
        return a != nullptr && b != nullptr && equals_ignoring_case(a->name, b->name);
    }
    return equals_ignoring_case(place_value(a, colocation, resource_a),
                                place_value(b, colocation, resource_b));
}

// --- The dependent's side
// -------------------------------------------------------------------------------

void apply_to_scores(Resource& dependent, const Resource& primary, const Colocation& colocation) {
    const Node* place = primary.assigned;
    if (place == nullptr && colocation.score < Score()) return;
    Table work = dependent.allowed;
    for (Allowed& entry : work) {
        if (place == nullptr) {
            entry.score = entry.score + -colocation.score;
        } else if (same_place(colocation, entry.node, &dependent, place, &primary)) {
            if (colocation.score != Score::always()) entry.score = entry.score + colocation.score;
        } else if (colocation.score == Score::always()) {
            entry.score = entry.score + Score::never();
        }
    }
    if (colocation.score.is_infinite() || any_usable(work)) dependent.allowed = std::move(work);
}

void apply_to_priority(Resource& dependent, const Resource& primary, const Colocation& colocation) {
    const Node* here = place_of(dependent, false);
    if (here == nullptr) return;
    if (primary.assigned == nullptr ||
        !same_place(colocation, here, &dependent, primary.assigned, &primary)) {
        if (colocation.score == Score::always() && colocation.dependent_role == Role::Promoted) {
            dependent.priority = -Score::kInfinity;
        }
        return;
    }
    if (colocation.primary_role != Role::Unknown && colocation.primary_role != primary.next_role) {
        return;
    }
    const Score change =
        colocation.dependent_role == Role::Unpromoted ? -colocation.score : colocation.score;
    dependent.priority = (change + Score::of(dependent.priority)).points();
}

// An instance that has its node already: a colocation of its role now concerns the promotion.
bool is_by_role(const Resource& dependent, const Colocation& colocation) {
    return colocation.dependent_role >= Role::Started && dependent.parent != nullptr &&
           dependent.parent->kind == Kind::Clone && dependent.parent->promotable &&
           !dependent.unassigned;
}

void apply_with_primitive(Resource& dependent, Resource& primary, const Colocation& colocation) {
    if (primary.unassigned) return;
    if (is_by_role(dependent, colocation)) {
        apply_to_priority(dependent, primary, colocation);
        return;
    }
    if (!dependent.unassigned) return;
    if (colocation.dependent_role != Role::Unknown &&
        colocation.dependent_role != dependent.next_role) {
        return;
    }
    if (colocation.primary_role != Role::Unknown && colocation.primary_role != primary.next_role) {
        return;
    }
    apply_to_scores(dependent, primary, colocation);
}

void apply_with_group(World& world, Resource& dependent, Resource& group,
                      const Colocation& colocation) {
    if (group.unassigned || group.children.empty()) return;
    if (group.group_colocated) {
        Resource* member =
            colocation.score == Score::always() ? group.children.back() : group.children.front();
        apply_colocation(world, dependent, *member, colocation);
        return;
    }
    if (colocation.score == Score::always()) return;  // makes no sense with scattered members
    for (Resource* member : group.children) {
        apply_colocation(world, dependent, *member, colocation);
    }
}

struct Place {
    Node* node;
    Score score;
};

// Only nodes where the primary will be remain; with `merge` its scores there are added.
void intersect(Resource& dependent, const Resource& primary, const Colocation& colocation,
               const std::vector<Place>& places, bool merge) {
    for (Allowed& entry : dependent.allowed) {
        const auto at = std::find_if(places.begin(), places.end(), [&](const Place& place) {
            return same_place(colocation, entry.node, &dependent, place.node, &primary);
        });
        if (at == places.end()) {
            entry.score = Score::never();
        } else if (merge) {
            entry.score = entry.score + at->score;
        }
    }
}

void apply_with_promotable(Resource& dependent, Resource& clone, const Colocation& colocation) {
    std::vector<Place> places;
    for (Resource* instance : clone.children) {
        Node* node = place_of(*instance, false);
        if (node == nullptr || role_of(*instance, false) != colocation.primary_role) continue;
        if (colocation.score != Score::always()) {
            for (Allowed& entry : dependent.allowed) {
                if (same_place(colocation, entry.node, &dependent, node, &clone)) {
                    entry.score = entry.score + colocation.score;
                }
            }
        }
        places.insert(places.begin(), {node, assigned_score_of(*instance)});
    }
    const bool both_promoted =
        colocation.dependent_role == Role::Promoted && colocation.primary_role == Role::Promoted;
    if (colocation.score == Score::always() && !both_promoted) {
        intersect(dependent, clone, colocation, places, true);
    }
}

void apply_promotable_to_priority(World& world, Resource& dependent, const Resource& clone,
                                  const Colocation& colocation) {
    if (compatible_instance(world, dependent, clone, colocation.primary_role, false) != nullptr) {
        dependent.priority = (Score::of(dependent.priority) + colocation.score).points();
    } else if (colocation.score == Score::always()) {
        dependent.priority = -Score::kInfinity;
    }
}

bool is_interleaved(const Colocation& colocation, const Resource& primary) {
    const Resource& dependent = *colocation.dependent;
    if (!is_clone_or_bundle(dependent)) return false;
    if (primary.kind == Kind::Bundle) return true;  // replicas go with replicas
    return interleaves(dependent) && instances_per_node(dependent) == instances_per_node(primary);
}

// Whether what runs in a bundle's container will have the role that is asked for.
bool has_wanted_role(const Resource& instance, const Colocation& colocation) {
    if (colocation.primary_role == Role::Unknown || instance.parent == nullptr ||
        instance.parent->kind != Kind::Bundle) {
        return true;
    }
    const Replica* replica = replica_of(instance);
    return replica != nullptr && replica->child != nullptr &&
           replica->child->next_role == colocation.primary_role;
}

void apply_bundle_to_priority(Resource& dependent, const std::vector<Resource*>& containers,
                              const Colocation& colocation) {
    const Node* here = host_of(place_of(dependent, false), &dependent);
    for (const Resource* container : containers) {
        if (here == nullptr || container->assigned != here) continue;
        if (!has_wanted_role(*container, colocation)) continue;
        dependent.priority = (Score::of(dependent.priority) + colocation.score).points();
        return;
    }
    if (colocation.score == Score::always()) dependent.priority = -Score::kInfinity;
}

void apply_with_instances(World& world, Resource& dependent, Resource& collective,
                          const Colocation& colocation) {
    if (collective.unassigned) return;
    if (collective.promotable && colocation.primary_role != Role::Unknown &&
        collective.kind == Kind::Clone) {
        if (is_by_role(dependent, colocation)) {
            apply_promotable_to_priority(world, dependent, collective, colocation);
        } else if (dependent.unassigned) {
            apply_with_promotable(dependent, collective, colocation);
        }
        return;
    }
    const std::vector<Resource*> instances = instances_of(collective);
    if (!dependent.unassigned && !is_by_role(dependent, colocation)) return;
    if (collective.kind == Kind::Bundle && colocation.dependent_role != Role::Unknown) {
        if (is_by_role(dependent, colocation)) {
            apply_bundle_to_priority(dependent, instances, colocation);
            return;
        }
        if (colocation.dependent_role != dependent.next_role) return;
    }
    if (is_interleaved(colocation, collective)) {
        Resource* peer = compatible_instance(world, dependent, collective, Role::Unknown, false);
        if (peer != nullptr) {
            apply_colocation(world, dependent, *peer, colocation);
        } else if (colocation.score == Score::always()) {
            note_unpaired(world, dependent, collective);
            assign_to(world, dependent, nullptr, true, true);
        }
        return;
    }
    if (colocation.score == Score::always()) {
        std::vector<Place> places;
        for (Resource* instance : instances) {
            if (!has_wanted_role(*instance, colocation)) continue;
            Node* node = place_of(*instance, false);
            if (node != nullptr && !is_blocked_tree(*instance)) {
                places.insert(places.begin(), {node, assigned_score_of(*instance)});
            }
        }
        intersect(dependent, collective, colocation, places, false);
        return;
    }
    Colocation plain = colocation;
    if (collective.kind == Kind::Bundle) plain.primary_role = Role::Unknown;
    for (Resource* instance : instances) {
        if (collective.kind == Kind::Bundle && !has_wanted_role(*instance, colocation)) continue;
        apply_colocation(world, dependent, *instance, plain);
    }
}

// --- The primary's side
// ---------------------------------------------------------------------------------

Score best_score_at(const Colocation* colocation, const Resource& resource, const Node* place,
                    const Resource& target) {
    place = host_of(place, &target);
    if (place == nullptr) return Score::never();
    if (colocation == nullptr || colocation->node_attribute.empty()) {
        const Allowed* entry = resource.allowed.find(place);
        if (entry == nullptr || !is_usable(*place)) return Score::never();
        return entry->score;
    }
    Score best = Score::never();
    for (const Allowed& entry : resource.allowed) {
        if (entry.score > best && is_usable(*entry.node) &&
            same_place(*colocation, entry.node, &resource, place, &target)) {
            best = entry.score;
        }
    }
    return best;
}

bool is_nonnegative(Merge merge) {
    return merge == Merge::ActiveNonnegative || merge == Merge::Nonnegative;
}

bool is_allowed_on_one(const Resource& resource) {
    return std::count_if(resource.allowed.begin(), resource.allowed.end(),
                         [](const Allowed& entry) { return entry.score >= Score(); }) == 1;
}

// A later member of a group knows nothing of the group's location constraints: the first member
// carries them for all. Where the member is explicitly tied to something outside, they must be
// heard there as well. Puts the member's own table back at the end of its scope.
class WithGroupLocations {
public:
    WithGroupLocations(World& world, Resource& source, const Colocation* colocation) {
        const Resource* group = source.parent;
        if (colocation == nullptr || &source != colocation->dependent ||
            colocation->id.starts_with('#') || group == nullptr || group->kind != Kind::Group ||
            group->children.front() == &source) {
            return;
        }
        source_ = &source;
        original_ = source.allowed;
        exclusive_ = source.exclusive_discovery;
        for (Location* location : group->locations) apply_location(world, source, *location);
    }
    WithGroupLocations(const WithGroupLocations&) = delete;
    WithGroupLocations& operator=(const WithGroupLocations&) = delete;
    ~WithGroupLocations() {
        if (source_ == nullptr) return;
        source_->allowed = std::move(original_);
        source_->exclusive_discovery = exclusive_;
    }

private:
    Resource* source_ = nullptr;
    Table original_;
    bool exclusive_ = false;
};

void add_matching(Table& nodes, const Resource& source, const Resource& target,
                  const Colocation* colocation, Factor factor, bool nonnegative) {
    for (Allowed& entry : nodes) {
        const Score wish = best_score_at(colocation, source, entry.node, target);
        if (factor.is_negative() && wish < Score()) {
            // What an anti-colocated dependent avoids is no reason to go there, unless it has
            // nowhere else to be and the primary does not mind moving.
            if (colocation == nullptr || colocation->primary->stickiness >= -wish.points() ||
                !has_influence(*colocation) || !is_allowed_on_one(*colocation->dependent)) {
                continue;
            }
        }
        if (entry.filtered) continue;
        const Score change = Score::of(factor.scale(wish.points()));
        const Score sum = change + entry.score;
        if (nonnegative && sum < Score() && entry.score > Score()) {
            entry.filtered = true;
            continue;
        }
        if (nonnegative && sum < Score() && entry.score == Score()) continue;
        entry.score = sum;
    }
}

void follow(World& world, Resource& source, Resource& target, Table& work, Factor factor,
            Merge merge) {
    const bool primaries = merge == Merge::ThisWith;
    const List list = primaries ? this_with(source) : with_this(source);
    for (const Colocation* each : list) {
        if (!primaries && !has_influence(*each)) continue;
        Resource* other = primaries ? each->primary : each->dependent;
        merge_wishes(world, *other, target, work, each, factor.times(each->score), merge);
    }
}

void settle_filtered(Table& work, Merge merge) {
    if (!is_nonnegative(merge)) return;
    for (Allowed& entry : work) {
        if (!entry.filtered) continue;
        entry.filtered = false;
        entry.score = Score::of(1);
    }
}

}  // namespace

Factor Factor::of(Score score) {
    return Factor(std::int64_t{score.points()} * (kOne / Score::kInfinity));
}

Factor Factor::times(Score score) const {
    const Wide product = Wide{parts_} * score.points() / Score::kInfinity;
    if (product == 0 && parts_ != 0 && score != Score()) {
        return Factor((parts_ < 0) == (score < Score()) ? 1 : -1);
    }
    return Factor(static_cast<std::int64_t>(product));
}

std::int64_t Factor::scale(std::int64_t points) const {
    if (points == 0 || parts_ == 0) return 0;
    const Wide product = Wide{parts_} * points;
    const Wide half = kOne / 2;
    const Wide rounded = (product < 0 ? product - half : product + half) / kOne;
    if (rounded == 0) return parts_ > 0 ? 1 : -1;
    return static_cast<std::int64_t>(rounded);
}

std::vector<const Colocation*> this_with(const Resource& resource) {
    List list;
    collect_this_with(resource, resource, list);
    return list;
}

std::vector<const Colocation*> with_this(const Resource& resource) {
    List list;
    collect_with_this(resource, resource, list);
    return list;
}

bool any_usable(const Table& nodes) {
    return std::any_of(nodes.begin(), nodes.end(), [](const Allowed& entry) {
        return !entry.filtered && entry.score >= Score() && is_usable(*entry.node);
    });
}

bool has_influence(const Colocation& colocation, const Resource* primary) {
    if (primary == nullptr) primary = colocation.primary;
    // A connection into a container is lightweight: it does not move a running container.
    if (colocation.dependent->allow_guest_remotes && !primary->failed &&
        primary->running_on.size() == 1) {
        return false;
    }
    return colocation.influence || primary->running_on.empty();
}

void apply_colocation(World& world, Resource& dependent, Resource& primary,
                      const Colocation& colocation) {
    if (dependent.kind == Kind::Group && !is_by_role(dependent, colocation)) {
        if (dependent.children.empty()) return;
        if (dependent.group_colocated) {
            apply_colocation(world, *dependent.children.front(), primary, colocation);
        } else if (colocation.score != Score::always()) {
            for (Resource* member : dependent.children) {
                apply_colocation(world, *member, primary, colocation);
            }
        }
        return;
    }
    switch (primary.kind) {
        case Kind::Primitive:
            apply_with_primitive(dependent, primary, colocation);
            break;
        case Kind::Group:
            apply_with_group(world, dependent, primary, colocation);
            break;
        case Kind::Clone:
        case Kind::Bundle:
            apply_with_instances(world, dependent, primary, colocation);
            break;
    }
}

void merge_wishes(World& world, Resource& source, Resource& target, Table& nodes,
                  const Colocation* colocation, Factor factor, Merge merge) {
    if (source.updating_nodes) return;
    source.updating_nodes = true;
    if (source.kind == Kind::Group) {
        if (!source.children.empty()) {
            merge_wishes(world, *source.children.front(), target, nodes, colocation, factor, merge);
        }
        source.updating_nodes = false;
        return;
    }
    Table work = nodes;
    {
        const WithGroupLocations heard(world, source, colocation);
        add_matching(work, source, target, colocation, factor, is_nonnegative(merge));
    }
    if (work.empty()) {
        source.updating_nodes = false;
        return;
    }
    if (any_usable(work)) {
        follow(world, source, target, work, factor, merge);
    } else if (merge == Merge::Active || merge == Merge::ActiveNonnegative) {
        source.updating_nodes = false;
        return;
    }
    settle_filtered(work, merge);
    nodes = std::move(work);
    source.updating_nodes = false;
}

Table own_wishes(World& world, Resource& resource) {
    Resource* source = &resource;
    if (source->updating_nodes) return {};
    source->updating_nodes = true;
    Resource* member = source;
    if (source->kind == Kind::Group && !source->children.empty()) member = source->children.back();
    const bool nested = member != source;
    if (nested) member->updating_nodes = true;
    Table work = member->allowed;
    if (any_usable(work)) {
        follow(world, *member, *member, work, Factor::of(Score::always()), Merge::ThisWith);
    }
    if (nested) member->updating_nodes = false;
    source->updating_nodes = false;
    return work;
}

void add_dependent_wishes(World& world, Resource& target, const Colocation& colocation) {
    if (!has_influence(colocation)) return;
    const Merge merge = is_clone_or_bundle(target) ? Merge::ActiveNonnegative : Merge::Active;
    merge_wishes(world, *colocation.dependent, target, target.allowed, &colocation,
                 Factor::of(colocation.score), merge);
}

}  // namespace xbeat::schedule
