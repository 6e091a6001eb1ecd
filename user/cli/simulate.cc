// `xbeat simulate`: what would the scheduler do with this CIB? Needs neither daemon nor root.
//
// What-if options edit a copy of the CIB in memory before the question is asked: a node goes down
// or comes up, an operation fails, a ticket is granted or revoked, quorum is lost. Nothing is run.
#include "cli/simulate.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "cib/upgrade.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "cli/render_plan.h"
#include "cli/render_status.h"
#include "cli/status_source.h"
#include "core/text.h"
#include "rules/calendar.h"
#include "schedule/schedule.h"

namespace xbeat::cli {
namespace {

struct SimulateOptions {
    std::string file;  // empty: the running cluster
    std::string now;
    bool graph = false;
    bool scores = false;
    bool dot = false;
    WhatIf what_if;
};

std::string dot_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

Result<cib::Element> read_cib(Session& session, const std::string& file) {
    if (file.empty()) return fetch_cib(session);
    const std::string text = XB_TRY(read_input(session, file));
    std::string_view body = text;
    // The declaration carries nothing that the parser needs.
    if (body.starts_with("<?xml")) {
        const std::size_t end = body.find("?>");
        if (end != std::string_view::npos) body.remove_prefix(end + 2);
    }
    Result<cib::Element> cib = cib::parse_xml(body);
    if (!cib) {
        return Error{.code = cib.error().code, .context = concat(file, ": ", cib.error().context)};
    }
    if (cib->name != "cib") {
        return Error{.code = Code::Invalid,
                     .context = concat(file, ": the document is a <", cib->name, ">, not a <cib>")};
    }
    static_cast<void>(cib::upgrade(*cib));
    return cib;
}

Result<EpochSeconds> time_of(const SimulateOptions& options, const cib::Element& cib) {
    if (options.now.empty()) {
        const auto clock = std::chrono::system_clock::now().time_since_epoch();
        return schedule::effective_time(
            cib, EpochSeconds{std::chrono::duration_cast<std::chrono::seconds>(clock).count()});
    }
    const auto when = rules::parse_time(options.now);
    if (!when) {
        return Error{.code = Code::Invalid,
                     .context = concat("--now ", options.now,
                                       " is no ISO 8601 date; write 2026-11-22T14:00:00Z")};
    }
    return *when;
}

ExitCode run_simulate(Session& session, const SimulateOptions& options) {
    Result<cib::Element> cib = read_cib(session, options.file);
    if (!cib) return fail(session, cib.error());
    const Result<EpochSeconds> now = time_of(options, *cib);
    if (!now) return fail(session, now.error());
    const Result<void> applied = apply_what_if(*cib, options.what_if, *now);
    if (!applied) return fail(session, applied.error());
    const schedule::Plan plan =
        schedule::schedule(*cib, {.now = *now, .record_scores = options.scores});
    if (options.graph) {
        session.out << schedule::print_graph(plan);
    } else if (options.dot) {
        session.out << print_dot(plan);
    } else if (options.scores) {
        for (const std::string& line : plan.scores) session.out << line << '\n';
    } else {
        session.out << "Current status:\n"
                    << render_status(status_from_cib(*cib, *now)) << "\nPlan:\n"
                    << render_plan(plan);
    }
    return ExitCode::Ok;
}

void add_what_if(CLI::App& app, WhatIf& what_if) {
    app.add_option("--node-down", what_if.nodes_down, "As if this node had just been lost")
        ->type_name("NODE");
    app.add_option("--node-up", what_if.nodes_up, "As if this node had just joined")
        ->type_name("NODE");
    app.add_option("--fail", what_if.failures,
                   "As if this operation had failed: RESOURCE:OPERATION[:INTERVAL]@NODE=RC")
        ->type_name("FAILURE");
    app.add_option("--quorum", what_if.quorum, "As if quorum were there, or not")
        ->check(CLI::IsMember({"yes", "no"}));
    app.add_option("--ticket-grant", what_if.tickets_granted, "As if this ticket were granted")
        ->type_name("TICKET");
    app.add_option("--ticket-revoke", what_if.tickets_revoked, "As if this ticket were revoked")
        ->type_name("TICKET");
}

}  // namespace

std::string print_dot(const schedule::Plan& plan) {
    std::string out = "digraph \"plan\" {\n";
    const auto label = [](const schedule::Action& action) {
        return dot_text(action.node.empty() ? action.key : concat(action.key, ' ', action.node));
    };
    for (const schedule::Action& action : plan.actions) {
        const bool pseudo = action.kind == schedule::ActionKind::Pseudo;
        out += concat(label(action), " [ style=bold color=\"green\" fontcolor=\"",
                      pseudo ? "orange" : "black", "\"]\n");
        for (const std::uint32_t input : action.inputs) {
            out += concat(label(plan.actions[input]), " -> ", label(action), " [ style = bold]\n");
        }
    }
    return out + "}\n";
}

void add_simulate(CLI::App& app, Choice& choice) {
    CLI::App* simulate = app.add_subcommand(
        "simulate", "What the scheduler would do, without doing it; what-if questions");
    const auto options = std::make_shared<SimulateOptions>();
    simulate
        ->add_option("-x,--xml", options->file,
                     "A CIB; - reads standard input; default: the running cluster's")
        ->type_name("FILE");
    simulate->add_option("-t,--now", options->now, "Decide as of this time (ISO 8601, UTC)")
        ->type_name("TIME");
    CLI::Option_group* form = simulate->add_option_group("form");
    form->add_flag("--graph", options->graph, "Print the transition graph as XML");
    form->add_flag("--dot", options->dot, "Print the graph for graphviz");
    form->add_flag("--scores", options->scores, "Print the scores of every node");
    form->require_option(0, 1);
    add_what_if(*simulate, options->what_if);
    simulate->footer(
        "Examples:\n"
        "  xbeat simulate -x cib.xml\n"
        "  xbeat simulate -x cib.xml --node-down pm01\n"
        "  xbeat simulate -x cib.xml --fail web:monitor:10s@pm01=7 --graph\n"
        "  xbeat simulate -x cib.xml --dot | dot -Tsvg > plan.svg");
    simulate->callback([&choice, options] {
        choice.run = [options](Session& session) { return run_simulate(session, *options); };
    });
}

}  // namespace xbeat::cli
