// `xbeat status`, and the bare `xbeat`.
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/nouns.h"
#include "cli/render_status.h"
#include "cli/render_xml.h"
#include "cli/status_json.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "control/client.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

constexpr Duration kWatchPeriod = 1s;  // a quiet cluster's display is redrawn this often

struct StatusLine {
    StatusOptions show;
    std::string file;
    bool watch = false;
    bool no_links = false;
    bool no_headers = false;
};

// Only the form that is asked for is made: text and JSON of a large cluster take their time.
Answer answer_of(const Session& session, const StatusInput& input, const StatusOptions& options) {
    Answer answer;
    if (session.form == Form::Text) answer.text = render_status(input, options);
    if (session.form == Form::Json) answer.document = status_json(input);
    if (session.form == Form::Xml) answer.elements = status_elements(input, options);
    return answer;
}

ExitCode show_once(Session& session, const StatusLine& line) {
    const Result<StatusInput> input = load_status(session, line.file);
    if (!input) return fail(session, input.error());
    return show(session, answer_of(session, *input, line.show));
}

// Redraws in place: home, each line cleared behind its end, the rest of the screen cleared. Nothing
// is blanked first, so nothing flickers.
std::string redrawn(std::string_view text) {
    std::string out = "\x1b[H";
    for (const char letter : text) {
        if (letter == '\n') out += "\x1b[K";
        out += letter;
    }
    return out + "\x1b[J";
}

ExitCode show_until_stopped(Session& session, const StatusLine& line) {
    Result<control::Client> events = connect(session);
    if (!events) return fail(session, events.error());
    const Result<void> sent = events->send({{"op", "events"}, {"limit", 1}, {"follow", true}});
    if (!sent) return fail(session, sent.error());
    while (session.out.good()) {
        const Result<StatusInput> input = load_status(session, line.file);
        if (!input) return fail(session, input.error());
        const Answer answer = answer_of(session, *input, line.show);
        if (session.has_colours && session.form == Form::Text) {
            session.out << redrawn(colourised(answer.text));
        } else {
            static_cast<void>(show(session, answer));
            session.out << '\n';
        }
        session.out.flush();
        // An event redraws at once; the period is for figures that change without one.
        const Result<nlohmann::json> event = events->next(kWatchPeriod);
        if (!event && event.error().code != Code::Timeout) return fail(session, event.error());
    }
    return ExitCode::Ok;
}

ExitCode run_status(Session& session, StatusLine line) {
    line.show.links = !line.no_links;
    line.show.headers = !line.no_headers;
    if (line.watch && !line.file.empty()) {
        return fail_usage(session, "--watch follows a daemon; a file does not change by itself",
                          "xbeat status");
    }
    return line.watch ? show_until_stopped(session, line) : show_once(session, line);
}

}  // namespace

void add_status(const Command& root) {
    Command status = root.verb("status", "Show nodes, resources, links and failures");
    const auto line = std::make_shared<StatusLine>();
    status.flag("-r,--inactive", line->show.inactive, "Also resources that are stopped");
    status.flag("-f,--failcounts", line->show.fail_counts, "Fail counts (migration summary)");
    status.flag("-A,--attributes", line->show.attributes, "Node attributes");
    status.flag("-n,--group-by-node", line->show.by_node, "Resources under their nodes");
    status.flag("-o,--operations", line->show.operations, "Operation history");
    status.flag("-t,--timing-details", line->show.timing, "Operation history with times");
    status.flag("-b,--brief", line->show.brief, "Counts instead of single resources");
    status.flag("-R,--show-detail", line->show.detail, "Node ids and every clone instance");
    status.flag("-L,--neg-locations", line->show.bans, "Constraints that forbid a node");
    status.flag("-c,--tickets", line->show.tickets, "Tickets");
    status.flag("-D,--hide-headers", line->no_headers, "Without the summary");
    status.flag("--no-links", line->no_links, "Without the links");
    status.number("-m,--fence-history", line->show.fence_history, {0, 3}, "LEVEL",
                  "Fencing: 0 none, 1 failed and pending, 2 also successes, 3 everything");
    status.option("--file", line->file, "FILE",
                  "Show this CIB instead of the running cluster; - reads standard input");
    status.flag("--watch", line->watch, "Show again at every change, until stopped");
    status.footer(
        "Examples:\n"
        "  xbeat status -rfA          everything that crm_mon -rfA shows\n"
        "  xbeat status --json\n"
        "  xbeat status --file saved.xml   without a daemon");
    status.shows(with(line, run_status));
}

Result<StatusInput> load_status(Session& session, const std::string& file) {
    if (file.empty()) return ask_status(session);
    const std::string text = XB_TRY(read_input(session, file));
    Result<cib::Element> cib = cib::parse_xml(text);
    if (!cib)
        return Error{.code = Code::Corrupt, .context = concat(file, ": ", cib.error().context)};
    if (cib->name != "cib") {
        return Error{.code = Code::Corrupt,
                     .context = concat(file, " is not a CIB: its first element is <", cib->name,
                                       ">, not <cib>")};
    }
    return status_from_cib(*cib, sys::calendar_now());
}

ExitCode run_health(Session& session) {
    const Result<StatusInput> input = ask_status(session);
    if (!input) {
        const ExitCode code = fail(session, input.error());
        session.err
            << "'xbeat --help' shows the commands; 'xbeat status --file FILE' works without "
               "a daemon.\n";
        return code;
    }
    if (session.form != Form::Text) return show(session, answer_of(session, *input, {}));
    const Result<nlohmann::json> times = ask(session, {"timeline"});
    const std::vector<TimelineStatus> timelines =
        times ? timelines_from_reply(*times) : std::vector<TimelineStatus>{};
    const std::string text = render_health(*input, timelines.empty() ? nullptr : &timelines.back());
    session.out << (session.has_colours ? colourised(text) : text);
    return ExitCode::Ok;
}

}  // namespace xbeat::cli
