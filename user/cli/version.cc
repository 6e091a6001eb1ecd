// `xbeat version`.
#include "cli/nouns.h"

namespace xbeat::cli {

void add_version(const Command& root) {
    Command version = root.verb("version", "Show the version of this program");
    version.footer("Example:\n  xbeat version");
    version.runs([](Session& session) {
        session.out << "xbeat " << kVersion << '\n';
        return ExitCode::Ok;
    });
}

}  // namespace xbeat::cli
