// What could stand next on a command line: for the shells' completion.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/session.h"

namespace xbeat::cli {

/// Words that fit in the place of the last of `words` (which may be empty, half a word or a whole
/// one) and begin with it: commands, options, and names that the daemon knows. Nothing, without an
/// error, if no daemon answers quickly. One a line, on the session's output.
ExitCode complete(Session& session, std::span<const std::string> words);

}  // namespace xbeat::cli
