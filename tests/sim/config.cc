#include "tests/sim/config.h"

#include "core/text.h"
#include "tests/sim/streams.h"

namespace xbeat::xsim {
namespace {

std::string node_name(std::size_t node) { return concat("pm0", node + 1); }

std::string print_primitive(const WantedResource& resource) {
    const std::string& name = resource.name;
    std::string text =
        concat("<primitive id=\"", name, "\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\">");
    if (resource.parameter != 0) {
        text += concat("<instance_attributes id=\"", name, "-ia\"><nvpair id=\"", name,
                       "-ia-state\" name=\"state\" value=\"/run/", resource.parameter,
                       "\"/></instance_attributes>");
    }
    std::string meta;
    const auto add = [&](std::string_view key, const std::string& value) {
        meta += concat("<nvpair id=\"", name, "-meta-", key, "\" name=\"", key, "\" value=\"",
                       value, "\"/>");
    };
    if (resource.threshold > 0) add("migration-threshold", concat(resource.threshold));
    if (resource.is_stopped) add("target-role", "Stopped");
    if (resource.is_unmanaged) add("is-managed", "false");
    if (resource.requires_lease) add("requires", "lease");
    if (resource.migrates) add("allow-migrate", "true");
    if (!meta.empty()) {
        text += concat("<meta_attributes id=\"", name, "-meta\">", meta, "</meta_attributes>");
    }
    text += concat("<operations><op id=\"", name, "-monitor\" name=\"monitor\" interval=\"",
                   resource.monitor_s, "s\" timeout=\"20s\"/><op id=\"", name,
                   "-start\" name=\"start\" interval=\"0s\" timeout=\"20s\"/><op id=\"", name,
                   "-stop\" name=\"stop\" interval=\"0s\" timeout=\"20s\"/></operations>"
                   "</primitive>");
    return text;
}

std::string print_device(const std::string& id, const std::string& targets) {
    return concat("<primitive id=\"", id,
                  "\" class=\"stonith\" type=\"fence_sim\"><instance_attributes id=\"", id,
                  "-ia\"><nvpair id=\"", id, "-list\" name=\"pcmk_host_list\" value=\"", targets,
                  "\"/></instance_attributes></primitive>");
}

std::string print_devices(const WantedConfig& config) {
    if (!config.has_fencing) return {};
    std::string text;
    if (config.separate_devices) {
        for (std::size_t i = 0; i < 2; ++i) {
            text += print_device(concat("power", i + 1), node_name(i));
        }
    } else {
        text = print_device("power", "pm01 pm02");
    }
    if (config.has_levels) text += print_device("pdu", "pm01 pm02");
    return text;
}

std::string print_levels(const WantedConfig& config) {
    if (!config.has_fencing || !config.has_levels) return {};
    std::string text = "<fencing-topology>";
    for (std::size_t i = 0; i < 2; ++i) {
        const std::string first = config.separate_devices ? concat("power", i + 1) : "power";
        text += concat("<fencing-level id=\"fl-", i, "-1\" target=\"", node_name(i),
                       "\" index=\"1\" devices=\"", first, "\"/><fencing-level id=\"fl-", i,
                       "-2\" target=\"", node_name(i), "\" index=\"2\" devices=\"pdu\"/>");
    }
    return text + "</fencing-topology>";
}

std::string print_resources(const WantedConfig& config) {
    std::string text = "<resources>";
    for (std::size_t i = 0; i < config.resources.size(); ++i) {
        const WantedResource& resource = config.resources[i];
        if (resource.group < 0) {
            text += print_primitive(resource);
            continue;
        }
        const bool is_first = i == 0 || config.resources[i - 1].group != resource.group;
        const bool is_last =
            i + 1 == config.resources.size() || config.resources[i + 1].group != resource.group;
        if (is_first) text += concat("<group id=\"group", resource.group, "\">");
        text += print_primitive(resource);
        if (is_last) text += "</group>";
    }
    return text + print_devices(config) + "</resources>";
}

std::string print_constraints(const WantedConfig& config) {
    std::string text = "<constraints>";
    for (const WantedResource& resource : config.resources) {
        if (resource.prefers < 0 || resource.group >= 0) continue;
        text += concat("<rsc_location id=\"loc-", resource.name, "\" rsc=\"", resource.name,
                       "\" node=\"", node_name(static_cast<std::size_t>(resource.prefers)),
                       "\" score=\"100\"/>");
    }
    return text + "</constraints>";
}

std::string print_nodes(const WantedConfig& config) {
    std::string text = "<nodes>";
    for (std::size_t i = 0; i < 2; ++i) {
        text += concat("<node id=\"", i + 1, "\" uname=\"", node_name(i), "\">");
        if (config.is_standby[i]) {
            text +=
                concat("<instance_attributes id=\"nodes-", i + 1, "\"><nvpair id=\"nodes-", i + 1,
                       "-standby\" name=\"standby\" value=\"on\"/>"
                       "</instance_attributes>");
        }
        text += "</node>";
    }
    return text + "</nodes>";
}

}  // namespace

std::string WantedConfig::print() const {
    const auto property = [](std::string_view id, std::string_view name, const std::string& value) {
        return concat("<nvpair id=\"", id, "\" name=\"", name, "\" value=\"", value, "\"/>");
    };
    std::string text =
        "<configuration><crm_config><cluster_property_set id=\"cib-bootstrap-options\">";
    text += property("cbo-marker", "cluster-name", concat('m', marker));
    text += property("cbo-fencing", "stonith-enabled", has_fencing ? "true" : "false");
    text += property("cbo-maintenance", "maintenance-mode", is_in_maintenance ? "true" : "false");
    text += "</cluster_property_set></crm_config>";
    text += print_nodes(*this);
    text += print_resources(*this);
    text += print_constraints(*this);
    text += print_levels(*this);
    if (stickiness > 0) {
        text += concat(
            "<rsc_defaults><meta_attributes id=\"rsc-options\"><nvpair "
            "id=\"rsc-options-stickiness\" name=\"resource-stickiness\" value=\"",
            stickiness, "\"/></meta_attributes></rsc_defaults>");
    }
    return text + "</configuration>";
}

const WantedResource* WantedConfig::find(const std::string& name) const {
    for (const WantedResource& resource : resources) {
        if (resource.name == name) return &resource;
    }
    return nullptr;
}

WantedConfig make_config(Prng& prng, std::size_t most, bool has_fencing) {
    WantedConfig config;
    config.has_fencing = has_fencing;
    config.separate_devices = chance(prng, 30);
    config.has_levels = chance(prng, 20);
    config.stickiness = chance(prng, 50) ? 200 : 0;
    const std::size_t count = 1 + prng.below(most);
    int group = -1;
    int groups = 0;
    for (std::size_t i = 0; i < count; ++i) {
        WantedResource resource;
        resource.name = concat('r', i);
        resource.monitor_s = chance(prng, 30) ? 2 : 10;
        if (chance(prng, 30)) resource.prefers = static_cast<int>(prng.below(2));
        if (chance(prng, 30)) resource.threshold = 1 + static_cast<int>(prng.below(3));
        // Groups have at least two members as far as there are resources left.
        if (group < 0 && i + 1 < count && chance(prng, 30)) {
            group = groups++;
            resource.group = group;
        } else if (group >= 0) {
            resource.group = group;
            if (chance(prng, 40)) group = -1;
        }
        config.resources.push_back(std::move(resource));
    }
    return config;
}

void require_leases(WantedConfig& config, Prng& prng) {
    const std::uint64_t percent = chance(prng, 50) ? 100 : 50;
    for (WantedResource& resource : config.resources) {
        resource.requires_lease = chance(prng, percent);
    }
}

void let_migrate(WantedConfig& config) {
    for (WantedResource& resource : config.resources) resource.migrates = resource.group < 0;
}

void move_one(WantedConfig& config, Prng& prng) {
    std::vector<WantedResource*> able;
    for (WantedResource& resource : config.resources) {
        if (resource.migrates) able.push_back(&resource);
    }
    if (able.empty()) return;
    WantedResource& moved = *able[prng.below(able.size())];
    moved.prefers = moved.prefers < 0 ? static_cast<int>(prng.below(2)) : 1 - moved.prefers;
    config.stickiness = 0;  // the wish would not outweigh it
}

void change_config(WantedConfig& config, Prng& prng) {
    WantedResource& resource = config.resources[prng.below(config.resources.size())];
    switch (prng.below(9)) {
        case 0:
            ++resource.parameter;
            return;
        case 1:
            resource.prefers = static_cast<int>(prng.below(3)) - 1;
            return;
        case 2:
            resource.is_stopped = !resource.is_stopped;
            return;
        case 3:
            resource.is_unmanaged = !resource.is_unmanaged;
            return;
        case 4:
            config.is_in_maintenance = !config.is_in_maintenance;
            return;
        case 5:
            config.is_standby[prng.below(2)] = chance(prng, 50);
            return;
        case 6:
            resource.threshold = static_cast<int>(prng.below(4));
            return;
        case 7:
            config.stickiness = config.stickiness > 0 ? 0 : 200;
            return;
        default:
            resource.monitor_s = chance(prng, 50) ? 2 : 10;
            return;
    }
}

void calm_config(WantedConfig& config) {
    config.is_in_maintenance = false;
    config.is_standby[0] = config.is_standby[1] = false;
    for (WantedResource& resource : config.resources) {
        resource.is_stopped = false;
        resource.is_unmanaged = false;
    }
}

}  // namespace xbeat::xsim
