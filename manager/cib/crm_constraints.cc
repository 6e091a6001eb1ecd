// Statements that bind resources: location, colocation, order, rsc_ticket, fencing_topology, tag.
#include <algorithm>
#include <array>
#include <map>

#include "cib/crm_cursor.h"
#include "cib/flat.h"
#include "cib/suggest.h"

namespace xbeat::cib {
namespace {

constexpr std::array<std::string_view, 4> kActions = {"start", "promote", "demote", "stop"};
constexpr std::array<std::string_view, 4> kRoles = {"Started", "Stopped", "Promoted", "Unpromoted"};

// RSC or RSC:ROLE or RSC:ACTION, and which of the two the statement reads.
struct Qualified {
    std::string resource;
    std::string qualifier;
    std::uint32_t line = 0;
};

bool is_action(std::string_view text) {
    return std::find(kActions.begin(), kActions.end(), text) != kActions.end();
}

Result<Qualified> parse_qualified(const Word& word, std::string_view kind) {
    const std::size_t colon = std::min(word.text.find(':'), word.text.size());
    Qualified out{word.text.substr(0, colon), {}, word.line};
    if (out.resource.empty() || clean_id(out.resource) != out.resource)
        return error_at(word.line, concat("'", word.text, "' is no resource"));
    if (colon == word.text.size()) return out;
    const std::string_view text = std::string_view(word.text).substr(colon + 1);
    const bool is_instance = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c >= '0' && c <= '9';
    });
    if (is_instance) {
        out.qualifier = text;
        return out;
    }
    if (kind == "action") {
        out.qualifier = to_lower(text);
        if (is_action(out.qualifier)) return out;
        return error_at(word.line, concat("unknown action '", text, "' of '", out.resource, "'",
                                          did_you_mean(text, kActions),
                                          "; there are start, stop, promote, demote"));
    }
    const std::optional<std::string> role = canonical_role(text);
    if (!role) {
        return error_at(word.line, concat("unknown role '", text, "' of '", out.resource, "'",
                                          did_you_mean(text, kRoles),
                                          "; there are Started, Stopped, Promoted, Unpromoted"));
    }
    out.qualifier = *role;
    return out;
}

void set_qualified(Element& constraint, std::string_view name, std::string_view suffix,
                   const Qualified& value) {
    constraint.set(name, value.resource);
    if (value.qualifier.empty()) return;
    const bool is_instance = value.qualifier.front() >= '0' && value.qualifier.front() <= '9';
    constraint.set(concat(name, "-", is_instance ? "instance" : suffix), value.qualifier);
}

// `a ( b c:Promoted ) [ d e sequential=true ]`: one set for each run of one qualifier and bracket.
class SetParser {
public:
    SetParser(std::string_view kind, Element& constraint) : kind_(kind), constraint_(constraint) {}

    Result<void> take(const Word& word) {
        // Brackets may touch the words inside them.
        std::string_view text = word.text;
        if (!word.is_quoted && text.size() > 1 && (text.front() == '(' || text.front() == '[')) {
            XB_TRY(open(text.front(), word.line));
            text.remove_prefix(1);
        }
        const bool closes =
            !word.is_quoted && text.size() > 1 && (text.back() == ')' || text.back() == ']');
        XB_TRY(take_one({std::string(closes ? text.substr(0, text.size() - 1) : text), word.line,
                         word.is_quoted}));
        if (closes) XB_TRY(close(text.back(), word.line));
        return {};
    }

    Result<void> finish(std::uint32_t line) {
        if (bracket_ != 0)
            return error_at(line, concat("the bracket ", bracket_, " is never closed"));
        save();
        return {};
    }

private:
    Result<void> take_one(const Word& word) {
        const std::string& text = word.text;
        if (text == "_rsc_set_") return {};
        if (text == "(" || text == "[") return open(text.front(), word.line);
        if (text == ")" || text == "]") return close(text.front(), word.line);
        if (text.find('=') != std::string::npos) return take_option(word);
        const Qualified member = XB_TRY(parse_qualified(word, kind_));
        if (members_ > 0 && member.qualifier != qualifier_) save();
        if (members_ == 0) {
            set_ = Element();
            set_.name = "resource_set";
            set_.line = word.line;
            qualifier_ = member.qualifier;
        }
        Element ref;
        ref.name = "resource_ref";
        ref.line = word.line;
        ref.set("id", member.resource);
        set_.children.push_back(std::move(ref));
        ++members_;
        return {};
    }

    Result<void> open(char bracket, std::uint32_t line) {
        if (bracket_ != 0) return error_at(line, "resource sets cannot be nested");
        save();
        bracket_ = bracket;
        is_sequential_ = false;
        needs_all_ = bracket != '[';
        return {};
    }

    Result<void> close(char bracket, std::uint32_t line) {
        if (bracket_ != (bracket == ')' ? '(' : '['))
            return error_at(line, concat("the bracket ", bracket, " closes nothing"));
        if (members_ == 0) return error_at(line, "a resource set is empty");
        save();
        bracket_ = 0;
        is_sequential_ = true;
        needs_all_ = true;
        return {};
    }

    Result<void> take_option(const Word& word) {
        const std::size_t equals = word.text.find('=');
        const std::string name = word.text.substr(0, equals);
        const std::optional<bool> value =
            parse_boolean(std::string_view(word.text).substr(equals + 1));
        if (name != "sequential" && name != "require-all") {
            return error_at(word.line, concat("unknown attribute '", name,
                                              "' of a resource set; there are "
                                              "sequential and require-all"));
        }
        if (!value) return error_at(word.line, concat("'", word.text, "' must be true or false"));
        (name == "sequential" ? is_sequential_ : needs_all_) = *value;
        return {};
    }

    void save() {
        if (members_ == 0) return;
        if (!is_sequential_) set_.set("sequential", "false");
        if (!needs_all_) set_.set("require-all", "false");
        if (!qualifier_.empty()) set_.set(kind_, qualifier_);
        constraint_.children.push_back(std::move(set_));
        members_ = 0;
    }

    std::string_view kind_;
    Element& constraint_;
    Element set_;
    std::size_t members_ = 0;
    std::string qualifier_;
    char bracket_ = 0;
    bool is_sequential_ = true;
    bool needs_all_ = true;
};

Result<void> parse_resource_sets(Cursor& cursor, std::string_view kind, Element& constraint) {
    SetParser sets(kind, constraint);
    const std::uint32_t line = cursor.line();
    while (!cursor.done()) {
        const Word word = XB_TRY(cursor.take("a resource"));
        XB_TRY(sets.take(word));
    }
    XB_TRY(sets.finish(line));
    if (constraint.child("resource_set") == nullptr)
        return error_at(line, concat("'", constraint.get("id"), "' names no resource"));
    return {};
}

bool is_bracket(const Word& word) {
    return !word.is_quoted && !word.text.empty() &&
           std::string_view("([)]").find(word.text.front()) != std::string_view::npos;
}

// `name=value` at the end of the statement, if it is one of these; taken off it.
Result<void> take_tail_options(Cursor& cursor, Element& constraint,
                               std::span<const std::string_view> names) {
    while (cursor.left() > 0) {
        const std::string& text = cursor.last().text;
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) return {};
        const std::string name = text.substr(0, equals);
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            return error_at(cursor.last().line,
                            concat("unknown option '", name, "' of this constraint",
                                   did_you_mean(name, names)));
        }
        if (constraint.has(name))
            return error_at(cursor.last().line, concat("'", name, "' is given twice"));
        constraint.set(name, std::string_view(text).substr(equals + 1));
        cursor.drop_last();
    }
    return {};
}

// The first word before a colon at its end: a score, a kind, a ticket.
std::optional<std::string> accept_head(Cursor& cursor) {
    const std::string& text = cursor.peek().text;
    if (text.size() < 2 || !text.ends_with(':')) return std::nullopt;
    std::string head = text.substr(0, text.size() - 1);
    cursor.skip();
    return head;
}

Result<void> parse_location_target(Cursor& cursor, Element& location) {
    const Word word = XB_TRY(cursor.take("a resource"));
    const std::string_view text = word.text;
    if (text.size() > 2 && text.starts_with('/') && text.ends_with('/')) {
        location.set("rsc-pattern", text.substr(1, text.size() - 2));
        return {};
    }
    if (text != "{" || word.is_quoted) {
        if (text.empty() || clean_id(text) != text)
            return error_at(word.line, concat("'", text, "' is no resource"));
        location.set("rsc", text);
        return {};
    }
    SetParser sets("role", location);
    while (!cursor.at("}")) {
        const Word member = XB_TRY(cursor.take("a resource or }"));
        XB_TRY(sets.take(member));
    }
    cursor.skip();
    XB_TRY(sets.finish(word.line));
    if (location.child("resource_set") == nullptr)
        return error_at(word.line, "a resource set is empty");
    return {};
}

Result<void> parse_location_options(Cursor& cursor, Element& location) {
    constexpr std::array<std::string_view, 4> kNames = {"role", "resource-discovery", "description",
                                                        "score-attribute"};
    while (!cursor.done() && !cursor.at("rule")) {
        std::string_view text = cursor.peek().text;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) return {};
        if (text.starts_with('$')) text.remove_prefix(1);
        const std::string name(text.substr(0, text.find('=')));
        const std::string_view value = text.substr(text.find('=') + 1);
        if (name == "role") {
            const std::optional<std::string> role = canonical_role(value);
            if (!role)
                return cursor.error(
                    concat("unknown role '", value, "'", did_you_mean(value, kRoles)));
            location.set("role", *role);
        } else if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) {
            location.set(name, value);
        } else {
            return cursor.error(
                concat("unknown option '", name, "' of a location", did_you_mean(name, kNames)));
        }
        cursor.skip();
    }
    return {};
}

Result<Element> start(Cursor& cursor, std::string_view name) {
    Element constraint = new_element(name, cursor);
    constraint.set("id", XB_TRY(take_id(cursor, "constraint")));
    return constraint;
}

struct Level {
    Element target;  // only its attributes count
    std::string key;
};

Level level_target(std::string_view text) {
    Level level;
    if (text.starts_with("attr:")) {
        const std::size_t equals = text.find('=');
        level.target.set("target-attribute", text.substr(5, equals - 5));
        level.target.set("target-value", text.substr(equals + 1));
    } else if (text.starts_with("pattern:")) {
        level.target.set("target-pattern", text.substr(8));
    } else {
        level.target.set("target", text.substr(0, text.size() - 1));
    }
    level.key = text;
    return level;
}

bool is_level_target(std::string_view text) {
    if (text.starts_with("pattern:")) return text.size() > 8;
    if (text.starts_with("attr:"))
        return text.find('=') != std::string_view::npos && text.find('=') > 5;
    return text.size() > 1 && text.ends_with(':');
}

}  // namespace

Result<Element> parse_location(Cursor& cursor) {
    Element location = XB_TRY(start(cursor, "rsc_location"));
    XB_TRY(parse_location_target(cursor, location));
    XB_TRY(parse_location_options(cursor, location));
    if (cursor.at("rule")) {
        XB_TRY(parse_rules(cursor, location));
        return location;
    }
    const std::optional<std::string> head = accept_head(cursor);
    if (!head) {
        return cursor.error(
            concat("location '", location.get("id"), "' needs 'SCORE: NODE' or 'rule ...'"));
    }
    const std::optional<std::string> score = canonical_score(*head);
    if (!score) {
        return cursor.error(concat("'", *head, "' is no score; give a whole number, inf or -inf"));
    }
    location.set("score", *score);
    const Word node = XB_TRY(cursor.take("a node"));
    location.set("node", node.text);
    XB_TRY(parse_location_options(cursor, location));
    return location;
}

Result<Element> parse_colocation(Cursor& cursor) {
    Element colocation = XB_TRY(start(cursor, "rsc_colocation"));
    const std::optional<std::string> head = accept_head(cursor);
    if (!head)
        return cursor.error(
            "a colocation needs a score with a colon, such as 'inf:', after its name");
    const std::optional<std::string> score = canonical_score(*head);
    if (!score)
        return cursor.error(concat("'", *head, "' is no score; give a whole number, inf or -inf"));
    colocation.set("score", *score);
    constexpr std::array<std::string_view, 3> kOptions = {"node-attribute", "influence",
                                                          "description"};
    if (!is_bracket(cursor.last())) XB_TRY(take_tail_options(cursor, colocation, kOptions));
    const bool is_pair = cursor.left() == 2 && !is_bracket(cursor.peek()) &&
                         !is_bracket(cursor.peek(1)) && cursor.peek().text != "_rsc_set_";
    if (!is_pair) {
        XB_TRY(parse_resource_sets(cursor, "role", colocation));
        return colocation;
    }
    const Word first = XB_TRY(cursor.take("a resource"));
    const Word second = XB_TRY(cursor.take("a resource"));
    set_qualified(colocation, "rsc", "role", XB_TRY(parse_qualified(first, "role")));
    set_qualified(colocation, "with-rsc", "role", XB_TRY(parse_qualified(second, "role")));
    return colocation;
}

Result<Element> parse_order(Cursor& cursor) {
    Element order = XB_TRY(start(cursor, "rsc_order"));
    constexpr std::array<std::string_view, 3> kKinds = {"Mandatory", "Optional", "Serialize"};
    if (const std::optional<std::string> head = accept_head(cursor)) {
        std::string kind;
        for (const std::string_view known : kKinds) {
            if (equals_ignoring_case(*head, known)) kind = known;
        }
        if (kind.empty()) {
            const std::optional<std::string> score = canonical_score(*head);
            if (!score) {
                return cursor.error(concat("unknown kind of order '", *head, "'",
                                           did_you_mean(*head, kKinds),
                                           "; there are Mandatory, Optional, Serialize"));
            }
            kind = *score == "0" ? "Optional" : "Mandatory";
        }
        order.set("kind", kind);
    }
    constexpr std::array<std::string_view, 3> kOptions = {"symmetrical", "require-all",
                                                          "description"};
    if (!is_bracket(cursor.last())) XB_TRY(take_tail_options(cursor, order, kOptions));
    for (const std::string_view option : {"symmetrical", "require-all"}) {
        if (!order.has(option)) continue;
        const std::optional<bool> value = parse_boolean(order.get(option));
        if (!value)
            return cursor.error(concat(option, "=", order.get(option), " must be true or false"));
        order.set(option, *value ? "true" : "false");
    }
    const bool is_pair = cursor.left() == 2 && !is_bracket(cursor.peek()) &&
                         !is_bracket(cursor.peek(1)) && cursor.peek().text != "_rsc_set_";
    if (!is_pair) {
        XB_TRY(parse_resource_sets(cursor, "action", order));
        return order;
    }
    const Word first = XB_TRY(cursor.take("a resource"));
    const Word then = XB_TRY(cursor.take("a resource"));
    set_qualified(order, "first", "action", XB_TRY(parse_qualified(first, "action")));
    set_qualified(order, "then", "action", XB_TRY(parse_qualified(then, "action")));
    return order;
}

Result<Element> parse_ticket(Cursor& cursor) {
    Element ticket = XB_TRY(start(cursor, "rsc_ticket"));
    const std::optional<std::string> head = accept_head(cursor);
    if (!head)
        return cursor.error(
            "rsc_ticket needs a ticket with a colon, such as 'ticketA:', after its name");
    ticket.set("ticket", *head);
    constexpr std::array<std::string_view, 2> kOptions = {"loss-policy", "description"};
    constexpr std::array<std::string_view, 4> kPolicies = {"stop", "demote", "fence", "freeze"};
    if (!is_bracket(cursor.last())) XB_TRY(take_tail_options(cursor, ticket, kOptions));
    const std::string_view policy = ticket.get("loss-policy");
    if (!policy.empty() &&
        std::find(kPolicies.begin(), kPolicies.end(), policy) == kPolicies.end()) {
        return cursor.error(concat("unknown loss-policy '", policy, "'",
                                   did_you_mean(policy, kPolicies),
                                   "; there are stop, demote, fence, freeze"));
    }
    if (cursor.left() != 1) {
        XB_TRY(parse_resource_sets(cursor, "role", ticket));
        return ticket;
    }
    const Word word = XB_TRY(cursor.take("a resource"));
    set_qualified(ticket, "rsc", "role", XB_TRY(parse_qualified(word, "role")));
    return ticket;
}

Result<Element> parse_fencing_topology(Cursor& cursor) {
    Element topology = new_element("fencing-topology", cursor);
    Level current;
    std::map<std::string, std::uint32_t> count;
    while (!cursor.done()) {
        const Word& word = cursor.peek();
        cursor.skip();
        if (is_level_target(word.text)) {
            current = level_target(word.text);
            continue;
        }
        Element level = current.target;
        level.name = "fencing-level";
        level.line = word.line;
        const std::uint32_t index = ++count[current.key];
        if (index > 9) return error_at(word.line, "a target has at most 9 fencing levels");
        level.set("index", concat(index));
        level.set("devices", word.text);
        topology.children.push_back(std::move(level));
    }
    if (topology.children.empty()) return cursor.error("fencing_topology names no device");
    return topology;
}

Result<Element> parse_tag(Cursor& cursor) {
    Element tag = new_element("tag", cursor);
    if (cursor.peek().text.size() > 1 && cursor.peek().text.ends_with(':')) {
        const std::string& text = cursor.peek().text;
        tag.set("id", std::string_view(text).substr(0, text.size() - 1));
        cursor.skip();
    } else {
        tag.set("id", XB_TRY(take_id(cursor, "tag")));
    }
    while (!cursor.done()) {
        Element ref = new_element("obj_ref", cursor);
        ref.set("id", XB_TRY(take_id(cursor, "tagged object")));
        tag.children.push_back(std::move(ref));
    }
    if (tag.children.empty()) return cursor.error(concat("tag '", tag.get("id"), "' tags nothing"));
    return tag;
}

}  // namespace xbeat::cib
