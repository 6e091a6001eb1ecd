#include "cib/xml.h"

#include <pugixml.hpp>

#include <algorithm>
#include <array>

#include "cib/utf8.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

// Line numbers for offsets that only grow: each byte of the text is counted once.
class LineCounter {
public:
    explicit LineCounter(std::string_view text) : text_(text) {}

    std::uint32_t line_at(std::size_t offset) {
        offset = std::min(offset, text_.size());
        if (offset < at_) {
            at_ = 0;
            line_ = 1;
        }
        line_ += static_cast<std::uint32_t>(
            std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                       text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
        at_ = offset;
        return line_;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
};

struct Reader {
    LineCounter lines;
    std::size_t elements = 0;
};

Error at_line(Code code, std::uint32_t line, std::string_view what) {
    return {.code = code, .context = concat("line ", line, ": ", what)};
}

bool is_blank(std::string_view text) { return trim(text).empty(); }

// A comment as XML allows it: no two hyphens in a row, none at the end.
std::string proper_comment(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '-' && out.ends_with('-')) out.push_back(' ');
        out.push_back(c);
    }
    if (out.ends_with('-')) out.push_back(' ');
    return out;
}

// "#65", "#x41": a character that may stand in a document.
bool is_character_reference(std::string_view name) {
    if (!name.starts_with('#')) return false;
    name.remove_prefix(1);
    const bool is_hex = name.starts_with('x');
    if (is_hex) name.remove_prefix(1);
    if (name.empty() || name.size() > 8) return false;
    std::uint32_t code = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), code, is_hex ? 16 : 10);
    if (error != std::errc{} || end != name.data() + name.size()) return false;
    const bool is_control = code < 0x20 ? code != 9 && code != 10 && code != 13 : code == 0x7f;
    return !is_control && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

// Whether the & at the front of `rest` begins one of XML's own five references or a character.
bool is_good_reference(std::string_view rest) {
    constexpr std::array<std::string_view, 5> kNames = {"amp", "lt", "gt", "quot", "apos"};
    constexpr std::size_t kReferenceMax = 12;
    const std::size_t end = rest.substr(0, kReferenceMax).find(';');
    if (end == std::string_view::npos) return false;
    const std::string_view name = rest.substr(1, end - 1);
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
           is_character_reference(name);
}

// The offset of the first & that begins no good reference, or of a < inside an attribute's value:
// the parser would let both pass as plain text. What stands in comments and CDATA is no reference.
std::optional<std::size_t> find_bad_reference(std::string_view text) {
    char quote = 0;
    bool is_in_tag = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '&' && !is_good_reference(text.substr(at))) return at;
        if (quote != 0) {
            if (c == '<') return at;
            if (c == quote) quote = 0;
        } else if (is_in_tag) {
            if (c == '"' || c == '\'') quote = c;
            if (c == '>') is_in_tag = false;
        } else if (c == '<') {
            const std::string_view rest = text.substr(at);
            const bool is_comment = rest.starts_with("<!--");
            is_in_tag = !is_comment && !rest.starts_with("<![CDATA[");
            if (is_in_tag) continue;
            const std::size_t end = text.find(is_comment ? "-->" : "]]>", at);
            if (end == std::string_view::npos) return std::nullopt;
            at = end + 2;
        }
    }
    return std::nullopt;
}

Result<Element> convert(const pugi::xml_node& node, Reader& reader, std::size_t depth);

Result<void> convert_attributes(const pugi::xml_node& node, Element& element) {
    const auto all = node.attributes();
    const auto count = static_cast<std::size_t>(std::distance(all.begin(), all.end()));
    element.attributes.reserve(std::min(count, kXmlAttributesMax));
    for (const pugi::xml_attribute& attribute : all) {
        if (element.attributes.size() == kXmlAttributesMax) {
            return at_line(Code::Limit, element.line,
                           concat("more than ", kXmlAttributesMax, " attributes"));
        }
        if (!is_xml_name(attribute.name()))
            return at_line(Code::Invalid, element.line, "an attribute's name is malformed");
        const std::string_view value = attribute.value();
        if (value.size() > kXmlValueBytesMax) {
            return at_line(Code::Limit, element.line,
                           concat("the value of ", attribute.name(), " is longer than ",
                                  kXmlValueBytesMax, " bytes"));
        }
        if (find_bad_byte(value))
            return at_line(Code::Invalid, element.line,
                           "a control character in a value; remove it");
        if (element.has(attribute.name())) {
            return at_line(Code::Invalid, element.line,
                           concat("attribute ", attribute.name(), " is given twice"));
        }
        element.attributes.push_back({attribute.name(), std::string(value)});
    }
    return {};
}

Result<void> convert_children(const pugi::xml_node& node, Element& element, Reader& reader,
                              std::size_t depth) {
    const auto all = node.children();
    element.children.reserve(static_cast<std::size_t>(std::distance(all.begin(), all.end())));
    for (const pugi::xml_node& below : all) {
        switch (below.type()) {
            case pugi::node_element:
                element.children.push_back(XB_TRY(convert(below, reader, depth + 1)));
                break;
            case pugi::node_comment: {
                Element comment;
                comment.kind = NodeKind::Comment;
                comment.text = proper_comment(below.value());
                element.children.push_back(std::move(comment));
                break;
            }
            case pugi::node_pcdata:
            case pugi::node_cdata: {
                const bool follows_text =
                    !element.children.empty() && element.children.back().kind == NodeKind::Text;
                if (follows_text) {
                    element.children.back().text += below.value();
                    break;
                }
                if (is_blank(below.value())) break;
                Element text;
                text.kind = NodeKind::Text;
                text.text = below.value();
                element.children.push_back(std::move(text));
                break;
            }
            default:
                return at_line(Code::Invalid, element.line,
                               "processing instructions and DOCTYPE are not accepted");
        }
    }
    // White space around a text is only layout.
    for (Element& child : element.children) {
        if (child.kind == NodeKind::Text) child.text = std::string(trim(child.text));
    }
    return {};
}

Result<Element> convert(const pugi::xml_node& node, Reader& reader, std::size_t depth) {
    Element element;
    element.name = node.name();
    const std::ptrdiff_t offset = node.offset_debug();
    element.line = reader.lines.line_at(offset < 0 ? 0 : static_cast<std::size_t>(offset));
    if (depth > kXmlDepthMax) {
        return at_line(Code::Limit, element.line,
                       concat("elements nested deeper than ", kXmlDepthMax, " levels"));
    }
    if (!is_xml_name(element.name))
        return at_line(Code::Invalid, element.line, "an element's name is malformed");
    if (++reader.elements > kXmlElementsMax) {
        return at_line(Code::Limit, element.line,
                       concat("more than ", kXmlElementsMax, " elements"));
    }
    XB_TRY(convert_attributes(node, element));
    XB_TRY(convert_children(node, element, reader, depth));
    return element;
}

// The nesting of start tags, counted before the parser (which recurses over it when it frees) sees
// the text.
bool is_too_deep(std::string_view text) {
    std::size_t depth = 0;
    for (std::size_t at = text.find('<'); at != std::string_view::npos;
         at = text.find('<', at + 1)) {
        const std::string_view rest = text.substr(at);
        if (rest.starts_with("<!--")) {
            const std::size_t end = text.find("-->", at);
            if (end == std::string_view::npos) return false;
            at = end;
        } else if (rest.starts_with("</")) {
            if (depth > 0) --depth;
        } else if (!rest.starts_with("<?") && !rest.starts_with("<!")) {
            const std::size_t end = text.find('>', at);
            if (end == std::string_view::npos) return false;
            if (text[end - 1] != '/' && ++depth > 4 * kXmlDepthMax) return true;
        }
    }
    return false;
}

void append_escaped_as(std::string& out, std::string_view text, bool in_attribute) {
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += in_attribute ? "&quot;" : "\"";
                break;
            // A reader turns these into blanks inside an attribute unless they are written as
            // references.
            case '\n':
                out += in_attribute ? "&#10;" : "\n";
                break;
            case '\t':
                out += in_attribute ? "&#9;" : "\t";
                break;
            case '\r':
                out += "&#13;";
                break;
            default:
                out.push_back(c);
        }
    }
}

void print(std::string& out, const Element& element, std::size_t depth) {
    const std::string indent(2 * depth, ' ');
    if (element.kind == NodeKind::Comment) {
        out += indent + "<!--" + proper_comment(element.text) + "-->\n";
        return;
    }
    if (element.kind == NodeKind::Text) {
        out += indent;
        append_escaped_as(out, element.text, false);
        out += "\n";
        return;
    }
    out += indent + "<" + element.name;
    for (const Attribute& attribute : element.attributes) {
        out += " " + attribute.name + "=\"";
        append_escaped_as(out, attribute.value, true);
        out += "\"";
    }
    if (element.children.empty()) {
        out += "/>\n";
        return;
    }
    // A lone text stays on its line, so that reading back does not add white space to it.
    if (element.children.size() == 1 && element.children.front().kind == NodeKind::Text) {
        out += ">";
        append_escaped_as(out, element.children.front().text, false);
        out += "</" + element.name + ">\n";
        return;
    }
    out += ">\n";
    for (const Element& below : element.children) print(out, below, depth + 1);
    out += indent + "</" + element.name + ">\n";
}

template <class Any>
Any* find_by_id(Any& element, std::string_view id) {
    if (element.kind == NodeKind::Element && element.has("id") && element.get("id") == id)
        return &element;
    for (auto& below : element.children) {
        if (Any* found = find_by_id<Any>(below, id)) return found;
    }
    return nullptr;
}

template <class Any>
Any* find_child(Any& element, std::string_view name) {
    for (auto& below : element.children) {
        if (below.kind == NodeKind::Element && below.name == name) return &below;
    }
    return nullptr;
}

template <class Any>
Any* find_histories(Any& node_state) {
    Any* executor = find_child(node_state, "lrm");
    return executor == nullptr ? nullptr : find_child(*executor, "lrm_resources");
}

}  // namespace

bool is_xml_name(std::string_view name) {
    const auto is_start = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
               static_cast<unsigned char>(c) >= 0x80;
    };
    const auto is_rest = [&](char c) {
        return is_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= kIdBytesMax && is_start(name.front()) &&
           std::all_of(name.begin(), name.end(), is_rest);
}

std::string_view Element::get(std::string_view attribute) const {
    for (const Attribute& own : attributes) {
        if (own.name == attribute) return own.value;
    }
    return {};
}

bool Element::has(std::string_view attribute) const {
    return std::any_of(attributes.begin(), attributes.end(),
                       [&](const Attribute& own) { return own.name == attribute; });
}

void Element::set(std::string_view attribute, std::string_view value) {
    for (Attribute& own : attributes) {
        if (own.name == attribute) {
            own.value = value;
            return;
        }
    }
    attributes.push_back({std::string(attribute), std::string(value)});
}

void Element::unset(std::string_view attribute) {
    std::erase_if(attributes, [&](const Attribute& own) { return own.name == attribute; });
}

const Element* Element::child(std::string_view child_name) const {
    return find_child(*this, child_name);
}
Element* Element::child(std::string_view child_name) { return find_child(*this, child_name); }

Element& Element::child_or_new(std::string_view child_name) {
    if (Element* found = child(child_name)) return *found;
    children.emplace_back();
    children.back().name = child_name;
    return children.back();
}

const Element* Element::find_id(std::string_view id) const { return find_by_id(*this, id); }
Element* Element::find_id(std::string_view id) { return find_by_id(*this, id); }

Result<Element> parse_xml(std::string_view text) {
    if (text.size() > kConfigBytesMax) {
        return Error{Code::Limit, concat("the document is ", text.size(), " bytes; at most ",
                                         kConfigBytesMax, " are accepted")};
    }
    if (is_too_deep(text)) {
        return Error{Code::Limit, concat("elements nested deeper than ", kXmlDepthMax, " levels")};
    }
    Reader reader{LineCounter(text)};
    if (const auto bad = find_bad_byte(text)) {
        return at_line(Code::Invalid, reader.lines.line_at(*bad),
                       "a byte that is not UTF-8 or a control character; save the file as UTF-8");
    }
    if (const auto bad = find_bad_reference(text)) {
        return at_line(
            Code::Invalid, reader.lines.line_at(*bad),
            "an entity that is not one of &amp; &lt; &gt; &quot; &apos;, or a < in a value; "
            "write & as &amp; and < as &lt;");
    }
    pugi::xml_document document;
    // parse_fragment shows text beside the root element, which the default drops in silence;
    // parse_doctype and parse_pi keep what the default drops in silence, so that it can be refused
    // by name.
    const unsigned options = pugi::parse_default | pugi::parse_comments | pugi::parse_doctype |
                             pugi::parse_pi | pugi::parse_fragment;
    const pugi::xml_parse_result parsed =
        document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
    if (!parsed) {
        const std::uint32_t line = reader.lines.line_at(
            static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)));
        return at_line(Code::Invalid, line, concat("not well-formed XML: ", parsed.description()));
    }
    std::size_t roots = 0;
    for (const pugi::xml_node& node : document.children()) {
        const bool is_text = node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
        if (is_text && !is_blank(node.value()))
            return Error{Code::Invalid, "there is text outside of the root element; remove it"};
        if (node.type() == pugi::node_element && ++roots > 1)
            return Error{Code::Invalid, "there is more than one root element; keep one"};
        if (node.type() == pugi::node_doctype)
            return Error{Code::Invalid, "a DOCTYPE is not accepted; remove it"};
        if (node.type() == pugi::node_pi)
            return Error{Code::Invalid, "a processing instruction is not accepted; remove it"};
    }
    const pugi::xml_node root = document.document_element();
    if (!root) return Error{Code::Invalid, "there is no XML element in the document"};
    return convert(root, reader, 1);
}

const Element* histories_of(const Element& node_state) { return find_histories(node_state); }
Element* histories_of(Element& node_state) { return find_histories(node_state); }

void append_escaped(std::string& out, std::string_view text) { append_escaped_as(out, text, true); }

std::string print_xml(const Element& element) {
    std::string out;
    print(out, element, 0);
    return out;
}

}  // namespace xbeat::cib
