#include "fence/devices.h"

#include <regex.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cib/duration.h"
#include "core/score.h"
#include "core/text.h"
#include "rules/rule.h"
#include "rules/template.h"

namespace xbeat::fence {
namespace {

using cib::Element;
using Parameters = std::vector<std::pair<std::string, std::string>>;

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> out;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
        const std::string_view part = trim(text.substr(begin, end - begin));
        if (!part.empty()) out.push_back(part);
        begin = end + 1;
    }
    return out;
}

std::string_view value_of(const Parameters& parameters, std::string_view name) {
    for (const auto& [key, value] : parameters) {
        if (key == name) return value;
    }
    return {};
}

const Element* section(const Element& cib, std::string_view name) {
    const Element* configuration = cib.child("configuration");
    return configuration == nullptr ? nullptr : configuration->child(name);
}

const Element* template_of(const Element& resources, const Element& primitive) {
    if (!primitive.has("template")) return nullptr;
    for (const Element& each : resources.children) {
        if (each.name == "template" && each.get("id") == primitive.get("template")) return &each;
    }
    return nullptr;
}

void collect_devices(const Element& resources, const Element& element,
                     std::vector<const Element*>& out) {
    for (const Element& child : element.children) {
        if (child.name == "template") continue;
        if (child.name != "primitive") {
            collect_devices(resources, child, out);
            continue;
        }
        const Element* base = child.has("class") ? nullptr : template_of(resources, child);
        if ((base == nullptr ? child : *base).get("class") == "stonith") out.push_back(&child);
    }
}

// As they stand in the configuration.
std::vector<const Element*> all_devices(const Element& cib) {
    std::vector<const Element*> out;
    const Element* resources = section(cib, "resources");
    if (resources != nullptr) collect_devices(*resources, *resources, out);
    return out;
}

struct Resolved {
    std::string id;
    std::string type;
    Parameters parameters;  // sorted by name
    rules::Attributes meta;
};

// Devices as they are meant: with their templates, the sets that they refer to, and rules as they
// hold at that time. The scheduler reads resources with the same functions.
class Resolver {
public:
    Resolver(const Element& cib, EpochSeconds now)
        : defaults_(section(cib, "rsc_defaults")), now_(now) {
        if (const Element* configuration = cib.child("configuration")) {
            ids_ = rules::IdIndex(*configuration);
        }
    }

    [[nodiscard]] Resolved resolve(const Element& primitive) const {
        const std::optional<Element> merged = rules::merge_template(primitive, ids_);
        const Element& device = merged ? *merged : primitive;
        const rules::RuleInput input{.now = now_,
                                     .ids = &ids_,
                                     .agent_class = device.get("class"),
                                     .agent_provider = device.get("provider"),
                                     .agent_type = device.get("type"),
                                     .has_agent = true};
        Resolved out{.id = std::string(device.get("id")),
                     .type = std::string(device.get("type")),
                     .parameters = {},
                     .meta = {}};
        rules::Attributes parameters;
        rules::collect_attributes(device, "instance_attributes", input, {}, parameters);
        out.parameters.assign(parameters.begin(), parameters.end());
        rules::collect_attributes(device, "meta_attributes", input, {}, out.meta);
        if (defaults_ != nullptr) {
            rules::collect_attributes(*defaults_, "meta_attributes", input, {}, out.meta);
        }
        return out;
    }

private:
    rules::IdIndex ids_;
    const Element* defaults_;
    EpochSeconds now_;
};

bool has_meta(const Resolved& device, std::string_view name, std::string_view value) {
    const auto found = device.meta.find(name);
    return found != device.meta.end() && equals_ignoring_case(found->second, value);
}

bool is_banned(const Element& cib, std::string_view device, std::string_view node) {
    const Element* configuration = cib.child("configuration");
    const Element* constraints =
        configuration == nullptr ? nullptr : configuration->child("constraints");
    if (constraints == nullptr) return false;
    return std::any_of(constraints->children.begin(), constraints->children.end(),
                       [device, node](const Element& constraint) {
                           return constraint.name == "rsc_location" &&
                                  constraint.get("rsc") == device &&
                                  constraint.get("node") == node &&
                                  parse_score(constraint.get("score")) == Score::never();
                       });
}

// The plug of the target, or nothing if the device does not serve it. pcmk_host_map:
// "node:plug;node2:plug"; a plug may name several for agents that take them: "node:1,2".
std::optional<std::string> plug_of(const Parameters& parameters, std::string_view target) {
    const std::string_view map = value_of(parameters, "pcmk_host_map");
    for (const std::string_view entry : split(map, "; \t\n")) {
        const std::size_t mark = entry.find_first_of(":=");
        if (mark == std::string_view::npos || entry.substr(0, mark) != target) continue;
        return std::string(entry.substr(mark + 1));
    }
    const std::string_view list = value_of(parameters, "pcmk_host_list");
    for (const std::string_view name : split(list, ",; \t\n")) {
        if (name == target) return std::string(target);
    }
    const std::string_view check = value_of(parameters, "pcmk_host_check");
    const bool is_static =
        check == "static-list" || (check.empty() && !(map.empty() && list.empty()));
    if (is_static) return std::nullopt;
    return std::string(target);
}

// "5s", or "node:5s;other:0" with a value for each target.
Duration delay_of(std::string_view text, std::string_view target) {
    if (text.find_first_of(":=") == std::string_view::npos) {
        return cib::parse_duration(text).value_or(Duration{});
    }
    for (const std::string_view entry : split(text, "; \t\n")) {
        const std::size_t mark = entry.find_first_of(":=");
        if (mark == std::string_view::npos || entry.substr(0, mark) != target) continue;
        return cib::parse_duration(entry.substr(mark + 1)).value_or(Duration{});
    }
    return {};
}

HostCheck check_of(const Parameters& parameters) {
    const std::string_view check = value_of(parameters, "pcmk_host_check");
    if (check == "dynamic-list") return HostCheck::List;
    if (check == "status") return HostCheck::Status;
    const bool names_nobody = value_of(parameters, "pcmk_host_map").empty() &&
                              value_of(parameters, "pcmk_host_list").empty();
    return check.empty() && names_nobody ? HostCheck::Default : HostCheck::Known;
}

// How many of its agents may run at one time: pcmk_action_limit, 1 by default.
std::int32_t limit_of(const Parameters& parameters) {
    const std::int64_t limit = parse_integer(value_of(parameters, "pcmk_action_limit")).value_or(1);
    if (limit == 0) return 1;
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(limit, -1, 1'000));
}

Device device_for(const Resolved& resolved, std::string plug, std::string_view target,
                  std::string_view action) {
    const Parameters& parameters = resolved.parameters;
    Device device;
    device.id = resolved.id;
    device.type = resolved.type;
    device.action_limit = limit_of(parameters);
    device.plug = std::move(plug);
    for (const auto& parameter : parameters) {
        if (!parameter.first.starts_with("pcmk_")) device.parameters.push_back(parameter);
    }
    device.plug_argument = value_of(parameters, "pcmk_host_argument");
    device.wants_no_plug = equals_ignoring_case(device.plug_argument, "none");
    device.check = check_of(parameters);
    // Delays keep two nodes from shooting each other; nothing is shot by switching on.
    if (action != "on") {
        device.delay_base = delay_of(value_of(parameters, "pcmk_delay_base"), target);
        device.delay_max = delay_of(value_of(parameters, "pcmk_delay_max"), target);
    }
    device.shot = execute::device_call(parameters, action);
    device.list = execute::device_call(parameters, "list");
    device.status = execute::device_call(parameters, "status");
    device.monitor = execute::device_call(parameters, "monitor");
    return device;
}

// The parameter that tells the agent which plug is meant. Agents of before the name `plug` take
// `port`; most take both.
std::string_view plug_argument(const Device& device, const Abilities* known) {
    if (device.wants_no_plug) return {};
    if (!device.plug_argument.empty()) return device.plug_argument;
    if (known == nullptr || known->has_plug) return "plug";
    return known->has_port ? "port" : std::string_view();
}

// An extended regular expression that does not compile fits nothing.
bool fits_pattern(std::string_view pattern, std::string_view text) {
    regex_t compiled{};
    if (regcomp(&compiled, std::string(pattern).c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    const bool fits = regexec(&compiled, std::string(text).c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return fits;
}

// Permanent attributes only: a lost node has no others.
bool has_attribute(const Element& configuration, std::string_view node, std::string_view name,
                   std::string_view value) {
    const Element* nodes = configuration.child("nodes");
    if (nodes == nullptr) return false;
    for (const Element& each : nodes->children) {
        if (each.get("uname") != node) continue;
        for (const Element& set : each.children) {
            if (set.name != "instance_attributes") continue;
            for (const Element& pair : set.children) {
                if (pair.get("name") == name && pair.get("value") == value) return true;
            }
        }
    }
    return false;
}

// What the level is for, as one text: levels of one text belong together.
std::string subject_of(const Element& level) {
    for (const std::string_view name : {"target", "target-pattern"}) {
        if (level.has(name)) return concat(name, '=', level.get(name));
    }
    return concat("target-attribute=", level.get("target-attribute"), '=',
                  level.get("target-value"));
}

bool is_for(const Element& configuration, const Element& level, std::string_view target) {
    if (level.has("target")) return level.get("target") == target;
    if (level.has("target-pattern")) return fits_pattern(level.get("target-pattern"), target);
    return level.has("target-attribute") &&
           has_attribute(configuration, target, level.get("target-attribute"),
                         level.get("target-value"));
}

// The configured levels of a node by index: names of devices. Its own name counts more than a
// pattern or an attribute; of those, the first that fits.
std::map<std::int64_t, std::vector<std::string>> configured_levels(const Element& cib,
                                                                   std::string_view target) {
    std::map<std::int64_t, std::vector<std::string>> out;
    const Element* configuration = cib.child("configuration");
    const Element* topology =
        configuration == nullptr ? nullptr : configuration->child("fencing-topology");
    if (topology == nullptr) return out;
    std::string subject = concat("target=", target);
    const auto is_chosen = [&subject](const Element& level) {
        return level.name == "fencing-level" && subject_of(level) == subject;
    };
    const std::vector<Element>& levels = topology->children;
    if (std::none_of(levels.begin(), levels.end(), is_chosen)) {
        const auto fitting = std::find_if(levels.begin(), levels.end(), [&](const Element& level) {
            return level.name == "fencing-level" && is_for(*configuration, level, target);
        });
        if (fitting == levels.end()) return out;
        subject = subject_of(*fitting);
    }
    for (const Element& level : levels) {
        if (!is_chosen(level)) continue;
        const std::optional<std::int64_t> index = parse_integer(level.get("index"));
        if (!index) continue;
        for (const std::string_view device : split(level.get("devices"), ", \t\n")) {
            out[*index].emplace_back(device);
        }
    }
    return out;
}

}  // namespace

std::vector<Level> levels_for(const Element& cib, std::string_view target,
                              std::string_view executor, std::string_view action,
                              EpochSeconds now) {
    std::vector<Device> usable;
    const Resolver resolver(cib, now);
    for (const Element* primitive : all_devices(cib)) {
        const Resolved device = resolver.resolve(*primitive);
        if (has_meta(device, "target-role", "Stopped")) continue;
        if (is_banned(cib, device.id, executor)) continue;
        std::optional<std::string> plug = plug_of(device.parameters, target);
        if (!plug) continue;
        usable.push_back(device_for(device, std::move(*plug), target, action));
    }
    std::vector<Level> out;
    const auto levels = configured_levels(cib, target);
    if (levels.empty()) {
        for (Device& device : usable) out.push_back({std::move(device)});
        return out;
    }
    for (const auto& [index, names] : levels) {
        Level level;
        for (const std::string& name : names) {
            const auto device =
                std::find_if(usable.begin(), usable.end(),
                             [&name](const Device& each) { return each.id == name; });
            if (device != usable.end()) level.push_back(*device);
        }
        // A level counts only as a whole: half of a redundant power supply switches nothing off.
        if (level.size() == names.size()) out.push_back(std::move(level));
    }
    return out;
}

Level unfencing_of(const Element& cib, std::string_view target, EpochSeconds now) {
    Level out;
    const Resolver resolver(cib, now);
    for (const Element* primitive : all_devices(cib)) {
        const Resolved device = resolver.resolve(*primitive);
        if (!has_meta(device, "provides", "unfencing")) continue;
        if (has_meta(device, "target-role", "Stopped")) continue;
        std::optional<std::string> plug = plug_of(device.parameters, target);
        if (!plug) continue;
        out.push_back(device_for(device, std::move(*plug), target, "on"));
    }
    return out;
}

std::optional<Device> find_device(const Element& cib, std::string_view id, std::string_view target,
                                  std::string_view action, EpochSeconds now) {
    for (const Element* primitive : all_devices(cib)) {
        if (primitive->get("id") != id) continue;
        const Resolved device = Resolver(cib, now).resolve(*primitive);
        std::optional<std::string> plug =
            target.empty() ? std::string() : plug_of(device.parameters, target);
        if (!plug) return std::nullopt;
        return device_for(device, std::move(*plug), target, action);
    }
    return std::nullopt;
}

execute::RunAgent make_run(const Device& device, const execute::DeviceCall& call,
                           const Abilities* known, std::string_view target, Duration timeout) {
    execute::RunAgent run{.operation = {},
                          .agent_class = "stonith",
                          .provider = {},
                          .type = device.type,
                          .resource = device.id,
                          .action = call.action,
                          .timeout = call.timeout > Duration{} ? call.timeout : timeout,
                          .parameters = device.parameters,
                          .watch = false};
    if (!target.empty()) {
        const std::string_view argument = plug_argument(device, known);
        Parameters& parameters = run.parameters;
        std::erase_if(parameters, [argument](const auto& each) {
            return each.first == argument && each.second == "dynamic";
        });
        // What the configuration names itself is not overruled.
        const bool is_given =
            std::any_of(parameters.begin(), parameters.end(), [&](const auto& each) {
                return each.first == argument ||
                       (device.plug_argument.empty() && each.first == "port");
            });
        if (!argument.empty() && !is_given) parameters.emplace_back(argument, device.plug);
        parameters.emplace_back("nodename", target);
    }
    run.parameters.emplace_back("action", call.action);
    return run;
}

std::vector<std::string> device_ids(const Element& cib) {
    std::vector<std::string> ids;
    for (const Element* primitive : all_devices(cib)) ids.emplace_back(primitive->get("id"));
    return ids;
}

bool has_devices(const Element& cib) { return !all_devices(cib).empty(); }

std::string_view cluster_option(const Element& cib, std::string_view name,
                                std::string_view old_name) {
    const Element* configuration = cib.child("configuration");
    const Element* config = configuration == nullptr ? nullptr : configuration->child("crm_config");
    if (config == nullptr) return {};
    std::string_view found;
    for (const Element& set : config->children) {
        if (set.name != "cluster_property_set") continue;
        const bool is_first = set.get("id") == "cib-bootstrap-options";
        for (const Element& pair : set.children) {
            const bool is_wanted =
                pair.get("name") == name || (!old_name.empty() && pair.get("name") == old_name);
            if (is_wanted && (is_first || found.empty())) found = pair.get("value");
        }
    }
    return found;
}

bool is_fencing_enabled(const Element& cib) {
    return parse_boolean(cluster_option(cib, "fencing-enabled", "stonith-enabled")).value_or(true);
}

Duration fencing_timeout(const Element& cib) {
    const auto timeout =
        cib::parse_duration(cluster_option(cib, "fencing-timeout", "stonith-timeout"));
    return timeout && *timeout > Duration{} ? *timeout : std::chrono::seconds(60);
}

std::string failure_text(std::string_view action, const execute::AgentDone& done) {
    using execute::AgentStatus;
    std::string text(action);
    switch (done.status) {
        case AgentStatus::Done:
            text += concat(" ended with ", done.rc);
            break;
        case AgentStatus::TimedOut:
            text += " timed out";
            break;
        case AgentStatus::Killed:
            text += " was killed";
            break;
        case AgentStatus::NotInstalled:
            text += ": the agent is not installed";
            break;
        case AgentStatus::NotAllowed:
            text += ": the agent is not safe to run";
            break;
        case AgentStatus::Failed:
            text += ": the agent could not be run";
            break;
    }
    if (!done.exit_reason.empty()) text += concat(": ", done.exit_reason);
    return text;
}

bool lists(std::string_view output, std::string_view plug) {
    const std::vector<std::string_view> names = split(output, ",; \t\r\n");
    return std::find(names.begin(), names.end(), plug) != names.end();
}

}  // namespace xbeat::fence
