// The answer of the scheduler: actions, what each waits for, and the settings of their execution.
//
// A Plan is a plain value without references into the CIB. Its printed form is the
// `transition_graph` document that Pacemaker's own scheduler writes. How a plan is carried out is
// left to execute/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace xbeat::schedule {

enum class ActionKind : std::uint8_t {
    Resource,  // rsc_op: an agent's operation on a node
    Pseudo,    // pseudo_event: nothing to run, done as soon as its inputs are
    Cluster,   // crm_event: stonith, do_shutdown, clear_failcount, lrm_delete
};

struct NameValue {
    std::string name;
    std::string value;
    friend bool operator==(const NameValue&, const NameValue&) = default;
};

struct Action {
    ActionKind kind = ActionKind::Pseudo;
    bool can_fail = false;         // a failure does not spoil the plan (guest fencing, ...)
    bool is_no_op = false;         // wanted by the configuration's record only, never run
    std::string task;              // start, stop, monitor, promote, notify, stonith, cancel, ...
    std::string key;               // operation_key: RESOURCE_TASK_INTERVALMS
    std::string internal_key;      // the key with the instance number; empty if it is the same
    std::string resource_id;       // primitive id as the agent knows it; empty if there is none
    std::string resource_long_id;  // id with the instance number; empty if it is the same
    std::string agent_class;       // ocf, stonith, systemd, lsb, service
    std::string agent_provider;
    std::string agent_type;
    std::string node;           // name; empty for pseudo events without a place
    std::string node_id;        // the CIB's id of that node
    std::string router_node;    // cluster node that carries it to a remote or guest node; or empty
    std::string shutdown_lock;  // node to lock to, for a shutdown lock's removal; else empty
    std::string mode;           // how lrm_delete works ("cib"); else empty
    std::string on_fail;        // as configured for this operation; empty for the default
    std::int64_t interval_ms = 0;
    std::int64_t timeout_ms = 0;        // 0 for pseudo events
    std::int32_t target_rc = 0;         // the result code that means success
    std::int32_t priority = 0;          // higher goes first where a limit makes them wait
    std::vector<NameValue> parameters;  // for the agent (OCF_RESKEY_ without the prefix), by name
    std::vector<NameValue> meta;        // CRM_meta_* with the prefix, sorted by name
    std::vector<std::string> downed;    // ids of nodes that are expected to go down with it
    std::vector<NameValue>
        maintenance;  // remote nodes by name, and whether ("1", "0") they are in it
    std::vector<std::uint32_t> inputs;  // indices of the actions to complete first, ascending
};

struct Plan {
    std::vector<Action> actions;  // an action's index is its number

    std::string cluster_delay = "60s";    // as configured
    std::string fencing_timeout = "60s";  // as configured
    std::string batch_limit;              // as configured; empty if not
    std::string failed_stop_offset = "INFINITY";
    std::string failed_start_offset = "INFINITY";
    std::optional<EpochSeconds> recheck_by;  // run the scheduler again then, whatever happens

    std::vector<std::string> scores;  // one line a score, if asked for
};

/// The `transition_graph` XML of a plan: one synapse an action, in order; deterministic.
[[nodiscard]] std::string print_graph(const Plan& plan);

}  // namespace xbeat::schedule
