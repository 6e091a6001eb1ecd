// `xbeat configure`: the cluster's configuration as text, in the crm shell's language or as XML.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <span>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/crm_words.h"
#include "cib/edit.h"
#include "cib/suggest.h"
#include "cli/change.h"
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

ExitCode show_objects(Session& session, const Element& configuration, const ConfigureLine& line) {
    std::string text;
    for (const std::string& name : line.words) {
        const Element* object = find_object(configuration, name);
        if (object == nullptr) {
            std::vector<std::string_view> ids;
            collect_ids(configuration, ids);
            return fail(session, {.code = Code::NotFound,
                                  .context = concat("the configuration has no '", name, "'",
                                                    cib::did_you_mean(name, ids))});
        }
        text +=
            line.as_xml ? cib::print_xml(*object) : cib::print_crm_object(*object, configuration);
    }
    session.out << text;
    return ExitCode::Ok;
}

ExitCode show(Session& session, ConfigureLine line) {
    // crmsh's form: `show xml [IDS]`.
    if (!line.words.empty() && line.words.front() == "xml") {
        line.as_xml = true;
        line.words.erase(line.words.begin());
    }
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    if (!line.words.empty()) return show_objects(session, configuration_of(*cib), line);
    session.out << (line.as_xml ? cib::print_xml(*cib) : cib::print_crm(configuration_of(*cib)));
    return ExitCode::Ok;
}

// An error of reading a text, with the file's name in front.
Error in_file(const std::string& file, const Error& error) {
    return {.code = error.code,
            .context = concat(file == "-" ? "standard input" : file, ": ", error.context),
            .system_errno = error.system_errno};
}

ExitCode load(Session& session, const ConfigureLine& line, bool replaces) {
    const Result<std::string> text = read_input(session, line.file);
    if (!text) return fail(session, text.error());
    ChangeOptions options = line.change;
    options.retry = !replaces;
    return change_configuration(
        session, options, [&](Element& configuration) -> Result<std::string> {
            Result<Element> loaded =
                replaces ? cib::load_replace(*text) : cib::load_update(configuration, *text);
            if (!loaded) return in_file(line.file, loaded.error());
            const std::vector<cib::Change> changes = cib::diff(configuration, *loaded);
            configuration = *std::move(loaded);
            std::string sentence =
                concat("from ", line.file == "-" ? "standard input" : line.file, ":");
            for (const cib::Change& change : changes)
                sentence += concat("\n  ", cib::to_string(change));
            return sentence;
        });
}

ExitCode compare(Session& session, const ConfigureLine& line) {
    const Result<std::string> text = read_input(session, line.file);
    if (!text) return fail(session, text.error());
    const Result<Element> wanted = cib::load_replace(*text);
    if (!wanted) return fail(session, in_file(line.file, wanted.error()));
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const std::vector<cib::Change> changes = cib::diff(configuration_of(*cib), *wanted);
    for (const cib::Change& change : changes) session.out << cib::to_string(change) << '\n';
    if (changes.empty()) session.out << "no difference\n";
    return ExitCode::Ok;
}

// A one-liner's words back as a line of the crm language: the shell took the quotes away.
std::string statement_of(std::string_view first, std::span<const std::string> words) {
    std::string text(first);
    for (const std::string& word : words) text += concat(' ', cib::quote_word(word));
    return text;
}

ExitCode one_liner(Session& session, const ConfigureLine& line, std::string_view statement) {
    if (line.words.empty()) {
        return fail_usage(session, concat("'", statement, "' needs words behind it"),
                          "xbeat configure");
    }
    ConfigureLine rest = line;
    // Words of a statement are taken as they stand, so our own options are found among them.
    const auto take = [&](std::string_view option, bool& flag) {
        const auto kept = std::remove(rest.words.begin(), rest.words.end(), option);
        flag = flag || kept != rest.words.end();
        rest.words.erase(kept, rest.words.end());
    };
    take("--wait", rest.change.wait);
    take("--dry-run", rest.change.dry_run);
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

void choose(CLI::App* verb, Choice& choice, const Line& line,
            std::function<ExitCode(Session&, const ConfigureLine&)> run) {
    verb->callback([&choice, line, run = std::move(run)] {
        choice.run = [line, run](Session& session) { return run(session, *line); };
    });
}

void add_reading(CLI::App& noun, Choice& choice, const Line& line) {
    CLI::App* text = noun.add_subcommand("show", "Print it, in the crm shell's language or as XML");
    text->add_option("IDS", line->words, "Only these objects; 'xml' first: as XML");
    text->footer(
        "Examples:\n  xbeat configure show\n  xbeat configure show web\n  xbeat configure show xml "
        "> saved.xml");
    choose(text, choice, line, show);

    CLI::App* difference =
        noun.add_subcommand("diff", "How a file differs from what is configured");
    difference->add_option("FILE", line->file, "crm language or XML; - reads standard input")
        ->required();
    difference->footer("Example:\n  xbeat configure diff web.crm");
    choose(difference, choice, line, compare);

    CLI::App* check = noun.add_subcommand("verify", "Check a file, or what is configured");
    check->add_option("FILE", line->file,
                      "crm language or XML; - reads standard input; default: what is configured");
    check->footer("Examples:\n  xbeat configure verify\n  xbeat configure verify web.crm");
    choose(check, choice, line, [](Session& session, const ConfigureLine& l) {
        return verify_configuration(session, l.file);
    });
}

void add_loading(CLI::App& noun, Choice& choice, const Line& line) {
    CLI::App* from_file = noun.add_subcommand("load", "Take objects, or everything, from a file");
    from_file->require_subcommand(1);
    from_file->footer(
        "Examples:\n  xbeat configure load update web.crm\n  xbeat configure load replace "
        "saved.xml");
    CLI::App* update = from_file->add_subcommand(
        "update", "Add its objects, or put them in place of those of the same name");
    CLI::App* replace = from_file->add_subcommand("replace", "Let it be the whole configuration");
    for (CLI::App* verb : {update, replace}) {
        verb->add_option("FILE", line->file, "crm language or XML; - reads standard input")
            ->required();
        add_change_options(*verb, line->change);
    }
    update->footer("Example:\n  xbeat configure load update web.crm --dry-run");
    replace->footer("Example:\n  xbeat configure load replace saved.xml");
    choose(update, choice, line,
           [](Session& s, const ConfigureLine& l) { return load(s, l, false); });
    choose(replace, choice, line,
           [](Session& s, const ConfigureLine& l) { return load(s, l, true); });
}

void add_editing(CLI::App& noun, Choice& choice, const Line& line) {
    CLI::App* gone = noun.add_subcommand("delete", "Delete objects");
    gone->add_option("IDS", line->words)->required();
    gone->add_flag("--force", line->change.force, "And whatever refers to them");
    add_change_options(*gone, line->change);
    gone->footer("Example:\n  xbeat configure delete web-on-pm01");
    choose(gone, choice, line, remove);

    CLI::App* other =
        noun.add_subcommand("rename", "Give an object another name, wherever it is named");
    other->add_option("OLD", line->from)->required();
    other->add_option("NEW", line->to)->required();
    add_change_options(*other, line->change);
    other->footer("Example:\n  xbeat configure rename web-ip service-ip");
    choose(other, choice, line, rename);

    for (const std::string_view statement : cib::crm_statements()) {
        CLI::App* verb = noun.add_subcommand(std::string(statement),
                                             "One statement of the crm shell's language");
        // What follows is that language's business, options and all.
        verb->prefix_command();
        verb->group("Statements (one each; --wait, --dry-run)");
        verb->footer(
            concat("The words are those of the crm shell; see xbeat-crm(7).\nExample:\n  xbeat "
                   "configure property maintenance-mode=true"));
        verb->callback([&choice, line, verb, statement] {
            line->words = verb->remaining();
            choice.run = [line, statement](Session& session) {
                return one_liner(session, *line, statement);
            };
        });
    }
}

}  // namespace

void add_configure(CLI::App& app, Choice& choice) {
    CLI::App* noun = app.add_subcommand("configure", "Show and change the configuration");
    noun->require_subcommand(1);
    noun->footer(
        "Examples:\n"
        "  xbeat configure show\n"
        "  xbeat configure load update web.crm\n"
        "  xbeat configure primitive ip ocf:heartbeat:IPaddr2 params ip=10.0.0.1 op monitor "
        "interval=10s\n"
        "  xbeat configure property stonith-enabled=true");
    const Line line = std::make_shared<ConfigureLine>();
    add_reading(*noun, choice, line);
    add_loading(*noun, choice, line);
    add_editing(*noun, choice, line);
}

}  // namespace xbeat::cli
