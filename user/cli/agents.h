// Agents that are installed here, and what they say about themselves.
//
// Only for showing: what may run, and how, is the executor's to decide (agent/allow_list.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cib/xml.h"
#include "core/result.h"

namespace xbeat::cli {

/// "ocf:heartbeat:IPaddr2", "systemd:nginx", "stonith:fence_ipmilan", "lsb:apache2".
struct AgentName {
    std::string agent_class = {};
    std::string provider = {};  // ocf only
    std::string type = {};
};

/// The classes that exist: ocf, systemd, lsb, service, stonith, xbeat.
[[nodiscard]] std::vector<std::string> agent_classes();
/// Of the class ocf, sorted: folders of $OCF_ROOT/resource.d.
[[nodiscard]] std::vector<std::string> ocf_providers();
/// Types of a class (and provider), sorted; empty for one that has none here.
[[nodiscard]] std::vector<std::string> agent_types(std::string_view agent_class,
                                                   std::string_view provider);

/// "CLASS:PROVIDER:TYPE", "CLASS:TYPE", or "TYPE" alone if exactly one agent is called so (a
/// fence device, or an ocf agent; the provider heartbeat wins over others). Errors: NotFound with
/// a suggestion, Invalid.
[[nodiscard]] Result<AgentName> find_agent(std::string_view text);
[[nodiscard]] std::string to_string(const AgentName& name);

/// Where the program is; empty for classes that have none.
[[nodiscard]] std::string agent_file(const AgentName& name);

/// What the agent prints for meta-data. Errors: NotFound if it is not installed, Unavailable if it
/// says nothing usable, Timeout after 30 s.
[[nodiscard]] Result<std::string> agent_metadata_text(const AgentName& name);

struct AgentParameter {
    std::string name = {};
    std::string type = {};      // string, integer, boolean...
    std::string fallback = {};  // its default
    std::string summary = {};
    std::string description = {};
    bool is_required = false;
    bool is_unique = false;
};
struct AgentAction {
    std::string name = {};
    std::string timeout = {};
    std::string interval = {};
    std::string role = {};
    std::string depth = {};
};
struct AgentMetadata {
    std::string name = {};
    std::string version = {};
    std::string summary = {};
    std::string description = {};
    std::vector<AgentParameter> parameters = {};
    std::vector<AgentAction> actions = {};
};

/// Reads the XML, whatever stands before its root element. Errors: Corrupt.
[[nodiscard]] Result<AgentMetadata> parse_metadata(std::string_view text);

/// As help to read: at most `width` columns, lines wrapped.
[[nodiscard]] std::string render_metadata(const AgentName& name, const AgentMetadata& metadata,
                                          std::size_t width);

}  // namespace xbeat::cli
