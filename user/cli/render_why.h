// Why a resource is where it is, why an action is planned, why a node is fenced: as sentences.
//
// Pure: from what the scheduler recorded about itself to text.
#pragma once

#include <string>
#include <string_view>

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

}  // namespace xbeat::cli
