// What cibadmin does to a document: elements created, modified, replaced and deleted, named by what
// they look like, by section or by XPath; and XPath on our own elements.
//
// Pacemaker's rules, found by its own cibadmin on files. Pure: whether the outcome can be used is
// for validate() and the daemon to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"

namespace xbeat::shim {

enum class CibVerb : std::uint8_t { Create, Modify, Replace, Delete };
enum class Matches : std::uint8_t { First, All };

struct CibEdit {
    CibVerb verb = CibVerb::Modify;
    std::string section = {};                // as -o names it; unknown ones mean the document
    std::string xpath = {};                  // instead of it
    std::optional<cib::Element> input = {};  // needed by all but a deletion by XPath
    bool may_create = false;                 // -c: what there is nothing of to modify
    Matches matches = Matches::First;        // of a deletion by XPath
};

/// Does it to a `cib`. Nothing to delete is no error. Errors: Code::NotFound where there is nothing
/// to modify or replace, Code::Exists for a creation of what is there, Code::Invalid for a verb
/// without its input or a text that is no XPath. After an error the document is undefined.
[[nodiscard]] Result<void> apply(const CibEdit& edit, cib::Element& cib);

/// Applies a difference as `crm_diff` prints it (format 2). Errors: Code::Invalid if it is none or
/// its steps do not fit, Code::Conflict if it begins from another version of the document.
[[nodiscard]] Result<void> apply_patch(const cib::Element& diff, cib::Element& cib);

/// Where the section stands: "/cib/configuration/resources"; "/cib" for all that is no section.
[[nodiscard]] std::string path_of_section(std::string_view section);

/// An element by its place: which child element (comments not counted) on each level below the
/// root.
using ElementPath = std::vector<std::size_t>;
/// What an XPath finds, in document order; of an attribute the element that has it. Code::Invalid
/// with the reason for a text that is no XPath or finds no elements by its nature ("count(//a)").
[[nodiscard]] Result<std::vector<ElementPath>> find_xpath(const cib::Element& cib,
                                                          const std::string& xpath);
/// Requires: a path that find_xpath() gave for this very document.
[[nodiscard]] cib::Element& element_at(cib::Element& cib, const ElementPath& path);
/// "/cib/configuration/resources/clone[@id='c']/primitive[@id='p']".
[[nodiscard]] std::string path_text(cib::Element& cib, const ElementPath& path);

}  // namespace xbeat::shim
