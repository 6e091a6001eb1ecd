#include "execute/agent_facts.h"

#include <utility>

#include "cib/xml.h"
#include "core/text.h"
#include "execute/agent_call.h"
#include "model/parameter_digest.h"
#include "rules/compare.h"

namespace xbeat::execute {
namespace {

using Digested = std::map<std::string, std::string, std::less<>>;

// The element without the declaration and the DOCTYPE that agents print before it.
std::string_view element_of(std::string_view text) {
    constexpr std::string_view kOpen = "<resource-agent";
    constexpr std::string_view kClose = "</resource-agent>";
    const std::size_t start = text.find(kOpen);
    const std::size_t end = text.rfind(kClose);
    if (start == std::string_view::npos || end == std::string_view::npos || end < start) return {};
    return text.substr(start, end + kClose.size() - start);
}

bool is_true(const cib::Element& element, std::string_view name) {
    return parse_boolean(element.get(name)).value_or(false);
}

// The version of the standard that the agent follows, not its own: an element, not an attribute.
bool follows_ocf_1_1(const cib::Element& agent) {
    const cib::Element* version = agent.child("version");
    if (version == nullptr || version->children.empty()) return false;
    return rules::compare_versions(version->children.front().text, "1.1") >= 0;
}

std::string reload_action_of(const cib::Element& agent, bool is_new) {
    const std::string_view wanted = is_new ? "reload-agent" : "reload";
    const cib::Element* actions = agent.child("actions");
    if (actions == nullptr) return {};
    for (const cib::Element& action : actions->children) {
        if (action.name == "action" && action.get("name") == wanted) return std::string(wanted);
    }
    return {};
}

// The words stand between blanks, so that one can be searched for with its own.
void add_word(std::string& list, std::string_view word) {
    if (list.empty()) list.push_back(' ');
    list += concat(word, ' ');
}

Digested configured(const wire::Operation& operation) {
    Digested out;
    for (const auto& [name, value] : operation.parameters) {
        if (is_meta(name)) continue;
        out[name] = value;
    }
    return out;
}

}  // namespace

Result<AgentFacts> read_agent_facts(std::string_view metadata) {
    const std::string_view text = element_of(metadata);
    if (text.empty()) return Error{Code::Invalid, "it printed no <resource-agent>"};
    const cib::Element agent = XB_TRY(cib::parse_xml(text));
    const bool is_new = follows_ocf_1_1(agent);
    AgentFacts facts{.reload_action = reload_action_of(agent, is_new), .parameters = {}};
    const cib::Element* parameters = agent.child("parameters");
    if (parameters == nullptr) return facts;
    for (const cib::Element& each : parameters->children) {
        if (each.name != "parameter") continue;
        facts.parameters.push_back({.name = std::string(each.get("name")),
                                    .is_unique = is_true(each, "unique"),
                                    .is_reloadable = is_new && is_true(each, "reloadable"),
                                    .is_private = is_true(each, "private")});
    }
    return facts;
}

wire::ParameterRecord record_parameters(const AgentFacts& facts, const wire::Operation& operation) {
    wire::ParameterRecord record;
    const Digested given = configured(operation);
    Digested restarting;
    Digested open = given;
    for (const ParameterFacts& parameter : facts.parameters) {
        const bool needs_restart =
            facts.reload_action == "reload" ? parameter.is_unique : !parameter.is_reloadable;
        const auto found = given.find(parameter.name);
        if (needs_restart) {
            add_word(record.force_restart, parameter.name);
            if (found != given.end()) restarting.insert(*found);
        }
        if (!parameter.is_private) continue;
        add_word(record.secure, parameter.name);
        open.erase(parameter.name);
    }
    // A monitor is begun anew with the new parameters, whatever the agent can reload.
    if (!facts.reload_action.empty() && operation.interval_ms == 0) {
        record.restart_digest = model::parameter_digest(restarting);
    } else {
        record.force_restart.clear();
    }
    if (!record.secure.empty()) record.secure_digest = model::parameter_digest(open);
    return record;
}

void add_parameter_record(const wire::ParameterRecord& record,
                          std::vector<wire::RecordBody>& entries) {
    for (wire::RecordBody& entry : entries) {
        auto* history = std::get_if<wire::SetHistory>(&entry);
        if (history == nullptr) continue;
        if (!record.restart_digest.empty()) {
            // Named even if it is empty: then every parameter may be reloaded.
            history->attributes.emplace_back("op-force-restart", record.force_restart);
            history->attributes.emplace_back("op-restart-digest", record.restart_digest);
        }
        if (!record.secure_digest.empty()) {
            history->attributes.emplace_back("op-secure-params", record.secure);
            history->attributes.emplace_back("op-secure-digest", record.secure_digest);
        }
    }
}

wire::Operation as_recorded(const wire::Operation& operation) {
    wire::Operation recorded = operation;
    if (recorded.task == "reload" || recorded.task == "reload-agent") recorded.task = "start";
    return recorded;
}

}  // namespace xbeat::execute
