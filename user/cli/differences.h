// What differs between two configurations, as an answer.
#pragma once

#include <vector>

#include "cib/edit.h"
#include "cli/answer.h"

namespace xbeat::cli {

/// One line and one entry of `changes` each; "no difference" if there is none.
[[nodiscard]] Answer answer_of(const std::vector<cib::Change>& changes);

}  // namespace xbeat::cli
