#include "cli/agents.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "cib/suggest.h"
#include "cli/program.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

constexpr std::size_t kEntriesMax = 10'000;  // of one folder; the rest is not listed

std::string ocf_root() {
    const char* const root = std::getenv("OCF_ROOT");
    return concat(root != nullptr ? root : "/usr/lib/ocf", "/resource.d");
}

bool is_directory(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}
bool is_executable_file(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
           (facts.st_mode & 0111U) != 0;
}

std::vector<std::string> entries_of(const std::string& folder) {
    std::vector<std::string> names;
    struct Close {
        void operator()(DIR* open) const { ::closedir(open); }
    };
    const std::unique_ptr<DIR, Close> open(::opendir(folder.c_str()));
    if (open == nullptr) return names;
    while (const dirent* entry = ::readdir(open.get())) {
        const std::string_view name(entry->d_name);
        if (name.starts_with('.') || names.size() >= kEntriesMax) continue;
        names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> programs_in(const std::string& folder, std::string_view prefix) {
    std::vector<std::string> names;
    for (const std::string& name : entries_of(folder)) {
        if (name.starts_with(prefix) && is_executable_file(concat(folder, "/", name)))
            names.push_back(name);
    }
    return names;
}

std::vector<std::string> systemd_services() {
    std::vector<std::string> names;
    for (const char* const folder : {"/lib/systemd/system", "/etc/systemd/system"}) {
        for (const std::string& name : entries_of(folder)) {
            const std::string_view tail = ".service";
            if (name.ends_with(tail) && name.find("@.") == std::string::npos)
                names.push_back(name.substr(0, name.size() - tail.size()));
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

Error not_installed(std::string_view text, const std::vector<std::string>& known) {
    const std::vector<std::string_view> names(known.begin(), known.end());
    return {.code = Code::NotFound,
            .context = concat("there is no agent '", text, "' here", cib::did_you_mean(text, names),
                              "; 'xbeat ra list' names those that there are")};
}

// The agents that a type alone may mean, best first.
std::vector<AgentName> agents_called(std::string_view type) {
    std::vector<AgentName> found;
    for (const std::string& provider : ocf_providers()) {
        AgentName name{.agent_class = "ocf", .provider = provider, .type = std::string(type)};
        if (!is_executable_file(agent_file(name))) continue;
        found.insert(provider == "heartbeat" ? found.begin() : found.end(), std::move(name));
    }
    AgentName device{.agent_class = "stonith", .provider = {}, .type = std::string(type)};
    if (type.starts_with("fence_") && is_executable_file(agent_file(device)))
        found.push_back(std::move(device));
    return found;
}

std::string text_of_child(const cib::Element& element, std::string_view name) {
    const cib::Element* fallback = nullptr;
    for (const cib::Element& child : element.children) {
        if (child.name != name) continue;
        if (fallback == nullptr || child.get("lang").starts_with("en")) fallback = &child;
    }
    if (fallback == nullptr) return {};
    std::string text = fallback->text;
    for (const cib::Element& part : fallback->children) text += part.text;
    return std::string(trim(text));
}

AgentParameter read_parameter(const cib::Element& element) {
    AgentParameter parameter{.name = std::string(element.get("name")),
                             .summary = text_of_child(element, "shortdesc"),
                             .description = text_of_child(element, "longdesc")};
    parameter.is_required = parse_boolean(element.get("required")).value_or(false);
    parameter.is_unique = parse_boolean(element.get("unique")).value_or(false);
    if (const cib::Element* content = element.child("content")) {
        parameter.type = content->get("type");
        parameter.fallback = content->get("default");
    }
    return parameter;
}

// Words in lines of at most `width` columns, each behind `indent` blanks; empty lines part
// paragraphs.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
    const std::string blanks(indent, ' ');
    std::string out;
    while (!text.empty()) {
        std::size_t end = text.find("\n\n");
        const std::string_view paragraph = text.substr(0, end);
        std::string line;
        for (const std::string_view word : split_words(paragraph)) {
            if (!line.empty() && indent + line.size() + 1 + word.size() > width) {
                out += concat(blanks, line, "\n");
                line.clear();
            }
            line += concat(line.empty() ? "" : " ", word);
        }
        if (!line.empty()) out += concat(blanks, line, "\n");
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 2);
        if (!trim(text).empty()) out += '\n';
    }
    return out;
}

std::string parameter_heading(const AgentParameter& parameter) {
    std::string text = concat("  ", parameter.name, parameter.is_required ? " (required" : " (");
    if (!parameter.type.empty()) text += concat(parameter.is_required ? ", " : "", parameter.type);
    if (parameter.is_unique) text += ", unique";
    if (!parameter.fallback.empty()) text += concat(", default: ", parameter.fallback);
    text += ")";
    if (!parameter.summary.empty()) text += concat(": ", parameter.summary);
    return text;
}

}  // namespace

std::vector<std::string> agent_classes() {
    return {"lsb", "ocf", "service", "stonith", "systemd", "xbeat"};
}

std::vector<std::string> ocf_providers() {
    std::vector<std::string> names;
    for (const std::string& name : entries_of(ocf_root())) {
        if (is_directory(concat(ocf_root(), "/", name))) names.push_back(name);
    }
    return names;
}

std::vector<std::string> agent_types(std::string_view agent_class, std::string_view provider) {
    if (agent_class == "ocf") return programs_in(concat(ocf_root(), "/", provider), "");
    if (agent_class == "stonith") return programs_in("/usr/sbin", "fence_");
    if (agent_class == "lsb") return programs_in("/etc/init.d", "");
    if (agent_class == "systemd" || agent_class == "service") return systemd_services();
    if (agent_class == "xbeat") return {"VIP", "process"};
    return {};
}

std::string agent_file(const AgentName& name) {
    if (name.agent_class == "ocf") return concat(ocf_root(), "/", name.provider, "/", name.type);
    if (name.agent_class == "stonith") return concat("/usr/sbin/", name.type);
    if (name.agent_class == "lsb") return concat("/etc/init.d/", name.type);
    return {};
}

std::string to_string(const AgentName& name) {
    return name.provider.empty() ? concat(name.agent_class, ":", name.type)
                                 : concat(name.agent_class, ":", name.provider, ":", name.type);
}

Result<AgentName> find_agent(std::string_view text) {
    std::vector<std::string> parts{std::string()};
    for (const char letter : text) {
        if (letter == '/') {
            return Error{.code = Code::Invalid,
                         .context = concat("'", text, "' is no agent's name: it has a '/'")};
        }
        if (letter == ':') {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    if (parts.size() == 1) {
        std::vector<AgentName> found = agents_called(text);
        if (!found.empty()) return found.front();
        std::vector<std::string> known = agent_types("stonith", "");
        for (const std::string& provider : ocf_providers()) {
            for (std::string& type : agent_types("ocf", provider)) known.push_back(std::move(type));
        }
        return not_installed(text, known);
    }
    const bool has_provider = parts.front() == "ocf";
    if (parts.size() != (has_provider ? 3U : 2U)) {
        return Error{.code = Code::Invalid,
                     .context = concat("'", text,
                                       "' is no agent's name; write ocf:PROVIDER:TYPE, CLASS:TYPE "
                                       "or TYPE")};
    }
    AgentName name{.agent_class = parts.front(),
                   .provider = has_provider ? parts[1] : std::string(),
                   .type = parts.back()};
    const std::vector<std::string> known = agent_types(name.agent_class, name.provider);
    if (std::find(known.begin(), known.end(), name.type) == known.end())
        return not_installed(text, known);
    return name;
}

Result<std::string> agent_metadata_text(const AgentName& name) {
    const std::string file = agent_file(name);
    if (file.empty()) {
        return Error{.code = Code::NotFound,
                     .context = concat("agents of the class ", name.agent_class,
                                       " have no metadata of their own")};
    }
    const bool is_device = name.agent_class == "stonith";
    const std::vector<std::string> words = is_device
                                               ? std::vector<std::string>{file, "-o", "metadata"}
                                               : std::vector<std::string>{file, "meta-data"};
    ProgramOptions options;
    options.environment = {{"OCF_ROOT", "/usr/lib/ocf"},
                           {"OCF_RA_VERSION_MAJOR", "1"},
                           {"OCF_RA_VERSION_MINOR", "1"},
                           {"OCF_RESOURCE_TYPE", name.type},
                           {"OCF_RESOURCE_PROVIDER", name.provider},
                           {"OCF_RESOURCE_INSTANCE", "metadata"}};
    ProgramResult result = XB_TRY(run_program(words, options));
    if (result.output.find("<resource-agent") != std::string::npos) return result.output;
    return Error{.code = Code::Unavailable,
                 .context = concat(to_string(name), " printed no metadata (exit code ", result.code,
                                   "); perhaps a program that it needs is not installed: try '",
                                   file, is_device ? " -o metadata'" : " meta-data'")};
}

Result<AgentMetadata> parse_metadata(std::string_view text) {
    // A document type and its like stand before the root; nothing of them is wanted.
    const std::size_t start = text.find("<resource-agent");
    const std::size_t end = text.rfind("</resource-agent>");
    if (start == std::string_view::npos || end == std::string_view::npos || end < start) {
        return Error{.code = Code::Corrupt,
                     .context = "the metadata has no element <resource-agent>"};
    }
    constexpr std::string_view kClose = "</resource-agent>";
    const Result<cib::Element> root =
        cib::parse_xml(text.substr(start, end + kClose.size() - start));
    if (!root) {
        return Error{.code = Code::Corrupt,
                     .context = concat("the metadata is no good XML: ", root.error().context)};
    }
    AgentMetadata metadata{.name = std::string(root->get("name")),
                           .version = text_of_child(*root, "version"),
                           .summary = text_of_child(*root, "shortdesc"),
                           .description = text_of_child(*root, "longdesc")};
    if (metadata.summary.empty()) metadata.summary = root->get("shortdesc");
    if (const cib::Element* list = root->child("parameters")) {
        for (const cib::Element& one : list->children) {
            if (one.name == "parameter") metadata.parameters.push_back(read_parameter(one));
        }
    }
    if (const cib::Element* list = root->child("actions")) {
        for (const cib::Element& one : list->children) {
            if (one.name != "action") continue;
            metadata.actions.push_back({.name = std::string(one.get("name")),
                                        .timeout = std::string(one.get("timeout")),
                                        .interval = std::string(one.get("interval")),
                                        .role = std::string(one.get("role")),
                                        .depth = std::string(one.get("depth"))});
        }
    }
    return metadata;
}

std::string render_metadata(const AgentName& name, const AgentMetadata& metadata,
                            std::size_t width) {
    std::string text = to_string(name);
    if (!metadata.summary.empty()) text += concat(" - ", metadata.summary);
    text += "\n\n";
    if (!metadata.description.empty()) text += wrapped(metadata.description, 0, width) + "\n";
    text += "Parameters:\n";
    for (const bool required : {true, false}) {
        for (const AgentParameter& parameter : metadata.parameters) {
            if (parameter.is_required != required) continue;
            text += wrapped(parameter_heading(parameter), 2, width);
            if (parameter.description != parameter.summary)
                text += wrapped(parameter.description, 6, width);
        }
    }
    if (metadata.parameters.empty()) text += "  none\n";
    text += "\nActions (advised time limits):\n";
    for (const AgentAction& action : metadata.actions) {
        text += concat("  ", action.name);
        if (!action.timeout.empty()) text += concat("  timeout=", action.timeout);
        if (!action.interval.empty()) text += concat("  interval=", action.interval);
        if (!action.role.empty()) text += concat("  role=", action.role);
        if (!action.depth.empty()) text += concat("  depth=", action.depth);
        text += '\n';
    }
    return text;
}

}  // namespace xbeat::cli
