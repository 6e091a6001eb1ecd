#include "shim/cib_edit.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>

#include "core/check.h"
#include "core/score.h"
#include "core/text.h"

namespace xbeat::shim {
namespace {

using cib::Attribute;
using cib::Element;
using cib::NodeKind;

constexpr std::array<std::string_view, 10> kSections{
    "nodes",       "resources", "constraints", "crm_config",       "rsc_defaults",
    "op_defaults", "acls",      "tags",        "fencing-topology", "alerts"};

bool is_section(std::string_view name) {
    return std::find(kSections.begin(), kSections.end(), name) != kSections.end();
}

Error not_found() { return {.code = Code::NotFound, .context = "No such device or address"}; }

Error invalid(std::string text) { return {.code = Code::Invalid, .context = std::move(text)}; }

// "name++" and "name+=N" count on from the value that is there; anything else is the value itself.
std::string expanded(const Element& target, const Attribute& wanted) {
    if (!target.has(wanted.name) || !wanted.value.starts_with(wanted.name)) return wanted.value;
    const std::string_view sum = std::string_view(wanted.value).substr(wanted.name.size());
    const bool is_step = sum.starts_with("++");
    if (!is_step && !sum.starts_with("+=")) return wanted.value;
    const auto number = [](std::string_view text) {
        return parse_score(text).value_or(Score::of(0));
    };
    const Score step = is_step ? Score::of(1) : number(sum.substr(2));
    return to_string(number(target.get(wanted.name)) + step);
}

// The child that is meant by an element of a text: the same name, and the same id or reference if
// it has one.
Element* counterpart(Element& parent, const Element& wanted) {
    for (Element& child : parent.children) {
        if (child.kind != NodeKind::Element || child.name != wanted.name) continue;
        const char* const key = wanted.has("id") ? "id" : "id-ref";
        if (!wanted.has(key) || child.get(key) == wanted.get(key)) return &child;
    }
    return nullptr;
}

void merge(Element& target, const Element& wanted) {
    for (const Attribute& attribute : wanted.attributes) {
        target.set(attribute.name, expanded(target, attribute));
    }
    for (const Element& child : wanted.children) {
        if (child.kind != NodeKind::Element) continue;
        if (Element* present = counterpart(target, child)) {
            merge(*present, child);
        } else {
            target.children.push_back(child);
        }
    }
}

// Both of one name, and of one id or both without.
bool is_same_object(const Element& a, const Element& b) {
    return a.kind == NodeKind::Element && a.name == b.name && a.get("id") == b.get("id");
}

bool modify(Element& root, const Element& wanted) {
    if (is_same_object(root, wanted)) {
        merge(root, wanted);
        return true;
    }
    return std::any_of(root.children.begin(), root.children.end(),
                       [&wanted](Element& child) { return modify(child, wanted); });
}

bool replace(Element& root, const Element& wanted) {
    const bool is_meant = root.kind == NodeKind::Element && root.name == wanted.name &&
                          (!wanted.has("id") || root.get("id") == wanted.get("id"));
    if (is_meant) {
        root = wanted;
        return true;
    }
    return std::any_of(root.children.begin(), root.children.end(),
                       [&wanted](Element& child) { return replace(child, wanted); });
}

// What is deleted has to have every attribute that the text names.
bool has_all_of(const Element& element, const Element& wanted) {
    if (element.kind != NodeKind::Element || element.name != wanted.name) return false;
    return std::all_of(
        wanted.attributes.begin(), wanted.attributes.end(), [&element](const Attribute& attribute) {
            return element.has(attribute.name) && element.get(attribute.name) == attribute.value;
        });
}

bool remove_below(Element& root, const Element& wanted) {
    for (auto child = root.children.begin(); child != root.children.end(); ++child) {
        if (has_all_of(*child, wanted)) {
            root.children.erase(child);
            return true;
        }
        if (remove_below(*child, wanted)) return true;
    }
    return false;
}

Element* section_in(Element& cib, std::string_view section) {
    if (section == "configuration" || section == "status") return &cib.child_or_new(section);
    if (is_section(section)) return &cib.child_or_new("configuration").child_or_new(section);
    return &cib;
}

Result<void> create_in(Element& parent, const Element& wanted) {
    if (wanted.has("id") && counterpart(parent, wanted) != nullptr) {
        return Error{.code = Code::Exists, .context = "File exists"};
    }
    parent.children.push_back(wanted);
    return {};
}

// A text that is the section itself means each of its elements.
std::vector<Element> objects_of(const Element& input, std::string_view section) {
    if (input.name != section) return {input};
    std::vector<Element> objects;
    for (const Element& child : input.children) {
        if (child.kind == NodeKind::Element) objects.push_back(child);
    }
    return objects;
}

Result<void> apply_to_section(const CibEdit& edit, Element& cib) {
    if (!edit.input) return invalid("Invalid argument");
    const Element& input = *edit.input;
    const bool is_whole = path_of_section(edit.section) == "/cib" || input.name == "cib";
    Element& section = is_whole ? cib : *section_in(cib, edit.section);
    switch (edit.verb) {
        case CibVerb::Create:
            if (is_whole) break;  // then it is a modification
            for (const Element& object : objects_of(input, edit.section)) {
                XB_TRY(create_in(section, object));
            }
            return {};
        case CibVerb::Modify:
            break;
        case CibVerb::Replace:
            if (!replace(input.name == edit.section ? cib : section, input)) return not_found();
            return {};
        case CibVerb::Delete:
            for (const Element& object : objects_of(input, edit.section)) {
                (void)remove_below(section, object);
            }
            return {};
    }
    if (modify(section, input)) return {};
    if (!edit.may_create) return not_found();
    section.children.push_back(input);
    return {};
}

void remove_at(Element& cib, ElementPath path) {
    XB_CHECK(!path.empty());
    const Element* const gone = &element_at(cib, path);
    path.pop_back();
    std::vector<Element>& siblings = element_at(cib, path).children;
    siblings.erase(siblings.begin() + (gone - siblings.data()));
}

Result<void> apply_to_xpath(const CibEdit& edit, Element& cib) {
    std::vector<ElementPath> found = XB_TRY(find_xpath(cib, edit.xpath));
    if (edit.verb == CibVerb::Delete) {
        if (edit.matches == Matches::First && found.size() > 1) found.resize(1);
        // From behind, so that the places of the others stay; what stood below one that went has
        // gone with it.
        std::reverse(found.begin(), found.end());
        for (const ElementPath& path : found) {
            if (path.empty()) return invalid("the document itself cannot be deleted");
            remove_at(cib, path);
        }
        return {};
    }
    if (!edit.input) return invalid("Invalid argument");
    if (found.empty()) return not_found();
    Element& target = element_at(cib, found.front());
    switch (edit.verb) {
        case CibVerb::Create:
            return create_in(target, *edit.input);
        case CibVerb::Replace:
            target = *edit.input;
            return {};
        case CibVerb::Modify:
        case CibVerb::Delete:
            break;
    }
    if (modify(target, *edit.input)) return {};
    return not_found();
}

std::size_t index_among_elements(const pugi::xml_node& node) {
    std::size_t index = 0;
    for (pugi::xml_node each = node.previous_sibling(); each; each = each.previous_sibling()) {
        if (each.type() == pugi::node_element) ++index;
    }
    return index;
}

ElementPath path_of(pugi::xml_node node) {
    ElementPath path;
    for (; node.parent().type() == pugi::node_element; node = node.parent()) {
        path.push_back(index_among_elements(node));
    }
    std::reverse(path.begin(), path.end());
    return path;
}

}  // namespace

std::string path_of_section(std::string_view section) {
    if (section == "configuration" || section == "status") return concat("/cib/", section);
    return is_section(section) ? concat("/cib/configuration/", section) : std::string("/cib");
}

Result<std::vector<ElementPath>> find_xpath(const Element& cib, const std::string& xpath) {
    pugi::xml_document parsed;
    const std::string text = cib::print_xml(cib);
    if (!parsed.load_buffer(text.data(), text.size())) {
        return Error{.code = Code::Corrupt, .context = "the CIB cannot be read"};
    }
    std::vector<ElementPath> paths;
    // Built with the library's exceptions, so that a bad path is told by what it throws.
    try {
        for (const pugi::xpath_node& each : parsed.select_nodes(xpath.c_str())) {
            pugi::xml_node node = each.node() ? each.node() : each.parent();
            if (node.type() == pugi::node_pcdata) node = node.parent();
            if (node.type() == pugi::node_element) paths.push_back(path_of(node));
        }
    } catch (const pugi::xpath_exception& bad) {
        return invalid(concat("'", xpath, "' is no XPath: ", bad.what()));
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

Element& element_at(Element& cib, const ElementPath& path) {
    Element* element = &cib;
    for (const std::size_t index : path) {
        std::size_t left = index;
        Element* next = nullptr;
        for (Element& child : element->children) {
            if (child.kind != NodeKind::Element) continue;
            if (left == 0) {
                next = &child;
                break;
            }
            --left;
        }
        XB_CHECK(next != nullptr);
        element = next;
    }
    return *element;
}

std::string path_text(Element& cib, const ElementPath& path) {
    std::string text = concat('/', cib.name);
    for (std::size_t depth = 1; depth <= path.size(); ++depth) {
        const Element& element =
            element_at(cib, ElementPath(path.begin(), path.begin() + static_cast<long>(depth)));
        text += concat('/', element.name);
        if (element.has("id")) text += concat("[@id='", element.get("id"), "']");
    }
    return text;
}

Result<void> apply(const CibEdit& edit, Element& cib) {
    return edit.xpath.empty() ? apply_to_section(edit, cib) : apply_to_xpath(edit, cib);
}

namespace {

constexpr std::array<const char*, 3> kVersionParts{"admin_epoch", "epoch", "num_updates"};

// The version that a difference begins from, or leads to.
const Element* version_in(const Element& diff, std::string_view side) {
    const Element* version = diff.child("version");
    return version == nullptr ? nullptr : version->child(side);
}

// Where a step works; nothing if no element is there.
Result<std::optional<ElementPath>> place_of(const Element& cib, const Element& step) {
    const std::vector<ElementPath> found = XB_TRY(find_xpath(cib, std::string(step.get("path"))));
    if (found.empty()) return std::optional<ElementPath>();
    return std::optional<ElementPath>(found.front());
}

void insert_element(Element& parent, Element element, std::size_t position) {
    std::size_t elements = 0;
    auto at = parent.children.begin();
    for (; at != parent.children.end() && elements < position; ++at) {
        if (at->kind == NodeKind::Element) ++elements;
    }
    parent.children.insert(at, std::move(element));
}

Result<void> apply_step(const Element& step, Element& cib) {
    const std::string_view verb = step.get("operation");
    const std::optional<ElementPath> place = XB_TRY(place_of(cib, step));
    const auto position = static_cast<std::size_t>(
        std::max<std::int64_t>(0, parse_integer(step.get("position")).value_or(0)));
    // What is gone already needs no deletion.
    if (!place && verb == "delete") return {};
    if (!place) return invalid(concat("the patch does not fit: there is no ", step.get("path")));
    if (verb == "delete" || verb == "move") {
        if (place->empty()) return invalid("the patch deletes or moves the document itself");
        Element moved = element_at(cib, *place);
        remove_at(cib, *place);
        if (verb == "delete") return {};
        insert_element(element_at(cib, ElementPath(place->begin(), place->end() - 1)),
                       std::move(moved), position);
        return {};
    }
    Element& target = element_at(cib, *place);
    if (verb == "create") {
        for (const Element& child : step.children) {
            if (child.kind == NodeKind::Element) insert_element(target, child, position);
        }
        return {};
    }
    if (verb != "modify") return invalid(concat("the patch has an unknown step '", verb, "'"));
    const Element* outcome = step.child("change-result");
    const auto is_element = [](const Element& each) { return each.kind == NodeKind::Element; };
    const auto wanted = outcome == nullptr ? std::vector<Element>::const_iterator{}
                                           : std::find_if(outcome->children.begin(),
                                                          outcome->children.end(), is_element);
    if (outcome == nullptr || wanted == outcome->children.end()) {
        return invalid("the patch has a modification without its result");
    }
    target.attributes = wanted->attributes;
    return {};
}

}  // namespace

Result<void> apply_patch(const Element& diff, Element& cib) {
    if (diff.name != "diff" || diff.get("format") != "2") {
        return invalid("this is no difference in the form of crm_diff: <diff format=\"2\">");
    }
    if (const Element* source = version_in(diff, "source")) {
        for (const char* part : kVersionParts) {
            // Changes of the status do not matter: a patch of the configuration fits in between.
            if (std::string_view(part) == "num_updates") continue;
            if (source->get(part) == cib.get(part)) continue;
            return Error{
                .code = Code::Conflict,
                .context = concat("the patch begins from version ", source->get("admin_epoch"), '.',
                                  source->get("epoch"), ", and the configuration is ",
                                  cib.get("admin_epoch"), '.', cib.get("epoch"))};
        }
    }
    for (const Element& step : diff.children) {
        if (step.name == "change") XB_TRY(apply_step(step, cib));
    }
    return {};
}

}  // namespace xbeat::shim
