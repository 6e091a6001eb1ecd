// Constraints and rules.
#include <algorithm>
#include <array>

#include "cib/flat.h"
#include "cib/suggest.h"
#include "cib/validate_context.h"
#include "core/score.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

constexpr std::string_view kActions = "start stop promote demote";

// A resource, template or tag. An instance number (web:0) is no part of the name.
bool is_known_object(const Checker& checker, std::string_view id) {
    if (checker.resources.find(id) != checker.resources.end() ||
        checker.tags.find(id) != checker.tags.end())
        return true;
    const std::size_t colon = id.rfind(':');
    return colon != std::string_view::npos &&
           checker.resources.find(id.substr(0, colon)) != checker.resources.end();
}

// A node, or the node that a replica of a bundle is: BUNDLE-NUMBER.
bool is_known_node(const Checker& checker, std::string_view name) {
    if (checker.nodes.find(name) != checker.nodes.end()) return true;
    const std::size_t dash = name.rfind('-');
    if (dash == std::string_view::npos || !parse_integer(name.substr(dash + 1))) return false;
    const auto found = checker.resources.find(name.substr(0, dash));
    return found != checker.resources.end() && found->second->name == "bundle";
}

void check_object(Checker& checker, const Element& at, std::string_view attribute,
                  std::string_view id) {
    if (id.empty()) {
        checker.error(at, "missing-attribute", concat(attribute, " is missing; name a resource"));
    } else if (!is_known_object(checker, id)) {
        checker.error(at, "unknown-reference",
                      concat("unknown resource '", id, "'; define it or remove the constraint",
                             checker.hint(id, checker.resource_names)));
    }
}

// The resource sets of a constraint; false if there are none.
bool check_resource_sets(Checker& checker, const Element& constraint) {
    bool has_set = false;
    for (const Element& set : constraint.children) {
        if (set.name != "resource_set") continue;
        has_set = true;
        if (set.has("id-ref")) {
            if (checker.ids.find(set.get("id-ref")) == checker.ids.end())
                checker.error(set, "unknown-reference",
                              concat("id-ref names '", set.get("id-ref"), "', which is not there"));
            continue;
        }
        check_boolean(checker, set, "sequential");
        check_boolean(checker, set, "require-all");
        check_role(checker, set, "role");
        check_choice(checker, set, "action", kActions, "bad-constraint");
        check_score(checker, set, "score");
        if (set.child("resource_ref") == nullptr)
            checker.error(set, "bad-constraint",
                          "a resource set is empty; name a resource in it or remove it");
        for (const Element& ref : set.children) {
            if (ref.name == "resource_ref") check_object(checker, ref, "id", ref.get("id"));
        }
    }
    return has_set;
}

void check_pattern(Checker& checker, const Element& at, std::string_view attribute) {
    if (!at.has(attribute)) return;
    if (at.get(attribute).empty() || at.get(attribute).size() > kPatternBytesMax) {
        checker.error(
            at, "bad-value",
            concat(attribute, " must have from 1 to ", kPatternBytesMax, " bytes; shorten it"));
    }
}

void check_location(Checker& checker, const Element& location) {
    const bool has_set = check_resource_sets(checker, location);
    if (location.has("rsc")) {
        check_object(checker, location, "rsc", location.get("rsc"));
    } else if (!has_set && !location.has("rsc-pattern")) {
        checker.error(location, "missing-attribute",
                      "a location needs rsc, rsc-pattern or a resource set; name a resource");
    }
    check_pattern(checker, location, "rsc-pattern");
    check_role(checker, location, "role");
    check_score(checker, location, "score");
    check_choice(checker, location, "resource-discovery", "always never exclusive",
                 "bad-constraint");
    check_rules(checker, location, RuleUse::Location);
    if (const Element* lifetime = location.child("lifetime"))
        check_rules(checker, *lifetime, RuleUse::Values);
    const bool has_rule = location.child("rule") != nullptr;
    if (!has_rule && location.get("node").empty()) {
        checker.error(location, "missing-attribute",
                      "a location needs a node with a score, or a rule; name one");
    } else if (location.has("node") && !has_rule) {
        if (!location.has("score") && !location.has("score-attribute"))
            checker.warn(location, "missing-attribute",
                         "a location without a score does nothing; give it one");
        if (!is_known_node(checker, location.get("node"))) {
            checker.warn(location, "unknown-reference",
                         concat("unknown node '", location.get("node"),
                                "'; the constraint waits until there is one",
                                checker.hint(location.get("node"), checker.node_names)));
        }
    }
}

void check_colocation(Checker& checker, const Element& colocation) {
    if (!check_resource_sets(checker, colocation)) {
        check_object(checker, colocation, "rsc", colocation.get("rsc"));
        check_object(checker, colocation, "with-rsc", colocation.get("with-rsc"));
        if (!colocation.get("rsc").empty() && colocation.get("rsc") == colocation.get("with-rsc"))
            checker.error(colocation, "bad-constraint",
                          "a resource cannot be colocated with itself; name another one");
    }
    check_role(checker, colocation, "rsc-role");
    check_role(checker, colocation, "with-rsc-role");
    check_score(checker, colocation, "score");
    check_boolean(checker, colocation, "influence");
    if (!colocation.has("score") && !colocation.has("score-attribute"))
        checker.warn(colocation, "missing-attribute",
                     "a colocation without a score does nothing; give it one");
}

void check_order(Checker& checker, const Element& order) {
    if (!check_resource_sets(checker, order)) {
        check_object(checker, order, "first", order.get("first"));
        check_object(checker, order, "then", order.get("then"));
        const bool is_same = !order.get("first").empty() && order.get("first") == order.get("then");
        const std::string_view first =
            order.has("first-action") ? order.get("first-action") : "start";
        const std::string_view then = order.has("then-action") ? order.get("then-action") : first;
        if (is_same && first == then) {
            checker.error(order, "bad-constraint",
                          "a resource cannot be ordered after itself; name another one");
        }
    }
    check_choice(checker, order, "first-action", kActions, "bad-constraint");
    check_choice(checker, order, "then-action", kActions, "bad-constraint");
    check_choice(checker, order, "kind", "Mandatory Optional Serialize", "bad-constraint");
    check_boolean(checker, order, "symmetrical");
    check_boolean(checker, order, "require-all");
    check_score(checker, order, "score");
    if (parse_boolean(order.get("symmetrical")) == true &&
        equals_ignoring_case(order.get("kind"), "Serialize"))
        checker.warn(order, "bad-constraint",
                     "kind Serialize is never symmetrical; remove symmetrical=true");
}

void check_ticket(Checker& checker, const Element& ticket) {
    if (!check_resource_sets(checker, ticket))
        check_object(checker, ticket, "rsc", ticket.get("rsc"));
    if (ticket.get("ticket").empty())
        checker.error(ticket, "missing-attribute", "the ticket's name is missing; give it");
    check_role(checker, ticket, "rsc-role");
    check_choice(checker, ticket, "loss-policy", "stop demote fence freeze", "bad-constraint");
}

void check_expression(Checker& checker, const Element& expression) {
    if (expression.get("attribute").empty()) {
        checker.error(expression, "bad-rule", "an expression needs an attribute; name one");
        return;
    }
    const std::string_view operation = expression.get("operation");
    check_choice(checker, expression, "operation", "lt gt lte gte eq ne defined not_defined",
                 "bad-rule");
    check_choice(checker, expression, "type", "string integer number version", "bad-rule");
    check_choice(checker, expression, "value-source", "literal param meta", "bad-rule");
    if (operation.empty()) {
        checker.error(expression, "bad-rule",
                      "an expression needs an operation such as eq; give one");
        return;
    }
    const bool needs_value = operation != "defined" && operation != "not_defined";
    if (needs_value && !expression.has("value")) {
        checker.error(expression, "bad-rule",
                      concat("the comparison of '", expression.get("attribute"),
                             "' needs a value; give one, or use defined"));
    } else if (!needs_value && expression.has("value")) {
        checker.warn(expression, "bad-rule",
                     concat("the value of ", operation, " is ignored; remove it"));
    }
    const bool is_number = equals_ignoring_case(expression.get("type"), "integer") &&
                           expression.get("value-source").empty();
    if (is_number && needs_value && !parse_score(expression.get("value"))) {
        checker.warn(expression, "bad-rule",
                     concat("'", expression.get("value"), "' is no whole number; correct it"));
    }
}

// A field of a date: a number, a range a-b, -b or a-.
bool is_date_range(std::string_view text) {
    const auto is_number = [](std::string_view part) {
        return !part.empty() && part.size() <= 9 &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return is_number(text);
    const std::string_view low = text.substr(0, dash);
    const std::string_view high = text.substr(dash + 1);
    return (low.empty() || is_number(low)) && (high.empty() || is_number(high)) &&
           !(low.empty() && high.empty());
}

void check_date(Checker& checker, const Element& date) {
    const std::string_view operation = date.get("operation");
    check_choice(checker, date, "operation", "gt lt in_range date_spec in-range", "bad-rule");
    const bool has_child = date.child("duration") != nullptr || date.child("date_spec") != nullptr;
    const bool is_complete = operation == "gt"   ? date.has("start")
                             : operation == "lt" ? date.has("end")
                             : operation == "date_spec"
                                 ? date.child("date_spec") != nullptr
                                 : date.has("start") || date.has("end") || has_child;
    if (!is_complete) {
        checker.error(
            date, "bad-rule",
            concat(
                "the date comparison '", operation,
                "' lacks its date: gt needs start, lt needs end, date_spec its fields; give it"));
    }
    for (const Element& fields : date.children) {
        if (fields.name != "date_spec" && fields.name != "duration") continue;
        for (const Attribute& field : fields.attributes) {
            if (field.name == "id" || field.name == "id-ref") continue;
            if (!is_date_range(field.value)) {
                checker.error(fields, "bad-rule",
                              concat("'", field.value, "' is no range of ", field.name,
                                     "; give a number or a range such as 9-16"));
            }
        }
    }
}

void check_rule(Checker& checker, const Element& rule, RuleUse use) {
    if (rule.has("id-ref")) {
        if (checker.ids.find(rule.get("id-ref")) == checker.ids.end())
            checker.error(
                rule, "unknown-reference",
                concat("id-ref names the rule '", rule.get("id-ref"), "', which is not there"));
        return;
    }
    check_choice(checker, rule, "boolean-op", "and or", "bad-rule");
    check_role(checker, rule, "role");
    check_score(checker, rule, "score");
    if (use == RuleUse::Location && !rule.has("score") && !rule.has("score-attribute"))
        checker.warn(rule, "bad-rule",
                     "a rule of a location without a score does nothing; give it one");
    std::size_t parts = 0;
    for (const Element& part : rule.children) {
        if (part.kind != NodeKind::Element) continue;
        ++parts;
        if (part.name == "rule") check_rule(checker, part, RuleUse::Values);
        if (part.name == "expression") check_expression(checker, part);
        if (part.name == "date_expression") check_date(checker, part);
        if (part.name == "op_expression") check_duration(checker, part, "interval", "bad-rule");
        if (use == RuleUse::Location &&
            (part.name == "rsc_expression" || part.name == "op_expression"))
            checker.error(part, "bad-rule",
                          concat("a ", part.name, " cannot decide about a location; remove it"));
    }
    if (parts == 0)
        checker.error(rule, "bad-rule",
                      "a rule needs at least one expression; add one or remove it");
}

}  // namespace

void check_rules(Checker& checker, const Element& owner, RuleUse use) {
    for (const Element& rule : owner.children) {
        if (rule.name == "rule") check_rule(checker, rule, use);
    }
}

void check_constraints(Checker& checker, const Element& configuration) {
    for (const Element& section : configuration.children) {
        if (section.name != "constraints") continue;
        for (const Element& constraint : section.children) {
            checker.set_owner(constraint.get("id"));
            if (constraint.name == "rsc_location") check_location(checker, constraint);
            if (constraint.name == "rsc_colocation") check_colocation(checker, constraint);
            if (constraint.name == "rsc_order") check_order(checker, constraint);
            if (constraint.name == "rsc_ticket") check_ticket(checker, constraint);
        }
    }
}

}  // namespace xbeat::cib
