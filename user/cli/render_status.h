// The cluster's state as text, in the form that users of crm_mon know, and its health in ten lines.
//
// Pure: the same input and options give the same text. Colours are added by who prints it.
#pragma once

#include <string>

#include "cli/status_input.h"

namespace xbeat::cli {

/// What to show, under the letters of crm_mon's options.
struct StatusOptions {
    bool headers = true;       // -D hides the summary
    bool nodes = true;         // the node list
    bool resources = true;     // the resource list
    bool inactive = false;     // -r
    bool fail_counts = false;  // -f
    bool operations = false;   // -o
    bool timing = false;       // -t, implies operations
    bool attributes = false;   // -A
    bool by_node = false;      // -n
    bool brief = false;        // -b
    bool detail = false;       // -R
    bool bans = false;         // -L
    bool tickets = false;      // -c
    bool failures = true;      // failed actions
    bool links = true;         // xbeat's own: paths to each peer
    int fence_history = 1;     // -m: 0 off, 1 failed and pending, 2 also succeeded, 3 everything
};

/// Each section with its heading, a blank line between two; ends with a line feed. Sections without
/// content are left out.
[[nodiscard]] std::string render_status(const StatusInput& input,
                                        const StatusOptions& options = {});

/// What a bare `xbeat` shows: at most ten lines that say whether anything needs a person.
/// `last`: the newest timeline, or null.
[[nodiscard]] std::string render_health(const StatusInput& input, const TimelineStatus* last);

/// Under what this node serves: "Lease: under the peer's grant (witness), runs out in 24.1 ms
/// unless renewed; gate open on svc for 10.77.0.200". Empty where no leases are used.
[[nodiscard]] std::string lease_text(const StatusInput& input);

/// One path as both displays and `mon` write it: "up (native), rtt p50 12 us, p99 40 us, ...".
[[nodiscard]] std::string link_text(const LinkStatus& link);

/// "Sun Nov 22 13:59:41 2026 by uid 0 via xbeat on pm01"; empty if not known.
[[nodiscard]] std::string to_string(const LastChange& change);

/// What `crm_mon -s` says, in one line for monitoring: OK and what there is, or WARN and which
/// nodes are missing.
[[nodiscard]] std::string simple_status(const StatusInput& input);

}  // namespace xbeat::cli
