// What `simulate` and `why` ask about: a CIB from a file, from standard input or from the running
// cluster, and the time to decide for.
#pragma once

#include <string>

#include "cib/xml.h"
#include "cli/session.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::cli {

/// The CIB in `file` ("-": the session's input), upgraded to today's schema; the running cluster's
/// if `file` is empty. Errors: Code::Invalid with the line for what is no CIB, else as read_input()
/// and fetch_cib().
[[nodiscard]] Result<cib::Element> read_cib(Session& session, const std::string& file);

/// The time that `text` says, in ISO 8601, UTC; if it is empty that of the CIB's `execution-date`,
/// else the clock's. Errors: Code::Invalid.
[[nodiscard]] Result<EpochSeconds> plan_time(const std::string& text, const cib::Element& cib);

}  // namespace xbeat::cli
