// `xbeat shutdown`: leave the cluster cleanly.
#include <chrono>
#include <memory>

#include "cli/ask.h"
#include "cli/nouns.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

constexpr std::chrono::minutes kLeaveMax{20};  // resources are stopped or handed over first

ExitCode run_shutdown(Session& session, bool yes) {
    const Result<std::string> node = ask_own_name(session);
    if (!node) return fail(session, node.error());
    const std::string question =
        concat(*node, " hands over or stops its resources and leaves the cluster.");
    if (!yes && !is_confirmed(session, question)) {
        session.err << "xbeat: nothing was done\n";
        return ExitCode::Error;
    }
    session.timeout = kLeaveMax;
    return request_change(session, {"leave"});
}

}  // namespace

void add_shutdown(const Command& root) {
    Command shutdown =
        root.verb("shutdown", "Leave the cluster cleanly and end this node's daemon");
    const auto yes = std::make_shared<bool>(false);
    shutdown.flag("--yes,-y", *yes, "Do not ask");
    shutdown.footer("Example:\n  xbeat shutdown --yes");
    shutdown.runs([yes](Session& session) { return run_shutdown(session, *yes); });
}

}  // namespace xbeat::cli
