#include "cib/flat.h"

#include <algorithm>
#include <array>
#include <map>

#include "cib/suggest.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

using Place = std::pair<std::string_view, std::string_view>;

// Which section holds which elements.
constexpr std::array<Place, 22> kPlaces = {{{"cluster_property_set", "crm_config"},
                                            {"node", "nodes"},
                                            {"primitive", "resources"},
                                            {"template", "resources"},
                                            {"group", "resources"},
                                            {"clone", "resources"},
                                            {"master", "resources"},
                                            {"bundle", "resources"},
                                            {"rsc_location", "constraints"},
                                            {"rsc_colocation", "constraints"},
                                            {"rsc_order", "constraints"},
                                            {"rsc_ticket", "constraints"},
                                            {"fencing-level", "fencing-topology"},
                                            {"tag", "tags"},
                                            {"acl_role", "acls"},
                                            {"acl_target", "acls"},
                                            {"acl_group", "acls"},
                                            {"acl_user", "acls"},
                                            {"alert", "alerts"},
                                            {"domain", "domains"},
                                            {"rsc_defaults", "rsc_defaults"},
                                            {"op_defaults", "op_defaults"}}};

// The order in which the language shows the sections, and in which they are written; the first four
// are always there.
constexpr std::array<std::string_view, 11> kShown = {
    "nodes", "resources", "constraints", "domains",      "fencing-topology", "tags",
    "acls",  "alerts",    "crm_config",  "rsc_defaults", "op_defaults"};
constexpr std::array<std::string_view, 4> kAlways = {"crm_config", "nodes", "resources",
                                                     "constraints"};

bool is_section(std::string_view name) {
    return std::find(kShown.begin(), kShown.end(), name) != kShown.end();
}

bool is_defaults(std::string_view name) { return name == "rsc_defaults" || name == "op_defaults"; }

Element reference_to(const Element& resource) {
    Element ref;
    ref.name = kRefName;
    ref.line = resource.line;
    ref.set("id", resource.get("id"));
    return ref;
}

// Takes a configuration apart.
class Flattener {
public:
    std::vector<Element> run(const Element& configuration) {
        // Comments before the sections head the file, those behind them end it.
        std::vector<Element> last;
        bool is_head = true;
        for (const Element& child : configuration.children) {
            is_head = is_head && child.kind == NodeKind::Comment;
            if (child.kind == NodeKind::Comment) (is_head ? pending_ : last).push_back(child);
        }
        for (const std::string_view section : kShown) {
            for (const Element& child : configuration.children) {
                if (child.kind == NodeKind::Element && child.name == section) take_section(child);
            }
        }
        for (const Element& child : configuration.children) {
            if (child.kind == NodeKind::Element && !is_section(child.name)) add(child);
        }
        for (Element& comment : pending_) objects_.push_back(std::move(comment));
        for (Element& comment : last) objects_.push_back(std::move(comment));
        return std::move(objects_);
    }

private:
    void add(Element object) {
        object.children.insert(object.children.begin(), std::make_move_iterator(pending_.begin()),
                               std::make_move_iterator(pending_.end()));
        pending_.clear();
        objects_.push_back(std::move(object));
    }

    void add_wrapped(const Element& section, const Element& child) {
        Element wrapper;
        wrapper.name = section.name;
        wrapper.line = child.line;
        wrapper.children.push_back(child);
        add(std::move(wrapper));
    }

    void take_section(const Element& section) {
        if (section.name == "fencing-topology") {
            if (!section.children.empty() || !section.attributes.empty()) add(section);
            return;
        }
        if (!section.attributes.empty()) {
            Element attributes_only = section;
            attributes_only.children.clear();
            add(std::move(attributes_only));
        }
        for (const Element& child : section.children) {
            if (child.kind == NodeKind::Comment) {
                pending_.push_back(child);
            } else if (child.kind == NodeKind::Element) {
                take_child(section, child);
            }
        }
    }

    void take_child(const Element& section, const Element& child) {
        if (is_defaults(section.name) || section_of(child.name) != section.name) {
            add_wrapped(section, child);
        } else if (is_resource(child.name)) {
            take_resource(child);
        } else {
            add(child);
        }
    }

    void take_resource(const Element& resource) {
        for (const Element& child : resource.children) {
            if (child.kind == NodeKind::Element && is_resource(child.name)) take_resource(child);
        }
        add(flatten_one(resource));
    }

    std::vector<Element> objects_;
    std::vector<Element> pending_;
};

// Puts flat objects together.
class Assembler {
public:
    Assembler(std::vector<Element> objects, std::vector<std::string>& errors)
        : objects_(std::move(objects)), errors_(errors) {}

    Element run() {
        index_resources();
        for (std::size_t i = 0; i < objects_.size(); ++i) claim_members(i);
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            if (objects_[i].name == kMonitorName) add_monitor(objects_[i]);
        }
        for (std::size_t i = 0; i < objects_.size(); ++i) place(i);
        check_all_built();
        return finish();
    }

private:
    static constexpr std::size_t kSuggestionsMax = 20;  // each costs a walk over all resources

    void fail(const Element& at, std::string_view what) {
        errors_.push_back(at.line == 0 ? std::string(what) : concat("line ", at.line, ": ", what));
    }

    void index_resources() {
        owner_.assign(objects_.size(), kNone);
        built_.assign(objects_.size(), false);
        std::map<std::string, std::size_t, std::less<>> seen;
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            const Element& object = objects_[i];
            if (object.kind != NodeKind::Element || !object.has("id")) continue;
            if (object.name == "cluster_property_set" || object.name == "node") continue;
            const auto [at, is_new] = seen.emplace(object.get("id"), i);
            if (!is_new) {
                const std::uint32_t first = objects_[at->second].line;
                fail(object, concat("'", object.get("id"), "' is defined twice",
                                    first == 0 ? "" : concat(", first on line ", first),
                                    "; give one of them another name"));
            } else if (is_resource(object.name)) {
                resources_.emplace(object.get("id"), i);
                names_.push_back(at->first);
            }
        }
    }

    static bool may_hold(std::string_view outer, std::string_view inner) {
        if (inner == "primitive") return outer != "primitive";
        return inner == "group" && (outer == "clone" || outer == "master");
    }

    void claim_members(std::size_t outer) {
        const Element& object = objects_[outer];
        if (!is_resource(object.name)) return;
        for (const Element& ref : object.children) {
            if (ref.name != kRefName) continue;
            const auto found = resources_.find(ref.get("id"));
            if (found == resources_.end()) {
                const bool may_suggest = errors_.size() < kSuggestionsMax;
                fail(ref, concat("unknown resource '", ref.get("id"), "' in ", object.name, " '",
                                 object.get("id"), "'",
                                 may_suggest ? did_you_mean(ref.get("id"), known_names()) : ""));
                continue;
            }
            const std::size_t inner = found->second;
            if (!may_hold(object.name, objects_[inner].name)) {
                fail(ref, concat("a ", object.name, " cannot hold the ", objects_[inner].name, " '",
                                 ref.get("id"), "'"));
            } else if (owner_[inner] != kNone) {
                fail(ref,
                     concat("'", ref.get("id"), "' is already a member of '",
                            objects_[owner_[inner]].get("id"), "'; remove it from one of them"));
            } else {
                owner_[inner] = outer;
            }
        }
    }

    std::span<const std::string_view> known_names() {
        if (name_views_.empty()) name_views_.assign(names_.begin(), names_.end());
        return name_views_;
    }

    void add_monitor(const Element& monitor) {
        const auto found = resources_.find(monitor.get("rsc"));
        if (found == resources_.end() || objects_[found->second].name != "primitive") {
            fail(monitor,
                 concat("monitor of '", monitor.get("rsc"), "', which is no primitive here",
                        did_you_mean(monitor.get("rsc"), known_names())));
            return;
        }
        Element op = monitor;
        op.name = "op";
        op.unset("rsc");
        objects_[found->second].child_or_new("operations").children.push_back(std::move(op));
    }

    // The object at `i` with its members inside. Nesting is at most three deep: may_hold() saw to
    // it.
    Element build(std::size_t i) {
        built_[i] = true;
        Element out = std::move(objects_[i]);
        for (Element& child : out.children) {
            if (child.name != kRefName) continue;
            const auto found = resources_.find(child.get("id"));
            if (found == resources_.end() || built_[found->second] || owner_[found->second] != i)
                continue;  // an error was noted
            child = build(found->second);
        }
        return out;
    }

    void place(std::size_t i) {
        if (built_[i] || owner_[i] != kNone) return;
        Element& object = objects_[i];
        if (object.kind != NodeKind::Element) {
            loose_.push_back(object);
        } else if (object.name == kMonitorName) {
            return;
        } else if (is_section(object.name)) {
            merge_section(object);
        } else if (object.name == "cluster_property_set") {
            add_set("crm_config", object, "cib-bootstrap-options");
        } else if (const std::string_view section = section_of(object.name); section.empty()) {
            loose_.push_back(object);
        } else {
            sections_[std::string(section)].children.push_back(build(i));
        }
    }

    void merge_section(const Element& object) {
        Element& section = sections_[object.name];
        for (const Attribute& attribute : object.attributes)
            section.set(attribute.name, attribute.value);
        std::vector<Element> comments;
        for (const Element& child : object.children) {
            const bool is_set = is_defaults(object.name) && child.name == "meta_attributes";
            if (child.kind == NodeKind::Comment) {
                comments.push_back(child);
            } else if (is_set) {
                Element set = child;
                set.children.insert(set.children.begin(), comments.begin(), comments.end());
                comments.clear();
                add_set(object.name, set,
                        object.name == "rsc_defaults" ? "rsc-options" : "op-options");
            } else {
                section.children.insert(section.children.end(), comments.begin(), comments.end());
                comments.clear();
                section.children.push_back(child);
            }
        }
        section.children.insert(section.children.end(), comments.begin(), comments.end());
    }

    // Where the values of a set stand, by name; a name given twice (the first counts) has two
    // places.
    struct SetIndex {
        std::size_t child = 0;  // in its section
        bool has_rule = false;
        std::map<std::string, std::vector<std::size_t>, std::less<>> places;
    };

    // Values of one and the same set come together; a set with rules and without an id stays apart.
    void add_set(std::string_view section_name, Element set, std::string_view default_id) {
        Element& section = sections_[std::string(section_name)];
        if (!set.has("id") && !set.has("id-ref") && set.child("rule") == nullptr)
            set.attributes.insert(set.attributes.begin(), {"id", std::string(default_id)});
        if (!set.has("id")) {
            section.children.push_back(std::move(set));
            return;
        }
        const std::string key = concat(section_name, " ", set.get("id"));
        const auto [index, is_new] = sets_.try_emplace(key);
        if (is_new) {
            index->second.child = section.children.size();
            section.children.push_back(std::move(set));
            index_values(section.children.back(), index->second);
        } else {
            merge_set(section.children[index->second.child], set, index->second);
        }
    }

    // What tells a value of a set from the others: its name, and the value it is borrowed from.
    static std::string key_of(const Element& pair) {
        return pair.has("id-ref") ? concat("@", pair.get("id-ref"), ":", pair.get("name"))
                                  : std::string(pair.get("name"));
    }

    static void index_values(const Element& set, SetIndex& index) {
        index.has_rule = set.child("rule") != nullptr;
        index.places.clear();
        for (std::size_t i = 0; i < set.children.size(); ++i) {
            if (set.children[i].name == "nvpair")
                index.places[key_of(set.children[i])].push_back(i);
        }
    }

    static void merge_set(Element& into, const Element& from, SetIndex& index) {
        // A condition belongs to all values beside it: such a set is replaced, not mixed.
        if (from.child("rule") != nullptr || index.has_rule || from.has("id-ref")) {
            into = from;
            index_values(into, index);
            return;
        }
        for (const Attribute& attribute : from.attributes)
            into.set(attribute.name, attribute.value);
        std::map<std::string, std::size_t> seen;
        for (const Element& child : from.children) {
            if (child.name != "nvpair") {
                into.children.push_back(child);
                continue;
            }
            const std::string key = key_of(child);
            std::vector<std::size_t>& places = index.places[key];
            const std::size_t nth = seen[key]++;
            if (nth >= places.size()) {
                places.push_back(into.children.size());
                into.children.push_back(child);
            } else if (child.has("value")) {
                into.children[places[nth]].set("value", child.get("value"));
            }
        }
    }

    void check_all_built() {
        for (std::size_t i = 0; i < objects_.size(); ++i) {
            if (owner_[i] == kNone || built_[i]) continue;
            fail(objects_[i], concat("'", objects_[i].get("id"), "' ends up inside itself"));
        }
    }

    // Levels that name no target count for every node; where no node is named, for whatever name
    // comes.
    void expand_levels() {
        const auto found = sections_.find("fencing-topology");
        if (found == sections_.end()) return;
        std::vector<Element> levels;
        for (const Element& level : found->second.children) {
            const bool is_for_all = level.name == "fencing-level" && !level.has("target") &&
                                    !level.has("target-pattern") && !level.has("target-attribute");
            if (!is_for_all) {
                levels.push_back(level);
                continue;
            }
            const auto nodes = sections_.find("nodes");
            bool is_expanded = false;
            if (nodes != sections_.end()) {
                for (const Element& node : nodes->second.children) {
                    if (node.name != "node") continue;
                    if (levels.size() >= kFencingLevelsMax) {
                        fail(level, concat("more than ", kFencingLevelsMax,
                                           " fencing levels; name a pattern of nodes instead"));
                        return;
                    }
                    levels.push_back(level);
                    levels.back().set("target", node.get("uname"));
                    is_expanded = true;
                }
            }
            if (is_expanded) continue;
            levels.push_back(level);
            levels.back().set("target-pattern", ".*");
        }
        found->second.children = std::move(levels);
    }

    Element finish() {
        expand_levels();
        Element configuration;
        configuration.name = "configuration";
        const auto add = [&](std::string_view name, bool always) {
            const auto found = sections_.find(name);
            if (found == sections_.end() && !always) return;
            Element section = found == sections_.end() ? Element() : std::move(found->second);
            section.name = name;
            configuration.children.push_back(std::move(section));
        };
        for (const std::string_view name : kAlways) add(name, true);
        for (const std::string_view name : kShown) {
            if (std::find(kAlways.begin(), kAlways.end(), name) == kAlways.end()) add(name, false);
        }
        for (Element& element : loose_) configuration.children.push_back(std::move(element));
        return configuration;
    }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    std::vector<Element> objects_;
    std::vector<std::string>& errors_;
    std::map<std::string, std::size_t, std::less<>> resources_;
    std::vector<std::string> names_;
    std::vector<std::string_view> name_views_;
    std::vector<std::size_t> owner_;  // of each object: what holds it
    std::vector<bool> built_;
    std::map<std::string, Element, std::less<>> sections_;
    std::map<std::string, SetIndex> sets_;
    std::vector<Element> loose_;
};

}  // namespace

std::string_view section_of(std::string_view element_name) {
    for (const auto& [name, section] : kPlaces) {
        if (name == element_name) return section;
    }
    return {};
}

bool is_resource(std::string_view element_name) {
    return element_name != "template" && section_of(element_name) == "resources";
}

std::vector<Element> flatten(const Element& configuration) {
    return Flattener().run(configuration);
}

Element flatten_one(const Element& element) {
    if (!is_resource(element.name)) return element;
    Element out;
    out.name = element.name;
    out.line = element.line;
    out.attributes = element.attributes;
    for (const Element& child : element.children) {
        const bool is_inside = child.kind == NodeKind::Element && is_resource(child.name);
        out.children.push_back(is_inside ? reference_to(child) : child);
    }
    return out;
}

Element assemble(std::vector<Element> objects, std::vector<std::string>& errors) {
    return Assembler(std::move(objects), errors).run();
}

}  // namespace xbeat::cib
