// Questions about nodes and resources that several stages ask.
#include "schedule/world.h"

#include <algorithm>

#include "core/text.h"

namespace xbeat::schedule {

const Allowed* Table::find(const Node* node) const {
    if (node == nullptr) return nullptr;
    // Most tables hold every node: then the node's own index is its place.
    if (node->index < entries_.size() && entries_[node->index].node == node) {
        return &entries_[node->index];
    }
    const auto at = std::lower_bound(
        entries_.begin(), entries_.end(), node->index,
        [](const Allowed& entry, std::uint32_t index) { return entry.node->index < index; });
    return at != entries_.end() && at->node == node ? &*at : nullptr;
}

Allowed& Table::enter(Node* node) {
    const auto at = std::lower_bound(
        entries_.begin(), entries_.end(), node->index,
        [](const Allowed& entry, std::uint32_t index) { return entry.node->index < index; });
    if (at != entries_.end() && at->node == node) return *at;
    Allowed entry;
    entry.node = node;
    entry.score = Score::of(node->initial_score);
    // A bundle's node is for the bundle's own resource alone.
    if (node->is_bundle) entry.discovery = Discovery::Never;
    return *entries_.insert(at, entry);
}

void Table::erase(const Node* node) {
    std::erase_if(entries_, [node](const Allowed& entry) { return entry.node == node; });
}

bool is_name_before(std::string_view a, std::string_view b) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto take_number = [&is_digit](std::string_view& text) {
        while (text.size() > 1 && text.front() == '0' && is_digit(text[1])) text.remove_prefix(1);
        std::size_t end = 0;
        while (end < text.size() && is_digit(text[end])) ++end;
        const std::string_view number = text.substr(0, end);
        text.remove_prefix(end);
        return number;
    };
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    while (!a.empty() && !b.empty()) {
        if (is_digit(a.front()) && is_digit(b.front())) {
            const std::string_view number_a = take_number(a);
            const std::string_view number_b = take_number(b);
            if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
            if (number_a != number_b) return number_a < number_b;
            continue;
        }
        const auto c_a = static_cast<unsigned char>(lower(a.front()));
        const auto c_b = static_cast<unsigned char>(lower(b.front()));
        if (c_a != c_b) return c_a < c_b;
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    return a.empty() && !b.empty();
}

void NodeList::insert(Node& node) {
    const auto at = std::find_if(order_.begin(), order_.end(), [&node](const Node* present) {
        return is_name_before(node.name, present->name);
    });
    order_.insert(at, &node);
}

Resource* World::find_resource(std::string_view id) const {
    const auto at = resource_by_id.find(id);
    return at == resource_by_id.end() ? nullptr : at->second;
}

Node* World::find_node(std::string_view name) const {
    const auto at = node_by_name.find(name);
    if (at != node_by_name.end()) return at->second;
    // As host names are, but rarely written so.
    for (const auto& [other, node] : node_by_name) {
        if (equals_ignoring_case(other, name)) return node;
    }
    return nullptr;
}

Node* World::find_node_by_id(std::string_view id) const {
    const auto at = node_by_id.find(id);
    return at == node_by_id.end() ? nullptr : at->second;
}

bool is_guest(const Node& node) {
    return node.variant == NodeVariant::Remote && node.remote != nullptr &&
           node.remote->launcher != nullptr;
}

bool is_remote(const Node& node) {
    return node.variant == NodeVariant::Remote &&
           (node.remote == nullptr || node.remote->launcher == nullptr);
}

bool is_guest_or_remote(const Node& node) { return node.variant == NodeVariant::Remote; }

bool is_bundle_node(const Node& node) {
    return is_guest(node) && is_bundled(*node.remote->launcher);
}

bool is_usable(const Node& node, bool consider_guest_host) {
    if (!node.online || node.shutting_down || node.unclean || node.standby || node.maintenance ||
        node.pending) {
        return false;
    }
    if (consider_guest_host && is_guest(node)) return node.remote->launcher->assigned != nullptr;
    return true;
}

const std::string* node_attribute(const Node& node, std::string_view name) {
    const auto at = node.attributes.find(name);
    return at == node.attributes.end() ? nullptr : &at->second;
}

std::string resource_node_attribute(const Node* node, std::string_view name,
                                    const Resource* resource, bool assigned_host) {
    if (node == nullptr) return {};
    const std::string* value = nullptr;
    const Node* where = node;
    const std::string* target =
        resource == nullptr ? nullptr : meta(*resource, "container-attribute-target");
    if (target != nullptr && equals_ignoring_case(*target, "host") && is_guest(*node)) {
        const Resource& launcher = *node->remote->launcher;
        const Node* host = launcher.assigned;
        if (!assigned_host) {
            host = launcher.running_on.empty() ? nullptr : launcher.running_on.front();
        }
        if (host == nullptr) return {};
        where = host;
    }
    value = node_attribute(*where, name);
    return value == nullptr ? std::string() : *value;
}

const std::string* meta(const Resource& resource, std::string_view name) {
    const auto at = resource.meta.find(name);
    return at == resource.meta.end() ? nullptr : &at->second;
}

bool is_clone(const Resource& resource) { return resource.kind == Kind::Clone; }

bool is_clone_or_bundle(const Resource& resource) {
    return resource.kind == Kind::Clone || resource.kind == Kind::Bundle;
}

bool is_anonymous_clone(const Resource& resource) {
    return resource.kind == Kind::Clone && !resource.unique;
}

Resource* top_of(Resource& resource, bool include_bundle) {
    Resource* at = &resource;
    while (at->parent != nullptr && (include_bundle || at->parent->kind != Kind::Bundle)) {
        at = at->parent;
    }
    return at;
}

const Resource* top_of(const Resource& resource, bool include_bundle) {
    return top_of(const_cast<Resource&>(resource), include_bundle);
}

bool is_bundled(const Resource& resource) {
    return resource.kind != Kind::Bundle && top_of(resource, true)->kind == Kind::Bundle;
}

bool is_in_clone(const Resource& resource) {
    for (const Resource* at = resource.parent; at != nullptr; at = at->parent) {
        if (at->kind == Kind::Clone) return true;
    }
    return false;
}

Resource* bundle_of(const Resource& resource) {
    Resource* top = top_of(const_cast<Resource&>(resource), true);
    return top->kind == Kind::Bundle ? top : nullptr;
}

Replica* replica_of(const Resource& resource) {
    const Resource* bundle = bundle_of(resource);
    if (bundle == nullptr) return nullptr;
    const Resource* at = &resource;
    for (Replica& replica : bundle->bundle->parts) {
        if (replica.ip == at || replica.container == at || replica.connection == at ||
            replica.child == at) {
            return &replica;
        }
    }
    return nullptr;
}

bool is_active(const Resource& resource, bool all) {
    if (resource.kind == Kind::Bundle) {
        for (const Replica& replica : resource.bundle->parts) {
            for (const Resource* part :
                 {replica.ip, replica.child, replica.container, replica.connection}) {
                if (part == nullptr) continue;
                const bool part_active = is_active(*part, all);
                if (part_active && !all) return true;
                if (!part_active && all) return false;
            }
        }
        return all;
    }
    if (!resource.children.empty()) {
        for (const Resource* child : resource.children) {
            const bool child_active = is_active(*child, all);
            if (child_active && !all) return true;
            if (!child_active && all) return false;
        }
        return all;
    }
    for (const Node* node : resource.running_on) {
        if (node->unclean || node->online || !resource.managed) return true;
    }
    return false;
}

ActiveNodes active_nodes(const Resource& resource) {
    ActiveNodes out;
    const Node* source = resource.migration_source;
    Node* first = nullptr;
    for (Node* node : resource.running_on) {
        ++out.all;
        const bool is_clean = node->online && !node->unclean;
        if (is_clean) ++out.clean;
        if (first == nullptr) first = node;
        if (source != nullptr) {
            if (node == source) out.one = node;  // a migration's source counts as the place
        } else if (resource.needs_fencing) {
            if (out.one == nullptr) out.one = node;
        } else if (is_clean && out.one == nullptr) {
            // Without fencing what an unclean node runs is no longer of interest.
            out.one = node;
        }
    }
    if (out.one == nullptr) out.one = first;
    return out;
}

Node* active_on(const Resource& resource) { return active_nodes(resource).one; }

bool runs_on(const std::vector<Node*>& nodes, const Node* node) {
    return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

Role role_of(const Resource& resource, bool current) {
    if (resource.children.empty() || resource.kind == Kind::Primitive) {
        return current ? resource.role : resource.next_role;
    }
    Role highest = Role::Unknown;
    for (const Resource* child : resource.children) {
        highest = std::max(highest, role_of(*child, current));
    }
    return highest;
}

std::optional<std::int32_t> instance_number(std::string_view id) {
    const std::size_t colon = id.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == id.size()) return std::nullopt;
    const std::string_view digits = id.substr(colon + 1);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    const auto number = parse_integer(digits);
    if (!number || *number > 1'000'000) return std::nullopt;
    return static_cast<std::int32_t>(*number);
}

std::string_view base_name(std::string_view id) {
    return instance_number(id) ? id.substr(0, id.rfind(':')) : id;
}

void set_next_role(World& world, Resource& resource, Role role, std::string_view why) {
    if (resource.next_role == role) return;
    if (world.record.explanation != nullptr) {
        world.record.roles.emplace_back(&resource, std::pair(role, std::string(why)));
    }
    resource.next_role = role;
}

void add_location_score(World& world, Resource& resource, Node* node, Score score) {
    if (node == nullptr) {
        for (Node& each : world.nodes) add_location_score(world, resource, &each, score);
    } else {
        if (resource.kind != Kind::Primitive) {
            for (Resource* child : resource.children) {
                add_location_score(world, *child, node, score);
            }
        }
        Allowed& entry = resource.allowed.enter(node);
        entry.score = entry.score + score;
    }
}

void mark_tree(Resource& resource, bool Resource::*field, bool value) {
    resource.*field = value;
    for (Resource* child : resource.children) mark_tree(*child, field, value);
}

Attributes parameters_of(World& world, const Resource& resource, const Node* node) {
    Attributes out;
    rules::RuleInput input{.now = world.now, .ids = &world.ids};
    if (node != nullptr) input.node_attributes = &node->attributes;
    input.resource_meta = &resource.meta;
    for (const Resource* at = &resource; at != nullptr; at = at->parent) {
        if (at->xml != nullptr) {
            rules::collect_attributes(*at->xml, "instance_attributes", input, {}, out,
                                      &world.recheck_by);
        }
        if (at->parent == nullptr || at->parent->kind == Kind::Bundle) break;
    }
    return out;
}

}  // namespace xbeat::schedule
