// The end of a run, told: where every resource goes, what made each step necessary, what stands in
// its way, and which constraints lie between it and what it waits for.
#include <algorithm>
#include <map>
#include <set>

#include "core/text.h"
#include "schedule/assign.h"
#include "schedule/explain.h"
#include "schedule/explain_words.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

constexpr std::uint32_t kAbsent = ~0U;
constexpr int kChainMax = 8;  // of steps of one resource that make each other necessary

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
    out.is_starting = resource.start_pending;
    out.unmanaged = unmanaged_because(world, resource);
    out.restraint = restraint_of(world, resource);
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

    // What only a resource that is to come up does, of one that is not to, or that is left alone.
    static bool is_idle(const Step& step) {
        const Resource* resource = step.resource;
        if (resource == nullptr || resource->kind != Kind::Primitive) return false;
        const bool is_left_alone = !resource->managed && !resource->running_on.empty();
        if (!is_left_alone && resource->assigned != nullptr &&
            resource->next_role != Role::Stopped) {
            return false;
        }
        return step.task == Task::Start || step.task == Task::Promote ||
               (step.task == Task::Monitor && step.interval_ms > 0);
    }

    static bool is_told(const Step& step, std::uint32_t number) {
        if (number != kAbsent) return true;
        // What has no place is only thought of; a live migration that is not possible becomes a
        // stop and a start, which tell about it.
        if (step.node == nullptr && step.resource != nullptr) return false;
        if (step.task == Task::MigrateTo || step.task == Task::MigrateFrom) return false;
        const Resource* resource = step.resource;
        if (is_idle(step)) return false;
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
        out.name = name_of(step);
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
            input.name = name_of(*first);
            if (first->node != nullptr) input.node = first->node->name;
            input.step = shown_[first->index];
            input.is_pseudo = first->is(flag::kPseudo);
            input.ids = ids_between(*first, step);
            input.gates = gates;
            if (gates) input.runnable = first->is(flag::kRunnable);
            out.inputs.push_back(std::move(input));
        }
    }

    [[nodiscard]] std::string constraints_between(const Step& a, const Step& b) const {
        std::string list;
        for (const std::string& id : ids_between(a, b)) {
            list += concat(list.empty() ? "" : ", ", id);
        }
        return list.empty() ? list : concat(" (constraint ", list, ")");
    }

    // The first change that made a step necessary.
    [[nodiscard]] const Flow* demand_on(const Step& step) const {
        for (const Flow* flow : flows_of(step)) {
            const bool became_wanted =
                (flow->before & flag::kOptional) != 0 && (flow->after & flag::kOptional) == 0;
            if (became_wanted) return flow;
        }
        return nullptr;
    }

    // Why a step of the same resource is wanted, so that a stop and a start do not give each other
    // as the reason.
    [[nodiscard]] std::string origin_of(const Step& step, const Step& asking) const {
        const Step* at = &step;
        for (int links = 0; links < kChainMax; ++links) {
            const Flow* flow = demand_on(*at);
            if (std::vector<std::string> own = own_causes(*at); !own.empty()) return own.front();
            if (flow == nullptr) return {};
            if (flow->by == nullptr) return flow->why;
            if (flow->by == &asking) return {};
            if (flow->by->resource != at->resource) return because_of(*at, *flow);
            at = flow->by;
        }
        return {};
    }

    [[nodiscard]] std::string because_of(const Step& step, const Flow& flow) const {
        const Step& by = *flow.by;
        const Resource* resource = step.resource;
        if (resource != nullptr && resource == by.resource) {
            if (step.task == Task::Stop && by.task == Task::Start) {
                if (!by.is(flag::kRunnable)) {
                    return concat(resource->id, " cannot run there now, as ", root_of(by));
                }
                const std::string origin = origin_of(by, step);
                return concat(resource->id, " is to be restarted",
                              origin.empty() ? origin : concat(": ", origin));
            }
            if (step.task == Task::Start && by.task == Task::Stop) {
                const std::string origin = origin_of(by, step);
                return origin.empty() ? concat(resource->id, " is stopped and is to run again")
                                      : origin;
            }
            return concat("the ", name_of(by), " needs it");
        }
        const std::string ids = constraints_between(step, by);
        if (flow.by_first) return concat("it has to follow the ", name_of(by), ids);
        if (ids.empty() && resource != nullptr && by.resource != nullptr) {
            const Resource* group = resource->parent;
            if (group != nullptr && group->kind == Kind::Group &&
                (by.resource == group || by.resource->parent == group)) {
                return concat("the ", name_of(by), " needs it: members of group ", group->id,
                              " start one after the other and stop in reverse");
            }
        }
        return concat("the ", name_of(by), " needs it", ids);
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

    [[nodiscard]] std::string why_stop(const Resource& resource, const Node* node) const {
        if (resource.orphan) {
            return concat(resource.id, " is active and no longer configured");
        }
        if (resource.assigned == nullptr || resource.next_role == Role::Stopped) {
            const std::string why = restraint_of(world_, resource);
            return concat(resource.id, " is to be stopped", why.empty() ? why : concat(": ", why));
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
        for (const Resource* inside : resource.launched) {
            if (inside->failed) {
                return concat(inside->id, " has failed in it (on-fail=restart-container)");
            }
        }
        return {};
    }

    [[nodiscard]] std::string why_start(const Resource& resource) const {
        if (resource.assigned == nullptr) return {};
        if (resource.running_on.empty()) {
            return concat(resource.id, " is active nowhere and is to run on ",
                          resource.assigned->name);
        }
        if (resource.running_on.size() > 1) {
            return concat(resource.id, " is active on ", resource.running_on.size(),
                          " nodes and starts anew on one (multiple-active)");
        }
        if (active_on(resource) != resource.assigned) {
            if (std::string text = move_text(resource); !text.empty()) return text;
        }
        if (resource.failed) return concat(resource.id, " has failed and is to be recovered");
        if (is_half_started(resource)) {
            return concat("an earlier start of ", resource.id, " has not ended");
        }
        return {};
    }

    [[nodiscard]] std::string why_demote(const Resource& resource) const {
        const std::string why = restraint_of(world_, resource);
        const bool is_stopped = resource.assigned == nullptr || resource.next_role == Role::Stopped;
        return concat(resource.id,
                      is_stopped ? " is to be stopped" : " is not to be promoted any more",
                      why.empty() ? why : concat(": ", why));
    }

    // What is stopped first is started anew, whatever has become of the start before.
    [[nodiscard]] bool is_half_started(const Resource& resource) const {
        const auto stops = [this](const Step* step) {
            return step->task == Task::Stop && number_[step->index] != kAbsent;
        };
        return resource.start_pending &&
               std::none_of(resource.steps.begin(), resource.steps.end(), stops);
    }

    // Why what may migrate live is stopped and started instead.
    [[nodiscard]] std::string why_not_live(const Step& step) const {
        const Resource& resource = *step.resource;
        const Node* from = active_on(resource);
        if (!resource.allow_migrate || from == nullptr || resource.assigned == nullptr ||
            from == resource.assigned || resource.running_on.size() > 1) {
            return {};
        }
        for (const Step* each : resource.steps) {
            if (each->task == Task::MigrateTo && number_[each->index] != kAbsent) return {};
        }
        for (const Step* each : resource.steps) {
            if (each->task != Task::Start && each->task != Task::Stop &&
                each->task != Task::MigrateTo && each->task != Task::MigrateFrom) {
                continue;
            }
            for (const Flow* flow : flows_of(*each)) {
                const bool spoiled = (flow->before & flag::kMigratable) != 0 &&
                                     (flow->after & flag::kMigratable) == 0;
                if (!spoiled || flow->by == nullptr || flow->by->resource == &resource) continue;
                return concat("it does not migrate live because of the ", name_of(*flow->by),
                              constraints_between(*each, *flow->by));
            }
        }
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
                              " for promotion, with score ",
                              to_string(Score::of(resource.sort_index)));
            case Task::Demote:
                if (resource.next_role == Role::Promoted) {
                    return concat(resource.id,
                                  resource.failed
                                      ? " has failed and is to be recovered"
                                      : " goes all the way down before it is promoted anew");
                }
                return why_demote(resource);
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
            if (flow->by == nullptr || !flow->is_trigger) continue;
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

    static void add(std::vector<std::string>& out, std::string text) {
        if (text.empty() || std::find(out.begin(), out.end(), text) != out.end()) return;
        out.push_back(std::move(text));
    }

    // What makes a step necessary by itself, without others.
    [[nodiscard]] std::vector<std::string> own_causes(const Step& step) const {
        std::vector<std::string> out;
        if (step.task == Task::Fence && step.node != nullptr) {
            for (const NodeReason& each : world_.record.explanation->fencings) {
                if (each.node == step.node->name) add(out, each.why);
            }
        }
        if (out.empty()) {
            add(out, step.task == Task::ClearFailCount && step.reason == "it expired"
                         ? "the failure is older than its failure-timeout"
                         : step.reason);
        }
        if (step.task == Task::Shutdown) add(out, "the node asked to leave the cluster");
        if (step.resource != nullptr) {
            add(out, of_resource(step));
            if (step.resource->kind != Kind::Primitive && step.is(flag::kPseudo)) {
                add(out, concat("it brackets the actions of ", collective_name(*step.resource), " ",
                                step.resource->id));
            }
        }
        return out;
    }

    [[nodiscard]] std::vector<std::string> causes_of(const Step& step) const {
        std::vector<std::string> out = own_causes(step);
        // What flowed in from others says more only where nothing better is known.
        const Flow* flow = out.empty() ? demand_on(step) : nullptr;
        if (flow != nullptr) add(out, flow->by != nullptr ? because_of(step, *flow) : flow->why);
        if (step.resource == nullptr) return out;
        if (out.empty() && (step.task == Task::Stop || step.task == Task::Start)) {
            for (const Step* pair : step.resource->steps) {
                const bool is_pair =
                    pair->task == (step.task == Task::Stop ? Task::Start : Task::Stop);
                if (is_pair && out.empty()) add(out, origin_of(*pair, step));
            }
        }
        if (step.task == Task::Stop) add(out, why_not_live(step));
        return out;
    }

    // What stands in the way of a step by itself.
    [[nodiscard]] std::vector<std::string> own_obstacles(const Step& step) const {
        std::vector<std::string> out;
        const Resource* resource = step.resource;
        if (resource != nullptr && !resource->managed) {
            add(out, resource->blocked ? "it is blocked after a failure that nothing may repair"
                                       : "it is not managed");
        }
        if (step.node != nullptr && !step.is(flag::kPseudo)) {
            const Node& node = *step.node;
            if (!node.online || node.pending) {
                add(out, concat(node.name, " is ", unusable_because(node)));
            }
        }
        const ClusterOptions& options = world_.options;
        if (step.needs != Requires::Nothing && !options.have_quorum &&
            options.no_quorum_policy != QuorumPolicy::Ignore) {
            add(out, "there is no quorum");
        }
        for (const Flow* flow : flows_of(step)) {
            if (blocks(*flow) && flow->by == nullptr) add(out, flow->why);
        }
        return out;
    }

    static bool blocks(const Flow& flow) {
        return (flow.before & flag::kRunnable) != 0 && (flow.after & flag::kRunnable) == 0;
    }

    // The steps without which this one cannot run and that cannot run themselves: first those that
    // took its flag away, else those that gate it.
    [[nodiscard]] std::vector<const Step*> blockers_of(const Step& step) const {
        std::vector<const Step*> out;
        const auto take = [&out](const Step* by) {
            if (std::find(out.begin(), out.end(), by) == out.end()) out.push_back(by);
        };
        for (const Flow* flow : flows_of(step)) {
            if (blocks(*flow) && flow->by != nullptr) take(flow->by);
        }
        if (!out.empty()) return out;
        for (const Edge& edge : step.before) {
            const bool gates = (edge.effects & (effect::kFirstGates | effect::kMinRunnable)) != 0;
            if (gates && !edge.step->is(flag::kRunnable)) take(edge.step);
        }
        if (!out.empty() || step.resource == nullptr) return out;
        // What a collective resource cannot do, its parts cannot.
        for (const Resource* part : step.resource->children) {
            for (const Step* each : part->steps) {
                const bool is_same =
                    each->task == step.task || completion_of(each->task) == step.task;
                if (is_same && !each->is(flag::kRunnable)) take(each);
            }
        }
        return out;
    }

    // The step is about something that is not to happen at all: why.
    [[nodiscard]] std::string not_meant(const Step& step) const {
        const Resource* resource = step.resource;
        if (resource == nullptr) return {};
        while (!resource->children.empty()) resource = resource->children.front();
        if (resource->kind != Kind::Primitive || !resource->managed) return {};
        const bool comes_up = step.task == Task::Start || step.task == Task::Started;
        const bool promotes = step.task == Task::Promote || step.task == Task::Promoted;
        if (!comes_up && !promotes) return {};
        const bool is_stopped =
            resource->assigned == nullptr || resource->next_role == Role::Stopped;
        if (!is_stopped && (comes_up || resource->next_role == Role::Promoted)) return {};
        const std::string why = restraint_of(world_, *resource);
        return concat(resource->id, is_stopped ? " is not to run" : " is not to be promoted",
                      why.empty() ? why : concat(": ", why));
    }

    // What a step that cannot run is held up by in the end.
    [[nodiscard]] std::string root_of(const Step& step) const {
        const Step* at = &step;
        std::set<const Step*> seen;
        while (seen.insert(at).second) {
            if (std::string why = not_meant(*at); !why.empty()) return why;
            if (const std::vector<std::string> own = own_obstacles(*at); !own.empty()) {
                const bool is_about_it = own.front().starts_with("it ");
                return at == &step || at->resource == nullptr || !is_about_it
                           ? own.front()
                           : concat(at->resource->id, std::string_view(own.front()).substr(2));
            }
            const std::vector<const Step*> blockers = blockers_of(*at);
            if (blockers.empty()) break;
            at = blockers.front();
        }
        return at == &step ? std::string() : concat("the ", name_of(*at), " cannot be done");
    }

    [[nodiscard]] std::vector<std::string> obstacles_of(const Step& step) const {
        std::vector<std::string> out = own_obstacles(step);
        for (const Step* by : blockers_of(step)) {
            // Its own start is told of as a step of its own, obstacles and all.
            const bool is_own = by->resource == step.resource && step.resource != nullptr &&
                                by->task != Task::Monitor;
            const std::string root = is_own ? std::string() : root_of(*by);
            add(out, concat("the ", name_of(*by), " cannot be done", constraints_between(step, *by),
                            root.empty() ? root : concat(", as ", root)));
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
                         const std::map<std::uint32_t, const Decision*>& decided) {
    std::map<std::string_view, std::size_t> limits;
    for (const auto& [index, decision] : decided) {
        limits[decision->resource->id] = decision->changes;
    }
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
    std::map<std::uint32_t, const Decision*> decided;
    for (const Decision& each : world.record.decisions) decided[each.resource->index] = &each;
    forget_late_changes(out, decided);
    for (const Resource& resource : world.resources) {
        if (resource.kind != Kind::Primitive) continue;
        const auto at = decided.find(resource.index);
        out.placements.push_back(
            placement_of(world, resource, at == decided.end() ? nullptr : at->second));
    }
    out.no_fencing = no_fencing_because(world.options);
    out.steps = Teller(world, plan, number).tell();
}

}  // namespace xbeat::schedule
