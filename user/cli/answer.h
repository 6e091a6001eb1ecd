// What a command shows, twice: as lines for a person and as a document for a program.
//
// Every document has one frame. JSON: an object with `schema`, the command's own members and, at
// its end, `status` (`code`, `message`, `errors`). XML: Pacemaker's `pacemaker-result`, whose last
// element is `status`; in front of it stands what Pacemaker's own tool has there, or an element
// called after the command (`xbeat-history-list`) that is made from the JSON members: numbers and
// texts are attributes, lists are elements with one element an entry.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "cli/session.h"

namespace xbeat::cli {

using Document = nlohmann::ordered_json;

struct Answer {
    std::string text = {};                    // whole lines
    Document document = Document::object();   // the members behind `schema`
    std::vector<cib::Element> elements = {};  // in XML, instead of what `document` makes
    std::string raw_xml = {};                 // or the whole text, where it has a form of its own
    ExitCode code = ExitCode::Ok;
};

/// Prints it in the session's form and returns its code.
[[nodiscard]] ExitCode show(Session& session, const Answer& answer);

/// Ends a command: in the forms for programs, what was said and what failed becomes a document
/// unless the command has printed one. Returns `code`.
[[nodiscard]] ExitCode finish(Session& session, ExitCode code);

/// A member of a document as an element called `name`; null has none and gives an empty name.
[[nodiscard]] cib::Element to_element(std::string_view name, const Document& value);

/// Lines of a text, without their ends; as a list of a document.
[[nodiscard]] Document lines_of(std::string_view text);

}  // namespace xbeat::cli
