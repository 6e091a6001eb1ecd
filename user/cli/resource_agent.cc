// Verbs of `xbeat resource` that look at one resource closely: its operations and parameters, its
// agent run by hand, its traces.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cib/edit.h"
#include "cib/secret.h"
#include "cli/agents.h"
#include "cli/answer.h"
#include "cli/ask.h"
#include "cli/program.h"
#include "cli/resource_line.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::cli {
namespace {

using cib::Element;
using Line = std::shared_ptr<ResourceLine>;

// A primitive of the document's configuration, or why there is none.
Result<Element> find_primitive(const Element& cib, const std::string& name) {
    const Element configuration = configuration_of(cib);
    const Element* found = configuration.find_id(name);
    if (found == nullptr) return unknown_resource(status_from_cib(cib, sys::calendar_now()), name);
    if (found->name != "primitive" && found->name != "template") {
        return Error{
            .code = Code::Invalid,
            .context = concat("'", name, "' is a ", found->name, "; name one of its primitives")};
    }
    if (!found->has("template")) return *found;
    // What the template says, the primitive's own values behind it so that they count.
    Element merged = *found;
    if (const Element* base = configuration.find_id(found->get("template"))) {
        merged = *base;
        merged.set("id", found->get("id"));
        for (const Element& child : found->children) merged.children.push_back(child);
    }
    return merged;
}

Result<Element> fetch_primitive(const Session& session, const std::string& name) {
    const Element cib = XB_TRY(fetch_cib(session));
    return find_primitive(cib, name);
}

std::vector<std::pair<std::string, std::string>> parameters_of(const Element& primitive) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const Element& set : primitive.children) {
        if (set.name != "instance_attributes") continue;
        for (const Element& pair : set.children) {
            if (pair.name != "nvpair") continue;
            const std::string name(pair.get("name"));
            std::erase_if(rows, [&](const auto& row) { return row.first == name; });
            rows.emplace_back(name, pair.get("value"));
        }
    }
    return rows;
}

ExitCode show_parameters(Session& session, const ResourceLine& line) {
    const Result<Element> primitive = fetch_primitive(session, line.resource);
    if (!primitive) return fail(session, primitive.error());
    Answer answer{.document = {{"resource", line.resource}, {"parameters", Document::array()}}};
    for (const auto& [name, value] : parameters_of(*primitive)) {
        const std::string shown =
            cib::is_secret_name(name) ? std::string(cib::kSecretMask) : printable(value);
        answer.text += concat(printable(name), "=", shown, "\n");
        answer.document["parameters"].push_back({{"name", name}, {"value", shown}});
    }
    if (answer.text.empty())
        answer.text = concat("no parameter of ", line.resource, " is configured\n");
    return show(session, answer);
}

std::string configured_operation(const Element& operation) {
    std::string text = concat("  ", operation.get("name"));
    for (const cib::Attribute& attribute : operation.attributes) {
        if (attribute.name == "id" || attribute.name == "name") continue;
        text += concat(' ', attribute.name, '=', attribute.value);
    }
    return text;
}

Document operation_row(const OperationStatus& row) {
    return {{"node", row.node},
            {"operation", row.task},
            {"interval_ms", row.interval_ms},
            {"last_change_s", row.last_change.value},
            {"exec_time_ms", row.exec_time_ms},
            {"rc", row.rc},
            {"rc_text", rc_text(row.rc)}};
}

ExitCode show_operations(Session& session, const ResourceLine& line) {
    const Result<Element> cib = fetch_cib(session);
    if (!cib) return fail(session, cib.error());
    const Result<Element> primitive = find_primitive(*cib, line.resource);
    if (!primitive) return fail(session, primitive.error());
    const StatusInput input = status_from_cib(*cib, sys::calendar_now());
    Answer answer{.text = "Configured:\n",
                  .document = {{"resource", line.resource},
                               {"configured", Document::array()},
                               {"runs", Document::array()}}};
    for (const Element& list : primitive->children) {
        if (list.name != "operations") continue;
        for (const Element& operation : list.children) {
            if (operation.name != "op") continue;
            answer.text += printable(configured_operation(operation)) + "\n";
            Document row = Document::object();
            for (const cib::Attribute& one : operation.attributes) row[one.name] = one.value;
            answer.document["configured"].push_back(std::move(row));
        }
    }
    answer.text += "Last runs:\n";
    for (const OperationStatus& row : input.operations) {
        const bool is_its =
            row.resource == line.resource || row.resource.starts_with(line.resource + ":");
        if (!is_its) continue;
        const std::string interval =
            row.interval_ms > 0 ? concat(" every ", interval_text(row.interval_ms)) : "";
        answer.text +=
            concat("  ", row.node, ": ", row.task, interval, " at ", calendar_text(row.last_change),
                   " took ", row.exec_time_ms, " ms: ", rc_text(row.rc), " (", row.rc, ")\n");
        answer.document["runs"].push_back(operation_row(row));
    }
    return show(session, answer);
}

// ---- The agent by hand

struct ForceVerb {
    std::string_view name;
    std::string_view action;
    std::string_view help;
};
constexpr std::array kForceVerbs{
    ForceVerb{"force-start", "start",
              "Run the agent's start on this node, behind the cluster's back"},
    ForceVerb{"force-stop", "stop", "Run its stop on this node, likewise"},
    ForceVerb{"force-check", "monitor", "Run its monitor on this node: what does it say?"},
    ForceVerb{"force-promote", "promote",
              "Run its promote on this node, behind the cluster's back"},
    ForceVerb{"force-demote", "demote", "Run its demote on this node, likewise"}};

// What is to be run: the agent's file and action, and its environment.
struct AgentCall {
    std::vector<std::string> words;
    ProgramOptions options;
};

Result<AgentCall> agent_call(const Element& primitive, std::string_view action) {
    const AgentName name{.agent_class = std::string(primitive.get("class")),
                         .provider = std::string(primitive.get("provider")),
                         .type = std::string(primitive.get("type"))};
    if (name.agent_class != "ocf") {
        return Error{.code = Code::Invalid,
                     .context = concat("only agents of the class ocf can be run by hand, not ",
                                       to_string(name))};
    }
    AgentCall call;
    call.words = {agent_file(name), std::string(action)};
    call.options.limit = std::chrono::minutes(5);
    call.options.keeps_errors = true;
    call.options.environment = {{"OCF_ROOT", "/usr/lib/ocf"},
                                {"OCF_RA_VERSION_MAJOR", "1"},
                                {"OCF_RA_VERSION_MINOR", "1"},
                                {"OCF_RESOURCE_INSTANCE", std::string(primitive.get("id"))},
                                {"OCF_RESOURCE_TYPE", name.type},
                                {"OCF_RESOURCE_PROVIDER", name.provider},
                                {"HA_LOGTAG", std::string(primitive.get("id"))},
                                {"OCF_RESKEY_CRM_meta_timeout", "300000"}};
    for (const auto& [parameter, value] : parameters_of(primitive))
        call.options.environment.emplace_back(concat("OCF_RESKEY_", parameter), value);
    return call;
}

ExitCode show_call(Session& session, const AgentCall& call) {
    Answer answer{.text = "Would run (nothing was run):\n",
                  .document = {{"command", call.words}, {"environment", Document::array()}}};
    for (const auto& [name, value] : call.options.environment) {
        const std::string shown =
            cib::is_secret_name(name) ? std::string(cib::kSecretMask) : printable(value);
        answer.text += concat("  ", name, "=", shown, "\n");
        answer.document["environment"].push_back({{"name", name}, {"value", shown}});
    }
    answer.text += concat("  ", call.words[0], " ", call.words[1], "\n");
    return show(session, answer);
}

ExitCode force(Session& session, const ResourceLine& line, const ForceVerb& verb) {
    const Result<Element> primitive = fetch_primitive(session, line.resource);
    if (!primitive) return fail(session, primitive.error());
    const Result<AgentCall> call = agent_call(*primitive, verb.action);
    if (!call) return fail(session, call.error());
    if (line.change.dry_run) return show_call(session, *call);
    if (::geteuid() != 0)
        return fail(session, {.code = Code::Denied, .context = "agents run as root; you are not"});
    if (line.change.asks && !line.change.yes &&
        !is_confirmed(session, concat("The cluster does not know of this ", verb.action,
                                      " and may undo it, or run the resource twice.")))
        return refuse(session);
    const Result<ProgramResult> ran = run_program(call->words, call->options);
    if (!ran) return fail(session, ran.error());
    if (line.change.wait) {
        const Result<void> settled = wait_until_settled(session);
        if (!settled) return fail(session, settled.error());
    }
    Answer answer{.text = ran->output,
                  .document = {{"resource", line.resource},
                               {"action", verb.action},
                               {"rc", ran->code},
                               {"rc_text", rc_text(ran->code)},
                               {"output", lines_of(ran->output)}},
                  .code = static_cast<ExitCode>(ran->code)};
    if (!answer.text.empty() && !answer.text.ends_with('\n')) answer.text += '\n';
    answer.text += concat(verb.action, " of ", line.resource, ": ", rc_text(ran->code), " (",
                          ran->code, ")\n");
    return show(session, answer);
}

// ---- Traces

Result<std::string> set_trace(Element& configuration, const ResourceLine& line, bool on) {
    Element* primitive = configuration.find_id(line.resource);
    if (primitive == nullptr || primitive->name != "primitive") {
        return Error{.code = Code::NotFound,
                     .context = concat("the configuration has no primitive '", line.resource, "'")};
    }
    std::size_t count = 0;
    for (Element& operation : primitive->child_or_new("operations").children) {
        const bool is_wanted = operation.name == "op" &&
                               (line.operation.empty() || operation.get("name") == line.operation);
        if (!is_wanted) continue;
        ++count;
        Element& set = operation.child_or_new("instance_attributes");
        if (!set.has("id")) set.set("id", concat(operation.get("id"), "-instance_attributes"));
        std::erase_if(set.children,
                      [](const Element& pair) { return pair.get("name") == "trace_ra"; });
        if (on) {
            Element pair;
            pair.name = "nvpair";
            pair.set("id", concat(set.get("id"), "-trace_ra"));
            pair.set("name", "trace_ra");
            pair.set("value", "1");
            set.children.push_back(std::move(pair));
        }
        if (set.children.empty())
            std::erase_if(operation.children,
                          [](const Element& child) { return child.name == "instance_attributes"; });
    }
    if (count == 0) {
        return Error{.code = Code::NotFound,
                     .context = concat("'", line.resource, "' has no operation",
                                       line.operation.empty() ? "" : " ", line.operation,
                                       " in its configuration to trace; add one: xbeat configure "
                                       "monitor ",
                                       line.resource, " 10s:20s")};
    }
    return concat(
        on ? "tracing " : "no longer tracing ", line.resource,
        on ? "; traces go to /var/lib/heartbeat/trace_ra/ on the node where it runs" : "");
}

void add_trace(const Command& noun, const Line& line) {
    for (const bool on : {true, false}) {
        Command verb =
            noun.verb(on ? "trace" : "untrace",
                      on ? "Let its agent write down each of its steps" : "End that again");
        verb.required("RSC", line->resource);
        verb.word("OPERATION", line->operation, "Only of this one, such as monitor");
        verb.footer(
            concat("Example:\n  xbeat resource ", on ? "trace" : "untrace", " web monitor"));
        verb.changes(line->change, with(line, [on](Session& session, const ResourceLine& l) {
                         return change_configuration(session, l.change,
                                                     [&](Element& configuration) {
                                                         return set_trace(configuration, l, on);
                                                     });
                     }));
    }
}

ExitCode remove(Session& session, const ResourceLine& line) {
    return change_configuration(
        session, line.change, [&](Element& configuration) -> Result<std::string> {
            XB_TRY(cib::remove_objects(configuration, line.resources,
                                       line.change.force ? cib::Force::Yes : cib::Force::No));
            std::string sentence = "deleted";
            for (const std::string& id : line.resources) sentence += " " + id;
            return sentence;
        });
}

void add_deletion(const Command& noun, const Line& line) {
    Command gone = noun.verb("delete", "Delete it from the configuration");
    gone.required_words("RSC", line->resources);
    gone.flag("--force", line->change.force, "And whatever refers to it");
    gone.footer("Example:\n  xbeat resource delete web-ip --dry-run");
    gone.changes(line->change, with(line, remove), Harm::MayStop);
}

ExitCode maintain(Session& session, const ResourceLine& line) {
    const auto on =
        line.operation.empty() ? std::optional<bool>(true) : parse_boolean(line.operation);
    if (!on) return fail_usage(session, "STATE is on or off", "xbeat resource maintenance");
    return change_configuration(
        session, line.change, [&](Element& configuration) -> Result<std::string> {
            XB_TRY(cib::set_resource_value(configuration, line.resource, cib::SetKind::Meta,
                                           "maintenance", *on ? "true" : "false"));
            return concat(line.resource, *on ? " is in maintenance" : " is managed again");
        });
}

void add_maintenance(const Command& noun, const Line& line) {
    Command verb = noun.verb("maintenance", "Leave it as it is, without monitors, or end that");
    verb.required("RSC", line->resource);
    verb.word("STATE", line->operation, "on (default) or off");
    verb.footer(
        "Examples:\n  xbeat resource maintenance web\n  xbeat resource maintenance web off");
    verb.changes(line->change, with(line, maintain));
}

}  // namespace

void add_resource_agent(const Command& noun, const Line& line) {
    Command values = noun.verb("params", "All parameters of its agent that are configured");
    values.required("RSC", line->resource);
    values.footer("Example:\n  xbeat resource params web-ip");
    values.shows(with(line, show_parameters));

    Command runs = noun.verb("operations", "Its operations: configured, and how they last ended");
    runs.required("RSC", line->resource);
    runs.footer("Example:\n  xbeat resource operations web");
    runs.shows(with(line, show_operations));

    for (const ForceVerb& row : kForceVerbs) {
        Command verb = noun.verb(row.name, row.help);
        verb.required("RSC", line->resource);
        verb.footer(
            concat("The exit code is the agent's.\nExample:\n  xbeat resource ", row.name, " web"));
        const Harm harm = row.action == "monitor" ? Harm::None : Harm::MayStop;
        verb.changes(line->change,
                     with(line, [row](Session& session,
                                      const ResourceLine& l) { return force(session, l, row); }),
                     harm);
    }
    add_trace(noun, line);
    add_maintenance(noun, line);
    add_deletion(noun, line);
}

}  // namespace xbeat::cli
