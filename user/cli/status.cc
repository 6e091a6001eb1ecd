// `xbeat status`, and the bare `xbeat`.
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

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
    bool as_json = false;
    bool as_xml = false;
    bool watch = false;
    bool no_links = false;
    bool no_headers = false;
};

std::string text_form(const StatusInput& input, const StatusLine& line) {
    if (line.as_json)
        return status_json(input).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
               "\n";
    if (line.as_xml) return render_xml(input, line.show, "xbeat status --xml");
    return render_status(input, line.show);
}

ExitCode show_once(Session& session, const StatusLine& line) {
    const Result<StatusInput> input = load_status(session, line.file);
    if (!input) return fail(session, input.error());
    const std::string text = text_form(*input, line);
    session.out << (session.has_colours && !line.as_json && !line.as_xml ? colourised(text) : text);
    return ExitCode::Ok;
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
        const std::string text = text_form(*input, line);
        if (session.has_colours) {
            session.out << redrawn(colourised(text));
        } else {
            session.out << text << '\n';
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
    if (line.as_json && line.as_xml)
        return fail_usage(session, "--json and --xml exclude each other", "xbeat status");
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
    status.flag("--json", line->as_json, "As JSON, for programs");
    status.flag("--xml", line->as_xml, "As crm_mon's XML, for programs");
    status.flag("--watch", line->watch, "Show again at every change, until stopped");
    status.footer(
        "Examples:\n"
        "  xbeat status -rfA          everything that crm_mon -rfA shows\n"
        "  xbeat status --json\n"
        "  xbeat status --file saved.xml   without a daemon");
    status.runs([line](Session& session) { return run_status(session, *line); });
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
    const Result<nlohmann::json> times = ask(session, {"timeline"});
    const std::vector<TimelineStatus> timelines =
        times ? timelines_from_reply(*times) : std::vector<TimelineStatus>{};
    const std::string text = render_health(*input, timelines.empty() ? nullptr : &timelines.back());
    session.out << (session.has_colours ? colourised(text) : text);
    return ExitCode::Ok;
}

}  // namespace xbeat::cli
