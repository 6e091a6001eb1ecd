// One operation of a resource agent as members tell each other: what to run, and what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/id.h"
#include "core/time.h"

namespace xbeat::wire {

/// The executor's status as recorded in `op-status`. Source: "Pacemaker Explained", Resource
/// history; the numbers are those of the CIB.
enum class OpStatus : std::int8_t {
    Pending = -1,
    Done = 0,
    Cancelled = 1,
    TimedOut = 2,
    NotSupported = 3,
    Error = 4,
    NotInstalled = 7,
};

struct Operation {
    OperationId id;  // chosen by the coordinator, never used again in its term
    std::string resource;
    std::string agent_class;
    std::string agent_provider;
    std::string agent_type;
    std::string task;  // start, stop, monitor, promote, demote, notify, cancel, delete, ...
    std::string key;   // RESOURCE_TASK_INTERVALMS
    std::string transition_key;
    std::string digest;  // of the parameters, for `op-digest`
    std::int64_t interval_ms = 0;
    std::int64_t timeout_ms = 0;
    std::int32_t target_rc = 0;
    std::vector<std::pair<std::string, std::string>> parameters;  // CRM_meta_* too
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.id, self.resource, self.agent_class, self.agent_provider, self.agent_type,
                self.task, self.key, self.transition_key, self.digest, self.interval_ms,
                self.timeout_ms, self.target_rc, self.parameters);
    }
};

/// What the record of an operation tells of its parameters beyond the digest over all of them. The
/// lists have a blank before, between and after the names; the digests are empty where there is
/// nothing to say.
struct ParameterRecord {
    std::string force_restart;   // `op-force-restart`: what the running service cannot take in
    std::string restart_digest;  // `op-restart-digest`: over those
    std::string secure;          // `op-secure-params`: what is masked where others may read
    std::string secure_digest;   // `op-secure-digest`: over all the others
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.force_restart, self.restart_digest, self.secure, self.secure_digest);
    }
};

/// What one run of an operation brought. A recurring monitor reports its first run and then every
/// change.
struct OperationResult {
    OperationId id;
    std::int64_t call_id = 0;  // grows with each report of one node's life
    std::int32_t rc = 0;
    std::int32_t op_status = 0;  // OpStatus
    std::string exit_reason;
    EpochSeconds changed;  // when this result was first seen
    std::int64_t exec_ms = 0;
    std::int64_t queue_ms = 0;
    bool is_change = false;  // a later report of a recurring monitor
    std::string trigger;  // "exit of process 4711, signal 9" if the kernel's watch caused the run
    ParameterRecord parameters;
    template <class Self, class Archive>
    static void fields(Self& self, Archive& archive) {
        archive(self.id, self.call_id, self.rc, self.op_status, self.exit_reason, self.changed,
                self.exec_ms, self.queue_ms, self.is_change, self.trigger, self.parameters);
    }
};

}  // namespace xbeat::wire
