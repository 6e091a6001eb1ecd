// `xbeat mon`: the live view. Asks the daemon once a second, at once when something happens.
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/ask.h"
#include "cli/mon_frame.h"
#include "cli/nouns.h"
#include "cli/render_event.h"
#include "cli/screen.h"
#include "cli/status_source.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "control/client.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr Duration kPeriod = 1s;      // between two looks while nothing happens
constexpr Duration kAnswerWait = 2s;  // a daemon that takes longer is shown as trouble
constexpr std::size_t kEventsAtStart = 20;

struct MonLine {
    bool once = false;
    StatusOptions show{
        .headers = false, .inactive = true, .links = false};  // the title has the rest
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
        const json status = XB_TRY(questions_->call({{"op", "status"}}, kAnswerWait));
        state.status = XB_TRY(status_from_reply(status));
        state.has_status = true;
        const json times = XB_TRY(questions_->call({{"op", "timeline"}}, kAnswerWait));
        state.timelines = timelines_from_reply(times);
        const json heart = XB_TRY(questions_->call({{"op", "heart"}}, kAnswerWait));
        add_heart(state, heart);
        return {};
    }

    void drop() {
        questions_.reset();
        events_.reset();
    }

    const Session& session_;
    std::optional<control::Client> questions_;
    std::optional<control::Client> events_;
};

ExitCode print_once(Session& session, MonState& state) {
    Feed feed(session);
    feed.refresh(state);
    if (!state.has_status) {
        return fail(session, {.code = Code::Unavailable, .context = state.trouble});
    }
    feed.take_events(state);
    for (const std::string& line : compose_frame(state, screen_width(), 0)) {
        session.out << (session.has_colours ? colourised(line) : line) << '\n';
    }
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
        if (feed.take_events(state)) next_look = std::min(next_look, sys::boot_now() + 50ms);
        screen->draw(compose_frame(state, screen->width(), screen->height()));
        const Duration left = std::max(Duration::zero(), next_look - sys::boot_now());
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left);
        const std::optional<int> key = screen->next_key(wait, feed.events_fd());
        if (key && !press_key(state, *key)) return ExitCode::Ok;
    }
}

}  // namespace

void add_mon(const Command& root) {
    Command mon = root.verb("mon", "Watch the cluster live, full screen");
    const auto line = std::make_shared<MonLine>();
    mon.flag("-1,--one-shot", line->once, "Print once and end");
    mon.flag("-f,--failcounts", line->show.fail_counts, "Fail counts");
    mon.flag("-A,--attributes", line->show.attributes, "Node attributes");
    mon.flag("-n,--group-by-node", line->show.by_node, "Resources under their nodes");
    mon.flag("-o,--operations", line->show.operations, "Operation history");
    mon.footer(
        "Keys: r f n A o t m L c b R D show or hide sections, j k space - scroll, ? help, q ends.\n"
        "Examples:\n"
        "  xbeat mon\n"
        "  xbeat mon -1");
    mon.runs([line](Session& session) {
        MonState state;
        state.show = line->show;
        return line->once ? print_once(session, state) : run_live(session, state);
    });
}

}  // namespace xbeat::cli
