// Making steps: the actions that a plan may contain, with what the configuration says of each.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// "RESOURCE_TASK_INTERVALMS".
[[nodiscard]] std::string operation_key(std::string_view resource, std::string_view task,
                                        std::int64_t interval_ms);

/// The enabled <op> of that name and interval, or null. `with_disabled` counts disabled ones too.
[[nodiscard]] const cib::Element* find_operation(const World& world, const Resource& resource,
                                                 std::string_view name, std::int64_t interval_ms,
                                                 bool with_disabled = false);

/// What the configuration says of an operation; read once for each resource, task and interval.
const OperationConfig& operation_config(World& world, Resource& resource, Task task,
                                        std::int64_t interval_ms);

struct StepRequest {
    Resource* resource = nullptr;
    Task task = Task::None;
    std::int64_t interval_ms = 0;
    Node* node = nullptr;
    bool optional = true;
    std::string key = {};        // instead of the usual one
    std::string task_text = {};  // for Task::Other
    bool always_new = false;
};

/// The existing step of that key, resource and node, or a new one. Makes it required if
/// `optional` is false.
Step& make_step(World& world, const StepRequest& request);

/// A pseudo event; its task's word is what follows the resource in the key.
Step& make_pseudo(World& world, Resource* resource, Task task, bool optional, bool runnable);

Step& make_start(World& world, Resource& resource, Node* node, bool optional);
Step& make_stop(World& world, Resource& resource, Node* node, bool optional);
Step& make_promote(World& world, Resource& resource, Node* node, bool optional);
Step& make_demote(World& world, Resource& resource, Node* node, bool optional);
Step& make_delete(World& world, Resource& resource, Node* node);
Step& make_clear_failcount(World& world, Resource& resource, Node* node, std::string_view why);

/// The newest step of that task; on `node`, if one is given. Null if there is none.
[[nodiscard]] Step* find_step(const Resource& resource, Task task, const Node* node = nullptr,
                              std::int64_t interval_ms = 0);
[[nodiscard]] std::vector<Step*> find_steps(const Resource& resource, Task task,
                                            const Node* node = nullptr,
                                            std::int64_t interval_ms = 0);
[[nodiscard]] std::vector<Step*> find_steps_by_key(const Resource& resource, std::string_view key);
/// Pacemaker's older lookup: steps without a node match any node (and are then placed there).
[[nodiscard]] bool has_step(const Resource& resource, Task task, const Node* node);

void set_optional(Step& step, bool optional);
void require(Step& step, std::string_view why);
/// Recomputes whether the step can run where it is: node state, quorum.
void update_runnable(World& world, Step& step);
[[nodiscard]] std::string_view task_text(const Step& step);

/// Queues an ordering that is applied once all steps exist.
void order(World& world, Resource* first, Task first_task, Resource* then, Task then_task,
           Effects effects);
void order_steps(World& world, Step* first, Step* then, Effects effects);
void order_from_step(World& world, Step* first, Resource* then, Task then_task, Effects effects);
void order_to_step(World& world, Resource* first, Task first_task, Step* then, Effects effects);

/// Links two steps at once. Nothing happens, and false is returned, for equal steps, without
/// effects, and where the two share one of the effects already.
bool link_steps(Step& first, Step& then, Effects effects);

}  // namespace xbeat::schedule
