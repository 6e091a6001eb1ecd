#include "schedule/resources.h"

#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "rules/calendar.h"
#include "rules/template.h"
#include "schedule/bundle.h"

namespace xbeat::schedule {
namespace {

bool is_connection_xml(const cib::Element& xml) {
    return xml.get("class") == "ocf" && xml.get("provider") == "pacemaker" &&
           xml.get("type") == "remote";
}

std::optional<Kind> kind_of(std::string_view element) {
    if (element == "primitive") return Kind::Primitive;
    if (element == "group") return Kind::Group;
    if (element == "clone" || element == "master") return Kind::Clone;
    if (element == "bundle") return Kind::Bundle;
    return std::nullopt;
}

constexpr std::int64_t kInstancesMax = 10'000;  // more is cut

std::int32_t small_integer(const std::string* text, std::int32_t fallback) {
    if (text == nullptr) return fallback;
    return effective_score(*text, Score::of(fallback)).points();
}

// --- Templates -----------------------------------------------------------------------------------

// The primitive with what its template adds.
const cib::Element& merge_template(World& world, const cib::Element& xml) {
    std::optional<cib::Element> merged = rules::merge_template(xml, world.ids);
    return merged ? world.own_xml.emplace_back(std::move(*merged)) : xml;
}

// --- Meta-attributes and flags -------------------------------------------------------------------

void read_meta(World& world, Resource& resource) {
    const rules::RuleInput input{.now = world.now,
                                 .ids = &world.ids,
                                 .agent_class = resource.agent_class,
                                 .agent_provider = resource.agent_provider,
                                 .agent_type = resource.agent_type,
                                 .has_agent = resource.kind == Kind::Primitive};
    rules::collect_attributes(*resource.xml, "meta_attributes", input, {}, resource.meta,
                              &world.recheck_by);
    if (resource.parent != nullptr) {
        for (const Resource* up = resource.parent; up != nullptr; up = up->parent) {
            rules::collect_attributes(*up->xml, "meta_attributes", input, {}, resource.meta);
        }
        // What a clone fixes by default is fixed for its instances as well.
        for (const std::string_view name : {"globally-unique", "resource-stickiness"}) {
            if (const std::string* value = meta(*resource.parent, name)) {
                resource.meta.emplace(name, *value);
            }
        }
    }
    if (const cib::Element* configuration = world.cib->child("configuration")) {
        if (const cib::Element* defaults = configuration->child("rsc_defaults")) {
            rules::collect_attributes(*defaults, "meta_attributes", input, {}, resource.meta,
                                      &world.recheck_by);
        }
    }
}

// What is neither true nor false is false, as in Pacemaker, whatever nothing at all would be.
bool meta_boolean(const Resource& resource, std::string_view name, bool fallback) {
    const std::string* text = meta(resource, name);
    return text == nullptr ? fallback : parse_boolean(*text).value_or(false);
}

void read_requires(const World& world, Resource& resource) {
    const ClusterOptions& options = world.options;
    std::string value = to_lower(meta(resource, "requires") != nullptr ? *meta(resource, "requires")
                                                                       : std::string());
    const bool is_special = resource.is_fence_device || resource.is_connection;
    if (value != "nothing" && value != "quorum" && value != "fencing" && value != "unfencing") {
        if (is_special) {
            value = "quorum";
        } else if (options.have_unfencing) {
            value = "unfencing";
        } else if (options.fencing_enabled) {
            value = "fencing";
        } else {
            value = options.no_quorum_policy == QuorumPolicy::Ignore ? "nothing" : "quorum";
        }
    }
    if (value == "unfencing" && (resource.is_fence_device || !options.fencing_enabled)) {
        value = "quorum";
    }
    if (value == "fencing" && !options.fencing_enabled) value = "quorum";
    resource.needs_quorum = value == "quorum";
    resource.needs_fencing = value == "fencing" || value == "unfencing";
    resource.needs_unfencing = value == "unfencing";
}

MultipleActive parse_multiple_active(const std::string* text) {
    if (text == nullptr) return MultipleActive::StopStart;
    if (equals_ignoring_case(*text, "stop_only")) return MultipleActive::StopOnly;
    if (equals_ignoring_case(*text, "block")) return MultipleActive::Block;
    if (equals_ignoring_case(*text, "stop_unexpected")) return MultipleActive::StopUnexpected;
    return MultipleActive::StopStart;
}

void read_flags(World& world, Resource& resource) {
    const std::string* managed = meta(resource, "is-managed");
    resource.managed = meta_boolean(resource, "is-managed", true) ||
                       (managed != nullptr && equals_ignoring_case(*managed, "default"));
    resource.maintenance = meta_boolean(resource, "maintenance", false);
    if (world.options.maintenance_mode) resource.maintenance = true;
    if (resource.maintenance) resource.managed = false;
    resource.critical = meta_boolean(resource, "critical", true);
    resource.notify = meta_boolean(resource, "notify", false);
    resource.allow_unhealthy = meta_boolean(resource, "allow-unhealthy-nodes", false);
    resource.priority = small_integer(meta(resource, "priority"), 0);
    resource.multiple_active = parse_multiple_active(meta(resource, "multiple-active"));
    if (const std::string* text = meta(resource, "resource-stickiness")) {
        resource.stickiness = equals_ignoring_case(*text, "default") ? 0 : small_integer(text, 0);
    }
    if (const std::string* text = meta(resource, "migration-threshold")) {
        const std::int32_t threshold = small_integer(text, Score::kInfinity);
        resource.migration_threshold = threshold < 0 ? Score::kInfinity : threshold;
    }
    if (const std::string* text = meta(resource, "failure-timeout")) {
        resource.failure_timeout_ms = rules::parse_interval_ms(*text).value_or(0);
    }
    // A connection may move while what runs on its remote node stays; a guest's goes with the
    // guest.
    resource.allow_migrate =
        meta_boolean(resource, "allow-migrate",
                     resource.is_connection && meta(resource, "container") == nullptr);
    resource.unique =
        meta_boolean(resource, "globally-unique", top_of(resource)->kind != Kind::Clone);
    read_requires(world, resource);
}

void read_utilization(World& world, Resource& resource) {
    Attributes amounts;
    const rules::RuleInput input{.now = world.now, .ids = &world.ids};
    rules::collect_attributes(*resource.xml, "utilization", input, {}, amounts, &world.recheck_by);
    for (const auto& [name, value] : amounts) {
        const std::int64_t amount = leading_integer(value).value_or(0);
        resource.utilization[name] = static_cast<std::int32_t>(
            std::clamp<std::int64_t>(amount, -1'000'000'000, 1'000'000'000));
    }
}

// --- Kinds ---------------------------------------------------------------------------------------

// Only OCF and fence agents know about instance numbers: clones of others are anonymous, whatever
// they say. What an unfinished instance holds before such a member keeps its numbers.
void force_anonymous(World& world, Resource& resource) {
    Resource* clone = top_of(resource);
    if (!resource.unique || clone->kind != Kind::Clone || resource.agent_class == "ocf" ||
        resource.agent_class == "stonith") {
        return;
    }
    mark_tree(*clone, &Resource::unique, false);
    resource.unique = false;
    clone->clone.clone_node_max = 1;
    clone->clone.clone_max =
        std::min(clone->clone.clone_max, static_cast<std::int32_t>(world.nodes.size()));
}

void unpack_primitive(World& world, Resource& resource) {
    force_anonymous(world, resource);
    const cib::Element* operations = resource.xml->child("operations");
    resource.operations = operations == nullptr ? nullptr : world.ids.resolve(*operations);
    if (!resource.is_connection) return;
    const Attributes parameters = parameters_of(world, resource, nullptr);
    if (const auto at = parameters.find("reconnect_interval"); at != parameters.end()) {
        resource.reconnect_interval_ms = rules::parse_interval_ms(at->second).value_or(0);
        resource.failure_timeout_ms = resource.reconnect_interval_ms;
    }
}

void unpack_group(World& world, Resource& group, std::optional<std::int32_t> instance) {
    group.group_ordered = meta_boolean(group, "ordered", true);
    group.group_colocated = meta_boolean(group, "collocated", true);
    for (const cib::Element& child : group.xml->children) {
        if (child.name != "primitive") continue;
        if (Resource* member = unpack_resource(world, child, &group, instance)) {
            group.children.push_back(member);
        }
    }
}

const cib::Element* instance_xml(const Resource& clone) {
    for (const cib::Element& child : clone.xml->children) {
        if (child.name == "primitive" || child.name == "group") return &child;
    }
    return nullptr;
}

void unpack_clone(World& world, Resource& clone) {
    CloneData& data = clone.clone;
    clone.promotable = clone.xml->name == "master" || meta_boolean(clone, "promotable", false);
    const auto number = [&clone](std::string_view name, std::string_view old_name,
                                 std::int32_t fallback) {
        const std::string* text = meta(clone, name);
        if (text == nullptr && !old_name.empty()) text = meta(clone, old_name);
        if (text == nullptr) return fallback;
        // None of an unreadable number, also of INFINITY: these are no scores.
        return static_cast<std::int32_t>(
            std::clamp<std::int64_t>(leading_integer(*text).value_or(0), 0, kInstancesMax));
    };
    if (clone.promotable) {
        data.promoted_max = number("promoted-max", "master-max", 1);
        data.promoted_node_max = number("promoted-node-max", "master-node-max", 1);
    }
    data.clone_node_max = number("clone-node-max", "", 1);
    clone.unique = meta_boolean(clone, "globally-unique", data.clone_node_max > 1);
    data.clone_max =
        number("clone-max", "", std::max(1, static_cast<std::int32_t>(world.nodes.size())));
    data.clone_min = number("clone-min", "", 0);
    data.interleave = meta_boolean(clone, "interleave", false);
    data.ordered = meta_boolean(clone, "ordered", false);
    if (!clone.unique && data.clone_node_max > 1) data.clone_node_max = 1;
    if (meta(clone, "resource-stickiness") == nullptr) {
        clone.meta["resource-stickiness"] = "1";
        clone.stickiness = 1;
    }
    clone.meta["globally-unique"] = clone.unique ? "true" : "false";
    // An instance may find out that there can be no more than one on each node.
    for (std::int32_t made = 0; made < std::max(data.clone_max, 1); ++made) {
        if (make_instance(world, clone) == nullptr) break;
    }
}

// --- Connections -------------------------------------------------------------------------------

// A VM or container with remote-node in its meta-attributes stands for a guest node; its connection
// is a resource of its own.
void add_guest_connection(World& world, const cib::Element& xml, cib::Element& generated) {
    const cib::Element& effective = merge_template(world, xml);
    Attributes found;
    const rules::RuleInput input{.now = world.now, .ids = &world.ids};
    rules::collect_attributes(effective, "meta_attributes", input, {}, found);
    const auto name = found.find("remote-node");
    if (name == found.end() || name->second.empty()) return;
    if (const cib::Element* taken = world.ids.find(name->second)) {
        if (kind_of(taken->name) || taken->name == "template") return;  // the name is a resource's
    }
    const auto value = [&found](std::string_view key, std::string_view fallback) {
        const auto at = found.find(key);
        return at == found.end() ? std::string(fallback) : at->second;
    };
    cib::Element connection;
    connection.name = "primitive";
    connection.set("id", name->second);
    connection.set("class", "ocf");
    connection.set("provider", "pacemaker");
    connection.set("type", "remote");
    const auto add_pair = [](cib::Element& set, std::string_view key, std::string_view text) {
        cib::Element pair;
        pair.name = "nvpair";
        pair.set("name", key);
        pair.set("value", text);
        set.children.push_back(std::move(pair));
    };
    cib::Element metas;
    metas.name = "meta_attributes";
    add_pair(metas, "internal-rsc", "true");
    add_pair(metas, "container", xml.get("id"));
    if (found.contains("remote-allow-migrate")) {
        add_pair(metas, "allow-migrate", value("remote-allow-migrate", ""));
    }
    if (found.contains("is-managed")) add_pair(metas, "is-managed", value("is-managed", ""));
    connection.children.push_back(std::move(metas));
    cib::Element operations;
    operations.name = "operations";
    cib::Element monitor;
    monitor.name = "op";
    monitor.set("name", "monitor");
    monitor.set("interval", "30s");
    monitor.set("timeout", "30s");
    operations.children.push_back(std::move(monitor));
    cib::Element start;
    start.name = "op";
    start.set("name", "start");
    start.set("interval", "0");
    start.set("timeout", value("remote-connect-timeout", "60s"));
    operations.children.push_back(std::move(start));
    connection.children.push_back(std::move(operations));
    if (found.contains("remote-addr") || found.contains("remote-port")) {
        cib::Element parameters;
        parameters.name = "instance_attributes";
        if (found.contains("remote-addr")) add_pair(parameters, "addr", value("remote-addr", ""));
        if (found.contains("remote-port")) add_pair(parameters, "port", value("remote-port", ""));
        connection.children.push_back(std::move(parameters));
    }
    make_node(world, name->second, name->second, NodeVariant::Remote);
    generated.children.push_back(std::move(connection));
}

void find_connections(World& world, const cib::Element& parent, cib::Element& generated) {
    for (const cib::Element& child : parent.children) {
        if (child.name == "primitive") {
            const cib::Element& effective = merge_template(world, child);
            if (is_connection_xml(effective)) {
                make_node(world, child.get("id"), child.get("id"), NodeVariant::Remote);
            } else {
                add_guest_connection(world, child, generated);
            }
        } else if (child.name == "group" || child.name == "clone" || child.name == "master") {
            find_connections(world, child, generated);
        }
    }
}

void link_launchers(World& world) {
    for (Resource& resource : world.resources) {
        const std::string* name = meta(resource, "container");
        if (name == nullptr || *name == resource.id || resource.kind != Kind::Primitive) continue;
        Resource* launcher = world.find_resource(*name);
        if (launcher == nullptr || resource.launcher != nullptr) continue;
        resource.launcher = launcher;
        launcher->launched.push_back(&resource);
    }
    for (Resource& resource : world.resources) {
        if (!resource.is_connection) continue;
        Node* node = world.find_node(resource.id);
        if (node == nullptr) continue;
        node->remote = &resource;
        if (resource.launcher != nullptr) {
            node->attributes["#kind"] = "container";
        } else {
            node->unclean = is_suspect_unseen(world);
        }
    }
}

// Whether anything says so, be it to a primitive, a template or what is around them; rules do not
// matter here.
bool mentions_unfencing(const cib::Element& element) {
    return std::any_of(
        element.children.begin(), element.children.end(), [&element](const cib::Element& child) {
            if (element.name != "meta_attributes" || child.name != "nvpair") {
                return mentions_unfencing(child);
            }
            const std::string_view name = child.get("name");
            return (name == "provides" || name == "requires") && child.get("value") == "unfencing";
        });
}

void read_templates_and_tags(World& world, const cib::Element& configuration) {
    if (const cib::Element* tags = configuration.child("tags")) {
        for (const cib::Element& tag : tags->children) {
            if (tag.name != "tag") continue;
            std::vector<std::string>& members = world.tags[std::string(tag.get("id"))];
            for (const cib::Element& reference : tag.children) {
                if (reference.name == "obj_ref") members.emplace_back(reference.get("id"));
            }
        }
    }
}

}  // namespace

std::optional<Role> target_role(const Resource& resource) {
    const std::string* text = meta(resource, "target-role");
    if (text == nullptr || equals_ignoring_case(*text, "Started") ||
        equals_ignoring_case(*text, "default")) {
        return std::nullopt;
    }
    const Role role = parse_role(*text);
    if (role == Role::Unknown) return std::nullopt;
    if (role > Role::Started) {
        if (!top_of(resource)->promotable) return std::nullopt;
        if (role > Role::Unpromoted) return std::nullopt;  // what would be tried anyway
    }
    return role;
}

namespace {

// An unusable definition is none: it leaves together with what was made for it, and before anything
// else can refer to either.
void drop_since(World& world, std::size_t index) {
    while (world.resources.size() > index) {
        const Resource& last = world.resources.back();
        const auto named = world.resource_by_id.find(last.id);
        if (named != world.resource_by_id.end() && named->second == &last)
            world.resource_by_id.erase(named);
        world.resources.pop_back();
    }
}

}  // namespace

Resource* unpack_resource(World& world, const cib::Element& original, Resource* parent,
                          std::optional<std::int32_t> instance) {
    const std::optional<Kind> kind = kind_of(original.name);
    if (!kind || original.get("id").empty()) return nullptr;
    const cib::Element& xml = *kind == Kind::Primitive ? merge_template(world, original) : original;
    if (*kind == Kind::Primitive && xml.get("class").empty()) return nullptr;
    Resource& resource = world.resources.emplace_back();
    resource.index = static_cast<std::uint32_t>(world.resources.size() - 1);
    resource.id = xml.get("id");
    if (instance) resource.id = concat(xml.get("id"), ':', *instance);
    resource.kind = *kind;
    resource.xml = &xml;
    resource.parent = parent;
    resource.agent_class = xml.get("class");
    resource.agent_provider = xml.get("provider");
    resource.agent_type = xml.get("type");
    resource.is_fence_device = resource.agent_class == "stonith";
    resource.is_connection = *kind == Kind::Primitive && is_connection_xml(xml);
    if (resource.is_fence_device) world.options.have_fence_device = true;
    if (const std::string_view name = original.get("template"); !name.empty()) {
        auto& users = world.templates[std::string(name)];
        if (!instance || std::find(users.begin(), users.end(), xml.get("id")) == users.end()) {
            users.emplace_back(xml.get("id"));
        }
    }
    read_meta(world, resource);
    read_flags(world, resource);
    resource.history_name = resource.id;
    if (const auto limit = target_role(resource)) resource.next_role = *limit;
    world.resource_by_id.emplace(resource.id, &resource);
    // A guest's or bundle's connection goes where its launcher may go, also in an opt-in cluster.
    const bool is_guest_connection =
        resource.is_connection && (meta(resource, "container") != nullptr ||
                                   (parent != nullptr && parent->kind == Kind::Bundle));
    if (world.options.symmetric || is_guest_connection) {
        // A bundle's node is there for what runs in the bundle alone.
        for (Node& node : world.nodes) {
            if (!node.is_bundle) resource.allowed.enter(&node);
        }
    }
    switch (*kind) {
        case Kind::Primitive:
            unpack_primitive(world, resource);
            break;
        case Kind::Group:
            unpack_group(world, resource, instance);
            break;
        case Kind::Clone:
            unpack_clone(world, resource);
            break;
        case Kind::Bundle:
            if (!unpack_bundle(world, resource)) {
                drop_since(world, resource.index);
                return nullptr;
            }
            break;
    }
    read_utilization(world, resource);
    return &resource;
}

Resource* make_instance(World& world, Resource& clone) {
    const cib::Element* xml = instance_xml(clone);
    if (xml == nullptr) return nullptr;
    const std::int32_t number = clone.clone.total;
    Resource* child = unpack_resource(world, *xml, &clone, number);
    if (child == nullptr) return nullptr;
    ++clone.clone.total;
    if (number >= clone.clone.clone_max) {
        mark_tree(*child, &Resource::orphan, true);
        mark_tree(*child, &Resource::removed_instance, true);
    }
    clone.children.push_back(child);
    return child;
}

Resource* make_orphan(World& world, const cib::Element& history, std::string_view id) {
    cib::Element& xml = world.own_xml.emplace_back();
    xml.name = "primitive";
    xml.set("id", id);
    for (const std::string_view name : {"class", "provider", "type"}) {
        if (history.has(name)) xml.set(name, history.get(name));
    }
    Resource* resource = unpack_resource(world, xml, nullptr, std::nullopt);
    if (resource == nullptr) return nullptr;
    if (resource->is_connection) {
        Node& node = make_node(world, id, id, NodeVariant::Remote);
        node.remote = resource;
        node.unclean = is_suspect_unseen(world);
    }
    if (history.has("container")) resource->orphan_container_filler = true;
    resource->orphan = true;
    world.top.push_back(resource);
    return resource;
}

void unpack_resources(World& world) {
    const cib::Element* configuration = world.cib->child("configuration");
    if (configuration == nullptr) return;
    read_templates_and_tags(world, *configuration);
    const cib::Element* resources = configuration->child("resources");
    if (resources == nullptr) return;
    world.options.have_unfencing = mentions_unfencing(*resources);
    cib::Element& generated = world.own_xml.emplace_back();
    find_connections(world, *resources, generated);
    for (const cib::Element& xml : resources->children) {
        if (xml.name == "template") {
            world.templates.try_emplace(std::string(xml.get("id")));
            continue;
        }
        if (Resource* resource = unpack_resource(world, xml, nullptr, std::nullopt)) {
            world.top.push_back(resource);
        }
    }
    for (const cib::Element& xml : generated.children) {
        if (Resource* resource = unpack_resource(world, xml, nullptr, std::nullopt)) {
            world.top.push_back(resource);
        }
    }
    link_launchers(world);
    std::stable_sort(world.top.begin(), world.top.end(), [](const Resource* a, const Resource* b) {
        return a->priority > b->priority;
    });
}

}  // namespace xbeat::schedule
