#include "schedule/unfence.h"

#include "core/text.h"
#include "model/parameter_digest.h"
#include "schedule/fence_marks.h"
#include "schedule/fencing.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

bool is_unfenced(const Node& node) {
    const std::string* since = node_attribute(node, "#node-unfenced");
    return since != nullptr && *since != "0" && !since->empty();
}

bool wants_unfencing(const World& world, const Node& node) {
    return world.options.have_unfencing && node.online && !node.unclean && !node.shutting_down;
}

Step& unfence_step(World& world, Node& node) {
    Step& step = fence_step(world, node, "on", true, "", false);
    if (!is_unfenced(node) && can_fence(world, &node)) require(step, "needed by resources");
    return step;
}

}  // namespace

void order_unfencing(World& world, Resource& resource) {
    for (Allowed& entry : resource.allowed) {
        if (entry.score < Score() || is_guest_or_remote(*entry.node)) continue;
        Step& unfence = fence_step(world, *entry.node, "on", true, "", false);
        order_to_step(world, &resource, Task::Stop, &unfence, kPlain | kSameNode);
        order_from_step(world, &unfence, &resource, Task::Start,
                        kFirstDrivesThenOnNode | kSameNode);
    }
}

void order_after_unfencing(World& world, Resource& resource, Node* node, Step& step,
                           Effects effects) {
    const bool concerned =
        resource.needs_unfencing || (resource.is_fence_device && effects != kNone);
    if (!concerned || node == nullptr || !wants_unfencing(world, *node)) return;
    Step& unfence = unfence_step(world, *node);
    if (effects == kNone) {
        link_steps(step, unfence, kThenDrivesFirst);
        if (!is_unfenced(*node)) require(step, "the node is to be unfenced");
    } else {
        link_steps(unfence, step, effects);
    }
}

void trigger_unfencing(World& world, Resource& device, Node& node, std::string_view why) {
    if (!device.is_fence_device || !wants_unfencing(world, node)) return;
    fence_step(world, node, "on", false, why, false);
}

bool add_unfencing_digests(World& world, Node& node, Step& step) {
    if (!world.options.have_unfencing) return false;
    std::string all;
    bool changed = false;
    const std::string* known = node_attribute(node, "#digests-all");
    for (const Resource& device : world.resources) {
        const std::string* provides = meta(device, "provides");
        if (!device.is_fence_device || provides == nullptr ||
            !equals_ignoring_case(*provides, "unfencing")) {
            continue;
        }
        const std::string entry =
            concat(device.id, ':', device.agent_type, ':',
                   model::parameter_digest(parameters_of(world, device, &node)));
        if (known != nullptr && known->find(entry) == std::string::npos) changed = true;
        all += concat(entry, ',');
    }
    step.meta.emplace_back("digests-all", all);
    step.meta.emplace_back("digests-secure", all);
    return changed;
}

}  // namespace xbeat::schedule
