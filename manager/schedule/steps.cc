#include "schedule/steps.h"

#include <algorithm>
#include <limits>

#include "core/text.h"
#include "rules/calendar.h"
#include "schedule/fence_marks.h"

namespace xbeat::schedule {
namespace {

constexpr std::int64_t kTimeMsMax = std::numeric_limits<std::int32_t>::max();  // more is cut
constexpr std::int64_t kDefaultTimeoutMs = 20000;

std::int64_t interval_of(const cib::Element& operation) {
    return rules::parse_interval_ms(operation.get("interval")).value_or(0);
}

bool is_enabled(const cib::Element& operation) {
    return parse_boolean(operation.get("enabled")).value_or(true);
}

const cib::Element* shortest_monitor(const Resource& resource) {
    const cib::Element* found = nullptr;
    std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
    if (resource.operations == nullptr) return nullptr;
    for (const cib::Element& operation : resource.operations->children) {
        if (operation.name != "op" || operation.get("name") != "monitor") continue;
        if (!is_enabled(operation)) continue;
        const std::int64_t interval = interval_of(operation);
        if (interval <= 0 || interval >= shortest) continue;
        shortest = interval;
        found = &operation;
    }
    return found;
}

// A demotion without its own on-fail reacts as the promoted monitor does.
std::optional<std::string> promoted_monitor_on_fail(World& world, const Resource& resource) {
    if (resource.operations == nullptr) return std::nullopt;
    for (const cib::Element& operation : resource.operations->children) {
        if (operation.name != "op" || operation.get("name") != "monitor") continue;
        if (!is_enabled(operation)) continue;
        if (parse_role(operation.get("role")) != Role::Promoted) continue;
        if (interval_of(operation) <= 0) continue;
        if (operation.has("on-fail")) return std::string(operation.get("on-fail"));
        Attributes meta;
        const rules::RuleInput input{.now = world.now, .ids = &world.ids};
        rules::collect_attributes(operation, "meta_attributes", input, {}, meta);
        const auto at = meta.find("on-fail");
        if (at != meta.end()) return at->second;
    }
    return std::nullopt;
}

void check_on_fail(World& world, const Resource& resource, OperationConfig& config) {
    auto at = config.meta.find("on-fail");
    if (config.task == Task::Demote && at == config.meta.end()) {
        if (const auto inherited = promoted_monitor_on_fail(world, resource)) {
            config.meta["on-fail"] = *inherited;
        }
        at = config.meta.find("on-fail");
        if (at == config.meta.end()) return;
    }
    if (at == config.meta.end()) return;
    // What cannot be stopped is not made good by stopping it, nor its node by standing by.
    if (config.task == Task::Stop &&
        (equals_ignoring_case(at->second, "stop") || equals_ignoring_case(at->second, "standby"))) {
        config.meta.erase(at);
        return;
    }
    if (equals_ignoring_case(at->second, "demote")) {
        const auto role = config.meta.find("role");
        const bool promoted_monitor = config.task == Task::Monitor && config.interval_ms > 0 &&
                                      role != config.meta.end() &&
                                      parse_role(role->second) == Role::Promoted;
        if (config.task != Task::Promote && !promoted_monitor) config.meta.erase(at);
    }
}

std::optional<OnFail> parse_on_fail(const World& world, const Resource& resource,
                                    std::string_view text) {
    if (equals_ignoring_case(text, "block")) return OnFail::Block;
    if (equals_ignoring_case(text, "fence")) {
        return world.options.fencing_enabled ? OnFail::Fence : OnFail::Stop;
    }
    if (equals_ignoring_case(text, "standby")) return OnFail::Standby;
    if (equals_ignoring_case(text, "ignore") || equals_ignoring_case(text, "nothing")) {
        return OnFail::Ignore;
    }
    if (equals_ignoring_case(text, "migrate")) return OnFail::Ban;
    if (equals_ignoring_case(text, "stop")) return OnFail::Stop;
    if (equals_ignoring_case(text, "restart")) return OnFail::Restart;
    if (equals_ignoring_case(text, "demote")) return OnFail::Demote;
    if (equals_ignoring_case(text, "restart-container") && resource.launcher != nullptr) {
        return OnFail::RestartContainer;
    }
    return std::nullopt;
}

OnFail reaction(const World& world, const Resource& resource, const OperationConfig& config) {
    const auto at = config.meta.find("on-fail");
    std::optional<OnFail> wanted;
    if (at != config.meta.end()) wanted = parse_on_fail(world, resource, at->second);
    const bool is_probe = config.task == Task::Monitor && config.interval_ms == 0;
    // A lost connection means an unknown state behind it; a failed start or probe lost nothing.
    const bool loses_remote = resource.is_connection && !is_probe && config.task != Task::Start;
    if (loses_remote && resource.launcher == nullptr) {
        if (!resource.managed) return OnFail::Stop;
        if (!wanted) return OnFail::ResetRemote;
    }
    if (wanted) return *wanted;
    if (resource.launcher != nullptr) return OnFail::RestartContainer;
    if (config.task == Task::Stop) {
        return world.options.fencing_enabled ? OnFail::Fence : OnFail::Block;
    }
    return OnFail::Restart;
}

Role role_after_failure(const Resource& resource, const OperationConfig& config) {
    const auto at = config.meta.find("role_after_failure");
    Role role = Role::Unknown;
    if (config.on_fail == OnFail::Stop) role = Role::Stopped;
    if (config.on_fail == OnFail::ResetRemote && resource.reconnect_interval_ms != 0) {
        role = Role::Stopped;
    }
    if (at != config.meta.end() && role == Role::Unknown) role = parse_role(at->second);
    if (role != Role::Unknown) return role;
    return config.task == Task::Promote ? Role::Unpromoted : Role::Started;
}

Requires needs_of(const Resource& resource, Task task) {
    if (task != Task::Start && task != Task::Promote) return Requires::Nothing;
    if (resource.needs_fencing) return Requires::Fencing;
    return resource.needs_quorum ? Requires::Quorum : Requires::Nothing;
}

void read_start_delay(const World& world, OperationConfig& config) {
    if (const auto at = config.meta.find("start-delay"); at != config.meta.end()) {
        at->second = concat(std::min(rules::parse_interval_ms(at->second).value_or(0), kTimeMsMax));
        return;
    }
    const auto origin = config.meta.find("interval-origin");
    if (origin == config.meta.end() || config.interval_ms <= 0) return;
    const auto start = rules::parse_time(origin->second);
    if (!start) return;
    const std::int64_t interval_s = config.interval_ms / 1000;
    if (interval_s == 0) return;
    std::int64_t past = (world.now.value - start->value) % interval_s;
    if (past < 0) past += interval_s;
    const std::int64_t delay_s = past == 0 ? 0 : interval_s - past;
    config.meta["start-delay"] = concat(delay_s * 1000);
}

void read_timeout(World& world, Resource& resource, OperationConfig& config) {
    std::int64_t timeout = kDefaultTimeoutMs;
    if (const auto at = config.meta.find("timeout"); at != config.meta.end()) {
        timeout = rules::parse_interval_ms(at->second).value_or(kDefaultTimeoutMs);
        if (timeout <= 0) timeout = kDefaultTimeoutMs;
        timeout = std::min(timeout, kTimeMsMax);
    }
    if (resource.is_fence_device && config.task == Task::Monitor) {
        const Attributes parameters = parameters_of(world, resource, nullptr);
        if (const auto at = parameters.find("pcmk_monitor_timeout"); at != parameters.end()) {
            timeout = rules::parse_interval_ms(at->second).value_or(timeout);
        }
    }
    config.meta["timeout"] = concat(timeout);
}

void collect_meta(World& world, Resource& resource, OperationConfig& config) {
    const std::string_view name = to_string(config.task);
    rules::RuleInput input{.now = world.now,
                           .ids = &world.ids,
                           .agent_class = resource.agent_class,
                           .agent_provider = resource.agent_provider,
                           .agent_type = resource.agent_type,
                           .has_agent = resource.kind == Kind::Primitive,
                           .operation = name,
                           .interval_ms = config.interval_ms,
                           .has_operation = true};
    // First come, first kept: what has precedence is read first.
    if (config.xml != nullptr) {
        for (const cib::Attribute& attribute : config.xml->attributes) {
            if (attribute.name != "id") config.meta.emplace(attribute.name, attribute.value);
        }
        rules::collect_attributes(*config.xml, "meta_attributes", input, {}, config.meta,
                                  &world.recheck_by);
        config.meta.erase("id");
    }
    if (config.task == Task::Monitor && config.interval_ms == 0) {
        const cib::Element* monitor = shortest_monitor(resource);
        if (monitor != nullptr && monitor->has("timeout")) {
            config.meta.emplace("timeout", monitor->get("timeout"));
        }
    }
    if (const cib::Element* configuration = world.cib->child("configuration")) {
        if (const cib::Element* defaults = configuration->child("op_defaults")) {
            rules::collect_attributes(*defaults, "meta_attributes", input, {}, config.meta,
                                      &world.recheck_by);
        }
    }
}

Step* find_existing(const World& world, const StepRequest& request, std::string_view key) {
    if (request.resource == nullptr) {
        const auto at = world.singletons.find(key);
        return at == world.singletons.end() ? nullptr : at->second;
    }
    for (Step* step : request.resource->steps) {
        if (step->task != request.task || step->interval_ms != request.interval_ms) continue;
        const bool same_node = step->node == request.node;
        if (!same_node && step->node != nullptr && request.node != nullptr) continue;
        if (step->key != key) continue;
        // A step made before its place was known is placed by whoever asks next.
        if (step->node == nullptr && request.node != nullptr) step->node = request.node;
        return step;
    }
    return nullptr;
}

// An ordering that shares an effect with one that is there already adds nothing, not even its other
// effects: whoever orders two steps first decides how they are coupled.
bool edge_present(const Step& first, const Step& then, Effects effects) {
    return std::any_of(first.after.begin(), first.after.end(), [&](const Edge& edge) {
        return edge.step == &then && (edge.effects & effects) != 0;
    });
}

// What the loss of quorum means for a resource. With "demote" those that have roles give up the
// promoted one and stay; all others stop.
QuorumPolicy policy_for(World& world, Resource& resource) {
    const ClusterOptions& options = world.options;
    if (options.have_quorum) return QuorumPolicy::Ignore;
    if (options.no_quorum_policy != QuorumPolicy::Demote) return options.no_quorum_policy;
    if (resource.role != Role::Unpromoted && resource.role != Role::Promoted) {
        return QuorumPolicy::Stop;
    }
    if (resource.next_role > Role::Unpromoted) {
        set_next_role(world, resource, Role::Unpromoted, "no-quorum-policy=demote");
    }
    return QuorumPolicy::Ignore;
}

}  // namespace

std::string operation_key(std::string_view resource, std::string_view task,
                          std::int64_t interval_ms) {
    return concat(resource, '_', task, '_', interval_ms);
}

const cib::Element* find_operation(const World& world, const Resource& resource,
                                   std::string_view name, std::int64_t interval_ms,
                                   bool with_disabled) {
    if (resource.operations == nullptr) return nullptr;
    for (const cib::Element& child : resource.operations->children) {
        if (child.name != "op") continue;
        const cib::Element* operation = world.ids.resolve(child);
        if (operation == nullptr) continue;
        if (operation->get("name") != name || interval_of(*operation) != interval_ms) continue;
        if (with_disabled || is_enabled(*operation)) return operation;
    }
    return nullptr;
}

const OperationConfig& operation_config(World& world, Resource& resource, Task task,
                                        std::int64_t interval_ms) {
    for (const OperationConfig* known : resource.operation_configs) {
        if (known->task == task && known->interval_ms == interval_ms) return *known;
    }
    OperationConfig& config = world.operation_configs.emplace_back();
    config.task = task;
    config.interval_ms = interval_ms;
    // "enabled" is about whether the operation recurs; what is said about it holds all the same.
    config.xml = find_operation(world, resource, to_string(task), interval_ms, true);
    if (config.xml == nullptr && (task == Task::MigrateTo || task == Task::MigrateFrom)) {
        config.xml = find_operation(world, resource, "migrate", 0, true);
    }
    collect_meta(world, resource, config);
    config.meta.erase("interval");
    if (interval_ms > 0) config.meta["interval"] = concat(interval_ms);
    read_timeout(world, resource, config);
    read_start_delay(world, config);
    check_on_fail(world, resource, config);
    config.needs = needs_of(resource, task);
    config.on_fail = reaction(world, resource, config);
    config.fail_role = role_after_failure(resource, config);
    resource.operation_configs.push_back(&config);
    return config;
}

void update_runnable(World& world, Step& step) {
    if (step.is(flag::kPseudo)) return;
    Resource* resource = step.resource;
    if (resource == nullptr) return;
    if (step.node == nullptr) {
        step.flags &= ~flag::kRunnable;
        return;
    }
    Node& node = *step.node;
    if (step.lock_node != nullptr) {
        step.flags |= flag::kRunnable;  // happens in the CIB, not on the node
        return;
    }
    if (!node.online && (!is_guest(node) || node.remote_requires_reset)) {
        step.flags &= ~flag::kRunnable;
        if (resource->managed && step.task == Task::Stop && !node.unclean) {
            mark_for_fencing(world, node, "a stop on it cannot run", false);
        }
        return;
    }
    if (node.pending) {
        step.flags &= ~flag::kRunnable;
        return;
    }
    if (step.needs == Requires::Nothing) {
        if (is_guest(node) && !can_fence(world, &node)) {
            step.flags &= ~flag::kRunnable;
        } else {
            step.flags |= flag::kRunnable;
        }
        return;
    }
    switch (policy_for(world, *resource)) {
        case QuorumPolicy::Stop:
            step.flags &= ~flag::kRunnable;
            break;
        case QuorumPolicy::Freeze:
            if (!is_active(*resource, true) || resource->next_role > resource->role) {
                step.flags &= ~flag::kRunnable;
            }
            break;
        default:
            step.flags |= flag::kRunnable;
            break;
    }
}

std::string_view task_text(const Step& step) {
    return step.task_text.empty() ? to_string(step.task) : std::string_view(step.task_text);
}

Step& make_step(World& world, const StepRequest& request) {
    std::string key = request.key;
    if (key.empty()) {
        key = operation_key(request.resource == nullptr ? std::string_view() : request.resource->id,
                            request.task_text.empty() ? to_string(request.task)
                                                      : std::string_view(request.task_text),
                            request.interval_ms);
    }
    Step* step = request.always_new ? nullptr : find_existing(world, request, key);
    if (step == nullptr) {
        step = &world.steps.emplace_back();
        step->index = static_cast<std::uint32_t>(world.steps.size() - 1);
        step->task = request.task;
        step->task_text = request.task_text;
        step->key = std::move(key);
        step->resource = request.resource;
        step->node = request.node;
        step->interval_ms = request.interval_ms;
        if (request.resource != nullptr) {
            // A cancellation carries what its operation is configured with.
            const Task configured = request.task == Task::Cancel ? Task::Monitor : request.task;
            step->config =
                &operation_config(world, *request.resource, configured, request.interval_ms);
            step->needs = step->config->needs;
            request.resource->steps.push_back(step);
        } else if (!request.always_new) {
            world.singletons.emplace(step->key, step);
        }
    }
    const Resource* owner = request.resource;
    if (owner != nullptr && step->node != nullptr && !step->is(flag::kPseudo) && !owner->managed &&
        step->interval_ms == 0) {
        step->flags |= flag::kOptional;  // nothing but monitors is done to the unmanaged
    } else if (!request.optional) {
        step->flags &= ~flag::kOptional;
    }
    if (request.resource != nullptr) update_runnable(world, *step);
    return *step;
}

Step& make_pseudo(World& world, Resource* resource, Task task, bool optional, bool runnable) {
    Step& step = make_step(world, {.resource = resource, .task = task, .optional = optional});
    step.flags |= flag::kPseudo;
    if (runnable) {
        step.flags |= flag::kRunnable;
    } else {
        step.flags &= ~flag::kRunnable;
    }
    return step;
}

Step& make_start(World& world, Resource& resource, Node* node, bool optional) {
    return make_step(
        world, {.resource = &resource, .task = Task::Start, .node = node, .optional = optional});
}

Step& make_stop(World& world, Resource& resource, Node* node, bool optional) {
    return make_step(
        world, {.resource = &resource, .task = Task::Stop, .node = node, .optional = optional});
}

Step& make_promote(World& world, Resource& resource, Node* node, bool optional) {
    return make_step(
        world, {.resource = &resource, .task = Task::Promote, .node = node, .optional = optional});
}

Step& make_demote(World& world, Resource& resource, Node* node, bool optional) {
    return make_step(
        world, {.resource = &resource, .task = Task::Demote, .node = node, .optional = optional});
}

Step& make_delete(World& world, Resource& resource, Node* node) {
    return make_step(
        world, {.resource = &resource, .task = Task::Delete, .node = node, .optional = false});
}

Step& make_clear_failcount(World& world, Resource& resource, Node* node, std::string_view why) {
    Step& step = make_step(
        world,
        {.resource = &resource, .task = Task::ClearFailCount, .node = node, .optional = false});
    step.reason = why;
    if (std::none_of(step.meta.begin(), step.meta.end(),
                     [](const auto& pair) { return pair.first == "op_no_wait"; })) {
        step.meta.emplace_back("op_no_wait", "true");
    }
    return step;
}

Step* find_step(const Resource& resource, Task task, const Node* node, std::int64_t interval_ms) {
    for (auto at = resource.steps.rbegin(); at != resource.steps.rend(); ++at) {
        Step* step = *at;
        if (step->task != task || step->interval_ms != interval_ms) continue;
        if (node == nullptr || step->node == node) return step;
    }
    return nullptr;
}

std::vector<Step*> find_steps(const Resource& resource, Task task, const Node* node,
                              std::int64_t interval_ms) {
    std::vector<Step*> out;
    for (Step* step : resource.steps) {
        if (step->task != task || step->interval_ms != interval_ms) continue;
        if (node == nullptr || step->node == node) out.push_back(step);
    }
    return out;
}

std::vector<Step*> find_steps_by_key(const Resource& resource, std::string_view key) {
    std::vector<Step*> out;
    for (Step* step : resource.steps) {
        if (step->key == key) out.push_back(step);
    }
    return out;
}

bool has_step(const Resource& resource, Task task, const Node* node) {
    return find_step(resource, task, node) != nullptr;
}

void set_optional(Step& step, bool optional) {
    if (optional) {
        step.flags |= flag::kOptional;
    } else {
        step.flags &= ~flag::kOptional;
    }
}

void require(Step& step, std::string_view why) {
    if (!step.is(flag::kOptional)) return;
    step.flags &= ~flag::kOptional;
    if (step.reason.empty()) step.reason = why;
}

void order(World& world, Resource* first, Task first_task, Resource* then, Task then_task,
           Effects effects) {
    if (first == nullptr || then == nullptr) return;
    Ordering& out = world.orderings.emplace_back();
    out.first_resource = first;
    out.first_task = first_task;
    out.then_resource = then;
    out.then_task = then_task;
    out.effects = effects;
    out.origin = world.record.origin;
}

void order_steps(World& world, Step* first, Step* then, Effects effects) {
    if (first == nullptr || then == nullptr) return;
    Ordering& out = world.orderings.emplace_back();
    out.first = first;
    out.first_resource = first->resource;
    out.then = then;
    out.then_resource = then->resource;
    out.effects = effects;
}

void order_from_step(World& world, Step* first, Resource* then, Task then_task, Effects effects) {
    if (first == nullptr || then == nullptr) return;
    Ordering& out = world.orderings.emplace_back();
    out.first = first;
    out.first_resource = first->resource;
    out.then_resource = then;
    out.then_task = then_task;
    out.effects = effects;
    out.origin = world.record.origin;
}

void order_to_step(World& world, Resource* first, Task first_task, Step* then, Effects effects) {
    if (first == nullptr || then == nullptr) return;
    Ordering& out = world.orderings.emplace_back();
    out.first_resource = first;
    out.first_task = first_task;
    out.then = then;
    out.then_resource = then->resource;
    out.effects = effects;
    out.origin = world.record.origin;
}

bool link_steps(Step& first, Step& then, Effects effects) {
    if (&first == &then || effects == effect::kNone) return false;
    if (edge_present(first, then, effects)) return false;
    first.after.push_back({.step = &then, .effects = effects});
    then.before.push_back({.step = &first, .effects = effects});
    return true;
}

}  // namespace xbeat::schedule
