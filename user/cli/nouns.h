// The nouns of the command line: each function adds its own to the parser.
//
// One file a noun. A noun's function describes words, options and examples, and stores in `choice`
// what is to run once the whole line was understood.
#pragma once

#include "cli/session.h"

namespace xbeat::cli {

void add_configure(CLI::App& app, Choice& choice);
void add_resource(CLI::App& app, Choice& choice);
void add_node(CLI::App& app, Choice& choice);
void add_verify(CLI::App& app, Choice& choice);
void add_shutdown(CLI::App& app, Choice& choice);
void add_keygen(CLI::App& app, Choice& choice);
void add_status(CLI::App& app, Choice& choice);
void add_mon(CLI::App& app, Choice& choice);
void add_events(CLI::App& app, Choice& choice);
void add_timeline(CLI::App& app, Choice& choice);
void add_simulate(CLI::App& app, Choice& choice);
void add_version(CLI::App& app, Choice& choice);

/// The bare `xbeat`: health in ten lines, or that no daemon runs and what to do.
[[nodiscard]] ExitCode run_health(Session& session);

/// Checks the configuration in `file` ("-": the session's input), or the running cluster's if
/// `file` is empty, and prints what is wrong with it.
[[nodiscard]] ExitCode verify_configuration(Session& session, const std::string& file);

}  // namespace xbeat::cli
