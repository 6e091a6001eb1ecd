// `xbeat ra`: which agents there are, and what they say about themselves.
#include <algorithm>
#include <memory>

#include "cli/agents.h"
#include "cli/answer.h"
#include "cli/nouns.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

struct AgentLine {
    std::string agent;
    std::string agent_class;
    std::string provider;
    bool only_types = false;
};

// A list of names, in the words of `crm_resource --list-standards` and its kin.
ExitCode show_names(Session& session, std::string_view list, std::string_view entry,
                    const std::vector<std::string>& names) {
    Answer answer{.document = {{list, names}}};
    cib::Element element;
    element.name = list;
    for (const std::string& name : names) {
        answer.text += printable(name) + "\n";
        cib::Element text;
        text.kind = cib::NodeKind::Text;
        text.text = printable(name);
        cib::Element row;
        row.name = entry;
        row.children.push_back(std::move(text));
        element.children.push_back(std::move(row));
    }
    answer.elements.push_back(std::move(element));
    if (names.empty()) answer.text = concat("there are no ", list, " on this node\n");
    return show(session, answer);
}

std::vector<std::string> agents_of(const AgentLine& line) {
    const std::vector<std::string> classes =
        line.agent_class.empty() ? agent_classes() : std::vector<std::string>{line.agent_class};
    std::vector<std::string> names;
    for (const std::string& agent_class : classes) {
        std::vector<std::string> providers{std::string()};
        if (agent_class == "ocf")
            providers = line.provider.empty() ? ocf_providers() : std::vector{line.provider};
        for (const std::string& provider : providers) {
            for (const std::string& type : agent_types(agent_class, provider)) {
                const AgentName name{
                    .agent_class = agent_class, .provider = provider, .type = type};
                names.push_back(line.only_types ? type : to_string(name));
            }
        }
    }
    return names;
}

ExitCode run_list(Session& session, const AgentLine& line) {
    const std::vector<std::string> names = agents_of(line);
    if (!names.empty() || line.agent_class.empty())
        return show_names(session, "agents", "agent", names);
    return fail(session,
                {.code = Code::NotFound,
                 .context = concat("no agent of the class '", line.agent_class,
                                   line.provider.empty() ? "" : ":", line.provider,
                                   "' is installed; 'xbeat ra classes' names the classes")});
}

ExitCode run_providers(Session& session, const AgentLine& line) {
    std::vector<std::string> names = ocf_providers();
    if (!line.agent.empty()) {
        std::erase_if(names, [&line](const std::string& provider) {
            const std::vector<std::string> types = agent_types("ocf", provider);
            return std::find(types.begin(), types.end(), line.agent) == types.end();
        });
    }
    return show_names(session, "providers", "provider", names);
}

Document metadata_document(const AgentName& name, const AgentMetadata& metadata) {
    Document document{{"agent", to_string(name)},        {"version", metadata.version},
                      {"summary", metadata.summary},     {"description", metadata.description},
                      {"parameters", Document::array()}, {"actions", Document::array()}};
    for (const AgentParameter& one : metadata.parameters) {
        document["parameters"].push_back({{"name", one.name},
                                          {"type", one.type},
                                          {"default", one.fallback},
                                          {"required", one.is_required},
                                          {"unique", one.is_unique},
                                          {"summary", one.summary},
                                          {"description", one.description}});
    }
    for (const AgentAction& one : metadata.actions) {
        document["actions"].push_back({{"name", one.name},
                                       {"timeout", one.timeout},
                                       {"interval", one.interval},
                                       {"role", one.role},
                                       {"depth", one.depth}});
    }
    return document;
}

ExitCode run_metadata(Session& session, const AgentLine& line) {
    const Result<AgentName> name = find_agent(line.agent);
    if (!name) return fail(session, name.error());
    const Result<std::string> text = agent_metadata_text(*name);
    if (!text) return fail(session, text.error());
    if (session.form == Form::Xml) return show(session, {.raw_xml = *text});
    const Result<AgentMetadata> metadata = parse_metadata(*text);
    if (!metadata) return fail(session, metadata.error());
    if (session.form == Form::Json)
        return show(session, {.document = metadata_document(*name, *metadata)});
    session.out << render_metadata(*name, *metadata, screen_width());
    return ExitCode::Ok;
}

}  // namespace

void add_ra(const Command& root) {
    Command noun = root.verb("ra", "Agents: which there are, and what they take");
    noun.needs_verb();
    noun.footer("Examples:\n  xbeat ra list ocf heartbeat\n  xbeat ra info IPaddr2");
    if (!noun.is_wanted()) return;
    const auto line = std::make_shared<AgentLine>();

    Command classes = noun.verb("classes", "The classes of agents");
    classes.footer("Example:\n  xbeat ra classes");
    classes.shows([](Session& session) {
        return show_names(session, "standards", "standard", agent_classes());
    });

    Command providers = noun.verb("providers", "The providers of the class ocf");
    providers.word("TYPE", line->agent, "Only those that have this agent");
    providers.footer("Example:\n  xbeat ra providers");
    providers.shows(with(line, run_providers));

    Command list = noun.verb("list", "The agents that are installed on this node");
    list.word("CLASS", line->agent_class, "Only of this class");
    list.word("PROVIDER", line->provider, "Only of this provider (class ocf)");
    list.flag("--types", line->only_types, "Only the last part of their names");
    list.footer("Examples:\n  xbeat ra list stonith\n  xbeat ra list ocf pacemaker");
    list.shows(with(line, run_list));

    for (const char* const name : {"info", "meta", "metadata"}) {
        Command verb = noun.verb(name, std::string_view(name) == "info"
                                           ? "What an agent does and takes, to read"
                                           : "The same as info");
        verb.required("AGENT", line->agent, "ocf:PROVIDER:TYPE, CLASS:TYPE or TYPE");
        verb.footer(concat("With --xml as the agent prints it.\nExamples:\n  xbeat ra ", name,
                           " ocf:heartbeat:IPaddr2\n  xbeat ra ", name, " fence_ipmilan"));
        verb.shows(with(line, run_metadata));
    }
}

}  // namespace xbeat::cli
