// Stage 4: the constraints of the configuration, tied to resources.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// Health scores, then all of <constraints>.
void unpack_constraints(World& world);

// The kinds, a file each; `xml` is the constraint's element.
void unpack_location(World& world, const cib::Element& xml);
void unpack_ticket(World& world, const cib::Element& xml);
void unpack_colocation(World& world, const cib::Element& xml);
void unpack_order(World& world, const cib::Element& xml);

/// A resource set with its options; members in order.
struct ResourceSet {
    const cib::Element* xml = nullptr;
    std::string id;
    bool sequential = true;
    bool says_sequential = false;  // in so many words
    bool require_all = true;
    bool dangling = false;  // ends at a name that is no resource's
    std::vector<Resource*> members;
};

/// Reads a <resource_set>; references to tags and templates are expanded in place.
[[nodiscard]] ResourceSet read_set(World& world, const cib::Element& set);

/// The sets of a constraint, in order. What follows a reference to a resource that does not exist
/// is left out, as Pacemaker does.
[[nodiscard]] std::vector<ResourceSet> sets_of(World& world, const cib::Element& constraint);

/// The resource of that name as a set of one; a tag or a template as an unordered set of several.
[[nodiscard]] ResourceSet named_set(World& world, std::string_view name);

/// Makes `dependent` run where `primary` runs, or does not; ignored for a score of 0.
void add_colocation(World& world, std::string_view id, std::string_view node_attribute, Score score,
                    Resource* dependent, Resource* primary, Role dependent_role, Role primary_role,
                    bool influence);

/// A location constraint that is kept, and applied when all have been read.
Location& add_location(World& world, std::string_view id, Resource& resource, Discovery discovery);

/// Applies a location constraint to its resource and, as the kind demands, to its parts.
void apply_location(World& world, Resource& resource, Location& location);

/// Applies everything that forbids or favours nodes: stage 5.
void apply_node_criteria(World& world);

}  // namespace xbeat::schedule
