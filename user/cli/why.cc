// `xbeat why`: why is this resource here, why is that planned, why is this node fenced? From the
// running cluster or from a CIB in a file, which needs neither daemon nor root.
#include <memory>

#include "cli/answer.h"
#include "cli/nouns.h"
#include "cli/plan_input.h"
#include "cli/render_why.h"
#include "cli/why_json.h"
#include "schedule/schedule.h"

namespace xbeat::cli {
namespace {

struct WhyLine {
    WhyQuestion question;
    std::string file;
    std::string now;
};

ExitCode run_why(Session& session, const WhyLine& line) {
    const Result<cib::Element> cib = read_cib(session, line.file);
    if (!cib) return fail(session, cib.error());
    const Result<EpochSeconds> now = plan_time(line.now, *cib);
    if (!now) return fail(session, now.error());
    schedule::Explanation explanation;
    static_cast<void>(schedule::schedule(*cib, {.now = *now, .explanation = &explanation}));
    const schedule::Situation situation = schedule::observe(*cib, {.now = *now});
    const Result<std::string> answer = render_why(explanation, situation, line.question);
    if (!answer) return fail(session, answer.error());
    Document document = {{"what", line.question.what},
                         {"node", line.question.node},
                         {"action", line.question.action},
                         {"lines", lines_of(*answer)}};
    document.update(why_document(explanation, line.question));
    return show(session, {.text = *answer, .document = std::move(document)});
}

}  // namespace

void add_why(const Command& root) {
    Command why =
        root.verb("why", "Why a resource is where it is, an action is planned, a node is fenced");
    const auto line = std::make_shared<WhyLine>();
    why.required("WHAT", line->question.what, "A resource, an action (web_start_0), or a node");
    why.word("NODE", line->question.node, "On this node only");
    why.option("-a,--action", line->question.action, "ACTION",
               "Only this action of the resource: start, stop, probe, monitor, promote, ...");
    why.option("-x,--xml-file", line->file, "FILE",
               "A CIB; - reads standard input; default: the running cluster's");
    why.option("-t,--now", line->now, "TIME", "Decide as of this time (ISO 8601, UTC)");
    why.footer(
        "Examples:\n"
        "  xbeat why web\n"
        "  xbeat why web pm02\n"
        "  xbeat why web --action stop\n"
        "  xbeat why pm02\n"
        "  xbeat why web -x cib.xml");
    why.shows(with(line, run_why));
}

}  // namespace xbeat::cli
