// Utilization: which node has room for a resource and what it drags along.
#include <algorithm>

#include "schedule/assign.h"
#include "schedule/colocate.h"

namespace xbeat::schedule {
namespace {

using Amounts = std::map<std::string, std::int32_t, std::less<>>;

using List = std::vector<const Resource*>;

bool fits(const Node& node, const Amounts& needs) {
    return std::all_of(needs.begin(), needs.end(), [&node](const auto& need) {
        const auto at = node.capacity.find(need.first);
        return need.second <= (at == node.capacity.end() ? 0 : at->second);
    });
}

bool contains(const List& list, const Resource* resource) {
    return std::find(list.begin(), list.end(), resource) != list.end();
}

bool stays_together(const Resource& group) {
    return group.group_colocated || (group.parent != nullptr && is_clone(*group.parent));
}

void add_needs(const Resource& resource, const List& bunch, Amounts& sum);

// Members that stand in the bunch themselves are counted there.
void add_group_needs(const Resource& group, const List& bunch, Amounts& sum) {
    for (const Resource* member : group.children) {
        if (member->unassigned && !contains(bunch, member)) add_needs(*member, bunch, sum);
        if (!stays_together(group)) break;  // then the first one has to do for all
    }
}

// Of a clone the instances that are concerned; if none is yet, any of them.
void add_clone_needs(const Resource& clone, const List& bunch, Amounts& sum) {
    bool counted = false;
    for (const Resource* instance : clone.children) {
        if (contains(bunch, instance)) {
            counted = true;
        } else if (std::any_of(instance->children.begin(), instance->children.end(),
                               [&bunch](const Resource* each) { return contains(bunch, each); })) {
            add_needs(*instance, bunch, sum);
            counted = true;
        }
    }
    if (!counted && !clone.children.empty()) add_needs(*clone.children.front(), bunch, sum);
}

void add_needs(const Resource& resource, const List& bunch, Amounts& sum) {
    if (!resource.unassigned) return;
    switch (resource.kind) {
        case Kind::Primitive:
            for (const auto& [name, amount] : resource.utilization) sum[name] += amount;
            break;
        case Kind::Group:
            add_group_needs(resource, bunch, sum);
            break;
        case Kind::Clone:
            add_clone_needs(resource, bunch, sum);
            break;
        case Kind::Bundle:
            if (!resource.bundle->parts.empty()) {
                add_needs(*resource.bundle->parts.front().container, bunch, sum);
            }
            break;
    }
}

// Everything that must be on the same node, over mandatory colocations in both directions.
class Bunch {
public:
    explicit Bunch(const Resource& origin) : origin_(origin) { collect(origin); }
    [[nodiscard]] const List& members() const { return members_; }

private:
    void collect(const Resource& resource) {
        if (resource.kind == Kind::Group) {
            if (stays_together(resource)) {
                members_.push_back(&resource);
                for (const Resource* member : resource.children) collect(*member);
            } else if (!resource.children.empty()) {
                follow(resource);
            }
            return;
        }
        follow(resource);
    }

    void follow(const Resource& resource) {
        if (contains(members_, &resource)) return;
        members_.push_back(&resource);
        for (const Colocation* each : this_with(resource)) {
            if (each->primary == &origin_ || each->score != Score::always()) continue;
            if (affects_place(*each, resource, *each->primary)) collect(*each->primary);
        }
        for (const Colocation* each : with_this(resource)) {
            if (each->dependent == &origin_ || each->score != Score::always()) continue;
            // Which instance of a clone another resource goes with is not known.
            if (is_clone(resource) && !is_clone(*each->dependent)) continue;
            if (affects_place(*each, *each->dependent, resource)) collect(*each->dependent);
        }
    }

    static bool affects_place(const Colocation& colocation, const Resource& dependent,
                              const Resource& primary) {
        return (colocation.dependent_role == Role::Unknown ||
                colocation.dependent_role == dependent.next_role) &&
               (colocation.primary_role == Role::Unknown ||
                colocation.primary_role == primary.next_role);
    }

    const Resource& origin_;
    List members_;
};

}  // namespace

int compare_capacity(const Node& a, const Node& b) {
    int balance = 0;
    for (const auto& [name, amount] : a.capacity) {
        const auto at = b.capacity.find(name);
        const std::int32_t other = at == b.capacity.end() ? 0 : at->second;
        if (amount > other) --balance;
        if (amount < other) ++balance;
    }
    for (const auto& [name, amount] : b.capacity) {
        if (a.capacity.contains(name)) continue;
        if (amount > 0) ++balance;
        if (amount < 0) --balance;
    }
    return balance;
}

void consume_capacity(Node& node, const Resource& resource, bool release) {
    for (const auto& [name, amount] : resource.utilization) {
        // Using up what a node has none of leaves it with none.
        const auto [at, is_new] = node.capacity.try_emplace(name, 0);
        if (release) {
            at->second += amount;
        } else if (!is_new) {
            at->second -= amount;
        }
    }
}

Node* ban_full_nodes(World& world, Resource& resource) {
    if (world.options.placement == "default") return nullptr;
    const Bunch bunch(resource);
    Amounts together;
    for (const Resource* each : bunch.members()) add_needs(*each, bunch.members(), together);
    bool room_for_all = false;
    Node* roomiest = nullptr;
    for (const Allowed& entry : resource.allowed) {
        if (!is_usable(*entry.node) || entry.score < Score()) continue;
        const bool takes_all = fits(*entry.node, together);
        if (takes_all && !room_for_all) roomiest = nullptr;  // only such nodes count from now on
        room_for_all |= takes_all;
        if (room_for_all && !takes_all) continue;
        if (roomiest == nullptr || compare_capacity(*entry.node, *roomiest) < 0) {
            roomiest = entry.node;
        }
    }
    const Amounts& needed = room_for_all ? together : resource.utilization;
    for (Allowed& entry : resource.allowed) {
        if (!is_usable(*entry.node) || entry.score < Score()) continue;
        if (!fits(*entry.node, needed)) entry.score = Score::never();
    }
    // If no node takes the whole bunch, as much of it as possible should be together.
    return room_for_all ? nullptr : roomiest;
}

}  // namespace xbeat::schedule
