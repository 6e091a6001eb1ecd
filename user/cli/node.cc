// `xbeat node`: what to do with a node.
#include <algorithm>
#include <array>
#include <memory>

#include "cib/edit.h"
#include "cib/suggest.h"
#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/change.h"
#include "cli/fence.h"
#include "cli/nouns.h"
#include "cli/render_status.h"
#include "cli/render_xml.h"
#include "cli/status_json.h"
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
    ChangeOptions change;
};
using Line = std::shared_ptr<NodeLine>;

Error unknown_node(const StatusInput& input, const std::string& name) {
    std::vector<std::string_view> known;
    for (const schedule::NodeView& node : input.situation.nodes) known.push_back(node.name);
    return {.code = Code::NotFound,
            .context = concat("there is no node '", name, "'", cib::did_you_mean(name, known),
                              "; 'xbeat node list' names them")};
}

// The node meant without NODE: the one whose daemon answers.
Result<std::string> node_or_here(const Session& session, const std::string& node) {
    if (!node.empty()) return node;
    return ask_own_name(session);
}

ExitCode set_state(Session& session, const NodeLine& line, std::string_view name,
                   std::string_view value) {
    const Result<std::string> node = node_or_here(session, line.node);
    if (!node) return fail(session, node.error());
    Request request{"set_attribute"};
    request.text("node", *node).text("name", std::string(name)).text("value", std::string(value));
    request.flag("permanent", !line.transient);
    return change_by_request(session, line.change, request);
}

// Attributes or utilization of one node: all, or the one that was named.
ExitCode show_values(Session& session, const NodeLine& line,
                     std::vector<schedule::NameValue> schedule::NodeView::*values,
                     std::string_view noun) {
    const Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    const auto& nodes = input->situation.nodes;
    const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const schedule::NodeView& one) {
        return one.name == line.node;
    });
    if (node == nodes.end()) return fail(session, unknown_node(*input, line.node));
    Answer answer{.document = {{"node", line.node}, {"values", Document::array()}}};
    for (const schedule::NameValue& row : (*node).*values) {
        if (!line.name.empty() && row.name != line.name) continue;
        answer.text += concat(printable(row.name), "=", printable(row.value), "\n");
        answer.document["values"].push_back({{"name", row.name}, {"value", row.value}});
    }
    if (answer.text.empty() && !line.name.empty()) {
        return fail(session, {.code = Code::NotFound,
                              .context = concat("node '", line.node, "' has no ", noun, " '",
                                                line.name, "'")});
    }
    if (answer.text.empty()) answer.text = concat("node ", line.node, " has no ", noun, "\n");
    return show(session, answer);
}

// Whether the words behind set or delete are all there.
bool is_complete(const NodeLine& line) {
    return !line.name.empty() && (line.operation == "delete" || !line.value.empty());
}

ExitCode fail_incomplete(Session& session, const NodeLine& line, std::string_view command) {
    return fail_usage(session,
                      concat("'", line.operation, "' needs a NAME",
                             line.operation == "delete" ? "" : " and a VALUE"),
                      command);
}

ExitCode attribute(Session& session, const NodeLine& line) {
    if (line.operation == "show")
        return show_values(session, line, &schedule::NodeView::attributes, "attribute");
    if (!is_complete(line)) return fail_incomplete(session, line, "xbeat node attribute");
    Request request{"set_attribute"};
    request.text("node", line.node).text("name", line.name).flag("permanent", !line.transient);
    if (line.operation == "delete") {
        request.flag("remove", true);
    } else {
        request.text("value", line.value);
    }
    return change_by_request(session, line.change, request);
}

ExitCode list(Session& session, const NodeLine& /*line*/) {
    const Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    StatusOptions only_nodes;
    only_nodes.headers = only_nodes.resources = only_nodes.links = false;
    only_nodes.failures = false;
    only_nodes.fence_history = 0;
    Answer answer;
    if (session.form == Form::Text) {
        answer.text = render_status(*input, only_nodes);
    } else {
        answer.document["nodes"] = status_json(*input)["nodes"];
        answer.elements = status_elements(*input, only_nodes);
    }
    return show(session, answer);
}

struct StateVerb {
    std::string_view name;
    std::string_view help;
    std::string_view attribute;
    std::string_view value;
    Harm harm;
};
constexpr std::array kStateVerbs{
    StateVerb{"standby", "Let it run nothing: its resources move away", "standby", "on",
              Harm::MayStop},
    // Services may move back: that is a short stop, and who asks for it wants it.
    StateVerb{"online", "End its standby", "standby", "off", Harm::None},
    StateVerb{"maintenance", "Leave everything on it as it is", "maintenance", "true", Harm::None},
    StateVerb{"ready", "End its maintenance", "maintenance", "false", Harm::None}};

void add_states(const Command& noun, const Line& line) {
    for (const StateVerb& row : kStateVerbs) {
        Command verb = noun.verb(std::string(row.name), std::string(row.help));
        verb.word("NODE", line->node, "Default: this node");
        verb.flag("--until-reboot", line->transient, "Forget it when the node leaves the cluster");
        verb.footer(concat("Example:\n  xbeat node ", row.name, " pm01 --wait"));
        verb.changes(line->change,
                     with(line,
                          [row](Session& session, const NodeLine& l) {
                              return set_state(session, l, row.attribute, row.value);
                          }),
                     row.harm);
    }
}

ExitCode utilization(Session& session, const NodeLine& line) {
    if (line.operation == "show")
        return show_values(session, line, &schedule::NodeView::utilization, "utilization");
    if (!is_complete(line)) return fail_incomplete(session, line, "xbeat node utilization");
    const bool removes = line.operation == "delete";
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
        session, line.change, [&](cib::Element& configuration) -> Result<std::string> {
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
    value.footer("Example:\n  xbeat node utilization pm01 set memory 4096");
    value.changes(line->change, with(line, utilization));

    Command gone = noun.verb("remove", "Forget a node that has left for good");
    gone.required("NODE", line->node);
    gone.flag("--force", line->change.force, "And whatever refers to it");
    gone.also({"delete"});
    gone.footer("Example:\n  xbeat node remove pm03");
    gone.changes(line->change, with(line, remove), Harm::MayStop);
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
    add_shots(noun, "node", "fence");

    Command value = noun.verb("attribute", "Show, set or delete an attribute");
    value.required("NODE", line->node);
    value.one_of("WHAT", line->operation, {"show", "set", "delete"});
    value.word("NAME", line->name);
    value.word("VALUE", line->value);
    value.flag("--until-reboot", line->transient, "Forget it when the node leaves the cluster");
    value.footer(
        "Examples:\n  xbeat node attribute pm01 show\n  xbeat node attribute pm01 set site berlin");
    value.changes(line->change, with(line, attribute));

    add_utilization(noun, line);
    Command all = noun.verb("list", "All nodes and their state");
    all.also({"status", "show"});
    all.footer("Example:\n  xbeat node list");
    all.shows(with(line, list));
}

}  // namespace xbeat::cli
