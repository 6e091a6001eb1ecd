// Stage 2: the configured nodes and resources, as a tree with meta-attributes evaluated.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// A node of that name, made if there is none. `id` is the CIB's.
Node& make_node(World& world, std::string_view id, std::string_view name, NodeVariant variant);

/// Whether a node is not known to be safe until the status section has a word about it; a guest
/// goes with its container.
[[nodiscard]] bool is_suspect_unseen(const World& world);

/// <nodes>: cluster nodes, and their permanent attributes.
void unpack_nodes(World& world);

/// <resources>, templates and tags; also the nodes that connection resources stand for.
void unpack_resources(World& world);

/// One resource element below `parent` (null: top level). Null if it is unusable. `instance`: the
/// number of the clone instance that it is part of.
Resource* unpack_resource(World& world, const cib::Element& xml, Resource* parent,
                          std::optional<std::int32_t> instance);

/// One more instance of a clone; beyond clone-max it is an orphan.
Resource* make_instance(World& world, Resource& clone);

/// A primitive known only by its history.
Resource* make_orphan(World& world, const cib::Element& history, std::string_view id);

/// The configured role if it limits the resource: Stopped or Unpromoted, or Started asked of a
/// resource whose default would be more. Empty if there is no limit.
[[nodiscard]] std::optional<Role> target_role(const Resource& resource);

/// Fills a node's own attributes (#uname and so on) and those configured.
void read_node_attributes(World& world, Node& node, const cib::Element& xml, bool overwrite);

}  // namespace xbeat::schedule
