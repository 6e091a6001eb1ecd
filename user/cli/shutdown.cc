// `xbeat shutdown`: leave the cluster cleanly.
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "control/client.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

constexpr std::chrono::minutes kLeaveMax{20};  // resources are stopped or handed over first

// Whether the daemon has ended: nobody answers any more.
Result<void> wait_until_gone(const Session& session) {
    const Instant deadline = sys::boot_now() + kLeaveMax;
    while (sys::boot_now() < deadline) {
        Result<control::Client> client = connect(session);
        if (!client && client.error().code == Code::Unavailable) return {};
        if (!client) return client.error();
        // The connection ends with the daemon; nothing else comes on it.
        const Result<nlohmann::json> word = client->next(std::chrono::seconds(1));
        if (!word && word.error().code != Code::Timeout && word.error().code != Code::Unavailable)
            return word.error();
    }
    return Error{.code = Code::Timeout,
                 .context = "the daemon has not ended; 'xbeat events' tells what it waits for"};
}

ExitCode run_shutdown(Session& session, const ChangeOptions& options) {
    const Result<std::string> node = ask_own_name(session);
    if (!node) return fail(session, node.error());
    // The daemon knows which node it is; the name is for showing what would happen.
    Request effect{"leave"};
    effect.text("node", *node);
    const std::string warning =
        concat(*node,
               " hands over or stops its resources and leaves the cluster. What the cluster does "
               "not manage now goes on running here, and nowhere else.");
    if (const auto code = reason_to_stop(session, options, effect, warning)) return *code;
    session.timeout = kLeaveMax;
    const ExitCode code = request_change(session, {"leave"});
    if (code != ExitCode::Ok || !options.wait) return code;
    const Result<void> gone = wait_until_gone(session);
    return gone ? ExitCode::Ok : fail(session, gone.error());
}

}  // namespace

void add_shutdown(const Command& root) {
    Command shutdown =
        root.verb("shutdown", "Leave the cluster cleanly and end this node's daemon");
    const auto options = std::make_shared<ChangeOptions>();
    shutdown.footer("With --wait until the daemon has ended.\nExample:\n  xbeat shutdown --yes");
    shutdown.changes(*options, with(options, run_shutdown), Harm::MayStop);
}

}  // namespace xbeat::cli
