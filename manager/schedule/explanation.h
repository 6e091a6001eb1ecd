// Why a plan is as it is: filled by schedule() on request, for `xbeat why` and for tests.
//
// A plain value without references into the CIB or the run. Three questions, three lists: how did
// every score of every resource come about (changes), where did each resource go and in which role
// (placements), and what made each step necessary or impossible (steps). Words for people are made
// here where only the scheduler knows them; layout is left to who displays it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/score.h"
#include "schedule/types.h"

namespace xbeat::schedule {

enum class ScoreCause : std::uint8_t {
    Location,      // a location constraint; id names it
    Health,        // node-health-strategy; id is the strategy
    Stickiness,    // it runs there
    Failures,      // migration-threshold reached there
    Failure,       // one failure was enough; id is the operation's key, other says what it means
    Unmanaged,     // it runs there and is not managed, so that it stays
    Orphan,        // it is not configured any more
    Multiple,      // multiple-active=stop_only, and it is active on several nodes
    ShutdownLock,  // it waits for the node that was shut down cleanly
    Discovery,     // resource-discovery=exclusive elsewhere
    Ticket,        // a ticket constraint; other is the ticket
    Colocation,    // a colocation with `other`, which is placed before it
    Dependent,     // `other` wants to be where this one is, and its wishes count
    Promotion,     // the agent's promotion score
    Role,          // it is to be stopped, so that no node may have it
    Capacity,      // the node's utilization is used up
    Unusable,      // the clone's instances cannot be on the node now
    Instances,     // the clone has as many instances on the node as it may
    Banned,        // the clone may not be on the node
    Surplus,       // the clone has all the instances it may have
    Sum,           // the clone's own score there, once its instances have their places
    Bundle,        // what is in a bundle goes where its container is
    Remote,        // neither connections nor fence devices are on remote nodes
    Guest,         // it belongs to a guest node; other is that node
};

/// One change of one score, in the order in which they happened.
struct ScoreChange {
    std::string resource;
    std::string node;
    ScoreCause cause = ScoreCause::Location;
    bool is_promotion = false;  // of the score for being promoted, not for the place
    std::string id;             // of the constraint; empty if there is none
    std::string other;          // the resource or ticket at the other end; or empty
    Score before;
    Score after;
};

struct NodeChoice {
    std::string node;
    Score score;
    std::string unusable;  // "offline", "in standby", ...; empty if it can be used
};

struct RoleChange {
    Role role = Role::Unknown;
    std::string why;
};

/// The decision about one primitive or instance.
struct Placement {
    std::string resource;
    std::vector<std::string> within;  // the collective resources that it is a part of, inside out
    std::string node;                 // where it is to run; empty for nowhere
    std::vector<std::string> running_on;
    Role role = Role::Unknown;  // as it is
    Role next_role = Role::Unknown;
    bool is_managed = true;
    bool is_blocked = false;
    bool is_failed = false;
    bool is_orphan = false;
    bool is_starting = false;       // a start of it has not ended yet
    std::string unmanaged;          // why it is not managed, or is blocked; or empty
    std::string restraint;          // why it is not to run, or not to be promoted; or empty
    std::vector<NodeChoice> nodes;  // as they were when it was decided, best first
    std::string tie;  // why this one of several equals was taken, in a few words; or empty
    std::vector<std::string> equals;  // those others
    std::vector<RoleChange> roles;    // how the next role was found, in order
};

/// What a step waits for, and for whose sake.
struct StepInput {
    std::string key;
    std::string name;              // "start of web on pm01"
    std::string node;              // or empty
    std::uint32_t step = 0;        // index in Explanation::steps
    bool is_pseudo = false;        // an event, not an action
    std::vector<std::string> ids;  // of the order constraints between the two; often none
    bool gates = false;            // without it, this step cannot run at all
    std::optional<bool> runnable;  // of the input, if it gates
};

/// A step that the scheduler considered; those of the plan and those that were left out.
struct StepReason {
    std::string key;
    std::string name;  // "start of web on pm01"
    std::string task;
    std::string resource;  // with instance number; or empty
    std::string node;      // or empty
    std::int64_t interval_ms = 0;
    bool is_pseudo = false;
    bool is_wanted = false;               // something makes it necessary
    bool can_run = false;                 // nothing stands in its way
    std::optional<std::uint32_t> action;  // index in Plan::actions, if it is in the plan
    std::string trigger;  // in a few words: "required db start", "unrunnable ip start"; or empty
    std::vector<std::string> causes;     // sentences without a full stop: why it is wanted
    std::vector<std::string> obstacles;  // why it cannot run
    std::vector<StepInput> inputs;       // as in the plan; those that block, if it is not in it
};

struct NodeReason {
    std::string node;
    std::string why;  // it is to be fenced
};

struct Explanation {
    std::vector<ScoreChange> changes;
    std::vector<Placement> placements;
    std::vector<StepReason> steps;
    std::vector<NodeReason> fencings;
    std::string no_fencing;  // why no node can be fenced at all; or empty
};

}  // namespace xbeat::schedule
