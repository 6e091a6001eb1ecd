// Verbs of `xbeat resource` that look at one resource closely: its operations and parameters, its
// agent run by hand, its traces.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cib/edit.h"
#include "cib/secret.h"
#include "cli/agents.h"
#include "cli/ask.h"
#include "cli/program.h"
#include "cli/resource_line.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using cib::Element;
using Line = std::shared_ptr<ResourceLine>;

// A primitive of the configuration, or why there is none.
Result<Element> fetch_primitive(const Session& session, const std::string& name) {
    const Element cib = XB_TRY(fetch_cib(session));
    const Element configuration = configuration_of(cib);
    const Element* found = configuration.find_id(name);
    if (found == nullptr || (found->name != "primitive" && found->name != "template")) {
        const StatusInput input = XB_TRY(ask_status(session));
        if (found == nullptr) return unknown_resource(input, name);
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
    for (const auto& [name, value] : parameters_of(*primitive)) {
        session.out << printable(name) << '='
                    << (cib::is_secret_name(name) ? std::string(cib::kSecretMask)
                                                  : printable(value))
                    << '\n';
    }
    return ExitCode::Ok;
}

std::string configured_operation(const Element& operation) {
    std::string text = concat("  ", operation.get("name"));
    for (const cib::Attribute& attribute : operation.attributes) {
        if (attribute.name == "id" || attribute.name == "name") continue;
        text += concat(' ', attribute.name, '=', attribute.value);
    }
    return text;
}

ExitCode show_operations(Session& session, const ResourceLine& line) {
    const Result<Element> primitive = fetch_primitive(session, line.resource);
    if (!primitive) return fail(session, primitive.error());
    const Result<StatusInput> input = ask_status(session);
    if (!input) return fail(session, input.error());
    session.out << "Configured:\n";
    for (const Element& list : primitive->children) {
        if (list.name != "operations") continue;
        for (const Element& operation : list.children) {
            if (operation.name == "op")
                session.out << printable(configured_operation(operation)) << '\n';
        }
    }
    session.out << "Last runs:\n";
    for (const OperationStatus& row : input->operations) {
        const bool is_its =
            row.resource == line.resource || row.resource.starts_with(line.resource + ":");
        if (!is_its) continue;
        const std::string interval =
            row.interval_ms > 0 ? concat(" every ", interval_text(row.interval_ms)) : "";
        session.out << "  " << row.node << ": " << row.task << interval << " at "
                    << calendar_text(row.last_change) << " took " << row.exec_time_ms
                    << " ms: " << rc_text(row.rc) << " (" << row.rc << ")\n";
    }
    return ExitCode::Ok;
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

Result<ProgramResult> run_agent(const Element& primitive, std::string_view action) {
    const AgentName name{.agent_class = std::string(primitive.get("class")),
                         .provider = std::string(primitive.get("provider")),
                         .type = std::string(primitive.get("type"))};
    if (name.agent_class != "ocf") {
        return Error{.code = Code::Invalid,
                     .context = concat("only agents of the class ocf can be run by hand, not ",
                                       to_string(name))};
    }
    if (::geteuid() != 0) {
        return Error{.code = Code::Denied, .context = "agents run as root; you are not"};
    }
    ProgramOptions options;
    options.limit = std::chrono::minutes(5);
    options.keeps_errors = true;
    options.environment = {{"OCF_ROOT", "/usr/lib/ocf"},
                           {"OCF_RA_VERSION_MAJOR", "1"},
                           {"OCF_RA_VERSION_MINOR", "1"},
                           {"OCF_RESOURCE_INSTANCE", std::string(primitive.get("id"))},
                           {"OCF_RESOURCE_TYPE", name.type},
                           {"OCF_RESOURCE_PROVIDER", name.provider},
                           {"HA_LOGTAG", std::string(primitive.get("id"))},
                           {"OCF_RESKEY_CRM_meta_timeout", "300000"}};
    for (const auto& [parameter, value] : parameters_of(primitive))
        options.environment.emplace_back(concat("OCF_RESKEY_", parameter), value);
    const std::vector<std::string> words{agent_file(name), std::string(action)};
    return run_program(words, options);
}

ExitCode force(Session& session, const ResourceLine& line, const ForceVerb& verb) {
    const Result<Element> primitive = fetch_primitive(session, line.resource);
    if (!primitive) return fail(session, primitive.error());
    const bool changes = verb.action != "monitor";
    if (changes && !line.change.yes &&
        !is_confirmed(session, concat("The cluster does not know of this ", verb.action,
                                      " and may undo it, or run the resource twice."))) {
        session.err << "xbeat: nothing was done\n";
        return ExitCode::Error;
    }
    const Result<ProgramResult> ran = run_agent(*primitive, verb.action);
    if (!ran) return fail(session, ran.error());
    session.out << ran->output << (ran->output.empty() || ran->output.ends_with('\n') ? "" : "\n");
    session.out << verb.action << " of " << line.resource << ": " << rc_text(ran->code) << " ("
                << ran->code << ")\n";
    return static_cast<ExitCode>(ran->code);
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
        add_change_options(verb, line->change);
        verb.footer(
            concat("Example:\n  xbeat resource ", on ? "trace" : "untrace", " web monitor"));
        verb.runs([line, on](Session& session) {
            return change_configuration(session, line->change, [&](Element& configuration) {
                return set_trace(configuration, *line, on);
            });
        });
    }
}

void add_deletion(const Command& noun, const Line& line) {
    Command gone = noun.verb("delete", "Delete it from the configuration");
    gone.required_words("RSC", line->resources);
    gone.flag("--force", line->change.force, "And whatever refers to it");
    add_destructive_options(gone, line->change);
    gone.footer("Example:\n  xbeat resource delete web-ip --dry-run");
    gone.runs([line](Session& session) {
        return change_configuration(
            session, asking(line->change), [&](Element& configuration) -> Result<std::string> {
                XB_TRY(cib::remove_objects(configuration, line->resources,
                                           line->change.force ? cib::Force::Yes : cib::Force::No));
                std::string sentence = "deleted";
                for (const std::string& id : line->resources) sentence += " " + id;
                return sentence;
            });
    });
}

void add_maintenance(const Command& noun, const Line& line) {
    Command verb = noun.verb("maintenance", "Leave it as it is, without monitors, or end that");
    verb.required("RSC", line->resource);
    line->operation.clear();
    verb.word("STATE", line->operation, "on (default) or off");
    add_change_options(verb, line->change);
    verb.footer(
        "Examples:\n  xbeat resource maintenance web\n  xbeat resource maintenance web off");
    verb.runs([line](Session& session) {
        const auto on =
            line->operation.empty() ? std::optional<bool>(true) : parse_boolean(line->operation);
        if (!on) return fail_usage(session, "STATE is on or off", "xbeat resource maintenance");
        return change_configuration(
            session, line->change, [&](Element& configuration) -> Result<std::string> {
                XB_TRY(cib::set_resource_value(configuration, line->resource, cib::SetKind::Meta,
                                               "maintenance", *on ? "true" : "false"));
                return concat(line->resource, *on ? " is in maintenance" : " is managed again");
            });
    });
}

}  // namespace

void add_resource_agent(const Command& noun, const Line& line) {
    Command values = noun.verb("params", "All parameters of its agent that are configured");
    values.required("RSC", line->resource);
    values.footer("Example:\n  xbeat resource params web-ip");
    values.runs([line](Session& session) { return show_parameters(session, *line); });

    Command runs = noun.verb("operations", "Its operations: configured, and how they last ended");
    runs.required("RSC", line->resource);
    runs.footer("Example:\n  xbeat resource operations web");
    runs.runs([line](Session& session) { return show_operations(session, *line); });

    for (const ForceVerb& row : kForceVerbs) {
        Command verb = noun.verb(row.name, row.help);
        verb.required("RSC", line->resource);
        verb.flag("--yes,-y", line->change.yes, "Do not ask");
        verb.footer(
            concat("The exit code is the agent's.\nExample:\n  xbeat resource ", row.name, " web"));
        verb.runs([line, row](Session& session) { return force(session, *line, row); });
    }
    add_trace(noun, line);
    add_maintenance(noun, line);
    add_deletion(noun, line);
}

}  // namespace xbeat::cli
