// `xbeat report`: everything that somebody needs who shall find out what happened, in one archive.
//
// It asks as a viewer, so that the daemon itself masks the secrets; the key is never read.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "cib/crm_print.h"
#include "cib/duration.h"
#include "cli/archive.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/doctor.h"
#include "cli/nouns.h"
#include "cli/program.h"
#include "cli/render_event.h"
#include "cli/render_status.h"
#include "cli/render_timeline.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "control/client.h"
#include "core/text.h"
#include "sys/boot_clock.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kEventsPage = 1000;
constexpr int kTransitionsMax = 100;  // documents of the past in one report

struct ReportLine {
    ChangeOptions change;
    std::string file;
    std::string since = "1d";
    std::vector<std::string> nodes;
    bool force = false;
};

std::string dumped(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

// What one file of the report says, or why there is nothing: a report of a broken node is worth
// most.
struct Collector {
    Session& session;
    Archive archive;
    std::string folder;
    std::int64_t now_s = 0;
    std::int64_t since_ms = 0;
    std::size_t missing = 0;

    void add(const std::string& name, std::string_view content) {
        archive.add(concat(folder, "/", name), content, now_s);
    }
    void add_trouble(const std::string& name, const Error& error) {
        ++missing;
        add(concat(name, ".missing"), error.context + "\n");
    }
};

Result<std::vector<json>> fetch_events(const Session& session, std::int64_t since_ms) {
    control::Client client = XB_TRY(connect(session));
    std::vector<json> wanted;
    json request = {{"op", "events"}, {"limit", kEventsPage}, {"since", 1}};
    for (;;) {
        const json reply = XB_TRY(client.call(request, session.timeout));
        const std::vector<json> rows = objects_of(reply, "events");
        for (const json& row : rows) {
            if (number_of(row, "time_ms") >= since_ms) wanted.push_back(row);
        }
        if (rows.empty()) return wanted;
        request["since"] = number_of(rows.back(), "seq");
    }
}

void collect_status(Collector& report) {
    const Result<json> status = ask(report.session, {"status"}, control::Role::Viewer);
    if (!status) return report.add_trouble("status", status.error());
    report.add("status.json", dumped(*status));
    const Result<StatusInput> input = status_from_reply(*status);
    if (!input) return report.add_trouble("status.txt", input.error());
    StatusOptions all;
    all.inactive = all.fail_counts = all.attributes = all.operations = all.timing = true;
    all.bans = all.tickets = all.detail = true;
    all.fence_history = 3;
    report.add("status.txt", render_status(*input, all));
    report.add("cib.xml", text_of(*status, "cib"));
    if (const Result<cib::Element> cib = cib::parse_xml(text_of(*status, "cib")))
        report.add("configuration.crm", cib::print_crm(configuration_of(*cib)));
}

void collect_events(Collector& report) {
    const Result<std::vector<json>> events = fetch_events(report.session, report.since_ms);
    if (!events) return report.add_trouble("events", events.error());
    std::string text;
    std::string lines;
    for (const json& row : *events) {
        text += render_event(row) + "\n";
        lines += row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    }
    report.add("events.txt", text);
    report.add("events.json", lines);
}

void collect_past(Collector& report) {
    Request list{"history"};
    list.number("limit", 1000);
    const Result<json> reply = ask(report.session, list, control::Role::Viewer);
    if (!reply) return report.add_trouble("history", reply.error());
    std::string text;
    std::vector<std::int64_t> numbers;
    for (const json& row : objects_of(*reply, "entries")) {
        if (number_of(row, "time_ms") < report.since_ms) continue;
        text += concat(number_of(row, "number"), "  ",
                       date_and_clock_text(number_of(row, "time_ms")), "  ", text_of(row, "kind"),
                       "  ", text_of(row, "version"), "  ", text_of(row, "cause"), "\n");
        numbers.push_back(number_of(row, "number"));
    }
    report.add("history.txt", text);
    const std::size_t skip =
        numbers.size() - std::min<std::size_t>(numbers.size(), kTransitionsMax);
    for (std::size_t at = skip; at < numbers.size(); ++at) {
        Request one{"history"};
        one.number("number", numbers[at]);
        const Result<json> entry = ask(report.session, one, control::Role::Viewer);
        if (!entry) continue;
        for (const json& row : objects_of(*entry, "entries"))
            report.add(concat("history/", numbers[at], ".xml"), text_of(row, "cib"));
    }
}

void collect_figures(Collector& report) {
    const Result<json> heart = ask(report.session, {"heart"});
    if (heart) {
        report.add("heart.json", dumped(*heart));
    } else {
        report.add_trouble("heart", heart.error());
    }
    const Result<json> times = ask(report.session, {"timeline"});
    if (!times) return report.add_trouble("timeline", times.error());
    report.add("timeline.json", dumped(*times));
    std::string text;
    for (const TimelineStatus& one : timelines_from_reply(*times))
        text += render_timeline(one, 100) + "\n";
    report.add("timeline.txt", text);
}

void collect_machine(Collector& report) {
    utsname names{};
    ::uname(&names);
    report.add("system.txt",
               concat("xbeat ", kVersion, "\n", names.sysname, " ", names.release, " ",
                      names.version, " ", names.machine, "\n", names.nodename, "\n"));
    std::ifstream config(report.session.config_file);
    report.add("xbeat.toml", std::string{std::istreambuf_iterator<char>(config),
                                         std::istreambuf_iterator<char>()});
    report.add("doctor.txt", render_findings(examine_machine({})));
}

Result<void> collect_others(Collector& report, const ReportLine& line) {
    for (const std::string& node : line.nodes) {
        if (node.starts_with('-'))
            return Error{.code = Code::Invalid, .context = concat("'", node, "' is no node")};
        ProgramOptions options;
        options.limit = std::chrono::minutes(2);
        options.bytes_max = std::size_t{1} << 30U;
        const std::vector<std::string> words{"ssh",     "-o",      "BatchMode=yes", "--",
                                             node,      "xbeat",   "report",        "-",
                                             "--since", line.since};
        const Result<ProgramResult> ran = run_program(words, options);
        if (!ran) {
            report.add_trouble(node, ran.error());
        } else if (ran->code != 0) {
            report.add_trouble(
                node, {.code = Code::Unavailable,
                       .context = concat("ssh ", node, " xbeat report ended with ", ran->code)});
        } else {
            report.archive.add(concat(node.substr(0, 80), ".tar.gz"), ran->output, report.now_s);
        }
    }
    return {};
}

Result<void> write_out(const std::string& file, std::string_view bytes, bool force) {
    const int how = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (force ? O_TRUNC : O_EXCL);
    const sys::Fd fd(::open(file.c_str(), how, 0600));
    if (!fd.is_open() && errno == EEXIST)
        return Error{.code = Code::Exists,
                     .context = concat(file, " exists already; --force writes over it")};
    if (!fd.is_open()) return sys::system_error(concat("cannot make ", file));
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sys::system_error(concat("cannot write ", file));
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

ExitCode run_report(Session& session, const ReportLine& line) {
    const auto length = cib::parse_duration(line.since);
    if (!length) {
        return fail_usage(session, concat("--since ", line.since, " is no time span like 2h or 3d"),
                          "xbeat report");
    }
    if (line.file == "-" && session.form != Form::Text)
        return fail_usage(session, "- has the archive on standard output, and nothing else",
                          "xbeat report");
    const std::int64_t now_s = sys::calendar_now().value;
    utsname names{};
    ::uname(&names);
    const Result<std::string> self = ask_own_name(session);
    Collector report{.session = session,
                     .archive = {},
                     .folder = self ? *self : std::string(names.nodename).substr(0, 60),
                     .now_s = now_s,
                     .since_ms = now_s * 1000 - length->count() / 1'000'000};
    const std::string file = line.file.empty()
                                 ? concat("xbeat-report-", report.folder, "-", now_s, ".tar.gz")
                                 : line.file;
    if (line.change.dry_run) {
        std::string nodes = report.folder;
        for (const std::string& node : line.nodes) nodes += concat(", ", node, " (by ssh)");
        say(session, concat("would write ", file, ": status, configuration, events and history of ",
                            "the last ", line.since, ", figures, xbeat.toml and the machine's ",
                            "facts, of ", nodes, " (nothing was written)"));
        return ExitCode::Ok;
    }
    collect_status(report);
    collect_events(report);
    collect_past(report);
    collect_figures(report);
    collect_machine(report);
    const Result<void> others = collect_others(report, line);
    if (!others) return fail(session, others.error());
    const Result<std::string> bytes = report.archive.finish();
    if (!bytes) return fail(session, bytes.error());
    if (line.file == "-") {
        session.out << *bytes;
        return ExitCode::Ok;
    }
    const Result<void> written = write_out(file, *bytes, line.force);
    if (!written) return fail(session, written.error());
    say(session,
        concat("wrote ", file, " (", bytes->size() / 1024, " KiB, mode 0600; secrets are masked)"));
    if (report.missing > 0) {
        say(session, concat(counted(report.missing, "part"),
                            " could not be had; files that end in .missing say why"));
    }
    return ExitCode::Ok;
}

}  // namespace

void add_report(const Command& root) {
    Command verb = root.verb("report", "One archive for whoever shall find out what happened");
    if (!verb.is_wanted()) return;
    const auto line = std::make_shared<ReportLine>();
    verb.word("FILE", line->file,
              "A .tar.gz; - for standard output; default: a name with the time");
    verb.option("--since", line->since, "TIME",
                "Events and history since then: 90s, 2h, 3d; default 1d");
    verb.list("--ssh", line->nodes, "NODE", "Also of this node, by ssh; once for each");
    verb.flag("--force", line->force, "Write over a file that exists");
    verb.footer(
        "Values of secret parameters are masked by the daemon.\n"
        "Examples:\n  xbeat report\n  xbeat report /tmp/incident.tar.gz --since 2h --ssh pm02");
    verb.makes(line->change, with(line, run_report));
}

}  // namespace xbeat::cli
