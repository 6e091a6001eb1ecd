// From which configuration a text was made, so that loading it undoes nobody's change unseen.
//
// What this program saves says it: as XML in the versions of the `cib`, in the crm language in its
// first line. A text that does not say it is taken as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cib/edit.h"
#include "cli/session.h"

namespace xbeat::cli {

constexpr int kTellersMax = 5;          // changes that a refusal tells of, the newest
constexpr int kToldDifferencesMax = 4;  // of each

/// The configuration as it is saved. As XML it is a `cib` without status: its versions stay.
[[nodiscard]] std::string print_saved(const cib::Element& cib, bool as_xml);

struct SavedText {
    std::string text;  // with an empty line in place of ours, so that line numbers stay
    std::optional<cib::Version> base = {};
};
/// Takes our line off a text; what is not ours stays as it is.
[[nodiscard]] SavedText read_saved(std::string text);

/// Code::Conflict if `cib` has a newer configuration than `base`: who changed what, and when, as
/// far as the asked node remembers. `what`: begins the sentence ("web.crm").
[[nodiscard]] Result<void> refuse_outdated(const Session& session, const cib::Element& cib,
                                           const cib::Version& base, std::string_view what);

}  // namespace xbeat::cli
