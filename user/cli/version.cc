// `xbeat version`.
#include <CLI/CLI.hpp>

#include "cli/nouns.h"

namespace xbeat::cli {

void add_version(CLI::App& app, Choice& choice) {
    CLI::App* version = app.add_subcommand("version", "Show the version of this program");
    version->footer("Example:\n  xbeat version");
    version->callback([&choice] {
        choice.run = [](Session& session) {
            session.out << "xbeat " << kVersion << '\n';
            return ExitCode::Ok;
        };
    });
}

}  // namespace xbeat::cli
