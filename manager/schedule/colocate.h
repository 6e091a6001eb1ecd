// Stage 6a: the arithmetic of colocation: what one resource's place means for another's scores.
#pragma once

#include "schedule/world.h"

namespace xbeat::schedule {

/// A product of colocation scores, each as a part of INFINITY; fixed point, so that it is exact for
/// up to three factors and the same on every machine.
class Factor {
public:
    static Factor of(Score score);
    [[nodiscard]] Factor times(Score score) const;
    /// `points` times this, rounded to the nearest; never 0 unless one of them is.
    [[nodiscard]] std::int64_t scale(std::int64_t points) const;
    [[nodiscard]] bool is_negative() const { return parts_ < 0; }

private:
    explicit constexpr Factor(std::int64_t parts) : parts_(parts) {}
    std::int64_t parts_;  // of 10^18
};

enum class Merge : std::uint8_t {
    Default,
    Active,             // roll back what would leave no node
    ActiveNonnegative,  // and never push a node below zero
    Nonnegative,        // only that
    ThisWith,           // follow primaries instead of dependents
};

/// Where `resource` is the dependent or the primary: its own colocations and those it inherits from
/// what it is part of, in the order in which they apply.
[[nodiscard]] std::vector<const Colocation*> this_with(const Resource& resource);
[[nodiscard]] std::vector<const Colocation*> with_this(const Resource& resource);

/// Applies `colocation` to the tables (or the promotion priority) of `dependent`; the primary is
/// assigned.
void apply_colocation(World& world, Resource& dependent, Resource& primary,
                      const Colocation& colocation);

/// Adds to `target`'s table what the dependent of `colocation` wishes for.
void add_dependent_wishes(World& world, Resource& target, const Colocation& colocation);

/// Merges the wishes of `source` (and what follows it) into `nodes`, the table of `target`. Null
/// `colocation` with an empty `nodes`: starts from the source's own table.
void merge_wishes(World& world, Resource& source, Resource& target, Table& nodes,
                  const Colocation* colocation, Factor factor, Merge merge);

/// The same from the source's own table, following primaries or dependents.
[[nodiscard]] Table own_wishes(World& world, Resource& source);

[[nodiscard]] bool has_influence(const Colocation& colocation, const Resource* primary = nullptr);
[[nodiscard]] bool any_usable(const Table& nodes);

}  // namespace xbeat::schedule
