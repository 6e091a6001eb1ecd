// Changing the configuration of a running cluster: fetch, edit, show or send, and perhaps wait.
//
// What is sent says from which version it was derived, so that two operators at once never lose an
// update. Edits are pure functions of the configuration and are applied again when somebody else
// was faster; a replacement of everything is not.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cib/xml.h"
#include "cli/request.h"
#include "cli/session.h"

namespace xbeat::cli {

class Command;

struct ChangeOptions {
    bool dry_run = false;  // show what would happen, change nothing
    bool wait = false;     // until the cluster has settled
    bool force = false;    // although something refers to it, or an option is unknown
    bool retry = true;     // apply the edit again if somebody else changed the configuration first
    bool asks = false;     // show a person what would happen, and ask, before it is done
    bool yes = false;      // but not this time
};

/// Adds --wait and --dry-run.
void add_change_options(Command& verb, ChangeOptions& options);
/// The same and --yes: for what may take a service away.
void add_destructive_options(Command& verb, ChangeOptions& options);
/// The options of such a command: with `asks`, which is no option but the command's nature.
[[nodiscard]] ChangeOptions asking(ChangeOptions options);

/// Changes a `configuration` element; returns a sentence for the user, or an error.
using Edit = std::function<Result<std::string>(cib::Element& configuration)>;

/// The running cluster's CIB, with its secrets if the caller may see them. Errors as ask().
[[nodiscard]] Result<cib::Element> fetch_cib(const Session& session);

/// Its `configuration`, empty if it has none.
[[nodiscard]] cib::Element configuration_of(const cib::Element& cib);

/// Fetches, edits, and sends or (dry_run) shows what the cluster would do. Prints the edit's
/// sentence, or that nothing was to be changed. With `asks`, a person sees what would happen and
/// may still say no (ExitCode::Error).
[[nodiscard]] ExitCode change_configuration(Session& session, const ChangeOptions& options,
                                            const Edit& edit);

/// Sends a request that is no edit of the configuration; waits afterwards if the options say so.
[[nodiscard]] ExitCode change_by_request(Session& session, const ChangeOptions& options,
                                         const Request& request);

/// Waits until no action is under way and none is planned. Errors: Timeout after kSettleMax.
[[nodiscard]] Result<void> wait_until_settled(Session& session);

/// What the cluster would do with this CIB, as text.
[[nodiscard]] std::string preview(const cib::Element& cib);

}  // namespace xbeat::cli
