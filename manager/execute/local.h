// The operations of one node: one at a time for each resource, recurring monitors, exits of
// processes.
//
// What the coordinator wants arrives as wire::Operation; what came of it leaves as
// wire::OperationResult. An operation that changes a resource's state ends its recurring monitors
// first, as Pacemaker's executor does: the plan starts them anew. A recurring monitor reports its
// first result and then only changes. The exit of a service's process is no failure by itself: it
// makes the resource's recurring monitor run at once, and that agent's result counts. Whether an
// operation is allowed, and what a result means, is decided elsewhere.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"
#include "execute/agent_call.h"
#include "execute/agent_facts.h"
#include "wire/message.h"

namespace xbeat::execute {

/// What a Local wants of the host, in order, and what it has to report.
struct LocalOutput {
    std::vector<std::string> unwatch;  // before the runs
    std::vector<OperationId> kill;
    std::vector<RunAgent> run;
    std::vector<wire::Report> results;
};

class Local {
public:
    /// Numbers of agent runs are handed out by `next_run`, shared with others who run agents.
    explicit Local(std::uint64_t* next_run) : next_run_(next_run) {}

    /// Queues the operation; it starts when the resource has none in flight.
    void accept(wire::Operation operation, Now now);
    /// False if the run is not one of this class's.
    bool agent_done(const AgentDone& done, Now now);
    void process_exited(std::string_view resource, std::string trigger, Now now);
    /// What the metadata of an OCF agent on this node says; to be told before the results of its
    /// first runs. Replaces what was known.
    void describe(std::string_view provider, std::string_view type, AgentFacts facts);
    /// Ends the recurring monitors of a resource, or of all if empty. Nothing is reported.
    void end_monitors(std::string_view resource);
    /// Runs the monitors that are due.
    void wake(Now now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// Gives a stop the parameters with which the resource was started here, as when it is run.
    void complete_stop(wire::Operation& operation) const;

    /// True while an operation of this resource is queued or in flight.
    [[nodiscard]] bool is_busy(std::string_view resource) const;
    /// What was accepted and has not reported its first result yet, in the order of the resources'
    /// names.
    [[nodiscard]] std::vector<wire::Operation> unfinished() const;
    /// Recurring monitors that are registered; for tests and displays.
    [[nodiscard]] std::size_t monitors() const { return monitors_.size(); }

    [[nodiscard]] LocalOutput take();

private:
    struct Job {
        wire::Operation operation;
        Instant queued_at{};
        bool is_repeat = false;  // a later run of a recurring monitor
        std::string trigger;
        bool was_lost = false;  // its run was lost with the executor; this is the second
        std::int32_t runs = 0;  // of a fence device's monitor that failed, so far
    };
    struct Running {
        Job job;
        OperationId run;
    };
    struct Slot {
        std::deque<Job> queue;
        std::optional<Running> running;
    };
    struct Monitor {
        wire::Operation operation;
        std::optional<Instant> due;    // nothing while queued or running
        bool is_wanted_again = false;  // an exit came while it was running
        std::string trigger;
        bool has_reported = false;
        std::int32_t rc = 0;
        std::int32_t op_status = 0;
    };
    using Parameters = std::vector<std::pair<std::string, std::string>>;
    using MonitorKey = std::pair<std::string, std::string>;  // resource, operation key
    using AgentKey = std::pair<std::string, std::string>;    // provider, type

    void enqueue(Job job, Now now);
    void start_next(const std::string& resource, Now now);
    bool answer_without_agent(const Job& job, Now now);
    void run_agent(Slot& slot, Job job, Now now);
    void keep_parameters(wire::Operation& operation);
    [[nodiscard]] const AgentFacts* facts_of(const wire::Operation& operation) const;
    void report(const Job& job, const wire::OperationResult& result);
    void monitor_done(const Job& job, wire::OperationResult result, Now now);

    std::uint64_t* next_run_;
    std::int64_t next_call_ = 1;
    std::map<std::string, Slot, std::less<>> slots_;
    std::map<MonitorKey, Monitor> monitors_;
    std::map<OperationId, std::string> runs_;     // run -> resource
    std::set<std::string, std::less<>> devices_;  // fence devices that were started here
    // What each resource was started with here, in this life of the daemon.
    std::map<std::string, Parameters, std::less<>> started_with_;
    std::map<AgentKey, AgentFacts> facts_;
    LocalOutput out_;
};

}  // namespace xbeat::execute
