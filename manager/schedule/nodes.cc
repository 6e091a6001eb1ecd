// Cluster nodes and their attributes, and the nodes that connection resources stand for.
#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "schedule/resources.h"

namespace xbeat::schedule {
namespace {

void add_fixed_attributes(World& world, Node& node) {
    node.attributes["#uname"] = node.name;
    node.attributes["#id"] = node.id;
    node.attributes["#is_dc"] = node.is_dc ? "true" : "false";
    node.attributes.emplace("#kind", node.variant == NodeVariant::Remote ? "remote" : "cluster");
    const auto cluster = world.options.all.find("cluster-name");
    if (cluster != world.options.all.end()) node.attributes["#cluster-name"] = cluster->second;
    const auto site = node.attributes.find("site-name");
    if (site != node.attributes.end()) {
        node.attributes["#site-name"] = site->second;
    } else if (cluster != world.options.all.end()) {
        node.attributes["#site-name"] = cluster->second;
    }
}

}  // namespace

Node& make_node(World& world, std::string_view id, std::string_view name, NodeVariant variant) {
    if (Node* known = world.find_node(name)) return *known;
    Node& node = world.node_store.emplace_back();
    node.index = static_cast<std::uint32_t>(world.node_store.size() - 1);
    node.id = id;
    node.name = name;
    world.nodes.insert(node);
    node.variant = variant;
    if (variant == NodeVariant::Remote) world.options.have_remote_nodes = true;
    world.node_by_name.emplace(node.name, &node);
    world.node_by_id.emplace(node.id, &node);
    add_fixed_attributes(world, node);
    return node;
}

void read_node_attributes(World& world, Node& node, const cib::Element& xml, bool overwrite) {
    Attributes found;
    const rules::RuleInput input{
        .now = world.now, .ids = &world.ids, .node_attributes = &node.attributes};
    rules::collect_attributes(xml, "instance_attributes", input, {}, found, &world.recheck_by);
    for (const auto& [name, value] : found) {
        if (overwrite) {
            node.attributes[name] = value;
        } else {
            node.attributes.emplace(name, value);
        }
    }
    add_fixed_attributes(world, node);
    // What is configured of capacities stands; agents can add what is not.
    Attributes capacity;
    rules::collect_attributes(xml, "utilization", input, {}, capacity, &world.recheck_by);
    for (const auto& [key, value] : capacity) {
        const std::int64_t amount = leading_integer(value).value_or(0);
        node.capacity.emplace(key, static_cast<std::int32_t>(std::clamp<std::int64_t>(
                                       amount, -1'000'000'000, 1'000'000'000)));
    }
}

bool is_suspect_unseen(const World& world) {
    return world.options.startup_fencing && world.options.fencing_enabled;
}

void unpack_nodes(World& world) {
    const cib::Element* configuration = world.cib->child("configuration");
    const cib::Element* nodes = configuration == nullptr ? nullptr : configuration->child("nodes");
    if (nodes == nullptr) return;
    const auto name_of = [](const cib::Element& xml) {
        return xml.has("uname") ? xml.get("uname") : xml.get("id");
    };
    // By name, so that the order in the file decides nothing, not even in what order scores are
    // listed.
    std::vector<const cib::Element*> sorted;
    for (const cib::Element& xml : nodes->children) {
        if (xml.name == "node" && !xml.get("id").empty()) sorted.push_back(&xml);
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&name_of](const cib::Element* a, const cib::Element* b) {
                         return is_name_before(name_of(*a), name_of(*b));
                     });
    for (const cib::Element* each : sorted) {
        const cib::Element& xml = *each;
        const std::string_view name = name_of(xml);
        const std::string type = to_lower(xml.get("type"));
        NodeVariant variant = NodeVariant::Cluster;
        if (type == "remote") variant = NodeVariant::Remote;
        if (type == "ping") variant = NodeVariant::Ping;
        Node& node = make_node(world, xml.get("id"), name, variant);
        node.is_configured = true;
        node.initial_score = effective_score(xml.get("score")).points();
        // A remote one is only worth fencing if something connects to it; see unpack_resources.
        node.unclean = variant != NodeVariant::Remote && is_suspect_unseen(world);
        read_node_attributes(world, node, xml, false);
    }
}

}  // namespace xbeat::schedule
