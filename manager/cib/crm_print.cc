#include "cib/crm_print.h"

#include <algorithm>
#include <array>
#include <map>

#include "cib/crm_cursor.h"
#include "cib/flat.h"
#include "cib/suggest.h"
#include "core/score.h"

namespace xbeat::cib {
namespace {

constexpr std::string_view kBreak = " \\\n    ";

using Pair = std::pair<std::string_view, std::string_view>;

std::string option(std::string_view name, std::string_view value) {
    return concat(name, "=", quote_word(value));
}

// Today's word for a role; what is none stays as it is.
std::string role_word(std::string_view role) {
    return canonical_role(role).value_or(std::string(role));
}

// " name=value" for each of the attributes that is there.
std::string options(const Element& element, std::span<const std::string_view> names) {
    std::string out;
    for (const std::string_view name : names) {
        if (!element.has(name)) continue;
        const std::string_view value = element.get(name);
        out += concat(" ", name == "role" ? option(name, role_word(value)) : option(name, value));
    }
    return out;
}

std::string score_word(std::string_view score) {
    const std::optional<Score> known = parse_score(score);
    if (!known) return std::string(score);
    if (*known == Score::always()) return "inf";
    if (*known == Score::never()) return "-inf";
    return to_string(*known);
}

// Prints one flat object. Where the language has no words for something the text comes out wrong,
// and the caller finds out by reading it back.
class Printer {
public:
    explicit Printer(const IdSet& referenced) : referenced_(referenced) {}

    [[nodiscard]] std::string statement(const Element& object) const {
        const std::string& name = object.name;
        if (name == "node") return node(object);
        if (name == "primitive" || name == "template") return primitive(object);
        if (name == "group" || name == "clone") return collective(object);
        if (name == "bundle") return bundle(object);
        if (name == "rsc_location") return location(object);
        if (name == "rsc_colocation") return colocation(object);
        if (name == "rsc_order") return order(object);
        if (name == "rsc_ticket") return ticket(object);
        if (name == "cluster_property_set") return concat("property", defaults_set(object, true));
        if (name == "rsc_defaults" || name == "op_defaults") return defaults(object);
        if (name == "fencing-topology") return topology(object);
        if (name == "tag") return tag(object);
        if (name == "acl_role") return acl_role(object);
        if (name == "acl_target" || name == "acl_group") return acl_names(object);
        if (name == "alert") return alert(object);
        return {};
    }

private:
    [[nodiscard]] bool is_referenced(const Element& element) const {
        return element.has("id") && referenced_.find(element.get("id")) != referenced_.end();
    }

    // " $id=..." where others name this element, " $id-ref=..." where it is only a name itself.
    [[nodiscard]] std::string id_word(const Element& element) const {
        if (element.has("id-ref")) return concat(" ", option("$id-ref", element.get("id-ref")));
        if (is_referenced(element)) return concat(" ", option("$id", element.get("id")));
        return {};
    }

    [[nodiscard]] std::string pair(const Element& nvpair) const {
        if (nvpair.has("id-ref")) {
            const std::string name =
                nvpair.has("name") ? concat(":", nvpair.get("name")) : std::string();
            return quote_word(concat("@", nvpair.get("id-ref"), name));
        }
        std::string out =
            is_referenced(nvpair) ? concat("$", nvpair.get("id"), ":") : std::string();
        out += nvpair.get("name");
        if (nvpair.has("value")) out += concat("=", quote_word(nvpair.get("value")));
        return out;
    }

    [[nodiscard]] std::string date(const Element& expression) const {
        const std::string_view operation = expression.get("operation");
        if (operation == "lt" || operation == "gt")
            return concat("date ", operation, " ",
                          quote_word(expression.get(operation == "lt" ? "end" : "start")));
        std::string out = operation == "in_range" ? "date in" : "date spec";
        constexpr std::array<std::string_view, 2> kEnds = {"start", "end"};
        out += options(expression, kEnds);
        for (const Element& fields : expression.children) {
            for (const Attribute& field : fields.attributes) {
                if (field.name != "id") out += concat(" ", option(field.name, field.value));
            }
        }
        return out;
    }

    [[nodiscard]] std::string expression(const Element& one) const {
        if (one.name == "date_expression") return date(one);
        const std::string_view operation = one.get("operation");
        const std::string attribute = quote_word(one.get("attribute"));
        if (operation == "defined" || operation == "not_defined")
            return concat(operation, " ", attribute);
        const std::string type = one.has("type") ? concat(one.get("type"), ":") : std::string();
        const std::string_view source = one.get("value-source");
        const bool is_literal = source.empty() || source == "literal";
        const std::string value = is_literal
                                      ? quote_word(one.get("value"))
                                      : quote_word(concat(source, "{", one.get("value"), "}"));
        return concat(attribute, " ", type, operation, " ", value);
    }

    [[nodiscard]] std::string rule(const Element& one) const {
        std::string out = concat("rule", id_word(one));
        if (one.has("id-ref")) return out;
        if (one.has("role")) out += concat(" ", option("$role", role_word(one.get("role"))));
        if (one.has("score-attribute")) {
            out += concat(" ", one.get("score-attribute"), ":");
        } else if (one.has("score") && parse_score(one.get("score")) != Score::always()) {
            out += concat(" ", score_word(one.get("score")), ":");
        }
        std::string_view join = " ";
        const std::string between = one.get("boolean-op") == "or" ? " or " : " and ";
        for (const Element& child : one.children) {
            if (child.kind != NodeKind::Element) continue;
            out += concat(join, expression(child));
            join = between;
        }
        return out;
    }

    [[nodiscard]] std::string set_body(const Element& set) const {
        std::string out;
        for (const Element& child : set.children) {
            if (child.name == "rule") out += concat(" ", rule(child));
        }
        for (const Element& child : set.children) {
            if (child.name == "nvpair") out += concat(" ", pair(child));
        }
        return out;
    }

    [[nodiscard]] std::string set(std::string_view keyword, const Element& one) const {
        std::string out = concat(keyword, id_word(one));
        if (one.has("score")) out += concat(" ", score_word(one.get("score")), ":");
        return out + set_body(one);
    }

    static bool is_empty_set(const Element& one, bool is_named) {
        return one.children.empty() && !one.has("id-ref") && !is_named;
    }

    // The lines for the sets among the children.
    [[nodiscard]] std::string sets(const Element& owner, std::span<const Pair> keywords) const {
        std::string out;
        for (const Element& child : owner.children) {
            for (const auto& [element, keyword] : keywords) {
                if (child.name == element && !is_empty_set(child, is_referenced(child)))
                    out += concat(kBreak, set(keyword, child));
            }
        }
        return out;
    }

    [[nodiscard]] static std::string description(const Element& element) {
        if (!element.has("description")) return {};
        return concat(kBreak, option("description", element.get("description")));
    }

    [[nodiscard]] std::string node(const Element& one) const {
        constexpr std::array<Pair, 2> kSets = {
            {{"instance_attributes", "attributes"}, {"utilization", "utilization"}}};
        std::string out = "node ";
        if (one.get("id") != one.get("uname")) {
            const std::string_view id = one.get("id");
            const bool is_plain = quote_word(id) == id && id.find(':') == std::string_view::npos;
            out += is_plain ? concat(id, ": ") : concat(option("$id", id), " ");
        }
        out += quote_word(one.get("uname"));
        if (one.has("type")) out += concat(":", one.get("type"));
        return out + description(one) + sets(one, kSets);
    }

    [[nodiscard]] std::string op(const Element& one) const {
        std::string out = concat("op ", quote_word(one.get("name")));
        const bool is_once = one.get("interval") == "0" || one.get("interval") == "0s";
        for (const Attribute& attribute : one.attributes) {
            const bool is_shown = attribute.name != "id" && attribute.name != "name" &&
                                  !(attribute.name == "interval" && is_once);
            if (is_shown)
                out += concat(" ", option(attribute.name, attribute.name == "role"
                                                              ? role_word(attribute.value)
                                                              : attribute.value));
        }
        bool is_first = true;
        for (const Element& child : one.children) {
            if (child.name == "instance_attributes") {
                out += is_first && is_plain_parameters(child)
                           ? set_body(child)
                           : concat(kBreak, "    ", set("op_params", child));
                is_first = false;
            } else if (child.name == "meta_attributes") {
                out += concat(kBreak, "    ", set("op_meta", child));
                is_first = false;
            }
        }
        return out;
    }

    // Parameters of an operation that can stand among its attributes.
    [[nodiscard]] bool is_plain_parameters(const Element& set) const {
        constexpr std::array<std::string_view, 12> kTaken = {
            "name", "interval",        "timeout",     "role",           "on-fail",  "enabled",
            "id",   "interval-origin", "start-delay", "record-pending", "requires", "description"};
        const auto is_plain = [&](const Element& child) {
            return child.name == "nvpair" && !child.has("id-ref") && !is_referenced(child) &&
                   std::find(kTaken.begin(), kTaken.end(), child.get("name")) == kTaken.end();
        };
        return !set.has("score") && !set.has("id-ref") && !is_referenced(set) &&
               std::all_of(set.children.begin(), set.children.end(), is_plain);
    }

    [[nodiscard]] std::string operations(const Element& one) const {
        std::string out;
        if (one.has("id-ref") || is_referenced(one))
            out = concat(kBreak, "operations", id_word(one));
        for (const Element& child : one.children) {
            if (child.name == "op") out += concat(kBreak, op(child));
        }
        return out;
    }

    [[nodiscard]] std::string primitive(const Element& one) const {
        std::string out =
            concat(one.name == "primitive" ? "primitive " : "rsc_template ", one.get("id"), " ");
        if (one.has("template")) {
            out += concat("@", one.get("template"));
        } else {
            const std::string provider =
                one.has("provider") ? concat(one.get("provider"), ":") : std::string();
            out += concat(one.get("class"), ":", provider, one.get("type"));
        }
        out += description(one);
        constexpr std::array<Pair, 3> kSets = {{{"instance_attributes", "params"},
                                                {"meta_attributes", "meta"},
                                                {"utilization", "utilization"}}};
        // One child after another, so that operations keep their place between the sets.
        for (const Element& child : one.children) {
            if (child.name == "operations") {
                out += operations(child);
                continue;
            }
            Element alone;
            alone.children.push_back(child);
            out += sets(alone, kSets);
        }
        return out;
    }

    [[nodiscard]] static std::string members(const Element& one) {
        std::string out;
        for (const Element& child : one.children) {
            if (child.name == kRefName) out += concat(" ", quote_word(child.get("id")));
        }
        return out;
    }

    [[nodiscard]] std::string collective(const Element& one) const {
        constexpr std::array<Pair, 2> kSets = {
            {{"instance_attributes", "params"}, {"meta_attributes", "meta"}}};
        return concat(one.name, " ", one.get("id"), members(one), description(one),
                      sets(one, kSets));
    }

    [[nodiscard]] static std::string attributes_of(const Element& one) {
        std::string out;
        for (const Attribute& attribute : one.attributes) {
            if (attribute.name != "id") out += concat(" ", option(attribute.name, attribute.value));
        }
        return out;
    }

    [[nodiscard]] std::string bundle(const Element& one) const {
        std::string out = concat("bundle ", one.get("id"), description(one));
        for (const Element& child : one.children) {
            if (child.name == kRefName || child.kind != NodeKind::Element) continue;
            if (child.name == "meta_attributes") {
                out += concat(kBreak, set("meta", child));
                continue;
            }
            out += concat(kBreak, child.name, attributes_of(child));
            for (const Element& inner : child.children) {
                if (inner.kind == NodeKind::Element)
                    out += concat(kBreak, "    ", inner.name, attributes_of(inner));
            }
        }
        for (const Element& child : one.children) {
            if (child.name == kRefName)
                out += concat(kBreak, "primitive ", quote_word(child.get("id")));
        }
        return out;
    }

    [[nodiscard]] static std::string resource_sets(const Element& one, std::string_view kind,
                                                   bool is_marked) {
        std::string out;
        std::size_t count = 0;
        bool has_bracket = false;
        for (const Element& set : one.children) {
            if (set.name != "resource_set") continue;
            const bool is_sequential = parse_boolean(set.get("sequential")).value_or(true);
            const bool needs_all = parse_boolean(set.get("require-all")).value_or(true);
            const bool is_open = !is_sequential || !needs_all;
            has_bracket = has_bracket || is_open;
            if (is_open) out += needs_all ? " (" : " [";
            for (const Element& ref : set.children) {
                if (ref.name != "resource_ref") continue;
                const std::string suffix =
                    set.has(kind) ? concat(":", kind == "role" ? role_word(set.get(kind))
                                                               : std::string(set.get(kind)))
                                  : std::string();
                out += concat(" ", ref.get("id"), suffix);
                ++count;
            }
            if (!needs_all && is_sequential) out += " sequential=true";
            if (is_open) out += needs_all ? " )" : " ]";
        }
        if (is_marked && !has_bracket && count <= 2) return concat(" _rsc_set_", out);
        return out;
    }

    [[nodiscard]] static std::string qualified(const Element& one, std::string_view name,
                                               std::string_view suffix) {
        std::string out = concat(" ", one.get(name));
        const std::string role = concat(name, "-", suffix);
        const std::string instance = concat(name, "-instance");
        if (one.has(role)) return concat(out, ":", role_word(one.get(role)));
        if (one.has(instance)) return concat(out, ":", one.get(instance));
        return out;
    }

    [[nodiscard]] std::string location(const Element& one) const {
        std::string out = concat("location ", one.get("id"), " ");
        if (one.has("rsc-pattern")) {
            out += quote_word(concat("/", one.get("rsc-pattern"), "/"));
        } else if (one.has("rsc")) {
            out += one.get("rsc");
        } else {
            out += concat("{", resource_sets(one, "role", false), " }");
        }
        constexpr std::array<std::string_view, 3> kOptions = {"role", "resource-discovery",
                                                              "description"};
        out += options(one, kOptions);
        if (one.has("score"))
            out += concat(" ", score_word(one.get("score")), ": ", quote_word(one.get("node")));
        for (const Element& child : one.children) {
            if (child.name == "rule") out += concat(kBreak, rule(child));
        }
        return out;
    }

    [[nodiscard]] std::string colocation(const Element& one) const {
        std::string out =
            concat("colocation ", one.get("id"), " ", score_word(one.get("score")), ":");
        out += one.has("rsc") ? qualified(one, "rsc", "role") + qualified(one, "with-rsc", "role")
                              : resource_sets(one, "role", true);
        constexpr std::array<std::string_view, 3> kOptions = {"node-attribute", "influence",
                                                              "description"};
        return out + options(one, kOptions);
    }

    [[nodiscard]] std::string order(const Element& one) const {
        std::string out = concat("order ", one.get("id"));
        if (one.has("kind")) {
            out += concat(" ", one.get("kind"), ":");
        } else if (const auto score = parse_score(one.get("score"))) {
            out += *score == Score() ? " Optional:" : " Mandatory:";
        }
        out += one.has("first")
                   ? qualified(one, "first", "action") + qualified(one, "then", "action")
                   : resource_sets(one, "action", true);
        constexpr std::array<std::string_view, 3> kOptions = {"symmetrical", "require-all",
                                                              "description"};
        return out + options(one, kOptions);
    }

    [[nodiscard]] std::string ticket(const Element& one) const {
        std::string out = concat("rsc_ticket ", one.get("id"), " ", one.get("ticket"), ":");
        out += one.has("rsc") ? qualified(one, "rsc", "role") : resource_sets(one, "role", true);
        constexpr std::array<std::string_view, 2> kOptions = {"loss-policy", "description"};
        return out + options(one, kOptions);
    }

    // " ID: rule ... name=value", the pairs of the cluster's properties on lines of their own.
    [[nodiscard]] std::string defaults_set(const Element& set, bool is_broken) const {
        std::string out;
        if (set.has("id-ref")) {
            out = concat(" ", option("$id-ref", set.get("id-ref")));
        } else if (set.has("id")) {
            const std::string_view id = set.get("id");
            const bool is_plain = quote_word(id) == id && id.find(':') == std::string_view::npos;
            out = is_plain ? concat(" ", id, ":") : concat(" ", option("$id", id));
        }
        if (set.has("score")) out += concat(" ", score_word(set.get("score")), ":");
        for (const Element& child : set.children) {
            if (child.name == "rule") out += concat(kBreak, rule(child));
        }
        for (const Element& child : set.children) {
            if (child.name == "nvpair") out += concat(is_broken ? kBreak : " ", pair(child));
        }
        return out;
    }

    [[nodiscard]] std::string defaults(const Element& one) const {
        for (const Element& child : one.children) {
            if (child.name == "meta_attributes") return concat(one.name, defaults_set(child, true));
        }
        return {};
    }

    [[nodiscard]] std::string topology(const Element& one) const {
        std::string out = "fencing_topology";
        std::string last;
        for (const Element& level : one.children) {
            if (level.name != "fencing-level") continue;
            std::string target;
            if (level.has("target")) {
                target = concat(level.get("target"), ":");
            } else if (level.has("target-pattern")) {
                target = concat("pattern:", level.get("target-pattern"));
            } else {
                target =
                    concat("attr:", level.get("target-attribute"), "=", level.get("target-value"));
            }
            if (target != last) out += concat(kBreak, quote_word(target));
            last = target;
            out += concat(" ", quote_word(level.get("devices")));
        }
        return out;
    }

    [[nodiscard]] std::string tag(const Element& one) const {
        std::string out = concat("tag ", one.get("id"));
        for (const Element& ref : one.children) {
            if (ref.name == "obj_ref") out += concat(" ", ref.get("id"));
        }
        return out;
    }

    [[nodiscard]] std::string acl_role(const Element& one) const {
        constexpr std::array<Pair, 4> kSpecs = {{{"xpath", "xpath"},
                                                 {"reference", "ref"},
                                                 {"object-type", "type"},
                                                 {"attribute", "attr"}}};
        std::string out = concat("role ", one.get("id"), description(one));
        for (const Element& permission : one.children) {
            if (permission.name != "acl_permission") continue;
            out += concat(kBreak, permission.get("kind"));
            if (is_referenced(permission)) out += concat(" ", option("$id", permission.get("id")));
            if (permission.has("description"))
                out += concat(" ", option("description", permission.get("description")));
            for (const auto& [attribute, word] : kSpecs) {
                if (permission.has(attribute))
                    out += concat(" ", word, ":", quote_word(permission.get(attribute)));
            }
        }
        return out;
    }

    [[nodiscard]] std::string acl_names(const Element& one) const {
        std::string out = concat(one.name, " ", one.get("id"));
        for (const Element& role : one.children) {
            if (role.name == "role") out += concat(" ", role.get("id"));
        }
        return out;
    }

    [[nodiscard]] std::string select(const Element& one) const {
        std::string out = "select";
        for (const Element& kind : one.children) {
            if (!kind.name.starts_with("select_")) continue;
            out += concat(" ", std::string_view(kind.name).substr(7));
            if (kind.name != "select_attributes") continue;
            out += " {";
            for (const Element& attribute : kind.children)
                out += concat(" ", quote_word(attribute.get("name")));
            out += " }";
        }
        return out;
    }

    [[nodiscard]] std::string alert(const Element& one) const {
        constexpr std::array<Pair, 2> kSets = {
            {{"instance_attributes", "attributes"}, {"meta_attributes", "meta"}}};
        std::string out =
            concat("alert ", one.get("id"), " ", quote_word(one.get("path")), description(one));
        for (const Element& child : one.children) {
            if (child.name == "select") {
                out += concat(kBreak, select(child));
            } else if (child.name == "recipient") {
                out += concat(kBreak, "to { ", quote_word(child.get("value")));
                if (child.has("description"))
                    out += concat(" ", option("description", child.get("description")));
                for (const Element& inner : child.children) {
                    if (inner.name == "instance_attributes")
                        out += concat(" ", set("attributes", inner));
                    if (inner.name == "meta_attributes") out += concat(" ", set("meta", inner));
                }
                out += " }";
            } else {
                Element alone;
                alone.children.push_back(child);
                out += sets(alone, kSets);
            }
        }
        return out;
    }

    const IdSet& referenced_;
};

// All comments of an object, line by line, and the object without them.
void take_comments(Element& element, std::vector<std::string>& lines) {
    for (const Element& child : element.children) {
        if (child.kind != NodeKind::Comment) continue;
        std::string_view rest = child.text;
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            const std::string line = clean_comment(rest.substr(0, end));
            if (!line.empty() || child.text.find('\n') == std::string::npos) lines.push_back(line);
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    std::erase_if(element.children,
                  [](const Element& child) { return child.kind == NodeKind::Comment; });
    for (Element& child : element.children) take_comments(child, lines);
}

// One comment a line, as XML inside a statement can hold them.
void split_comments(Element& element) {
    std::vector<Element> children;
    for (Element& child : element.children) {
        if (child.kind != NodeKind::Comment) {
            split_comments(child);
            children.push_back(std::move(child));
            continue;
        }
        std::string_view rest = child.text;
        do {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            children.push_back(make_comment(rest.substr(0, end)));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        } while (!rest.empty());
    }
    element.children = std::move(children);
}

// Text means nothing in a CIB, but its lines would be indented anew each time that they are read.
void join_lines_of_text(Element& element) {
    for (Element& child : element.children) {
        if (child.kind != NodeKind::Text) {
            join_lines_of_text(child);
            continue;
        }
        std::string joined;
        for (const std::string_view word : split_words(child.text)) {
            if (!joined.empty()) joined += ' ';
            joined += word;
        }
        child.text = std::move(joined);
    }
}

std::string xml_statement(Element element) {
    join_lines_of_text(element);
    std::string out = "xml ";
    const std::string printed = print_xml(element);
    for (std::size_t at = 0; at < printed.size();) {
        const std::size_t end = std::min(printed.find('\n', at), printed.size());
        if (at != 0) out += " \\\n    ";
        out.append(printed, at, end - at);
        at = end + 1;
    }
    return out;
}

class ConfigurationPrinter {
public:
    explicit ConfigurationPrinter(const Element& configuration)
        : referenced_(referenced_ids(configuration)), printer_(referenced_) {}

    void print(Element object) {
        if (object.kind == NodeKind::Comment) {
            Element holder;
            holder.children.push_back(std::move(object));
            print_comments(holder);
            return;
        }
        const std::size_t begin = begin_of(object);
        begins_[std::string(object.get("id"))] = begin;
        const bool has_members = object.child(kRefName) != nullptr;
        if (!has_members) {
            Element member = object;
            split_comments(member);
            members_[std::string(object.get("id"))] = std::move(member);
        }
        print_comments(object);
        if (const std::optional<std::string> text = sayable(object)) {
            out_ += *text;
        } else {
            // What holds others says them itself, as the crm shell expects of it.
            if (has_members) out_.resize(begin);
            out_ += xml_statement(has_members ? with_members(object) : object);
        }
        if (has_members) members_[std::string(object.get("id"))] = with_members(object);
        out_ += '\n';
    }

    std::string take() { return std::move(out_); }

private:
    // Where the text of the object begins: with that of its first member, which was printed before
    // it.
    [[nodiscard]] std::size_t begin_of(const Element& object) const {
        const Element* first = object.child(kRefName);
        if (first == nullptr) return out_.size();
        const auto found = begins_.find(first->get("id"));
        return found == begins_.end() ? out_.size() : found->second;
    }

    [[nodiscard]] Element with_members(const Element& object) const {
        Element whole = object;
        for (Element& child : whole.children) {
            if (child.name != kRefName) continue;
            const auto found = members_.find(child.get("id"));
            if (found != members_.end()) child = found->second;
        }
        return whole;
    }

    void print_comments(Element& object) {
        std::vector<std::string> lines;
        take_comments(object, lines);
        for (const std::string& line : lines)
            out_ += line.empty() ? "#\n" : concat("# ", line, "\n");
    }

    // The object's statement, if it is read back as what the object means.
    [[nodiscard]] std::optional<std::string> sayable(const Element& object) const {
        std::string text = printer_.statement(object);
        if (text.empty()) return std::nullopt;
        StatementReader reader(text);
        const Result<std::optional<Statement>> statement = reader.next();
        if (!statement || !statement->has_value()) return std::nullopt;
        const Result<Element> read = parse_statement(**statement);
        const Result<std::optional<Statement>> rest = reader.next();
        const bool is_all =
            rest.has_value() && !rest->has_value() && reader.rest_comments().empty();
        if (!read || !is_all || !same_meaning(*read, object, referenced_)) return std::nullopt;
        return text;
    }

    IdSet referenced_;
    Printer printer_;
    std::string out_;
    std::map<std::string, std::size_t, std::less<>>
        begins_;                                           // of each object: where its text begins
    std::map<std::string, Element, std::less<>> members_;  // each resource with all that is in it
};

const Element& configuration_of(const Element& element) {
    if (element.name != "cib") return element;
    const Element* inner = element.child("configuration");
    return inner == nullptr ? element : *inner;
}

}  // namespace

std::string print_crm(const Element& element) {
    const Element& configuration = configuration_of(element);
    ConfigurationPrinter printer(configuration);
    for (Element& object : flatten(configuration)) printer.print(std::move(object));
    return printer.take();
}

std::string print_crm_object(const Element& object, const Element& configuration) {
    Element alone;
    alone.name = "configuration";
    Element section;
    section.name = section_of(object.name);
    if (section.name.empty() || section.name == object.name) {
        alone.children.push_back(object);
    } else {
        section.children.push_back(object);
        alone.children.push_back(std::move(section));
    }
    ConfigurationPrinter printer(configuration_of(configuration));
    for (Element& one : flatten(alone)) printer.print(std::move(one));
    return printer.take();
}

}  // namespace xbeat::cib
