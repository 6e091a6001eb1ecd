// Reading <constraints>: which element is what, and the sets of resources that they name.
#include "schedule/constraints.h"

#include <algorithm>

#include "core/text.h"
#include "schedule/explain.h"
#include "schedule/fence_marks.h"
#include "schedule/options.h"

namespace xbeat::schedule {
namespace {

void apply_health(World& world) {
    const std::string& strategy = world.options.health_strategy;
    if (strategy != "only-green" && strategy != "migrate-on-red" && strategy != "progressive" &&
        strategy != "custom") {
        return;
    }
    for (Node& node : world.nodes) {
        Score health = strategy == "progressive" ? Score::of(world.options.health_base) : Score();
        for (auto at = node.attributes.lower_bound("#health");
             at != node.attributes.end() && at->first.starts_with("#health"); ++at) {
            health = health + health_score(world, at->second);
        }
        if (health == Score()) continue;
        for (Resource* resource : world.top) {
            if (health < Score() && resource->allow_unhealthy) continue;
            Location& location = add_location(world, strategy, *resource, Discovery::Always);
            location.nodes.emplace_back(&node, health);
        }
    }
}

// False if the name, or one in the tag that it names, is nobody's; those before that are appended.
bool append_named(World& world, std::string_view name, std::vector<Resource*>& out) {
    if (Resource* resource = world.find_resource(name)) {
        out.push_back(resource);
        return true;
    }
    // The bare name of an instance, once it is in a history, means the whole clone.
    const auto instance =
        std::find_if(world.resources.begin(), world.resources.end(),
                     [name](const Resource& each) { return each.history_name == name; });
    if (instance != world.resources.end()) {
        out.push_back(top_of(*instance));
        return true;
    }
    if (const auto at = world.templates.find(name); at != world.templates.end()) {
        for (const std::string& user : at->second) {
            if (!append_named(world, user, out)) return false;
        }
        return !at->second.empty();
    }
    const auto at = world.tags.find(name);
    if (at == world.tags.end() || at->second.empty()) return false;
    for (const std::string& member : at->second) {
        if (member == name || world.tags.contains(member)) continue;  // tags do not nest
        if (!append_named(world, member, out)) return false;
    }
    return true;
}

void constrain_by_ticket(World& world, Resource& resource, const TicketConstraint& constraint) {
    const Ticket& ticket = *constraint.ticket;
    if (ticket.granted && !ticket.standby) return;
    if (!resource.children.empty()) {
        for (Resource* child : resource.children) constrain_by_ticket(world, *child, constraint);
        return;
    }
    const auto ban = [&world, &resource, &constraint, &ticket] {
        const ScoreWatch watch(world, resource, {ScoreCause::Ticket, constraint.id, ticket.id});
        add_location_score(world, resource, nullptr, Score::never());
    };
    const bool promoted_only = constraint.role == Role::Promoted;
    const bool role_matches = constraint.role == Role::Unknown || constraint.role == resource.role;
    if (ticket.granted || resource.running_on.empty()) {
        if (!promoted_only || constraint.policy == LossPolicy::Stop) ban();
        return;
    }
    switch (constraint.policy) {
        case LossPolicy::Stop:
            ban();
            break;
        case LossPolicy::Demote:
            if (!promoted_only) ban();
            break;
        case LossPolicy::Fence:
            if (!role_matches) return;
            ban();
            for (Node* node : resource.running_on) {
                mark_for_fencing(world, *node, "a ticket was lost", false);
            }
            break;
        case LossPolicy::Freeze:
            if (!role_matches) return;
            resource.managed = false;
            resource.blocked = true;
            break;
    }
}

void add_ticket(World& world, const cib::Element& xml, Resource& resource, std::string_view role) {
    TicketConstraint& constraint = world.ticket_constraints.emplace_back();
    constraint.id = xml.get("id");
    constraint.resource = &resource;
    constraint.role = parse_role(role);
    if (constraint.role == Role::Started) constraint.role = Role::Unknown;
    const std::string name(xml.get("ticket"));
    Ticket& ticket = world.tickets[name];
    ticket.id = name;
    constraint.ticket = &ticket;
    const std::string policy = to_lower(xml.get("loss-policy"));
    if (policy == "fence") {
        constraint.policy = world.options.fencing_enabled ? LossPolicy::Fence : LossPolicy::Stop;
    } else if (policy == "freeze") {
        constraint.policy = LossPolicy::Freeze;
    } else if (policy == "demote") {
        constraint.policy = LossPolicy::Demote;
    } else if (policy != "stop" && constraint.role == Role::Promoted) {
        constraint.policy = LossPolicy::Demote;
    }
    resource.tickets.push_back(&constraint);
    constrain_by_ticket(world, resource, constraint);
}

bool lifetime_holds(World& world, const cib::Element& xml) {
    const cib::Element* lifetime = xml.child("lifetime");
    if (lifetime == nullptr) return true;
    const rules::RuleInput input{.now = world.now, .ids = &world.ids};
    return rules::all_rules_hold(*lifetime, input, &world.recheck_by);
}

}  // namespace

ResourceSet read_set(World& world, const cib::Element& original) {
    const cib::Element* resolved = world.ids.resolve(original);
    const cib::Element& set = resolved == nullptr ? original : *resolved;
    ResourceSet out;
    out.xml = &set;
    out.id = set.get("id");
    out.sequential = parse_boolean(set.get("sequential")).value_or(true);
    out.says_sequential = set.has("sequential") && out.sequential;
    out.require_all = parse_boolean(set.get("require-all")).value_or(true);
    for (const cib::Element& reference : set.children) {
        if (reference.name != "resource_ref") continue;
        if (!append_named(world, reference.get("id"), out.members)) {
            out.dangling = true;
            break;
        }
    }
    return out;
}

ResourceSet named_set(World& world, std::string_view name) {
    ResourceSet out;
    out.id = name;
    out.dangling = !append_named(world, name, out.members);
    out.sequential = out.members.size() == 1;
    return out;
}

std::vector<ResourceSet> sets_of(World& world, const cib::Element& constraint) {
    std::vector<ResourceSet> out;
    for (const cib::Element& child : constraint.children) {
        if (child.name != "resource_set") continue;
        out.push_back(read_set(world, child));
        if (out.back().dangling) break;
    }
    return out;
}

void unpack_ticket(World& world, const cib::Element& xml) {
    if (xml.get("ticket").empty()) return;
    if (xml.has("rsc")) {
        for (Resource* resource : named_set(world, xml.get("rsc")).members) {
            add_ticket(world, xml, *resource, xml.get("rsc-role"));
        }
        return;
    }
    for (const ResourceSet& set : sets_of(world, xml)) {
        for (Resource* resource : set.members) {
            add_ticket(world, xml, *resource, set.xml->get("role"));
        }
    }
}

void unpack_constraints(World& world) {
    apply_health(world);
    const cib::Element* configuration = world.cib->child("configuration");
    const cib::Element* constraints =
        configuration == nullptr ? nullptr : configuration->child("constraints");
    if (constraints == nullptr) return;
    for (const cib::Element& xml : constraints->children) {
        if (xml.kind != cib::NodeKind::Element || xml.get("id").empty()) continue;
        if (!lifetime_holds(world, xml)) continue;
        world.record.origin = xml.get("id");
        if (xml.name == "rsc_location") {
            unpack_location(world, xml);
        } else if (xml.name == "rsc_colocation") {
            unpack_colocation(world, xml);
        } else if (xml.name == "rsc_order") {
            unpack_order(world, xml);
        } else if (xml.name == "rsc_ticket") {
            unpack_ticket(world, xml);
        }
    }
    world.record.origin = {};
}

}  // namespace xbeat::schedule
