// Stage 6: every resource gets a node, or none.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Assigns all resources, connections first.
void assign_resources(World& world);

/// Assigns one resource and what it depends on. `prefer`: a node to favour among equals. With
/// `stop_if_fail` false a failure can be undone. Null: it will not run.
Node* assign(World& world, Resource& resource, Node* prefer, bool stop_if_fail);
Node* assign_clone(World& world, Resource& clone, Node* prefer, bool stop_if_fail);
Node* assign_bundle(World& world, Resource& bundle, Node* prefer, bool stop_if_fail);

/// Puts a resource (and its children) on `node`; null for nowhere. `force`: even if unusable.
void assign_to(World& world, Resource& resource, Node* node, bool force, bool stop_if_fail);
void unassign(World& world, Resource& resource);

/// The nodes of a table from best to worst for a resource now on `active` (may be null).
[[nodiscard]] std::vector<Allowed> sorted_nodes(const World& world, const Table& nodes,
                                                const Node* active);

// --- Instances -----------------------------------------------------------------------------------

void assign_instances(World& world, Resource& collective, std::vector<Resource*>& instances,
                      std::int32_t total_max, std::int32_t per_node_max);
/// Whether `a` is to be assigned before `b`: negative if so.
[[nodiscard]] int compare_instances(World& world, Resource& a, Resource& b);
/// Chooses whom to promote among the assigned instances.
void choose_promoted(World& world, Resource& clone);
void add_promotion_scores(World& world, Resource& clone);

/// A clone's instances, or a bundle's containers.
[[nodiscard]] std::vector<Resource*> instances_of(const Resource& collective);
[[nodiscard]] bool interleaves(const Resource& collective);
[[nodiscard]] std::int32_t instances_per_node(const Resource& collective);
[[nodiscard]] bool is_blocked_tree(const Resource& resource);
/// Where a resource is, or will be; for collective ones the place that all its parts share.
[[nodiscard]] Node* place_of(const Resource& resource, bool current);
[[nodiscard]] Score assigned_score_of(const Resource& resource);
/// The instance of `collective` that shares a node with `match`, or could.
[[nodiscard]] Resource* compatible_instance(World& world, const Resource& match,
                                            const Resource& collective, Role role, bool current);

// --- Capacity
// --------------------------------------------------------------------------------------

[[nodiscard]] int compare_capacity(const Node& a, const Node& b);
void consume_capacity(Node& node, const Resource& resource, bool release);
/// Bans nodes without room for the resource and what it drags along; the node with most room that
/// fits all, or null.
Node* ban_full_nodes(World& world, Resource& resource);

}  // namespace xbeat::schedule
