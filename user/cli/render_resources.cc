#include "cli/render_resources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "cli/words.h"

namespace xbeat::cli {
namespace {

using schedule::NodeView;
using schedule::ResourceKind;
using schedule::ResourceView;
using schedule::RoleView;

const NodeView* find_node(const std::vector<NodeView>& nodes, std::string_view name) {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const NodeView& node) { return node.name == name; });
    return found == nodes.end() ? nullptr : &*found;
}

// Whether it is where nobody can look: its node is gone and not fenced yet.
bool is_unclean(const ResourceView& resource, const std::vector<NodeView>& nodes) {
    return std::any_of(resource.nodes.begin(), resource.nodes.end(), [&](const std::string& name) {
        const NodeView* node = find_node(nodes, name);
        return node != nullptr && node->unclean && !node->online;
    });
}

std::string in_parentheses(const std::vector<std::string>& flags) {
    return flags.empty() ? std::string() : fmt::format(" ({})", fmt::join(flags, ", "));
}

void add_management(const ResourceView& resource, std::vector<std::string>& flags) {
    if (resource.is_blocked) {
        flags.emplace_back("blocked");
    } else if (resource.is_in_maintenance) {
        flags.emplace_back("maintenance");
    } else if (!resource.is_managed) {
        flags.emplace_back("unmanaged");
    }
}

std::vector<std::string> primitive_flags(const ResourceView& resource,
                                         const std::vector<NodeView>& nodes) {
    std::vector<std::string> flags;
    if (!resource.locked_to.empty()) flags.emplace_back("LOCKED");
    if (is_unclean(resource, nodes)) flags.emplace_back("UNCLEAN");
    if (resource.is_disabled) flags.emplace_back("disabled");
    const bool held_back = resource.target_role == "Unpromoted" || resource.target_role == "Slave";
    if (!resource.is_disabled && held_back) flags.emplace_back("target-role:Unpromoted");
    add_management(resource, flags);
    if (resource.is_failure_ignored) flags.emplace_back("failure ignored");
    return flags;
}

// A probe or monitor under way changes nothing that is worth a word.
bool is_changing(const ResourceView& resource) {
    return !resource.pending_task.empty() && resource.pending_task != "Monitoring";
}

std::string state_text(const ResourceView& resource) {
    if (is_changing(resource)) return resource.pending_task;
    if (!resource.is_failed) return std::string(to_string(resource.role));
    return resource.role == RoleView::Promoted ? "FAILED Promoted" : "FAILED";
}

// Where it is, before or behind the flags: one node reads on, several stand in brackets.
std::string place_text(const ResourceView& resource, const std::string& flags) {
    const std::vector<std::string> nodes = resource.nodes.empty() && !resource.locked_to.empty()
                                               ? std::vector<std::string>{resource.locked_to}
                                               : resource.nodes;
    if (nodes.empty()) return flags;
    if (nodes.size() == 1) return fmt::format(" {}{}", nodes.front(), flags);
    return fmt::format("{} [ {} ]", flags, fmt::join(nodes, " "));
}

std::string without_instance(std::string_view id) {
    const std::size_t colon = id.find_last_of(':');
    if (colon == std::string_view::npos || colon + 1 == id.size()) return std::string(id);
    const std::string_view number = id.substr(colon + 1);
    const bool all_digits =
        std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    return std::string(all_digits ? id.substr(0, colon) : id);
}

// Whether any member is active and another is not: worth showing one by one.
bool is_partly_active(const ResourceView& resource) {
    if (resource.children.empty()) return false;
    const auto active =
        std::count_if(resource.children.begin(), resource.children.end(), is_active);
    return active > 0 && active < static_cast<std::ptrdiff_t>(resource.children.size());
}

bool any_part(const ResourceView& resource, bool (*test)(const ResourceView&)) {
    if (test(resource)) return true;
    return std::any_of(resource.children.begin(), resource.children.end(),
                       [&](const ResourceView& child) { return any_part(child, test); });
}

bool is_unusual(const ResourceView& part) {
    return part.is_failed || part.is_blocked || part.is_orphan || !part.is_managed ||
           part.is_in_maintenance || part.is_failure_ignored || is_changing(part);
}

// The role and the place that stand for an instance; a group's are those of its first member.
const ResourceView& leader(const ResourceView& instance) {
    return instance.children.empty() ? instance : leader(instance.children.front());
}

// In a promotable clone, what runs and is not promoted is unpromoted: no other word is used there.
void name_unpromoted(ResourceView& resource) {
    if (resource.role == RoleView::Started) resource.role = RoleView::Unpromoted;
    for (ResourceView& child : resource.children) name_unpromoted(child);
}

struct Lines {
    const std::vector<NodeView>& nodes;
    ResourceOptions options;
    std::vector<std::string> out;

    void add(std::size_t indent, std::string_view text) {
        out.push_back(fmt::format("{:{}}* {}", "", indent, text));
    }
    void any(const ResourceView& resource, std::size_t indent);
    void group(const ResourceView& resource, std::size_t indent);
    void clone(const ResourceView& resource, std::size_t indent);
    void bundle(const ResourceView& resource, std::size_t indent);
    bool stands_alone(const ResourceView& clone, const ResourceView& instance) const;
    void stopped_instances(const ResourceView& resource, std::size_t indent);
};

void Lines::any(const ResourceView& resource, std::size_t indent) {
    switch (resource.kind) {
        case ResourceKind::Primitive:
            add(indent, primitive_text(resource, nodes, true));
            return;
        case ResourceKind::Group:
            return group(resource, indent);
        case ResourceKind::Clone:
            return clone(resource, indent);
        case ResourceKind::Bundle:
            return bundle(resource, indent);
    }
}

std::vector<std::string> collective_flags(const ResourceView& resource) {
    std::vector<std::string> flags;
    if (resource.is_promotable) flags.emplace_back("promotable");
    if (resource.is_unique) flags.emplace_back("unique");
    if (resource.is_disabled) flags.emplace_back("disabled");
    if (resource.is_in_maintenance) {
        flags.emplace_back("maintenance");
    } else if (!resource.is_managed) {
        flags.emplace_back("unmanaged");
    }
    return flags;
}

void Lines::group(const ResourceView& resource, std::size_t indent) {
    std::vector<std::string> flags;
    if (resource.is_disabled) flags.emplace_back("disabled");
    if (resource.is_in_maintenance) {
        flags.emplace_back("maintenance");
    } else if (!resource.is_managed) {
        flags.emplace_back("unmanaged");
    }
    add(indent, fmt::format("Resource Group: {}{}:", resource.id, in_parentheses(flags)));
    for (const ResourceView& member : resource.children) {
        if (options.inactive || is_active(member)) any(member, indent + 2);
    }
}

bool Lines::stands_alone(const ResourceView& clone, const ResourceView& instance) const {
    if (clone.is_unique || options.detail) return true;
    if (is_partly_active(instance)) return true;
    if (!is_active(instance)) return false;
    if (any_part(instance, is_unusual)) return true;
    return is_unclean(leader(instance), nodes);
}

void Lines::stopped_instances(const ResourceView& resource, std::size_t indent) {
    std::vector<std::string> busy;
    std::int32_t listed = 0;  // instances that stand alone do not count, as in crm_mon
    for (const ResourceView& instance : resource.children) {
        if (!is_active(instance)) continue;
        if (!stands_alone(resource, instance)) ++listed;
        const std::vector<std::string>& places = leader(instance).nodes;
        busy.insert(busy.end(), places.begin(), places.end());
        for (const ResourceView& member : instance.children) {
            busy.insert(busy.end(), member.nodes.begin(), member.nodes.end());
        }
    }
    if (listed >= resource.clone_max) return;
    std::vector<std::string> idle;
    for (const NodeView& node : nodes) {
        if (node.type == schedule::NodeType::Ping) continue;
        if (node.type == schedule::NodeType::Guest && !node.online) continue;
        if (std::find(busy.begin(), busy.end(), node.name) == busy.end()) idle.push_back(node.name);
    }
    if (idle.empty()) return;
    add(indent,
        fmt::format("Stopped{}: {}", resource.is_disabled ? " (disabled)" : "", bracketed(idle)));
}

void Lines::clone(const ResourceView& original, std::size_t indent) {
    ResourceView resource = original;
    if (resource.is_promotable) {
        for (ResourceView& instance : resource.children) name_unpromoted(instance);
    }
    const std::string child = resource.children.empty()
                                  ? ""
                                  : fmt::format(" [{}]", without_instance(resource.children[0].id));
    add(indent, fmt::format("Clone Set: {}{}{}:", resource.id, child,
                            in_parentheses(collective_flags(resource))));
    std::map<RoleView, std::vector<std::string>> places;
    for (const ResourceView& instance : resource.children) {
        if (stands_alone(resource, instance)) {
            const bool is_news = is_active(instance) || (options.inactive && !instance.is_orphan);
            if (is_news) any(instance, indent + 2);
            continue;
        }
        const ResourceView& first = leader(instance);
        if (!is_active(instance)) continue;
        auto& list = places[first.role];
        list.insert(list.end(), first.nodes.begin(), first.nodes.end());
    }
    for (const RoleView role : {RoleView::Promoted, RoleView::Started, RoleView::Unpromoted}) {
        const auto found = places.find(role);
        if (found == places.end()) continue;
        add(indent + 2, fmt::format("{}: {}", to_string(role), bracketed(found->second)));
    }
    if (options.inactive && !resource.is_unique) stopped_instances(resource, indent + 2);
}

// One replica of a bundle: what was made for it, some of it optional.
struct Replica {
    const ResourceView* address = nullptr;
    const ResourceView* service = nullptr;
    const ResourceView* container = nullptr;
    const ResourceView* connection = nullptr;
};

bool is_container(const ResourceView& part) {
    const std::string& type = part.agent_type;
    return part.agent_class == "ocf" && (type == "docker" || type == "podman" || type == "rkt");
}

// The parts stand in a row: address, service, container, connection, for one replica after another.
std::vector<Replica> replicas_of(const ResourceView& bundle) {
    std::vector<Replica> replicas;
    Replica next;
    const std::string address_prefix = bundle.id + "-ip-";
    for (const ResourceView& part : bundle.children) {
        if (part.agent_type == "remote" && !replicas.empty() && next.service == nullptr) {
            replicas.back().connection = &part;
        } else if (is_container(part)) {
            next.container = &part;
            replicas.push_back(std::exchange(next, {}));
        } else if (part.id.starts_with(address_prefix)) {
            next.address = &part;
        } else {
            next.service = &part;
        }
    }
    return replicas;
}

// A replica in one line: the service's state, named after the replica, at the container's place.
ResourceView as_one(const ResourceView& bundle, const Replica& replica) {
    ResourceView one = replica.service != nullptr ? *replica.service : *replica.container;
    one.display_name = (replica.connection != nullptr ? replica.connection : replica.container)->id;
    one.is_orphan = false;
    if (replica.address != nullptr) {
        one.display_name += fmt::format(" ({})", replica.address->id.substr(bundle.id.size() + 4));
    }
    one.nodes = replica.container->nodes;
    if (one.is_promotable) name_unpromoted(one);
    return one;
}

void Lines::bundle(const ResourceView& resource, std::size_t indent) {
    const std::string_view set = resource.clone_max > 1 ? " set" : "";
    add(indent, fmt::format("Container bundle{}: {} [{}]{}:", set, resource.id,
                            resource.container_image, in_parentheses(collective_flags(resource))));
    std::size_t number = 0;
    for (const Replica& replica : replicas_of(resource)) {
        if (!options.detail) {
            const ResourceView one = as_one(resource, replica);
            if (options.inactive || is_active(one)) any(one, indent + 2);
            continue;
        }
        add(indent + 2, fmt::format("Replica[{}]", number++));
        for (const ResourceView* part :
             {replica.address, replica.service, replica.container, replica.connection}) {
            if (part != nullptr) any(*part, indent + 4);
        }
    }
}

}  // namespace

bool is_active(const ResourceView& resource) {
    if (resource.kind == ResourceKind::Primitive || resource.children.empty()) {
        return resource.role > RoleView::Stopped || !resource.nodes.empty() || resource.is_failed ||
               is_changing(resource);
    }
    return std::any_of(resource.children.begin(), resource.children.end(), is_active);
}

std::string agent_text(const ResourceView& primitive) {
    if (primitive.agent_provider.empty()) {
        return fmt::format("{}:{}", primitive.agent_class, primitive.agent_type);
    }
    return fmt::format("{}:{}:{}", primitive.agent_class, primitive.agent_provider,
                       primitive.agent_type);
}

std::string primitive_text(const ResourceView& primitive, const std::vector<NodeView>& nodes,
                           bool with_nodes) {
    const std::string flags = in_parentheses(primitive_flags(primitive, nodes));
    const std::string name = primitive.is_orphan && !primitive.is_unique
                                 ? without_instance(primitive.id)
                                 : primitive.display_name;
    return fmt::format("{}\t({}):\t{} {}{}", name, agent_text(primitive),
                       primitive.is_orphan ? " ORPHANED" : "", state_text(primitive),
                       with_nodes ? place_text(primitive, flags) : flags);
}

std::vector<std::string> resource_lines(const ResourceView& resource,
                                        const std::vector<NodeView>& nodes, ResourceOptions options,
                                        std::size_t indent) {
    if (!is_active(resource) && (!options.inactive || resource.is_orphan)) return {};
    Lines lines{.nodes = nodes, .options = options, .out = {}};
    lines.any(resource, indent);
    return std::move(lines.out);
}

namespace {

const ResourceView* find_primitive(const std::vector<ResourceView>& resources,
                                   std::string ResourceView::*member, std::string_view name) {
    for (const ResourceView& one : resources) {
        if (one.kind == ResourceKind::Primitive && one.*member == name) return &one;
        if (const ResourceView* found = find_primitive(one.children, member, name)) return found;
    }
    return nullptr;
}

}  // namespace

const ResourceView* find_history(const std::vector<ResourceView>& resources,
                                 std::string_view name) {
    if (const ResourceView* own = find_primitive(resources, &ResourceView::id, name)) return own;
    const std::string_view base = name.substr(0, name.rfind(':'));
    return find_primitive(resources, &ResourceView::display_name, base);
}

bool is_gone(const ResourceView& resource) {
    if (resource.children.empty()) return resource.is_orphan && !is_active(resource);
    return std::all_of(resource.children.begin(), resource.children.end(), is_gone);
}

bool is_shown_attribute(std::string_view name) {
    constexpr std::array<std::string_view, 3> kPrefixes{"fail-count-", "last-failure-", "#"};
    constexpr std::array<std::string_view, 3> kNames{"standby", "shutdown", "terminate"};
    const bool is_prefixed =
        std::any_of(kPrefixes.begin(), kPrefixes.end(),
                    [&](std::string_view one) { return name.starts_with(one); });
    return !is_prefixed && std::find(kNames.begin(), kNames.end(), name) == kNames.end();
}

std::string_view node_type_text(schedule::NodeType type) {
    switch (type) {
        case schedule::NodeType::Remote:
        case schedule::NodeType::Guest:
            return "remote";
        case schedule::NodeType::Ping:
            return "ping";
        case schedule::NodeType::Member:
            return "member";
    }
    return "member";
}

}  // namespace xbeat::cli
