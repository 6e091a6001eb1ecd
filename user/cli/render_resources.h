// Resources as a tree of lines in crm_mon's form: primitives, groups, clones, bundles.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schedule/situation.h"

namespace xbeat::cli {

struct ResourceOptions {
    bool inactive = true;  // stopped resources too (-r)
    bool detail = false;   // every instance of a clone, every part of a bundle (-R)
};

/// Whether any part of the resource is active or failed.
[[nodiscard]] bool is_active(const schedule::ResourceView& resource);

/// The lines of one top-level resource, without end of line, each beginning with `indent` blanks;
/// empty if the options hide it. `nodes` says which are offline and unclean.
[[nodiscard]] std::vector<std::string> resource_lines(const schedule::ResourceView& resource,
                                                      const std::vector<schedule::NodeView>& nodes,
                                                      ResourceOptions options,
                                                      std::size_t indent = 2);

/// One primitive without its place: "rsc (ocf:heartbeat:Dummy): Started", for lists by node.
[[nodiscard]] std::string primitive_text(const schedule::ResourceView& primitive,
                                         const std::vector<schedule::NodeView>& nodes,
                                         bool with_nodes);

/// "ocf:heartbeat:IPaddr2"; classes without a provider have two parts.
[[nodiscard]] std::string agent_text(const schedule::ResourceView& primitive);

/// Not configured any more, and stopped: only its history is left.
[[nodiscard]] bool is_gone(const schedule::ResourceView& resource);

/// The primitive that a history's name in the status section is of: an anonymous instance's may
/// have another instance's number, or none. Null if there is none.
[[nodiscard]] const schedule::ResourceView* find_history(
    const std::vector<schedule::ResourceView>& resources, std::string_view name);

/// False for attributes that have places of their own in the display, or are the cluster's own
/// business: fail counts, standby, ...
[[nodiscard]] bool is_shown_attribute(std::string_view name);

/// A node's type as crm_mon's XML has it: "member", "remote" (guests too), "ping".
[[nodiscard]] std::string_view node_type_text(schedule::NodeType type);

}  // namespace xbeat::cli
