// `xbeat configure`: the cluster's configuration as text, in the crm shell's language or as XML.
#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/crm_words.h"
#include "cib/edit.h"
#include "cib/suggest.h"
#include "cli/answer.h"
#include "cli/base_version.h"
#include "cli/change.h"
#include "cli/configure_edit.h"
#include "cli/differences.h"
#include "cli/nouns.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using cib::Element;

struct ConfigureLine {
    std::vector<std::string> words;
    std::string file;
    std::string from;
    std::string to;
    bool as_xml = false;
    ChangeOptions change;
};
using Line = std::shared_ptr<ConfigureLine>;

cib::Force force_of(const ConfigureLine& line) {
    return line.change.force ? cib::Force::Yes : cib::Force::No;
}

// The element a name means: an id, a node's name, or one of the sections' words.
const Element* find_object(const Element& configuration, std::string_view name) {
    if (const Element* by_id = configuration.find_id(name)) return by_id;
    const Element* nodes = configuration.child("nodes");
    if (nodes == nullptr) return nullptr;
    const auto found = std::find_if(nodes->children.begin(), nodes->children.end(),
                                    [&](const Element& node) { return node.get("uname") == name; });
    return found == nodes->children.end() ? nullptr : &*found;
}

void collect_ids(const Element& element, std::vector<std::string_view>& ids) {
    if (element.has("id")) ids.push_back(element.get("id"));
    for (const Element& child : element.children) collect_ids(child, ids);
}

Error unknown_object(const Element& configuration, std::string_view name) {
    std::vector<std::string_view> ids;
    collect_ids(configuration, ids);
    return {
        .code = Code::NotFound,
        .context = concat("the configuration has no '", name, "'", cib::did_you_mean(name, ids))};
}

// One object a row: what it is, and its id.
Document object_row(const Element& object) {
    return {{"kind", object.name},
            {"id", object.has("uname") ? object.get("uname") : object.get("id")}};
}

ExitCode show_objects(Session& session, const Element& configuration, const ConfigureLine& line) {
    Answer answer{.document = {{"objects", Document::array()}}};
    for (const std::string& name : line.words) {
        const Element* object = find_object(configuration, name);
        if (object == nullptr) return fail(session, unknown_object(configuration, name));
        const bool as_xml = line.as_xml || session.form == Form::Xml;
        const std::string crm = cib::print_crm_object(*object, configuration);
        answer.text += as_xml ? cib::print_xml(*object) : crm;
        Document row = object_row(*object);
        row["crm"] = trim(crm);
        answer.document["objects"].push_back(std::move(row));
        answer.elements.push_back(*object);
    }
    return show(session, answer);
}

ExitCode show_all(Session& session, const Element& cib, const ConfigureLine& line) {
    const Element configuration = configuration_of(cib);
    if (session.form == Form::Xml) return show(session, {.raw_xml = cib::print_xml(cib)});
    if (session.form == Form::Text) {
        session.out << (line.as_xml ? cib::print_xml(cib) : print_saved(cib, false));
        return ExitCode::Ok;
    }
    Answer answer{.document = {{"objects", Document::array()}}};
    for (const Element& section : configuration.children) {
        for (const Element& object : section.children) {
            if (object.kind == cib::NodeKind::Element)
                answer.document["objects"].push_back(object_row(object));
        }
    }
    // One text for all: printing an object alone looks through the whole configuration.
    answer.document["crm"] = cib::print_crm(configuration);
    return show(session, answer);
}

ExitCode show_configuration(Session& session, ConfigureLine line) {
    // crmsh's form: `show xml [IDS]`.
    if (!line.words.empty() && line.words.front() == "xml") {
        line.as_xml = true;
        line.words.erase(line.words.begin());
    }
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    if (!line.words.empty()) return show_objects(session, configuration_of(*cib), line);
    return show_all(session, *cib, line);
}

std::string name_of(const std::string& file) { return file == "-" ? "standard input" : file; }

// An error of reading a text, with the file's name in front.
Error in_file(const std::string& file, const Error& error) {
    return {.code = error.code,
            .context = concat(name_of(file), ": ", error.context),
            .system_errno = error.system_errno};
}

enum class Loads : std::uint8_t { Objects, Everything };

ExitCode load(Session& session, const ConfigureLine& line, Loads what) {
    const bool replaces = what == Loads::Everything;
    Result<std::string> read = read_input(session, line.file);
    if (!read) return fail(session, read.error());
    const SavedText saved = read_saved(*std::move(read));
    ChangeOptions options = line.change;
    options.retry = !replaces;
    const auto is_of_now = [&](const Element& cib) -> Result<void> {
        if (!replaces || !saved.base || options.force) return {};
        const Result<void> refused = refuse_outdated(session, cib, *saved.base, name_of(line.file));
        if (refused) return {};
        return Error{
            .code = refused.error().code,
            .context = concat(refused.error().context, "\n'xbeat configure diff ", line.file,
                              "' shows what differs; --force undoes their changes")};
    };
    return change_configuration(
        session, options,
        [&](Element& configuration) -> Result<std::string> {
            Result<Element> loaded = replaces ? cib::load_replace(saved.text)
                                              : cib::load_update(configuration, saved.text);
            if (!loaded) return in_file(line.file, loaded.error());
            const std::vector<cib::Change> changes = cib::diff(configuration, *loaded);
            configuration = *std::move(loaded);
            std::string sentence = concat("from ", name_of(line.file), ":");
            for (const cib::Change& change : changes)
                sentence += concat("\n  ", cib::to_string(change));
            return sentence;
        },
        is_of_now);
}

ExitCode compare(Session& session, const ConfigureLine& line) {
    Result<std::string> text = read_input(session, line.file);
    if (!text) return fail(session, text.error());
    const Result<Element> wanted = cib::load_replace(read_saved(*std::move(text)).text);
    if (!wanted) return fail(session, in_file(line.file, wanted.error()));
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    return show(session, answer_of(cib::diff(configuration_of(*cib), *wanted)));
}

// A one-liner's words back as a line of the crm language: the shell took the quotes away.
std::string statement_of(std::string_view first, std::span<const std::string> words) {
    std::string text(first);
    for (const std::string& word : words) text += concat(' ', cib::quote_word(word));
    return text;
}

// Words of a statement are taken as they stand, so our own options are found among them. No word of
// the crm language begins with two hyphens: another one is a mistake.
Result<void> take_options(Session& session, ConfigureLine& line) {
    const std::array<std::pair<std::string_view, bool*>, 3> flags{
        std::pair{std::string_view("--wait"), &line.change.wait},
        std::pair{std::string_view("-w"), &line.change.wait},
        std::pair{std::string_view("--dry-run"), &line.change.dry_run}};
    std::vector<std::string> words;
    for (std::string& word : line.words) {
        const auto flag = std::find_if(flags.begin(), flags.end(),
                                       [&](const auto& row) { return row.first == word; });
        if (flag != flags.end()) {
            *flag->second = true;
        } else if (word == "--json" || word == "--xml") {
            const Form form = word == "--json" ? Form::Json : Form::Xml;
            if (session.form != Form::Text && session.form != form)
                return Error{.code = Code::Invalid, .context = std::string(kFormsExclude)};
            session.form = form;
        } else if (word.starts_with("--")) {
            return Error{.code = Code::Invalid,
                         .context = concat("a statement has no option ", printable(word),
                                           "; it takes --wait, --dry-run, --json and --xml")};
        } else {
            words.push_back(std::move(word));
        }
    }
    line.words = std::move(words);
    return {};
}

ExitCode one_liner(Session& session, ConfigureLine rest, std::string_view statement) {
    const std::string command = concat("xbeat configure ", statement);
    const Result<void> taken = take_options(session, rest);
    if (!taken) return fail_usage(session, taken.error().context, command);
    if (rest.words.empty())
        return fail_usage(session, concat("'", statement, "' needs words behind it"), command);
    const std::string text = statement_of(statement, rest.words);
    return change_configuration(
        session, rest.change, [&](Element& configuration) -> Result<std::string> {
            Element after = XB_TRY(cib::load_update(configuration, text));
            std::string sentence;
            for (const cib::Change& change : cib::diff(configuration, after)) {
                sentence += concat(cib::to_string(change), "\n");
            }
            configuration = std::move(after);
            return sentence;
        });
}

ExitCode remove(Session& session, const ConfigureLine& line) {
    return change_configuration(
        session, line.change, [&](Element& configuration) -> Result<std::string> {
            XB_TRY(cib::remove_objects(configuration, line.words, force_of(line)));
            std::string sentence = "deleted";
            for (const std::string& id : line.words) sentence += " " + id;
            return sentence;
        });
}

ExitCode rename(Session& session, const ConfigureLine& line) {
    return change_configuration(session, line.change,
                                [&](Element& configuration) -> Result<std::string> {
                                    XB_TRY(cib::rename_object(configuration, line.from, line.to));
                                    return concat("renamed ", line.from, " to ", line.to);
                                });
}

struct StatementExample {
    std::string_view statement;
    std::string_view words;
};
// One of each kind, in the words that its users know.
constexpr std::array kStatementExamples{
    StatementExample{"acl_group", "operators readers"},
    StatementExample{"acl_target", "alice readers"},
    StatementExample{"alert", "mailer /usr/share/pacemaker/alerts/alert_smtp.sh to root@localhost"},
    StatementExample{"bundle", "httpd docker image=httpd:2.4 replicas=2"},
    StatementExample{"clone", "pinger-clone pinger"},
    StatementExample{"collocation", "ip-with-db inf: db-ip ms-db:Promoted"},
    StatementExample{"colocation", "ip-with-db inf: db-ip ms-db:Promoted"},
    StatementExample{"fencing-topology", "pm01: ipmi-1 pm02: ipmi-2"},
    StatementExample{"fencing_topology", "pm01: ipmi-1 pm02: ipmi-2"},
    StatementExample{"group", "web web-ip web-server"},
    StatementExample{"location", "web-on-pm01 web 100: pm01"},
    StatementExample{"master", "ms-db db meta promoted-max=1 notify=true"},
    StatementExample{"monitor", "web-server 10s:20s"},
    StatementExample{"ms", "ms-db db meta promoted-max=1 notify=true"},
    StatementExample{"node", "pm01 attributes site=berlin"},
    StatementExample{"op_defaults", "timeout=60s"},
    StatementExample{"order", "db-then-web Mandatory: ms-db:promote web:start"},
    StatementExample{"primitive", "ip ocf:heartbeat:IPaddr2 params ip=10.0.0.1"},
    StatementExample{"property", "maintenance-mode=true"},
    StatementExample{"role", "readers read xpath:/cib"},
    StatementExample{"rsc_defaults", "resource-stickiness=100"},
    StatementExample{"rsc_template", "vm ocf:heartbeat:VirtualDomain op start timeout=90s"},
    StatementExample{"rsc_ticket", "web-in-berlin berlin: web loss-policy=stop"},
    StatementExample{"tag", "all-web: web-ip web-server"},
    StatementExample{"template", "vm ocf:heartbeat:VirtualDomain op start timeout=90s"},
    StatementExample{"user", "alice role:readers"},
    StatementExample{
        "xml", "'<primitive id=\"d\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>'"}};

std::string example_of(std::string_view statement) {
    const auto found =
        std::find_if(kStatementExamples.begin(), kStatementExamples.end(),
                     [&](const StatementExample& row) { return row.statement == statement; });
    const std::string_view words = found != kStatementExamples.end() ? found->words : "...";
    return concat("xbeat configure ", statement, " ", words);
}

void add_reading(const Command& noun, const Line& line) {
    Command text = noun.verb("show", "Print it, in the crm shell's language or as XML");
    text.words("IDS", line->words, "Only these objects; 'xml' first: as XML");
    text.footer(
        "Examples:\n  xbeat configure show\n  xbeat configure show web\n  xbeat configure show xml "
        "> saved.xml");
    text.shows(with(line, show_configuration));

    Command difference = noun.verb("diff", "How a file differs from what is configured");
    difference.required("FILE", line->file, "crm language or XML; - reads standard input");
    difference.footer("Example:\n  xbeat configure diff web.crm");
    difference.shows(with(line, compare));

    Command check = noun.verb("verify", "Check a file, or what is configured");
    check.word("FILE", line->file,
               "crm language or XML; - reads standard input; default: what is configured");
    check.footer("Examples:\n  xbeat configure verify\n  xbeat configure verify web.crm");
    check.shows(with(line, [](Session& session, const ConfigureLine& l) {
        return verify_configuration(session, l.file);
    }));
}

void add_loading(const Command& noun, const Line& line) {
    Command from_file = noun.verb("load", "Take objects, or everything, from a file");
    from_file.needs_verb();
    from_file.footer(
        "Examples:\n  xbeat configure load update web.crm\n  xbeat configure load replace "
        "saved.xml");
    Command update =
        from_file.verb("update", "Add its objects, or put them in place of those of the same name");
    Command replace = from_file.verb("replace", "Let it be the whole configuration");
    for (Command verb : {update, replace}) {
        verb.required("FILE", line->file, "crm language or XML; - reads standard input");
    }
    replace.flag("--force", line->change.force,
                 "Although the configuration changed since the file was saved");
    update.footer("Example:\n  xbeat configure load update web.crm --dry-run");
    replace.footer("Example:\n  xbeat configure load replace saved.xml");
    const auto run = [&line](Loads what) {
        return with(line, [what](Session& session, const ConfigureLine& l) {
            return load(session, l, what);
        });
    };
    update.changes(line->change, run(Loads::Objects));
    replace.changes(line->change, run(Loads::Everything), Harm::MayStop);
}

void add_editing(const Command& noun, const Line& line) {
    Command gone = noun.verb("delete", "Delete objects");
    gone.required_words("IDS", line->words);
    gone.flag("--force", line->change.force, "And whatever refers to them");
    gone.footer("Example:\n  xbeat configure delete web-on-pm01");
    gone.changes(line->change, with(line, remove), Harm::MayStop);

    Command other = noun.verb("rename", "Give an object another name, wherever it is named");
    other.required("OLD", line->from);
    other.required("NEW", line->to);
    other.footer("Example:\n  xbeat configure rename web-ip service-ip");
    other.changes(line->change, with(line, rename));

    for (const std::string_view statement : cib::crm_statements()) {
        Command verb = noun.verb(statement, "One statement of the crm shell's language");
        // What follows is that language's business, options and all.
        verb.under("Statements (one each; --wait, --dry-run)");
        verb.footer(concat("The words are those of the crm shell; see xbeat-crm(7).\nExample:\n  ",
                           example_of(statement)));
        verb.changes_by_words(line->change, line->words,
                              with(line, [statement](Session& session, const ConfigureLine& l) {
                                  return one_liner(session, l, statement);
                              }));
    }
}

}  // namespace

void add_configure(const Command& root) {
    Command noun = root.verb("configure", "Show and change the configuration");
    noun.needs_verb();
    if (!noun.is_wanted()) return;
    noun.footer(
        "Examples:\n"
        "  xbeat configure show\n"
        "  xbeat configure load update web.crm\n"
        "  xbeat configure primitive ip ocf:heartbeat:IPaddr2 params ip=10.0.0.1 op monitor "
        "interval=10s\n"
        "  xbeat configure property stonith-enabled=true");
    const Line line = std::make_shared<ConfigureLine>();
    add_reading(noun, line);
    add_loading(noun, line);
    add_editing(noun, line);
    add_configure_editing(noun);
}

}  // namespace xbeat::cli
