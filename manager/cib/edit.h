// Changes of a configuration, as values: what the command line and the manager share.
//
// Each function takes a `configuration` element (or the whole `cib` where it says so), changes it
// in place, and leaves it as it was when it returns an error. None checks the whole result: run
// validate() before it counts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::cib {

// ---- A document and its version

/// What a new cluster starts with: a `cib` with version 0.0.0, an empty configuration and an empty
/// status. `cluster_name` becomes the property cluster-name unless it is empty.
[[nodiscard]] Element empty_cib(std::string_view cluster_name);

/// Which of two documents is newer: compared in this order.
struct Version {
    std::uint64_t admin_epoch = 0;  // only people raise it
    std::uint64_t epoch = 0;        // raised by a change of the configuration
    std::uint64_t num_updates = 0;  // raised by a change of the status, 0 after a new epoch
    friend auto operator<=>(const Version&, const Version&) = default;
};

/// The version of a `cib`; parts that are missing or no numbers count 0.
[[nodiscard]] Version version_of(const Element& cib);
void set_version(Element& cib, Version version);
/// The version after a change of the configuration, after one of the status.
[[nodiscard]] Version next_epoch(Version version);
[[nodiscard]] Version next_update(Version version);
/// "admin_epoch.epoch.num_updates".
[[nodiscard]] std::string to_string(Version version);

// ---- Texts

/// The `configuration` that a text means on its own: crm language, or XML (a `cib` or a
/// `configuration`) if it begins with '<', upgraded from old schemas. Errors of parse_crm() and
/// parse_xml(), and Code::Invalid for XML that is neither.
[[nodiscard]] Result<Element> load_replace(std::string_view text);

/// `configuration` with the objects of the text (crm or XML) added, or put in place of those of the
/// same name; the rest stays. Properties, defaults and attributes of nodes are merged value by
/// value. Inner elements that are the same keep their ids. Errors as load_replace().
[[nodiscard]] Result<Element> load_update(const Element& configuration, std::string_view text);

// ---- Objects

enum class Force : std::uint8_t { No, Yes };

/// What in the configuration names the object `id` (constraints, levels, tags, templates, groups):
/// one sentence each, such as "colocation web-with-ip names it". Empty if nothing does.
[[nodiscard]] std::vector<std::string> references_to(const Element& configuration,
                                                     std::string_view id);

/// Removes the objects (resources, constraints, nodes by name or id, tags, levels, alerts, roles,
/// sets). Members of a removed group or clone stay, on their own. Code::NotFound with a suggestion
/// for an unknown id. What still refers to a removed object: Code::Conflict listing it, or with
/// Force::Yes it is removed too.
[[nodiscard]] Result<void> remove_objects(Element& configuration, std::span<const std::string> ids,
                                          Force force);

/// Gives an object another id, everywhere it is named. Code::NotFound, Code::Exists, Code::Invalid
/// for a bad id.
[[nodiscard]] Result<void> rename_object(Element& configuration, std::string_view from,
                                         std::string_view to);

// ---- Values

/// Sets a cluster option in the set cib-bootstrap-options. Code::Invalid for a value of the wrong
/// type or, with Force::No, for a name that is unknown but near a known one.
[[nodiscard]] Result<void> set_property(Element& configuration, std::string_view name,
                                        std::string_view value, Force force = Force::No);
/// Removes it from every set without rules. Code::NotFound if it stands nowhere.
[[nodiscard]] Result<void> unset_property(Element& configuration, std::string_view name);
/// The value in the first set without rules that has it (cib-bootstrap-options first), old names
/// included; empty if it is not set.
[[nodiscard]] std::optional<std::string> get_property(const Element& configuration,
                                                      std::string_view name);

enum class SetKind : std::uint8_t { Parameter, Meta, Utilization };

/// A value of a resource or template; the first set of that kind without rules takes it.
/// Code::NotFound for an unknown resource.
[[nodiscard]] Result<void> set_resource_value(Element& configuration, std::string_view resource,
                                              SetKind kind, std::string_view name,
                                              std::string_view value);
/// Code::NotFound if the resource or the value is not there.
[[nodiscard]] Result<void> unset_resource_value(Element& configuration, std::string_view resource,
                                                SetKind kind, std::string_view name);
[[nodiscard]] std::optional<std::string> get_resource_value(const Element& configuration,
                                                            std::string_view resource, SetKind kind,
                                                            std::string_view name);

/// A permanent attribute of a node (`standby` and `maintenance` among them), the node by name or
/// id; Code::NotFound. Utilization with SetKind::Utilization, attributes with any other kind.
[[nodiscard]] Result<void> set_node_value(Element& configuration, std::string_view node,
                                          SetKind kind, std::string_view name,
                                          std::string_view value);
[[nodiscard]] Result<void> unset_node_value(Element& configuration, std::string_view node,
                                            SetKind kind, std::string_view name);
[[nodiscard]] std::optional<std::string> get_node_value(const Element& configuration,
                                                        std::string_view node, SetKind kind,
                                                        std::string_view name);

// ---- Moving resources, with the constraints that crm_resource makes

struct MoveOptions {
    bool only_promoted = false;  // the promoted role only
    std::optional<EpochSeconds>
        expires;  // the constraint has no effect from then on; for ever if empty
};

/// Prefers `node` for the resource from now on: constraint cli-prefer-RESOURCE; earlier ones of
/// this kind and bans on that node are removed. Code::NotFound for an unknown resource or node.
[[nodiscard]] Result<void> move_resource(Element& configuration, std::string_view resource,
                                         std::string_view node, const MoveOptions& options);
/// Keeps the resource away from `node`: constraint cli-ban-RESOURCE-on-NODE. Code::NotFound.
[[nodiscard]] Result<void> ban_resource(Element& configuration, std::string_view resource,
                                        std::string_view node, const MoveOptions& options);
/// Removes what move and ban made for the resource, on one node or (empty) on all; the removed ids.
[[nodiscard]] std::vector<std::string> clear_resource(Element& configuration,
                                                      std::string_view resource,
                                                      std::string_view node);
/// Removes those whose lifetime is over at `now`, of one resource or (empty) of all; the removed
/// ids.
[[nodiscard]] std::vector<std::string> clear_expired(Element& configuration,
                                                     std::string_view resource, EpochSeconds now);

// ---- Differences

struct Change {
    enum class Kind : std::uint8_t { Added, Removed, Changed };
    Kind kind = Kind::Changed;
    std::string what;  // "primitive", "location"...: the crm language's word
    std::string id;
    std::vector<std::string> details;  // of a change: "params ip: 10.0.0.1 -> 10.0.0.2"
};

/// What differs in meaning between two configurations: removed and changed objects in the order of
/// `before`, then the added ones in that of `after`.
[[nodiscard]] std::vector<Change> diff(const Element& before, const Element& after);

/// "primitive ip added", or "primitive ip changed: params ip: 10.0.0.1 -> 10.0.0.2; ...".
[[nodiscard]] std::string to_string(const Change& change);

}  // namespace xbeat::cib
