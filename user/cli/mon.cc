// `xbeat mon`: the live view. Asks the daemon once a second, at once when something happens.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/mon_frame.h"
#include "cli/mon_sections.h"
#include "cli/nouns.h"
#include "cli/render_event.h"
#include "cli/render_xml.h"
#include "cli/screen.h"
#include "cli/status_json.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "control/client.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr Duration kPeriod = 1s;  // between two looks while nothing happens
// A whole status is read again only after it has cost so little: 1/75 of a processor while nothing
// happens, a tenth while much does. Of a thousand resources it costs some 50 ms.
constexpr int kRestCalm = 75;
constexpr int kRestBusy = 10;
constexpr Duration kRestMax = 10s;
constexpr Duration kAnswerWait = 2s;  // a daemon that takes longer is shown as trouble
constexpr std::size_t kEventsAtStart = 20;
constexpr std::string_view kRequest = "crm_mon --output-as=xml";  // its readers know this one

struct MonLine {
    bool once = false;
    bool simple = false;
    bool as_xml = false;
    bool hide_headers = false;
    int interval_s = 0;
    std::string form = "console";
    std::string html_file;
    std::string output_file;
    std::string file;
    std::string sections;
    std::string node;
    std::string resource;
    bool is_cgi = false;
    StatusOptions show{.links = false};
};

// The two connections of a live view: one for questions, one on which events arrive.
class Feed {
public:
    explicit Feed(const Session& session) : session_(session) {}

    // Brings `state` up to date; says in `state.trouble` why that did not work.
    void refresh(MonState& state) {
        const Result<void> outcome = try_refresh(state);
        state.trouble = outcome ? "" : outcome.error().context;
        if (!outcome) drop();
        state.clock = clock_text(sys::calendar_now().value * 1000).substr(0, 8);
    }

    // Takes in the events that are there; true if there were any.
    bool take_events(MonState& state) {
        bool any = false;
        while (events_) {
            const Result<json> line = events_->next(Duration::zero());
            if (!line && line.error().code != Code::Timeout) drop();
            if (!line) break;
            const auto event = line->find("event");
            if (event == line->end() || text_of(*event, "level") == "debug") continue;
            state.events.push_back(render_event(*event).substr(kDateBytes));
            if (state.events.size() > kEventLinesMax) state.events.pop_front();
            any = true;
        }
        return any;
    }

    // Something happened: the status is read as soon as that costs little enough, which is then.
    Instant hurry() {
        status_due_ = std::min(status_due_, status_read_ + std::min(kRestMax, cost_ * kRestBusy));
        return status_due_;
    }

    [[nodiscard]] int events_fd() const { return events_ ? events_->fd() : -1; }

private:
    static constexpr std::size_t kDateBytes = 11;  // "2026-11-22 ": the tail shows times only

    Result<void> try_refresh(MonState& state) {
        if (!questions_) {
            questions_ = XB_TRY(connect(session_));
            events_ = XB_TRY(connect(session_));
            state.events.clear();
            XB_TRY(events_->send({{"op", "events"}, {"limit", kEventsAtStart}, {"follow", true}}));
        }
        if (!state.has_status || sys::boot_now() >= status_due_) XB_TRY(read_status(state));
        state.looked_at = sys::boot_now();
        const json heart = XB_TRY(questions_->call({{"op", "heart"}}, kAnswerWait));
        add_heart(state, heart);
        return {};
    }

    Result<void> read_status(MonState& state) {
        const std::clock_t before = std::clock();
        const json status = XB_TRY(questions_->call({{"op", "status"}}, kAnswerWait));
        state.status = XB_TRY(status_from_reply(status));
        state.has_status = true;
        note_running(state, sys::boot_now());
        const json times = XB_TRY(questions_->call({{"op", "timeline"}}, kAnswerWait));
        state.timelines = timelines_from_reply(times);
        cost_ = std::chrono::microseconds((std::clock() - before) * 1'000'000 / CLOCKS_PER_SEC);
        status_read_ = sys::boot_now();
        status_due_ = status_read_ + std::min(kRestMax, cost_ * kRestCalm);
        return {};
    }

    void drop() {
        questions_.reset();
        events_.reset();
        status_due_ = {};
    }

    const Session& session_;
    std::optional<control::Client> questions_;
    std::optional<control::Client> events_;
    Duration cost_{};  // of the last status: processor time
    Instant status_read_{};
    Instant status_due_{};
};

std::string page_of(const StatusInput& input, const MonLine& line) {
    if (line.form == "xml") return render_xml(input, line.show, kRequest);
    if (line.form == "html") {
        const std::string page = render_html(input, line.show, line.interval_s);
        return line.is_cgi ? concat("Content-Type: text/html\n\n", page) : page;
    }
    return render_status(input, line.show);
}

// To a file beside it and renamed, so that a reader (a web server) never sees half a page.
Result<void> write_page(const std::string& file, std::string_view page) {
    const std::string draft = concat(file, ".new");
    std::ofstream out(draft, std::ios::trunc);
    out << page;
    out.close();
    if (!out.good() || std::rename(draft.c_str(), file.c_str()) != 0)
        return sys::system_error(concat("cannot write ", file));
    return {};
}

ExitCode print_once(Session& session, const MonLine& line) {
    Result<StatusInput> input = load_status(session, line.file);
    if (input) {
        if (const auto kept = keep_only(*input, line.node, line.resource); !kept)
            input = kept.error();
    }
    if (!input) {
        const ExitCode code = fail(session, input.error());
        // Whoever parses the XML finds the error in it, as in crm_mon's.
        if (line.form == "xml")
            session.out << render_result(kRequest, {}, code, session.said.errors);
        return code;
    }
    if (line.form == "none") return ExitCode::Ok;
    const std::string page = page_of(*input, line);
    if (!line.output_file.empty()) {
        const Result<void> written = write_page(line.output_file, page);
        return written ? ExitCode::Ok : fail(session, written.error());
    }
    const bool is_text = line.form == "console" || line.form == "text";
    session.out << (is_text && session.has_colours ? colourised(page) : page);
    return ExitCode::Ok;
}

ExitCode run_live(Session& session, MonState& state) {
    Result<Screen> screen = Screen::create();
    if (!screen) return fail(session, screen.error());
    state.has_utf8 = screen->has_utf8();
    Feed feed(session);
    Instant next_look = sys::boot_now();
    for (;;) {
        if (sys::boot_now() >= next_look) {
            feed.refresh(state);
            next_look = sys::boot_now() + kPeriod;
        }
        if (feed.take_events(state)) {
            const Instant soon = sys::boot_now() + 50ms;
            next_look = std::min(next_look, std::max(soon, feed.hurry()));
        }
        screen->draw(compose_frame(state, screen->width(), screen->height()));
        const Duration left = std::max(Duration::zero(), next_look - sys::boot_now());
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left);
        const std::optional<int> key = screen->next_key(wait, feed.events_fd());
        if (key && !press_key(state, *key)) return ExitCode::Ok;
    }
}

// Until stopped, with --interval; a look that fails is said on the page, for its reader is
// elsewhere.
ExitCode write_pages(Session& session, MonLine line) {
    line.form = "html";
    line.output_file = line.html_file;
    if (line.interval_s == 0) return print_once(session, line);
    while (true) {
        const ExitCode code = print_once(session, line);
        if (code == ExitCode::OutputFailed || code == ExitCode::NoPermission) return code;
        std::this_thread::sleep_for(std::chrono::seconds(line.interval_s));
    }
}

ExitCode run_mon(Session& session, MonLine line) {
    line.show.headers = !line.hide_headers;
    if (session.form == Form::Json) {
        const Result<StatusInput> input = load_status(session, line.file);
        if (!input) return fail(session, input.error());
        return show(session, {.document = status_json(*input)});
    }
    if (line.simple) {
        const Result<StatusInput> input = load_status(session, line.file);
        if (!input) return fail(session, input.error());
        session.said.is_printed = true;
        session.out << simple_status(*input) << '\n';
        return ExitCode::Ok;
    }
    if (line.as_xml || session.form == Form::Xml) line.form = "xml";
    session.said.is_printed = true;  // or nothing is wanted on the screen
    if (line.form == "xml") {
        // Its readers pick what they want, as they do of crm_mon's.
        StatusOptions& show = line.show;
        show.inactive = show.fail_counts = show.attributes = show.operations = true;
        show.timing = show.tickets = show.bans = show.links = true;
        show.fence_history = 3;
    }
    if (const Result<void> chosen = apply_sections(line.sections, line.show); !chosen)
        return fail_usage(session, chosen.error().context, "xbeat mon");
    if (!line.html_file.empty()) {
        if (line.as_xml)
            return fail_usage(session, "--as-xml and --as-html exclude each other", "xbeat mon");
        return write_pages(session, line);
    }
    const bool is_file = !line.file.empty() || !line.node.empty() || !line.resource.empty() ||
                         !line.output_file.empty();
    if (line.once || is_file || line.form != "console") return print_once(session, line);
    MonState state;
    state.show = line.show;
    // The title has what the summary says, and stopped resources matter on a screen.
    state.show.headers = false;
    state.show.inactive = true;
    return run_live(session, state);
}

}  // namespace

void add_mon(const Command& root) {
    Command mon = root.verb("mon", "Watch the cluster live, full screen");
    const auto line = std::make_shared<MonLine>();
    mon.flag("-1,--one-shot", line->once, "Print once and end");
    mon.flag("-s,--simple-status", line->simple, "Print one line for monitoring and end");
    mon.flag("-r,--inactive", line->show.inactive, "Also resources that are stopped");
    mon.flag("-f,--failcounts", line->show.fail_counts, "Fail counts");
    mon.flag("-A,--attributes", line->show.attributes, "Node attributes");
    mon.flag("-n,--group-by-node", line->show.by_node, "Resources under their nodes");
    mon.flag("-o,--operations", line->show.operations, "Operation history");
    mon.flag("-t,--timing-details", line->show.timing, "Operation history with times");
    mon.flag("-b,--brief", line->show.brief, "Counts instead of single resources");
    mon.flag("-R,--show-detail", line->show.detail, "Node ids and every clone instance");
    mon.flag("-L,--neg-locations", line->show.bans, "Constraints that forbid a node");
    mon.flag("-c,--tickets", line->show.tickets, "Tickets");
    mon.flag("-D,--hide-headers", line->hide_headers, "Without the summary");
    mon.number("-m,--fence-history", line->show.fence_history, {0, 3}, "LEVEL",
               "Fencing: 0 none, 1 failed and pending, 2 also successes, 3 everything");
    mon.option("--sections", line->sections, "LIST",
               "Show (NAME) and hide (-NAME) sections, from left to right: 'none,nodes'");
    mon.option("--node", line->node, "NODE", "Only this node and what runs on it");
    mon.option("--resource", line->resource, "RESOURCE", "Only this resource");
    mon.flag("-X,--as-xml", line->as_xml, "Print once, as crm_mon's XML");
    mon.option_of("--output-as", line->form, {"console", "text", "xml", "html", "none"},
                  "The form; all but console print once");
    mon.option("--output-to", line->output_file, "FILE", "Write there instead");
    mon.option("--as-html", line->html_file, "FILE", "Write a page there, again every --interval");
    mon.number("-i,--interval", line->interval_s, {1, 86'400}, "SECONDS",
               "Between two pages of --as-html, which is then written until stopped");
    mon.flag("--html-cgi", line->is_cgi, "A page with the head that a web server wants");
    mon.option("--file", line->file, "FILE", "Show this CIB; - reads standard input");
    mon.footer(
        "Keys: r f n A o t m L c b R D show or hide sections, j k space - scroll, ? help, q ends.\n"
        "Examples:\n"
        "  xbeat mon\n"
        "  xbeat mon -1rfA\n"
        "  xbeat mon -1 --output-as=xml");
    mon.shows(with(line, run_mon));
}

}  // namespace xbeat::cli
