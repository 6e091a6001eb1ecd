#include "cib/validate.h"

#include <algorithm>

#include "cib/duration.h"
#include "cib/flat.h"
#include "cib/options.h"
#include "cib/suggest.h"
#include "cib/validate_context.h"
#include "core/limits.h"
#include "core/score.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

struct MetaOption {
    std::string_view name;
    OptionType type;
    std::string_view choices;
};

constexpr std::string_view kRoleWords = "Stopped Started Promoted Unpromoted Master Slave";

// Meta-attributes with a meaning; others belong to their users. Source: "Pacemaker Explained",
// Resources.
constexpr std::array kMeta = {
    MetaOption{"allow-migrate", OptionType::Boolean, {}},
    MetaOption{"allow-unhealthy-nodes", OptionType::Boolean, {}},
    MetaOption{"clone-max", OptionType::Integer, {}},
    MetaOption{"clone-min", OptionType::Integer, {}},
    MetaOption{"clone-node-max", OptionType::Integer, {}},
    MetaOption{"container-attribute-target", OptionType::Text, {}},
    MetaOption{"critical", OptionType::Boolean, {}},
    MetaOption{"failure-timeout", OptionType::Duration, {}},
    MetaOption{"globally-unique", OptionType::Boolean, {}},
    MetaOption{"interleave", OptionType::Boolean, {}},
    MetaOption{"is-managed", OptionType::Boolean, {}},
    MetaOption{"maintenance", OptionType::Boolean, {}},
    MetaOption{"migration-threshold", OptionType::Score, {}},
    MetaOption{"multiple-active", OptionType::Choice, "stop_start block stop_only stop_unexpected"},
    MetaOption{"notify", OptionType::Boolean, {}},
    MetaOption{"ordered", OptionType::Boolean, {}},
    MetaOption{"priority", OptionType::Score, {}},
    MetaOption{"promotable", OptionType::Boolean, {}},
    MetaOption{"promoted-max", OptionType::Integer, {}},
    MetaOption{"promoted-node-max", OptionType::Integer, {}},
    MetaOption{"remote-addr", OptionType::Text, {}},
    MetaOption{"remote-allow-migrate", OptionType::Boolean, {}},
    MetaOption{"remote-connect-timeout", OptionType::Duration, {}},
    MetaOption{"remote-node", OptionType::Text, {}},
    MetaOption{"remote-port", OptionType::Integer, {}},
    MetaOption{"requires", OptionType::Choice, "quorum fencing unfencing nothing lease"},
    MetaOption{"resource-stickiness", OptionType::Score, {}},
    MetaOption{"target-role", OptionType::Choice, kRoleWords},
};

const std::vector<std::string_view>& meta_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> out;
        for (const MetaOption& option : kMeta) out.push_back(option.name);
        return out;
    }();
    return names;
}

bool is_set(const Element& element) {
    return element.name == "instance_attributes" || element.name == "meta_attributes" ||
           element.name == "utilization" || element.name == "cluster_property_set";
}

void check_pair(Checker& checker, const Element& pair, std::set<std::string_view>& names) {
    if (pair.has("id-ref")) {
        if (checker.ids.find(pair.get("id-ref")) == checker.ids.end()) {
            checker.error(pair, "unknown-reference",
                          concat("id-ref names '", pair.get("id-ref"),
                                 "', which is not there; name an existing nvpair"));
        }
        return;
    }
    if (pair.get("name").empty()) {
        checker.error(pair, "missing-attribute",
                      "an nvpair needs a name; give it one or remove it");
        return;
    }
    if (!pair.has("value"))
        checker.warn(pair, "missing-attribute",
                     concat("'", pair.get("name"), "' has no value and is ignored; give it one"));
    if (!names.insert(pair.get("name")).second) {
        checker.warn(pair, "duplicate-value",
                     concat("'", pair.get("name"),
                            "' is given twice in one set; the first one counts, remove the other"));
    }
}

// Numbers of instances, where INFINITY and negative numbers count as none.
std::string check_count(std::string_view name, std::string_view value) {
    const bool is_count = name.starts_with("clone-") || name.starts_with("promoted-");
    if (!is_count || parse_integer(value).value_or(-1) >= 0) return {};
    return concat("'", value, "' counts as 0 for ", name, "; give a number from 0 up");
}

bool is_number_at_front(OptionType type, std::string_view value) {
    const bool is_number = type == OptionType::Score || type == OptionType::Integer;
    if (value.starts_with('-') || value.starts_with('+')) value.remove_prefix(1);
    return is_number && !value.empty() && value.front() >= '0' && value.front() <= '9';
}

}  // namespace

Checker::Checker(const Element& configuration) {
    if (const Element* section = configuration.child("resources")) find_resources(*section);
    if (const Element* section = configuration.child("nodes")) {
        for (const Element& node : section->children) {
            if (node.name == "node" && nodes.insert(node.get("uname")).second)
                node_names.push_back(node.get("uname"));
        }
    }
    if (const Element* section = configuration.child("tags")) {
        for (const Element& tag : section->children) {
            if (tag.name == "tag") tags.insert(tag.get("id"));
        }
    }
    if (const Element* section = configuration.child("acls")) {
        for (const Element& role : section->children) {
            if (role.name == "acl_role") roles.insert(role.get("id"));
        }
    }
}

void Checker::find_resources(const Element& parent) {
    for (const Element& child : parent.children) {
        if (!is_resource(child.name) && child.name != "template") continue;
        if (resources.emplace(child.get("id"), &child).second)
            resource_names.push_back(child.get("id"));
        find_guests(child);
        find_resources(child);
    }
}

// Nodes that are resources: remote nodes are called as their resource, guests as remote-node says.
void Checker::find_guests(const Element& resource) {
    if (resource.get("type") == "remote" && resource.get("provider") == "pacemaker")
        nodes.insert(resource.get("id"));
    for (const Element& set : resource.children) {
        if (set.name != "meta_attributes") continue;
        for (const Element& pair : set.children) {
            if (pair.get("name") == "remote-node") nodes.insert(pair.get("value"));
        }
    }
}

std::string Checker::hint(std::string_view word, const std::vector<std::string_view>& known) {
    constexpr std::size_t kHintsMax = 50;
    if (hints_ == kHintsMax) return {};
    ++hints_;
    return did_you_mean(word, known);
}

void Checker::report(Severity severity, const Element& at, std::string_view rule,
                     std::string text) {
    ++count_;
    if (count_ > kProblemsMax) return;
    const std::string_view own = at.name == "node" ? at.get("uname") : at.get("id");
    problems_.push_back(
        {severity, at.line, own.empty() ? owner_ : std::string(own), rule, std::move(text)});
}

std::vector<Problem> Checker::take() {
    if (count_ > kProblemsMax)
        problems_.push_back({Severity::Error,
                             0,
                             {},
                             "limit",
                             concat("and ", count_ - kProblemsMax, " more problems")});
    return std::move(problems_);
}

void check_duration(Checker& checker, const Element& element, std::string_view attribute,
                    std::string_view rule) {
    if (!element.has(attribute) || parse_duration(element.get(attribute))) return;
    checker.error(element, rule,
                  concat("'", element.get(attribute), "' is no ", attribute,
                         "; give a duration such as 20s, 500ms or 2min"));
}

void check_boolean(Checker& checker, const Element& element, std::string_view attribute) {
    if (!element.has(attribute) || parse_boolean(element.get(attribute))) return;
    checker.warn(
        element, "bad-value",
        concat(attribute, "=\"", element.get(attribute), "\" is ignored; give true or false"));
}

void check_choice(Checker& checker, const Element& element, std::string_view attribute,
                  std::string_view choices, std::string_view rule) {
    if (!element.has(attribute)) return;
    const std::string wrong =
        check_typed_value(attribute, OptionType::Choice, choices, element.get(attribute));
    if (!wrong.empty()) checker.error(element, rule, wrong);
}

void check_role(Checker& checker, const Element& element, std::string_view attribute) {
    check_choice(checker, element, attribute, kRoleWords, "bad-value");
}

void check_score(Checker& checker, const Element& element, std::string_view attribute) {
    if (!element.has(attribute) || parse_score(element.get(attribute))) return;
    checker.error(element, "bad-score",
                  concat("'", element.get(attribute),
                         "' is no score; give a whole number, INFINITY or -INFINITY"));
}

void check_sets(Checker& checker, const Element& owner) {
    for (const Element& set : owner.children) {
        if (!is_set(set)) continue;
        if (set.has("id-ref") && checker.ids.find(set.get("id-ref")) == checker.ids.end()) {
            checker.error(set, "unknown-reference",
                          concat("id-ref names '", set.get("id-ref"),
                                 "', which is not there; name an existing set"));
        }
        check_score(checker, set, "score");
        check_rules(checker, set, RuleUse::Values);
        std::set<std::string_view> names;
        for (const Element& pair : set.children) {
            if (pair.name == "nvpair") check_pair(checker, pair, names);
        }
    }
}

void check_meta(Checker& checker, const Element& owner) {
    for (const Element& set : owner.children) {
        if (set.name != "meta_attributes") continue;
        for (const Element& pair : set.children) {
            if (pair.name != "nvpair" || !pair.has("value")) continue;
            const std::string_view name = pair.get("name");
            const auto known =
                std::find_if(kMeta.begin(), kMeta.end(),
                             [&](const MetaOption& option) { return option.name == name; });
            if (known == kMeta.end()) {
                const std::string hint = checker.hint(name, meta_names());
                if (!hint.empty()) {
                    checker.warn(pair, "unknown-option",
                                 concat("unknown meta-attribute '", name, "'", hint));
                }
                continue;
            }
            std::string wrong =
                check_typed_value(name, known->type, known->choices, pair.get("value"));
            if (wrong.empty()) wrong = check_count(name, pair.get("value"));
            // "#default" is how old tools unset a value.
            if (wrong.empty() || pair.get("value") == "#default") continue;
            // Pacemaker takes the number at the front of "1.0"; what does not begin with one is a
            // mistake.
            if (is_number_at_front(known->type, pair.get("value"))) {
                checker.warn(pair, "bad-value", wrong);
            } else {
                checker.error(pair, "bad-value", wrong);
            }
        }
    }
}

std::vector<Problem> validate(const Element& cib_or_configuration) {
    const bool is_cib = cib_or_configuration.name == "cib";
    const Element* configuration =
        is_cib ? cib_or_configuration.child("configuration") : &cib_or_configuration;
    if (configuration == nullptr || configuration->name != "configuration") {
        return {{Severity::Error,
                 cib_or_configuration.line,
                 {},
                 "misplaced-element",
                 concat("there is no configuration in the ", cib_or_configuration.name,
                        "; give a cib or a configuration")}};
    }
    Checker checker(*configuration);
    check_structure(checker, *configuration);
    check_cluster(checker, *configuration);
    check_resources(checker, *configuration);
    check_constraints(checker, *configuration);
    return checker.take();
}

bool has_error(const std::vector<Problem>& problems) {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& problem) { return problem.severity == Severity::Error; });
}

std::string to_string(const Problem& problem) {
    const std::string line =
        problem.line == 0 ? std::string() : concat("line ", problem.line, ": ");
    const std::string_view word = problem.severity == Severity::Error ? "error: " : "warning: ";
    const std::string id = problem.id.empty() ? std::string() : concat(problem.id, ": ");
    return concat(line, word, id, problem.text, " (", problem.rule, ")");
}

}  // namespace xbeat::cib
