#include "rules/rule.h"

#include <algorithm>

#include "core/number.h"
#include "core/score.h"
#include "core/text.h"
#include "rules/calendar.h"
#include "rules/compare.h"

namespace xbeat::rules {
namespace {

void lower(std::optional<EpochSeconds>* next_change, EpochSeconds time) {
    if (next_change == nullptr) return;
    if (!*next_change || time < **next_change) *next_change = time;
}

const std::string* lookup(const Attributes* attributes, std::string_view name) {
    if (attributes == nullptr) return nullptr;
    const auto at = attributes->find(name);
    return at == attributes->end() ? nullptr : &at->second;
}

bool attribute_holds(const cib::Element& expression, const RuleInput& input) {
    if (input.node_attributes == nullptr) return false;
    const std::string name = expand_submatches(expression.get("attribute"), input);
    const std::string operation = to_lower(expression.get("operation"));
    const std::string* actual = lookup(input.node_attributes, name);
    if (operation == "defined") return actual != nullptr;
    if (operation == "not_defined") return actual == nullptr;

    std::string_view reference = expression.get("value");
    bool has_reference = expression.has("value");
    const std::string source = to_lower(expression.get("value-source"));
    if (has_reference && (source == "param" || source == "meta")) {
        const std::string* found =
            lookup(source == "param" ? input.resource_parameters : input.resource_meta, reference);
        has_reference = found != nullptr;
        reference = found != nullptr ? std::string_view(*found) : std::string_view();
    }
    if (actual == nullptr || !has_reference) {
        const bool both_absent = actual == nullptr && !has_reference;
        if (operation == "eq") return both_absent;
        return operation == "ne" && !both_absent;
    }
    const bool is_range =
        operation == "lt" || operation == "lte" || operation == "gt" || operation == "gte";
    const int order = compare_as(to_lower(expression.get("type")), *actual, reference, is_range);
    if (operation == "eq") return order == 0;
    if (operation == "ne") return order != 0;
    if (operation == "lt") return order < 0;
    if (operation == "lte") return order <= 0;
    if (operation == "gt") return order > 0;
    if (operation == "gte") return order >= 0;
    return false;
}

// "5", "5-7", "5-", "-7".
bool in_field_range(std::string_view range, std::int64_t value) {
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos) {
        const auto only = parse_integer(trim(range));
        return only && *only == value;
    }
    const auto low = parse_integer(trim(range.substr(0, dash)));
    const auto high = parse_integer(trim(range.substr(dash + 1)));
    if (!low && !high) return false;
    return (!low || *low <= value) && (!high || value <= *high);
}

bool date_spec_holds(const cib::Element& spec, const RuleInput& input) {
    const CalendarFields now = fields_of(input.now);
    const std::pair<std::string_view, std::int64_t> fields[] = {
        {"years", now.year},        {"months", now.month},        {"monthdays", now.month_day},
        {"hours", now.hour},        {"minutes", now.minute},      {"seconds", now.second},
        {"yeardays", now.year_day}, {"weekyears", now.week_year}, {"weeks", now.week},
        {"weekdays", now.week_day}};
    return std::all_of(std::begin(fields), std::end(fields), [&spec](const auto& field) {
        return !spec.has(field.first) || in_field_range(spec.get(field.first), field.second);
    });
}

CalendarSpan duration_of(const cib::Element& duration) {
    const auto count = [&duration](std::string_view name) {
        return std::clamp<std::int64_t>(parse_integer(duration.get(name)).value_or(0), -100'000'000,
                                        100'000'000);
    };
    return {.years = count("years"),
            .months = count("months"),
            .days = count("days") + count("weeks") * 7,
            .seconds = count("hours") * 3600 + count("minutes") * 60 + count("seconds")};
}

bool date_holds(const cib::Element& expression, const RuleInput& input,
                std::optional<EpochSeconds>* next_change) {
    const std::string operation = to_lower(expression.get("operation"));
    const auto start = parse_time(expression.get("start"));
    auto end = parse_time(expression.get("end"));
    if (operation == "date_spec") {
        const cib::Element* spec = expression.child("date_spec");
        return spec != nullptr && date_spec_holds(*spec, input);
    }
    if (operation == "gt") {
        if (!start) return false;
        if (input.now > *start) return true;
        lower(next_change, EpochSeconds{start->value + 1});
        return false;
    }
    if (operation == "lt") {
        if (!end || input.now >= *end) return false;
        lower(next_change, *end);
        return true;
    }
    if (operation != "in_range" && !operation.empty()) return false;
    const cib::Element* duration = expression.child("duration");
    if (start && !end && duration != nullptr) end = add(*start, duration_of(*duration));
    if (!start && !end) return false;
    if (start && input.now < *start) {
        lower(next_change, *start);
        return false;
    }
    if (!end) return true;
    if (input.now > *end) return false;
    lower(next_change, EpochSeconds{end->value + 1});
    return true;
}

bool agent_holds(const cib::Element& expression, const RuleInput& input) {
    if (!input.has_agent) return false;
    return (!expression.has("class") || expression.get("class") == input.agent_class) &&
           (!expression.has("provider") || expression.get("provider") == input.agent_provider) &&
           (!expression.has("type") || expression.get("type") == input.agent_type);
}

bool operation_holds(const cib::Element& expression, const RuleInput& input) {
    if (!input.has_operation) return false;
    if (expression.get("name") != input.operation) return false;
    if (!expression.has("interval")) return true;
    return parse_interval_ms(expression.get("interval")).value_or(-1) == input.interval_ms;
}

std::optional<bool> condition_holds(const cib::Element& condition, const RuleInput& input,
                                    std::optional<EpochSeconds>* next_change) {
    if (condition.kind != cib::NodeKind::Element) return std::nullopt;
    if (condition.name == "rule") return holds(condition, input, next_change);
    if (condition.name == "expression") return attribute_holds(condition, input);
    if (condition.name == "date_expression") return date_holds(condition, input, next_change);
    if (condition.name == "rsc_expression") return agent_holds(condition, input);
    if (condition.name == "op_expression") return operation_holds(condition, input);
    return std::nullopt;
}

using Entry = std::pair<std::string_view, const cib::Element*>;

bool has_lower_id(const Entry& a, const Entry& b) { return a.first < b.first; }

void index_ids(const cib::Element& element, std::vector<Entry>& out) {
    for (const cib::Attribute& attribute : element.attributes) {
        if (attribute.name == "id") out.emplace_back(attribute.value, &element);
    }
    for (const cib::Element& below : element.children) index_ids(below, out);
}

}  // namespace

IdIndex::IdIndex(const cib::Element& root) {
    index_ids(root, by_id_);
    std::stable_sort(by_id_.begin(), by_id_.end(), has_lower_id);
}

const cib::Element* IdIndex::find(std::string_view id) const {
    const auto at =
        std::lower_bound(by_id_.begin(), by_id_.end(), Entry{id, nullptr}, has_lower_id);
    return at == by_id_.end() || at->first != id ? nullptr : at->second;
}

const cib::Element* IdIndex::resolve(const cib::Element& element) const {
    const std::string_view reference = element.get("id-ref");
    return reference.empty() ? &element : find(reference);
}

bool holds(const cib::Element& rule, const RuleInput& input,
           std::optional<EpochSeconds>* next_change) {
    const cib::Element* actual = input.ids == nullptr ? &rule : input.ids->resolve(rule);
    if (actual == nullptr || actual->name != "rule") return false;
    const bool any = equals_ignoring_case(actual->get("boolean-op"), "or");
    bool is_empty = true;
    bool outcome = !any;
    for (const cib::Element& condition : actual->children) {
        const std::optional<bool> held = condition_holds(condition, input, next_change);
        if (!held) continue;
        is_empty = false;
        outcome = *held;
        if (outcome == any) break;  // decided
    }
    return is_empty || outcome;
}

bool all_rules_hold(const cib::Element& parent, const RuleInput& input,
                    std::optional<EpochSeconds>* next_change) {
    bool outcome = true;
    for (const cib::Element& child : parent.children) {
        if (child.name == "rule" && !holds(child, input, next_change)) outcome = false;
    }
    return outcome;
}

std::string expand_submatches(std::string_view name, const RuleInput& input) {
    std::string out;
    for (std::size_t at = 0; at < name.size(); ++at) {
        const bool is_reference = name[at] == '%' && at + 1 < name.size() && name[at + 1] >= '0' &&
                                  name[at + 1] <= '9' && input.submatches != nullptr;
        if (!is_reference) {
            out.push_back(name[at]);
            continue;
        }
        const auto number = static_cast<std::size_t>(name[++at] - '0');
        if (number < input.submatches->size()) out += (*input.submatches)[number];
    }
    return out;
}

void collect_attributes(const cib::Element& parent, std::string_view set_name,
                        const RuleInput& input, std::string_view first_id, Attributes& out,
                        std::optional<EpochSeconds>* next_change) {
    struct Set {
        const cib::Element* element;
        bool is_first;
        Score score;
    };
    std::vector<Set> sets;
    for (const cib::Element& child : parent.children) {
        if (child.name != set_name) continue;
        const cib::Element* set = input.ids == nullptr ? &child : input.ids->resolve(child);
        if (set == nullptr) continue;
        // Later sets come before earlier ones of the same score: hence the order of insertion.
        sets.insert(sets.begin(), {.element = set,
                                   .is_first = !first_id.empty() && set->get("id") == first_id,
                                   .score = effective_score(set->get("score"))});
    }
    std::stable_sort(sets.begin(), sets.end(), [](const Set& a, const Set& b) {
        if (a.is_first != b.is_first) return a.is_first;
        return a.score > b.score;
    });
    for (const Set& set : sets) {
        if (!all_rules_hold(*set.element, input, next_change)) continue;
        // Old schemas put the pairs into an <attributes> element of their own.
        const cib::Element* pairs = set.element->child("attributes");
        for (const cib::Element& child : (pairs != nullptr ? pairs : set.element)->children) {
            if (child.name != "nvpair") continue;
            const cib::Element* pair = input.ids == nullptr ? &child : input.ids->resolve(child);
            if (pair == nullptr) continue;
            const std::string_view name = child.has("name") ? child.get("name") : pair->get("name");
            if (name.empty() || !pair->has("value")) continue;
            if (pair->get("value") == "#default") continue;
            out.emplace(name, pair->get("value"));
        }
    }
}

}  // namespace xbeat::rules
