// `xbeat configure`: the cluster's configuration as text, in the crm shell's language or as XML.
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
#include "cli/configure_edit.h"
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
    ChangeOptions options = replaces ? asking(line.change) : line.change;
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

ExitCode one_liner(Session& session, ConfigureLine rest, std::string_view statement) {
    if (rest.words.empty()) {
        return fail_usage(session, concat("'", statement, "' needs words behind it"),
                          "xbeat configure");
    }
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
        session, asking(line.change), [&](Element& configuration) -> Result<std::string> {
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

void choose(Command& verb, const Line& line,
            std::function<ExitCode(Session&, const ConfigureLine&)> run) {
    verb.runs([line, run = std::move(run)](Session& session) { return run(session, *line); });
}

void add_reading(const Command& noun, const Line& line) {
    Command text = noun.verb("show", "Print it, in the crm shell's language or as XML");
    text.words("IDS", line->words, "Only these objects; 'xml' first: as XML");
    text.footer(
        "Examples:\n  xbeat configure show\n  xbeat configure show web\n  xbeat configure show xml "
        "> saved.xml");
    choose(text, line, show);

    Command difference = noun.verb("diff", "How a file differs from what is configured");
    difference.required("FILE", line->file, "crm language or XML; - reads standard input");
    difference.footer("Example:\n  xbeat configure diff web.crm");
    choose(difference, line, compare);

    Command check = noun.verb("verify", "Check a file, or what is configured");
    check.word("FILE", line->file,
               "crm language or XML; - reads standard input; default: what is configured");
    check.footer("Examples:\n  xbeat configure verify\n  xbeat configure verify web.crm");
    choose(check, line, [](Session& session, const ConfigureLine& l) {
        return verify_configuration(session, l.file);
    });
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
    add_change_options(update, line->change);
    add_destructive_options(replace, line->change);
    update.footer("Example:\n  xbeat configure load update web.crm --dry-run");
    replace.footer("Example:\n  xbeat configure load replace saved.xml");
    choose(update, line, [](Session& s, const ConfigureLine& l) { return load(s, l, false); });
    choose(replace, line, [](Session& s, const ConfigureLine& l) { return load(s, l, true); });
}

void add_editing(const Command& noun, const Line& line) {
    Command gone = noun.verb("delete", "Delete objects");
    gone.required_words("IDS", line->words);
    gone.flag("--force", line->change.force, "And whatever refers to them");
    add_destructive_options(gone, line->change);
    gone.footer("Example:\n  xbeat configure delete web-on-pm01");
    choose(gone, line, remove);

    Command other = noun.verb("rename", "Give an object another name, wherever it is named");
    other.required("OLD", line->from);
    other.required("NEW", line->to);
    add_change_options(other, line->change);
    other.footer("Example:\n  xbeat configure rename web-ip service-ip");
    choose(other, line, rename);

    for (const std::string_view statement : cib::crm_statements()) {
        Command verb = noun.verb(statement, "One statement of the crm shell's language");
        // What follows is that language's business, options and all.
        verb.under("Statements (one each; --wait, --dry-run)");
        verb.footer(
            concat("The words are those of the crm shell; see xbeat-crm(7).\nExample:\n  xbeat "
                   "configure property maintenance-mode=true"));
        verb.takes_rest([statement](Session& session, std::vector<std::string> words) {
            ConfigureLine rest;
            rest.words = std::move(words);
            return one_liner(session, std::move(rest), statement);
        });
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
