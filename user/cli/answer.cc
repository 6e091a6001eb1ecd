#include "cli/answer.h"

#include "cli/render_xml.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using cib::Element;

constexpr int kSchema = 1;

// Every name of a member is an XML name but for what an operator called something.
std::string xml_name(std::string_view name) {
    std::string out;
    for (const char letter : name) {
        const bool fits = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
        out += fits ? letter : '_';
    }
    const bool starts_well = !out.empty() && (out.front() > '9' || out.front() < '-');
    return starts_well ? out : "_" + out;
}

// What XML cannot hold, not even escaped, is replaced.
std::string xml_text(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        const bool is_control =
            static_cast<unsigned char>(letter) < 0x20 && letter != '\n' && letter != '\t';
        out += is_control ? '?' : letter;
    }
    return out;
}

std::string scalar_text(const Document& value) {
    return xml_text(value.is_string() ? value.get<std::string>() : value.dump());
}

// "entries" has "entry", "peers" has "peer", "data" has "item".
std::string entry_name(std::string_view list) {
    if (list.ends_with("ies")) return concat(list.substr(0, list.size() - 3), "y");
    if (list.ends_with("s")) return std::string(list.substr(0, list.size() - 1));
    return "item";
}

Element text_element(std::string_view name, const Document& value) {
    Element element;
    element.name = xml_name(name);
    Element text;
    text.kind = cib::NodeKind::Text;
    text.text = scalar_text(value);
    if (!text.text.empty()) element.children.push_back(std::move(text));
    return element;
}

Document status_of(ExitCode code, const std::vector<std::string>& errors) {
    Document status{{"code", static_cast<int>(code)}, {"message", to_string(code)}};
    if (!errors.empty()) status["errors"] = errors;
    return status;
}

std::string json_text(Document document, ExitCode code, const std::vector<std::string>& errors) {
    Document whole{{"schema", kSchema}};
    whole.update(document);
    whole["status"] = status_of(code, errors);
    return whole.dump(2, ' ', false, Document::error_handler_t::replace) + "\n";
}

std::vector<Element> made_elements(const Session& session, const Document& document) {
    if (document.empty()) return {};
    Element element = to_element(concat("xbeat-", session.command), document);
    element.attributes.insert(element.attributes.begin(), {"schema", concat(kSchema)});
    return {std::move(element)};
}

void print(Session& session, const Answer& answer) {
    session.said.is_printed = true;
    if (session.form == Form::Json) {
        session.out << json_text(answer.document, answer.code, session.said.errors);
        return;
    }
    if (!answer.raw_xml.empty()) {
        session.out << answer.raw_xml << (answer.raw_xml.ends_with('\n') ? "" : "\n");
        return;
    }
    std::vector<Element> elements =
        answer.elements.empty() ? made_elements(session, answer.document) : answer.elements;
    session.out << render_result(session.request, std::move(elements), answer.code,
                                 session.said.errors);
}

}  // namespace

Element to_element(std::string_view name, const Document& value) {
    if (value.is_null()) return {};
    if (!value.is_structured()) return text_element(name, value);
    Element element;
    element.name = xml_name(name);
    // Bounded by the depth of what the daemon sent and of the tree of resources.
    for (const auto& [key, member] : value.items()) {
        if (value.is_object() && member.is_primitive()) {
            if (!member.is_null())
                element.attributes.push_back({xml_name(key), scalar_text(member)});
            continue;
        }
        Element child = to_element(value.is_array() ? entry_name(name) : key, member);
        if (!child.name.empty()) element.children.push_back(std::move(child));
    }
    return element;
}

Document lines_of(std::string_view text) {
    Document lines = Document::array();
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

ExitCode show(Session& session, const Answer& answer) {
    if (session.form != Form::Text) {
        print(session, answer);
    } else {
        session.out << (session.has_colours ? colourised(answer.text) : answer.text);
    }
    return answer.code;
}

ExitCode finish(Session& session, ExitCode code) {
    if (session.form == Form::Text || session.said.is_printed) return code;
    Document document = Document::object();
    if (!session.said.messages.empty()) document["messages"] = session.said.messages;
    if (!session.said.actions.empty()) document["actions"] = session.said.actions;
    return show(session, {.text = {}, .document = std::move(document), .code = code});
}

}  // namespace xbeat::cli
