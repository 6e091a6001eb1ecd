// The nouns of the command line: each function adds its own to the parser.
//
// One file a noun. A noun's function describes words, options and examples, and stores in `choice`
// what is to run once the whole line was understood.
#pragma once

#include "cli/session.h"

namespace xbeat::cli {

void add_keygen(CLI::App& app, Choice& choice);
void add_version(CLI::App& app, Choice& choice);

}  // namespace xbeat::cli
