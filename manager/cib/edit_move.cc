// Constraints that move, ban and clear make, with the names and shapes that crm_resource gives
// them.
#include <algorithm>

#include "cib/date.h"
#include "cib/edit.h"
#include "cib/suggest.h"
#include "cib/walk.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

struct Names {
    std::string constraint;
    std::string rule;
    std::string expression;
    std::string lifetime;
};

Names prefer_names(std::string_view resource) {
    return {concat("cli-prefer-", resource), concat("cli-prefer-rule-", resource),
            concat("cli-prefer-expr-", resource), concat("cli-prefer-lifetime-end-", resource)};
}

Names ban_names(std::string_view resource, std::string_view node) {
    const std::string id = concat("cli-ban-", resource, "-on-", node);
    return {id, id + "-rule", id + "-expr", id + "-lifetime"};
}

Element make(std::string_view name, std::string_view id) {
    Element element;
    element.name = name;
    element.set("id", id);
    return element;
}

Element constraint(const Names& names, std::string_view resource, std::string_view node,
                   std::string_view score, const MoveOptions& options) {
    Element location = make("rsc_location", names.constraint);
    location.set("rsc", resource);
    location.set("role", options.only_promoted ? "Promoted" : "Started");
    if (!options.expires) {
        location.set("node", node);
        location.set("score", score);
        return location;
    }
    Element rule = make("rule", names.rule);
    rule.set("score", score);
    rule.set("boolean-op", "and");
    Element expression = make("expression", names.expression);
    expression.set("attribute", "#uname");
    expression.set("operation", "eq");
    expression.set("value", node);
    expression.set("type", "string");
    Element date = make("date_expression", names.lifetime);
    date.set("operation", "lt");
    date.set("end", print_date(*options.expires));
    rule.children.push_back(std::move(expression));
    rule.children.push_back(std::move(date));
    location.children.push_back(std::move(rule));
    return location;
}

// The id that a resource's constraints use: instances (web:0) go by the name of the whole.
Result<std::string> check_target(const Element& configuration, std::string_view resource,
                                 std::string_view node) {
    if (find_resource(configuration, resource) == nullptr) {
        return Error{Code::NotFound, concat("there is no resource '", resource, "'",
                                            did_you_mean(resource, resource_ids(configuration)))};
    }
    const Element* found = find_node(configuration, node);
    if (found == nullptr) {
        return Error{Code::NotFound, concat("there is no node '", node, "'",
                                            did_you_mean(node, node_names(configuration)))};
    }
    return std::string(found->get("uname"));
}

void replace(Element& configuration, Element location) {
    Element& constraints = configuration.child_or_new("constraints");
    std::erase_if(constraints.children, [&](const Element& other) {
        return other.name == "rsc_location" && other.get("id") == location.get("id");
    });
    constraints.children.push_back(std::move(location));
}

bool is_made_for(const Element& location, std::string_view resource) {
    if (location.name != "rsc_location") return false;
    const std::string_view id = location.get("id");
    if (!id.starts_with("cli-prefer-") && !id.starts_with("cli-ban-")) return false;
    return resource.empty() || location.get("rsc") == resource;
}

// The node that such a constraint is about, in either of its two shapes.
std::string_view node_of(const Element& location) {
    if (location.has("node")) return location.get("node");
    const Element* rule = location.child("rule");
    if (rule == nullptr) return {};
    for (const Element& expression : rule->children) {
        if (expression.get("attribute") == "#uname") return expression.get("value");
    }
    return {};
}

std::optional<EpochSeconds> end_of(const Element& location) {
    const Element* rule = location.child("rule");
    const Element* date = rule == nullptr ? nullptr : rule->child("date_expression");
    if (date == nullptr || date->get("operation") != "lt") return std::nullopt;
    return parse_date(date->get("end"));
}

template <class Wanted>
std::vector<std::string> remove_if(Element& configuration, Wanted is_wanted) {
    std::vector<std::string> removed;
    Element* constraints = configuration.child("constraints");
    if (constraints == nullptr) return removed;
    std::erase_if(constraints->children, [&](const Element& location) {
        if (!is_wanted(location)) return false;
        removed.emplace_back(location.get("id"));
        return true;
    });
    return removed;
}

}  // namespace

Result<void> move_resource(Element& configuration, std::string_view resource, std::string_view node,
                           const MoveOptions& options) {
    const std::string uname = XB_TRY(check_target(configuration, resource, node));
    (void)remove_if(configuration, [&](const Element& location) {
        const bool is_preference = location.get("id").starts_with("cli-prefer-");
        return is_made_for(location, resource) && (is_preference || node_of(location) == uname);
    });
    replace(configuration,
            constraint(prefer_names(resource), resource, uname, "INFINITY", options));
    return {};
}

Result<void> ban_resource(Element& configuration, std::string_view resource, std::string_view node,
                          const MoveOptions& options) {
    const std::string uname = XB_TRY(check_target(configuration, resource, node));
    replace(configuration,
            constraint(ban_names(resource, uname), resource, uname, "-INFINITY", options));
    return {};
}

std::vector<std::string> clear_resource(Element& configuration, std::string_view resource,
                                        std::string_view node) {
    return remove_if(configuration, [&](const Element& location) {
        return is_made_for(location, resource) && (node.empty() || node_of(location) == node);
    });
}

std::vector<std::string> clear_expired(Element& configuration, std::string_view resource,
                                       EpochSeconds now) {
    return remove_if(configuration, [&](const Element& location) {
        if (!is_made_for(location, resource)) return false;
        const std::optional<EpochSeconds> end = end_of(location);
        return end.has_value() && *end <= now;
    });
}

}  // namespace xbeat::cib
