// Whatever a configuration contains, the crm language says it and reads it back with the same
// meaning.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/edit.h"
#include "cib/flat.h"
#include "cib/upgrade.h"
#include "cib/validate.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

Element make(std::string name, std::vector<Attribute> attributes = {}) {
    Element element;
    element.name = std::move(name);
    element.attributes = std::move(attributes);
    return element;
}

// Words that a careless reader would trip over stand beside plain ones.
std::string any_value() {
    return *rc::gen::oneOf(
        rc::gen::elementOf(std::vector<std::string>{
            "",      "10s",   "a b", "\"",      "\\",   "'",          "a=b",    "#x",
            "x:",    "(",     ")",   "{",       "}",    "op",         "params", "rule",
            "and",   "$id=x", "@x",  "meta{x}", "inf",  "h\xc3\xb6r", "a\nb",   "\t",
            "end\\", "\\\n",  "<&>", "true",    "/re/", "1:2",        "--",     "Master"}),
        rc::gen::container<std::string>(
            rc::gen::elementOf(std::string("abcXYZ019 _-.:=\"\\'#$@()[]{}<>&/*\n"))));
}

std::string any_name() {
    return *rc::gen::elementOf(std::vector<std::string>{
        "ip", "nic", "timeout", "interval", "OCF_CHECK_LEVEL", "a:b", "a b", "meta", "op", "role",
        "x=y", "$x", "@y", "hours", "start", "and", "clone-max"});
}

std::string any_score() {
    return *rc::gen::elementOf(std::vector<std::string>{"INFINITY", "-INFINITY", "+INFINITY", "0",
                                                        "100", "-5", "many", "1000000"});
}

bool chance(int of_ten) { return *rc::gen::inRange(0, 10) < of_ten; }

// Ids are unique in a document; each generator asks for the next one.
struct Ids {
    int next = 0;
    std::vector<std::string> resources;
    std::vector<std::string> sets;
    std::string take(std::string_view stem) { return concat(stem, next++); }
};

Element any_expression(Ids& ids) {
    const std::vector<std::string> operations = {"eq",  "ne",  "lt",      "gt",
                                                 "lte", "gte", "defined", "not_defined"};
    if (chance(2)) {
        Element date = make("date_expression", {{"id", ids.take("d")}});
        const std::string operation =
            *rc::gen::elementOf(std::vector<std::string>{"lt", "gt", "in_range", "date_spec"});
        date.set("operation", operation);
        if (operation != "lt" && operation != "date_spec") date.set("start", "2030-01-01 10:00");
        if (operation != "gt" && operation != "date_spec") date.set("end", any_value());
        if (operation == "date_spec") {
            date.children.push_back(
                make("date_spec", {{"id", ids.take("s")}, {"hours", "9-16"}, {"weekdays", "1-5"}}));
        }
        return date;
    }
    Element expression = make("expression", {{"id", ids.take("e")}});
    const std::string operation = *rc::gen::elementOf(operations);
    expression.set("attribute", chance(8) ? "#uname" : any_name());
    expression.set("operation", operation);
    if (operation.find("defined") == std::string::npos) expression.set("value", any_value());
    if (chance(2))
        expression.set("type", *rc::gen::elementOf(std::vector<std::string>{"number", "integer",
                                                                            "version", "odd"}));
    if (chance(2))
        expression.set("value-source",
                       *rc::gen::elementOf(std::vector<std::string>{"param", "meta", "literal"}));
    return expression;
}

Element any_rule(Ids& ids) {
    Element rule = make("rule", {{"id", ids.take("r")}});
    if (chance(8)) rule.set("score", any_score());
    if (chance(1)) rule.set("score-attribute", "pingd");
    if (chance(3)) rule.set("boolean-op", chance(5) ? "or" : "and");
    if (chance(2)) rule.set("role", chance(5) ? "Master" : "Promoted");
    const int count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i)
        rule.children.push_back(chance(1) ? make("rule", {{"id", ids.take("n")}})
                                          : any_expression(ids));
    return rule;
}

Element any_set(Ids& ids, std::string name) {
    Element set = make(std::move(name), {{"id", ids.take("set")}});
    ids.sets.emplace_back(set.get("id"));
    if (chance(1) && ids.sets.size() > 1) {
        set.attributes = {{"id-ref", ids.sets.front()}};
        return set;
    }
    if (chance(2)) set.set("score", any_score());
    if (chance(2)) set.children.push_back(any_rule(ids));
    const int count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i) {
        Element pair = make("nvpair", {{"id", ids.take("n")}, {"name", any_name()}});
        if (chance(9)) pair.set("value", any_value());
        set.children.push_back(std::move(pair));
    }
    return set;
}

void add_comment(Element& element) {
    if (!chance(1)) return;
    Element comment;
    comment.kind = NodeKind::Comment;
    comment.text = *rc::gen::elementOf(
        std::vector<std::string>{" why ", "# as crmsh", "two\nlines", "", "- - x"});
    element.children.insert(element.children.begin(), std::move(comment));
}

Element any_primitive(Ids& ids) {
    Element primitive = make(
        "primitive",
        {{"id", ids.take("p")}, {"class", "ocf"}, {"provider", "heartbeat"}, {"type", "Dummy"}});
    ids.resources.emplace_back(primitive.get("id"));
    if (chance(1)) primitive.set("description", any_value());
    if (chance(1)) primitive.set("odd", any_value());
    for (const char* name : {"instance_attributes", "meta_attributes", "utilization"}) {
        if (chance(4)) primitive.children.push_back(any_set(ids, name));
    }
    if (chance(5)) {
        Element operations = make("operations");
        const int count = *rc::gen::inRange(0, 3);
        for (int i = 0; i < count; ++i) {
            Element op = make("op", {{"id", ids.take("o")},
                                     {"name", chance(8) ? "monitor" : any_value()},
                                     {"interval", "10s"}});
            if (chance(3)) op.set("timeout", any_value());
            if (chance(2)) op.set("role", "Slave");
            if (chance(3))
                op.children.push_back(
                    any_set(ids, chance(7) ? "instance_attributes" : "meta_attributes"));
            operations.children.push_back(std::move(op));
        }
        primitive.children.push_back(std::move(operations));
    }
    add_comment(primitive);
    return primitive;
}

Element any_resource(Ids& ids) {
    const int kind = *rc::gen::inRange(0, 6);
    if (kind < 3) return any_primitive(ids);
    Element outer = make(kind == 3   ? "group"
                         : kind == 4 ? "clone"
                                     : "bundle",
                         {{"id", ids.take("c")}});
    ids.resources.emplace_back(outer.get("id"));
    if (kind == 5) {
        outer.children.push_back(make("podman", {{"image", any_value()}, {"replicas", "2"}}));
        if (chance(5)) {
            Element network = make("network", {{"control-port", "9999"}});
            network.children.push_back(
                make("port-mapping", {{"id", ids.take("m")}, {"port", "80"}}));
            outer.children.push_back(std::move(network));
        }
    } else if (chance(5)) {
        outer.children.push_back(any_set(ids, "meta_attributes"));
    }
    outer.children.push_back(any_primitive(ids));
    if (kind == 3 && chance(5)) outer.children.push_back(any_primitive(ids));
    add_comment(outer);
    return outer;
}

std::string any_resource_id(const Ids& ids) {
    return ids.resources.empty() ? "ghost" : *rc::gen::elementOf(ids.resources);
}

void add_sets(Ids& ids, Element& constraint, std::string_view kind) {
    const int count = *rc::gen::inRange(1, 4);
    for (int i = 0; i < count; ++i) {
        Element set = make("resource_set", {{"id", ids.take("rs")}});
        if (chance(3)) set.set("sequential", chance(5) ? "false" : "true");
        if (chance(3)) set.set("require-all", chance(5) ? "false" : "true");
        if (chance(3)) set.set(kind, kind == "role" ? "Promoted" : "start");
        const int members = *rc::gen::inRange(0, 4);
        for (int k = 0; k < members; ++k)
            set.children.push_back(make("resource_ref", {{"id", any_resource_id(ids)}}));
        constraint.children.push_back(std::move(set));
    }
}

Element any_constraint(Ids& ids) {
    switch (*rc::gen::inRange(0, 4)) {
        case 0: {
            Element location = make("rsc_location", {{"id", ids.take("l")}});
            if (chance(8)) location.set("rsc", any_resource_id(ids));
            if (chance(1)) location.set("rsc-pattern", any_value());
            if (chance(2)) location.set("role", "Master");
            if (chance(5)) {
                location.set("score", any_score());
                location.set("node", chance(9) ? "pm01" : any_value());
            } else {
                const int count = *rc::gen::inRange(0, 3);
                for (int i = 0; i < count; ++i) location.children.push_back(any_rule(ids));
            }
            if (chance(1)) add_sets(ids, location, "role");
            return location;
        }
        case 1: {
            Element colocation = make("rsc_colocation", {{"id", ids.take("k")}});
            if (chance(9)) colocation.set("score", any_score());
            if (chance(3)) {
                add_sets(ids, colocation, "role");
                return colocation;
            }
            colocation.set("rsc", any_resource_id(ids));
            colocation.set("with-rsc", any_resource_id(ids));
            if (chance(3)) colocation.set("rsc-role", "Master");
            if (chance(1)) colocation.set("influence", "false");
            if (chance(1)) colocation.set("node-attribute", any_value());
            return colocation;
        }
        case 2: {
            Element order = make("rsc_order", {{"id", ids.take("q")}});
            if (chance(4)) order.set("kind", "Optional");
            if (chance(2)) order.set("score", any_score());
            if (chance(2)) order.set("symmetrical", chance(5) ? "false" : "no");
            if (chance(3)) {
                add_sets(ids, order, "action");
                return order;
            }
            order.set("first", any_resource_id(ids));
            order.set("then", any_resource_id(ids));
            if (chance(3)) order.set("first-action", chance(9) ? "promote" : "notify");
            return order;
        }
        default: {
            Element ticket = make("rsc_ticket", {{"id", ids.take("t")},
                                                 {"ticket", chance(9) ? "ticketA" : any_value()}});
            if (chance(5)) {
                ticket.set("rsc", any_resource_id(ids));
            } else {
                add_sets(ids, ticket, "role");
            }
            if (chance(5)) ticket.set("loss-policy", "fence");
            return ticket;
        }
    }
}

Element any_configuration() {
    Ids ids;
    Element configuration = make("configuration");
    Element options = make("crm_config");
    if (chance(7)) {
        Element set = any_set(ids, "cluster_property_set");
        options.children.push_back(std::move(set));
    }
    Element nodes = make("nodes");
    for (const char* name : {"pm01", "pm02"}) {
        Element node = make("node", {{"id", ids.take("")}, {"uname", name}});
        if (chance(4)) node.children.push_back(any_set(ids, "instance_attributes"));
        add_comment(node);
        nodes.children.push_back(std::move(node));
    }
    Element resources = make("resources");
    const int resource_count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < resource_count; ++i) resources.children.push_back(any_resource(ids));
    Element constraints = make("constraints");
    const int constraint_count = *rc::gen::inRange(0, 5);
    for (int i = 0; i < constraint_count; ++i) constraints.children.push_back(any_constraint(ids));
    configuration.children = {options, nodes, resources, constraints};
    if (chance(3)) {
        Element topology = make("fencing-topology");
        topology.children.push_back(make("fencing-level", {{"id", ids.take("f")},
                                                           {"target", "pm01"},
                                                           {"index", chance(7) ? "1" : "3"},
                                                           {"devices", "a,b"}}));
        configuration.children.push_back(std::move(topology));
    }
    if (chance(3)) {
        Element defaults = make("rsc_defaults");
        defaults.children.push_back(any_set(ids, "meta_attributes"));
        configuration.children.push_back(std::move(defaults));
    }
    return configuration;
}

TEST(RoundTrip, KeepsTheMeaningOfEveryConfiguration) {
    const bool holds = rc::check("print_crm and parse_crm", [] {
        const Element before = any_configuration();
        const std::string text = print_crm(before);

        const Result<Element> after = parse_crm(text);

        if (!after) RC_FAIL(after.error().context + "\n" + text);
        const IdSet referenced = referenced_ids(before);
        const std::vector<Element> old_objects = flatten(before);
        const std::vector<Element> new_objects = flatten(*after);
        RC_ASSERT(old_objects.size() == new_objects.size());
        for (std::size_t i = 0; i < old_objects.size(); ++i) {
            if (!same_meaning(old_objects[i], new_objects[i], referenced))
                RC_FAIL(print_xml(old_objects[i]) + "became\n" + print_xml(new_objects[i]) +
                        "through\n" + text);
        }
        RC_ASSERT(print_crm(*after) == text);
        for (const Change& change : diff(before, *after))
            RC_FAIL(to_string(change) + "\n" + print_crm(before));
    });
    EXPECT_TRUE(holds);
}

TEST(RoundTrip, ReadsEveryDocumentBackAsItWasPrinted) {
    const bool holds = rc::check("print_xml and parse_xml", [] {
        const Element before = any_configuration();

        const Result<Element> after = parse_xml(print_xml(before));

        if (!after) RC_FAIL(after.error().context);
        RC_ASSERT(print_xml(*after) == print_xml(before));
    });
    EXPECT_TRUE(holds);
}

TEST(RoundTrip, UpdatingWithItsOwnTextChangesNothing) {
    const bool holds = rc::check("load_update with print_crm", [] {
        const Element before = any_configuration();

        const Result<Element> after = load_update(before, print_crm(before));

        if (!after) RC_FAIL(after.error().context);
        for (const Change& change : diff(before, *after))
            RC_FAIL(to_string(change) + "\n" + print_crm(before));
    });
    EXPECT_TRUE(holds);
}

TEST(RoundTrip, UpgradingAndCheckingNeverFailsOnOddInput) {
    const bool holds = rc::check("upgrade and validate", [] {
        Element configuration = any_configuration();

        (void)upgrade(configuration);
        (void)validate(configuration);

        const Element once = configuration;
        RC_ASSERT(upgrade(configuration).empty());
        RC_ASSERT(configuration == once);
    });
    EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace xbeat::cib
