#include "cib/xml.h"

#include <pugixml.hpp>

#include <algorithm>

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

Result<Element> convert(const pugi::xml_node& node, Reader& reader, std::size_t depth);

Result<void> convert_attributes(const pugi::xml_node& node, Element& element) {
    for (const pugi::xml_attribute& attribute : node.attributes()) {
        if (element.attributes.size() == kXmlAttributesMax) {
            return at_line(Code::Limit, element.line,
                           concat("more than ", kXmlAttributesMax, " attributes"));
        }
        std::string_view value = attribute.value();
        if (value.size() > kXmlValueBytesMax) {
            return at_line(Code::Limit, element.line,
                           concat("the value of ", attribute.name(), " is longer than ",
                                  kXmlValueBytesMax, " bytes"));
        }
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
    for (const pugi::xml_node& below : node.children()) {
        switch (below.type()) {
            case pugi::node_element:
                element.children.push_back(XB_TRY(convert(below, reader, depth + 1)));
                break;
            case pugi::node_comment: {
                Element comment;
                comment.kind = NodeKind::Comment;
                comment.text = below.value();
                element.children.push_back(std::move(comment));
                break;
            }
            case pugi::node_pcdata:
            case pugi::node_cdata: {
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

void append_escaped(std::string& out, std::string_view text, bool in_attribute) {
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
        out += indent + "<!--" + element.text + "-->\n";
        return;
    }
    if (element.kind == NodeKind::Text) {
        out += indent;
        append_escaped(out, element.text, false);
        out += "\n";
        return;
    }
    out += indent + "<" + element.name;
    for (const Attribute& attribute : element.attributes) {
        out += " " + attribute.name + "=\"";
        append_escaped(out, attribute.value, true);
        out += "\"";
    }
    if (element.children.empty()) {
        out += "/>\n";
        return;
    }
    // A lone text stays on its line, so that reading back does not add white space to it.
    if (element.children.size() == 1 && element.children.front().kind == NodeKind::Text) {
        out += ">";
        append_escaped(out, element.children.front().text, false);
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

}  // namespace

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
    pugi::xml_document document;
    // parse_doctype and parse_pi keep what the default drops in silence, so that it can be refused
    // by name.
    const unsigned options =
        pugi::parse_default | pugi::parse_comments | pugi::parse_doctype | pugi::parse_pi;
    const pugi::xml_parse_result parsed =
        document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
    Reader reader{LineCounter(text)};
    if (!parsed) {
        const std::uint32_t line = reader.lines.line_at(
            static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)));
        return at_line(Code::Invalid, line, concat("not well-formed XML: ", parsed.description()));
    }
    for (const pugi::xml_node& node : document.children()) {
        if (node.type() == pugi::node_doctype)
            return Error{Code::Invalid, "a DOCTYPE is not accepted; remove it"};
        if (node.type() == pugi::node_pi)
            return Error{Code::Invalid, "a processing instruction is not accepted; remove it"};
    }
    const pugi::xml_node root = document.document_element();
    if (!root) return Error{Code::Invalid, "there is no XML element in the document"};
    return convert(root, reader, 1);
}

std::string print_xml(const Element& element) {
    std::string out;
    print(out, element, 0);
    return out;
}

}  // namespace xbeat::cib
