// XML as a value: what a CIB is made of before it means anything.
//
// An `Element` owns its attributes and children and can be copied, compared and printed. Comments
// are kept as children, so that a configuration survives reading and writing. Entities beyond the
// five predefined ones, DOCTYPE and processing instructions are rejected: configuration comes from
// outside. What elements mean is left to cib/, model/ and schedule/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace xbeat::cib {

struct Attribute {
    std::string name;
    std::string value;
    friend bool operator==(const Attribute&, const Attribute&) = default;
};

enum class NodeKind : std::uint8_t { Element, Comment, Text };

struct Element {
    std::string name;  // empty for comments and text
    std::string text;  // the body of a comment or of text
    std::vector<Attribute> attributes;
    std::vector<Element> children;
    std::uint32_t line = 0;  // where it began in the input, from 1; 0 if it was not read from text
    NodeKind kind = NodeKind::Element;

    /// The attribute's value, or an empty view if there is none. Valid until this element changes.
    [[nodiscard]] std::string_view get(std::string_view attribute) const;
    [[nodiscard]] bool has(std::string_view attribute) const;
    /// Replaces the value, or appends the attribute.
    void set(std::string_view attribute, std::string_view value);
    void unset(std::string_view attribute);

    /// The first child element of that name, or null.
    [[nodiscard]] const Element* child(std::string_view child_name) const;
    [[nodiscard]] Element* child(std::string_view child_name);
    /// The first child element of that name, appended if there is none.
    Element& child_or_new(std::string_view child_name);
    /// The element in this subtree (itself included) whose `id` is this, or null. O(size).
    [[nodiscard]] const Element* find_id(std::string_view id) const;
    [[nodiscard]] Element* find_id(std::string_view id);

    /// Same names, text, attributes in order and children in order; lines do not count.
    friend bool operator==(const Element& a, const Element& b) {
        return a.kind == b.kind && a.name == b.name && a.text == b.text &&
               a.attributes == b.attributes && a.children == b.children;
    }
};

/// What a `node_state` knows of runs: its list of `lrm_resource` elements, or null.
[[nodiscard]] const Element* histories_of(const Element& node_state);
[[nodiscard]] Element* histories_of(Element& node_state);

/// Reads one document: UTF-8, one root element, no DOCTYPE, no processing instruction, no entity
/// but XML's own five. White space around text is dropped, and so is a second hyphen in comments.
/// Errors are Code::Invalid with "line N: ..." or Code::Limit: more than kConfigBytesMax bytes,
/// kXmlDepthMax levels, kXmlElementsMax elements, kXmlAttributesMax attributes, ...
[[nodiscard]] Result<Element> parse_xml(std::string_view text);

/// What may name an element or an attribute: XML 1.0, section 2.3, with every character past ASCII
/// allowed; at most kIdBytesMax bytes.
[[nodiscard]] bool is_xml_name(std::string_view name);

/// Appends `text` as it stands between the quotes of an attribute: &, <, >, " and what a reader
/// would turn into blanks (line feed, tab, carriage return) become references.
void append_escaped(std::string& out, std::string_view text);

/// Two blanks a level, attributes in order, everything escaped; parse_xml() reads back an equal
/// element.
[[nodiscard]] std::string print_xml(const Element& element);

}  // namespace xbeat::cib
