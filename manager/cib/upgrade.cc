#include "cib/upgrade.h"

#include <algorithm>
#include <array>
#include <map>

#include "cib/flat.h"
#include "cib/options.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// What older resources said in attributes of their own element, or among their parameters.
constexpr std::array<Pair, 17> kOldMeta = {
    {{"is_managed", "is-managed"},
     {"target_role", "target-role"},
     {"resource_stickiness", "resource-stickiness"},
     {"multiple_active", "multiple-active"},
     {"migration_threshold", "migration-threshold"},
     {"failure_timeout", "failure-timeout"},
     {"allow_migrate", "allow-migrate"},
     {"clone_max", "clone-max"},
     {"clone_node_max", "clone-node-max"},
     {"master_max", "promoted-max"},
     {"master_node_max", "promoted-node-max"},
     {"globally_unique", "globally-unique"},
     {"resource_failure_stickiness", "resource-failure-stickiness"},
     {"restart_type", "restart-type"},
     {"notify", "notify"},
     {"interleave", "interleave"},
     {"ordered", "ordered"}}};
// Only as attributes: among parameters these words belong to the agent.
constexpr std::array<std::string_view, 2> kOldAttributes = {"priority", "collocated"};

// Options with underscores that outlived Heartbeat: read up to the schemas of 2.x. Those that are
// not here were never read with underscores, and are not now.
constexpr std::array<std::string_view, 16> kOldOptions = {
    "no_quorum_policy",         "symmetric_cluster",
    "stonith_enabled",          "stonith_action",
    "stop_orphan_resources",    "stop_orphan_actions",
    "remove_after_stop",        "startup_fencing",
    "transition_idle_timeout",  "dc_deadtime",
    "election_timeout",         "shutdown_escalation",
    "cluster_recheck_interval", "default_resource_stickiness",
    "is_managed_default",       "default_action_timeout"};

constexpr std::array<Pair, 3> kDefaults = {
    {{"default-resource-stickiness", "resource-stickiness"},
     {"is-managed-default", "is-managed"},
     {"default-migration-threshold", "migration-threshold"}}};

std::string dashed(std::string_view name) {
    std::string out(name);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

std::string_view new_role(std::string_view role) {
    if (equals_ignoring_case(role, "master")) return "Promoted";
    if (equals_ignoring_case(role, "slave")) return "Unpromoted";
    return {};
}

Element make_pair(std::string_view name, std::string_view value, std::uint32_t line) {
    Element pair;
    pair.name = "nvpair";
    pair.line = line;
    pair.set("name", name);
    pair.set("value", value);
    return pair;
}

// Renames an attribute and keeps its place.
bool rename_attribute(Element& element, std::string_view from, std::string_view to) {
    if (!element.has(from) || element.has(to)) return false;
    for (Attribute& attribute : element.attributes) {
        if (attribute.name == from) attribute.name = to;
    }
    return true;
}

// Major and minor version of "pacemaker-3.10"; zeros for another name.
std::pair<std::int64_t, std::int64_t> version_of(std::string_view schema) {
    static constexpr std::string_view kPrefix = "pacemaker-";
    if (!schema.starts_with(kPrefix)) return {};
    schema.remove_prefix(kPrefix.size());
    const std::size_t point = schema.find('.');
    if (point == std::string_view::npos) return {};
    const auto major = parse_integer(schema.substr(0, point));
    const auto minor = parse_integer(schema.substr(point + 1));
    if (!major || !minor) return {};
    return {*major, *minor};
}

class Upgrader {
public:
    std::vector<std::string> run(Element& document) {
        const bool is_cib = document.name == "cib";
        Element* configuration = is_cib ? document.child("configuration") : &document;
        if (configuration == nullptr) return {};
        if (is_cib) upgrade_head(document);
        is_06_ = is_old_schema(document) || looks_old(*configuration);
        unwrap(document);
        if (is_06_) visit_06(*configuration);
        visit(*configuration);
        if (!says_current_schema(document)) upgrade_options(*configuration);
        upgrade_access(*configuration);
        if (!done_.empty()) {
            assign_ids(*configuration);
            if (is_cib) document.set("validate-with", kSchema);
        }
        return report();
    }

private:
    void note(std::string_view what) { ++done_[std::string(what)]; }

    [[nodiscard]] std::vector<std::string> report() const {
        std::vector<std::string> out;
        for (const auto& [what, count] : done_) {
            out.push_back(count == 1 ? what : concat(what, " (", count, " times)"));
        }
        return out;
    }

    static bool is_old_schema(const Element& document) {
        const std::string_view schema = document.get("validate-with");
        return schema == "pacemaker-0.6" || schema == "transitional-0.6" ||
               schema == "pacemaker-0.7";
    }

    // Who names a schema of 3.x, or forgoes one, means today's names: old ones are nobody's there.
    static bool says_current_schema(const Element& document) {
        const std::string_view schema = document.get("validate-with");
        return schema == "none" || version_of(schema).first >= 3;
    }

    // Documents of Heartbeat's time name no schema, but their shapes tell.
    static bool looks_old(const Element& element) {
        const bool is_old_set = element.name == "attributes" && element.child("nvpair") != nullptr;
        const bool is_old_constraint =
            (element.name == "rsc_order" || element.name == "rsc_colocation") &&
            element.has("from") && element.has("to");
        const bool is_old_options =
            element.name == "crm_config" && element.child("nvpair") != nullptr;
        if (is_old_set || is_old_constraint || is_old_options || element.name == "master_slave")
            return true;
        return std::any_of(element.children.begin(), element.children.end(), looks_old);
    }

    void upgrade_head(Element& cib) {
        constexpr std::array<Pair, 3> kNames = {{{"have_quorum", "have-quorum"},
                                                 {"dc_uuid", "dc-uuid"},
                                                 {"cib_last_written", "cib-last-written"}}};
        for (const auto& [from, to] : kNames) {
            if (rename_attribute(cib, from, to)) note("renamed attributes of the cib");
        }
        constexpr std::array<std::string_view, 6> kGone = {
            "generated", "ignore_dtd",           "ccm_transition",
            "num_peers", "cib_feature_revision", "cib_feature_revision_max"};
        for (const std::string_view name : kGone) {
            if (!cib.has(name)) continue;
            cib.unset(name);
            note("removed attributes of the cib that mean nothing any more");
        }
        const std::string_view schema = cib.get("validate-with");
        const bool is_older = schema.starts_with("pacemaker-0.") ||
                              schema.starts_with("pacemaker-1.") ||
                              schema.starts_with("pacemaker-2.") || schema == "transitional-0.6";
        if (is_older) note(concat("raised the schema to ", kSchema));
    }

    // <attributes> inside sets, which only wrapped their pairs.
    void unwrap(Element& element) {
        for (std::size_t i = 0; i < element.children.size(); ++i) {
            Element& child = element.children[i];
            const bool is_wrapper =
                child.name == "attributes" && child.attributes.empty() && element.name != "select";
            if (!is_wrapper) {
                unwrap(child);
                continue;
            }
            std::vector<Element> pairs = std::move(child.children);
            const auto at =
                element.children.erase(element.children.begin() + static_cast<std::ptrdiff_t>(i));
            element.children.insert(at, std::make_move_iterator(pairs.begin()),
                                    std::make_move_iterator(pairs.end()));
            note("unwrapped attributes");
            --i;  // what was inside comes under review in its place
        }
    }

    // ---- Only in documents of 0.6

    void visit_06(Element& element) {
        if (element.name == "master_slave") {
            element.name = "master";
            note("turned master_slave into a promotable clone");
        }
        if (is_resource(element.name) || element.name == "template") upgrade_old_resource(element);
        if (element.name == "op") upgrade_old_operation(element);
        if (element.name == "rsc_order") upgrade_order(element);
        if (element.name == "rsc_colocation") upgrade_colocation(element);
        if (element.name == "rule" || element.name == "rsc_location") {
            for (const std::string_view name :
                 {"boolean_op", "score_attribute", "score_attribute_mangled"}) {
                if (rename_attribute(element, name, dashed(name)))
                    note("renamed attributes of rules");
            }
        }
        if (element.name == "crm_config") wrap_options(element);
        for (Element& child : element.children) visit_06(child);
    }

    static Element& meta_of(Element& resource) {
        if (Element* found = resource.child("meta_attributes")) return *found;
        Element set;
        set.name = "meta_attributes";
        set.line = resource.line;
        return *resource.children.insert(resource.children.begin(), std::move(set));
    }

    static std::string_view new_meta(std::string_view name) {
        for (const auto& [from, to] : kOldMeta) {
            if (from == name) return to;
        }
        return {};
    }

    void upgrade_old_resource(Element& resource) {
        std::vector<Element> moved;
        std::erase_if(resource.attributes, [&](const Attribute& attribute) {
            const bool is_plain = std::find(kOldAttributes.begin(), kOldAttributes.end(),
                                            attribute.name) != kOldAttributes.end();
            const std::string_view name =
                is_plain ? std::string_view(attribute.name) : new_meta(attribute.name);
            if (name.empty()) return false;
            moved.push_back(make_pair(name, attribute.value, resource.line));
            return true;
        });
        for (Element& set : resource.children) {
            const bool is_meta = set.name == "meta_attributes";
            if (set.name != "instance_attributes" && !is_meta) continue;
            std::erase_if(set.children, [&](Element& pair) {
                const std::string_view name =
                    pair.name == "nvpair" ? new_meta(pair.get("name")) : std::string_view();
                if (name.empty() || name == pair.get("name")) return false;
                if (is_meta) {
                    pair.set("name", name);
                    note("renamed meta-attributes");
                    return false;
                }
                moved.push_back(make_pair(name, pair.get("value"), pair.line));
                return true;
            });
        }
        std::erase_if(resource.children, [](const Element& set) {
            return set.name == "instance_attributes" && set.children.empty() && !set.has("id-ref");
        });
        if (moved.empty()) return;
        Element& meta = meta_of(resource);
        for (Element& pair : moved) {
            meta.children.push_back(std::move(pair));
            note("moved settings of resources to their meta-attributes");
        }
    }

    void upgrade_old_operation(Element& op) {
        for (const std::string_view name : {"on_fail", "start_delay", "interval_origin"}) {
            if (rename_attribute(op, name, dashed(name))) note("renamed attributes of operations");
        }
        if (op.has("disabled") && !op.has("enabled")) {
            op.set("enabled", parse_boolean(op.get("disabled")) == true ? "false" : "true");
            op.unset("disabled");
            note("turned disabled operations into enabled=false");
        }
        if (rename_attribute(op, "prereq", "requires")) note("renamed attributes of operations");
    }

    // from, to, type and action: "from" comes after "to" unless the type says before.
    void upgrade_order(Element& order) {
        if (!order.has("from") || !order.has("to")) return;
        const bool is_before = order.get("type") == "before";
        const std::string from(order.get("from"));
        const std::string to(order.get("to"));
        const std::string action(order.get("action"));
        const std::string to_action(order.has("to_action") ? order.get("to_action")
                                                           : order.get("action"));
        for (const std::string_view old : {"from", "to", "type", "action", "to_action"})
            order.unset(old);
        order.set("first", is_before ? from : to);
        order.set("then", is_before ? to : from);
        const std::string& first_action = is_before ? action : to_action;
        const std::string& then_action = is_before ? to_action : action;
        if (!first_action.empty()) order.set("first-action", first_action);
        if (!then_action.empty()) order.set("then-action", then_action);
        note("turned from and to of orders into first and then");
    }

    void upgrade_colocation(Element& colocation) {
        constexpr std::array<Pair, 5> kNames = {{{"from", "rsc"},
                                                 {"to", "with-rsc"},
                                                 {"from_role", "rsc-role"},
                                                 {"to_role", "with-rsc-role"},
                                                 {"node_attribute", "node-attribute"}}};
        bool is_changed = false;
        for (const auto& [from, to] : kNames)
            is_changed = rename_attribute(colocation, from, to) || is_changed;
        if (is_changed) {
            colocation.unset("symmetrical");
            note("turned from and to of colocations into rsc and with-rsc");
        }
    }

    void wrap_options(Element& section) {
        Element set;
        set.name = "cluster_property_set";
        set.line = section.line;
        std::erase_if(section.children, [&](Element& child) {
            if (child.name != "nvpair") return false;
            set.children.push_back(std::move(child));
            return true;
        });
        if (set.children.empty()) return;
        section.children.push_back(std::move(set));
        note("put cluster options into a set");
    }

    // ---- In all documents

    void visit(Element& element) {
        for (const std::string_view attribute : {"role", "rsc-role", "with-rsc-role"}) {
            const std::string_view role = new_role(element.get(attribute));
            if (role.empty()) continue;
            element.set(attribute, role);
            note("renamed the roles Master and Slave");
        }
        if (element.name == "nvpair" && element.get("name") == "target-role") {
            const std::string_view role = new_role(element.get("value"));
            if (!role.empty()) {
                element.set("value", role);
                note("renamed the roles Master and Slave");
            }
        }
        if (element.name == "node" && element.get("type") == "normal") {
            element.set("type", "member");
            note("renamed the node type normal");
        }
        if (element.name == "master") upgrade_master(element);
        if (element.name == "clone") upgrade_clone_meta(element);
        if ((element.name == "docker" || element.name == "podman") &&
            rename_attribute(element, "masters", "promoted-max"))
            note("renamed masters of bundles");
        for (Element& child : element.children) visit(child);
    }

    void upgrade_master(Element& master) {
        master.name = "clone";
        Element& meta = meta_of(master);
        const bool is_said =
            std::any_of(meta.children.begin(), meta.children.end(),
                        [](const Element& pair) { return pair.get("name") == "promotable"; });
        if (!is_said) meta.children.push_back(make_pair("promotable", "true", master.line));
        note("turned master into a promotable clone");
    }

    void upgrade_clone_meta(Element& clone) {
        for (Element& set : clone.children) {
            if (set.name != "meta_attributes") continue;
            for (Element& pair : set.children) {
                const std::string_view name = pair.get("name");
                const std::string_view fresh = name == "master-max"        ? "promoted-max"
                                               : name == "master-node-max" ? "promoted-node-max"
                                                                           : std::string_view();
                if (pair.name != "nvpair" || fresh.empty()) continue;
                pair.set("name", fresh);
                note("renamed master-max and master-node-max");
            }
        }
    }

    void upgrade_options(Element& configuration) {
        Element* section = configuration.child("crm_config");
        if (section == nullptr) return;
        std::vector<Element> resource_defaults;
        std::vector<Element> operation_defaults;
        for (Element& set : section->children) {
            if (set.name != "cluster_property_set") continue;
            std::erase_if(set.children, [&](Element& pair) {
                if (pair.name != "nvpair") return false;
                rename_option(pair);
                if (pair.get("name") == "default-action-timeout") {
                    operation_defaults.push_back(
                        make_pair("timeout", pair.get("value"), pair.line));
                    return true;
                }
                for (const auto& [from, to] : kDefaults) {
                    if (pair.get("name") != from) continue;
                    resource_defaults.push_back(make_pair(to, pair.get("value"), pair.line));
                    return true;
                }
                return false;
            });
        }
        add_defaults(configuration, "rsc_defaults", std::move(resource_defaults));
        add_defaults(configuration, "op_defaults", std::move(operation_defaults));
    }

    void rename_option(Element& pair) {
        const std::string_view name = pair.get("name");
        if (name.find('_') == std::string_view::npos) return;
        std::string fresh = dashed(name);
        const bool is_old =
            std::find(kOldOptions.begin(), kOldOptions.end(), name) != kOldOptions.end();
        if (!is_old && (!is_06_ || find_option(fresh) == nullptr)) return;
        if (fresh == "transition-idle-timeout") fresh = "cluster-delay";
        pair.set("name", fresh);
        note("renamed cluster options with underscores");
    }

    // What the defaults section says already stays.
    void add_defaults(Element& configuration, std::string_view section_name,
                      std::vector<Element> pairs) {
        if (pairs.empty()) return;
        Element& section = configuration.child_or_new(section_name);
        Element* set = nullptr;
        for (Element& child : section.children) {
            if (child.name == "meta_attributes" && child.child("rule") == nullptr && set == nullptr)
                set = &child;
        }
        if (set == nullptr) {
            section.children.emplace_back();
            set = &section.children.back();
            set->name = "meta_attributes";
            set->line = pairs.front().line;
        }
        for (Element& pair : pairs) {
            const bool is_said = std::any_of(
                set->children.begin(), set->children.end(),
                [&](const Element& other) { return other.get("name") == pair.get("name"); });
            if (!is_said) set->children.push_back(std::move(pair));
            note(concat("moved default options to ", section_name));
        }
    }

    // ---- Access control

    static bool is_old_permission(const Element& element) {
        return element.name == "read" || element.name == "write" || element.name == "deny";
    }

    void upgrade_permissions(Element& role) {
        for (Element& permission : role.children) {
            if (!is_old_permission(permission)) continue;
            const std::string kind = permission.name;
            permission.name = "acl_permission";
            permission.set("kind", kind);
            (void)rename_attribute(permission, "ref", "reference");
            (void)rename_attribute(permission, "tag", "object-type");
            note("turned access rules into permissions");
        }
    }

    void upgrade_access(Element& configuration) {
        Element* section = configuration.child("acls");
        if (section == nullptr) return;
        std::vector<Element> roles;
        for (Element& entry : section->children) {
            if (entry.name == "acl_role") upgrade_permissions(entry);
            if (entry.name != "acl_user") continue;
            entry.name = "acl_target";
            note("turned acl_user into acl_target");
            upgrade_permissions(entry);
            Element own;
            own.name = "acl_role";
            own.line = entry.line;
            own.set("id", clean_id(concat(entry.get("id"), "-own")));
            std::erase_if(entry.children, [&](Element& child) {
                if (child.name == "role_ref") child.name = "role";
                if (child.name != "acl_permission") return false;
                own.children.push_back(std::move(child));
                return true;
            });
            if (own.children.empty()) continue;
            Element ref;
            ref.name = "role";
            ref.set("id", own.get("id"));
            entry.children.push_back(std::move(ref));
            roles.push_back(std::move(own));
        }
        for (Element& role : roles) section->children.push_back(std::move(role));
    }

    bool is_06_ = false;
    std::map<std::string, std::size_t> done_;
};

}  // namespace

std::string schema_of(const Element& cib) {
    const std::string_view named = cib.get("validate-with");
    return std::string(version_of(named) > version_of(kSchema) ? named : kSchema);
}

std::vector<std::string> upgrade(Element& cib_or_configuration) {
    return Upgrader().run(cib_or_configuration);
}

}  // namespace xbeat::cib
