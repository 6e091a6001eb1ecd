// Statements that make nodes and resources: node, primitive, rsc_template, group, clone, ms,
// bundle, monitor.
#include <algorithm>
#include <array>
#include <set>

#include "cib/crm_cursor.h"
#include "cib/flat.h"
#include "cib/suggest.h"

namespace xbeat::cib {
namespace {

constexpr std::array<std::string_view, 10> kClasses = {"ocf",       "systemd", "service", "lsb",
                                                       "stonith",   "xbeat",   "upstart", "nagios",
                                                       "heartbeat", "fencing"};
constexpr std::array<std::string_view, 12> kOpAttributes = {
    "name", "interval",        "timeout",     "role",           "on-fail",  "enabled",
    "id",   "interval-origin", "start-delay", "record-pending", "requires", "description"};
// Agents of Debian's that exist only at the provider pacemaker; a bare name of any other means
// heartbeat.
constexpr std::array<std::string_view, 12> kPacemakerAgents = {
    "attribute", "ClusterMon", "controld", "HealthCPU", "HealthIOWait", "HealthSMART",
    "ifspeed",   "o2cb",       "ping",     "remote",    "Stateful",     "SysInfo"};
constexpr std::array<std::string_view, 7> kPrimitiveParts = {
    "params", "meta", "utilization", "operations", "op", "op_params", "op_meta"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

struct SetName {
    std::string_view keyword;
    std::string_view element;
};

// The set whose keyword stands here, the keyword taken; null if it is none of them.
const SetName* accept_set(Cursor& cursor, std::span<const SetName> sets) {
    for (const SetName& set : sets) {
        if (cursor.accept(set.keyword)) return &set;
    }
    return nullptr;
}

// The sets of a node or a collective resource: keyword and list, again and again. Without a keyword
// the first list belongs to the first set.
Result<void> parse_sets(Cursor& cursor, Element& owner, std::span<const SetName> sets,
                        Keywords keywords) {
    if (!cursor.done() && !cursor.at_any(keywords)) {
        Element set = XB_TRY(parse_set(cursor, sets.front().element, keywords));
        if (!set.children.empty() || !set.attributes.empty())
            owner.children.push_back(std::move(set));
    }
    while (!cursor.done()) {
        const SetName* found = accept_set(cursor, sets);
        if (found == nullptr) return {};
        owner.children.push_back(XB_TRY(parse_set(cursor, found->element, keywords)));
    }
    return {};
}

Result<void> set_agent(Cursor& cursor, Element& resource) {
    const Word word = XB_TRY(cursor.take("an agent such as ocf:heartbeat:IPaddr2"));
    std::vector<std::string_view> parts;
    std::string_view rest = word.text;
    for (;;) {
        const std::size_t colon = rest.find(':');
        // The double colon of listings (ocf::heartbeat:apache) means the same.
        if (colon != 0) parts.push_back(rest.substr(0, colon));
        if (colon == std::string_view::npos) break;
        rest.remove_prefix(colon + 1);
    }
    const bool has_empty =
        std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty(); });
    if (parts.empty() || parts.size() > 3 || has_empty) {
        return error_at(word.line, concat("'", word.text,
                                          "' is no agent; write CLASS:PROVIDER:TYPE, "
                                          "CLASS:TYPE or TYPE"));
    }
    const std::string_view type = parts.back();
    std::string_view cls = parts.size() > 1             ? parts.front()
                           : type.starts_with("fence_") ? "stonith"
                                                        : "ocf";
    if (!is_one_of(cls, kClasses)) {
        return error_at(word.line,
                        concat("unknown class of agents '", cls, "'", did_you_mean(cls, kClasses),
                               "; there are ocf, systemd, service, lsb, stonith and xbeat"));
    }
    if (parts.size() == 3 && cls != "ocf") {
        return error_at(word.line, concat("agents of class ", cls, " have no provider; write ", cls,
                                          ":", type));
    }
    if (cls == "fencing") cls = "stonith";
    resource.set("class", cls);
    if (parts.size() == 3) {
        resource.set("provider", parts[1]);
    } else if (cls == "ocf") {
        resource.set("provider", is_one_of(type, kPacemakerAgents) ? "pacemaker" : "heartbeat");
    }
    resource.set("type", type);
    return {};
}

// Attributes of the operation itself stay with it, others become parameters of this operation.
Result<void> sort_op_pairs(Element& op, Element pairs) {
    Element parameters;
    parameters.name = "instance_attributes";
    parameters.line = pairs.line;
    for (Element& pair : pairs.children) {
        const std::string_view name = pair.get("name");
        const bool is_plain = !pair.has("id") && !pair.has("id-ref");
        if (!is_plain || !is_one_of(name, kOpAttributes)) {
            parameters.children.push_back(std::move(pair));
            continue;
        }
        if (name == "role") {
            const std::optional<std::string> role = canonical_role(pair.get("value"));
            if (!role) return error_at(pair.line, concat("unknown role '", pair.get("value"), "'"));
            op.set("role", *role);
        } else {
            op.set(name, pair.get("value"));
        }
    }
    if (!op.has("interval")) op.set("interval", "0");
    if (!parameters.children.empty()) op.children.push_back(std::move(parameters));
    return {};
}

Result<Element> parse_op(Cursor& cursor) {
    Element op = new_element("op", cursor);
    const Word name = XB_TRY(cursor.take("the name of an operation, such as monitor"));
    if (name.text.find('=') != std::string::npos)
        return error_at(name.line,
                        concat("the operation's name is missing before '", name.text, "'"));
    op.set("name", name.text);
    Element pairs = new_element("instance_attributes", cursor);
    XB_TRY(parse_pairs(cursor, pairs, kPrimitiveParts));
    XB_TRY(sort_op_pairs(op, std::move(pairs)));
    constexpr SetName kSets[] = {{"op_params", "instance_attributes"},
                                 {"op_meta", "meta_attributes"}};
    while (const SetName* set = accept_set(cursor, kSets))
        op.children.push_back(XB_TRY(parse_set(cursor, set->element, kPrimitiveParts)));
    return op;
}

// The one <operations> of a resource, made when the first operation comes.
Element& operations_of(Element& resource) { return resource.child_or_new("operations"); }

Result<void> parse_primitive_parts(Cursor& cursor, Element& resource) {
    constexpr SetName kSets[] = {{"params", "instance_attributes"},
                                 {"meta", "meta_attributes"},
                                 {"utilization", "utilization"}};
    parse_description(cursor, resource);
    if (!cursor.done() && !cursor.at_any(kPrimitiveParts)) {
        Element set = XB_TRY(parse_set(cursor, "instance_attributes", kPrimitiveParts));
        if (!set.children.empty() || !set.attributes.empty())
            resource.children.push_back(std::move(set));
    }
    while (!cursor.done()) {
        if (const SetName* set = accept_set(cursor, kSets)) {
            resource.children.push_back(XB_TRY(parse_set(cursor, set->element, kPrimitiveParts)));
        } else if (cursor.accept("op")) {
            Element op = XB_TRY(parse_op(cursor));
            operations_of(resource).children.push_back(std::move(op));
        } else if (cursor.accept("operations")) {
            Element& operations = operations_of(resource);
            if (const auto id_ref = cursor.accept_option("$id-ref")) {
                operations.set("id-ref", *id_ref);
            } else if (const auto id = cursor.accept_option("$id")) {
                operations.set("id", *id);
            } else {
                return cursor.error("operations must be followed by $id=ID or $id-ref=ID");
            }
        } else {
            return cursor.error(
                concat("expected name=value or one of params, meta, utilization, "
                       "operations, op; found '",
                       cursor.peek().text, "'", did_you_mean(cursor.peek().text, kPrimitiveParts)));
        }
    }
    return {};
}

Element reference(std::string_view id, const Cursor& cursor) {
    Element ref = new_element(kRefName, cursor);
    ref.set("id", id);
    return ref;
}

constexpr std::array<std::string_view, 2> kCollectiveEnds = {"params", "meta"};
constexpr SetName kCollectiveSets[] = {{"params", "instance_attributes"},
                                       {"meta", "meta_attributes"}};

Result<Element> parse_one_member(Cursor& cursor) {
    Element clone = new_element("clone", cursor);
    clone.set("id", XB_TRY(take_id(cursor, "clone")));
    const std::string member = XB_TRY(take_id(cursor, "resource to clone"));
    Element ref = reference(member, cursor);
    parse_description(cursor, clone);
    XB_TRY(parse_sets(cursor, clone, kCollectiveSets, kCollectiveEnds));
    clone.children.push_back(std::move(ref));
    return clone;
}

bool has_pair(const Element& set, std::string_view name) {
    return std::any_of(set.children.begin(), set.children.end(),
                       [&](const Element& pair) { return pair.get("name") == name; });
}

// Attributes of a container, network, port or storage element.
Result<void> parse_bundle_attributes(Cursor& cursor, Element& part) {
    while (!cursor.done() && !cursor.peek().text.starts_with('@')) {
        const std::string& text = cursor.peek().text;
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) return {};
        const std::string name = text.substr(0, equals);
        if (!is_xml_name(name))
            return cursor.error(concat("'", text, "' has no proper name before the ="));
        if (part.has(name)) return cursor.error(concat("'", name, "' is given twice"));
        if (part.attributes.size() == 64) return cursor.error("more than 64 attributes");
        part.set(name, std::string_view(text).substr(equals + 1));
        cursor.skip();
    }
    return {};
}

Result<void> parse_bundle_part(Cursor& cursor, Element& bundle, std::string_view name) {
    bundle.children.push_back(new_element(name, cursor));
    Element& part = bundle.children.back();
    XB_TRY(parse_bundle_attributes(cursor, part));
    for (const std::string_view mapping : {"port-mapping", "storage-mapping"}) {
        while (cursor.accept(mapping)) {
            Element inner = new_element(mapping, cursor);
            XB_TRY(parse_bundle_attributes(cursor, inner));
            part.children.push_back(std::move(inner));
        }
    }
    return {};
}

}  // namespace

Result<Element> parse_node(Cursor& cursor) {
    Element node = new_element("node", cursor);
    std::optional<std::string> id = cursor.accept_option("$id");
    const std::string& first = cursor.peek().text;
    if (!id && first.size() > 1 && first.ends_with(':')) {
        id = first.substr(0, first.size() - 1);
        cursor.skip();
    }
    const Word name = XB_TRY(cursor.take("the node's name"));
    const std::size_t colon = std::min(name.text.find(':'), name.text.size());
    const std::string uname = name.text.substr(0, colon);
    if (uname.empty() || clean_id(uname) != uname)
        return error_at(name.line, concat("'", name.text, "' is no name for a node"));
    node.set("id", id ? *id : uname);
    node.set("uname", uname);
    if (colon < name.text.size()) {
        constexpr std::array<std::string_view, 4> kNodeTypes = {"normal", "member", "ping",
                                                                "remote"};
        const std::string type = to_lower(std::string_view(name.text).substr(colon + 1));
        if (!is_one_of(type, kNodeTypes)) {
            return error_at(name.line, concat("unknown type of node '", type, "'",
                                              did_you_mean(type, kNodeTypes)));
        }
        node.set("type", type);
    }
    parse_description(cursor, node);
    constexpr SetName kSets[] = {{"attributes", "instance_attributes"},
                                 {"utilization", "utilization"}};
    constexpr std::array<std::string_view, 2> kEnds = {"attributes", "utilization"};
    XB_TRY(parse_sets(cursor, node, kSets, kEnds));
    return node;
}

Result<Element> parse_primitive(Cursor& cursor) {
    Element primitive = new_element("primitive", cursor);
    primitive.set("id", XB_TRY(take_id(cursor, "primitive")));
    if (cursor.peek().text.starts_with('@')) {
        primitive.set("template", std::string_view(cursor.peek().text).substr(1));
        cursor.skip();
    } else {
        XB_TRY(set_agent(cursor, primitive));
    }
    XB_TRY(parse_primitive_parts(cursor, primitive));
    return primitive;
}

Result<Element> parse_template(Cursor& cursor) {
    Element resource = new_element("template", cursor);
    resource.set("id", XB_TRY(take_id(cursor, "template")));
    XB_TRY(set_agent(cursor, resource));
    XB_TRY(parse_primitive_parts(cursor, resource));
    return resource;
}

Result<Element> parse_group(Cursor& cursor) {
    Element group = new_element("group", cursor);
    group.set("id", XB_TRY(take_id(cursor, "group")));
    std::vector<Element> members;
    std::set<std::string> seen;
    while (!cursor.done() && !cursor.at_any({"params", "meta"}) &&
           cursor.peek().text.find('=') == std::string::npos) {
        const std::uint32_t line = cursor.line();
        const std::string member = XB_TRY(take_id(cursor, "member of the group"));
        if (!seen.insert(member).second) {
            return error_at(
                line, concat("'", member, "' is listed twice in group '", group.get("id"), "'"));
        }
        members.push_back(reference(member, cursor));
        members.back().line = line;
    }
    if (members.empty()) {
        return cursor.error(
            concat("group '", group.get("id"), "' has no member; name at least one primitive"));
    }
    parse_description(cursor, group);
    XB_TRY(parse_sets(cursor, group, kCollectiveSets, kCollectiveEnds));
    for (Element& member : members) group.children.push_back(std::move(member));
    return group;
}

Result<Element> parse_clone(Cursor& cursor) { return parse_one_member(cursor); }

// The old promotable clone, with the words of today.
Result<Element> parse_promotable(Cursor& cursor) {
    Element clone = XB_TRY(parse_one_member(cursor));
    Element* meta = clone.child("meta_attributes");
    if (meta == nullptr || meta->has("id-ref")) {
        Element set;
        set.name = "meta_attributes";
        set.line = clone.line;
        meta = &*clone.children.insert(clone.children.begin(), std::move(set));
    }
    for (Element& pair : meta->children) {
        if (pair.get("name") == "master-max") pair.set("name", "promoted-max");
        if (pair.get("name") == "master-node-max") pair.set("name", "promoted-node-max");
    }
    if (!has_pair(*meta, "promotable")) {
        Element pair;
        pair.name = "nvpair";
        pair.line = clone.line;
        pair.set("name", "promotable");
        pair.set("value", "true");
        meta->children.push_back(std::move(pair));
    }
    return clone;
}

Result<Element> parse_bundle(Cursor& cursor) {
    constexpr std::array<std::string_view, 6> kBundleParts = {"docker",  "podman",  "rkt",
                                                              "network", "storage", "primitive"};
    Element bundle = new_element("bundle", cursor);
    bundle.set("id", XB_TRY(take_id(cursor, "bundle")));
    parse_description(cursor, bundle);
    std::vector<Element> members;
    while (!cursor.done()) {
        const std::string part = to_lower(cursor.peek().text);
        if (cursor.at_any({"docker", "podman", "rkt", "network", "storage"})) {
            cursor.skip();
            XB_TRY(parse_bundle_part(cursor, bundle, part));
        } else if (cursor.accept("meta")) {
            bundle.children.push_back(XB_TRY(parse_set(cursor, "meta_attributes", kBundleParts)));
        } else if (cursor.accept("primitive")) {
            const std::string member = XB_TRY(take_id(cursor, "primitive of the bundle"));
            members.push_back(reference(member, cursor));
        } else if (cursor.at("port-mapping")) {
            // The old shell shows it outside of its network.
            Element& network = bundle.child_or_new("network");
            while (cursor.accept("port-mapping")) {
                Element inner = new_element("port-mapping", cursor);
                XB_TRY(parse_bundle_attributes(cursor, inner));
                network.children.push_back(std::move(inner));
            }
        } else {
            return cursor.error(
                concat("expected docker, podman, network, storage, primitive or meta in a "
                       "bundle; found '",
                       cursor.peek().text, "'"));
        }
    }
    if (members.size() > 1) return cursor.error("a bundle holds one primitive at most");
    for (Element& member : members) bundle.children.push_back(std::move(member));
    return bundle;
}

Result<Element> parse_monitor(Cursor& cursor) {
    Element op = new_element(kMonitorName, cursor);
    const Word target = XB_TRY(cursor.take("a primitive"));
    const std::size_t colon = std::min(target.text.find(':'), target.text.size());
    op.set("rsc", target.text.substr(0, colon));
    op.set("name", "monitor");
    const Word times = XB_TRY(cursor.take("an interval"));
    const std::size_t split = std::min(times.text.find(':'), times.text.size());
    op.set("interval", times.text.substr(0, split));
    if (split < times.text.size()) op.set("timeout", times.text.substr(split + 1));
    if (colon < target.text.size()) {
        const std::string_view role = std::string_view(target.text).substr(colon + 1);
        const std::optional<std::string> known = canonical_role(role);
        if (!known) return error_at(target.line, concat("unknown role '", role, "'"));
        op.set("role", *known);
    }
    return op;
}

}  // namespace xbeat::cib
