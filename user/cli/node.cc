// `xbeat node`: what to do with a node.
#include <CLI/CLI.hpp>
#include <array>
#include <functional>
#include <memory>

#include "cib/edit.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/nouns.h"
#include "cli/render_status.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using nlohmann::json;

struct NodeLine {
    std::string node;
    std::string name;
    std::string value;
    std::string operation;  // show, set or delete
    bool transient = false;
    bool off = false;
    bool on = false;
    bool yes = false;
    ChangeOptions change;
};
using Line = std::shared_ptr<NodeLine>;

// The node meant without NODE: the one whose daemon answers.
Result<std::string> node_or_here(const Session& session, const std::string& node) {
    if (!node.empty()) return node;
    const json reply = XB_TRY(ask(session, {{"op", "ping"}}));
    return text_of(reply, "node");
}

ExitCode preview_attribute(Session& session, const std::string& node, std::string_view name,
                           std::string_view value) {
    Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const Result<void> set = cib::set_node_value(cib->child_or_new("configuration"), node,
                                                 cib::SetKind::Parameter, name, value);
    if (!set) return fail(session, set.error());
    session.out << "Would do (nothing was changed):\n" << preview(*cib);
    return ExitCode::Ok;
}

ExitCode set_state(Session& session, const NodeLine& line, std::string_view name,
                   std::string_view value) {
    const Result<std::string> node = node_or_here(session, line.node);
    if (!node) return fail(session, node.error());
    if (line.change.dry_run) return preview_attribute(session, *node, name, value);
    json request = {{"op", "set_attribute"}, {"node", *node}, {"name", std::string(name)}};
    request["permanent"] = !line.transient;
    request["value"] = std::string(value);
    return change_by_request(session, line.change, request);
}

// A word typed by a person, where there is one; scripts have decided already.
bool is_confirmed(Session& session, bool yes, std::string_view question) {
    if (yes || !session.is_interactive) return true;
    session.out << question << " Type 'yes' to go on: ";
    session.out.flush();
    std::string answer;
    std::getline(session.in, answer);
    return answer == "yes";
}

ExitCode not_confirmed(Session& session) {
    session.err << "xbeat: nothing was done\n";
    return ExitCode::Error;
}

ExitCode fence(Session& session, const NodeLine& line) {
    const std::string action = line.off ? "off" : (line.on ? "on" : "reboot");
    if (line.off && line.on) {
        return fail_usage(session, "--off and --on exclude each other", "xbeat node fence");
    }
    const std::string question =
        concat(action == "on" ? "This powers " : "This cuts the power of ", line.node,
               action == "reboot" ? " and starts it again." : ".");
    if (!is_confirmed(session, line.yes, question)) return not_confirmed(session);
    return change_by_request(session, line.change,
                             {{"op", "fence"}, {"node", line.node}, {"action", action}});
}

ExitCode confirm(Session& session, const NodeLine& line) {
    const std::string question =
        concat("Is ", line.node,
               " surely off? If it still runs, its resources will run twice and data may be lost.");
    if (!is_confirmed(session, line.yes, question)) return not_confirmed(session);
    return change_by_request(session, line.change, {{"op", "confirm"}, {"node", line.node}});
}

ExitCode show_attribute(Session& session, const NodeLine& line) {
    const Result<json> reply = ask(session, {{"op", "status"}});
    if (!reply) return fail(session, reply.error());
    const Result<StatusInput> input = status_from_reply(*reply);
    if (!input) return fail(session, input.error());
    bool found = false;
    for (const schedule::NodeView& node : input->situation.nodes) {
        if (node.name != line.node) continue;
        for (const schedule::NameValue& row : node.attributes) {
            if (!line.name.empty() && row.name != line.name) continue;
            session.out << row.name << '=' << printable(row.value) << '\n';
            found = true;
        }
    }
    if (found || line.name.empty()) return ExitCode::Ok;
    return fail(session,
                {.code = Code::NotFound,
                 .context = concat("node '", line.node, "' has no attribute '", line.name, "'")});
}

ExitCode attribute(Session& session, const NodeLine& line) {
    if (line.operation == "show") return show_attribute(session, line);
    const bool removes = line.operation == "delete";
    if (line.name.empty() || (!removes && line.value.empty())) {
        return fail_usage(
            session, concat("'", line.operation, "' needs a NAME", removes ? "" : " and a VALUE"),
            "xbeat node attribute");
    }
    json request = {{"op", "set_attribute"}, {"node", line.node}, {"name", line.name}};
    request["permanent"] = !line.transient;
    if (removes) {
        request["remove"] = true;
    } else {
        request["value"] = line.value;
    }
    return change_by_request(session, line.change, request);
}

ExitCode list(Session& session) {
    const Result<json> reply = ask(session, {{"op", "status"}});
    if (!reply) return fail(session, reply.error());
    const Result<StatusInput> input = status_from_reply(*reply);
    if (!input) return fail(session, input.error());
    StatusOptions only_nodes;
    only_nodes.headers = only_nodes.resources = only_nodes.links = false;
    only_nodes.fence_history = 0;
    session.out << render_status(*input, only_nodes);
    return ExitCode::Ok;
}

struct StateVerb {
    std::string_view name;
    std::string_view help;
    std::string_view attribute;
    std::string_view value;
};
constexpr std::array kStateVerbs{
    StateVerb{"standby", "Let it run nothing: its resources move away", "standby", "on"},
    StateVerb{"online", "End its standby", "standby", "off"},
    StateVerb{"maintenance", "Leave everything on it as it is", "maintenance", "true"},
    StateVerb{"ready", "End its maintenance", "maintenance", "false"}};

void choose(CLI::App* verb, Choice& choice, const Line& line,
            std::function<ExitCode(Session&, const NodeLine&)> run) {
    verb->callback([&choice, line, run = std::move(run)] {
        choice.run = [line, run](Session& session) { return run(session, *line); };
    });
}

void add_states(CLI::App& noun, Choice& choice, const Line& line) {
    for (const StateVerb& row : kStateVerbs) {
        CLI::App* verb = noun.add_subcommand(std::string(row.name), std::string(row.help));
        verb->add_option("NODE", line->node, "Default: this node");
        verb->add_flag("--until-reboot", line->transient,
                       "Forget it when the node leaves the cluster");
        add_change_options(*verb, line->change);
        verb->footer(concat("Example:\n  xbeat node ", row.name, " pm01 --wait"));
        choose(verb, choice, line, [row](Session& session, const NodeLine& l) {
            return set_state(session, l, row.attribute, row.value);
        });
    }
}

void add_fencing(CLI::App& noun, Choice& choice, const Line& line) {
    CLI::App* shoot = noun.add_subcommand("fence", "Cut its power through its fence device");
    shoot->add_option("NODE", line->node)->required();
    shoot->add_flag("--off", line->off, "Leave it off; otherwise it starts again");
    shoot->add_flag("--on", line->on, "Power it on");
    shoot->add_flag("--yes,-y", line->yes, "Do not ask");
    shoot->add_flag("--wait,-w", line->change.wait, "Wait until the cluster has settled");
    shoot->footer("Examples:\n  xbeat node fence pm02\n  xbeat node fence pm02 --off --yes");
    choose(shoot, choice, line, fence);

    CLI::App* vouch = noun.add_subcommand("confirm", "Vouch that it is off, where no device can");
    vouch->add_option("NODE", line->node)->required();
    vouch->add_flag("--yes,-y", line->yes, "Do not ask");
    vouch->add_flag("--wait,-w", line->change.wait, "Wait until the cluster has settled");
    vouch->footer("Example:\n  xbeat node confirm pm02");
    choose(vouch, choice, line, confirm);
}

}  // namespace

void add_node(CLI::App& app, Choice& choice) {
    CLI::App* noun =
        app.add_subcommand("node", "Standby, maintenance, fencing, attributes of nodes");
    noun->require_subcommand(1);
    noun->footer(
        "Examples:\n"
        "  xbeat node standby pm01 --wait\n"
        "  xbeat node fence pm02\n"
        "  xbeat node attribute pm01 set site berlin");
    const Line line = std::make_shared<NodeLine>();
    add_states(*noun, choice, line);
    add_fencing(*noun, choice, line);

    CLI::App* value = noun->add_subcommand("attribute", "Show, set or delete an attribute");
    value->add_option("NODE", line->node)->required();
    value->add_option("WHAT", line->operation, "show, set or delete")
        ->required()
        ->check(CLI::IsMember({"show", "set", "delete"}));
    value->add_option("NAME", line->name);
    value->add_option("VALUE", line->value);
    value->add_flag("--until-reboot", line->transient,
                    "Forget it when the node leaves the cluster");
    value->footer(
        "Examples:\n  xbeat node attribute pm01 show\n  xbeat node attribute pm01 set site berlin");
    choose(value, choice, line, attribute);

    CLI::App* all = noun->add_subcommand("list", "All nodes and their state");
    all->footer("Example:\n  xbeat node list");
    choose(all, choice, line, [](Session& session, const NodeLine&) { return list(session); });
}

}  // namespace xbeat::cli
