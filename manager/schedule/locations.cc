// Location constraints and everything else that makes one node better than another for a resource:
// stickiness, failures, shutdown locks, exclusive discovery.
#include <regex.h>

#include <algorithm>
#include <array>

#include "core/number.h"
#include "core/text.h"
#include "schedule/constraints.h"
#include "schedule/explain.h"
#include "schedule/failcount.h"
#include "schedule/history.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

Discovery parse_discovery(std::string_view text) {
    if (equals_ignoring_case(text, "never")) return Discovery::Never;
    if (equals_ignoring_case(text, "exclusive")) return Discovery::Exclusive;
    return Discovery::Always;
}

bool is_exclusive(const cib::Element& constraint) {
    return parse_discovery(constraint.get("resource-discovery")) == Discovery::Exclusive;
}

// Started and Unpromoted are no roles of their own here: an instance comes by them to any other.
Role location_role(std::string_view text) {
    const Role role = parse_role(text);
    return role == Role::Promoted || role == Role::Stopped ? role : Role::Unknown;
}

struct LocationRequest {
    const cib::Element& xml;
    Resource& resource;
    std::string_view role;
    const std::vector<std::string>& submatches;
};

Score rule_score(const cib::Element& rule, const Node& node, const rules::RuleInput& input,
                 bool* known) {
    *known = true;
    if (!rule.has("score-attribute")) {
        return effective_score(rule.get("score"));
    }
    const std::string name = rules::expand_submatches(rule.get("score-attribute"), input);
    const std::string* value = node_attribute(node, name);
    *known = value != nullptr;
    return value == nullptr ? Score() : effective_score(*value);
}

bool uses_parameters(const cib::Element& rule) {
    if (equals_ignoring_case(rule.get("value-source"), "param")) return true;
    return std::any_of(rule.children.begin(), rule.children.end(), uses_parameters);
}

void add_rule(World& world, const LocationRequest& request, const cib::Element& original) {
    const cib::Element* rule = world.ids.resolve(original);
    if (rule == nullptr) return;
    const bool needs_parameters = uses_parameters(*rule);
    Location location;
    const bool has_role = rule->has("role");
    location.role = location_role(has_role ? rule->get("role") : request.role);
    for (Node& node : world.nodes) {
        Attributes parameters;
        if (needs_parameters) parameters = parameters_of(world, request.resource, &node);
        const rules::RuleInput input{.now = world.now,
                                     .ids = &world.ids,
                                     .node_attributes = &node.attributes,
                                     .resource_parameters = &parameters,
                                     .resource_meta = &request.resource.meta,
                                     .submatches = &request.submatches};
        if (!rules::holds(*rule, input, &world.recheck_by)) continue;
        bool known = false;
        const Score score = rule_score(*rule, node, input, &known);
        if (known) location.nodes.emplace_back(&node, score);
    }
    if (location.nodes.empty()) {
        if (is_exclusive(request.xml)) request.resource.exclusive_discovery = true;
        return;
    }
    Location& kept = add_location(world, request.xml.get("id"), request.resource,
                                  parse_discovery(request.xml.get("resource-discovery")));
    kept.role = location.role;
    kept.rule = rule->get("id");
    kept.nodes = std::move(location.nodes);
}

void add_one(World& world, const LocationRequest& request) {
    const cib::Element& xml = request.xml;
    if (xml.has("node")) {
        Node* node = world.find_node(xml.get("node"));
        if (node == nullptr) return;
        Location& location = add_location(world, xml.get("id"), request.resource,
                                          parse_discovery(xml.get("resource-discovery")));
        location.role = location_role(request.role);
        location.nodes.emplace_back(node, effective_score(xml.get("score")));
        return;
    }
    for (const cib::Element& child : xml.children) {
        if (child.name == "rule") add_rule(world, request, child);
    }
}

// An extended regular expression, released with its scope.
class Pattern {
public:
    explicit Pattern(const std::string& text) {
        is_valid_ = regcomp(&compiled_, text.c_str(), REG_EXTENDED) == 0;
    }
    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;
    ~Pattern() {
        if (is_valid_) regfree(&compiled_);
    }
    [[nodiscard]] bool is_valid() const { return is_valid_; }
    [[nodiscard]] std::optional<std::vector<std::string>> match(const std::string& text) const {
        std::array<regmatch_t, 10> found{};
        if (regexec(&compiled_, text.c_str(), found.size(), found.data(), 0) != 0) {
            return std::nullopt;
        }
        std::vector<std::string> out;
        for (const regmatch_t& each : found) {
            if (each.rm_so < 0) {
                out.emplace_back();
                continue;
            }
            out.push_back(text.substr(static_cast<std::size_t>(each.rm_so),
                                      static_cast<std::size_t>(each.rm_eo - each.rm_so)));
        }
        return out;
    }

private:
    regex_t compiled_{};
    bool is_valid_ = false;
};

void add_by_pattern(World& world, const cib::Element& xml) {
    std::string text(xml.get("rsc-pattern"));
    const bool inverted = text.starts_with('!');
    if (inverted) text.erase(0, 1);
    const Pattern pattern(text);
    if (!pattern.is_valid()) return;
    for (Resource* resource : world.top) {
        const auto submatches = pattern.match(resource->id);
        if (submatches.has_value() == inverted) continue;
        const std::vector<std::string> found = submatches.value_or(std::vector<std::string>());
        add_one(world,
                {.xml = xml, .resource = *resource, .role = xml.get("role"), .submatches = found});
    }
}

void apply_to_own_table(Resource& resource, const Location& location, bool without_scores) {
    for (const auto& [node, score] : location.nodes) {
        const Score effective = without_scores ? Score() : score;
        Allowed* entry = resource.allowed.find(node);
        if (entry == nullptr) {
            entry = &resource.allowed.enter(node);
            entry->score = effective;
        } else {
            entry->score = entry->score + effective;
        }
        if (entry->discovery < location.discovery) {
            if (location.discovery == Discovery::Exclusive) resource.exclusive_discovery = true;
            entry->discovery = location.discovery;
        }
    }
}

void apply_recursively(World& world, Resource& resource, const Location& location,
                       bool without_scores) {
    if (location.role != Role::Unknown && location.role != resource.next_role) return;
    apply_to_own_table(resource, location, without_scores);
    if (resource.kind == Kind::Bundle) {
        for (Replica& replica : resource.bundle->parts) {
            apply_recursively(world, *replica.container, location, without_scores);
            if (replica.ip != nullptr) {
                apply_recursively(world, *replica.ip, location, without_scores);
            }
        }
        return;
    }
    bool first = true;
    for (Resource* child : resource.children) {
        // A colocated group's first member carries the wishes of all.
        const bool drop = resource.kind == Kind::Group && resource.group_colocated && !first;
        apply_recursively(world, *child, location, without_scores || drop);
        first = false;
    }
}

void apply_stickiness(World& world, Resource& resource) {
    if (resource.kind != Kind::Primitive) {
        for (Resource* child : resource.children) apply_stickiness(world, *child);
        return;
    }
    if (!resource.managed || resource.stickiness < 1 || resource.running_on.size() != 1) return;
    Node* node = resource.running_on.front();
    if (!world.options.symmetric && resource.allowed.find(node) == nullptr) return;
    add_location_score(world, resource, node, Score::of(resource.stickiness));
}

void apply_failures(World& world, Resource& resource, Node& node) {
    if (resource.kind != Kind::Primitive) {
        for (Resource* child : resource.children) apply_failures(world, *child, node);
        return;
    }
    // A count that is about to be cleared does not drive the resource away.
    if (find_step(resource, Task::ClearFailCount, &node) != nullptr) return;
    Resource* banned = nullptr;
    if (threshold_reached(world, resource, node, &banned)) {
        add_location_score(world, *banned, &node, Score::never());
    }
}

void apply_exclusive_discovery(Resource& resource, Node& node) {
    // A member's own constraint decides where it is probed; only its group's keeps it away.
    if (!resource.exclusive_discovery && !top_of(resource)->exclusive_discovery) return;
    for (Resource* child : resource.children) apply_exclusive_discovery(*child, node);
    Allowed* entry = resource.allowed.find(&node);
    if (entry != nullptr && entry->discovery != Discovery::Exclusive) {
        entry->score = Score::never();
    }
}

// A resource stopped by its node's clean shutdown waits for that node.
void apply_shutdown_lock(World& world, Resource& resource) {
    if (resource.kind == Kind::Group && !is_in_clone(resource)) {
        for (Resource* child : resource.children) apply_shutdown_lock(world, *child);
        return;
    }
    // Whatever their history says, others are not locked.
    if (resource.kind != Kind::Primitive || resource.is_fence_device || resource.is_connection ||
        is_in_clone(resource) || is_bundled(resource)) {
        return;
    }
    if (resource.lock_node != nullptr) {
        if (!resource.running_on.empty()) {
            erase_lock(world, resource, *resource.lock_node);  // it came back
            resource.lock_node = nullptr;
            resource.lock_time = 0;
        }
    } else if (resource.running_on.size() == 1 && resource.managed && !resource.blocked) {
        Node* node = resource.running_on.front();
        if (node->shutting_down && !node->unclean && !is_guest_or_remote(*node)) {
            resource.lock_node = node;
            const std::string* since = node_attribute(*node, "shutdown");
            resource.lock_time =
                since == nullptr ? 0 : parse_integer(*since).value_or(world.now.value);
        }
    }
    if (resource.lock_node == nullptr) return;
    if (world.options.shutdown_lock_ms > 0) {
        const EpochSeconds due{resource.lock_time + world.options.shutdown_lock_ms / 1000 + 1};
        if (!world.recheck_by || due < *world.recheck_by) world.recheck_by = due;
    }
    // Locked to one node: every other is out.
    for (Allowed& entry : resource.allowed) {
        if (entry.node != resource.lock_node) {
            add_location_score(world, resource, entry.node, Score::never());
        }
    }
}

}  // namespace

Location& add_location(World& world, std::string_view id, Resource& resource, Discovery discovery) {
    Location& location = world.locations.emplace_back();
    location.id = id;
    location.resource = &resource;
    location.discovery = discovery;
    // Wherever it names no node: a rule that holds nowhere leaves the resource nowhere to be.
    if (discovery == Discovery::Exclusive) resource.exclusive_discovery = true;
    resource.locations.push_back(&location);
    return location;
}

void apply_location(World& world, Resource& resource, Location& location) {
    if (resource.kind == Kind::Bundle && location.role != Role::Unknown &&
        resource.bundle->child != nullptr) {
        resource.bundle->child->locations.push_back(&location);  // roles are of what is inside
    }
    apply_recursively(world, resource, location, false);
}

void unpack_location(World& world, const cib::Element& xml) {
    if (xml.has("rsc-pattern")) {
        add_by_pattern(world, xml);
        return;
    }
    const std::vector<std::string> none;
    if (xml.has("rsc")) {
        for (Resource* resource : named_set(world, xml.get("rsc")).members) {
            add_one(
                world,
                {.xml = xml, .resource = *resource, .role = xml.get("role"), .submatches = none});
        }
        return;
    }
    for (const ResourceSet& set : sets_of(world, xml)) {
        for (Resource* resource : set.members) {
            const std::string_view role =
                set.xml->has("role") ? set.xml->get("role") : xml.get("role");
            add_one(world, {.xml = xml, .resource = *resource, .role = role, .submatches = none});
        }
    }
}

void apply_node_criteria(World& world) {
    if (world.options.shutdown_lock) {
        for (Resource* resource : world.top) {
            const ScoreWatch watch(world, *resource, {ScoreCause::ShutdownLock});
            apply_shutdown_lock(world, *resource);
        }
    }
    for (Location& location : world.locations) {
        const bool is_health = location.id == world.options.health_strategy;
        const ScoreWatch watch(
            world, *location.resource,
            {is_health ? ScoreCause::Health : ScoreCause::Location, location.id});
        apply_location(world, *location.resource, location);
    }
    for (Resource* resource : world.top) {
        const ScoreWatch watch(world, *resource, {ScoreCause::Stickiness});
        apply_stickiness(world, *resource);
    }
    for (Node& node : world.nodes) {
        for (Resource* resource : world.top) {
            {
                const ScoreWatch watch(world, *resource, {ScoreCause::Failures});
                apply_failures(world, *resource, node);
            }
            const ScoreWatch watch(world, *resource, {ScoreCause::Discovery});
            apply_exclusive_discovery(*resource, node);
        }
    }
}

}  // namespace xbeat::schedule
