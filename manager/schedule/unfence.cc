#include "schedule/unfence.h"

#include "core/text.h"
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

void trigger_unfencing(World& world, Resource* resource, Node& node, Step* dependency) {
    if (!world.options.have_unfencing || (resource != nullptr && !resource->is_fence_device)) {
        return;
    }
    if (!node.online || node.unclean || node.shutting_down) return;
    Step& unfence = fence_step(world, node, "on", false, "fence device changed", false);
    if (dependency != nullptr) link_steps(unfence, *dependency, kPlain);
}

void add_unfencing_digests(World& world, Node& node, Step& step, std::string_view action) {
    if (action != "on" || !world.options.have_unfencing) return;
    std::string all;
    for (const Resource& device : world.resources) {
        if (!device.is_fence_device) continue;
        const std::string* known = node_attribute(node, "#digests-all");
        if (known == nullptr) continue;
        all = *known;
        break;
    }
    step.meta.emplace_back("digests-all", all);
    step.meta.emplace_back("digests-secure", all);
}

}  // namespace xbeat::schedule
