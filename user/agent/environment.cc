#include "agent/environment.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/text.h"

namespace xbeat::agent {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr std::string_view kPath = "/usr/sbin:/usr/bin:/sbin:/bin";

Error invalid(std::string context) {
    return {.code = Code::Invalid, .context = std::move(context)};
}

Result<void> check(const Parameter& variable, std::string_view what) {
    if (!is_variable_name(variable.name)) {
        return invalid(concat(what, " \"", variable.name, "\" is not a variable's name"));
    }
    if (variable.value.find('\0') != std::string::npos) {
        return invalid(concat(what, " \"", variable.name, "\" has a NUL in its value"));
    }
    return {};
}

void add_ocf(Variables& variables, const Spawn& spawn, const EnvironmentOptions& options) {
    variables["OCF_ROOT"] = options.ocf_root;
    variables["OCF_RA_VERSION_MAJOR"] = "1";
    variables["OCF_RA_VERSION_MINOR"] = "1";
    variables["OCF_EXIT_REASON_PREFIX"] = "ocf-exit-reason:";
    variables["OCF_OUTPUT_FORMAT"] = "text";
    variables["OCF_RESOURCE_INSTANCE"] = spawn.resource;
    variables["OCF_RESOURCE_PROVIDER"] = spawn.provider;
    variables["OCF_RESOURCE_TYPE"] = spawn.type;
    variables["HA_SBIN_DIR"] =
        options.shim_directory.empty() ? "/usr/sbin" : options.shim_directory;
    variables["HA_RSCTMP"] = options.temporary_directory;
    variables["HA_debug"] = "0";
    variables["HA_LOGFACILITY"] = "none";
    if (!options.log_file.empty()) variables["HA_LOGFILE"] = options.log_file;
    // Agents ask which stack they run under; this is the one whose commands the shims answer for.
    variables["HA_cluster_type"] = "corosync";
    variables["HA_quorum_type"] = "corosync";
    variables["HA_mcp"] = "true";
    variables["PCMK_cluster_type"] = "corosync";
    variables["PCMK_quorum_type"] = "corosync";
    variables["PCMK_mcp"] = "true";
    variables["PCMK_debug"] = "0";
    variables["PCMK_logfacility"] = "none";
    variables["PCMK_watchdog"] = "false";
    variables["PCMK_service"] = "pacemaker-execd";
}

bool may_be_extra(std::string_view name) {
    constexpr std::array<std::string_view, 5> kPrefixes = {"OCF_", "HA_", "PCMK_", "CRM_",
                                                           "XBEAT_"};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [name](std::string_view prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> lines(const Variables& variables) {
    std::vector<std::string> out;
    out.reserve(variables.size());
    for (const auto& [name, value] : variables) out.push_back(concat(name, '=', value));
    return out;
}

// Alert agents get what is configured for them under its own name; nothing that would change what
// program runs.
Result<std::vector<std::string>> alert_environment(Variables variables, const Spawn& spawn) {
    constexpr std::array<std::string_view, 6> kRefused = {"PATH",     "IFS",       "ENV",
                                                          "BASH_ENV", "SHELLOPTS", "PYTHONPATH"};
    for (const Parameter& one : spawn.parameters) {
        XB_TRY(check(one, "variable"));
        const bool is_refused =
            one.name.starts_with("LD_") ||
            std::find(kRefused.begin(), kRefused.end(), one.name) != kRefused.end();
        if (is_refused) {
            return invalid(concat("variable \"", one.name, "\" may not be set for alert agents"));
        }
        variables[one.name] = one.value;
    }
    return lines(variables);
}

}  // namespace

bool is_variable_name(std::string_view name) {
    if (name.empty() || name.size() > kNameBytesMax) return false;
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return is_letter(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
               return is_letter(c) || (c >= '0' && c <= '9');
           });
}

Result<std::vector<std::string>> agent_environment(const Spawn& spawn,
                                                   const EnvironmentOptions& options) {
    Variables variables;
    variables["PATH"] = options.shim_directory.empty() ? std::string(kPath)
                                                       : concat(options.shim_directory, ':', kPath);
    variables["LANG"] = "C.UTF-8";
    variables["LC_ALL"] = "C";
    if (spawn.agent_class == AgentClass::Ocf) {
        if (spawn.resource.find('\0') != std::string::npos) {
            return invalid("the resource's name has a NUL in it");
        }
        add_ocf(variables, spawn, options);
    } else if (spawn.agent_class == AgentClass::Alert) {
        return alert_environment(std::move(variables), spawn);
    } else if (!spawn.parameters.empty()) {
        return invalid("only OCF agents take parameters by environment");
    }
    for (const Parameter& parameter : spawn.parameters) {
        XB_TRY(check(parameter, "parameter"));
        const bool is_new =
            variables.emplace("OCF_RESKEY_" + parameter.name, parameter.value).second;
        if (!is_new) return invalid(concat("parameter \"", parameter.name, "\" is given twice"));
    }
    for (const Parameter& extra : spawn.environment) {
        XB_TRY(check(extra, "variable"));
        if (!may_be_extra(extra.name)) {
            return invalid(concat("variable \"", extra.name, "\" may not be set for agents"));
        }
        variables[extra.name] = extra.value;
    }
    return lines(variables);
}

Result<std::vector<std::string>> launch_environment(const Launch& launch) {
    Variables variables;
    variables["PATH"] = kPath;
    variables["LANG"] = "C.UTF-8";
    for (const Parameter& one : launch.environment) {
        XB_TRY(check(one, "variable"));
        if (one.name.starts_with("LD_")) {
            return invalid(concat("variable \"", one.name, "\" may not be set"));
        }
        variables[one.name] = one.value;
    }
    return lines(variables);
}

}  // namespace xbeat::agent
