// Planning, and carrying plans out.
//
// A plan is made anew the moment something unexpected is known; it never waits for actions that
// still run. Those are carried over: what starts something is recorded as begun, so the new plan
// counts it as active; what stops something is not, so the new plan counts it as still active; an
// action that the new plan wants too is adopted; and whatever the old plan had ordered after a
// running action stays held until that action has answered. So does what is to start and is ordered
// with one that the new plan does not have.
#include <algorithm>

#include "cib/duration.h"
#include "cib/upgrade.h"
#include "core/text.h"
#include "execute/ordered.h"
#include "model/parameter_digest.h"
#include "node/mind.h"
#include "schedule/schedule.h"

namespace xbeat::node {
namespace {

using execute::Progress;
using member::Standing;
using schedule::Action;
using schedule::ActionKind;

constexpr Duration kRecheckInterval = 15min;  // cluster-recheck-interval's default

std::string flight_key(std::string_view key, std::string_view node) {
    return concat(key, ' ', node);
}

std::string_view meta_of(const Action& action, std::string_view name) {
    for (const schedule::NameValue& each : action.meta) {
        if (each.name == name) return each.value;
    }
    return {};
}

// Of both ends of a migration.
bool makes_active(std::string_view task) {
    return execute::makes_active(task) || task == "migrate_to";
}

// Identifies the planner in transition keys; the form is a UUID's, the content our term.
std::string planner_id(Term term, Incarnation daemon) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto hex = [&](std::uint64_t value, std::size_t digits) {
        std::string out(digits, '0');
        for (std::size_t i = digits; i > 0; --i) {
            out[i - 1] = kDigits[value & 0xfU];
            value >>= 4U;
        }
        return out;
    };
    return concat(hex(term.value >> 16U, 8), '-', hex(term.value, 4), "-4000-8000-",
                  hex(daemon.value, 12));
}

// Over what the agent is given of the configuration; a recurring monitor's timeout counts too.
std::string digest_of(const Action& action) {
    std::map<std::string, std::string, std::less<>> digested;
    for (const schedule::NameValue& parameter : action.parameters) {
        if (!execute::is_meta(parameter.name)) digested[parameter.name] = parameter.value;
    }
    const std::string_view timeout = meta_of(action, "CRM_meta_timeout");
    if (action.interval_ms > 0 && !timeout.empty()) digested["CRM_meta_timeout"] = timeout;
    return model::parameter_digest(digested);
}

void set_option(cib::Element& cib, std::string_view name, std::string_view value) {
    cib::Element& config = cib.child_or_new("configuration").child_or_new("crm_config");
    cib::Element* set = nullptr;
    for (cib::Element& each : config.children) {
        if (each.get("id") == "cib-bootstrap-options") set = &each;
    }
    if (set == nullptr) {
        cib::Element created;
        created.name = "cluster_property_set";
        created.set("id", "cib-bootstrap-options");
        config.children.push_back(std::move(created));
        set = &config.children.back();
    }
    std::erase_if(set->children,
                  [name](const cib::Element& pair) { return pair.get("name") == name; });
    cib::Element pair;
    pair.name = "nvpair";
    pair.set("id", concat("cib-bootstrap-options-", name));
    pair.set("name", name);
    pair.set("value", value);
    set->children.insert(set->children.begin(), std::move(pair));
}

// The resources that ask for no more than the end of their lease, by id. The value is looked for in
// a resource's own meta attributes and in those of what it is in.
void collect_leased(const cib::Element& element, bool is_leased, std::set<std::string>& out) {
    for (const cib::Element& child : element.children) {
        const bool is_primitive = child.name == "primitive";
        if (!is_primitive && child.name != "group" && child.name != "clone" &&
            child.name != "master") {
            continue;
        }
        bool is_leased_here = is_leased;
        for (const cib::Element& set : child.children) {
            if (set.name != "meta_attributes") continue;
            for (const cib::Element& pair : set.children) {
                if (pair.get("name") == "requires") {
                    is_leased_here = equals_ignoring_case(pair.get("value"), "lease");
                }
            }
        }
        if (is_primitive && is_leased_here) out.emplace(child.get("id"));
        collect_leased(child, is_leased_here, out);
    }
}

// In all sets of meta attributes beneath the element; whatever the value is, if `from` is empty.
void replace_meta(cib::Element& element, std::string_view name, std::string_view from,
                  std::string_view to) {
    for (cib::Element& child : element.children) {
        if (child.name == "meta_attributes") {
            for (cib::Element& pair : child.children) {
                const bool is_meant = from.empty() || equals_ignoring_case(pair.get("value"), from);
                if (pair.get("name") == name && is_meant) pair.set("value", to);
            }
        } else {
            replace_meta(child, name, from, to);
        }
    }
}

// The lost node's lease has run out, but it was not shot yet: what requires no more than that
// counts as stopped there and waits for nothing.
void lease_counts_as_proof(cib::Element& cib, const std::string& node_id) {
    std::set<std::string> leased;
    cib::Element& resources = cib.child_or_new("configuration").child_or_new("resources");
    collect_leased(resources, false, leased);
    replace_meta(resources, "requires", "lease", "nothing");
    for (cib::Element& node : cib.child_or_new("status").children) {
        if (node.get("id") != node_id || node.child("lrm") == nullptr) continue;
        for (cib::Element& list : node.child("lrm")->children) {
            std::erase_if(list.children, [&leased](const cib::Element& resource) {
                const std::string_view id = resource.get("id");
                return leased.contains(std::string(id.substr(0, id.find(':'))));
            });
        }
    }
}

void add_pair(cib::Element& owner, std::string_view set_name, std::string_view name,
              std::string_view value, std::string_view score) {
    cib::Element pair;
    pair.name = "nvpair";
    pair.set("id", concat("xbeat-replaced-", name));
    pair.set("name", name);
    pair.set("value", value);
    cib::Element set;
    set.name = set_name;
    set.set("id", concat("xbeat-replaced-", name, "-set"));
    set.set("score", score);
    set.children.push_back(std::move(pair));
    owner.children.push_back(std::move(set));
}

// What may still run on a node that left is nobody's to start.
void leave_alone(cib::Element& element, const std::set<std::string>& resources) {
    for (cib::Element& child : element.children) {
        if (child.name == "primitive" && resources.contains(std::string(child.get("id")))) {
            add_pair(child, "meta_attributes", "is-managed", "false", "INFINITY");
        } else {
            leave_alone(child, resources);
        }
    }
}

// A node that was replaced and has come back is in standby until what runs on it is known and has
// stopped. What runs twice is stopped there only, unless the operator's own defaults say otherwise,
// and is not moved to where it runs already, as Pacemaker's rules would have it.
void keep_in_standby(cib::Element& cib, std::string_view node_name) {
    cib::Element& configuration = cib.child_or_new("configuration");
    replace_meta(configuration, "allow-migrate", "", "false");
    add_pair(configuration.child_or_new("rsc_defaults"), "meta_attributes", "multiple-active",
             "stop_unexpected", "-INFINITY");
    for (cib::Element& node : configuration.child_or_new("nodes").children) {
        if (node.get("uname") != node_name) continue;
        add_pair(node, "instance_attributes", "standby", "on", "INFINITY");
    }
}

}  // namespace

void Mind::want_plan(std::string cause) {
    if (!is_coordinator() || is_forming()) return;
    if (!wants_plan_) plan_cause_ = std::move(cause);
    wants_plan_ = true;
}

// What the scheduler is given where the CIB as it is would mislead it.
cib::Element Mind::cib_to_plan(const std::set<std::string>& held) const {
    cib::Element cib = shared_.cib;
    hide_past_failures(cib);
    if (!held.empty()) {
        leave_alone(cib.child_or_new("configuration").child_or_new("resources"), held);
    }
    return cib;
}

// The scheduler sees the CIB as it is, unless this node is alone without a way to a proof: then it
// may keep what it has and start nothing, or, if its operator accepted that, act without proof; and
// without a lease it must keep nothing.
schedule::Plan Mind::make_plan() const {
    const schedule::Options options{.now = schedule::effective_time(shared_.cib, now_.calendar)};
    const bool is_lost = is_peer_unknown();
    const bool is_alone = is_lost && !can_fence();
    const std::set<std::string> held = held_resources();
    if (!is_alone && !is_yielding_ && !is_lease_proven_ && !holds_grant_ && held.empty() &&
        !has_past_failures()) {
        return schedule::schedule(shared_.cib, options);
    }
    cib::Element cib = cib_to_plan(held);
    if (is_yielding_) {
        set_option(cib, "no-quorum-policy", "stop");
    } else if (!is_lost) {
        if (holds_grant_) keep_in_standby(cib, peer_->node.name);
    } else if (!is_alone) {
        if (is_lease_proven_) lease_counts_as_proof(cib, peer_place().id);
    } else if (options_.unsafe_takeover && !is_split()) {
        set_option(cib, "fencing-enabled", "false");
        set_option(cib, "stonith-enabled", "false");
        // The operator accepted that what the lost node ran counts as stopped.
        for (cib::Element& node : cib.child_or_new("status").children) {
            if (node.get("id") == peer_place().id) node.children.clear();
        }
    } else {
        set_option(cib, "no-quorum-policy", "freeze");
    }
    return schedule::schedule(cib, options);
}

// What the scheduler would stop if this node had to stop everything now, whoever else is there.
// Unmanaged resources and those in maintenance are left alone, as in every plan.
schedule::Plan Mind::make_last_plan() const {
    cib::Element cib = cib_to_plan(held_resources());
    set_option(cib, "no-quorum-policy", "stop");
    // Nobody is shot by who carries it out, so no stop may wait for a shot.
    set_option(cib, "fencing-enabled", "false");
    set_option(cib, "stonith-enabled", "false");
    cib.set("have-quorum", "0");
    return schedule::schedule(cib, {.now = schedule::effective_time(shared_.cib, now_.calendar)});
}

void Mind::plan() {
    wants_plan_ = false;
    hold_dependents();
    owe_notifications();
    for (auto& [id, flight] : flights_) flight.action.reset();
    std::erase_if(fences_, [](const auto& each) { return !each.second.is_running; });
    for (auto& [target, order] : fences_) order.action.reset();
    transition_.emplace(make_plan(), next_transition_++, now_);
    forget_repeated_notifications();
    recheck_at_ = now_.boot + kRecheckInterval;
    if (const auto by = transition_->plan().recheck_by) {
        const std::int64_t wait = std::max<std::int64_t>(1, by->value - now_.calendar.value);
        recheck_at_ = std::min(*recheck_at_, now_.boot + std::chrono::seconds(wait));
    }
    const std::size_t real = transition_->real_total();
    if (real == 0 && transition_->plan().actions.empty()) {
        transition_.reset();
        disturbance_ended(true);
        return;
    }
    chronicle_.begin(plan_cause_, now_);
    chronicle_.add({.phase = "plan",
                    .detail = concat("transition ", transition_->number(), ": ", real, " actions"),
                    .from = now_.boot,
                    .to = now_.boot,
                    .succeeded = true});
    note(Level::Info, "transition-started",
         concat("transition ", transition_->number(), " with ", real, " actions: ", plan_cause_),
         {{"transition", concat(transition_->number())},
          {"actions", concat(real)},
          {"cause", plan_cause_}});
    adopt_flights();
}

// What the old plan had ordered after an action that still runs waits for it in the new plan too.
void Mind::hold_dependents() {
    if (!transition_) return;
    for (const auto& [id, flight] : flights_) {
        if (!flight.action) continue;
        for (const std::uint32_t later : transition_->dependents(*flight.action)) {
            const Action& action = transition_->action(later);
            if (action.kind == ActionKind::Pseudo) continue;
            held_[flight_key(action.key, action.node)].insert(id);
        }
    }
}

// A migration whose arrival is under way begins anew by a plan that only sees that something is:
// then nothing of it is adopted, nothing of it starts, and the plan after its end goes on from
// there.
void Mind::adopt_flights() {
    const auto departs = [this](const std::string& resource) {
        const std::vector<Action>& actions = transition_->plan().actions;
        return std::any_of(actions.begin(), actions.end(), [&](const Action& action) {
            return action.task == "migrate_to" && action.resource_id == resource;
        });
    };
    for (std::uint32_t i = 0; i < transition_->plan().actions.size(); ++i) {
        const Action& action = transition_->action(i);
        if (action.kind != ActionKind::Resource) continue;
        for (auto& [id, flight] : flights_) {
            if (flight.action || flight.operation.key != action.key ||
                flight.place.name != action.node || flight.operation.task != action.task) {
                continue;
            }
            if (action.task == "migrate_from" && departs(action.resource_id)) continue;
            flight.action = i;
            transition_->set(i, Progress::Running);
            break;
        }
    }
    hold_beside_unwanted();
}

// An operation that the new plan does not have goes on, and the plan takes it for done or for never
// begun: a service that is being stopped counts as active. What is ordered with it starts when it
// has ended, and the plan after this one knows how.
void Mind::hold_beside_unwanted() {
    for (const auto& [id, flight] : flights_) {
        const wire::Operation& operation = flight.operation;
        if (flight.action || operation.task == "monitor" || operation.task == "notify") continue;
        const std::set<std::string> bound =
            execute::ordered_with(shared_.cib, execute::primitive_of(operation.resource));
        for (const Action& action : transition_->plan().actions) {
            const bool starts = action.kind == ActionKind::Resource && makes_active(action.task);
            const std::string primitive(execute::primitive_of(action.resource_id));
            if (starts && bound.contains(primitive)) {
                held_[flight_key(action.key, action.node)].insert(id);
            }
        }
    }
}

bool Mind::advance() {
    if (!transition_) return false;
    const std::int64_t limit = parse_integer(transition_->plan().batch_limit).value_or(0);
    // Each round completes at least one action, so there are no more rounds than actions.
    bool has_started = false;
    bool has_moved = true;
    while (has_moved && transition_ && !transition_->is_aborted() && !wants_plan_) {
        has_moved = false;
        for (const std::uint32_t index : transition_->ready()) {
            if (limit > 0 && transition_->running() >= static_cast<std::size_t>(limit)) break;
            if (start(index)) has_moved = true;
            if (!transition_ || transition_->is_aborted() || wants_plan_) break;
            if (!is_coordinator()) return true;  // it said goodbye
        }
        has_started = has_started || has_moved;
    }
    return has_started;
}

// True if the action's progress changed.
bool Mind::start(std::uint32_t index) {
    const Action& action = transition_->action(index);
    if (action.kind == ActionKind::Pseudo || action.is_no_op) {
        transition_->set(index, Progress::Done);
        return true;
    }
    if (action.kind == ActionKind::Cluster) return start_cluster_action(index);
    return start_resource_action(index);
}

// Where nothing can prove that the lost peer is off, the plan may still want to start what ran
// there: without fencing Pacemaker's rules take an offline node for empty, and it may be anything
// but (claim I-1).
bool Mind::may_run_on_lost_peer(const Action& action) const {
    if (!peer_ || !is_split() || action.agent_class == "stonith") return false;
    const bool is_clone = !meta_of(action, "CRM_meta_clone").empty();
    if (is_clone) return action.task == "promote";
    return execute::may_be_active(shared_.cib, peer_place().id, action.resource_id);
}

bool Mind::may_start(const Action& action) const {
    const std::string_view node = action.router_node.empty() ? action.node : action.router_node;
    const bool is_here = node == self_.name;
    if (!is_here && !(is_peer_member() && node == peer_->node.name)) return false;
    // What serves has to find the gate open: its first packets announce it.
    if (makes_active(action.task) && action.agent_class != "stonith" &&
        !(is_here ? lease_.may_begin(now_.boot) : lease_.may_peer_serve(now_.boot))) {
        return false;
    }
    if (makes_active(action.task) && may_run_on_lost_peer(action)) return false;
    if (makes_active(action.task) &&
        left_running_.contains(std::string(execute::primitive_of(action.resource_id)))) {
        return false;
    }
    const auto held = held_.find(flight_key(action.key, action.node));
    if (held != held_.end() && !held->second.empty()) return false;
    const bool is_clone = !meta_of(action, "CRM_meta_clone").empty();
    return std::none_of(flights_.begin(), flights_.end(), [&](const auto& each) {
        const Flight& flight = each.second;
        if (flight.operation.resource != action.resource_id) return false;
        // One operation at a time for a resource and node (claim I-20); and a start nowhere while
        // anything of the same resource is under way elsewhere (claim I-1).
        if (flight.place.name == node) return true;
        const bool waits = action.task == "migrate_to" ? flight.operation.task == "migrate_from"
                                                       : flight.operation.task != "monitor";
        return !is_clone && makes_active(action.task) && waits;
    });
}

bool Mind::start_resource_action(std::uint32_t index) {
    const Action& action = transition_->action(index);
    if (!may_start(action)) return false;
    const std::string_view node = action.router_node.empty() ? action.node : action.router_node;
    const bool is_here = node == self_.name;
    const execute::Place place = is_here ? self_place() : peer_place();
    wire::Operation operation = make_operation(action, index);
    append_all(execute::begun_records(operation, place, now_.calendar));
    Flight flight{.operation = operation,
                  .place = place,
                  .is_remote = !is_here,
                  .action = index,
                  .began = now_.boot,
                  .deadline = {}};
    if (!is_here) {
        const Duration delay = cib::parse_duration(transition_->plan().cluster_delay)
                                   .value_or(std::chrono::seconds(60));
        flight.deadline = now_.boot + std::chrono::milliseconds(operation.timeout_ms) + delay;
    }
    execute::drop_parameters(flight.operation);
    flights_.emplace(operation.id, std::move(flight));
    transition_->set(index, Progress::Running);
    chronicle_.note({.level = Level::Debug,
                     .kind = "action-started",
                     .node = place.name,
                     .resource = operation.resource,
                     .text = concat(operation.task, ' ', operation.resource, " on ", place.name),
                     .fields = {{"key", operation.key}},
                     .at = now_.boot});
    if (is_here) {
        local_.accept(std::move(operation), now_);
    } else {
        say(wire::Execute{.term = term_, .operation = std::move(operation)});
    }
    return true;
}

wire::Operation Mind::make_operation(const Action& action, std::uint32_t index) {
    wire::Operation operation = describe_operation(action);
    // Never used again: terms are never reused, and a term's counter only grows.
    operation.id = OperationId{(term_.value << 32U) | next_operation_++};
    operation.transition_key = concat(index + 1, ':', transition_->number(), ':', action.target_rc,
                                      ':', planner_id(term_, daemon_));
    return operation;
}

// Everything but its number and its place in a transition.
wire::Operation Mind::describe_operation(const Action& action) {
    wire::Operation operation;
    operation.resource = action.resource_id;
    operation.agent_class = action.agent_class;
    operation.agent_provider = action.agent_provider;
    operation.agent_type = action.agent_type;
    operation.task = action.task;
    operation.key = action.key;
    operation.digest = digest_of(action);
    operation.interval_ms = action.interval_ms;
    operation.timeout_ms = action.timeout_ms > 0 ? action.timeout_ms : 20'000;
    operation.target_rc = action.target_rc;
    for (const schedule::NameValue& parameter : action.parameters) {
        operation.parameters.emplace_back(parameter.name, parameter.value);
    }
    bool has_feature_set = false;
    for (const schedule::NameValue& meta : action.meta) {
        operation.parameters.emplace_back(meta.name, meta.value);
    }
    const auto add_missing = [&operation](std::string_view name, std::string value) {
        for (const auto& [known, ignored] : operation.parameters) {
            if (known == name) return;
        }
        operation.parameters.emplace_back(name, std::move(value));
    };
    for (const auto& [known, ignored] : operation.parameters) {
        has_feature_set = has_feature_set || known == "crm_feature_set";
    }
    add_missing("CRM_meta_on_node", action.node);
    add_missing("CRM_meta_on_node_uuid", action.node_id);
    add_missing("CRM_meta_timeout", concat(operation.timeout_ms));
    // A probe is a monitor without name and interval, as Pacemaker's executor runs it.
    const bool is_probe = action.task == "monitor" && action.interval_ms == 0;
    if (!is_probe) add_missing("CRM_meta_name", action.task);
    if (action.interval_ms > 0) add_missing("CRM_meta_interval", concat(action.interval_ms));
    if (!has_feature_set) add_missing("crm_feature_set", std::string(cib::kFeatureSet));
    return operation;
}

bool Mind::start_cluster_action(std::uint32_t index) {
    const Action& action = transition_->action(index);
    if (action.task == "stonith") return start_fencing(index);
    if (action.task == "do_shutdown") {
        if (has_business(action.node)) return false;
        shut_down(action, index);
        return true;
    }
    const std::optional<execute::Place> place = place_of(action.node);
    if (place && action.task == "clear_failcount") {
        append_all(execute::clear_failures_records(shared_.cib, place->id, action.resource_id));
    } else if (place && action.task == "lrm_delete") {
        append(wire::EraseHistory{.node = place->id, .resource = action.resource_id, .entry = {}});
    }
    transition_->set(index, Progress::Done);
    return true;
}

// True while something runs or is still to be run on that node. A node whose history was just
// erased has to be probed before it may say that it runs nothing, whatever the plan's order.
bool Mind::has_business(std::string_view node) const {
    for (const auto& [id, flight] : flights_) {
        if (flight.place.name == node) return true;
    }
    for (std::uint32_t i = 0; i < transition_->plan().actions.size(); ++i) {
        const Action& action = transition_->action(i);
        const bool is_open = transition_->progress(i) == Progress::Waiting;
        if (is_open && action.kind == ActionKind::Resource && action.node == node) return true;
    }
    return false;
}

// Everything of that node has stopped: it may go. This node itself goes last.
void Mind::shut_down(const Action& action, std::uint32_t index) {
    transition_->set(index, Progress::Done);
    if (action.node == self_.name) {
        if (is_leaving_) say_goodbye();
        return;
    }
    if (is_peer_member() && action.node == peer_->node.name) say(wire::MayLeave{.term = term_});
}

void Mind::finish_transition() {
    const bool is_good = !transition_->has_failures();
    const std::size_t waiting = transition_->real_total() - transition_->real_done();
    note(is_good ? Level::Info : Level::Warning, "transition-done",
         concat("transition ", transition_->number(), " ended: ", transition_->real_done(), " of ",
                transition_->real_total(), " actions done"),
         {{"transition", concat(transition_->number())},
          {"done", concat(transition_->real_done())},
          {"left", concat(waiting)}});
    transition_.reset();
    disturbance_ended(is_good && waiting == 0);
}

}  // namespace xbeat::node
