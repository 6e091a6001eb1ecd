// Documents, versions, properties, and values of resources and nodes.
#include "cib/edit.h"

#include <algorithm>

#include "cib/flat.h"
#include "cib/options.h"
#include "cib/suggest.h"
#include "cib/upgrade.h"
#include "cib/walk.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

std::uint64_t number_of(const Element& cib, std::string_view attribute) {
    const std::optional<std::int64_t> number = parse_integer(cib.get(attribute));
    return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

std::string_view element_of(SetKind kind) {
    switch (kind) {
        case SetKind::Parameter:
            return "instance_attributes";
        case SetKind::Meta:
            return "meta_attributes";
        case SetKind::Utilization:
            return "utilization";
    }
    return "instance_attributes";
}

Error no_such(std::string_view what, std::string_view id, std::span<const std::string_view> known) {
    return {Code::NotFound, concat("there is no ", what, " '", id, "'", did_you_mean(id, known))};
}

bool has_rule(const Element& set) { return set.child("rule") != nullptr; }

// A set that a plain value may stand in: no rule, no reference to another set.
bool is_plain_set(const Element& element, std::string_view name) {
    return element.name == name && !has_rule(element) && !element.has("id-ref");
}

Element* find_pair(Element& set, std::string_view name) {
    for (Element& pair : set.children) {
        if (pair.name == "nvpair" && pair.get("name") == name) return &pair;
    }
    return nullptr;
}

// An id that is free in the configuration.
std::string free_id(const Element& configuration, std::string_view wanted) {
    std::string id = clean_id(wanted);
    for (std::uint32_t number = 1; configuration.find_id(id) != nullptr; ++number)
        id = clean_id(concat(wanted, "-", number));
    return id;
}

void set_pair(const Element& configuration, Element& set, std::string_view name,
              std::string_view value) {
    if (Element* pair = find_pair(set, name)) {
        pair->set("value", value);
        return;
    }
    Element pair;
    pair.name = "nvpair";
    pair.set("id", free_id(configuration, concat(set.get("id"), "-", name)));
    pair.set("name", name);
    pair.set("value", value);
    set.children.push_back(std::move(pair));
}

void set_value(Element& configuration, Element& owner, std::string_view prefix, SetKind kind,
               std::string_view name, std::string_view value) {
    const std::string_view element = element_of(kind);
    for (Element& set : owner.children) {
        // Where it stands already, it stays.
        if (is_plain_set(set, element) && find_pair(set, name) != nullptr) {
            set_pair(configuration, set, name, value);
            return;
        }
    }
    for (Element& set : owner.children) {
        if (is_plain_set(set, element)) {
            set_pair(configuration, set, name, value);
            return;
        }
    }
    Element set;
    set.name = element;
    set.set("id", free_id(configuration, concat(prefix, "-", element)));
    set_pair(configuration, set, name, value);
    // Attributes stand before what else a resource holds.
    const bool is_after_members = owner.name == "group" || owner.name == "clone";
    const auto at = is_after_members ? owner.children.begin() : owner.children.end();
    owner.children.insert(at, std::move(set));
}

bool unset_value(Element& owner, std::string_view element, std::string_view name) {
    bool is_found = false;
    for (Element& set : owner.children) {
        if (!is_plain_set(set, element)) continue;
        const auto removed = std::erase_if(set.children, [&](const Element& pair) {
            return pair.name == "nvpair" && pair.get("name") == name;
        });
        is_found = is_found || removed > 0;
    }
    std::erase_if(owner.children, [&](const Element& set) {
        return is_found && is_plain_set(set, element) && set.children.empty();
    });
    return is_found;
}

std::optional<std::string> get_value(const Element& owner, std::string_view element,
                                     std::string_view name) {
    for (const Element& set : owner.children) {
        if (!is_plain_set(set, element)) continue;
        for (const Element& pair : set.children) {
            if (pair.name == "nvpair" && pair.get("name") == name)
                return std::string(pair.get("value"));
        }
    }
    return std::nullopt;
}

Result<void> check_name(std::string_view name) {
    const bool is_good = !name.empty() && name.size() <= 255 &&
                         name.find_first_of(" \t\n\r=\"'<>&") == std::string_view::npos;
    if (!is_good)
        return Error{Code::Invalid,
                     concat("'", name, "' is no name for a value; no blanks, quotes or =")};
    return {};
}

// The names under which an option may be set: the current and the old ones.
bool is_name_of(const Option* option, std::string_view asked, std::string_view stored) {
    return stored == asked || (option != nullptr && find_option(stored) == option);
}

}  // namespace

Element empty_cib(std::string_view cluster_name) {
    Element cib;
    cib.name = "cib";
    cib.set("validate-with", kSchema);
    set_version(cib, {});
    Element configuration;
    configuration.name = "configuration";
    for (const std::string_view section : {"crm_config", "nodes", "resources", "constraints"})
        (void)configuration.child_or_new(section);
    if (!cluster_name.empty()) {
        Element set;
        set.name = "cluster_property_set";
        set.set("id", "cib-bootstrap-options");
        set_pair(configuration, set, "cluster-name", cluster_name);
        configuration.child_or_new("crm_config").children.push_back(std::move(set));
    }
    cib.children.push_back(std::move(configuration));
    (void)cib.child_or_new("status");
    return cib;
}

Version version_of(const Element& cib) {
    return {number_of(cib, "admin_epoch"), number_of(cib, "epoch"), number_of(cib, "num_updates")};
}

void set_version(Element& cib, Version version) {
    cib.set("admin_epoch", concat(version.admin_epoch));
    cib.set("epoch", concat(version.epoch));
    cib.set("num_updates", concat(version.num_updates));
}

Version next_epoch(Version version) { return {version.admin_epoch, version.epoch + 1, 0}; }
Version next_update(Version version) {
    return {version.admin_epoch, version.epoch, version.num_updates + 1};
}

std::string to_string(Version version) {
    return concat(version.admin_epoch, ".", version.epoch, ".", version.num_updates);
}

Result<void> set_property(Element& configuration, std::string_view name, std::string_view value,
                          Force force) {
    XB_TRY(check_name(name));
    const Option* option = find_option(name);
    if (option == nullptr && force == Force::No) {
        const std::string hint = did_you_mean(name, option_names());
        if (!hint.empty())
            return Error{Code::Invalid, concat("unknown property '", name, "'", hint)};
    }
    if (option != nullptr) {
        const std::string wrong = check_option_value(*option, value);
        if (!wrong.empty()) return Error{Code::Invalid, wrong};
    }
    Element& section = configuration.child_or_new("crm_config");
    Element* target = nullptr;
    for (Element& set : section.children) {
        if (!is_plain_set(set, "cluster_property_set")) continue;
        const bool is_first = target == nullptr || set.get("id") == "cib-bootstrap-options";
        if (is_first) target = &set;
        // Another spelling of the same option would win or lose by its place: only one stays.
        std::erase_if(set.children, [&](const Element& pair) {
            return pair.name == "nvpair" && pair.get("name") != name &&
                   is_name_of(option, name, pair.get("name"));
        });
    }
    if (target == nullptr) {
        Element set;
        set.name = "cluster_property_set";
        set.set("id", free_id(configuration, "cib-bootstrap-options"));
        section.children.push_back(std::move(set));
        target = &section.children.back();
    }
    set_pair(configuration, *target, name, value);
    return {};
}

Result<void> unset_property(Element& configuration, std::string_view name) {
    const Option* option = find_option(name);
    bool is_found = false;
    if (Element* section = configuration.child("crm_config")) {
        for (Element& set : section->children) {
            if (!is_plain_set(set, "cluster_property_set")) continue;
            const auto removed = std::erase_if(set.children, [&](const Element& pair) {
                return pair.name == "nvpair" && is_name_of(option, name, pair.get("name"));
            });
            is_found = is_found || removed > 0;
        }
    }
    if (is_found) return {};
    return Error{Code::NotFound, concat("the property '", name, "' is not set",
                                        did_you_mean(name, option_names()))};
}

std::optional<std::string> get_property(const Element& configuration, std::string_view name) {
    const Element* section = configuration.child("crm_config");
    if (section == nullptr) return std::nullopt;
    const Option* option = find_option(name);
    for (const bool wants_first : {true, false}) {
        for (const Element& set : section->children) {
            if (!is_plain_set(set, "cluster_property_set")) continue;
            if ((set.get("id") == "cib-bootstrap-options") != wants_first) continue;
            for (const Element& pair : set.children) {
                if (pair.name == "nvpair" && is_name_of(option, name, pair.get("name")))
                    return std::string(pair.get("value"));
            }
        }
    }
    return std::nullopt;
}

Result<void> set_resource_value(Element& configuration, std::string_view resource, SetKind kind,
                                std::string_view name, std::string_view value) {
    XB_TRY(check_name(name));
    Element* owner = find_resource(configuration, resource);
    if (owner == nullptr) return no_such("resource", resource, resource_ids(configuration));
    set_value(configuration, *owner, owner->get("id"), kind, name, value);
    return {};
}

Result<void> unset_resource_value(Element& configuration, std::string_view resource, SetKind kind,
                                  std::string_view name) {
    Element* owner = find_resource(configuration, resource);
    if (owner == nullptr) return no_such("resource", resource, resource_ids(configuration));
    if (unset_value(*owner, element_of(kind), name)) return {};
    return Error{Code::NotFound, concat("'", resource, "' has no '", name, "' of its own")};
}

std::optional<std::string> get_resource_value(const Element& configuration,
                                              std::string_view resource, SetKind kind,
                                              std::string_view name) {
    const Element* owner = find_resource(configuration, resource);
    if (owner == nullptr) return std::nullopt;
    return get_value(*owner, element_of(kind), name);
}

Result<void> set_node_value(Element& configuration, std::string_view node, SetKind kind,
                            std::string_view name, std::string_view value) {
    XB_TRY(check_name(name));
    Element* owner = find_node(configuration, node);
    if (owner == nullptr) return no_such("node", node, node_names(configuration));
    const SetKind own_kind = kind == SetKind::Utilization ? kind : SetKind::Parameter;
    set_value(configuration, *owner, concat("nodes-", owner->get("id")), own_kind, name, value);
    return {};
}

Result<void> unset_node_value(Element& configuration, std::string_view node, SetKind kind,
                              std::string_view name) {
    Element* owner = find_node(configuration, node);
    if (owner == nullptr) return no_such("node", node, node_names(configuration));
    const SetKind own_kind = kind == SetKind::Utilization ? kind : SetKind::Parameter;
    if (unset_value(*owner, element_of(own_kind), name)) return {};
    return Error{Code::NotFound, concat("node '", node, "' has no attribute '", name, "'")};
}

std::optional<std::string> get_node_value(const Element& configuration, std::string_view node,
                                          SetKind kind, std::string_view name) {
    const Element* owner = find_node(configuration, node);
    if (owner == nullptr) return std::nullopt;
    return get_value(*owner, element_of(kind == SetKind::Utilization ? kind : SetKind::Parameter),
                     name);
}

}  // namespace xbeat::cib
