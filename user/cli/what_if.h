// What-if questions: edits of a CIB's status, made on a copy in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::cli {

struct WhatIf {
    std::vector<std::string> nodes_down = {};
    std::vector<std::string> nodes_up = {};
    std::vector<std::string> nodes_failed = {};  // up a moment ago, and not heard of since
    std::vector<std::string> failures = {};      // RESOURCE:OPERATION[:INTERVAL]@NODE=RC
    std::vector<std::string> tickets_granted = {};
    std::vector<std::string> tickets_revoked = {};
    std::vector<std::string> tickets_standby = {};
    std::vector<std::string> tickets_active = {};
    std::string quorum = {};  // "yes", "no" or empty: as it is
};

/// One operation that failed, or is to fail.
struct Failure {
    std::string resource;
    std::string operation;
    std::string node;
    std::int64_t interval_ms = 0;
    std::int64_t rc = 0;
};

/// Applies all of them to `cib`, the root element; `now` dates what is recorded. Errors:
/// Code::NotFound for an unknown node, Code::Invalid for a text that cannot be understood.
[[nodiscard]] Result<void> apply_what_if(cib::Element& cib, const WhatIf& what_if,
                                         EpochSeconds now);

/// Reads RESOURCE:OPERATION[:INTERVAL]@NODE=RC; `option` is named in the error, Code::Invalid.
[[nodiscard]] Result<Failure> parse_failure(std::string_view option, const std::string& text);

/// The state of a node, by name or id, made if there is none. Errors: NotFound for a node that is
/// not configured. Valid until `cib` changes.
[[nodiscard]] Result<cib::Element*> node_state(cib::Element& cib, const std::string& name);

/// The record of `resource` in a node's state, made if there is none.
[[nodiscard]] cib::Element& history_of(cib::Element& state, std::string_view resource);

/// Sets a node attribute that lasts until the node restarts.
void set_transient_attribute(cib::Element& state, const std::string& name,
                             const std::string& value);

/// One failure more in the counts of its node; a failed start or stop counts as infinitely many.
void raise_fail_count(cib::Element& cib, const Failure& failure, EpochSeconds now);

}  // namespace xbeat::cli
