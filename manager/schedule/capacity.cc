// Utilization: which node has room for a resource and what it drags along.
#include <algorithm>

#include "schedule/assign.h"
#include "schedule/colocate.h"

namespace xbeat::schedule {
namespace {

using Amounts = std::map<std::string, std::int32_t, std::less<>>;

bool fits(const Node& node, const Amounts& needs) {
    return std::all_of(needs.begin(), needs.end(), [&node](const auto& need) {
        // What a node says nothing about it has without limit.
        const auto at = node.capacity.find(need.first);
        return at == node.capacity.end() || need.second <= at->second;
    });
}

void add(Amounts& sum, const Amounts& amounts) {
    for (const auto& [name, amount] : amounts) sum[name] += amount;
}

void add_needs(const Resource& resource, const std::vector<Resource*>& all, Amounts& sum);

// What a resource needs itself; of a clone one instance, of a group all members.
void add_own_needs(const Resource& resource, Amounts& sum) {
    switch (resource.kind) {
        case Kind::Primitive:
            if (resource.unassigned) add(sum, resource.utilization);
            break;
        case Kind::Group:
            for (const Resource* member : resource.children) add_own_needs(*member, sum);
            break;
        case Kind::Clone:
            if (!resource.children.empty()) add_own_needs(*resource.children.front(), sum);
            break;
        case Kind::Bundle:
            if (!resource.bundle->parts.empty()) {
                add_own_needs(*resource.bundle->parts.front().container, sum);
            }
            break;
    }
}

void add_needs(const Resource& resource, const std::vector<Resource*>& all, Amounts& sum) {
    add_own_needs(resource, sum);
    // A group whose member is in the bunch already is not counted twice.
    static_cast<void>(all);
}

bool contains(const std::vector<Resource*>& list, const Resource* resource) {
    return std::find(list.begin(), list.end(), resource) != list.end();
}

// Everything that must be on the same node, over mandatory colocations in both directions.
void collect_bunch(Resource& resource, std::vector<Resource*>& bunch) {
    if (contains(bunch, &resource)) return;
    bunch.push_back(&resource);
    Resource* group = resource.parent != nullptr && resource.parent->kind == Kind::Group
                          ? resource.parent
                          : nullptr;
    if (resource.kind == Kind::Group) group = nullptr;
    for (const Colocation* each : this_with(resource)) {
        if (each->score == Score::always()) collect_bunch(*each->primary, bunch);
    }
    for (const Colocation* each : with_this(resource)) {
        // Which instance of a clone another resource goes with is not known.
        if (is_clone(resource) && !is_clone(*each->dependent)) continue;
        if (each->score == Score::always()) collect_bunch(*each->dependent, bunch);
    }
    static_cast<void>(group);
}

Amounts needs_of_bunch(const std::vector<Resource*>& bunch, const Resource& origin) {
    Amounts sum;
    std::vector<const Resource*> counted;
    for (const Resource* each : bunch) {
        if (each == &origin || !each->unassigned) continue;
        // Members stand for themselves if their group is in the bunch too.
        const bool parent_present = each->parent != nullptr && contains(bunch, each->parent);
        if (parent_present) continue;
        add_needs(*each, bunch, sum);
    }
    return sum;
}

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
        const auto at = node.capacity.find(name);
        if (at == node.capacity.end()) continue;
        at->second += release ? amount : -amount;
    }
}

Node* ban_full_nodes(World& world, Resource& resource) {
    if (world.options.placement == "default") return nullptr;
    std::vector<Resource*> bunch;
    collect_bunch(resource, bunch);
    Amounts together = needs_of_bunch(bunch, resource);
    add_own_needs(resource, together);
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
    return room_for_all || bunch.size() < 2 ? nullptr : roomiest;
}

}  // namespace xbeat::schedule
