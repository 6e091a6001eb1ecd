// The situation that a CIB describes, as displays need it: nodes, resources, failures, tickets.
//
// A plain value, filled once by observe(); no references into the CIB. Names are those of the
// configuration. What to do about it is a Plan's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/score.h"
#include "core/time.h"
#include "schedule/plan.h"

namespace xbeat::schedule {

enum class NodeType : std::uint8_t { Member, Remote, Guest, Ping };

struct NodeView {
    std::string name;
    std::string id;
    NodeType type = NodeType::Member;
    bool online = false;
    bool pending = false;          // joining: counts as standby
    bool unclean = false;          // to be fenced, or its state is not known
    bool standby = false;          // by attribute
    bool standby_on_fail = false;  // by a failed operation's on-fail
    bool maintenance = false;
    bool shutting_down = false;
    bool expected_up = false;  // by its own or the coordinator's word
    bool is_coordinator = false;
    std::string health;                 // "red", "yellow", "green" or empty if no strategy is set
    std::string remote_host;            // node that hosts the connection of a remote or guest node
    std::string launcher;               // resource that a guest node is inside of
    std::vector<NameValue> attributes;  // permanent and transient, transient first, by name
    /// Attributes that a ping agent running here sets, and their value with every host reached.
    std::vector<NameValue> expected;
    std::vector<NameValue> utilization;
    std::vector<std::string> resources;  // ids (with instance number) active here
};

enum class ResourceKind : std::uint8_t { Primitive, Group, Clone, Bundle };
enum class RoleView : std::uint8_t { Unknown, Stopped, Started, Unpromoted, Promoted };

/// The role's name as Pacemaker's tools write it.
[[nodiscard]] constexpr std::string_view to_string(RoleView role) {
    switch (role) {
        case RoleView::Unknown:
            return "Unknown";
        case RoleView::Stopped:
            return "Stopped";
        case RoleView::Started:
            return "Started";
        case RoleView::Unpromoted:
            return "Unpromoted";
        case RoleView::Promoted:
            return "Promoted";
    }
    return "Unknown";
}

struct ResourceView {
    std::string id;            // with instance number where there is one
    std::string display_name;  // id, without the number for anonymous instances
    ResourceKind kind = ResourceKind::Primitive;
    std::string agent_class;
    std::string agent_provider;
    std::string agent_type;
    RoleView role = RoleView::Stopped;
    std::vector<std::string> nodes;  // names, where it is active
    std::string target_role;         // as configured; empty if not
    std::string pending_task;        // operation in flight ("Starting", ...) or empty
    bool is_promotable = false;
    bool is_unique = false;
    bool is_orphan = false;  // no longer configured
    bool is_managed = true;
    bool is_in_maintenance = false;
    bool is_failed = false;
    bool is_blocked = false;
    bool is_failure_ignored = false;
    bool is_disabled = false;    // target-role keeps it from running
    std::string locked_to;       // node of a shutdown lock, or empty
    std::int32_t clone_max = 0;  // instances wanted; clones and bundles
    std::int32_t promoted_max = 0;
    std::string container_agent;         // bundles: "docker", "podman"
    std::string container_image;         // bundles
    std::int32_t replica = -1;           // of a bundle, for its parts
    Score threshold = Score::always();   // migration-threshold; always() by default, 0: never
    std::vector<ResourceView> children;  // members, instances, or a bundle's replicas' parts
};

struct FailCountView {
    std::string resource;  // name in the history
    std::string node;
    Score count;
    Score threshold;  // migration-threshold; always() if none
    std::optional<EpochSeconds> last_failure;
};

struct FailedActionView {
    std::string node;
    std::string key;  // RESOURCE_TASK_INTERVALMS
    std::string resource;
    std::string task;
    std::int64_t interval_ms = 0;
    std::int32_t rc = 0;
    std::int32_t op_status = 0;  // executor's status as recorded (0 done, 2 timeout, 4 error, ...)
    std::int64_t call_id = -1;
    std::string exit_reason;
    std::optional<EpochSeconds> last_rc_change;
    std::int64_t exec_time_ms = 0;
    std::int64_t queue_time_ms = 0;
    // A probe found that nothing is installed there: told to people, left out of crm_mon's XML.
    bool is_masked = false;
};

struct TicketView {
    std::string id;
    bool granted = false;
    bool standby = false;
    std::optional<EpochSeconds> last_granted;
};

struct BanView {
    std::string constraint;
    std::string rule;  // that gave the score; empty for the constraint itself
    std::string resource;
    std::string node;
    Score score;
    bool promoted_only = false;
};

struct Situation {
    std::vector<NodeView> nodes;          // in configuration order
    std::vector<ResourceView> resources;  // top level, in configuration order, orphans last
    std::vector<FailCountView> fail_counts;
    std::vector<FailedActionView> failed_actions;
    std::vector<TicketView> tickets;
    std::vector<BanView> bans;       // negative location scores by name
    std::vector<NameValue> options;  // cluster options in force, by name
    bool has_quorum = false;
    bool fencing_enabled = true;
    bool maintenance_mode = false;
    bool stop_all_resources = false;
    bool symmetric = true;
    std::string no_quorum_policy = "stop";
    std::string coordinator;  // node name, or empty
    std::uint32_t resource_instances = 0;
    std::uint32_t disabled_instances = 0;
    std::uint32_t blocked_instances = 0;
};

}  // namespace xbeat::schedule
