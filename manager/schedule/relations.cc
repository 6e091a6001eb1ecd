// Colocation and order constraints, simple ones and sets.
#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "schedule/constraints.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

// --- Colocation
// ------------------------------------------------------------------------------------

Role colocation_role(std::string_view text) {
    const Role role = parse_role(text);
    return role == Role::Started ? Role::Unknown : role;
}

// What must not be together changes hands on a node one after the other.
void order_apart(World& world, Resource* first, Role first_role, Resource* then, Role then_role) {
    std::vector<Task> leaving;
    std::vector<Task> arriving;
    if (first_role == Role::Promoted) {
        leaving = {Task::Demote};
    } else {
        leaving = {Task::Stop};
        if (first_role == Role::Unpromoted) leaving.push_back(Task::Promote);
    }
    if (then_role == Role::Promoted) {
        arriving = {Task::Promote};
    } else {
        arriving = {Task::Start};
        if (then_role == Role::Unpromoted) arriving.push_back(Task::Demote);
    }
    for (const Task leave : leaving) {
        for (const Task arrive : arriving) {
            order(world, first, leave, then, arrive, kRequiredOnSameNode);
        }
    }
}

struct ColocationContext {
    World& world;
    const cib::Element& xml;
    Score score;

    [[nodiscard]] bool influence(const Resource& dependent) const {
        return parse_boolean(xml.get("influence")).value_or(dependent.critical);
    }
    void add(Resource* dependent, Resource* primary, Role dependent_role, Role primary_role,
             Score with_score) const {
        if (dependent == nullptr || primary == nullptr) return;
        add_colocation(world, xml.get("id"), xml.get("node-attribute"), with_score, dependent,
                       primary, dependent_role, primary_role, influence(*dependent));
    }
};

Score set_score(const ResourceSet& set, Score fallback) {
    if (set.xml == nullptr || !set.xml->has("score")) return fallback;
    return effective_score(set.xml->get("score"));
}

void colocate_within(const ColocationContext& context, const ResourceSet& set) {
    const Score score = set_score(set, context.score);
    if (score == Score() || !set.sequential) return;
    const Role role = colocation_role(set.xml->get("role"));
    if (score > Score()) {
        // Old sets may be listed the other way round.
        const bool listed =
            set.xml->has("ordering") && !equals_ignoring_case(set.xml->get("ordering"), "group");
        for (std::size_t at = 1; at < set.members.size(); ++at) {
            Resource* earlier = set.members[at - 1];
            Resource* later = set.members[at];
            context.add(listed ? earlier : later, listed ? later : earlier, role, role, score);
        }
        return;
    }
    for (std::size_t at = 0; at < set.members.size(); ++at) {
        for (std::size_t with = 0; with < at; ++with) {
            context.add(set.members[at], set.members[with], role, role, score);
        }
    }
}

void colocate_between(const ColocationContext& context, const ResourceSet& dependent,
                      const ResourceSet& primary, Role dependent_role, Role primary_role) {
    if (dependent.members.empty() || primary.members.empty()) return;
    std::vector<Resource*> left = dependent.members;
    std::vector<Resource*> right = primary.members;
    if (dependent.sequential) left = {dependent.members.front()};
    if (primary.sequential) right = {primary.members.back()};
    for (Resource* one : left) {
        for (Resource* other : right) {
            context.add(one, other, dependent_role, primary_role, context.score);
        }
    }
}

// --- Order
// -------------------------------------------------------------------------------------------

enum class OrderKind : std::uint8_t { Mandatory, Optional, Serialize };
enum class Symmetry : std::uint8_t { Symmetric, Asymmetric, Inverse };

OrderKind order_kind(const cib::Element& xml) {
    const std::string_view kind = xml.get("kind");
    if (equals_ignoring_case(kind, "Mandatory")) return OrderKind::Mandatory;
    if (equals_ignoring_case(kind, "Optional")) return OrderKind::Optional;
    if (equals_ignoring_case(kind, "Serialize")) return OrderKind::Serialize;
    if (kind.empty() && xml.has("score")) {
        return effective_score(xml.get("score")) == Score() ? OrderKind::Optional
                                                            : OrderKind::Mandatory;
    }
    return OrderKind::Mandatory;
}

// `whole`: what the constraint that a set belongs to says, if it says anything.
Symmetry order_symmetry(const cib::Element& xml, OrderKind kind, std::optional<bool> whole) {
    if (xml.has("kind") || xml.has("score")) kind = order_kind(xml);
    std::optional<bool> flag = parse_boolean(xml.get("symmetrical"));
    if (!flag) flag = whole;
    if (flag) {
        return *flag && kind != OrderKind::Serialize ? Symmetry::Symmetric : Symmetry::Asymmetric;
    }
    return kind == OrderKind::Serialize ? Symmetry::Asymmetric : Symmetry::Symmetric;
}

Effects order_effects(OrderKind kind, Task first, Symmetry symmetry) {
    if (kind == OrderKind::Optional) return kPlain;
    if (kind == OrderKind::Serialize) return kSerialize;
    switch (symmetry) {
        case Symmetry::Asymmetric:
            return kPlain | kAsymmetric;
        case Symmetry::Inverse:
            return kPlain | kThenDrivesFirst;
        case Symmetry::Symmetric:
            break;
    }
    Effects out = kPlain | kFirstDrivesThen;
    if (first == Task::Start || first == Task::Promote) out |= kFirstGates;
    return out;
}

Task inverse_of(Task task) {
    switch (task) {
        case Task::Start:
            return Task::Stop;
        case Task::Stop:
            return Task::Start;
        case Task::Promote:
            return Task::Demote;
        case Task::Demote:
            return Task::Promote;
        case Task::Started:
            return Task::Stopped;
        case Task::Stopped:
            return Task::Started;
        case Task::Promoted:
            return Task::Demoted;
        case Task::Demoted:
            return Task::Promoted;
        default:
            return Task::None;
    }
}

Task action_of(const cib::Element* xml, std::string_view name, Task fallback) {
    if (xml == nullptr || !xml->has(name)) return fallback;
    const Task task = parse_task(xml->get(name));
    return task == Task::None ? fallback : task;
}

// Enough instances of `first` must be up before `then` may act.
void order_after_enough(World& world, const cib::Element& xml, Resource* first, Task first_task,
                        Resource* then, Task then_task, Effects effects, std::int32_t enough) {
    const std::string name = concat("clone-one-or-more:", xml.get("id"));
    Step& met = make_step(world, {.task = Task::Other, .key = name, .task_text = name});
    met.flags |= flag::kPseudo | flag::kRunnable | flag::kNeedsEnough;
    met.required_runnable_before = enough;
    for (Resource* instance : first->children) {
        order_to_step(world, instance, first_task, &met, kMinRunnable | kFirstPullsThen);
    }
    order_from_step(world, &met, then, then_task, effects | kFirstGates);
}

std::int32_t enough_instances(const Resource& first, const cib::Element& xml) {
    if (first.kind != Kind::Clone) return 0;
    if (first.clone.clone_min > 0) return first.clone.clone_min;
    return parse_boolean(xml.get("require-all")).value_or(true) ? 0 : 1;
}

void order_pair(World& world, const cib::Element& xml, Resource* first, Resource* then) {
    for (const std::string_view name : {"first-action", "then-action"}) {
        if (xml.has(name) && parse_task(xml.get(name)) == Task::None) return;
    }
    const OrderKind kind = order_kind(xml);
    const Symmetry symmetry = order_symmetry(xml, kind, std::nullopt);
    const Task first_task = action_of(&xml, "first-action", Task::Start);
    const Task then_task = action_of(&xml, "then-action", first_task);
    const Effects effects = order_effects(kind, first_task, symmetry);
    const std::int32_t enough = enough_instances(*first, xml);
    if (enough > 0) {
        order_after_enough(world, xml, first, first_task, then, then_task, effects, enough);
    } else {
        order(world, first, first_task, then, then_task, effects);
    }
    if (symmetry != Symmetry::Symmetric) return;
    const Task undo_then = inverse_of(then_task);
    const Task undo_first = inverse_of(first_task);
    if (undo_then == Task::None || undo_first == Task::None) return;
    order(world, then, undo_then, first, undo_first,
          order_effects(kind, undo_first, Symmetry::Inverse));
}

void order_within(World& world, const ResourceSet& set, OrderKind parent_kind,
                  std::optional<bool> parent_symmetrical) {
    if (set.members.size() < 2) return;
    const Task task = action_of(set.xml, "action", Task::Start);
    const OrderKind kind = set.xml->has("kind") ? order_kind(*set.xml) : parent_kind;
    const Symmetry symmetry = order_symmetry(*set.xml, parent_kind, parent_symmetrical);
    const Effects effects = order_effects(kind, task, symmetry);
    for (std::size_t at = 0; at < set.members.size(); ++at) {
        if (kind == OrderKind::Serialize) {
            for (std::size_t later = at + 1; later < set.members.size(); ++later) {
                order(world, set.members[at], task, set.members[later], task, effects);
            }
        } else if (set.sequential && at > 0) {
            order(world, set.members[at - 1], task, set.members[at], task, effects);
        }
    }
    if (symmetry == Symmetry::Asymmetric || !set.sequential) return;
    const Task undo = inverse_of(task);
    if (undo == Task::None) return;
    for (std::size_t at = 1; at < set.members.size(); ++at) {
        order(world, set.members[at], undo, set.members[at - 1], undo,
              order_effects(kind, undo, Symmetry::Inverse));
    }
}

struct SetOrder {
    const ResourceSet& first;
    const ResourceSet& then;
    Task first_task;
    Task then_task;
    OrderKind kind;
    Symmetry symmetry;
};

void order_between(World& world, const SetOrder& sets) {
    if (sets.first.members.empty() || sets.then.members.empty()) return;
    const bool inverse = sets.symmetry == Symmetry::Inverse;
    const Task first_task = inverse ? inverse_of(sets.first_task) : sets.first_task;
    const Task then_task = inverse ? inverse_of(sets.then_task) : sets.then_task;
    if (first_task == Task::None || then_task == Task::None) return;
    const Effects effects = order_effects(sets.kind, first_task, sets.symmetry);
    // "One of them is enough" is about coming up; going down they all have to wait.
    const bool goes_down = first_task == Task::Stop || first_task == Task::Demote;
    if (!sets.first.require_all && !goes_down) {
        const std::string name = concat("one-or-more:", sets.first.id);
        Step& any = make_step(world, {.task = Task::Other, .key = name, .task_text = name});
        any.flags |= flag::kPseudo | flag::kRunnable | flag::kNeedsEnough;
        for (Resource* resource : sets.first.members) {
            order_to_step(world, resource, first_task, &any, kMinRunnable | kFirstPullsThen);
        }
        for (Resource* resource : sets.then.members) {
            order_from_step(world, &any, resource, then_task, effects | kFirstGates);
        }
        return;
    }
    std::vector<Resource*> left = sets.first.members;
    std::vector<Resource*> right = sets.then.members;
    // One member stands for a set only where the set says that it is sequential.
    if (sets.first.says_sequential) left = {inverse ? left.front() : left.back()};
    if (sets.then.says_sequential) right = {inverse ? right.back() : right.front()};
    for (Resource* one : left) {
        for (Resource* other : right) order(world, one, first_task, other, then_task, effects);
    }
}

// A set of which a part does not exist says nothing about what comes before or after what.
std::vector<ResourceSet> whole_sets_of(World& world, const cib::Element& xml) {
    std::vector<ResourceSet> out = sets_of(world, xml);
    if (!out.empty() && out.back().dangling) out.pop_back();
    return out;
}

void order_sets(World& world, const cib::Element& xml, const std::vector<ResourceSet>& sets) {
    const OrderKind kind = order_kind(xml);
    const Symmetry symmetry = order_symmetry(xml, kind, std::nullopt);
    const std::optional<bool> symmetrical = parse_boolean(xml.get("symmetrical"));
    const ResourceSet* last = nullptr;
    for (const ResourceSet& set : sets) {
        order_within(world, set, kind, symmetrical);
        if (last != nullptr) {
            const Task first_task = action_of(last->xml, "action", Task::Start);
            const Task then_task = action_of(set.xml, "action", Task::Start);
            order_between(world, {*last, set, first_task, then_task, kind, symmetry});
            if (symmetry == Symmetry::Symmetric) {
                order_between(world, {set, *last, then_task, first_task, kind, Symmetry::Inverse});
            }
        }
        last = &set;
    }
}

}  // namespace

void add_colocation(World& world, std::string_view id, std::string_view node_attribute, Score score,
                    Resource* dependent, Resource* primary, Role dependent_role, Role primary_role,
                    bool influence) {
    if (score == Score() || dependent == nullptr || primary == nullptr) return;
    Colocation& out = world.colocations.emplace_back();
    out.id = id;
    out.node_attribute = node_attribute;
    out.score = score;
    out.dependent = dependent;
    out.primary = primary;
    out.dependent_role = dependent_role;
    out.primary_role = primary_role;
    out.influence = influence;
    dependent->colocated_with.push_back(&out);
    primary->colocated_by.push_back(&out);
    if (score == Score::never()) {
        order_apart(world, dependent, dependent_role, primary, primary_role);
        order_apart(world, primary, primary_role, dependent, dependent_role);
    }
}

void unpack_colocation(World& world, const cib::Element& xml) {
    const ColocationContext context{
        .world = world, .xml = xml, .score = effective_score(xml.get("score"))};
    if (xml.has("rsc")) {
        // One after another, up to the first name of nobody.
        ResourceSet dependent = named_set(world, xml.get("rsc"));
        const ResourceSet primary = named_set(world, xml.get("with-rsc"));
        if (primary.dangling && dependent.members.size() > 1) dependent.members.resize(1);
        colocate_between(context, dependent, primary, colocation_role(xml.get("rsc-role")),
                         colocation_role(xml.get("with-rsc-role")));
        return;
    }
    const std::vector<ResourceSet> sets = whole_sets_of(world, xml);
    for (std::size_t at = 0; at < sets.size(); ++at) {
        colocate_within(context, sets[at]);
        if (at == 0) continue;
        colocate_between(context, sets[at - 1], sets[at],
                         colocation_role(sets[at - 1].xml->get("role")),
                         colocation_role(sets[at].xml->get("role")));
    }
}

void unpack_order(World& world, const cib::Element& xml) {
    const std::vector<ResourceSet> sets = whole_sets_of(world, xml);
    if (!sets.empty()) {
        order_sets(world, xml, sets);
        return;
    }
    const ResourceSet first = named_set(world, xml.get("first"));
    const ResourceSet then = named_set(world, xml.get("then"));
    if (first.dangling || then.dangling) return;
    // A tag or template stands for each of its resources, without order among them.
    for (Resource* one : first.members) {
        for (Resource* other : then.members) order_pair(world, xml, one, other);
    }
}

}  // namespace xbeat::schedule
