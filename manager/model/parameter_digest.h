// The digest of an operation's parameters, as executors record it in `op-digest`.
//
// Who runs an operation records it, who schedules compares it with what is configured now: so there
// is one rendering for both.
#pragma once

#include <map>
#include <string>

namespace xbeat::model {

/// MD5, in hex, over one `parameters` element with its attributes sorted by name, a blank before
/// it and a line end after it: what executors have always written. Which parameters belong in is
/// the caller's business.
[[nodiscard]] std::string parameter_digest(
    const std::map<std::string, std::string, std::less<>>& parameters);

}  // namespace xbeat::model
