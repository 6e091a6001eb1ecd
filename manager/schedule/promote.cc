// Stage 6c: promotable clones: promotion scores, and who of the placed instances is promoted.
#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/colocate.h"
#include "schedule/explain.h"

namespace xbeat::schedule {
namespace {

const Resource* member_of(const Resource& instance, std::string_view name) {
    if (instance.kind == Kind::Primitive) {
        return base_name(instance.id) == name ? &instance : nullptr;
    }
    for (const Resource* child : instance.children) {
        if (const Resource* found = member_of(*child, name)) return found;
    }
    return nullptr;
}

// An agent's score for a node says something about an instance only if the instance is known there.
bool score_applies(const Resource& resource, const Node* node) {
    const Resource& clone = *top_of(resource);
    const auto is_allowed = [&resource, node] {
        const Allowed* entry = resource.allowed.find(node);
        return entry != nullptr && entry->score >= Score();
    };
    if (is_anonymous_clone(clone)) {
        const std::string_view name = base_name(resource.id);
        const Resource* active = nullptr;
        bool known = false;
        for (const Resource* instance : clone.children) {
            const Resource* peer = member_of(*instance, name);
            if (peer == nullptr) continue;
            if (active == nullptr && runs_on(peer->running_on, node)) active = peer;
            if (runs_on(peer->known_on, node)) known = true;
        }
        if (active == &resource || (active == nullptr && known)) return is_allowed();
    }
    if (resource.running_on.empty() && resource.known_on.empty()) return is_allowed();
    if (runs_on(resource.known_on, node) || runs_on(resource.running_on, node)) {
        return is_allowed();
    }
    return false;
}

struct PromotionScore {
    Score score;
    bool is_default = true;
};

PromotionScore promotion_score(const Resource& resource, const Node* node) {
    PromotionScore out;
    if (node == nullptr) return out;
    if (!resource.children.empty()) {
        for (const Resource* child : resource.children) {
            const PromotionScore part = promotion_score(*child, node);
            out.score = out.score + part.score;
            if (!part.is_default) out.is_default = false;
        }
        return out;
    }
    if (!score_applies(resource, node)) return out;
    std::string value = resource_node_attribute(node, concat("master-", resource.history_name),
                                                &resource, !resource.unassigned);
    if (value.empty() && !resource.unique) {
        value = resource_node_attribute(node, concat("master-", base_name(resource.id)), &resource,
                                        !resource.unassigned);
    }
    if (value.empty()) return out;
    out.is_default = false;
    out.score = effective_score(value);
    return out;
}

void add_promoted_locations(World& world, Resource& instance,
                            const std::vector<Location*>& locations, const Node* chosen) {
    for (const Location* location : locations) {
        if (location->role != Role::Promoted) continue;
        const PromotionWatch watch(world, instance, {ScoreCause::Location, location->id});
        for (const auto& [node, score] : location->nodes) {
            if (node != chosen) continue;
            instance.priority = (Score::of(instance.priority) + score).points();
            break;
        }
    }
}

void set_promotion_priority(World& world, Resource& instance, Resource& clone) {
    const Node* chosen = place_of(instance, false);
    if (chosen == nullptr) return;  // only what will be active can be promoted
    const Role next = role_of(instance, false);
    switch (next) {
        case Role::Started:
        case Role::Unknown: {
            const PromotionScore score = promotion_score(instance, chosen);
            instance.priority = score.is_default ? -1 : score.score.points();
            note_promotion(world, instance, {ScoreCause::Promotion}, Score(),
                           Score::of(instance.priority));
            break;
        }
        case Role::Unpromoted:
        case Role::Stopped:
            instance.priority = -Score::kInfinity;
            note_promotion(world, instance, {ScoreCause::Role}, Score(), Score::never());
            break;
        case Role::Promoted:
            break;
    }
    add_promoted_locations(world, instance, instance.locations, chosen);
    add_promoted_locations(world, instance, clone.locations, chosen);
    for (const Colocation* each : this_with(instance)) {
        const PromotionWatch by(world, instance,
                                {ScoreCause::Colocation, each->id, each->primary->id});
        apply_colocation(world, instance, *each->primary, *each);
    }
    instance.sort_index = instance.priority;
    if (next == Role::Promoted) instance.sort_index = Score::kInfinity;
}

void require_promotion_ticket(World& world, Resource& clone, const TicketConstraint& constraint) {
    const Ticket& ticket = *constraint.ticket;
    if (constraint.role == Role::Promoted && (!ticket.granted || ticket.standby)) {
        add_location_score(world, clone, nullptr, Score::never());
    }
}

void sort_for_promotion(World& world, Resource& clone) {
    clone.updating_nodes = true;
    clone.clone.added_promoted_constraints = true;
    PromotionSumWatch watch(world, clone);
    for (Resource* instance : clone.children) {
        const Node* chosen = place_of(*instance, false);
        if (chosen == nullptr || instance->sort_index < 0) continue;
        if (Allowed* entry = clone.allowed.find(chosen)) {
            entry->score = Score::of(instance->sort_index) + entry->score;
        }
    }
    watch.note({ScoreCause::Sum});
    for (const Colocation* each : with_this(clone)) {
        if (each->primary_role != Role::Promoted || !has_influence(*each)) continue;
        merge_wishes(world, *each->dependent, clone, clone.allowed, each, Factor::of(each->score),
                     Merge::ActiveNonnegative);
        watch.note({ScoreCause::Dependent, each->id, each->dependent->id});
    }
    for (const TicketConstraint* constraint : clone.tickets) {
        require_promotion_ticket(world, clone, *constraint);
        watch.note({ScoreCause::Ticket, constraint->id, constraint->ticket->id});
    }
    for (Resource* instance : clone.children) {
        const Node* chosen = place_of(*instance, false);
        if (!instance->managed && role_of(*instance, false) == Role::Promoted) {
            instance->sort_index = Score::kInfinity;
        } else if (chosen != nullptr && instance->sort_index >= 0) {
            if (const Allowed* entry = clone.allowed.find(chosen)) {
                instance->sort_index = entry->score.points();
            }
        }
    }
    std::stable_sort(clone.children.begin(), clone.children.end(),
                     [&world](Resource* a, Resource* b) {
                         if (a->sort_index != b->sort_index) return a->sort_index > b->sort_index;
                         const Role role_a = role_of(*a, true);
                         const Role role_b = role_of(*b, true);
                         if (role_a != role_b) return role_a > role_b;
                         return compare_instances(world, *a, *b) < 0;
                     });
    clone.updating_nodes = false;
    if (!world.record.scores) return;
    for (const Resource* instance : clone.children) {
        const Node* chosen = place_of(*instance, false);
        const std::string place = chosen == nullptr ? "(inactive)" : concat("on ", chosen->name);
        world.record.score_lines.push_back(concat(instance->id, " promotion score ", place, ": ",
                                                  to_string(Score::of(instance->sort_index))));
    }
}

Allowed* promotion_slot(Resource& resource, const Resource& clone) {
    for (Resource* child : resource.children) {
        if (promotion_slot(*child, clone) == nullptr) return nullptr;
    }
    const Node* node = place_of(resource, false);
    if (node == nullptr) return nullptr;
    if (!resource.managed) {
        if (role_of(resource, true) != Role::Promoted) return nullptr;
    } else {
        if (resource.priority < 0 || resource.sort_index < 0 || !is_usable(*node, true)) {
            return nullptr;
        }
    }
    Allowed* entry = const_cast<Resource&>(clone).allowed.find(node);
    if (entry == nullptr) return nullptr;
    if (entry->count >= clone.clone.promoted_node_max && resource.managed) return nullptr;
    return entry;
}

void set_unpromoted(World& world, Resource& resource) {
    for (Resource* child : resource.children) set_unpromoted(world, *child);
    if (!resource.children.empty()) {
        set_next_role(world, resource, role_of(resource, false), "members");
        return;
    }
    if (resource.assigned == nullptr) {
        set_next_role(world, resource, Role::Stopped, "stopped instance");
    } else {
        set_next_role(world, resource, Role::Unpromoted, "unpromoted instance");
    }
}

void set_promoted(World& world, Resource& resource) {
    for (Resource* child : resource.children) set_promoted(world, *child);
    if (resource.next_role == Role::Unknown || resource.next_role == Role::Started) {
        set_next_role(world, resource, Role::Promoted, "promoted instance");
    }
}

void set_current_unpromoted(Resource& resource) {
    if (resource.kind == Kind::Primitive && resource.role == Role::Started) {
        resource.role = Role::Unpromoted;
    }
    for (Resource* child : resource.children) set_current_unpromoted(*child);
}

}  // namespace

void add_promotion_scores(World& world, Resource& clone) {
    static_cast<void>(world);
    if (clone.promotable_scores_ready) return;
    clone.promotable_scores_ready = true;
    for (Resource* instance : clone.children) {
        for (Allowed& entry : instance->allowed) {
            if (!is_usable(*entry.node)) continue;
            const Score score = promotion_score(*instance, entry.node).score;
            if (score > Score()) entry.score = entry.score + score;
            if (score.points() > instance->priority) instance->priority = score.points();
        }
    }
}

void choose_promoted(World& world, Resource& clone) {
    for (Allowed& entry : clone.allowed) entry.count = 0;
    for (Resource* instance : clone.children) {
        set_current_unpromoted(*instance);
        set_promotion_priority(world, *instance, clone);
    }
    sort_for_promotion(world, clone);
    std::int32_t promoted = 0;
    for (Resource* instance : clone.children) {
        Allowed* slot = promoted < clone.clone.promoted_max || !clone.managed
                            ? promotion_slot(*instance, clone)
                            : nullptr;
        const bool frozen = role_of(*instance, true) < Role::Promoted &&
                            !world.options.have_quorum &&
                            world.options.no_quorum_policy == QuorumPolicy::Freeze;
        if (slot == nullptr || frozen) {
            set_unpromoted(world, *instance);
            continue;
        }
        ++slot->count;
        ++promoted;
        set_promoted(world, *instance);
    }
    clone.clone.promoted_count = promoted;
}

}  // namespace xbeat::schedule
