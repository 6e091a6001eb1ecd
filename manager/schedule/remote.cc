// Stage 7d: steps on remote and guest nodes: after their connection is up, before it goes down.
#include <algorithm>

#include "schedule/actions.h"
#include "schedule/fence_marks.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

using namespace effect;

enum class Connection : std::uint8_t { Unknown, Alive, Resting, Failed, Stopped };

Connection state_of(const Node& node) {
    const Resource& connection = *node.remote;
    const Node* host = active_on(connection);
    if (connection.next_role == Role::Stopped || connection.assigned == nullptr) {
        if (host != nullptr && host->unclean) return Connection::Failed;
        if (!connection.failed) return Connection::Stopped;
        if (connection.next_role == Role::Stopped && connection.reconnect_interval_ms > 0 &&
            node.remote_was_fenced && !node.shutting_down) {
            return Connection::Unknown;  // only the next attempt will tell
        }
        return Connection::Failed;
    }
    if (host == nullptr) return Connection::Unknown;
    if (host->unclean || !host->online) return Connection::Resting;
    if (connection.running_on.size() > 1 && connection.migration_source != nullptr &&
        connection.migration_target != nullptr) {
        return Connection::Resting;
    }
    return Connection::Alive;
}

void start_first(World& world, Resource& before, Step& step, Effects extra) {
    order_to_step(world, &before, Task::Start, &step, kGuestAllowed | kFirstGates | extra);
}

void stop_afterwards(World& world, Step& step, Resource& after, Effects extra) {
    order_from_step(world, &step, &after, Task::Stop, kGuestAllowed | kPlain | extra);
}

void order_guest_step(World& world, Step& step) {
    Node& node = *step.node;
    Resource& connection = *node.remote;
    Resource& launcher = *connection.launcher;
    if (launcher.failed) mark_for_fencing(world, node, "container failed", false);
    switch (step.task) {
        case Task::Start:
        case Task::Promote:
            start_first(world, launcher, step, kFirstDrivesThen);
            start_first(world, connection, step, kNone);
            break;
        case Task::Stop:
        case Task::Demote:
            // Of a failed container everything inside is stopped already.
            if (!launcher.failed) stop_afterwards(world, step, connection, kNone);
            break;
        case Task::Cancel:
            break;  // goes with the connection, if that goes
        default:
            start_first(world, connection, step, step.interval_ms > 0 ? kFirstDrivesThen : kNone);
            break;
    }
}

void order_stop(World& world, Step& step, Connection state) {
    Resource& connection = *step.node->remote;
    if (state == Connection::Alive) {
        stop_afterwards(world, step, connection, kThenDrivesFirst);
    } else if (state == Connection::Failed) {
        mark_for_fencing(world, *step.node, "resources are active and the connection is lost",
                         false);
    } else if (connection.next_role == Role::Stopped) {
        stop_afterwards(world, step, connection, kThenDrivesFirst);
    } else {
        start_first(world, connection, step, kNone);
    }
}

void order_remote_step(World& world, Step& step) {
    Resource& connection = *step.node->remote;
    const Connection state = state_of(*step.node);
    switch (step.task) {
        case Task::Start:
        case Task::Promote:
            start_first(world, connection, step,
                        state == Connection::Failed ? kFirstDrivesThen : kNone);
            break;
        case Task::Stop:
            order_stop(world, step, state);
            break;
        case Task::MigrateTo:
            // It begins over the connection that is there, before that goes.
            if (state == Connection::Alive) {
                stop_afterwards(world, step, connection, kNone);
            } else {
                start_first(world, connection, step, kNone);
            }
            break;
        case Task::Demote:
            if (state == Connection::Resting || state == Connection::Unknown) {
                start_first(world, connection, step, kNone);
            }
            break;
        default:
            if (step.interval_ms > 0) {
                start_first(world, connection, step, kFirstDrivesThen);
                break;
            }
            if (step.task == Task::Monitor && state == Connection::Failed) {
                mark_for_fencing(world, *step.node,
                                 "resources are in unknown state and the connection is lost",
                                 false);
            }
            if (active_on(connection) != nullptr && state == Connection::Stopped) {
                order_from_step(world, &step, &connection, Task::Stop, kFirstGates);
            } else {
                start_first(world, connection, step, kNone);
            }
            break;
    }
}

}  // namespace

bool is_connection_lost(const Node& node) {
    return is_remote(node) && node.remote != nullptr && state_of(node) == Connection::Failed;
}

void order_remote_steps(World& world) {
    if (!world.options.have_remote_nodes) return;
    for (std::size_t at = 0; at < world.steps.size(); ++at) {
        Step& step = world.steps[at];
        Resource* resource = step.resource;
        if (resource == nullptr) continue;
        if (resource->is_connection && step.task == Task::ClearFailCount) {
            order_from_step(world, &step, resource, Task::Start, kPlain);
            continue;
        }
        if (step.node == nullptr || !is_guest_or_remote(*step.node) || step.is(flag::kPseudo) ||
            step.node->remote == nullptr) {
            continue;
        }
        if (step.task == Task::Start) {
            // If the connection does not come up, the old copy keeps running.
            for (Step* stop : resource->steps) {
                if (stop->task == Task::Stop && stop->node != nullptr && stop->node != step.node) {
                    order_to_step(world, step.node->remote, Task::Start, stop, kPlain);
                }
            }
        }
        if (step.node->remote->launcher != nullptr) {
            order_guest_step(world, step);
        } else {
            order_remote_step(world, step);
        }
    }
    for (const auto& [resource, clear] : world.clear_after_fencing) {
        if (Node* remote = world.find_node(resource->id)) {
            if (Step* fencing = find_fence_step(world, *remote)) {
                order_steps(world, fencing, clear, kPlain);
            }
        }
    }
}

}  // namespace xbeat::schedule
