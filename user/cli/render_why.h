// Why a resource is where it is, why an action is planned, why a node is fenced: as sentences.
//
// Pure: from what the scheduler recorded about itself to text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "schedule/explanation.h"
#include "schedule/situation.h"

namespace xbeat::cli {

struct WhyQuestion {
    std::string what;    // a resource, an action's key (web_start_0), or a node
    std::string node;    // only there; may be empty
    std::string action;  // only this task of the resource (start, stop, ...); may be empty
};

/// The answer, ending with a line feed. Errors: Code::NotFound if there is no such resource, action
/// or node; the context names what is near.
[[nodiscard]] Result<std::string> render_why(const schedule::Explanation& explanation,
                                             const schedule::Situation& situation,
                                             const WhyQuestion& question);

/// What a change of a score came from, in a few words.
[[nodiscard]] std::string cause_text(const schedule::ScoreChange& change);

/// The placements that the question is about: the resource, or the parts of a group, clone or
/// bundle. They live as long as `explanation`.
[[nodiscard]] std::vector<const schedule::Placement*> placements_meant(
    const schedule::Explanation& explanation, const WhyQuestion& question);

/// The steps that the question is about, without events; of a node, its fencing and shutdown.
[[nodiscard]] std::vector<const schedule::StepReason*> steps_meant(
    const schedule::Explanation& explanation, const WhyQuestion& question);

}  // namespace xbeat::cli
