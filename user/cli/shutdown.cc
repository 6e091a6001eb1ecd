// `xbeat shutdown`: leave the cluster cleanly.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "cli/ask.h"
#include "cli/nouns.h"
#include "cli/status_source.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

constexpr std::chrono::minutes kLeaveMax{20};  // resources are stopped or handed over first

ExitCode run_shutdown(Session& session, bool yes) {
    const Result<nlohmann::json> here = ask(session, {{"op", "ping"}});
    if (!here) return fail(session, here.error());
    const std::string node = text_of(*here, "node");
    if (!yes && session.is_interactive) {
        session.out
            << node
            << " hands over or stops its resources and leaves the cluster. Type 'yes' to go on: ";
        session.out.flush();
        std::string answer;
        std::getline(session.in, answer);
        if (answer != "yes") {
            session.err << "xbeat: nothing was done\n";
            return ExitCode::Error;
        }
    }
    session.timeout = kLeaveMax;
    return request_change(session, {{"op", "leave"}});
}

}  // namespace

void add_shutdown(CLI::App& app, Choice& choice) {
    CLI::App* shutdown =
        app.add_subcommand("shutdown", "Leave the cluster cleanly and end this node's daemon");
    const auto yes = std::make_shared<bool>(false);
    shutdown->add_flag("--yes,-y", *yes, "Do not ask");
    shutdown->footer("Example:\n  xbeat shutdown --yes");
    shutdown->callback([&choice, yes] {
        choice.run = [yes](Session& session) { return run_shutdown(session, *yes); };
    });
}

}  // namespace xbeat::cli
