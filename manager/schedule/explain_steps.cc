// The end of a run, told: where every resource goes, what made each step necessary, what stands in
// its way, and which constraints lie between it and what it waits for.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/explain.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

constexpr std::uint32_t kAbsent = ~0U;

std::string_view unusable_because(const Node& node) {
    if (!node.online) return node.unclean ? "lost and not yet fenced" : "offline";
    if (node.unclean) return "to be fenced";
    if (node.pending) return "still joining";
    if (node.shutting_down) return "shutting down";
    if (node.standby_on_fail) return "in standby after a failure";
    if (node.standby) return "in standby";
    if (node.maintenance) return "in maintenance";
    if (is_guest(node) && node.remote->launcher->assigned == nullptr) {
        return "a guest whose host resource will not run";
    }
    return {};
}

Placement placement_of(const World& world, const Resource& resource, const Decision* decision) {
    Placement out;
    out.resource = resource.id;
    for (const Resource* at = resource.parent; at != nullptr; at = at->parent) {
        out.within.push_back(at->id);
    }
    if (resource.assigned != nullptr) out.node = resource.assigned->name;
    for (const Node* node : resource.running_on) out.running_on.push_back(node->name);
    out.role = resource.role;
    out.next_role = resource.next_role;
    out.is_managed = resource.managed;
    out.is_blocked = resource.blocked;
    out.is_failed = resource.failed;
    out.is_orphan = resource.orphan;
    for (const Allowed& entry : decision == nullptr
                                    ? sorted_nodes(world, resource.allowed, active_on(resource))
                                    : decision->nodes) {
        if (entry.node->is_bundle && entry.discovery == Discovery::Never) continue;
        if (entry.node->variant == NodeVariant::Ping) continue;
        out.nodes.push_back(
            {entry.node->name, entry.score, std::string(unusable_because(*entry.node))});
    }
    if (decision != nullptr) {
        out.tie = decision->tie;
        for (const Node* node : decision->equals) out.equals.push_back(node->name);
    }
    for (const auto& [whose, change] : world.record.roles) {
        if (whose == &resource) out.roles.push_back({change.first, change.second});
    }
    return out;
}

std::string name_of(const Step& step) {
    std::string out;
    if (step.task == Task::Fence) {
        out = "fencing";
        if (step.node != nullptr) return concat(out, " of ", step.node->name);
    } else if (step.task == Task::Shutdown) {
        out = "shutdown";
    } else if (step.resource == nullptr) {
        return step.key;
    } else if (step.task == Task::Monitor && step.interval_ms == 0) {
        out = concat("probe of ", step.resource->id);
    } else {
        out = concat(task_text(step), " of ", step.resource->id);
    }
    if (step.node != nullptr) out += concat(" on ", step.node->name);
    return out;
}

std::string_view collective_name(const Resource& resource) {
    switch (resource.kind) {
        case Kind::Group:
            return "group";
        case Kind::Clone:
            return "clone";
        case Kind::Bundle:
            return "bundle";
        case Kind::Primitive:
            break;
    }
    return "resource";
}

class Teller {
public:
    Teller(const World& world, const Plan& plan, const std::vector<std::uint32_t>& number)
        : world_(world), plan_(plan), number_(number), shown_(world.steps.size(), kAbsent) {
        for (const Ordering& each : world.orderings) {
            if (!each.origin.empty()) by_pair_[pair_of(each)].insert(each.origin);
        }
        for (const Flow& flow : world.record.flows) flows_[flow.step->index].push_back(&flow);
        choose();
    }

    std::vector<StepReason> tell() const {
        std::vector<StepReason> out;
        for (const Step* step : chosen_) out.push_back(reason_of(*step));
        return out;
    }

private:
    // Whether it is a step without a resource, and the index of the step or of the resource.
    using End = std::pair<bool, std::uint32_t>;

    static std::pair<End, End> pair_of(const Ordering& ordering) {
        const auto end = [](const Resource* resource, const Step* step) {
            if (resource != nullptr) return End{false, resource->index};
            return End{true, step == nullptr ? kAbsent : step->index};
        };
        return {end(ordering.first_resource, ordering.first),
                end(ordering.then_resource, ordering.then)};
    }

    // The step's own end, and those of all that it is a part of.
    static std::vector<End> ends_of(const Step& step) {
        std::vector<End> out;
        if (step.resource == nullptr) out.emplace_back(true, step.index);
        for (const Resource* at = step.resource; at != nullptr; at = at->parent) {
            out.emplace_back(false, at->index);
        }
        return out;
    }

    [[nodiscard]] std::vector<std::string> ids_between(const Step& a, const Step& b) const {
        std::set<std::string_view> found;
        for (const End& one : ends_of(a)) {
            for (const End& other : ends_of(b)) {
                for (const auto& key : {std::pair(one, other), std::pair(other, one)}) {
                    const auto at = by_pair_.find(key);
                    if (at != by_pair_.end()) found.insert(at->second.begin(), at->second.end());
                }
            }
        }
        return {found.begin(), found.end()};
    }

    static bool is_told(const Step& step, std::uint32_t number) {
        if (number != kAbsent) return true;
        const Resource* resource = step.resource;
        if (resource != nullptr && resource->kind == Kind::Primitive && step.task == Task::Start &&
            !step.is(flag::kRunnable) && resource->running_on.empty() &&
            resource->assigned != nullptr && resource->assigned == step.node) {
            return true;  // the scheduler does not even ask for what cannot be done
        }
        return !step.is(flag::kOptional) && step.task != Task::Other;
    }

    void choose() {
        for (const Step& step : world_.steps) {
            if (!is_told(step, number_[step.index])) continue;
            shown_[step.index] = static_cast<std::uint32_t>(chosen_.size());
            chosen_.push_back(&step);
        }
        of_action_.resize(plan_.actions.size(), nullptr);
        for (const Step* step : chosen_) {
            if (number_[step->index] != kAbsent) of_action_[number_[step->index]] = step;
        }
    }

    [[nodiscard]] const std::vector<const Flow*>& flows_of(const Step& step) const {
        static const std::vector<const Flow*> kNone;
        const auto at = flows_.find(step.index);
        return at == flows_.end() ? kNone : at->second;
    }

    [[nodiscard]] StepReason reason_of(const Step& step) const {
        StepReason out;
        out.key = step.key;
        out.task = task_text(step);
        if (step.resource != nullptr) out.resource = step.resource->id;
        if (step.node != nullptr) out.node = step.node->name;
        out.interval_ms = step.interval_ms;
        out.is_pseudo = step.is(flag::kPseudo);
        out.is_wanted = !step.is(flag::kOptional) || step.is(flag::kAlwaysInGraph);
        out.can_run = step.is(flag::kRunnable);
        if (number_[step.index] != kAbsent) out.action = number_[step.index];
        out.trigger = trigger_of(step);
        out.causes = causes_of(step);
        if (!out.action) out.obstacles = obstacles_of(step);
        add_inputs(step, out);
        return out;
    }

    void add_inputs(const Step& step, StepReason& out) const {
        std::vector<std::pair<const Step*, bool>> inputs;
        if (out.action) {
            for (const std::uint32_t input : plan_.actions[*out.action].inputs) {
                inputs.emplace_back(of_action_[input], false);
            }
        } else {
            for (const Edge& edge : step.before) {
                const bool gates = (edge.effects & effect::kFirstGates) != 0;
                if (gates && !edge.step->is(flag::kRunnable)) inputs.emplace_back(edge.step, true);
            }
        }
        for (const auto& [first, gates] : inputs) {
            if (first == nullptr) continue;
            StepInput input;
            input.key = first->key;
            if (first->node != nullptr) input.node = first->node->name;
            input.step = shown_[first->index];
            input.is_pseudo = first->is(flag::kPseudo);
            input.ids = ids_between(*first, step);
            input.gates = gates;
            if (gates) input.runnable = first->is(flag::kRunnable);
            out.inputs.push_back(std::move(input));
        }
    }

    [[nodiscard]] std::string because_of(const Step& step, const Step& by) const {
        const Resource* resource = step.resource;
        if (resource != nullptr && resource == by.resource) {
            if (step.task == Task::Stop && by.task == Task::Start) {
                return concat(resource->id, " starts anew, so that it has to be stopped first");
            }
            if (step.task == Task::Start && by.task == Task::Stop) {
                return concat(resource->id, " is stopped and is to run again");
            }
            return concat("the ", name_of(by), " needs it");
        }
        const std::vector<std::string> ids = ids_between(step, by);
        if (!ids.empty()) {
            std::string list;
            for (const std::string& id : ids) list += concat(list.empty() ? "" : ", ", id);
            return concat("the ", name_of(by), " needs it (constraint ", list, ")");
        }
        if (resource != nullptr && by.resource != nullptr) {
            const Resource* group = resource->parent;
            if (group != nullptr && group->kind == Kind::Group &&
                (by.resource == group || by.resource->parent == group)) {
                return concat("the ", name_of(by), " needs it: members of group ", group->id,
                              " start one after the other and stop in reverse");
            }
        }
        return concat("the ", name_of(by), " needs it");
    }

    [[nodiscard]] std::string move_text(const Resource& resource) const {
        const Node* from = active_on(resource);
        const Node* to = resource.assigned;
        if (from == nullptr || to == nullptr) return {};
        const std::string_view problem = unusable_because(*from);
        if (!problem.empty()) {
            return concat(resource.id, " leaves ", from->name, ", which is ", problem, ", for ",
                          to->name);
        }
        const Allowed* here = resource.allowed.find(from);
        const Allowed* there = resource.allowed.find(to);
        return concat(resource.id, " moves from ", from->name, " (score ",
                      here == nullptr ? "none" : to_string(here->score), ") to ", to->name,
                      " (score ", there == nullptr ? "none" : to_string(there->score), ")");
    }

    [[nodiscard]] std::string why_role(const Resource& resource) const {
        for (const auto& [whose, change] : world_.record.roles) {
            if (whose == &resource && change.first == resource.next_role) return change.second;
        }
        return {};
    }

    [[nodiscard]] std::string why_stop(const Resource& resource, const Node* node) const {
        if (resource.orphan) {
            return concat(resource.id, " is active and no longer configured");
        }
        if (resource.assigned == nullptr) {
            const std::string why = why_role(resource);
            if (why == "node availability" || why == "unable to assign") {
                return concat(resource.id, " may run on no node that is there");
            }
            if (!why.empty()) return concat(resource.id, " is to be stopped: ", why);
            return concat(resource.id, " is to be stopped");
        }
        if (resource.running_on.size() > 1) {
            return concat(resource.id, " is active on ", resource.running_on.size(),
                          " nodes and may be on one");
        }
        if (node != resource.assigned) {
            if (std::string text = move_text(resource); !text.empty()) return text;
        }
        if (resource.failed) return concat(resource.id, " has failed and is to be recovered");
        if (node != nullptr && node->shutting_down) return concat(node->name, " shuts down");
        return {};
    }

    [[nodiscard]] std::string why_start(const Resource& resource) const {
        if (resource.running_on.empty()) {
            return concat(resource.id, " is active nowhere and is to run on ",
                          resource.assigned == nullptr ? "a node" : resource.assigned->name);
        }
        if (active_on(resource) != resource.assigned) {
            if (std::string text = move_text(resource); !text.empty()) return text;
        }
        if (resource.failed) return concat(resource.id, " has failed and is to be recovered");
        return {};
    }

    [[nodiscard]] std::string of_resource(const Step& step) const {
        const Resource& resource = *step.resource;
        switch (step.task) {
            case Task::Start:
                return resource.kind == Kind::Primitive ? why_start(resource) : std::string();
            case Task::Stop:
                return resource.kind == Kind::Primitive ? why_stop(resource, step.node)
                                                        : std::string();
            case Task::Monitor:
                if (step.interval_ms > 0) {
                    return concat("the configuration has it every ", step.interval_ms / 1000,
                                  " s, and it does not run there yet");
                }
                return concat("whether ", resource.id, " is active there is not known");
            case Task::Promote:
                return concat(resource.id, " is among the best ", promoted_max(resource),
                              " for promotion, with score ", resource.sort_index);
            case Task::Demote:
                if (resource.next_role == Role::Promoted) {
                    return concat(resource.id,
                                  resource.failed
                                      ? " has failed and is to be recovered"
                                      : " goes all the way down before it is promoted anew");
                }
                return resource.assigned == nullptr
                           ? concat(resource.id, " is to be stopped")
                           : concat(resource.id, " is not to be promoted any more");
            case Task::MigrateTo:
            case Task::MigrateFrom:
                return concat(move_text(resource), ", live because allow-migrate is set");
            case Task::Notify:
            case Task::Notified:
                return "notify=true: instances are told before and after each change";
            case Task::Cancel:
                return "the recurring operation is not wanted there any more";
            case Task::Delete:
                return concat("the record of ", resource.id, " there is of no use any more");
            case Task::ReloadAgent:
                return "a parameter changed that the agent can reload";
            default:
                return {};
        }
    }

    // The first that made it necessary, unless something made it impossible or spoiled a live
    // migration.
    [[nodiscard]] std::string trigger_of(const Step& step) const {
        std::string out;
        for (const Flow* flow : flows_of(step)) {
            if (flow->by == nullptr) continue;
            const auto lost = [flow](std::uint32_t mask) {
                return (flow->before & mask) != 0 && (flow->after & mask) == 0;
            };
            const std::string_view word = lost(flag::kRunnable)     ? "unrunnable"
                                          : lost(flag::kMigratable) ? "unmigrateable"
                                          : lost(flag::kOptional)   ? "required"
                                                                    : "";
            if (word.empty() || (word == "required" && !out.empty())) continue;
            if (flow->by->resource == nullptr) {
                out = concat(word, ' ', task_text(*flow->by));
            } else if (flow->by->resource != step.resource || word == "unrunnable") {
                out = concat(word, ' ', flow->by->resource->id, ' ', task_text(*flow->by));
            }
        }
        return out;
    }

    static std::int32_t promoted_max(const Resource& resource) {
        return top_of(resource)->clone.promoted_max;
    }

    [[nodiscard]] std::vector<std::string> causes_of(const Step& step) const {
        std::vector<std::string> out;
        const auto add = [&out](std::string text) {
            if (text.empty() || std::find(out.begin(), out.end(), text) != out.end()) return;
            out.push_back(std::move(text));
        };
        add(step.reason);
        if (step.task == Task::Fence && step.node != nullptr) {
            for (const NodeReason& each : world_.record.explanation->fencings) {
                if (each.node == step.node->name) add(each.why);
            }
        }
        if (step.task == Task::Shutdown) add("the node asked to leave the cluster");
        if (step.resource != nullptr) {
            add(of_resource(step));
            if (step.resource->kind != Kind::Primitive && step.is(flag::kPseudo)) {
                add(concat("it brackets the actions of ", collective_name(*step.resource), " ",
                           step.resource->id));
            }
        }
        // What flowed in from others says more only where nothing better is known.
        if (!out.empty()) return out;
        for (const Flow* flow : flows_of(step)) {
            const bool became_wanted =
                (flow->before & flag::kOptional) != 0 && (flow->after & flag::kOptional) == 0;
            if (!became_wanted) continue;
            add(flow->by != nullptr ? because_of(step, *flow->by) : flow->why);
            break;
        }
        return out;
    }

    [[nodiscard]] std::vector<std::string> obstacles_of(const Step& step) const {
        std::vector<std::string> out;
        const auto add = [&out](std::string text) {
            if (text.empty() || std::find(out.begin(), out.end(), text) != out.end()) return;
            out.push_back(std::move(text));
        };
        if (step.resource != nullptr && !step.resource->managed) {
            add(step.resource->blocked ? "it is blocked after a failure that nothing may repair"
                                       : "it is not managed");
        }
        if (step.node != nullptr && !step.is(flag::kPseudo)) {
            const Node& node = *step.node;
            if (!node.online || node.pending) {
                add(concat(node.name, " is ", unusable_because(node)));
            }
        }
        const ClusterOptions& options = world_.options;
        if (step.needs != Requires::Nothing && !options.have_quorum &&
            options.no_quorum_policy != QuorumPolicy::Ignore) {
            add("there is no quorum");
        }
        for (const Flow* flow : flows_of(step)) {
            const bool became_blocked =
                (flow->before & flag::kRunnable) != 0 && (flow->after & flag::kRunnable) == 0;
            if (!became_blocked) continue;
            if (flow->by == nullptr) {
                add(flow->why);
                continue;
            }
            const std::vector<std::string> ids = ids_between(step, *flow->by);
            add(concat("the ", name_of(*flow->by), " cannot be done",
                       ids.empty() ? std::string() : concat(" (constraint ", ids.front(), ")")));
        }
        return out;
    }

    const World& world_;
    const Plan& plan_;
    const std::vector<std::uint32_t>& number_;
    std::map<std::pair<End, End>, std::set<std::string_view>> by_pair_;
    std::map<std::uint32_t, std::vector<const Flow*>> flows_;
    std::vector<std::uint32_t> shown_;
    std::vector<const Step*> chosen_;
    std::vector<const Step*> of_action_;
};

// Scores go on changing after a place was chosen: that had no part in it.
void forget_late_changes(Explanation& told,
                         const std::unordered_map<const Resource*, const Decision*>& decided) {
    std::unordered_map<std::string_view, std::size_t> limits;
    for (const auto& [resource, decision] : decided) limits[resource->id] = decision->changes;
    std::vector<ScoreChange> kept;
    for (std::size_t at = 0; at < told.changes.size(); ++at) {
        ScoreChange& change = told.changes[at];
        const auto limit = limits.find(change.resource);
        const bool is_late = limit != limits.end() && at >= limit->second;
        if (!is_late || change.is_promotion) kept.push_back(std::move(change));
    }
    told.changes = std::move(kept);
}

}  // namespace

void finish_explanation(World& world, const Plan& plan, const std::vector<std::uint32_t>& number) {
    Explanation& out = *world.record.explanation;
    std::unordered_map<const Resource*, const Decision*> decided;
    for (const Decision& each : world.record.decisions) decided[each.resource] = &each;
    forget_late_changes(out, decided);
    for (const Resource& resource : world.resources) {
        if (resource.kind != Kind::Primitive) continue;
        const auto at = decided.find(&resource);
        out.placements.push_back(
            placement_of(world, resource, at == decided.end() ? nullptr : at->second));
    }
    out.steps = Teller(world, plan, number).tell();
}

}  // namespace xbeat::schedule
