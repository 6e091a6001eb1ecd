// `xbeat history`: what happened to the cluster, as it was and as it would be decided again.
#include "cli/history.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cib/crm_print.h"
#include "cib/edit.h"
#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/differences.h"
#include "cli/nouns.h"
#include "cli/render_plan.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"
#include "schedule/schedule.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

struct HistoryLine {
    std::string number;
    std::string other;
    std::string form = "plan";
    int rows = 30;
};

HistoryEntry read_entry(const json& row) {
    return {.number = number_of(row, "number"),
            .time_ms = number_of(row, "time_ms"),
            .kind = text_of(row, "kind"),
            .cause = text_of(row, "cause"),
            .version = text_of(row, "version"),
            .cib = {}};
}

Result<std::int64_t> parse_number(const std::string& text) {
    const auto number = parse_integer(text);
    if (number && *number > 0) return *number;
    return Error{.code = Code::Invalid,
                 .context = concat("'", text,
                                   "' is no number of an entry; 'xbeat history list' shows them")};
}

Result<HistoryEntry> entry_of(const Session& session, const std::string& text) {
    const std::int64_t number = XB_TRY(parse_number(text));
    return fetch_history_entry(session, number);
}

// The plan as it was made: at that entry's time, not at ours.
schedule::Plan plan_of(const HistoryEntry& entry) {
    const EpochSeconds then{entry.time_ms / 1000};
    return schedule::schedule(entry.cib, {.now = schedule::effective_time(entry.cib, then)});
}

Document entry_document(const HistoryEntry& entry) {
    return {{"number", entry.number},
            {"time_ms", entry.time_ms},
            {"kind", entry.kind},
            {"cause", entry.cause},
            {"version", entry.version}};
}

ExitCode list(Session& session, const HistoryLine& line) {
    const Result<std::vector<HistoryEntry>> entries = fetch_history(session, line.rows);
    if (!entries) return fail(session, entries.error());
    Answer answer{.document = {{"entries", Document::array()}}};
    for (const HistoryEntry& entry : *entries) {
        answer.document["entries"].push_back(entry_document(entry));
        answer.text += fmt::format("{:>5}  {}  {:<13}  {:<9}  {}\n", entry.number,
                                   date_and_clock_text(entry.time_ms), entry.kind, entry.version,
                                   printable(entry.cause));
    }
    if (entries->empty()) answer.text = "this node remembers nothing yet\n";
    return show(session, answer);
}

ExitCode show_entry(Session& session, const HistoryLine& line) {
    const Result<HistoryEntry> entry = entry_of(session, line.number);
    if (!entry) return fail(session, entry.error());
    Answer answer{.document = {{"entry", entry_document(*entry)}}};
    if (line.form == "xml") {
        answer.text = answer.raw_xml = cib::print_xml(entry->cib);
        answer.document["xml"] = answer.text;
    } else if (line.form == "crm") {
        answer.text = cib::print_crm(configuration_of(entry->cib));
        answer.document["crm"] = answer.text;
    } else {
        const std::vector<std::string> lines = plan_lines(plan_of(*entry));
        answer.text = fmt::format("{} {} at {}, configuration {}: {}\n{}", entry->kind,
                                  entry->number, date_and_clock_text(entry->time_ms),
                                  entry->version, printable(entry->cause), render_lines(lines));
        answer.document["actions"] = lines;
    }
    return show(session, answer);
}

ExitCode compare(Session& session, const HistoryLine& line) {
    const Result<HistoryEntry> first = entry_of(session, line.number);
    if (!first) return fail(session, first.error());
    cib::Element second;
    if (line.other.empty()) {
        Result<cib::Element> now = fetch_cib(session);
        if (!now) return fail(session, now.error());
        second = *std::move(now);
    } else {
        Result<HistoryEntry> entry = entry_of(session, line.other);
        if (!entry) return fail(session, entry.error());
        second = std::move(entry->cib);
    }
    return show(session,
                answer_of(cib::diff(configuration_of(first->cib), configuration_of(second))));
}

}  // namespace

Result<std::vector<HistoryEntry>> fetch_history(const Session& session, int rows) {
    Request request{"history"};
    request.number("limit", rows);
    const json reply = XB_TRY(ask(session, request));
    std::vector<HistoryEntry> entries;
    for (const json& row : objects_of(reply, "entries")) entries.push_back(read_entry(row));
    return entries;
}

Result<HistoryEntry> fetch_history_entry(const Session& session, std::int64_t number) {
    Request request{"history"};
    request.number("number", number);
    Result<json> reply = ask(session, request, control::Role::Admin);
    if (!reply && reply.error().code == Code::Denied) reply = ask(session, request);
    if (!reply) return reply.error();
    const std::vector<json> rows = objects_of(*reply, "entries");
    if (rows.empty()) {
        return Error{.code = Code::NotFound,
                     .context = concat("the history has no entry ", number)};
    }
    HistoryEntry entry = read_entry(rows.front());
    Result<cib::Element> cib = cib::parse_xml(text_of(rows.front(), "cib"));
    if (!cib) {
        return Error{.code = Code::Corrupt,
                     .context = concat("entry ", number, " cannot be read: ", cib.error().context)};
    }
    entry.cib = *std::move(cib);
    return entry;
}

void add_history(const Command& root) {
    Command noun = root.verb("history", "What the cluster looked like at each step, and why");
    noun.needs_verb();
    noun.footer(
        "Examples:\n  xbeat history list\n  xbeat history show 41\n  xbeat history diff 40");
    if (!noun.is_wanted()) return;
    const auto line = std::make_shared<HistoryLine>();

    Command all = noun.verb("list", "Transitions and configurations that this node remembers");
    all.number("--rows", line->rows, {1, kHistoryRowsMax}, "N", "At most so many; 30 if not given");
    all.footer("Example:\n  xbeat history list --rows 100");
    all.shows(with(line, list));

    Command one = noun.verb("show", "What was decided then, decided again from the same input");
    one.required("NUMBER", line->number);
    one.option_of("--as", line->form, {"plan", "crm", "xml"},
                  "The plan (default), the configuration, or all of it as XML");
    one.footer("Examples:\n  xbeat history show 41\n  xbeat history show 41 --as xml > then.xml");
    one.shows(with(line, show_entry));

    Command again = noun.verb("replay", "The same as show: the plan of that moment");
    again.required("NUMBER", line->number);
    again.footer("Example:\n  xbeat history replay 41");
    again.shows(with(line, show_entry));

    Command difference = noun.verb("diff", "What changed in the configuration since, or until");
    difference.required("NUMBER", line->number);
    difference.word("OTHER", line->other, "Default: what is configured now");
    difference.footer("Examples:\n  xbeat history diff 40\n  xbeat history diff 40 41");
    difference.shows(with(line, compare));
}

}  // namespace xbeat::cli
