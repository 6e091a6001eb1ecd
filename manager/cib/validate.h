// Whether a configuration can be used, and what is wrong with it.
//
// Everything that a later stage would have to stumble over is found here: the scheduler never sees
// a wrong input. An error makes a configuration unusable; a warning is for what Pacemaker ignores
// too, and probably not what was meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"

namespace xbeat::cib {

enum class Severity : std::uint8_t { Warning, Error };

struct Problem {
    Severity severity = Severity::Error;
    std::uint32_t line =
        0;           // of the element in the text it was read from; 0 if it was not read from text
    std::string id;  // of the nearest element around it that has one
    std::string_view rule;  // the broken rule's name, such as "unknown-reference"; a literal
    std::string text;       // one sentence with the remedy, without a full stop
    friend bool operator==(const Problem&, const Problem&) = default;
};

constexpr std::size_t kProblemsMax =
    1000;  // reported; the last one then says how many more there are
constexpr std::size_t kPatternBytesMax = 1024;  // of a regular expression; a longer one is an error

/// All problems of a `cib` or a `configuration`, in document order within each rule's pass; empty
/// for a usable one. Time grows with the size times its logarithm. Rules: misplaced-element,
/// unknown-element, unknown-attribute, missing-id, bad-id, duplicate-id, unknown-reference,
/// missing-attribute, bad-score, bad-value, unknown-option, unknown-class, bad-nesting,
/// empty-group, bad-operation, duplicate-operation, bad-rule, bad-constraint, bad-level,
/// bad-access, limit.
[[nodiscard]] std::vector<Problem> validate(const Element& cib_or_configuration);

[[nodiscard]] bool has_error(const std::vector<Problem>& problems);

/// "line 12: error: web: text (rule)"; without a line "error: ...".
[[nodiscard]] std::string to_string(const Problem& problem);

}  // namespace xbeat::cib
