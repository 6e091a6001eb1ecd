// A part of a document, for who asks one question of a large one.
//
// The part is a document of the same shape, with less in it, so that whoever reads whole documents
// reads it as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"

namespace xbeat::cib {

struct Part {
    // Children of <configuration>; "status"; "members", the node_state elements without what is
    // below them; "tickets"; "none", only the document's own attributes. Empty: everything.
    std::vector<std::string> sections = {};
    // Of the resources and histories only those that belong to this one: it, what holds it at the
    // top of <resources>, and its siblings there. Templates stay. Empty: all of them.
    std::string resource = {};
};

/// "nodes members". Errors: Code::Invalid with the names that there are.
[[nodiscard]] Result<std::vector<std::string>> parse_sections(std::string_view text);

/// A copy of that part. O(what is kept + the number of resources and histories).
[[nodiscard]] Element part_of(const Element& cib, const Part& part);

}  // namespace xbeat::cib
