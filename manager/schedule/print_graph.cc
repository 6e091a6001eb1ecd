// A plan as a transition_graph document.
#include "cib/xml.h"
#include "core/text.h"
#include "schedule/plan.h"

namespace xbeat::schedule {
namespace {

void attribute(std::string& out, std::string_view name, std::string_view value) {
    out += concat(' ', name, "=\"");
    cib::append_escaped(out, value);
    out.push_back('"');
}

void attribute_if(std::string& out, std::string_view name, std::string_view value) {
    if (!value.empty()) attribute(out, name, value);
}

std::string_view element_of(const Action& action) {
    switch (action.kind) {
        case ActionKind::Resource:
            return "rsc_op";
        case ActionKind::Pseudo:
            return "pseudo_event";
        case ActionKind::Cluster:
            return "crm_event";
    }
    return "pseudo_event";
}

void head(std::string& out, const Action& action, std::size_t number) {
    out += concat('<', element_of(action));
    attribute(out, "id", concat(number));
    attribute(out, "operation", action.task);
    attribute(out, "operation_key", action.key);
    attribute_if(out, "internal_operation_key", action.internal_key);
    attribute_if(out, "mode", action.mode);
    attribute_if(out, "on_node", action.node);
    attribute_if(out, "on_node_uuid", action.node_id);
    attribute_if(out, "router_node", action.router_node);
    attribute_if(out, "shutdown-lock", action.shutdown_lock);
}

void body(std::string& out, const Action& action) {
    constexpr std::string_view kIndent = "        ";
    if (!action.resource_id.empty()) {
        out += concat(kIndent, "<primitive");
        attribute(out, "id", action.resource_id);
        attribute_if(out, "long-id", action.resource_long_id);
        attribute_if(out, "class", action.agent_class);
        attribute_if(out, "provider", action.agent_provider);
        attribute_if(out, "type", action.agent_type);
        out += "/>\n";
    }
    out += concat(kIndent, "<attributes");
    for (const NameValue& pair : action.meta) attribute(out, pair.name, pair.value);
    // Names that cannot be XML attributes are carried by elements.
    std::string params;
    for (const NameValue& pair : action.parameters) {
        const bool is_name = !pair.name.empty() &&
                             pair.name.find_first_not_of(
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_-.") == std::string::npos &&
                             (pair.name.front() < '0' || pair.name.front() > '9');
        if (is_name) {
            attribute(out, pair.name, pair.value);
        } else {
            params += concat(kIndent, "  <param");
            attribute(params, "name", pair.name);
            attribute(params, "value", pair.value);
            params += "/>\n";
        }
    }
    if (params.empty()) {
        out += "/>\n";
    } else {
        out += concat(">\n", params, kIndent, "</attributes>\n");
    }
    if (!action.maintenance.empty()) {
        out += concat(kIndent, "<maintenance>\n");
        for (const NameValue& node : action.maintenance) {
            out += concat(kIndent, "  <node");
            attribute(out, "id", node.name);
            attribute(out, "node_in_maintenance", node.value);
            out += "/>\n";
        }
        out += concat(kIndent, "</maintenance>\n");
    }
    if (action.downed.empty()) return;
    out += concat(kIndent, "<downed>\n");
    for (const std::string& id : action.downed) {
        out += concat(kIndent, "  <node");
        attribute(out, "id", id);
        out += "/>\n";
    }
    out += concat(kIndent, "</downed>\n");
}

}  // namespace

std::string print_graph(const Plan& plan) {
    std::string out = "<transition_graph";
    attribute(out, "cluster-delay", plan.cluster_delay);
    attribute(out, "fencing-timeout", plan.fencing_timeout);
    attribute(out, "failed-stop-offset", plan.failed_stop_offset);
    attribute(out, "failed-start-offset", plan.failed_start_offset);
    attribute_if(out, "batch-limit", plan.batch_limit);
    attribute(out, "transition_id", "1");
    if (plan.recheck_by) attribute(out, "recheck-by", concat(plan.recheck_by->value));
    if (plan.actions.empty()) return out + "/>\n";
    out += ">\n";
    for (std::size_t at = 0; at < plan.actions.size(); ++at) {
        const Action& action = plan.actions[at];
        out += concat("  <synapse id=\"", at, '"');
        if (action.priority > 0) attribute(out, "priority", concat(action.priority));
        out += ">\n    <action_set>\n      ";
        head(out, action, at + 1);
        out += ">\n";
        body(out, action);
        out += concat("      </", element_of(action), ">\n    </action_set>\n");
        if (action.inputs.empty()) {
            out += "    <inputs/>\n";
        } else {
            out += "    <inputs>\n";
            for (const std::uint32_t input : action.inputs) {
                out += "      <trigger>\n        ";
                head(out, plan.actions[input], input + std::size_t{1});
                out += "/>\n      </trigger>\n";
            }
            out += "    </inputs>\n";
        }
        out += "  </synapse>\n";
    }
    out += "</transition_graph>\n";
    return out;
}

}  // namespace xbeat::schedule
