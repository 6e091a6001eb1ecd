// cibadmin: the document, shown and changed.
//
// A change is put in force as one of `xbeat configure` is: checked, logged with its author, refused
// if it was made from an older configuration than the one in force. The status is the daemons' own.
#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <pugixml.hpp>
#include <sstream>

#include "cib/edit.h"
#include "cib/upgrade.h"
#include "core/text.h"
#include "model/md5.h"
#include "shim/cib_edit.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kCibOptions{
    OptionRow{'Q', "query", Takes::Nothing},
    OptionRow{'C', "create", Takes::Nothing},
    OptionRow{'M', "modify", Takes::Nothing},
    OptionRow{'R', "replace", Takes::Nothing},
    OptionRow{'D', "delete", Takes::Nothing},
    OptionRow{'d', "delete-all", Takes::Nothing},
    OptionRow{'P', "patch", Takes::Nothing},
    OptionRow{'E', "erase", Takes::Nothing},
    OptionRow{'B', "bump", Takes::Nothing},
    OptionRow{'u', "upgrade", Takes::Nothing},
    OptionRow{'a', "empty", Takes::PerhapsValue},
    OptionRow{'5', "md5-sum", Takes::Nothing},
    OptionRow{'6', "md5-sum-versioned", Takes::Nothing},
    OptionRow{'S', "show-access", Takes::PerhapsValue},
    OptionRow{'U', "user", Takes::Value},
    OptionRow{'A', "xpath", Takes::Value},
    OptionRow{'e', "node-path", Takes::Nothing},
    OptionRow{'o', "scope", Takes::Value},
    OptionRow{0, "obj_type", Takes::Value},
    OptionRow{'X', "xml-text", Takes::Value},
    OptionRow{'x', "xml-file", Takes::Value},
    OptionRow{'p', "xml-pipe", Takes::Nothing},
    OptionRow{'c', "allow-create", Takes::Nothing},
    OptionRow{'n', "no-children", Takes::Nothing},
    OptionRow{'f', "force", Takes::Nothing},
    OptionRow{'l', "local", Takes::Nothing},
    OptionRow{'s', "sync-call", Takes::Nothing},
    OptionRow{'t', "timeout", Takes::Value},
    OptionRow{'N', "node", Takes::Value},
    OptionRow{'V', "verbose", Takes::Nothing},
};

constexpr std::array<std::string_view, 14> kModes{
    "query", "create", "modify",  "replace", "delete",  "delete-all",        "patch",
    "erase", "bump",   "upgrade", "empty",   "md5-sum", "md5-sum-versioned", "show-access"};

// The one section that a plain path begins with; nothing, that is everything, for all other paths.
std::vector<std::string> sections_for(std::string_view path) {
    for (const std::string_view above : {"/cib/configuration/", "/cib/"}) {
        if (!path.starts_with(above)) continue;
        const std::string_view rest = path.substr(above.size());
        const std::string_view name = rest.substr(0, rest.find_first_of("/["));
        const bool is_alone = path.find('|') == std::string_view::npos &&
                              path.find("..") == std::string_view::npos &&
                              path.find("::") == std::string_view::npos;
        if (!is_alone || (above == "/cib/" && name != "status")) return {};
        Result<std::vector<std::string>> known = cib::parse_sections(name);
        if (known) return *std::move(known);
    }
    return {};
}

// In the CIB's own form; members of a list stand two blanks further in.
void show(const Tool& tool, const Element& element, bool is_member) {
    std::istringstream lines(cib::print_xml(element));
    for (std::string line; std::getline(lines, line);) {
        tool.io.out << (is_member ? "  " : "") << line << '\n';
    }
}

int call_failed(const Tool& tool, std::string_view why, int code) {
    tool.io.err << "Call failed: " << why << '\n';
    return code;
}

std::string scope_of(const Arguments& given) {
    return given.has("scope") ? given.get("scope") : given.get("obj_type");
}

int query(const Tool& tool, const Arguments& given) {
    std::string path = given.get("xpath");
    if (path.empty()) path = path_of_section(scope_of(given));
    Result<Element> document = tool.cluster.cib({.sections = sections_for(path)});
    if (!document) return tool.fail(document.error());
    const Result<std::vector<ElementPath>> found = find_xpath(*document, path);
    if (!found) tool.io.err << "cibadmin: " << found.error().context << '\n';
    if (!found || found->empty()) {
        return call_failed(tool, "No such device or address", kNoSuch);
    }
    const bool is_path = given.has("node-path");
    const bool is_list = found->size() > 1 && !is_path;
    if (is_list) tool.io.out << "<xpath-query>\n";
    for (const ElementPath& each : *found) {
        if (is_path) {
            tool.io.out << path_text(*document, each) << '\n';
            continue;
        }
        Element shown = element_at(*document, each);
        if (given.has("no-children")) shown.children.clear();
        show(tool, shown, is_list);
    }
    if (is_list) tool.io.out << "</xpath-query>\n";
    return kOk;
}

// The XML that comes with the words; nothing if none was given.
Result<std::optional<Element>> read_input(const Tool& tool, const Arguments& given) {
    std::string text;
    std::string source;
    if (given.has("xml-text")) {
        text = given.get("xml-text");
        source = "input string";
    } else if (given.has("xml-file")) {
        source = given.get("xml-file");
        std::ifstream file(source, std::ios::binary);
        if (!file.is_open()) {
            return Error{.code = Code::Invalid,
                         .context = concat("Couldn't parse input from ", source,
                                           ".: the file cannot be opened")};
        }
        text.assign(std::istreambuf_iterator<char>(file), {});
    } else if (given.has("xml-pipe")) {
        source = "STDIN";
        text.assign(std::istreambuf_iterator<char>(tool.io.in), {});
    } else {
        return std::optional<Element>();
    }
    Result<Element> read = cib::parse_xml(text);
    if (read) return std::optional<Element>(*std::move(read));
    return Error{
        .code = read.error().code,
        .context = concat("Couldn't parse input from ", source, ".: ", read.error().context)};
}

// On one line without blanks between the elements, as digests are made of it.
std::string compact(const Element& element) {
    pugi::xml_document parsed;
    const std::string text = cib::print_xml(element);
    (void)parsed.load_buffer(text.data(), text.size());
    std::ostringstream raw;
    parsed.document_element().print(raw, "", pugi::format_raw);
    return raw.str();
}

int digest(const Tool& tool, const std::optional<Element>& input, bool is_versioned) {
    if (!input) {
        tool.io.err << "Please supply XML to process with -X, -x or -p\n";
        return kUsage;
    }
    const std::string text = compact(*input);
    // Pacemaker's older digest counts a blank before and a line's end behind.
    if (is_versioned) {
        const std::string_view set = input->get("crm_feature_set");
        tool.io.out << "Versioned (" << (set.empty() ? cib::kFeatureSet : set)
                    << ") digest: " << model::md5_hex(text) << '\n';
    } else {
        tool.io.out << "Digest: " << model::md5_hex(concat(' ', text, '\n')) << '\n';
    }
    return kOk;
}

// The sections that every configuration has.
void add_sections(Element& configuration) {
    for (const char* section : {"crm_config", "nodes", "resources", "constraints"}) {
        (void)configuration.child_or_new(section);
    }
}

int show_empty(const Tool& tool) {
    Element shown;
    shown.name = "cib";
    shown.set("crm_feature_set", cib::kFeatureSet);
    shown.set("validate-with", cib::kSchema);
    shown.set("epoch", "1");
    shown.set("num_updates", "0");
    shown.set("admin_epoch", "0");
    add_sections(shown.child_or_new("configuration"));
    (void)shown.child_or_new("status");
    show(tool, shown, false);
    return kOk;
}

// Everything that people configured; nodes stay, without their attributes.
void erase(Element& document) {
    Element empty;
    empty.name = "configuration";
    add_sections(empty);
    if (const Element* const present = document.child("configuration")) {
        if (const Element* const nodes = present->child("nodes")) {
            for (Element node : nodes->children) {
                node.children.clear();
                empty.child_or_new("nodes").children.push_back(std::move(node));
            }
        }
    }
    document.child_or_new("configuration") = std::move(empty);
    const std::int64_t admin_epoch = parse_integer(document.get("admin_epoch")).value_or(0);
    document.set("admin_epoch", concat(admin_epoch + 1));
}

// A whole document in place of the present one: not if it was made from an older one.
Result<void> replace_document(const Element& input, Element& document) {
    const cib::Version theirs = cib::version_of(input);
    const cib::Version present = cib::version_of(document);
    const bool is_older =
        theirs.admin_epoch < present.admin_epoch ||
        (theirs.admin_epoch == present.admin_epoch && theirs.epoch < present.epoch);
    if (is_older) {
        return Error{
            .code = Code::Conflict,
            .context = concat("Update was older than existing configuration: it is version ",
                              present.admin_epoch, '.', present.epoch, ", yours began from ",
                              theirs.admin_epoch, '.', theirs.epoch,
                              "; read it again and repeat the change")};
    }
    const Element* const configuration = input.child("configuration");
    if (configuration == nullptr) {
        return Error{.code = Code::Invalid, .context = "the text has no <configuration>"};
    }
    document.child_or_new("configuration") = *configuration;
    (void)cib::upgrade(document);
    if (theirs.admin_epoch > present.admin_epoch) {
        document.set("admin_epoch", input.get("admin_epoch"));
    }
    if (input.has("validate-with")) document.set("validate-with", input.get("validate-with"));
    return {};
}

CibVerb verb_of(std::string_view mode) {
    if (mode == "create") return CibVerb::Create;
    if (mode == "modify") return CibVerb::Modify;
    return mode == "replace" ? CibVerb::Replace : CibVerb::Delete;
}

Result<void> change_one(std::string_view mode, const CibEdit& edit, Element& document) {
    static const Element kNone;
    const Element* const status = document.child("status");
    const Element before = status == nullptr ? kNone : *status;
    if (mode == "erase") {
        erase(document);
        return {};
    }
    const bool is_whole = edit.input && edit.input->name == "cib";
    if (mode == "patch") {
        XB_TRY(apply_patch(*edit.input, document));
    } else if (mode == "replace" && is_whole && edit.xpath.empty()) {
        return replace_document(*edit.input, document);
    } else {
        XB_TRY(apply(edit, document));
    }
    const Element* const after = document.child("status");
    if ((after == nullptr ? kNone : *after) == before) return {};
    return Error{.code = Code::Denied,
                 .context =
                     "the status is the daemons' own: attributes are set with attrd_updater, "
                     "histories are forgotten with 'crm_resource --cleanup'"};
}

// As Pacemaker tells what could not be made, for programs that read it.
void show_refused(const Tool& tool, const CibEdit& edit) {
    if (edit.verb != CibVerb::Create || !edit.input) return;
    Element refused;
    refused.name = "failed_update";
    if (edit.input->has("id")) refused.set("id", edit.input->get("id"));
    refused.set("object_type", edit.input->name);
    refused.set("operation", "cib_create");
    refused.set("reason", "File exists");
    refused.children.push_back(*edit.input);
    Element list;
    list.name = "failed";
    list.children.push_back(std::move(refused));
    show(tool, list, false);
}

int tell_failure(const Tool& tool, const CibEdit& edit, const Error& error) {
    switch (error.code) {
        case Code::NotFound:
            return call_failed(tool, "No such device or address", kNoSuch);
        case Code::Exists:
            (void)call_failed(tool, "File exists", kExists);
            show_refused(tool, edit);
            return kExists;
        case Code::Invalid:
            tool.io.err << "cibadmin: " << error.context << '\n';
            return call_failed(tool, "Update does not conform to the configured schema",
                               kConfiguration);
        case Code::Conflict:
            return call_failed(tool, error.context, kOld);
        default:
            return tool.fail(error);
    }
}

int change(const Tool& tool, const Arguments& given, std::string_view mode,
           std::optional<Element> input) {
    const bool is_dangerous = mode == "erase" || mode == "upgrade" || mode == "delete-all";
    if (is_dangerous && !given.has("force")) {
        tool.io.err << "The supplied command is considered dangerous.  To prevent accidental "
                       "destruction of the cluster, the --force flag is required in order to "
                       "proceed.\n";
        return kUnsafe;
    }
    // Old forms are rewritten when they come in: there is never anything to do.
    if (mode == "upgrade") return kOk;
    const CibEdit edit{.verb = verb_of(mode),
                       .section = scope_of(given),
                       .xpath = given.get("xpath"),
                       .input = std::move(input),
                       .may_create = given.has("allow-create"),
                       .matches = given.has("delete-all") ? Matches::All : Matches::First};
    const bool needs_input =
        mode != "erase" && (edit.xpath.empty() || edit.verb != CibVerb::Delete);
    if (needs_input && !edit.input) {
        tool.io.err << "cibadmin: say which XML with -X TEXT, -x FILE or -p\n";
        return call_failed(tool, "Invalid argument", kSoftware);
    }
    if (!edit.xpath.empty() && mode != "patch") {
        static const Element kNothing = *cib::parse_xml("<cib/>");
        if (const auto tried = find_xpath(kNothing, edit.xpath); !tried) {
            tool.io.err << "cibadmin: " << tried.error().context << '\n';
            return call_failed(tool, "No such device or address", kNoSuch);
        }
    }
    const Result<void> changed = tool.cluster.change_document(
        [&](Element& document) { return change_one(mode, edit, document); });
    return changed ? kOk : tell_failure(tool, edit, changed.error());
}

}  // namespace

int run_cib(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kCibOptions);
    if (!given) return tool.fail_usage(given.error().context);
    std::string_view mode = given->last_of(kModes);
    if (mode.empty()) return tool.fail_usage("say what is to be done: see cibadmin --help");
    // -d alone, and together with -D in any order, means all.
    if (given->has("delete-all")) mode = "delete-all";
    if (mode == "empty") return show_empty(tool);
    if (mode == "bump") {
        return tool.fail_left_out("every change of the configuration raises the epoch by itself");
    }
    if (mode == "show-access" || given->has("user")) {
        return tool.fail_left_out(
            "nobody's rights are shown: who may do what follows from the groups xbeat, "
            "xbeat-operator and xbeat-admin");
    }
    if (mode == "query") return query(tool, *given);
    Result<std::optional<Element>> input = read_input(tool, *given);
    if (!input) {
        tool.io.err << input.error().context << '\n';
        return kConfiguration;
    }
    if (mode == "md5-sum" || mode == "md5-sum-versioned") {
        return digest(tool, *input, mode == "md5-sum-versioned");
    }
    return change(tool, *given, mode, *std::move(input));
}

}  // namespace xbeat::shim
