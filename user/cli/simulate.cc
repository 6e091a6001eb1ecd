// `xbeat simulate`: what would the scheduler do with this CIB? Needs neither daemon nor root.
//
// What-if options edit a copy of the CIB in memory before the question is asked: a node goes down
// or comes up, an operation fails, a ticket is granted or revoked, quorum is lost. With --execute
// the plan is carried out on that copy, with --run again and again until nothing is left to be
// done. Nothing is run on any machine.
#include "cli/simulate.h"

#include <cstdio>
#include <fstream>
#include <memory>

#include "cli/answer.h"
#include "cli/nouns.h"
#include "cli/plan_input.h"
#include "cli/render_plan.h"
#include "cli/simulate_model.h"
#include "core/text.h"
#include "schedule/schedule.h"

namespace xbeat::cli {
namespace {

constexpr int kRoundsMax = 20;  // of --run; a cluster that has not settled by then never does

struct SimulateOptions {
    std::string file;  // empty: the running cluster
    std::string now;
    std::string save_cib;  // file to write the changed CIB to
    bool graph = false;
    bool scores = false;
    bool dot = false;
    bool svg = false;  // drawn by graphviz
    bool execute = false;
    bool run = false;
    WhatIf what_if;
    std::vector<std::string> failures;  // of operations when they are executed
};

Result<void> write_file(const std::string& file, std::string_view text) {
    std::ofstream out(file, std::ios::trunc);
    out << text;
    out.flush();
    if (out.good()) return {};
    return Error{.code = Code::System,
                 .context = concat(file, ": cannot be written; check the folder and the space")};
}

// Graphviz draws it, on the same standard output.
Result<void> draw(Session& session, const schedule::Plan& plan) {
    session.out.flush();
    std::FILE* pipe = ::popen("dot -Tsvg", "w");
    if (pipe == nullptr) return Error{.code = Code::System, .context = "no program can be started"};
    const std::string text = print_dot(plan);
    const bool written = std::fwrite(text.data(), 1, text.size(), pipe) == text.size();
    if (::pclose(pipe) == 0 && written) return {};
    return Error{.code = Code::System,
                 .context =
                     "graphviz could not draw it; is the package graphviz installed? The "
                     "graph itself is printed by --dot"};
}

struct Round {
    schedule::Plan plan;
    schedule::Explanation explanation;
};

Round plan_round(const cib::Element& cib, EpochSeconds now) {
    Round round;
    round.plan = schedule::schedule(cib, {.now = now, .explanation = &round.explanation});
    return round;
}

// What is told: the text as it grows, and the same for programs.
struct Story {
    Answer answer{.document = {{"actions", Document::array()}}};

    void tell(std::string_view text) { answer.text += text; }
};

void tell_execution(Story& story, const ModelRun& done) {
    story.tell("\nExecuting Cluster Transition:\n");
    for (const std::string& line : done.lines) story.tell(concat("  * ", line, "\n"));
    if (done.has_failed) story.tell("  * ... failed: a new plan has to be made\n");
    story.answer.document["transitions"].push_back(
        {{"done", done.lines}, {"failed", done.has_failed}});
}

// --execute once, --run until nothing is left: the last round's story.
void carry_on(Story& story, const SimulateOptions& options, cib::Element& cib, EpochSeconds now,
              Round round, std::vector<Failure> failures) {
    story.answer.document["transitions"] = Document::array();
    const int rounds = options.run ? kRoundsMax : 1;
    for (int at = 0; at < rounds; ++at) {
        if (at > 0 && !has_work(round.plan)) {
            story.answer.document["settled"] = true;
            return;
        }
        const ModelRun done = carry_out(cib, round.plan, now, failures, options.run);
        // What failed once has been asked for; the next attempt succeeds.
        if (done.has_failed && options.run) failures.clear();
        tell_execution(story, done);
        story.tell(concat("\n", simulated_status("Revised Cluster Status", cib, now)));
        if (!options.run) return;
        round = plan_round(cib, now);
        if (has_work(round.plan)) {
            story.tell(concat("\n", transition_summary(round.plan, round.explanation)));
        }
    }
    story.answer.document["settled"] = false;
    story.answer.code = ExitCode::Unsatisfied;
}

ExitCode tell_story(Session& session, const SimulateOptions& options, cib::Element& cib,
                    EpochSeconds now) {
    std::vector<Failure> failures;
    for (const std::string& text : options.failures) {
        Result<Failure> failure = parse_failure("--op-fail", text);
        if (!failure) return fail(session, failure.error());
        failures.push_back(std::move(*failure));
    }
    Story story;
    const std::string notice = instances_notice(cib, now);
    if (!notice.empty()) story.tell(notice + "\n");
    story.tell(simulated_status("Current cluster status", cib, now) + "\n");
    Round round = plan_round(cib, now);
    story.tell(transition_summary(round.plan, round.explanation));
    story.answer.document["actions"] = plan_lines(round.plan);
    if (options.execute || options.run)
        carry_on(story, options, cib, now, std::move(round), std::move(failures));
    const ExitCode code = show(session, story.answer);
    if (code == ExitCode::Unsatisfied) {
        session.err << "xbeat: after " << kRoundsMax
                    << " rounds there is still something to do: this cluster does not settle\n";
    }
    return code;
}

// The plan in a form of its own; scores have one for programs too.
ExitCode print_plan(Session& session, const SimulateOptions& options, const cib::Element& cib,
                    EpochSeconds now) {
    const schedule::Plan plan =
        schedule::schedule(cib, {.now = now, .record_scores = options.scores});
    if (options.graph) session.out << schedule::print_graph(plan);
    if (options.dot) session.out << print_dot(plan);
    if (options.svg) {
        const Result<void> drawn = draw(session, plan);
        if (!drawn) return fail(session, drawn.error());
    }
    if (!options.scores) return ExitCode::Ok;
    Answer answer{.document = {{"scores", plan.scores}}};
    for (const std::string& line : plan.scores) answer.text += line + "\n";
    return show(session, answer);
}

ExitCode run_simulate(Session& session, const SimulateOptions& options) {
    const int forms =
        int{options.graph} + int{options.dot} + int{options.svg} + int{options.scores};
    if (forms > 1) {
        return fail_usage(session, "choose one of --graph, --dot, --svg and --scores",
                          "xbeat simulate");
    }
    if (session.form != Form::Text && forms > 0 && !options.scores) {
        return fail_usage(session,
                          "--graph, --dot and --svg are forms of their own: without --json and "
                          "--xml",
                          "xbeat simulate");
    }
    Result<cib::Element> cib = read_cib(session, options.file);
    if (!cib) return fail(session, cib.error());
    const Result<EpochSeconds> now = plan_time(options.now, *cib);
    if (!now) return fail(session, now.error());
    const Result<void> applied = apply_what_if(*cib, options.what_if, *now);
    if (!applied) return fail(session, applied.error());
    const ExitCode code = forms > 0 ? print_plan(session, options, *cib, *now)
                                    : tell_story(session, options, *cib, *now);
    if (!options.save_cib.empty()) {
        const Result<void> saved = write_file(options.save_cib, cib::print_xml(*cib));
        if (!saved) return fail(session, saved.error());
    }
    return code;
}

void add_what_if(Command& command, SimulateOptions& options) {
    WhatIf& what_if = options.what_if;
    command.list("--node-up", what_if.nodes_up, "NODE", "As if this node had just joined");
    command.list("--node-down", what_if.nodes_down, "NODE",
                 "As if this node had left in good order");
    command.list("--node-fail", what_if.nodes_failed, "NODE", "As if this node had just been lost");
    command.list("--fail", what_if.failures, "FAILURE",
                 "As if this operation had failed: RESOURCE:OPERATION[:INTERVAL]@NODE=RC");
    command.list("--op-fail", options.failures, "FAILURE",
                 "This operation is to fail when the plan is carried out");
    command.option_of("--quorum", what_if.quorum, {"yes", "no"}, "As if quorum were there, or not");
    command.list("--ticket-grant", what_if.tickets_granted, "TICKET", "As if it were granted");
    command.list("--ticket-revoke", what_if.tickets_revoked, "TICKET", "As if it were revoked");
    command.list("--ticket-standby", what_if.tickets_standby, "TICKET", "As if it were in standby");
    command.list("--ticket-activate", what_if.tickets_active, "TICKET",
                 "As if it were not in standby any more");
}

}  // namespace

void add_simulate(const Command& root) {
    Command simulate =
        root.verb("simulate", "What the scheduler would do, without doing it; what-if questions");
    const auto options = std::make_shared<SimulateOptions>();
    simulate.option("-x,--xml-file", options->file, "FILE",
                    "A CIB; - reads standard input; default: the running cluster's");
    simulate.option("-t,--now,--set-datetime", options->now, "TIME",
                    "Decide as of this time (ISO 8601, UTC)");
    simulate.flag("--graph", options->graph, "Print the transition graph as XML");
    simulate.flag("--dot", options->dot, "Print the graph for graphviz");
    simulate.flag("--scores", options->scores, "Print the scores of every node");
    simulate.flag("--svg", options->svg, "Draw the graph with graphviz, as SVG");
    simulate.flag("-S,--execute", options->execute, "Carry the plan out on a model, once");
    simulate.flag("--run", options->run, "Carry plans out on a model until nothing is left to do");
    simulate.option("--save", options->save_cib, "FILE",
                    "Write the CIB as it is in the end to this file");
    add_what_if(simulate, *options);
    simulate.footer(
        "Examples:\n"
        "  xbeat simulate -x cib.xml\n"
        "  xbeat simulate -x cib.xml --node-fail pm01 --run\n"
        "  xbeat simulate -x cib.xml --fail web:monitor:10s@pm01=7 --graph\n"
        "  xbeat simulate -x cib.xml --svg > plan.svg");
    simulate.shows(with(options, run_simulate));
}

}  // namespace xbeat::cli
