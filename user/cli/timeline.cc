// `xbeat timeline`: the time budget of the last fail-over, or of all that are remembered.
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/ask.h"
#include "cli/nouns.h"
#include "cli/render_timeline.h"
#include "cli/status_json.h"
#include "cli/status_source.h"
#include "cli/terminal.h"
#include "cli/words.h"

namespace xbeat::cli {
namespace {

struct TimelineLine {
    bool as_json = false;
    bool all = false;
};

ExitCode run_timeline(Session& session, const TimelineLine& line) {
    const Result<nlohmann::json> reply = ask(session, {"timeline"});
    if (!reply) return fail(session, reply.error());
    std::vector<TimelineStatus> timelines = timelines_from_reply(*reply);
    if (!line.all && timelines.size() > 1) timelines.erase(timelines.begin(), timelines.end() - 1);
    if (line.as_json) {
        nlohmann::ordered_json rows = nlohmann::ordered_json::array();
        for (const TimelineStatus& one : timelines) rows.push_back(timeline_json(one));
        session.out << nlohmann::ordered_json{{"schema", 1}, {"timelines", rows}}.dump(2) << '\n';
        return ExitCode::Ok;
    }
    if (timelines.empty()) {
        session.out << "nothing failed over or moved since xbeatd started on this node\n";
        return ExitCode::Ok;
    }
    bool is_first = true;
    for (const TimelineStatus& one : timelines) {
        if (!is_first) session.out << '\n';
        is_first = false;
        session.out << render_timeline(one, screen_width());
    }
    return ExitCode::Ok;
}

}  // namespace

void add_timeline(const Command& root) {
    Command timeline = root.verb("timeline", "Show where the time of the last fail-over went");
    const auto line = std::make_shared<TimelineLine>();
    timeline.flag("--all", line->all, "All that the daemon remembers, newest last");
    timeline.flag("--json", line->as_json, "As JSON, for programs");
    timeline.footer(
        "Phases: silence (no beat answered), suspect, dead (the verdict), fence requested, proof,\n"
        "plan, each action, done. Times are on the boot clock of the node that answers.\n"
        "Examples:\n"
        "  xbeat timeline\n"
        "  xbeat timeline --all --json");
    timeline.runs([line](Session& session) { return run_timeline(session, *line); });
}

}  // namespace xbeat::cli
