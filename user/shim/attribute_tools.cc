// crm_attribute, crm_master, attrd_updater, crm_failcount, crm_standby.
//
// Values with the lifetime "reboot" are transient attributes, "forever" ones stand in the
// configuration. crm_attribute shows what is in force, attrd_updater what was asked for last, even
// if it still waits for calm.
#include <algorithm>
#include <array>
#include <optional>
#include <regex>

#include "cib/duration.h"
#include "cib/edit.h"
#include "core/score.h"
#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kAttributeOptions{
    OptionRow{'D', "delete", Takes::Nothing},
    OptionRow{'G', "query", Takes::Nothing},
    OptionRow{'v', "update", Takes::Value},
    OptionRow{'n', "name", Takes::Value},
    OptionRow{'P', "pattern", Takes::Value},
    OptionRow{'i', "id", Takes::Value},
    OptionRow{'s', "set-name", Takes::Value},
    OptionRow{'N', "node", Takes::Value},
    OptionRow{'U', "uname", Takes::Value},
    OptionRow{'u', "node-uuid", Takes::Value},
    OptionRow{'t', "type", Takes::Value},
    OptionRow{'l', "lifetime", Takes::Value},
    OptionRow{'z', "utilization", Takes::Nothing},
    OptionRow{'p', "promotion", Takes::PerhapsValue},
    OptionRow{'r', "resource", Takes::Value},
    OptionRow{'d', "default", Takes::Value},
    OptionRow{'q', "quiet", Takes::Nothing},
    OptionRow{'Q', "quiet", Takes::Nothing},
    OptionRow{'!', "inhibit-policy-engine", Takes::Nothing},
    OptionRow{'V', "verbose", Takes::Nothing},
};

constexpr std::array kUpdaterOptions{
    OptionRow{'n', "name", Takes::Value},           OptionRow{'U', "update", Takes::Value},
    OptionRow{'v', "update", Takes::Value},         OptionRow{'B', "update-both", Takes::Value},
    OptionRow{'Y', "update-delay", Takes::Nothing}, OptionRow{'Q', "query", Takes::Nothing},
    OptionRow{'D', "delete", Takes::Nothing},       OptionRow{'R', "refresh", Takes::Nothing},
    OptionRow{'d', "delay", Takes::Value},          OptionRow{'s', "set", Takes::Value},
    OptionRow{'S', "section", Takes::Value},        OptionRow{'N', "node", Takes::Value},
    OptionRow{'A', "all", Takes::Nothing},          OptionRow{'p', "private", Takes::Nothing},
    OptionRow{'l', "lifetime", Takes::Value},       OptionRow{'W', "wait", Takes::PerhapsValue},
    OptionRow{'q', "quiet", Takes::Nothing},        OptionRow{'V', "verbose", Takes::Nothing},
};

constexpr std::array kFailcountOptions{
    OptionRow{'G', "query", Takes::Nothing},   OptionRow{'D', "delete", Takes::Nothing},
    OptionRow{'r', "resource", Takes::Value},  OptionRow{'n', "operation", Takes::Value},
    OptionRow{'I', "interval", Takes::Value},  OptionRow{'N', "node", Takes::Value},
    OptionRow{'U', "uname", Takes::Value},     OptionRow{'q', "quiet", Takes::Nothing},
    OptionRow{'Q', "quiet", Takes::Nothing},   OptionRow{'v', "update", Takes::Value},
    OptionRow{'V', "verbose", Takes::Nothing},
};

// A library's exceptions end here.
Result<std::regex> compile(const std::string& pattern) {
    try {
        return std::regex(pattern, std::regex::extended);
    } catch (const std::regex_error&) {
        return Error{.code = Code::Invalid,
                     .context = concat("'", pattern, "' is no regular expression")};
    }
}

// Where a value stands: "status" for transient ones, or a section of the configuration.
struct Target {
    std::string scope;
    std::string name;
    std::string node;
    std::string set;
    std::string id = {};                     // of the pair, if that is what was asked for
    std::optional<std::regex> pattern = {};  // instead of the name
    bool is_utilization = false;

    [[nodiscard]] bool is_meant(std::string_view other, std::string_view other_id = {}) const {
        if (!id.empty() && id != other_id) return false;
        if (!pattern) return name.empty() || other == name;
        return std::regex_search(other.begin(), other.end(), *pattern);
    }
};

// One value that was found.
struct Found {
    std::string id;
    std::string name;
    std::string value;
};

std::string_view set_element(std::string_view scope) {
    return scope == "crm_config" ? "cluster_property_set" : "meta_attributes";
}

bool is_set_section(std::string_view scope) {
    return scope == "crm_config" || scope == "rsc_defaults" || scope == "op_defaults";
}

Element* find_pair(Element& section, const Target& target) {
    for (Element& set : section.children) {
        if (!target.set.empty() && set.get("id") != target.set) continue;
        for (Element& pair : set.children) {
            if (pair.name == "nvpair" && pair.get("name") == target.name) return &pair;
        }
    }
    return nullptr;
}

std::string default_set(std::string_view scope) {
    if (scope == "crm_config") return "cib-bootstrap-options";
    return scope == "rsc_defaults" ? "rsc_defaults-options" : "op_defaults-options";
}

// An id may not hold all that a name may.
std::string id_of(std::string_view text) {
    std::string id(text);
    for (char& c : id) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_plain) c = '.';
    }
    return id;
}

void set_pair(Element& section, const Target& target, std::string_view value) {
    if (Element* pair = find_pair(section, target)) return pair->set("value", value);
    const std::string set_id = target.set.empty() ? default_set(target.scope) : target.set;
    Element* set = nullptr;
    for (Element& each : section.children) {
        if (each.get("id") == set_id) set = &each;
    }
    if (set == nullptr) {
        Element created;
        created.name = set_element(target.scope);
        created.set("id", set_id);
        section.children.push_back(std::move(created));
        set = &section.children.back();
    }
    Element pair;
    pair.name = "nvpair";
    pair.set("id", concat(set_id, '-', id_of(target.name)));
    pair.set("name", target.name);
    pair.set("value", value);
    set->children.push_back(std::move(pair));
}

cib::SetKind kind_of(const Target& target) {
    return target.is_utilization ? cib::SetKind::Utilization : cib::SetKind::Parameter;
}

void collect_pairs(const Element& parent, std::string_view set_name, const Target& target,
                   std::vector<Found>& found) {
    for (const Element& set : parent.children) {
        if (set.name != set_name) continue;
        if (!target.set.empty() && set.get("id") != target.set) continue;
        for (const Element& pair : set.children) {
            if (pair.name != "nvpair" || !target.is_meant(pair.get("name"), pair.get("id")))
                continue;
            found.push_back({.id = std::string(pair.get("id")),
                             .name = std::string(pair.get("name")),
                             .value = std::string(pair.get("value"))});
        }
    }
}

// Everything that is meant, in document order.
Result<std::vector<Found>> query_all(const Tool& tool, const Target& target) {
    std::vector<Found> found;
    if (target.scope == "status") {
        for (const TransientAttribute& each : XB_TRY(tool.cluster.attributes())) {
            if (each.node != target.node || each.is_private || !each.value) continue;
            if (target.is_meant(each.name))
                found.push_back({.id = {}, .name = each.name, .value = *each.value});
        }
        return found;
    }
    Element document = XB_TRY(tool.cluster.cib({.sections = {target.scope}}));
    Element& configuration = document.child_or_new("configuration");
    Element& section = configuration.child_or_new(target.scope);
    if (is_set_section(target.scope)) {
        collect_pairs(section, set_element(target.scope), target, found);
        return found;
    }
    for (const Element& node : section.children) {
        if (node.get("uname") != target.node && node.get("id") != target.node) continue;
        collect_pairs(node, target.is_utilization ? "utilization" : "instance_attributes", target,
                      found);
    }
    return found;
}

Result<std::optional<std::string>> query(const Tool& tool, const Target& target) {
    const std::vector<Found> found = XB_TRY(query_all(tool, target));
    if (found.empty()) return std::optional<std::string>();
    return std::optional<std::string>(found.front().value);
}

Result<void> write(const Tool& tool, const Target& target,
                   const std::optional<std::string>& value) {
    if (target.scope == "status") {
        return tool.cluster.set_attribute({.node = target.node,
                                           .name = target.name,
                                           .value = value,
                                           .is_private = false,
                                           .dampening = {}});
    }
    return tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
        if (is_set_section(target.scope)) {
            Element& section = configuration.child_or_new(target.scope);
            if (value) {
                set_pair(section, target, *value);
                return {};
            }
            for (Element& set : section.children) {
                if (!target.set.empty() && set.get("id") != target.set) continue;
                std::erase_if(set.children, [&target](const Element& pair) {
                    return pair.name == "nvpair" && pair.get("name") == target.name;
                });
            }
            return {};
        }
        if (value) {
            return cib::set_node_value(configuration, target.node, kind_of(target), target.name,
                                       *value);
        }
        const Result<void> removed =
            cib::unset_node_value(configuration, target.node, kind_of(target), target.name);
        // Removing what is not there is no failure.
        if (!removed && removed.error().code == Code::NotFound) return {};
        return removed;
    });
}

void show(const Tool& tool, const Target& target, const Found& found, bool is_quiet) {
    if (tool.is_xml) {
        Element attribute = Tool::element("attribute");
        attribute.set("name", found.name);
        attribute.set("value", found.value);
        attribute.set("scope", target.scope);
        tool.show(attribute);
    } else if (is_quiet) {
        tool.io.out << found.value << '\n';
    } else {
        tool.io.out << "scope=" << target.scope << ' '
                    << (target.id.empty() ? "" : concat("id=", target.id)) << " name=" << found.name
                    << " value=" << found.value << '\n';
    }
}

void show(const Tool& tool, const Target& target, std::string_view value, bool is_quiet) {
    show(tool, target, {.id = {}, .name = target.name, .value = std::string(value)}, is_quiet);
}

Result<Target> find_target(const Tool& tool, const Arguments& given) {
    Target target;
    target.name = given.get("name");
    target.set = given.get("set-name");
    target.id = given.get("id");
    if (!given.get("pattern").empty()) target.pattern = XB_TRY(compile(given.get("pattern")));
    target.is_utilization = given.has("utilization");
    const bool is_promotion = given.has("promotion");
    if (is_promotion) {
        std::string resource = given.get("promotion");
        if (resource.empty()) resource = tool.io.environment("OCF_RESOURCE_INSTANCE");
        if (resource.empty()) {
            return Error{.code = Code::Invalid,
                         .context =
                             "-p/--promotion must be called from an OCF resource agent or "
                             "with a resource ID specified"};
        }
        target.name = concat("master-", resource);
    }
    std::string node = given.has("node") ? given.get("node") : given.get("uname");
    if (node.empty()) node = given.get("node-uuid");
    std::string lifetime = given.get("lifetime");
    if (lifetime.empty() && is_promotion) lifetime = "reboot";
    std::string type = given.get("type");
    if (type.empty()) {
        type = node.empty() && lifetime.empty() && !target.is_utilization ? "crm_config" : "nodes";
    }
    if (type == "reboot" || type == "status" || (type == "nodes" && lifetime == "reboot")) {
        target.scope = "status";
    } else if (type == "nodes" || type == "forever") {
        target.scope = "nodes";
    } else if (is_set_section(type)) {
        target.scope = type;
    } else {
        return Error{.code = Code::Invalid, .context = concat("type ", type, " is not known")};
    }
    if (target.scope == "status" || target.scope == "nodes") {
        target.node = XB_TRY(tool.node_or_local(node));
    }
    return target;
}

std::string infinity_of(std::string_view value) {
    if (value == "INFINITY" || value == "+INFINITY") return "INFINITY";
    return std::string(value);
}

// The sum of all counts of a resource on a node; "INFINITY" as soon as one is.
std::string fail_count(const std::vector<TransientAttribute>& attributes, std::string_view node,
                       std::string_view prefix) {
    std::int64_t sum = 0;
    for (const TransientAttribute& each : attributes) {
        const bool is_meant = each.node == node && each.value &&
                              (each.name == prefix || each.name.starts_with(concat(prefix, '#')));
        if (!is_meant) continue;
        if (infinity_of(*each.value) == "INFINITY") return "INFINITY";
        sum += parse_integer(*each.value).value_or(0);
    }
    constexpr std::int64_t kInfinity = 1'000'000;
    return sum >= kInfinity ? std::string("INFINITY") : concat(sum);
}

}  // namespace

namespace {

// The node has to be one that the configuration names, as Pacemaker's tool wants it. Of transient
// attributes the daemon says so itself.
Result<bool> is_known_node(const Tool& tool, const Target& target) {
    if (target.scope != "nodes") return true;
    const Element document = XB_TRY(tool.cluster.cib({.sections = {"nodes"}}));
    const Element* const configuration = document.child("configuration");
    const Element* const nodes = configuration == nullptr ? nullptr : configuration->child("nodes");
    if (nodes == nullptr) return false;
    return std::any_of(nodes->children.begin(), nodes->children.end(), [&](const Element& node) {
        return node.get("uname") == target.node || node.get("id") == target.node;
    });
}

int change_attribute(const Tool& tool, const Arguments& given, Target target) {
    const bool is_pattern = target.pattern.has_value();
    if (is_pattern && target.scope != "status") {
        return tool.fail_usage(
            "Error: pattern can only be used with query, or with till-reboot "
            "update or delete");
    }
    if (target.name.empty() && !is_pattern) {
        tool.io.err << tool.name << ": a name is needed: -n NAME\n"
                    << tool.name << ": Error performing operation: Invalid argument\n";
        return kSoftware;
    }
    std::optional<std::string> value;
    if (!given.has("delete")) value = given.get("update");
    std::vector<Found> before;
    if (is_pattern || !value) {
        Result<std::vector<Found>> found = query_all(tool, target);
        if (!found) return tool.fail(found.error());
        before = *std::move(found);
    }
    std::vector<std::string> names;
    if (!is_pattern) names.push_back(target.name);
    for (const Found& each : before) {
        if (is_pattern) names.push_back(each.name);
    }
    for (const std::string& name : names) {
        target.name = name;
        const Result<void> written = write(tool, target, value);
        if (!written) return tool.fail(written.error());
    }
    const bool is_told = !value && target.scope != "status" && !before.empty();
    if (!is_told || given.has("quiet") || tool.is_xml) return kOk;
    tool.io.out << "Deleted " << target.scope
                << (target.scope == "crm_config" ? " option" : " attribute")
                << ": id=" << before.front().id << " name=" << target.name << '\n';
    return kOk;
}

int show_tickets_value(const Tool& tool) {
    tool.io.err << tool.name
                << ": attributes of tickets are asked for with 'crm_ticket -t TICKET -G NAME'\n";
    return kNoSuch;
}

}  // namespace

int run_attribute(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kAttributeOptions);
    if (!given) return tool.fail_usage(given.error().context);
    if (given->get("type") == "tickets") return show_tickets_value(tool);
    const Result<Target> target = find_target(tool, *given);
    if (!target) {
        return target.error().code == Code::Invalid ? tool.fail_usage(target.error().context)
                                                    : tool.fail(target.error());
    }
    const Result<bool> is_known = is_known_node(tool, *target);
    if (!is_known) return tool.fail(is_known.error());
    if (!*is_known) {
        tool.io.err << tool.name << ": Could not map name=" << target->node << " to a UUID\n";
        return kNoSuch;
    }
    if (given->has("update") || given->has("delete"))
        return change_attribute(tool, *given, *target);
    const Result<std::vector<Found>> found = query_all(tool, *target);
    if (!found) return tool.fail(found.error());
    // Of one name the first counts; without a name, or with a pattern, all are shown.
    const bool is_one = !target->name.empty() && !target->pattern;
    for (const Found& each : *found) {
        show(tool, *target, each, given->has("quiet"));
        if (is_one) break;
    }
    if (!found->empty()) return kOk;
    if (given->has("default")) {
        show(tool, *target, given->get("default"), given->has("quiet"));
        return kOk;
    }
    tool.io.err << tool.name << ": Error performing operation: No such device or address\n";
    return kNoSuch;
}

int run_master(const Tool& tool, Words words) {
    // The older form of crm_attribute -p; -r names the resource.
    const Result<Arguments> given = Arguments::parse(words, kAttributeOptions);
    if (!given) return tool.fail_usage(given.error().context);
    std::vector<std::string> longer;
    const std::string resource = given->get("resource");
    longer.push_back(resource.empty() ? "--promotion" : concat("--promotion=", resource));
    for (const char* name : {"delete", "query", "quiet"}) {
        if (given->has(name)) longer.push_back(concat("--", name));
    }
    for (const char* name : {"update", "node", "uname", "lifetime", "default"}) {
        if (given->has(name)) longer.push_back(concat("--", name, '=', given->get(name)));
    }
    return run_attribute(tool, longer);
}

namespace {

int query_updater(const Tool& tool, const Arguments& given, const std::string& name) {
    Result<std::vector<TransientAttribute>> attributes = tool.cluster.attributes();
    if (!attributes) return tool.fail(attributes.error());
    std::string node;
    if (!given.has("all")) {
        const Result<std::string> local = tool.node_or_local(given.get("node"));
        if (!local) return tool.fail(local.error());
        node = *local;
    }
    bool has_any = false;
    for (const TransientAttribute& each : *attributes) {
        if (each.name != name || (!node.empty() && each.node != node)) continue;
        const std::optional<std::string>& value = each.is_waiting ? each.expected : each.value;
        if (!value) continue;
        has_any = true;
        if (tool.is_xml) {
            Element attribute = Tool::element("attribute");
            attribute.set("name", name);
            attribute.set("value", *value);
            attribute.set("host", each.node);
            tool.show(attribute);
            continue;
        }
        tool.io.out << "name=\"" << name << "\" host=\"" << each.node << "\" value=\"" << *value
                    << "\"\n";
    }
    if (has_any) return kOk;
    tool.io.err << "Could not query value of " << name << ": attribute does not exist\n";
    return kNoSuch;
}

}  // namespace

int run_updater(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kUpdaterOptions);
    if (!given) return tool.fail_usage(given.error().context);
    // Everything is written already, or on its way.
    if (given->has("refresh")) return kOk;
    const std::string name = given->get("name");
    if (name.empty()) return tool.fail_usage("a name is needed: -n NAME");
    if (given->has("query")) return query_updater(tool, *given, name);
    AttributeChange change;
    change.name = name;
    change.is_private = given->has("private");
    if (given->has("delay")) {
        const std::optional<Duration> delay = cib::parse_duration(given->get("delay"));
        if (!delay) return tool.fail_usage(concat("'", given->get("delay"), "' is no delay"));
        change.dampening = *delay;
    }
    // The delay goes with each change, so there is nothing to be set on its own.
    if (given->has("update-delay")) return kOk;
    if (given->has("update-both")) {
        change.value = given->get("update-both");
    } else if (given->has("update")) {
        change.value = given->get("update");
    } else if (!given->has("delete")) {
        return tool.fail_usage("must specify one of -U, -B, -Y, -Q, -D, -R");
    }
    const Result<std::string> node = tool.node_or_local(given->get("node"));
    if (!node) return tool.fail(node.error());
    change.node = *node;
    const Result<void> changed = tool.cluster.set_attribute(change);
    return changed ? kOk : tool.fail(changed.error());
}

int run_failcount(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kFailcountOptions);
    if (!given) return tool.fail_usage(given.error().context);
    const std::string resource = given->get("resource");
    if (resource.empty()) return tool.fail_usage("resource name required: -r RESOURCE");
    const Result<std::string> node =
        tool.node_or_local(given->has("node") ? given->get("node") : given->get("uname"));
    if (!node) return tool.fail(node.error());
    const Result<std::vector<TransientAttribute>> attributes = tool.cluster.attributes();
    if (!attributes) return tool.fail(attributes.error());
    std::string suffix;
    if (given->has("operation")) {
        const Duration interval = cib::parse_duration(given->get("interval")).value_or(Duration{});
        suffix = concat('#', given->get("operation"), '_',
                        std::chrono::duration_cast<std::chrono::milliseconds>(interval).count());
    }
    const std::string count_name = concat("fail-count-", resource, suffix);
    if (!given->has("delete")) {
        const Target shown{.scope = "status",
                           .name = concat("fail-count-", resource),
                           .node = *node,
                           .set = {},
                           .is_utilization = false};
        show(tool, shown, fail_count(*attributes, *node, count_name), given->has("quiet"));
        return kOk;
    }
    const std::string last_name = concat("last-failure-", resource, suffix);
    for (const TransientAttribute& each : *attributes) {
        const bool is_meant =
            each.node == *node && (each.name == count_name || each.name == last_name ||
                                   each.name.starts_with(concat(count_name, '#')) ||
                                   each.name.starts_with(concat(last_name, '#')));
        if (!is_meant) continue;
        const Result<void> removed = tool.cluster.set_attribute(
            {.node = *node, .name = each.name, .value = {}, .is_private = false, .dampening = {}});
        if (!removed) return tool.fail(removed.error());
    }
    return kOk;
}

int run_standby(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kAttributeOptions);
    if (!given) return tool.fail_usage(given.error().context);
    const Result<std::string> node =
        tool.node_or_local(given->has("node") ? given->get("node") : given->get("uname"));
    if (!node) return tool.fail(node.error());
    std::vector<std::string> longer = {"--name=standby", concat("--node=", *node)};
    const bool is_change = given->has("update") || given->has("delete");
    const std::string lifetime = given->get("lifetime");
    longer.push_back(concat("--lifetime=", lifetime.empty() ? "forever" : lifetime));
    if (given->has("update")) longer.push_back(concat("--update=", given->get("update")));
    if (given->has("delete")) longer.emplace_back("--delete");
    if (given->has("quiet")) longer.emplace_back("--quiet");
    if (is_change) return run_attribute(tool, longer);
    // The permanent value first, then the transient one, then off.
    if (lifetime.empty()) {
        const Target forever{
            .scope = "nodes", .name = "standby", .node = *node, .set = {}, .is_utilization = false};
        const auto found = query(tool, forever);
        if (!found) return tool.fail(found.error());
        if (*found) {
            show(tool, forever, **found, given->has("quiet"));
            return kOk;
        }
        longer[2] = "--lifetime=reboot";
    }
    longer.emplace_back("--default=off");
    return run_attribute(tool, longer);
}

}  // namespace xbeat::shim
