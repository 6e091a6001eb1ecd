#include "execute/alert.h"

#include <map>

#include "cib/duration.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::execute {
namespace {

using cib::Element;
using Values = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kTimestampFormat = "%H:%M:%S.%06N";
constexpr Duration kTimeout = std::chrono::seconds(30);
constexpr std::string_view kVersion = "2.1.5";  // of the interface

std::string_view kind_name(AlertKind kind) {
    switch (kind) {
        case AlertKind::Node:
            return "node";
        case AlertKind::Fencing:
            return "fencing";
        case AlertKind::Resource:
            return "resource";
        case AlertKind::Attribute:
            return "attribute";
    }
    return "";
}

void read_values(const Element& parent, std::string_view set_name, Values& values) {
    for (const Element& set : parent.children) {
        if (set.name != set_name) continue;
        for (const Element& pair : set.children) {
            if (pair.name != "nvpair") continue;
            values[std::string(pair.get("name"))] = pair.get("value");
        }
    }
}

// Without a selection everything but attributes is told; with one only what it names.
bool is_selected(const Element& alert, const AlertEvent& event) {
    const Element* select = alert.child("select");
    if (select == nullptr) return event.kind != AlertKind::Attribute;
    switch (event.kind) {
        case AlertKind::Node:
            return select->child("select_nodes") != nullptr;
        case AlertKind::Fencing:
            return select->child("select_fencing") != nullptr;
        case AlertKind::Resource:
            return select->child("select_resources") != nullptr;
        case AlertKind::Attribute:
            break;
    }
    const Element* attributes = select->child("select_attributes");
    if (attributes == nullptr) return false;
    bool names_any = false;
    for (const Element& attribute : attributes->children) {
        if (attribute.name != "attribute") continue;
        names_any = true;
        if (attribute.get("name") == event.attribute) return true;
    }
    return !names_any;
}

RunAgent make_run(const Element& alert, const Element* recipient, const Values& meta,
                  const Values& parameters, const AlertEvent& event, std::uint64_t sequence) {
    const auto find = [&meta](std::string_view name) -> std::string_view {
        const auto found = meta.find(name);
        return found == meta.end() ? std::string_view() : std::string_view(found->second);
    };
    RunAgent run;
    run.agent_class = kAlertClass;
    run.type = alert.get("path");
    run.resource = alert.get("id");
    run.action = find("timestamp-format").empty() ? kTimestampFormat : find("timestamp-format");
    run.timeout = cib::parse_duration(find("timeout")).value_or(kTimeout);
    const auto add = [&run](std::string_view name, std::string value) {
        run.parameters.emplace_back(concat("CRM_alert_", name), std::move(value));
    };
    add("kind", std::string(kind_name(event.kind)));
    add("version", std::string(kVersion));
    add("node_sequence", concat(sequence));
    if (recipient != nullptr) add("recipient", std::string(recipient->get("value")));
    add("node", event.node);
    if (!event.node_id.empty()) add("nodeid", event.node_id);
    add("desc", event.description);
    for (const auto& [name, value] : event.variables) add(name, value);
    for (const auto& [name, value] : parameters) run.parameters.emplace_back(name, value);
    return run;
}

const Element* alerts_of(const Element& cib) {
    const Element* configuration = cib.child("configuration");
    return configuration == nullptr ? nullptr : configuration->child("alerts");
}

}  // namespace

bool has_alerts(const cib::Element& cib) {
    const Element* alerts = alerts_of(cib);
    return alerts != nullptr && alerts->child("alert") != nullptr;
}

std::vector<RunAgent> alert_runs(const cib::Element& cib, const AlertEvent& event,
                                 std::uint64_t sequence) {
    std::vector<RunAgent> runs;
    const Element* alerts = alerts_of(cib);
    if (alerts == nullptr) return runs;
    for (const Element& alert : alerts->children) {
        if (alert.name != "alert" || !is_selected(alert, event)) continue;
        Values meta;
        Values parameters;
        read_values(alert, "meta_attributes", meta);
        read_values(alert, "instance_attributes", parameters);
        const auto consider = [&](const Element* recipient) {
            Values own_meta = meta;
            Values own = parameters;
            if (recipient != nullptr) {
                read_values(*recipient, "meta_attributes", own_meta);
                read_values(*recipient, "instance_attributes", own);
            }
            const auto enabled = own_meta.find("enabled");
            const bool is_off =
                enabled != own_meta.end() && !parse_boolean(enabled->second).value_or(true);
            if (is_off || runs.size() >= kAlertsMax) return;
            runs.push_back(make_run(alert, recipient, own_meta, own, event, sequence));
        };
        bool has_recipient = false;
        for (const Element& child : alert.children) {
            if (child.name != "recipient") continue;
            has_recipient = true;
            consider(&child);
        }
        if (!has_recipient) consider(nullptr);
    }
    return runs;
}

}  // namespace xbeat::execute
