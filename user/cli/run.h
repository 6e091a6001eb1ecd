// The whole command line as a function: words in, text and an exit code out.
#pragma once

#include <span>
#include <string>

#include "cli/session.h"

namespace xbeat::cli {

/// Parses `words` (without the program's name) and runs what they say. Never throws.
///
/// No words at all show the cluster's health in ten lines. A wrong use prints what is wrong, the
/// nearest known word and where the help is, and gives ExitCode::Usage.
[[nodiscard]] ExitCode run(Session& session, std::span<const std::string> words);

/// Adds every command to `app`; only the nouns that stand in `words` get their verbs. `session` and
/// `choice` take what the line says, and outlive `app`.
void describe_commands(CLI::App& app, Session& session, Choice& choice,
                       std::span<const std::string> words);

}  // namespace xbeat::cli
