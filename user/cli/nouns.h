// The nouns of the command line: each function adds its own to the parser.
//
// One file a noun. A noun's function describes words, options and examples, and what is to run once
// the whole line was understood. Its verbs are added only if the noun stands in the line.
#pragma once

#include "cli/grammar.h"
#include "cli/session.h"

namespace xbeat::cli {

void add_configure(const Command& root);
void add_resource(const Command& root);
void add_node(const Command& root);
void add_fence(const Command& root);
void add_verify(const Command& root);
void add_shutdown(const Command& root);
void add_keygen(const Command& root);
void add_witness(const Command& root);
void add_disk(const Command& root);
void add_status(const Command& root);
void add_mon(const Command& root);
void add_events(const Command& root);
void add_timeline(const Command& root);
void add_history(const Command& root);
void add_attribute(const Command& root);
void add_ticket(const Command& root);
void add_ra(const Command& root);
void add_init(const Command& root);
void add_invite(const Command& root);
void add_join(const Command& root);
void add_doctor(const Command& root);
void add_metrics(const Command& root);
void add_report(const Command& root);
void add_replay(const Command& root);
void add_tune(const Command& root);
void add_version(const Command& root);
void add_simulate(const Command& root);
void add_why(const Command& root);

/// The bare `xbeat`: health in ten lines, or that no daemon runs and what to do.
[[nodiscard]] ExitCode run_health(Session& session);

/// Checks the configuration in `file` ("-": the session's input), or the running cluster's if
/// `file` is empty, and prints what is wrong with it.
[[nodiscard]] ExitCode verify_configuration(Session& session, const std::string& file);

}  // namespace xbeat::cli
