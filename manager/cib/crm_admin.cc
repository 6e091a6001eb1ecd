// Statements about the cluster itself: property, rsc_defaults, op_defaults, access control, alerts.
#include <algorithm>
#include <array>

#include "cib/crm_cursor.h"
#include "cib/options.h"
#include "cib/suggest.h"

namespace xbeat::cib {
namespace {

// A short word for an XPath of an access permission; the pieces are joined, each @ in them replaced
// by the next word after a colon. The second piece only stands if there is a word left for it.
struct Shortcut {
    std::string_view word;
    std::string_view first;
    std::string_view second;
};

constexpr std::array<Shortcut, 10> kShortcuts = {{
    {"meta", "//primitive[@id='?']/meta_attributes", "/nvpair[@name='?']"},
    {"params", "//primitive[@id='?']/instance_attributes", "/nvpair[@name='?']"},
    {"utilization", "//primitive[@id='?']/utilization", ""},
    {"location", "//rsc_location[@id='cli-prefer-?' and @rsc='?']", ""},
    {"property", "//crm_config/cluster_property_set", "/nvpair[@name='?']"},
    {"nodeattr", "//nodes/node/instance_attributes", "/nvpair[@name='?']"},
    {"nodeutil", "//nodes/node/utilization", "[@uname='?']"},
    {"node", "//nodes/node", "[@uname='?']"},
    {"status", "/cib/status", ""},
    {"cib", "/cib", ""},
}};

constexpr std::array<std::string_view, 3> kRights = {"read", "write", "deny"};
constexpr std::array<std::string_view, 17> kSpecWords = {
    "xpath",     "ref",      "reference", "tag",         "type",     "attr",
    "attribute", "meta",     "params",    "utilization", "location", "property",
    "nodeattr",  "nodeutil", "node",      "status",      "cib"};

std::string replace_marks(std::string_view piece, std::string_view word) {
    std::string out;
    for (const char c : piece) {
        if (c == '?') {
            out += word;
        } else {
            out.push_back(c);
        }
    }
    return out;
}

const Shortcut* find_shortcut(std::string_view word) {
    const auto found =
        std::find_if(kShortcuts.begin(), kShortcuts.end(),
                     [&](const Shortcut& shortcut) { return shortcut.word == word; });
    return found == kShortcuts.end() ? nullptr : &*found;
}

// SHORTCUT[:ID[:NAME]] as an XPath.
Result<std::string> expand_shortcut(const Cursor& cursor, const Shortcut& shortcut,
                                    std::string_view rest) {
    const bool first_needs_word = shortcut.first.find('?') != std::string_view::npos;
    const std::size_t colon = first_needs_word ? std::min(rest.find(':'), rest.size()) : 0;
    std::string_view second = rest;
    std::string out(shortcut.first);
    if (first_needs_word) {
        const std::string_view id = rest.substr(0, colon);
        if (id.empty())
            return cursor.error(concat("'", shortcut.word, ":' must be followed by a resource"));
        out = replace_marks(shortcut.first, id);
        second = colon < rest.size() ? rest.substr(colon + 1) : std::string_view();
    }
    if (second.empty()) return out;
    if (shortcut.second.empty())
        return cursor.error(concat("'", shortcut.word, "' takes no '", second, "'"));
    return out + replace_marks(shortcut.second, second);
}

bool is_spec(const Word& word) {
    const std::string_view head = std::string_view(word.text).substr(0, word.text.find(':'));
    return std::find(kSpecWords.begin(), kSpecWords.end(), head) != kSpecWords.end();
}

Result<void> parse_spec(Cursor& cursor, Element& permission) {
    const std::string_view text = cursor.peek().text;
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view head = text.substr(0, colon);
    const std::string_view rest = colon < text.size() ? text.substr(colon + 1) : std::string_view();
    std::string name;
    std::string value(rest);
    if (const Shortcut* shortcut = find_shortcut(head)) {
        name = "xpath";
        value = XB_TRY(expand_shortcut(cursor, *shortcut, rest));
    } else if (head == "xpath") {
        name = "xpath";
    } else if (head == "ref" || head == "reference") {
        name = "reference";
    } else if (head == "tag" || head == "type") {
        name = "object-type";
    } else {
        name = "attribute";
    }
    if (value.empty()) return cursor.error(concat("'", head, ":' must be followed by a value"));
    if (permission.has(name))
        return cursor.error(concat("'", text, "': ", name, " is given twice"));
    permission.set(name, value);
    cursor.skip();
    return {};
}

Result<Element> parse_permission(Cursor& cursor) {
    Element permission = new_element("acl_permission", cursor);
    const Word right = XB_TRY(cursor.take("read, write or deny"));
    const std::string kind = to_lower(right.text);
    if (std::find(kRights.begin(), kRights.end(), kind) == kRights.end()) {
        return error_at(right.line, concat("expected read, write or deny, found '", right.text, "'",
                                           did_you_mean(right.text, kRights)));
    }
    permission.set("kind", kind);
    if (const auto id = cursor.accept_option("$id")) permission.set("id", *id);
    parse_description(cursor, permission);
    while (!cursor.done() && is_spec(cursor.peek())) XB_TRY(parse_spec(cursor, permission));
    const bool says_what =
        permission.has("xpath") || permission.has("reference") || permission.has("object-type");
    if (!says_what) {
        return error_at(right.line, concat("'", kind,
                                           "' must say what: xpath:..., ref:ID, type:NAME or a "
                                           "shortcut such as meta:RESOURCE"));
    }
    return permission;
}

Result<Element> parse_acl_names(Cursor& cursor, std::string_view element_name,
                                std::string_view what) {
    Element target = new_element(element_name, cursor);
    target.set("id", XB_TRY(take_id(cursor, what)));
    while (!cursor.done()) {
        Element role = new_element("role", cursor);
        role.set("id", XB_TRY(take_id(cursor, "role")));
        target.children.push_back(std::move(role));
    }
    return target;
}

Result<void> check_property(const Element& pair) {
    const std::string_view name = pair.get("name");
    const Option* option = find_option(name);
    if (option == nullptr) {
        // An unknown name may be an agent's own note in the cluster's properties; a near miss is an
        // error.
        const std::string hint = did_you_mean(name, option_names());
        if (hint.empty()) return {};
        return error_at(pair.line, concat("unknown property '", name, "'", hint));
    }
    const std::string wrong = check_option_value(*option, pair.get("value"));
    if (!wrong.empty()) return error_at(pair.line, wrong);
    return {};
}

Result<Element> parse_defaults(Cursor& cursor, std::string_view section) {
    Element defaults = new_element(section, cursor);
    Element set = new_element("meta_attributes", cursor);
    XB_TRY(parse_head_id(cursor, set));
    XB_TRY(parse_rules(cursor, set));
    XB_TRY(parse_pairs(cursor, set, {}));
    defaults.children.push_back(std::move(set));
    return defaults;
}

constexpr std::array<std::string_view, 6> kAlertEnds = {"attributes", "meta", "to",
                                                        "select",     "{",    "}"};

Result<void> parse_alert_sets(Cursor& cursor, Element& owner) {
    for (;;) {
        if (cursor.accept("attributes")) {
            owner.children.push_back(XB_TRY(parse_set(cursor, "instance_attributes", kAlertEnds)));
        } else if (cursor.accept("meta")) {
            owner.children.push_back(XB_TRY(parse_set(cursor, "meta_attributes", kAlertEnds)));
        } else {
            return {};
        }
    }
}

Result<Element> parse_select(Cursor& cursor) {
    Element select = new_element("select", cursor);
    // `attributes` without a brace begins the alert's own attributes.
    while (cursor.at_any({"nodes", "fencing", "resources"}) ||
           (cursor.at("attributes") && cursor.peek(1).text == "{")) {
        const std::string kind = to_lower(cursor.peek().text);
        select.children.push_back(new_element(concat("select_", kind), cursor));
        cursor.skip();
        if (kind != "attributes") continue;
        cursor.skip();
        while (!cursor.accept("}")) {
            Element attribute = new_element("attribute", cursor);
            const Word name = XB_TRY(cursor.take("the name of an attribute or }"));
            attribute.set("name", name.text);
            select.children.back().children.push_back(std::move(attribute));
        }
    }
    if (select.children.empty())
        return cursor.error(
            "select must be followed by nodes, fencing, resources or attributes { ... }");
    return select;
}

Result<Element> parse_recipient(Cursor& cursor) {
    Element recipient = new_element("recipient", cursor);
    const bool has_brace = cursor.accept("{");
    const Word value = XB_TRY(cursor.take("a recipient"));
    recipient.set("value", value.text);
    parse_description(cursor, recipient);
    XB_TRY(parse_alert_sets(cursor, recipient));
    if (has_brace && !cursor.accept("}"))
        return cursor.error("a recipient's brace { is never closed");
    return recipient;
}

}  // namespace

Result<Element> parse_property(Cursor& cursor) {
    Element set = new_element("cluster_property_set", cursor);
    XB_TRY(parse_head_id(cursor, set));
    if (cursor.peek().text.size() > 1 && cursor.peek().text.ends_with(':')) {
        const std::string& text = cursor.peek().text;
        const std::optional<std::string> score =
            canonical_score(std::string_view(text).substr(0, text.size() - 1));
        if (!score) return cursor.error(concat("'", text, "' is no score"));
        set.set("score", *score);
        cursor.skip();
    }
    XB_TRY(parse_rules(cursor, set));
    XB_TRY(parse_pairs(cursor, set, {}));
    for (const Element& pair : set.children) {
        if (pair.name == "nvpair" && pair.has("name")) XB_TRY(check_property(pair));
    }
    return set;
}

Result<Element> parse_rsc_defaults(Cursor& cursor) {
    return parse_defaults(cursor, "rsc_defaults");
}
Result<Element> parse_op_defaults(Cursor& cursor) { return parse_defaults(cursor, "op_defaults"); }

Result<Element> parse_acl_role(Cursor& cursor) {
    Element role = new_element("acl_role", cursor);
    role.set("id", XB_TRY(take_id(cursor, "role")));
    parse_description(cursor, role);
    while (!cursor.done()) role.children.push_back(XB_TRY(parse_permission(cursor)));
    return role;
}

Result<Element> parse_acl_target(Cursor& cursor) {
    return parse_acl_names(cursor, "acl_target", "user");
}
Result<Element> parse_acl_group(Cursor& cursor) {
    return parse_acl_names(cursor, "acl_group", "group of users");
}

Result<Element> parse_acl_user(Cursor& cursor) {
    Element target = new_element("acl_target", cursor);
    target.set("id", XB_TRY(take_id(cursor, "user")));
    while (!cursor.done()) {
        const auto name = cursor.peek().text.starts_with("role:")
                              ? std::optional(cursor.peek().text.substr(5))
                              : std::nullopt;
        if (!name || name->empty()) {
            return cursor.error(concat("a user's permissions belong in a role; write 'role NAME ",
                                       cursor.peek().text, " ...' and 'acl_target ",
                                       target.get("id"), " NAME'"));
        }
        Element role = new_element("role", cursor);
        role.set("id", *name);
        target.children.push_back(std::move(role));
        cursor.skip();
    }
    return target;
}

Result<Element> parse_alert(Cursor& cursor) {
    Element alert = new_element("alert", cursor);
    alert.set("id", XB_TRY(take_id(cursor, "alert")));
    const Word path = XB_TRY(cursor.take("the path of an alert agent"));
    alert.set("path", path.text);
    parse_description(cursor, alert);
    while (!cursor.done()) {
        XB_TRY(parse_alert_sets(cursor, alert));
        if (cursor.accept("select")) {
            alert.children.push_back(XB_TRY(parse_select(cursor)));
        } else if (cursor.accept("to")) {
            alert.children.push_back(XB_TRY(parse_recipient(cursor)));
        } else if (!cursor.done()) {
            return cursor.error(
                concat("expected attributes, meta, select or to in an alert; found '",
                       cursor.peek().text, "'"));
        }
    }
    return alert;
}

}  // namespace xbeat::cib
