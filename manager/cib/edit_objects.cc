// Whole objects: loading, replacing, removing, renaming.
#include <algorithm>
#include <map>
#include <set>

#include "cib/crm_parse.h"
#include "cib/edit.h"
#include "cib/flat.h"
#include "cib/suggest.h"
#include "cib/upgrade.h"
#include "cib/walk.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

// What tells an object from all others: its id, or its name for what has none of its own.
std::string key_of(const Element& object) {
    if (object.kind != NodeKind::Element) return {};
    if (object.name == "node") return concat("node ", object.get("uname"));
    if (object.name == "fencing-topology") return object.name;
    if (object.name == "cluster_property_set" || section_of(object.name) == object.name) return {};
    if (!object.has("id")) return {};
    return concat("object ", object.get("id"));
}

void clear_lines(Element& element) {
    element.line = 0;
    for (Element& child : element.children) clear_lines(child);
}

// Whether two inner elements are the same thing in two versions of an object.
bool is_same_part(const Element& a, const Element& b) {
    if (a.name != b.name || a.kind != NodeKind::Element) return false;
    if (a.name == "op") {
        return a.get("name") == b.get("name") && a.get("interval") == b.get("interval") &&
               a.get("role") == b.get("role");
    }
    if (a.name == "nvpair") return a.get("name") == b.get("name");
    return true;
}

// Gives parts without an id the id of the part they replace: a change of one value should change
// one value.
void adopt_ids(Element& fresh, const Element& old) {
    std::vector<bool> is_used(old.children.size(), false);
    for (Element& part : fresh.children) {
        for (std::size_t i = 0; i < old.children.size(); ++i) {
            const Element& candidate = old.children[i];
            if (is_used[i] || !is_same_part(part, candidate)) continue;
            is_used[i] = true;
            const bool adopts = candidate.has("id") && !part.has("id") && !part.has("id-ref");
            if (adopts)
                part.attributes.insert(part.attributes.begin(),
                                       {"id", std::string(candidate.get("id"))});
            adopt_ids(part, candidate);
            break;
        }
    }
}

// A node's new values over its old ones.
Element merge_node(const Element& old, const Element& fresh) {
    Element out = old;
    for (const Attribute& attribute : fresh.attributes) {
        // A statement without an id means the node of that name, whatever its id.
        const bool is_implied_id = attribute.name == "id" && attribute.value == fresh.get("uname");
        if (!is_implied_id) out.set(attribute.name, attribute.value);
    }
    for (const Element& set : fresh.children) {
        // A set with a condition, or borrowed from elsewhere, is not mixed with others.
        const auto is_there_already = [&](const Element& other) {
            return same_meaning(set, other, {});
        };
        if (std::any_of(out.children.begin(), out.children.end(), is_there_already)) continue;
        if (set.has("id")) {
            std::erase_if(out.children, [&](const Element& other) {
                return set.child("rule") != nullptr && other.get("id") == set.get("id");
            });
        }
        Element* same = nullptr;
        for (Element& other : out.children) {
            const bool is_plain =
                other.name == set.name && other.child("rule") == nullptr && !other.has("id-ref");
            if (same == nullptr && is_plain && set.child("rule") == nullptr && !set.has("id-ref"))
                same = &other;
        }
        if (set.kind != NodeKind::Element || same == nullptr) {
            out.children.push_back(set);
            continue;
        }
        for (const Element& pair : set.children) {
            bool is_there = false;
            for (Element& other : same->children) {
                if (other.name != "nvpair" || other.get("name") != pair.get("name")) continue;
                other.set("value", pair.get("value"));
                is_there = true;
            }
            if (!is_there) same->children.push_back(pair);
        }
    }
    return out;
}

// The id that a property or defaults statement without one means.
void name_default_set(Element& object) {
    const bool is_property = object.name == "cluster_property_set";
    Element* set = is_property ? &object : object.child("meta_attributes");
    if (set == nullptr || set->has("id") || set->has("id-ref") || set->child("rule") != nullptr)
        return;
    const std::string_view id = is_property                     ? "cib-bootstrap-options"
                                : object.name == "rsc_defaults" ? "rsc-options"
                                                                : "op-options";
    set->attributes.insert(set->attributes.begin(), {"id", std::string(id)});
}

Result<Element> configuration_in(Element document) {
    if (document.name == "configuration") return document;
    Element* inner = document.name == "cib" ? document.child("configuration") : nullptr;
    if (inner != nullptr) return std::move(*inner);
    return Error{Code::Invalid, concat("the document is a ", document.name,
                                       "; a cib or a configuration was expected")};
}

Result<std::vector<Element>> objects_in(std::string_view text) {
    if (!trim(text).starts_with('<')) return parse_crm_objects(text);
    return flatten(XB_TRY(load_replace(text)));
}

Result<Element> assemble_all(std::vector<Element> objects) {
    std::vector<std::string> sentences;
    Element out = assemble(std::move(objects), sentences);
    ErrorList errors;
    for (std::string& sentence : sentences) errors.add(std::move(sentence));
    if (!errors.empty()) return errors.to_error();
    assign_ids(out);
    return out;
}

const Element* find_object(const Element& configuration, std::string_view id) {
    if (const Element* node = find_node(configuration, id)) return node;
    for (const Element& section : configuration.children) {
        if (section.has("id") && section.get("id") == id) return &section;
        for (const Element& object : section.children) {
            if (object.kind == NodeKind::Element && object.get("id") == id) return &object;
        }
    }
    return find_resource(configuration, id);
}

std::vector<std::string_view> object_ids(const Element& configuration) {
    std::vector<std::string_view> out = resource_ids(configuration);
    for (const Element& section : configuration.children) {
        for (const Element& object : section.children) {
            if (object.has("id") && !is_resource(object.name)) out.push_back(object.get("id"));
            if (object.name == "node") out.push_back(object.get("uname"));
        }
    }
    return out;
}

bool is_member_of(const Element& holder, std::string_view id) {
    return std::any_of(holder.children.begin(), holder.children.end(), [&](const Element& child) {
        return is_resource(child.name) && child.get("id") == id;
    });
}

std::size_t member_count(const Element& holder) {
    return static_cast<std::size_t>(
        std::count_if(holder.children.begin(), holder.children.end(),
                      [](const Element& child) { return is_resource(child.name); }));
}

// "group 'web' would be empty": what holds the resource and nothing else.
void find_holders(const Element& parent, std::string_view id,
                  std::vector<std::pair<std::string, std::string>>& out) {
    for (const Element& child : parent.children) {
        if (!is_resource(child.name)) continue;
        if (is_member_of(child, id) && member_count(child) == 1) {
            out.emplace_back(child.get("id"),
                             concat(child.name, " '", child.get("id"), "' holds nothing else"));
        }
        find_holders(child, id, out);
    }
}

// Who refers to `id`: the referring object's id and a sentence.
std::vector<std::pair<std::string, std::string>> referrers(const Element& configuration,
                                                           std::string_view id) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const Element& section : configuration.children) {
        for (const Element& object : section.children) {
            std::set<std::string> seen;
            for (const Mention& mention : mentions_in(object)) {
                if (mention.id != id) continue;
                // A primitive inside a group refers to its template by itself.
                const std::string_view by =
                    is_resource(object.name) ? mention.element->get("id") : object.get("id");
                if (!seen.insert(std::string(by)).second) continue;
                const std::string& kind =
                    is_resource(object.name) ? mention.element->name : object.name;
                out.emplace_back(by, concat(kind, " '", by, "' names it"));
            }
        }
    }
    if (const Element* resources = configuration.child("resources"))
        find_holders(*resources, id, out);
    return out;
}

// Takes the object out; members of a collective resource move up to where it stood.
bool remove_from(Element& parent, std::string_view id) {
    for (std::size_t i = 0; i < parent.children.size(); ++i) {
        Element& child = parent.children[i];
        if (child.kind != NodeKind::Element) continue;
        const bool is_it =
            child.get("id") == id || (child.name == "node" && child.get("uname") == id);
        if (is_it) {
            std::vector<Element> members;
            const bool lifts = is_resource(child.name) && parent.name == "resources";
            for (Element& inner : child.children) {
                if (lifts && is_resource(inner.name)) members.push_back(std::move(inner));
            }
            const auto at =
                parent.children.erase(parent.children.begin() + static_cast<std::ptrdiff_t>(i));
            parent.children.insert(at, std::make_move_iterator(members.begin()),
                                   std::make_move_iterator(members.end()));
            return true;
        }
        if (is_resource(child.name) && remove_from(child, id)) return true;
    }
    return false;
}

void remove_object(Element& configuration, std::string_view id) {
    for (Element& section : configuration.children) {
        if (section.kind == NodeKind::Element && remove_from(section, id)) return;
    }
}

// A tag without members, a set without resources: what is left over after a forced removal.
void drop_mentions(Element& element, std::string_view id) {
    std::erase_if(element.children, [&](const Element& child) {
        const bool is_ref =
            child.name == "resource_ref" || child.name == "obj_ref" || child.name == "role";
        return is_ref && child.get("id") == id;
    });
    for (Element& child : element.children) drop_mentions(child, id);
    std::erase_if(element.children, [](const Element& child) {
        return (child.name == "resource_set" || child.name == "tag") && child.children.empty();
    });
}

}  // namespace

Result<Element> load_replace(std::string_view text) {
    if (!trim(text).starts_with('<')) return parse_crm(text);
    Element document = XB_TRY(parse_xml(text));
    (void)upgrade(document);
    return configuration_in(std::move(document));
}

Result<Element> load_update(const Element& configuration, std::string_view text) {
    std::vector<Element> fresh = XB_TRY(objects_in(text));
    std::vector<Element> objects = flatten(configuration);
    for (Element& object : objects) clear_lines(object);
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const std::string key = key_of(objects[i]);
        if (!key.empty()) place.emplace(key, i);
    }
    std::set<std::string> seen;
    for (Element& object : fresh) {
        name_default_set(object);
        const std::string key = key_of(object);
        const auto found = place.find(key);
        // A name that the text itself gives twice is left for assemble() to refuse.
        const bool is_first = key.empty() || seen.insert(key).second;
        if (key.empty() || found == place.end() || !is_first) {
            objects.push_back(std::move(object));
            continue;
        }
        Element& old = objects[found->second];
        if (object.name == "node") {
            old = merge_node(old, object);
            continue;
        }
        if (object.name == old.name) adopt_ids(object, old);
        old = std::move(object);
    }
    return assemble_all(std::move(objects));
}

std::vector<std::string> references_to(const Element& configuration, std::string_view id) {
    std::vector<std::string> out;
    for (auto& [by, sentence] : referrers(configuration, id)) out.push_back(sentence);
    return out;
}

Result<void> remove_objects(Element& configuration, std::span<const std::string> ids, Force force) {
    std::vector<std::string> todo;
    for (const std::string& id : ids) {
        if (find_object(configuration, id) == nullptr) {
            return Error{Code::NotFound, concat("there is no '", id, "'",
                                                did_you_mean(id, object_ids(configuration)))};
        }
        todo.push_back(id);
    }
    IdSet gone(todo.begin(), todo.end());
    std::string conflicts;
    for (std::size_t i = 0; i < todo.size(); ++i) {
        const std::string id = todo[i];
        for (const auto& [by, sentence] : referrers(configuration, id)) {
            if (gone.find(by) != gone.end()) continue;
            const Element* object = find_object(configuration, by);
            // Lists only lose a name; what cannot do without it goes as well.
            const bool is_list =
                object != nullptr &&
                (object->name == "tag" || object->child("resource_set") != nullptr ||
                 object->name == "acl_target" || object->name == "acl_group");
            if (force == Force::No) {
                conflicts += concat(conflicts.empty() ? "" : "; ", sentence);
            } else if (!is_list) {
                gone.insert(by);
                todo.push_back(by);
            }
        }
    }
    if (!conflicts.empty()) {
        return Error{Code::Conflict, concat("'", ids.front(), "' is still in use: ", conflicts,
                                            "; remove these too, or force it")};
    }
    for (const std::string& id : todo) {
        remove_object(configuration, id);
        if (force == Force::Yes) drop_mentions(configuration, id);
    }
    std::erase_if(
        configuration.child_or_new("constraints").children, [&](const Element& constraint) {
            const bool had_set = constraint.kind == NodeKind::Element && force == Force::Yes &&
                                 constraint.child("resource_set") == nullptr;
            const bool names_something =
                constraint.has("rsc") || constraint.has("rsc-pattern") || constraint.has("first");
            return had_set && !names_something;
        });
    return {};
}

Result<void> rename_object(Element& configuration, std::string_view from, std::string_view to) {
    if (clean_id(to) != to || to.empty())
        return Error{Code::Invalid, concat("'", to, "' is no id; use letters, digits and _ - . :")};
    const Element* object = find_object(configuration, from);
    if (object == nullptr) {
        return Error{Code::NotFound, concat("there is no '", from, "'",
                                            did_you_mean(from, object_ids(configuration)))};
    }
    if (find_object(configuration, to) != nullptr || configuration.find_id(to) != nullptr)
        return Error{Code::Exists, concat("'", to, "' exists already")};
    const bool is_node = object->name == "node";
    rename_mentions(configuration, from, to);
    if (is_node) {
        Element* node = find_node(configuration, from);
        const bool is_id_too = node->get("id") == from;
        node->set("uname", to);
        if (is_id_too) node->set("id", to);
        return {};
    }
    if (Element* found = configuration.find_id(from)) found->set("id", to);
    return {};
}

}  // namespace xbeat::cib
