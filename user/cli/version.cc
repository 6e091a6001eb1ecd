// `xbeat version`.
#include "cli/answer.h"
#include "cli/nouns.h"
#include "core/text.h"

namespace xbeat::cli {

void add_version(const Command& root) {
    Command version = root.verb("version", "Show the version of this program");
    version.footer("Example:\n  xbeat version");
    version.shows([](Session& session) {
        return show(session, {.text = concat("xbeat ", kVersion, "\n"),
                              .document = {{"program", "xbeat"}, {"version", kVersion}}});
    });
}

}  // namespace xbeat::cli
