// `xbeat node`: what to do with a node.
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
    return ask_own_name(session);
}

ExitCode preview_attribute(Session& session, const std::string& node, std::string_view name,
                           std::string_view value, std::string_view heading) {
    Result<cib::Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const Result<void> set = cib::set_node_value(cib->child_or_new("configuration"), node,
                                                 cib::SetKind::Parameter, name, value);
    if (!set) return fail(session, set.error());
    session.out << heading << ":\n" << preview(*cib);
    return ExitCode::Ok;
}

ExitCode not_confirmed(Session& session) {
    session.err << "xbeat: nothing was done\n";
    return ExitCode::Error;
}

ExitCode set_state(Session& session, const NodeLine& line, std::string_view name,
                   std::string_view value) {
    const Result<std::string> node = node_or_here(session, line.node);
    if (!node) return fail(session, node.error());
    if (line.change.dry_run)
        return preview_attribute(session, *node, name, value, "Would do (nothing was changed)");
    const bool asks = name == "standby" && value == "on";
    if (asks && session.is_interactive && !line.change.yes) {
        const ExitCode shown = preview_attribute(session, *node, name, value, "This would happen");
        if (shown != ExitCode::Ok) return shown;
        if (!is_confirmed(session, "")) return not_confirmed(session);
    }
    Request request{"set_attribute"};
    request.text("node", *node).text("name", std::string(name)).text("value", std::string(value));
    request.flag("permanent", !line.transient);
    return change_by_request(session, line.change, request);
}

ExitCode fence(Session& session, const NodeLine& line) {
    const std::string action = line.off ? "off" : (line.on ? "on" : "reboot");
    if (line.off && line.on) {
        return fail_usage(session, "--off and --on exclude each other", "xbeat node fence");
    }
    const std::string question =
        concat(action == "on" ? "This powers " : "This cuts the power of ", line.node,
               action == "reboot" ? " and starts it again." : ".");
    if (!line.yes && !is_confirmed(session, question)) return not_confirmed(session);
    Request request{"fence"};
    request.text("node", line.node).text("action", action);
    return change_by_request(session, line.change, request);
}

ExitCode confirm(Session& session, const NodeLine& line) {
    const std::string question =
        concat("Is ", line.node,
               " surely off? If it still runs, its resources will run twice and data may be lost.");
    if (!line.yes && !is_confirmed(session, question)) return not_confirmed(session);
    Request request{"confirm"};
    request.text("node", line.node);
    return change_by_request(session, line.change, request);
}

ExitCode show_attribute(Session& session, const NodeLine& line) {
    const Result<StatusInput> input = ask_status(session);
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
    Request request{"set_attribute"};
    request.text("node", line.node).text("name", line.name).flag("permanent", !line.transient);
    if (removes) {
        request.flag("remove", true);
    } else {
        request.text("value", line.value);
    }
    return change_by_request(session, line.change, request);
}

ExitCode list(Session& session) {
    const Result<StatusInput> input = ask_status(session);
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

void choose(Command& verb, const Line& line,
            std::function<ExitCode(Session&, const NodeLine&)> run) {
    verb.runs([line, run = std::move(run)](Session& session) { return run(session, *line); });
}

void add_states(const Command& noun, const Line& line) {
    for (const StateVerb& row : kStateVerbs) {
        Command verb = noun.verb(std::string(row.name), std::string(row.help));
        verb.word("NODE", line->node, "Default: this node");
        verb.flag("--until-reboot", line->transient, "Forget it when the node leaves the cluster");
        add_destructive_options(verb, line->change);
        verb.footer(concat("Example:\n  xbeat node ", row.name, " pm01 --wait"));
        choose(verb, line, [row](Session& session, const NodeLine& l) {
            return set_state(session, l, row.attribute, row.value);
        });
    }
}

void add_fencing(const Command& noun, const Line& line) {
    Command shoot = noun.verb("fence", "Cut its power through its fence device");
    shoot.required("NODE", line->node);
    shoot.flag("--off", line->off, "Leave it off; otherwise it starts again");
    shoot.flag("--on", line->on, "Power it on");
    shoot.flag("--yes,-y", line->yes, "Do not ask");
    shoot.flag("--wait,-w", line->change.wait, "Wait until the cluster has settled");
    shoot.footer("Examples:\n  xbeat node fence pm02\n  xbeat node fence pm02 --off --yes");
    choose(shoot, line, fence);

    Command vouch = noun.verb("confirm", "Vouch that it is off, where no device can");
    vouch.required("NODE", line->node);
    vouch.flag("--yes,-y", line->yes, "Do not ask");
    vouch.flag("--wait,-w", line->change.wait, "Wait until the cluster has settled");
    vouch.footer("Example:\n  xbeat node confirm pm02");
    choose(vouch, line, confirm);
}

ExitCode utilization(Session& session, const NodeLine& line) {
    if (line.operation == "show") {
        const Result<StatusInput> input = ask_status(session);
        if (!input) return fail(session, input.error());
        for (const schedule::NodeView& node : input->situation.nodes) {
            if (node.name != line.node) continue;
            for (const schedule::NameValue& row : node.utilization) {
                if (line.name.empty() || row.name == line.name)
                    session.out << row.name << '=' << printable(row.value) << '\n';
            }
            return ExitCode::Ok;
        }
        return fail(session, {.code = Code::NotFound,
                              .context = concat("there is no node '", line.node, "'")});
    }
    const bool removes = line.operation == "delete";
    if (line.name.empty() || (!removes && line.value.empty())) {
        return fail_usage(
            session, concat("'", line.operation, "' needs a NAME", removes ? "" : " and a VALUE"),
            "xbeat node utilization");
    }
    return change_configuration(
        session, line.change, [&](cib::Element& configuration) -> Result<std::string> {
            constexpr cib::SetKind kKind = cib::SetKind::Utilization;
            if (removes) {
                XB_TRY(cib::unset_node_value(configuration, line.node, kKind, line.name));
                return concat("removed ", line.name, " from ", line.node);
            }
            XB_TRY(cib::set_node_value(configuration, line.node, kKind, line.name, line.value));
            return concat("set ", line.name, "=", line.value, " for ", line.node);
        });
}

ExitCode remove(Session& session, const NodeLine& line) {
    const Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    for (const schedule::NodeView& node : input->situation.nodes) {
        if (node.name != line.node || !node.online) continue;
        return fail(session,
                    {.code = Code::Unsafe,
                     .context = concat(line.node, " is online; run 'xbeat shutdown' on it first")});
    }
    return change_configuration(
        session, asking(line.change), [&](cib::Element& configuration) -> Result<std::string> {
            const std::vector<std::string> ids{line.node};
            XB_TRY(cib::remove_objects(configuration, ids,
                                       line.change.force ? cib::Force::Yes : cib::Force::No));
            return concat("forgot ", line.node,
                          "; take it out of xbeat.toml too, or it comes back as a new node");
        });
}

void add_utilization(const Command& noun, const Line& line) {
    Command value = noun.verb("utilization", "What it offers: show, set or delete a value");
    value.required("NODE", line->node);
    value.one_of("WHAT", line->operation, {"show", "set", "delete"});
    value.word("NAME", line->name);
    value.word("VALUE", line->value);
    add_change_options(value, line->change);
    value.footer("Example:\n  xbeat node utilization pm01 set memory 4096");
    choose(value, line, utilization);

    Command gone = noun.verb("remove", "Forget a node that has left for good");
    gone.required("NODE", line->node);
    gone.flag("--force", line->change.force, "And whatever refers to it");
    add_destructive_options(gone, line->change);
    gone.footer("Example:\n  xbeat node remove pm03");
    choose(gone, line, remove);
}

}  // namespace

void add_node(const Command& root) {
    Command noun = root.verb("node", "Standby, maintenance, fencing, attributes of nodes");
    noun.needs_verb();
    if (!noun.is_wanted()) return;
    noun.footer(
        "Examples:\n"
        "  xbeat node standby pm01 --wait\n"
        "  xbeat node fence pm02\n"
        "  xbeat node attribute pm01 set site berlin");
    const Line line = std::make_shared<NodeLine>();
    add_states(noun, line);
    add_fencing(noun, line);

    Command value = noun.verb("attribute", "Show, set or delete an attribute");
    value.required("NODE", line->node);
    value.one_of("WHAT", line->operation, {"show", "set", "delete"});
    value.word("NAME", line->name);
    value.word("VALUE", line->value);
    value.flag("--until-reboot", line->transient, "Forget it when the node leaves the cluster");
    value.footer(
        "Examples:\n  xbeat node attribute pm01 show\n  xbeat node attribute pm01 set site berlin");
    choose(value, line, attribute);

    add_utilization(noun, line);
    Command all = noun.verb("list", "All nodes and their state");
    all.footer("Example:\n  xbeat node list");
    choose(all, line, [](Session& session, const NodeLine&) { return list(session); });
}

}  // namespace xbeat::cli
