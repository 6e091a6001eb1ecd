// The answer of `xbeat why` for programs: scores with every change of them, actions with their
// causes, what they wait for and what stands in their way.
//
// Pure: from what the scheduler recorded about itself to JSON.
#pragma once

#include "cli/answer.h"
#include "cli/render_why.h"

namespace xbeat::cli {

/// The members of the document: `placements`, `actions` and `fencing`, each a list that may be
/// empty. Scores are texts, since some are infinite ("INFINITY", "-INFINITY", "100").
[[nodiscard]] Document why_document(const schedule::Explanation& explanation,
                                    const WhyQuestion& question);

}  // namespace xbeat::cli
