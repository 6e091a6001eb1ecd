// What the passes of validate() share: where problems go, and who is who. For the validate_*.cc
// files only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cib/validate.h"

namespace xbeat::cib {

class Checker {
public:
    explicit Checker(const Element& configuration);

    void error(const Element& at, std::string_view rule, std::string text) {
        report(Severity::Error, at, rule, std::move(text));
    }
    void warn(const Element& at, std::string_view rule, std::string text) {
        report(Severity::Warning, at, rule, std::move(text));
    }
    /// The id that problems of elements without one are reported under.
    void set_owner(std::string_view id) { owner_ = id; }

    /// "; did you mean 'x'?" for the first few unknown names, then nothing: each costs a walk over
    /// all of them.
    [[nodiscard]] std::string hint(std::string_view word,
                                   const std::vector<std::string_view>& known);

    [[nodiscard]] std::vector<Problem> take();

    // Found once, before the passes. Views into the configuration.
    std::map<std::string_view, const Element*> resources;  // and templates
    std::map<std::string_view, const Element*> ids;        // the first element of each id
    std::set<std::string_view> tags;
    std::set<std::string_view> nodes;  // names; remote nodes and guests too
    std::set<std::string_view> roles;  // of access control
    std::vector<std::string_view> resource_names;
    std::vector<std::string_view> node_names;

private:
    void report(Severity severity, const Element& at, std::string_view rule, std::string text);
    void find_resources(const Element& parent);
    void find_guests(const Element& resource);

    std::vector<Problem> problems_;
    std::size_t count_ = 0;
    std::size_t hints_ = 0;
    std::string owner_;
};

// The passes.
void check_structure(Checker& checker, const Element& configuration);
void check_resources(Checker& checker, const Element& configuration);
void check_constraints(Checker& checker, const Element& configuration);
void check_cluster(Checker& checker, const Element& configuration);

// Shared by passes.

enum class RuleUse : std::uint8_t { Location, Values };
/// The rules among the children of an element.
void check_rules(Checker& checker, const Element& owner, RuleUse use);
/// An attribute with a time, a boolean, a role..., if it is there.
void check_duration(Checker& checker, const Element& element, std::string_view attribute,
                    std::string_view rule);
void check_boolean(Checker& checker, const Element& element, std::string_view attribute);
void check_role(Checker& checker, const Element& element, std::string_view attribute);
void check_score(Checker& checker, const Element& element, std::string_view attribute);
/// One of the words of `choices` (blanks between), in any case.
void check_choice(Checker& checker, const Element& element, std::string_view attribute,
                  std::string_view choices, std::string_view rule);
/// The sets of values among the children: pairs, rules, scores, references.
void check_sets(Checker& checker, const Element& owner);
/// Meta-attributes of a resource: known names have values of their type, near misses are warned of.
void check_meta(Checker& checker, const Element& owner);

}  // namespace xbeat::cib
