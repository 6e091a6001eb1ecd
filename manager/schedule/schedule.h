// The scheduler: from a CIB and a time to a plan. A pure function; the same input gives the same
// plan, whatever the order of nodes and attributes in the document means nothing to.
//
// It decides as Pacemaker 3.0.2 does ("Pacemaker Explained"). Validation of the input is left to
// cib/: here every element tree gives some plan, and what cannot be understood counts as absent.
#pragma once

#include "cib/xml.h"
#include "core/time.h"
#include "schedule/plan.h"
#include "schedule/situation.h"

namespace xbeat::schedule {

struct Explanation;

struct Options {
    EpochSeconds now;            // effective time, for expiry and date rules; see effective_time()
    bool record_scores = false;  // fill Plan::scores
    Explanation* explanation = nullptr;  // filled if given; what it held before is lost
};

/// The plan for `cib`, the root element <cib> with <configuration> and <status>. Never fails.
[[nodiscard]] Plan schedule(const cib::Element& cib, const Options& options);

/// What the status section says, judged with the configuration: for displays. Never fails.
[[nodiscard]] Situation observe(const cib::Element& cib, const Options& options);

/// The time to schedule for: the CIB's own `execution-date` if it has one, else `clock`.
[[nodiscard]] EpochSeconds effective_time(const cib::Element& cib, EpochSeconds clock);

}  // namespace xbeat::schedule
