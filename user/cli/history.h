// What the daemon kept of the past: the cluster at each transition, and each configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cib/xml.h"
#include "cli/session.h"

namespace xbeat::cli {

constexpr int kHistoryRowsMax = 1000;  // of one reply

struct HistoryEntry {
    std::int64_t number = 0;
    std::int64_t time_ms = 0;
    std::string kind = {};  // transition or configuration
    std::string cause = {};
    std::string version = {};
    cib::Element cib;  // of a single entry; empty in lists
};

/// The newest entries, oldest first. Errors as ask().
[[nodiscard]] Result<std::vector<HistoryEntry>> fetch_history(const Session& session, int rows);

/// One entry with its document, secrets included if the caller may see them. Errors as ask();
/// NotFound if it is not kept (any more).
[[nodiscard]] Result<HistoryEntry> fetch_history_entry(const Session& session, std::int64_t number);

}  // namespace xbeat::cli
