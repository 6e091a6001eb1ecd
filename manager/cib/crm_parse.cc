#include "cib/crm_parse.h"

#include <algorithm>
#include <array>

#include "cib/crm_cursor.h"
#include "cib/flat.h"
#include "cib/suggest.h"
#include "cib/utf8.h"
#include "core/limits.h"

namespace xbeat::cib {
namespace {

using Parser = Result<Element> (*)(Cursor&);

struct Command {
    std::string_view word;
    Parser parser;
};

constexpr std::array<Command, 27> kCommands = {{
    {"acl_group", parse_acl_group},
    {"acl_target", parse_acl_target},
    {"alert", parse_alert},
    {"bundle", parse_bundle},
    {"clone", parse_clone},
    {"collocation", parse_colocation},
    {"colocation", parse_colocation},
    {"fencing-topology", parse_fencing_topology},
    {"fencing_topology", parse_fencing_topology},
    {"group", parse_group},
    {"location", parse_location},
    {"master", parse_promotable},
    {"monitor", parse_monitor},
    {"ms", parse_promotable},
    {"node", parse_node},
    {"op_defaults", parse_op_defaults},
    {"order", parse_order},
    {"primitive", parse_primitive},
    {"property", parse_property},
    {"role", parse_acl_role},
    {"rsc_defaults", parse_rsc_defaults},
    {"rsc_template", parse_template},
    {"rsc_ticket", parse_ticket},
    {"tag", parse_tag},
    {"template", parse_template},
    {"user", parse_acl_user},
    {"xml", nullptr},
}};

constexpr auto kWords = [] {
    std::array<std::string_view, kCommands.size()> words;
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = kCommands[i].word;
    return words;
}();

// Puts the lines of a read element where its statement stands.
void shift_lines(Element& element, std::uint32_t by) {
    element.line += by;
    for (Element& child : element.children) shift_lines(child, by);
}

Result<Element> parse_xml_statement(const Statement& statement) {
    const std::uint32_t line = statement.words.front().line;
    Result<Element> read = parse_xml(statement.xml);
    if (!read) return error_at(line, concat("in the XML: ", read.error().context));
    if (read->name == "configuration" || read->name == "cib" || read->name == "status") {
        return error_at(line, concat("xml takes one object, not a whole ", read->name,
                                     "; load a whole configuration as an XML file"));
    }
    shift_lines(*read, line == 0 ? 0 : line - 1);
    return std::move(*read);
}

// A line number a bad byte stands on.
std::uint32_t line_of(std::string_view text, std::size_t offset) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(offset);
    return 1 + static_cast<std::uint32_t>(std::count(text.begin(), end, '\n'));
}

void add_comments(Element& object, const std::vector<std::string>& comments) {
    std::vector<Element> made;
    for (const std::string& comment : comments) made.push_back(make_comment(comment));
    // A defaults section holds its set, and the comments belong to that.
    const bool is_wrapper = object.name == "rsc_defaults" || object.name == "op_defaults";
    Element& owner = is_wrapper && !object.children.empty() ? object.children.front() : object;
    owner.children.insert(owner.children.begin(), std::make_move_iterator(made.begin()),
                          std::make_move_iterator(made.end()));
}

// An element given as XML may hold others (a group its primitives): each is an object of its own.
void add_objects(std::vector<Element>& objects, Element element) {
    if (!is_resource(element.name)) {
        objects.push_back(std::move(element));
        return;
    }
    for (const Element& child : element.children) {
        if (child.kind == NodeKind::Element && is_resource(child.name)) add_objects(objects, child);
    }
    objects.push_back(flatten_one(element));
}

}  // namespace

void ErrorList::add(std::string sentence) {
    ++count_;
    if (count_ > kCrmErrorsMax) return;
    if (!text_.empty()) text_.push_back('\n');
    text_ += sentence;
}

Error ErrorList::to_error() const {
    XB_CHECK(count_ > 0);
    std::string text = text_;
    if (count_ > kCrmErrorsMax) text += concat("\n(and ", count_ - kCrmErrorsMax, " more)");
    return {.code = Code::Invalid, .context = std::move(text)};
}

std::span<const std::string_view> crm_statements() { return kWords; }

Result<Element> parse_statement(const Statement& statement) {
    const Word& first = statement.words.front();
    const std::string word = to_lower(first.text);
    const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const Command& command) { return command.word == word; });
    if (found == kCommands.end()) {
        return error_at(first.line,
                        concat("unknown statement '", first.text, "'", did_you_mean(word, kWords)));
    }
    if (found->parser == nullptr) return parse_xml_statement(statement);
    Cursor cursor(statement);
    Element object = XB_TRY(found->parser(cursor));
    object.line = first.line;
    if (!cursor.done()) {
        return cursor.error(concat("'", cursor.peek().text, "' was not expected here, in '", word,
                                   " ", statement.words.size() > 1 ? statement.words[1].text : "",
                                   "'"));
    }
    return object;
}

Result<std::vector<Element>> parse_crm_objects(std::string_view text) {
    if (text.size() > kConfigBytesMax) {
        return Error{Code::Limit, concat("the text is ", text.size(), " bytes; at most ",
                                         kConfigBytesMax, " are accepted")};
    }
    if (const auto bad = find_bad_byte(text)) {
        return error_at(line_of(text, *bad),
                        "a byte that is not UTF-8 or a control character; save the file as UTF-8");
    }
    std::vector<Element> objects;
    ErrorList errors;
    StatementReader reader(text);
    std::size_t words = 0;
    while (errors.count() < kCrmErrorsCounted) {
        Result<std::optional<Statement>> statement = reader.next();
        if (!statement) {
            errors.add(statement.error().context);
            continue;
        }
        if (!statement->has_value()) break;
        words += (*statement)->words.size();
        if (words > kXmlElementsMax) {
            return Error{Code::Limit, concat("line ", (*statement)->words.front().line,
                                             ": more than ", kXmlElementsMax, " words in all")};
        }
        Result<Element> object = parse_statement(**statement);
        if (!object) {
            errors.add(object.error().context);
            continue;
        }
        add_comments(*object, (*statement)->comments);
        add_objects(objects, std::move(*object));
    }
    for (const std::string& comment : reader.rest_comments())
        objects.push_back(make_comment(comment));
    if (!errors.empty()) return errors.to_error();
    return objects;
}

Result<Element> parse_crm(std::string_view text) {
    std::vector<Element> objects = XB_TRY(parse_crm_objects(text));
    std::vector<std::string> sentences;
    Element configuration = assemble(std::move(objects), sentences);
    ErrorList errors;
    for (std::string& sentence : sentences) errors.add(std::move(sentence));
    if (!errors.empty()) return errors.to_error();
    assign_ids(configuration);
    return configuration;
}

}  // namespace xbeat::cib
