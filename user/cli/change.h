// Changing the configuration of a running cluster: fetch, edit, show or send, and perhaps wait.
//
// What is sent says from which version it was derived, so that two operators at once never lose an
// update. Edits are pure functions of the configuration and are applied again when somebody else
// was faster; a replacement of everything is not.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cib/edit.h"
#include "cib/xml.h"
#include "cli/grammar.h"
#include "cli/request.h"
#include "cli/session.h"

namespace xbeat::cli {

/// Changes a `configuration` element; returns a sentence for the user, or an error.
using Edit = std::function<Result<std::string>(cib::Element& configuration)>;

/// Looks at the very document that is about to be edited; an error ends the change.
using Check = std::function<Result<void>(const cib::Element& cib)>;

/// The running cluster's CIB, with its secrets if the caller may see them. Errors as ask().
[[nodiscard]] Result<cib::Element> fetch_cib(const Session& session);

/// Whether the caller may change the configuration. Errors: Denied with the group that may, else as
/// ask().
[[nodiscard]] Result<void> require_admin(const Session& session);

/// Its `configuration`, empty if it has none.
[[nodiscard]] cib::Element configuration_of(const cib::Element& cib);

/// What two operators tell configurations apart by: "0.17", without the changes of the status.
[[nodiscard]] std::string version_text(const cib::Version& version);

/// Fetches, edits, and sends or (dry_run) shows what the cluster would do. Prints the edit's
/// sentence, or that nothing was to be changed. With `asks`, a person sees what would happen and
/// may still say no (ExitCode::Error).
[[nodiscard]] ExitCode change_configuration(Session& session, const ChangeOptions& options,
                                            const Edit& edit, const Check& check = {});

/// Sends a request that is no edit of the configuration (see effects.h); waits afterwards if the
/// options say so. With --dry-run nothing is sent: what the cluster would do then is shown. With
/// `asks` a person sees `warning` and the same, and may still say no (ExitCode::Error).
[[nodiscard]] ExitCode change_by_request(Session& session, const ChangeOptions& options,
                                         const Request& request, std::string_view warning = {});

/// The first half of it. An exit code if the request is not to be sent: it was only shown, a person
/// said no, or it cannot have an effect.
[[nodiscard]] std::optional<ExitCode> reason_to_stop(Session& session, const ChangeOptions& options,
                                                     const Request& request,
                                                     std::string_view warning);

/// For a person who said no: that nothing was done, and ExitCode::Error.
[[nodiscard]] ExitCode refuse(Session& session);

/// Waits until no action is under way and none is planned. Errors: Timeout after kSettleMax.
[[nodiscard]] Result<void> wait_until_settled(Session& session);

/// Shows what the cluster would do with this CIB, below a heading.
void show_preview(Session& session, std::string_view heading, const cib::Element& cib);

}  // namespace xbeat::cli
