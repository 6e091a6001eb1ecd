// What stands inside statements: lists of name=value, rules, dates, scores and roles.
#include <algorithm>
#include <array>
#include <set>

#include "cib/crm_cursor.h"
#include "cib/suggest.h"
#include "core/score.h"

namespace xbeat::cib {
namespace {

constexpr std::array<std::string_view, 4> kTypes = {"string", "integer", "number", "version"};
constexpr std::array<std::string_view, 6> kComparisons = {"lt", "gt", "lte", "gte", "eq", "ne"};
// The old shell's spelling of yeardays is read as well.
constexpr std::array<std::string_view, 15> kDateFields = {
    "seconds", "minutes", "hours", "days",      "monthdays", "weekdays", "yeardays", "yearsdays",
    "months",  "weeks",   "years", "weekyears", "moon",      "weekyear", "week"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

Element& append(Element& parent, std::string_view name, std::uint32_t line) {
    Element child;
    child.name = name;
    child.line = line;
    parent.children.push_back(std::move(child));
    return parent.children.back();
}

// "NAME:" with something before the colon that is the whole word.
std::optional<std::string_view> before_colon(const Word& word) {
    const std::string_view text = word.text;
    if (text.size() < 2 || text.find(':') != text.size() - 1) return std::nullopt;
    return text.substr(0, text.size() - 1);
}

Result<void> parse_pair(Cursor& cursor, Element& set, std::set<std::string>& names) {
    const Word& word = cursor.peek();
    const std::string_view text = word.text;
    if (text.starts_with('@')) {
        Element& pair = append(set, "nvpair", word.line);
        const std::size_t colon = std::min(text.find(':'), text.size());
        pair.set("id-ref", text.substr(1, colon - 1));
        if (colon < text.size()) pair.set("name", text.substr(colon + 1));
        if (pair.get("id-ref").empty()) return cursor.error("@ must be followed by an id");
        return {};
    }
    const std::size_t equals = text.find('=');
    std::string_view name = text.substr(0, equals);
    std::string_view id;
    if (name.starts_with('$')) {
        const std::size_t colon = name.find(':');
        if (colon == std::string_view::npos) {
            return cursor.error(
                concat("'", text, "' stands in the wrong place, or means $ID:", "name=value"));
        }
        id = name.substr(1, colon - 1);
        name = name.substr(colon + 1);
    }
    if (name.empty()) return cursor.error(concat("there is no name before the = in '", text, "'"));
    if (names.size() == kSetValuesMax)
        return cursor.error(concat("more than ", kSetValuesMax, " values in one list"));
    if (!names.insert(std::string(name)).second)
        return cursor.error(concat("'", name, "' is given twice in one list"));
    Element& pair = append(set, "nvpair", word.line);
    if (!id.empty()) pair.set("id", id);
    pair.set("name", name);
    pair.set("value", text.substr(equals + 1));
    return {};
}

bool looks_like_pair(const Word& word) {
    return word.text.starts_with('@') || word.text.find('=') != std::string::npos;
}

// meta{name} and param{name}: where a value comes from.
void set_value(Element& expression, std::string_view text) {
    const std::size_t open = text.find('{');
    const bool has_source = open != std::string_view::npos && open > 0 && text.ends_with('}');
    const std::string_view source = has_source ? text.substr(0, open) : std::string_view();
    if (source == "meta" || source == "param" || source == "literal") {
        expression.set("value", text.substr(open + 1, text.size() - open - 2));
        expression.set("value-source", source);
        return;
    }
    expression.set("value", text);
}

Result<void> parse_date_fields(Cursor& cursor, Element& date, std::string_view name) {
    Element* fields = nullptr;
    while (!cursor.done()) {
        const Word& word = cursor.peek();
        const std::size_t equals = word.text.find('=');
        if (equals == std::string::npos) break;
        const std::string key = word.text.substr(0, equals);
        const std::string_view value = std::string_view(word.text).substr(equals + 1);
        if (name == "duration" && (key == "start" || key == "end")) {
            date.set(key, value);
        } else if (is_one_of(key, kDateFields)) {
            if (fields == nullptr) fields = &append(date, name, word.line);
            fields->set(key == "yearsdays" ? "yeardays" : key, value);
        } else {
            break;
        }
        cursor.skip();
    }
    if (date.attributes.size() + date.children.size() < 2)
        return cursor.error(
            "a date needs at least one field, such as hours=9-16 or start=2030-01-01");
    return {};
}

Result<void> parse_date(Cursor& cursor, Element& rule) {
    Element& date = append(rule, "date_expression", cursor.line());
    const Word operation = XB_TRY(cursor.take("lt, gt, in or spec"));
    const std::string op = to_lower(operation.text);
    if (op == "lt" || op == "gt") {
        date.set("operation", op);
        const Word when = XB_TRY(cursor.take("a date"));
        date.set(op == "lt" ? "end" : "start", when.text);
        return {};
    }
    if (op == "in" || op == "in_range") {
        date.set("operation", "in_range");
        return parse_date_fields(cursor, date, "duration");
    }
    if (op == "spec" || op == "date_spec") {
        date.set("operation", "date_spec");
        return parse_date_fields(cursor, date, "date_spec");
    }
    return error_at(operation.line, concat("unknown comparison of dates '", operation.text,
                                           "'; give lt, gt, in or spec"));
}

Result<void> parse_expression(Cursor& cursor, Element& rule) {
    if (cursor.accept("date")) return parse_date(cursor, rule);
    if (cursor.at_any({"defined", "not_defined"})) {
        Element& expression = append(rule, "expression", cursor.line());
        const std::string op = to_lower(cursor.peek().text);
        cursor.skip();
        const Word attribute = XB_TRY(cursor.take("the name of a node attribute"));
        expression.set("attribute", attribute.text);
        expression.set("operation", op);
        return {};
    }
    Element& expression = append(rule, "expression", cursor.line());
    const Word attribute = XB_TRY(cursor.take("an expression of the rule"));
    const Word operation = XB_TRY(cursor.take(concat("a comparison of '", attribute.text, "'")));
    std::string_view op = operation.text;
    expression.set("attribute", attribute.text);
    if (const std::size_t colon = op.find(':'); colon != std::string_view::npos) {
        const std::string type = to_lower(op.substr(0, colon));
        if (!is_one_of(type, kTypes)) {
            return error_at(operation.line,
                            concat("unknown type of comparison '", op.substr(0, colon),
                                   "'; give string, integer, number or version"));
        }
        expression.set("type", type);
        op = op.substr(colon + 1);
    }
    if (!is_one_of(to_lower(op), kComparisons)) {
        return error_at(operation.line, concat("unknown comparison '", op, "' in a rule",
                                               did_you_mean(op, kComparisons),
                                               "; there are lt gt lte gte eq ne, and defined, "
                                               "not_defined before the attribute"));
    }
    expression.set("operation", to_lower(op));
    const Word value =
        XB_TRY(cursor.take(concat("a value to compare '", attribute.text, "' with")));
    set_value(expression, value.text);
    return {};
}

Result<void> parse_expressions(Cursor& cursor, Element& rule) {
    XB_TRY(parse_expression(cursor, rule));
    std::string joined_by;
    while (cursor.at_any({"and", "or"})) {
        const std::string word = to_lower(cursor.peek().text);
        if (!joined_by.empty() && word != joined_by)
            return cursor.error("'and' and 'or' cannot be mixed in one rule; write two rules");
        joined_by = word;
        cursor.skip();
        XB_TRY(parse_expression(cursor, rule));
    }
    if (joined_by == "or") rule.set("boolean-op", "or");
    return {};
}

Result<void> parse_rule(Cursor& cursor, Element& parent) {
    Element& rule = append(parent, "rule", cursor.line());
    if (const auto id_ref = cursor.accept_option("$id-ref")) {
        rule.set("id-ref", *id_ref);
        return {};
    }
    if (const auto id = cursor.accept_option("$id")) rule.set("id", *id);
    std::optional<std::string> role = cursor.accept_option("$role");
    if (!role) role = cursor.accept_option("role");
    if (role) {
        const std::optional<std::string> known = canonical_role(*role);
        if (!known) return cursor.error(concat("unknown role '", *role, "'"));
        rule.set("role", *known);
    }
    if (const auto head = before_colon(cursor.peek())) {
        const std::optional<std::string> score = canonical_score(*head);
        rule.set(score ? "score" : "score-attribute", score ? *score : *head);
        cursor.skip();
    } else {
        rule.set("score", "INFINITY");
    }
    return parse_expressions(cursor, rule);
}

}  // namespace

std::optional<std::string> canonical_score(std::string_view text) {
    if (equals_ignoring_case(text, "advisory")) return "0";
    if (equals_ignoring_case(text, "mandatory")) return "INFINITY";
    const std::optional<Score> score = parse_score(text);
    if (!score) return std::nullopt;
    return to_string(*score);
}

std::optional<std::string> canonical_role(std::string_view text) {
    using Pair = std::pair<std::string_view, std::string_view>;
    constexpr std::array<Pair, 6> kRoles = {{{"Promoted", "Promoted"},
                                             {"Unpromoted", "Unpromoted"},
                                             {"Started", "Started"},
                                             {"Stopped", "Stopped"},
                                             {"Master", "Promoted"},
                                             {"Slave", "Unpromoted"}}};
    for (const auto& [spelling, role] : kRoles) {
        if (equals_ignoring_case(text, spelling)) return std::string(role);
    }
    return std::nullopt;
}

void parse_description(Cursor& cursor, Element& element) {
    if (const auto description = cursor.accept_option("description"))
        element.set("description", *description);
}

Result<void> parse_pairs(Cursor& cursor, Element& set, Keywords keywords) {
    std::set<std::string> names;
    while (!cursor.done() && !cursor.at_any(keywords) && looks_like_pair(cursor.peek())) {
        XB_TRY(parse_pair(cursor, set, names));
        cursor.skip();
    }
    return {};
}

Result<void> parse_rules(Cursor& cursor, Element& parent) {
    while (cursor.accept("rule")) XB_TRY(parse_rule(cursor, parent));
    return {};
}

Result<Element> parse_set(Cursor& cursor, std::string_view element_name, Keywords keywords) {
    Element set = new_element(element_name, cursor);
    if (const auto id_ref = cursor.accept_option("$id-ref")) {
        set.set("id-ref", *id_ref);
        return set;
    }
    if (const auto id = cursor.accept_option("$id")) set.set("id", *id);
    if (const auto head = before_colon(cursor.peek())) {
        const std::optional<std::string> score = canonical_score(*head);
        if (!score) {
            return cursor.error(concat("'", *head,
                                       "' is no score; give a whole number, inf or -inf, or leave "
                                       "it out with its colon"));
        }
        set.set("score", *score);
        cursor.skip();
    }
    XB_TRY(parse_rules(cursor, set));
    XB_TRY(parse_pairs(cursor, set, keywords));
    return set;
}

Result<void> parse_head_id(Cursor& cursor, Element& element) {
    if (const auto id_ref = cursor.accept_option("$id-ref")) {
        element.set("id-ref", *id_ref);
    } else if (const auto id = cursor.accept_option("$id")) {
        element.set("id", *id);
    } else if (cursor.peek().text.size() > 1 && cursor.peek().text.ends_with(':')) {
        const std::string& text = cursor.peek().text;
        element.set("id", std::string_view(text).substr(0, text.size() - 1));
        cursor.skip();
    }
    return {};
}

}  // namespace xbeat::cib
