// `xbeat events`: the daemon's log, readable or as JSON, from the past or as it happens.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cib/duration.h"
#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/nouns.h"
#include "cli/render_event.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "control/client.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr int kRowsDefault = 100;
constexpr int kRowsMax = 100'000;
constexpr Duration kFollowWait = 1s;  // then the output is looked at: is its reader still there?

struct EventsLine {
    bool follow = false;
    bool debug = false;
    int rows = kRowsDefault;
    std::string since;
    std::string node;
    std::string resource;
};

// Where to begin: behind a row's number, or at a time.
struct Since {
    std::int64_t seq = 0;
    std::int64_t time_ms = 0;
    bool is_given = false;
};

Result<Since> parse_since(const std::string& text) {
    if (text.empty()) return Since{};
    if (const auto seq = parse_integer(text)) return Since{.seq = *seq, .is_given = true};
    if (const auto length = cib::parse_duration(text)) {
        const std::int64_t now = sys::calendar_now().value * 1000;
        return Since{.time_ms = now - length->count() / 1'000'000, .is_given = true};
    }
    return Error{.code = Code::Invalid,
                 .context = concat("--since ", text,
                                   " is neither the number of an event nor a time span like 90s, "
                                   "10min or 2h")};
}

bool is_wanted(const json& row, const EventsLine& line, const Since& since) {
    if (number_of(row, "time_ms") < since.time_ms) return false;
    if (!line.debug && text_of(row, "level") == "debug") return false;
    if (!line.node.empty() && text_of(row, "node") != line.node) return false;
    return line.resource.empty() || text_of(row, "resource") == line.resource;
}

// A line an event, in JSON too, so that a reader need not wait for the end. XML has one document.
void print(Session& session, const json& row, Answer& gathered) {
    if (session.form == Form::Xml) {
        gathered.document["events"].push_back(Document(row));
        return;
    }
    if (session.form == Form::Json) {
        session.out << row.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
        return;
    }
    const std::string text = render_event(row);
    session.out << (session.has_colours ? colourised(text) : text) << '\n';
}

json first_request(const EventsLine& line, const Since& since) {
    json request = {{"op", "events"}};
    if (since.is_given) {
        request["since"] = since.seq;
        request["limit"] = 1000;
    } else {
        request["limit"] = std::min(line.rows, 1000);
    }
    return request;
}

// With --since page by page; else the newest rows, which fit in one reply.
ExitCode show_past(Session& session, const EventsLine& line, const Since& since) {
    Result<control::Client> client = connect(session);
    if (!client) return fail(session, client.error());
    json request = first_request(line, since);
    Answer gathered{.document = {{"events", Document::array()}}};
    for (int left = line.rows; left > 0 && session.out.good();) {
        const Result<json> reply = client->call(request, session.timeout);
        if (!reply) return fail(session, reply.error());
        const std::vector<json> rows = objects_of(*reply, "events");
        for (const json& row : rows) {
            if (left == 0 || !is_wanted(row, line, since)) continue;
            print(session, row, gathered);
            --left;
        }
        if (rows.empty() || !since.is_given) break;
        request["since"] = number_of(rows.back(), "seq");
    }
    session.said.is_printed = session.form == Form::Json;
    return session.form == Form::Xml ? show(session, gathered) : ExitCode::Ok;
}

ExitCode follow(Session& session, const EventsLine& line, const Since& since) {
    Result<control::Client> client = connect(session);
    if (!client) return fail(session, client.error());
    json request = first_request(line, since);
    request["follow"] = true;
    const Result<void> sent = client->send(request);
    if (!sent) return fail(session, sent.error());
    session.said.is_printed = true;
    Answer unused;
    while (session.out.good()) {
        const Result<json> reply = client->next(kFollowWait);
        if (!reply && reply.error().code == Code::Timeout) {
            session.out.flush();
            continue;
        }
        if (!reply) return fail(session, reply.error());
        const auto event = reply->find("event");
        if (event == reply->end() || !is_wanted(*event, line, since)) continue;
        print(session, *event, unused);
        session.out.flush();
    }
    return ExitCode::Ok;
}

ExitCode run_events(Session& session, const EventsLine& line) {
    const Result<Since> since = parse_since(line.since);
    if (!since) return fail_usage(session, since.error().context, "xbeat events");
    if (line.follow && session.form == Form::Xml)
        return fail_usage(session, "--follow has no end, and XML needs one; take --json",
                          "xbeat events");
    return line.follow ? follow(session, line, *since) : show_past(session, line, *since);
}

}  // namespace

void add_events(const Command& root) {
    Command events = root.verb("events", "Show what happened, and why");
    const auto line = std::make_shared<EventsLine>();
    events.flag("--follow,-F", line->follow, "Go on with new events until stopped");
    events.option("--since", line->since, "WHEN",
                  "From here: an event's number, or 90s, 10min, 2h ago");
    events.number("--rows", line->rows, {1, kRowsMax}, "N",
                  "At most so many past events; 100 if not given");
    events.option("--node", line->node, "NODE", "Only those about this node");
    events.option("--resource", line->resource, "RSC", "Only those about this resource");
    events.flag("--debug", line->debug, "Also those of level debug");
    events.footer(
        "With --json one object a line.\n"
        "Examples:\n"
        "  xbeat events\n"
        "  xbeat events --follow\n"
        "  xbeat events --since 2h --node pm02 --json");
    events.shows(with(line, run_events));
}

}  // namespace xbeat::cli
