// `xbeat configure edit`, `save` and `undo`: the configuration in an editor, in a file, and as it
// was before.
#include "cli/configure_edit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "cib/crm_print.h"
#include "cib/edit.h"
#include "cib/validate.h"
#include "cli/ask.h"
#include "cli/base_version.h"
#include "cli/change.h"
#include "cli/history.h"
#include "cli/program.h"
#include "cli/status_source.h"
#include "core/text.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

using cib::Element;

struct EditLine {
    std::string file;
    std::string number;
    std::string form = "crm";  // of the text: crm or xml
    bool force = false;
    ChangeOptions change;
};

Result<void> write_all(int fd, std::string_view text, const std::string& name) {
    while (!text.empty()) {
        const ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sys::system_error(concat("cannot write ", name));
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

// A file of our own (0600: a configuration may hold secrets), removed unless it is to be kept.
class Draft {
public:
    static Result<Draft> create(std::string_view text, std::string_view suffix) {
        const char* const folder = std::getenv("TMPDIR");
        std::string name = concat(folder != nullptr ? folder : "/tmp", "/xbeat-XXXXXX", suffix);
        const sys::Fd fd(::mkstemps(name.data(), static_cast<int>(suffix.size())));
        if (!fd.is_open()) return sys::system_error(concat("cannot make ", name));
        Draft draft(name);
        XB_TRY(write_all(fd.get(), text, name));
        return draft;
    }
    Draft(Draft&& other) noexcept : name_(std::exchange(other.name_, {})) {}
    Draft& operator=(Draft&&) = delete;
    ~Draft() {
        if (!name_.empty()) ::unlink(name_.c_str());
    }
    [[nodiscard]] const std::string& name() const { return name_; }
    /// The person's work is not thrown away.
    std::string keep() { return std::exchange(name_, {}); }

private:
    explicit Draft(std::string name) : name_(std::move(name)) {}
    std::string name_;
};

std::vector<std::string> editor_words(const std::string& file) {
    std::string editor;
    for (const char* const name : {"VISUAL", "EDITOR"}) {
        const char* const value = std::getenv(name);
        if (editor.empty() && value != nullptr) editor = value;
    }
    if (editor.empty()) editor = find_program("editor");
    std::vector<std::string> words;
    for (const std::string_view word : split_words(editor)) words.emplace_back(word);
    if (words.empty()) words.emplace_back("vi");
    words.push_back(file);
    return words;
}

// What is wrong with the text, all of it; an empty text if it can be used.
std::string mistakes_in(std::string_view text) {
    const Result<Element> read = cib::load_replace(text);
    if (!read) return concat(read.error().context, "\n");
    const std::vector<cib::Problem> problems = cib::validate(*read);
    std::string list;
    if (!cib::has_error(problems)) return list;
    for (const cib::Problem& problem : problems) list += concat(cib::to_string(problem), "\n");
    return list;
}

// Edits until the text is sound or the person gives up; the text, or why there is none.
Result<std::string> edited_text(Session& session, const Draft& draft) {
    for (;;) {
        const std::vector<std::string> words = editor_words(draft.name());
        const int code = XB_TRY(run_on_terminal(words));
        if (code != 0) {
            return Error{.code = Code::Unavailable,
                         .context = concat("the editor ", words.front(), " ended with ", code,
                                           "; nothing was changed")};
        }
        std::string text = XB_TRY(read_input(session, draft.name()));
        const std::string mistakes = mistakes_in(text);
        if (mistakes.empty()) return text;
        session.err << mistakes;
        if (session.is_interactive) {
            session.err << "Edit again? [Y/n] " << std::flush;
            std::string answer;
            if (std::getline(session.in, answer) && !answer.starts_with('n')) continue;
        }
        return Error{.code = Code::Invalid,
                     .context = "the configuration would be unusable; nothing was changed"};
    }
}

Result<std::string> apply_text(Element& configuration, std::string_view text) {
    Element after = XB_TRY(cib::load_replace(read_saved(std::string(text)).text));
    std::string sentence;
    for (const cib::Change& change : cib::diff(configuration, after))
        sentence += concat(cib::to_string(change), "\n");
    configuration = std::move(after);
    return sentence;
}

ExitCode edit(Session& session, const EditLine& line) {
    const Result<void> allowed = line.change.dry_run ? Result<void>() : require_admin(session);
    if (!allowed) return fail(session, allowed.error());
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const std::string text = print_saved(*cib, line.form == "xml");
    Result<Draft> draft = Draft::create(text, line.form == "xml" ? ".xml" : ".crm");
    if (!draft) return fail(session, draft.error());
    const Result<std::string> changed = edited_text(session, *draft);
    if (!changed) {
        const ExitCode code = fail(session, changed.error());
        if (changed.error().code == Code::Invalid)
            session.err << "Your text is kept in " << draft->keep() << '\n';
        return code;
    }
    if (*changed == text) {
        say(session, "nothing to change: the text is as it was");
        return ExitCode::Ok;
    }
    ChangeOptions options = line.change;
    options.retry = false;
    // The editor was open for minutes: what somebody else did meanwhile is not undone unseen.
    const auto is_of_now = [&](const Element& now) {
        return options.force ? Result<void>()
                             : refuse_outdated(session, now, cib::version_of(*cib), "your text");
    };
    const ExitCode code = change_configuration(
        session, options,
        [&](Element& configuration) { return apply_text(configuration, *changed); }, is_of_now);
    if (code == ExitCode::Ok) return code;
    session.err << "Your text is kept in " << draft->keep();
    if (code == ExitCode::Outdated)
        session.err << "; 'xbeat configure load replace' of it with --force undoes their changes";
    session.err << '\n';
    return code;
}

ExitCode save(Session& session, const EditLine& line) {
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const std::string text = print_saved(*cib, line.form == "xml");
    if (line.file == "-") {
        if (session.form != Form::Text)
            return fail_usage(session, "- has the configuration on standard output, as it is saved",
                              "xbeat configure save");
        session.out << text;
        return ExitCode::Ok;
    }
    const bool exists = ::access(line.file.c_str(), F_OK) == 0;
    if (exists && !line.force) {
        return fail(session,
                    {.code = Code::Exists,
                     .context = concat(line.file, " exists already; --force writes over it")});
    }
    if (line.change.dry_run) {
        say(session, concat("would write ", text.size(), " bytes to ", line.file,
                            exists ? ", over what is there" : "", " (nothing was written)"));
        return ExitCode::Ok;
    }
    const int how = O_WRONLY | O_CREAT | O_CLOEXEC | (line.force ? O_TRUNC : O_EXCL);
    const sys::Fd fd(::open(line.file.c_str(), how, 0600));
    if (!fd.is_open()) return fail(session, sys::system_error(concat("cannot make ", line.file)));
    const Result<void> written = write_all(fd.get(), text, line.file);
    if (!written) return fail(session, written.error());
    say(session, concat("saved in ", line.file, " (mode 0600: it may hold secrets)"));
    return ExitCode::Ok;
}

// The configuration before the newest one, in words and as a document.
Result<HistoryEntry> entry_to_go_back_to(Session& session, const std::string& number) {
    if (!number.empty()) {
        const auto wanted = parse_integer(number);
        if (!wanted || *wanted <= 0) {
            return Error{
                .code = Code::Invalid,
                .context = concat("'", number, "' is no number of an entry of the history")};
        }
        return fetch_history_entry(session, *wanted);
    }
    const std::vector<HistoryEntry> entries = XB_TRY(fetch_history(session, kHistoryRowsMax));
    std::vector<std::int64_t> configurations;
    for (const HistoryEntry& entry : entries) {
        if (entry.kind == "configuration") configurations.push_back(entry.number);
    }
    if (configurations.size() < 2) {
        return Error{.code = Code::NotFound,
                     .context =
                         "this node remembers no earlier configuration; see 'xbeat history "
                         "list'"};
    }
    return fetch_history_entry(session, configurations[configurations.size() - 2]);
}

ExitCode undo(Session& session, const EditLine& line) {
    const Result<HistoryEntry> entry = entry_to_go_back_to(session, line.number);
    if (!entry) return fail(session, entry.error());
    const Element earlier = configuration_of(entry->cib);
    ChangeOptions options = line.change;
    options.retry = false;
    return change_configuration(
        session, options, [&](Element& configuration) -> Result<std::string> {
            std::string sentence =
                concat("back to entry ", entry->number, " (configuration ", entry->version, "):");
            for (const cib::Change& change : cib::diff(configuration, earlier))
                sentence += concat("\n  ", cib::to_string(change));
            configuration = earlier;
            return sentence;
        });
}

}  // namespace

void add_configure_editing(const Command& noun) {
    const auto line = std::make_shared<EditLine>();
    Command editor = noun.verb("edit", "Edit it in $EDITOR; checked before it takes effect");
    editor.option_of("--as", line->form, {"crm", "xml"},
                     "The crm shell's language (default), or XML");
    editor.flag("--force", line->change.force,
                "Although somebody else changed it meanwhile: that is undone");
    editor.footer("Example:\n  EDITOR=nano xbeat configure edit");
    editor.changes(line->change, with(line, edit), Harm::MayStop);

    Command keep = noun.verb("save", "Write it to a file");
    keep.required("FILE", line->file, "- for standard output");
    keep.option_of("--as", line->form, {"crm", "xml"},
                   "The crm shell's language (default), or XML");
    keep.flag("--force", line->force, "Write over a file that exists");
    keep.footer("Example:\n  xbeat configure save /root/before-upgrade.crm");
    keep.makes(line->change, with(line, save));

    Command back = noun.verb("undo", "Go back to an earlier configuration");
    back.word("NUMBER", line->number,
              "Of 'xbeat history list'; default: the one before the newest");
    back.footer("Examples:\n  xbeat configure undo --dry-run\n  xbeat configure undo 41");
    back.changes(line->change, with(line, undo), Harm::MayStop);
}

}  // namespace xbeat::cli
