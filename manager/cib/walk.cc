#include "cib/walk.h"

#include <array>

#include "cib/flat.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

struct Place {
    std::string_view element;
    std::string_view attribute;
    Names names;
};

constexpr std::array<Place, 17> kPlaces = {{
    {"rsc_location", "rsc", Names::Object},
    {"rsc_location", "node", Names::Node},
    {"rsc_colocation", "rsc", Names::Object},
    {"rsc_colocation", "with-rsc", Names::Object},
    {"rsc_order", "first", Names::Object},
    {"rsc_order", "then", Names::Object},
    {"rsc_ticket", "rsc", Names::Object},
    {"resource_ref", "id", Names::Object},
    {"primitive", "template", Names::Template},
    {"fencing-level", "devices", Names::Device},
    {"fencing-level", "target", Names::Node},
    {"obj_ref", "id", Names::Object},
    {"role", "id", Names::Role},
    {"role_ref", "id", Names::Role},
    {kRefName, "id", Names::Resource},
    {"lifetime", "id-ref", Names::Nothing},
    {kMonitorName, "rsc", Names::Resource},
}};

std::vector<std::string_view> split_commas(std::string_view list) {
    std::vector<std::string_view> out;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::string_view word = trim(list.substr(0, comma));
        if (!word.empty()) out.push_back(word);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return out;
}

void collect(const Element& element, std::vector<Mention>& out) {
    for (const Attribute& attribute : element.attributes) {
        const Names names = what_it_names(element.name, attribute.name);
        if (names == Names::Nothing) continue;
        if (names == Names::Device) {
            for (const std::string_view device : split_commas(attribute.value))
                out.push_back({std::string(device), attribute.name, &element});
        } else {
            out.push_back({attribute.value, attribute.name, &element});
        }
    }
    for (const Element& child : element.children) collect(child, out);
}

template <class Any>
Any* find_in_resources(Any& parent, std::string_view id) {
    for (auto& child : parent.children) {
        const bool is_one = is_resource(child.name) || child.name == "template";
        if (!is_one) continue;
        if (child.get("id") == id) return &child;
        if (Any* found = find_in_resources<Any>(child, id)) return found;
    }
    return nullptr;
}

template <class Any>
Any* find_resource_in(Any& configuration, std::string_view id) {
    auto* resources = configuration.child("resources");
    return resources == nullptr ? nullptr : find_in_resources<Any>(*resources, id);
}

template <class Any>
Any* find_node_in(Any& configuration, std::string_view name) {
    auto* nodes = configuration.child("nodes");
    if (nodes == nullptr) return nullptr;
    for (const std::string_view attribute : {"uname", "id"}) {
        for (auto& node : nodes->children) {
            if (node.name == "node" && node.get(attribute) == name) return &node;
        }
    }
    return nullptr;
}

void collect_resource_ids(const Element& parent, std::vector<std::string_view>& out) {
    for (const Element& child : parent.children) {
        if (!is_resource(child.name) && child.name != "template") continue;
        out.push_back(child.get("id"));
        collect_resource_ids(child, out);
    }
}

}  // namespace

Names what_it_names(std::string_view element_name, std::string_view attribute_name) {
    for (const Place& place : kPlaces) {
        if (place.element == element_name && place.attribute == attribute_name) return place.names;
    }
    return Names::Nothing;
}

std::vector<Mention> mentions_in(const Element& element) {
    std::vector<Mention> out;
    collect(element, out);
    return out;
}

void rename_mentions(Element& element, std::string_view old_id, std::string_view new_id) {
    for (Attribute& attribute : element.attributes) {
        const Names names = what_it_names(element.name, attribute.name);
        if (names == Names::Nothing) continue;
        if (names != Names::Device) {
            if (attribute.value == old_id) attribute.value = new_id;
            continue;
        }
        std::string list;
        for (const std::string_view device : split_commas(attribute.value))
            list += concat(list.empty() ? "" : ",", device == old_id ? new_id : device);
        attribute.value = list;
    }
    for (Element& child : element.children) rename_mentions(child, old_id, new_id);
}

const Element* find_resource(const Element& configuration, std::string_view id) {
    return find_resource_in(configuration, id);
}
Element* find_resource(Element& configuration, std::string_view id) {
    return find_resource_in(configuration, id);
}

const Element* find_node(const Element& configuration, std::string_view name) {
    return find_node_in(configuration, name);
}
Element* find_node(Element& configuration, std::string_view name) {
    return find_node_in(configuration, name);
}

std::vector<std::string_view> resource_ids(const Element& configuration) {
    std::vector<std::string_view> out;
    if (const Element* resources = configuration.child("resources"))
        collect_resource_ids(*resources, out);
    return out;
}

std::vector<std::string_view> node_names(const Element& configuration) {
    std::vector<std::string_view> out;
    if (const Element* nodes = configuration.child("nodes")) {
        for (const Element& node : nodes->children) {
            if (node.name == "node") out.push_back(node.get("uname"));
        }
    }
    return out;
}

}  // namespace xbeat::cib
