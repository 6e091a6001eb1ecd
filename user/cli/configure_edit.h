// The verbs of `xbeat configure` that need an editor, a file or the past.
#pragma once

#include "cli/grammar.h"

namespace xbeat::cli {

/// Adds edit, save and undo.
void add_configure_editing(const Command& noun);

}  // namespace xbeat::cli
