// What a request to the daemon does to the document: for showing what would happen, before it is
// sent or instead of it. The daemon does it for real in manager/node/; these are edits of a copy.
#pragma once

#include <string>

#include "cib/xml.h"
#include "cli/request.h"
#include "core/result.h"
#include "core/time.h"

namespace xbeat::cli {

/// Applies a request of one of the operations `set_attribute`, `set_ticket`, `cleanup`, `fail`,
/// `fence`, `confirm`, `forget_fences` and `leave` (whose member `node` is the daemon's own) to
/// `cib`, the root element. `now` dates what is recorded. Private attributes and attributes that
/// wait for calm change nothing: nothing depends on them yet. Errors: NotFound for a node or a
/// resource that is not there. Requires: another operation is no request that has an effect here.
[[nodiscard]] Result<void> apply_request(cib::Element& cib, const Request& request,
                                         EpochSeconds now);

}  // namespace xbeat::cli
