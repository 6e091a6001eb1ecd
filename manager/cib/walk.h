// Walking over a configuration: which attributes name which objects. Shared by edit and validate.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"

namespace xbeat::cib {

/// One place that names an object.
struct Mention {
    std::string id;                    // the object that is named
    std::string_view attribute;        // where it stands: an attribute's name
    const Element* element = nullptr;  // the element with that attribute
};

/// What kind of object an attribute of an element names.
enum class Names : std::uint8_t { Nothing, Resource, Node, Template, Device, Object, Role };

/// Attributes of constraints, sets, levels, tags, primitives and access lists; `devices` names
/// several objects with commas between.
[[nodiscard]] Names what_it_names(std::string_view element_name, std::string_view attribute_name);

/// Every mention in the subtree, in document order.
[[nodiscard]] std::vector<Mention> mentions_in(const Element& element);

/// `old_id` replaced by `new_id` wherever the subtree mentions it as a resource, node... of that
/// id.
void rename_mentions(Element& element, std::string_view old_id, std::string_view new_id);

/// The resource or template of that id anywhere below `resources`, or null.
[[nodiscard]] const Element* find_resource(const Element& configuration, std::string_view id);
[[nodiscard]] Element* find_resource(Element& configuration, std::string_view id);

/// The node of that name, else of that id, or null.
[[nodiscard]] const Element* find_node(const Element& configuration, std::string_view name);
[[nodiscard]] Element* find_node(Element& configuration, std::string_view name);

/// Ids of all resources and templates, in document order.
[[nodiscard]] std::vector<std::string_view> resource_ids(const Element& configuration);
/// Names of all nodes, in document order.
[[nodiscard]] std::vector<std::string_view> node_names(const Element& configuration);

}  // namespace xbeat::cib
