// `xbeat timeline`: the time budget of the last fail-over, or of all that are remembered.
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/answer.h"
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
    bool all = false;
};

ExitCode run_timeline(Session& session, const TimelineLine& line) {
    const Result<nlohmann::json> reply = ask(session, {"timeline"});
    if (!reply) return fail(session, reply.error());
    std::vector<TimelineStatus> timelines = timelines_from_reply(*reply);
    if (!line.all && timelines.size() > 1) timelines.erase(timelines.begin(), timelines.end() - 1);
    Answer answer{.document = {{"timelines", Document::array()}}};
    for (const TimelineStatus& one : timelines) {
        if (!answer.text.empty()) answer.text += '\n';
        answer.text += render_timeline(one, screen_width());
        answer.document["timelines"].push_back(timeline_json(one));
    }
    if (timelines.empty())
        answer.text = "nothing failed over or moved since xbeatd started on this node\n";
    return show(session, answer);
}

}  // namespace

void add_timeline(const Command& root) {
    Command timeline = root.verb("timeline", "Show where the time of the last fail-over went");
    const auto line = std::make_shared<TimelineLine>();
    timeline.flag("--all", line->all, "All that the daemon remembers, newest last");
    timeline.footer(
        "Phases: silence (no beat answered), suspect, dead (the verdict), fence requested, proof,\n"
        "plan, each action, done. Times are on the boot clock of the node that answers.\n"
        "Examples:\n"
        "  xbeat timeline\n"
        "  xbeat timeline --all --json");
    timeline.shows(with(line, run_timeline));
}

}  // namespace xbeat::cli
