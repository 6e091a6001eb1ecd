// Fencing by hand: the verbs that `xbeat fence` and `xbeat node` have in common.
#pragma once

#include <string_view>

#include "cli/grammar.h"

namespace xbeat::cli {

/// Adds the shot, called `name` below this noun, and `confirm`. `noun_name`: for examples and help.
void add_shots(const Command& noun, std::string_view noun_name, std::string_view name);

}  // namespace xbeat::cli
