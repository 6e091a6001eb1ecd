// What an agent's metadata says that the record of an operation needs: which parameters the running
// service can take in, and which are nobody's business.
//
// The scheduler decides between a reload and a restart by the digests that the record carries, so
// the node whose agent ran writes them. Fetching the metadata is left to the host.
// Source: OCF Resource Agent API 1.0 and 1.1; "Pacemaker Explained", section "Reloading an Agent
// After a Definition Change"; observable records of Pacemaker 2.1.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "wire/operation.h"
#include "wire/record.h"

namespace xbeat::execute {

struct ParameterFacts {
    std::string name;
    bool is_unique = false;      // `unique`, which before OCF 1.1 meant: needs a restart
    bool is_reloadable = false;  // `reloadable`, OCF 1.1
    bool is_private = false;     // `private`: its value is masked where others may read
};

struct AgentFacts {
    /// How it takes in changed parameters: "reload-agent", before OCF 1.1 "reload"; empty if it
    /// cannot.
    std::string reload_action;
    std::vector<ParameterFacts> parameters;  // in the metadata's order
};

/// Reads an agent's XML; what stands before and after it is ignored. Code::Invalid if there is
/// none.
[[nodiscard]] Result<AgentFacts> read_agent_facts(std::string_view metadata);

/// What the record of an operation says beyond `op-digest`. Empty digests: nothing to say.
[[nodiscard]] wire::ParameterRecord record_parameters(const AgentFacts& facts,
                                                      const wire::Operation& operation);

/// Adds it to the history entries of the operation's result.
void add_parameter_record(const wire::ParameterRecord& record,
                          std::vector<wire::RecordBody>& entries);

/// The operation as its history names it: a reload leaves what a start with the new parameters
/// would, and one that fails counts as a failed start.
[[nodiscard]] wire::Operation as_recorded(const wire::Operation& operation);

}  // namespace xbeat::execute
