// The parts of flat.h about ids: making them, and knowing which of them matter.
#include <algorithm>
#include <array>
#include <map>

#include "cib/flat.h"
#include "core/limits.h"
#include "core/score.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

// What the user usually does not name.
constexpr std::array<std::string_view, 18> kInner = {"nvpair",
                                                     "instance_attributes",
                                                     "meta_attributes",
                                                     "utilization",
                                                     "cluster_property_set",
                                                     "op",
                                                     "rule",
                                                     "expression",
                                                     "date_expression",
                                                     "date_spec",
                                                     "duration",
                                                     "resource_set",
                                                     "fencing-level",
                                                     "acl_permission",
                                                     "recipient",
                                                     "port-mapping",
                                                     "storage-mapping",
                                                     "rsc_expression"};

bool is_inner(std::string_view name) {
    return name == "op_expression" || name == "attribute" ||
           std::find(kInner.begin(), kInner.end(), name) != kInner.end();
}

bool is_set(std::string_view name) {
    return name == "instance_attributes" || name == "meta_attributes" || name == "utilization" ||
           name == "cluster_property_set";
}

constexpr bool is_id_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
}

class IdMaker {
public:
    void collect(const Element& element) {
        if (element.has("id")) used_.emplace(element.get("id"));
        for (const Element& child : element.children) collect(child);
    }

    void assign(Element& element, const Element* parent, std::string_view prefix) {
        if (element.kind != NodeKind::Element) return;
        if (is_inner(element.name) && !element.has("id") && !element.has("id-ref")) {
            element.attributes.insert(element.attributes.begin(),
                                      {"id", make(base_of(element, parent, prefix))});
        }
        // Sections and wrappers have no id: what is inside them takes the prefix from further out.
        const std::string own(element.has("id") ? element.get("id") : prefix);
        const std::string below = element.name == "node" ? concat("nodes-", own) : own;
        for (Element& child : element.children) assign(child, &element, below);
    }

private:
    static std::string base_of(const Element& element, const Element* parent,
                               std::string_view prefix) {
        const std::string& name = element.name;
        if (name == "nvpair") return concat(prefix, "-", element.get("name"));
        if (name == "attribute") return concat(prefix, "-select-", element.get("name"));
        if (name == "op") {
            const std::string_view every = element.has("interval") ? element.get("interval") : "0";
            return concat(prefix, "-", element.get("name"), "-", every);
        }
        if (name == "cluster_property_set") return "cib-bootstrap-options";
        if (parent != nullptr && parent->name == "rsc_defaults") return "rsc-options";
        if (parent != nullptr && parent->name == "op_defaults") return "op-options";
        if (name == "fencing-level") {
            const std::string_view target = element.has("target") ? element.get("target")
                                            : element.has("target-pattern")
                                                ? element.get("target-pattern")
                                                : element.get("target-value");
            return concat("fencing-", target, "-", element.get("index"));
        }
        if (name == "acl_permission") return concat(prefix, "-", element.get("kind"));
        if (name == "expression" || name == "date_expression") return concat(prefix, "-expression");
        return concat(prefix, "-", name);
    }

    std::string make(std::string_view base) {
        std::string clean = clean_id(base);
        // Pacemaker's schema knows no colon in an id; names of values may have one (master-web:0).
        std::replace(clean.begin(), clean.end(), ':', '.');
        if (used_.insert(clean).second) return clean;
        std::uint64_t& number = next_[clean];
        for (;;) {
            const std::string_view stem = std::string_view(clean).substr(0, kIdBytesMax - 20);
            std::string candidate = concat(stem, "-", ++number);
            if (used_.insert(candidate).second) return candidate;
        }
    }

    IdSet used_;
    std::map<std::string, std::uint64_t, std::less<>> next_;
};

void collect_references(const Element& element, IdSet& ids) {
    if (element.has("id-ref")) ids.emplace(element.get("id-ref"));
    if (element.name == "acl_permission" && element.has("reference"))
        ids.emplace(element.get("reference"));
    for (const Element& child : element.children) collect_references(child, ids);
}

std::string modern_role(std::string_view role) {
    if (equals_ignoring_case(role, "master") || equals_ignoring_case(role, "promoted"))
        return "Promoted";
    if (equals_ignoring_case(role, "slave") || equals_ignoring_case(role, "unpromoted"))
        return "Unpromoted";
    return std::string(role);
}

void normalise_score(Element& element) {
    const std::optional<Score> score = parse_score(element.get("score"));
    if (score) element.set("score", to_string(*score));
}

void unset_if_true(Element& element, std::string_view attribute) {
    if (parse_boolean(element.get(attribute)) == true) element.unset(attribute);
}

void normalise_attributes(Element& element, const Element* parent, const IdSet& referenced) {
    const bool is_named_set =
        element.name == "cluster_property_set" ||
        (parent != nullptr && (parent->name == "rsc_defaults" || parent->name == "op_defaults"));
    const bool may_drop_id =
        (is_inner(element.name) && !is_named_set) || element.name == "operations";
    if (may_drop_id && referenced.find(element.get("id")) == referenced.end()) element.unset("id");
    for (const std::string_view role : {"role", "rsc-role", "with-rsc-role"}) {
        if (element.has(role)) element.set(role, modern_role(element.get(role)));
    }
    if (element.name == "rule") {
        if (element.get("boolean-op") == "and" || element.children.size() <= 1)
            element.unset("boolean-op");
        if (parent == nullptr || parent->name != "rsc_location") element.unset("score");
    }
    if (element.name == "rule" || element.name == "rsc_location" ||
        element.name == "rsc_colocation")
        normalise_score(element);
    if (element.name == "op") {
        const std::string_view every = element.get("interval");
        if (!element.has("interval") || every == "0s") element.set("interval", "0");
    }
    if (element.name == "resource_set") {
        unset_if_true(element, "sequential");
        unset_if_true(element, "require-all");
    }
    if (element.name == "rsc_order" && element.has("score") && !element.has("kind")) {
        const std::optional<Score> score = parse_score(element.get("score"));
        if (score) {
            element.set("kind", *score == Score() ? "Optional" : "Mandatory");
            element.unset("score");
        }
    }
    if (element.name == "expression" && element.get("value-source") == "literal")
        element.unset("value-source");
    std::sort(element.attributes.begin(), element.attributes.end(),
              [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
}

// Where a child stands only for the reader's eye: comments, then rules, then the rest, then
// members.
int rank(const Element& child) {
    if (child.kind == NodeKind::Comment) return 0;
    if (child.name == "rule") return 1;
    return child.name == kRefName ? 3 : 2;
}

void normalise(Element& element, const Element* parent, const IdSet& referenced) {
    if (element.kind != NodeKind::Element) return;
    normalise_attributes(element, parent, referenced);
    for (Element& child : element.children) normalise(child, &element, referenced);
    std::erase_if(element.children, [](const Element& child) {
        if (child.kind == NodeKind::Comment) return true;
        const bool may_be_empty = is_set(child.name) || child.name == "operations";
        return may_be_empty && child.children.empty() && child.attributes.empty();
    });
    std::stable_sort(element.children.begin(), element.children.end(),
                     [](const Element& a, const Element& b) { return rank(a) < rank(b); });
}

}  // namespace

std::string clean_id(std::string_view id) {
    std::string out(id.substr(0, kIdBytesMax));
    for (char& c : out) {
        if (!is_id_char(c)) c = '_';
    }
    return out.empty() ? std::string("id") : out;
}

std::string clean_comment(std::string_view line) {
    std::string_view text = trim(line);
    while (text.starts_with('#')) text = trim(text.substr(1));
    std::string out;
    for (const char c : text) {
        const bool is_second_hyphen = c == '-' && !out.empty() && out.back() == '-';
        if (is_second_hyphen) out.push_back(' ');
        out.push_back(c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
    }
    return out;
}

Element make_comment(std::string_view line) {
    Element comment;
    comment.kind = NodeKind::Comment;
    const std::string clean = clean_comment(line);
    comment.text = clean.empty() ? std::string("#") : concat("# ", clean, " ");
    return comment;
}

void assign_ids(Element& configuration) {
    IdMaker maker;
    maker.collect(configuration);
    maker.assign(configuration, nullptr, "cib");
}

IdSet referenced_ids(const Element& configuration) {
    IdSet ids;
    collect_references(configuration, ids);
    return ids;
}

bool same_meaning(const Element& a, const Element& b, const IdSet& referenced) {
    Element x = a;
    Element y = b;
    normalise(x, nullptr, referenced);
    normalise(y, nullptr, referenced);
    return x == y;
}

}  // namespace xbeat::cib
