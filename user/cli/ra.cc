// `xbeat ra`: which agents there are, and what they say about themselves.
#include <memory>

#include "cli/agents.h"
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
    bool as_xml = false;
};

ExitCode print_lines(Session& session, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) session.out << printable(line) << '\n';
    return ExitCode::Ok;
}

ExitCode run_list(Session& session, const AgentLine& line) {
    const std::vector<std::string> classes =
        line.agent_class.empty() ? agent_classes() : std::vector<std::string>{line.agent_class};
    std::size_t count = 0;
    for (const std::string& agent_class : classes) {
        std::vector<std::string> providers{std::string()};
        if (agent_class == "ocf")
            providers = line.provider.empty() ? ocf_providers() : std::vector{line.provider};
        for (const std::string& provider : providers) {
            for (const std::string& type : agent_types(agent_class, provider)) {
                const AgentName name{
                    .agent_class = agent_class, .provider = provider, .type = type};
                session.out << printable(to_string(name)) << '\n';
                ++count;
            }
        }
    }
    if (count > 0 || line.agent_class.empty()) return ExitCode::Ok;
    return fail(session,
                {.code = Code::NotFound,
                 .context = concat("no agent of the class '", line.agent_class,
                                   line.provider.empty() ? "" : ":", line.provider,
                                   "' is installed; 'xbeat ra classes' names the classes")});
}

ExitCode run_metadata(Session& session, const AgentLine& line) {
    const Result<AgentName> name = find_agent(line.agent);
    if (!name) return fail(session, name.error());
    const Result<std::string> text = agent_metadata_text(*name);
    if (!text) return fail(session, text.error());
    if (line.as_xml) {
        session.out << *text << (text->ends_with('\n') ? "" : "\n");
        return ExitCode::Ok;
    }
    const Result<AgentMetadata> metadata = parse_metadata(*text);
    if (!metadata) return fail(session, metadata.error());
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
    classes.runs([](Session& session) { return print_lines(session, agent_classes()); });

    Command providers = noun.verb("providers", "The providers of the class ocf");
    providers.footer("Example:\n  xbeat ra providers");
    providers.runs([](Session& session) { return print_lines(session, ocf_providers()); });

    Command list = noun.verb("list", "The agents that are installed on this node");
    list.word("CLASS", line->agent_class, "Only of this class");
    list.word("PROVIDER", line->provider, "Only of this provider (class ocf)");
    list.footer("Examples:\n  xbeat ra list stonith\n  xbeat ra list ocf pacemaker");
    list.runs([line](Session& session) { return run_list(session, *line); });

    for (const char* const name : {"info", "metadata"}) {
        Command verb = noun.verb(name, std::string_view(name) == "info"
                                           ? "What an agent does and takes, to read"
                                           : "The same (--xml: as the agent prints it)");
        verb.required("AGENT", line->agent, "ocf:PROVIDER:TYPE, CLASS:TYPE or TYPE");
        verb.flag("--xml", line->as_xml, "The agent's own XML");
        verb.footer(concat("Examples:\n  xbeat ra ", name, " ocf:heartbeat:IPaddr2\n  xbeat ra ",
                           name, " fence_ipmilan"));
        verb.runs([line](Session& session) { return run_metadata(session, *line); });
    }
}

}  // namespace xbeat::cli
