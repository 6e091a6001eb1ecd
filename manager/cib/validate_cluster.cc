// Options, defaults, nodes, fencing levels, tags, access control, alerts.
#include <algorithm>

#include "cib/options.h"
#include "cib/suggest.h"
#include "cib/validate_context.h"
#include "cib/walk.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

void check_options(Checker& checker, const Element& section) {
    check_sets(checker, section);
    static const std::vector<std::string_view> names(option_names().begin(), option_names().end());
    for (const Element& set : section.children) {
        if (set.name != "cluster_property_set") continue;
        checker.set_owner(set.get("id"));
        for (const Element& pair : set.children) {
            if (pair.name != "nvpair" || !pair.has("name") || !pair.has("value")) continue;
            const Option* option = find_option(pair.get("name"));
            if (option == nullptr) {
                const std::string hint = checker.hint(pair.get("name"), names);
                checker.warn(
                    pair, "unknown-option",
                    concat("unknown cluster option '", pair.get("name"), "' is ignored", hint));
                continue;
            }
            const std::string wrong = check_option_value(*option, pair.get("value"));
            if (!wrong.empty()) checker.error(pair, "bad-value", wrong);
        }
    }
}

void check_nodes(Checker& checker, const Element& section) {
    std::set<std::string_view> seen;
    std::set<std::string_view> ids;
    std::size_t full_nodes = 0;
    for (const Element& node : section.children) {
        if (node.name != "node") continue;
        checker.set_owner(node.get("uname"));
        const std::string_view uname = node.get("uname");
        if (uname.empty()) {
            checker.error(node, "missing-attribute", "a node needs a name in uname; give it one");
        } else if (!seen.insert(uname).second) {
            checker.error(node, "duplicate-id",
                          concat("two nodes are called '", uname, "'; rename or remove one"));
        }
        if (!node.get("id").empty() && !ids.insert(node.get("id")).second) {
            checker.error(
                node, "duplicate-id",
                concat("two nodes have the id '", node.get("id"), "'; change one of them"));
        }
        check_choice(checker, node, "type", "normal member ping remote", "bad-value");
        check_sets(checker, node);
        if (node.get("type") != "remote" && node.get("type") != "ping") ++full_nodes;
    }
    if (full_nodes > kNodesMax)
        checker.error(
            section, "limit",
            concat(full_nodes, " nodes are more than the ", kNodesMax, " that are supported"));
}

void check_levels(Checker& checker, const Element& topology) {
    std::set<std::string> seen;
    for (const Element& level : topology.children) {
        if (level.name != "fencing-level") continue;
        const std::optional<std::int64_t> index = parse_integer(level.get("index"));
        if (!index || *index < 1 || *index > 9)
            checker.error(level, "bad-level",
                          concat("'", level.get("index"), "' is no level; give one from 1 to 9"));
        const int targets = (level.has("target") ? 1 : 0) + (level.has("target-pattern") ? 1 : 0) +
                            (level.has("target-attribute") ? 1 : 0);
        if (targets != 1) {
            checker.error(level, "bad-level",
                          "a level needs exactly one of target, target-pattern and "
                          "target-attribute; give one");
        }
        if (level.has("target-attribute") && !level.has("target-value"))
            checker.error(level, "bad-level", "target-attribute needs a target-value; give one");
        if (level.get("target-pattern").size() > kPatternBytesMax)
            checker.error(level, "bad-value",
                          concat("target-pattern must have at most ", kPatternBytesMax,
                                 " bytes; shorten it"));
        const std::string key = concat(level.get("target"), "|", level.get("target-pattern"), "|",
                                       level.get("target-attribute"), "=",
                                       level.get("target-value"), "|", level.get("index"));
        if (!seen.insert(key).second)
            checker.error(level, "bad-level",
                          concat("level ", level.get("index"),
                                 " of this target stands twice; change its index"));
        if (level.get("devices").empty()) {
            checker.error(level, "bad-level", "a level needs devices; name fencing resources");
            continue;
        }
        for (const Mention& mention : mentions_in(level)) {
            if (mention.attribute != "devices" ||
                checker.resources.find(mention.id) != checker.resources.end())
                continue;
            checker.warn(level, "unknown-reference",
                         concat("unknown fencing device '", mention.id, "'",
                                checker.hint(mention.id, checker.resource_names)));
        }
    }
}

void check_tags(Checker& checker, const Element& section) {
    for (const Element& tag : section.children) {
        checker.set_owner(tag.get("id"));
        for (const Element& ref : tag.children) {
            if (ref.name != "obj_ref" || checker.ids.find(ref.get("id")) != checker.ids.end())
                continue;
            checker.warn(ref, "unknown-reference",
                         concat("the tag names '", ref.get("id"), "', which is not there",
                                checker.hint(ref.get("id"), checker.resource_names)));
        }
    }
}

void check_permission(Checker& checker, const Element& permission) {
    check_choice(checker, permission, "kind", "read write deny", "bad-access");
    if (!permission.has("kind"))
        checker.error(permission, "bad-access", "a permission needs a kind: read, write or deny");
    const int ways = (permission.has("xpath") ? 1 : 0) + (permission.has("reference") ? 1 : 0) +
                     (permission.has("object-type") ? 1 : 0);
    if (ways != 1)
        checker.error(permission, "bad-access",
                      "a permission needs exactly one of xpath, reference and object-type");
    if (permission.has("attribute") && !permission.has("object-type"))
        checker.error(permission, "bad-access",
                      "attribute only goes with object-type; add one or remove it");
}

void check_access(Checker& checker, const Element& section) {
    const std::vector<std::string_view> roles(checker.roles.begin(), checker.roles.end());
    for (const Element& entry : section.children) {
        checker.set_owner(entry.get("id"));
        for (const Element& child : entry.children) {
            if (child.name == "acl_permission") check_permission(checker, child);
            const bool is_role = child.name == "role" || child.name == "role_ref";
            if (is_role && checker.roles.find(child.get("id")) == checker.roles.end()) {
                checker.error(
                    child, "unknown-reference",
                    concat("unknown role '", child.get("id"), "'",
                           checker.hint(child.get("id"), roles), "; define it with acl_role"));
            }
        }
    }
}

void check_alerts(Checker& checker, const Element& section) {
    for (const Element& alert : section.children) {
        if (alert.name != "alert") continue;
        checker.set_owner(alert.get("id"));
        if (alert.get("path").empty())
            checker.error(alert, "missing-attribute",
                          "an alert needs the path of its agent; give it");
        check_sets(checker, alert);
        for (const Element& recipient : alert.children) {
            if (recipient.name != "recipient") continue;
            if (!recipient.has("value"))
                checker.error(recipient, "missing-attribute",
                              "a recipient needs a value; give it one");
            check_sets(checker, recipient);
        }
    }
}

}  // namespace

void check_cluster(Checker& checker, const Element& configuration) {
    for (const Element& section : configuration.children) {
        checker.set_owner({});
        if (section.name == "crm_config") check_options(checker, section);
        if (section.name == "nodes") check_nodes(checker, section);
        if (section.name == "fencing-topology") check_levels(checker, section);
        if (section.name == "tags") check_tags(checker, section);
        if (section.name == "acls") check_access(checker, section);
        if (section.name == "alerts") check_alerts(checker, section);
        if (section.name == "rsc_defaults" || section.name == "op_defaults")
            check_sets(checker, section);
        if (section.name == "rsc_defaults") check_meta(checker, section);
    }
}

}  // namespace xbeat::cib
