#include "fence/devices.h"

#include <algorithm>
#include <map>
#include <optional>

#include "cib/duration.h"
#include "core/score.h"
#include "core/text.h"

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

// A device's instance attributes; rules do not apply to fence devices here, and the first set with
// a name wins, as in Pacemaker.
Parameters read_parameters(const Element& device) {
    Parameters out;
    for (const Element& set : device.children) {
        if (set.name != "instance_attributes") continue;
        for (const Element& pair : set.children) {
            if (pair.name != "nvpair" || !value_of(out, pair.get("name")).empty()) continue;
            out.emplace_back(pair.get("name"), pair.get("value"));
        }
    }
    return out;
}

std::string_view meta_of(const Element& resource, std::string_view name) {
    for (const Element& set : resource.children) {
        if (set.name != "meta_attributes") continue;
        for (const Element& pair : set.children) {
            if (pair.get("name") == name) return pair.get("value");
        }
    }
    return {};
}

void collect_devices(const Element& element, std::vector<const Element*>& out) {
    for (const Element& child : element.children) {
        if (child.name == "primitive") {
            if (child.get("class") == "stonith") out.push_back(&child);
        } else {
            collect_devices(child, out);
        }
    }
}

std::vector<const Element*> all_devices(const Element& cib) {
    std::vector<const Element*> out;
    const Element* configuration = cib.child("configuration");
    const Element* resources =
        configuration == nullptr ? nullptr : configuration->child("resources");
    if (resources != nullptr) collect_devices(*resources, out);
    return out;
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
// "node:plug[,plug2];node2:plug"; the first plug is the one that matters here.
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

Device device_for(const Element& primitive, const Parameters& parameters, std::string plug,
                  std::string_view target, std::string_view action) {
    Device device;
    device.id = primitive.get("id");
    device.type = primitive.get("type");
    device.plug = std::move(plug);
    for (const auto& parameter : parameters) {
        if (!parameter.first.starts_with("pcmk_")) device.parameters.push_back(parameter);
    }
    const std::string_view argument = value_of(parameters, "pcmk_host_argument");
    if (equals_ignoring_case(argument, "none")) {
        device.plug_argument.clear();
    } else if (!argument.empty()) {
        device.plug_argument = argument;
    }
    const std::string_view check = value_of(parameters, "pcmk_host_check");
    const bool names_nobody = value_of(parameters, "pcmk_host_map").empty() &&
                              value_of(parameters, "pcmk_host_list").empty();
    device.must_ask_list = check == "dynamic-list" || (check.empty() && names_nobody);
    device.delay_base = delay_of(value_of(parameters, "pcmk_delay_base"), target);
    device.delay_max = delay_of(value_of(parameters, "pcmk_delay_max"), target);
    const std::string prefix = concat("pcmk_", action, '_');
    device.attempts = static_cast<std::int32_t>(std::clamp<std::int64_t>(
        parse_integer(value_of(parameters, concat(prefix, "retries"))).value_or(2), 1, 100));
    device.timeout =
        cib::parse_duration(value_of(parameters, concat(prefix, "timeout"))).value_or(Duration{});
    const std::string_view mapped = value_of(parameters, concat(prefix, "action"));
    device.agent_action = mapped.empty() ? action : mapped;
    return device;
}

// The configured levels of a node by index: names of devices.
std::map<std::int64_t, std::vector<std::string>> configured_levels(const Element& cib,
                                                                   std::string_view target) {
    std::map<std::int64_t, std::vector<std::string>> out;
    const Element* configuration = cib.child("configuration");
    const Element* topology =
        configuration == nullptr ? nullptr : configuration->child("fencing-topology");
    if (topology == nullptr) return out;
    for (const Element& level : topology->children) {
        if (level.name != "fencing-level" || level.get("target") != target) continue;
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
                              std::string_view executor, std::string_view action) {
    std::vector<Device> usable;
    for (const Element* primitive : all_devices(cib)) {
        if (equals_ignoring_case(meta_of(*primitive, "target-role"), "Stopped")) continue;
        if (is_banned(cib, primitive->get("id"), executor)) continue;
        const Parameters parameters = read_parameters(*primitive);
        std::optional<std::string> plug = plug_of(parameters, target);
        if (!plug) continue;
        usable.push_back(device_for(*primitive, parameters, std::move(*plug), target, action));
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

bool lists(std::string_view output, std::string_view plug) {
    const std::vector<std::string_view> names = split(output, ",; \t\r\n");
    return std::find(names.begin(), names.end(), plug) != names.end();
}

}  // namespace xbeat::fence
