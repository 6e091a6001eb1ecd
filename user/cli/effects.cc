#include "cli/effects.h"

#include <algorithm>

#include "cib/edit.h"
#include "cli/what_if.h"
#include "core/check.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using cib::Element;

std::string text_of(const Request& request, std::string_view name) {
    for (const auto& [key, value] : request.members) {
        if (key == name && std::holds_alternative<std::string>(value))
            return std::get<std::string>(value);
    }
    return {};
}

bool has_flag(const Request& request, std::string_view name) {
    return std::any_of(request.members.begin(), request.members.end(), [&](const auto& member) {
        const bool* value = std::get_if<bool>(&member.second);
        return member.first == name && value != nullptr && *value;
    });
}

bool has(const Request& request, std::string_view name) {
    return std::any_of(request.members.begin(), request.members.end(),
                       [&](const auto& member) { return member.first == name; });
}

void forget_transient(Element& state, std::string_view name) {
    Element* owner = state.child("transient_attributes");
    Element* set = owner == nullptr ? nullptr : owner->child("instance_attributes");
    if (set == nullptr) return;
    std::erase_if(set->children, [&](const Element& pair) { return pair.get("name") == name; });
}

Result<void> set_attribute(Element& cib, const Request& request) {
    const std::string node = text_of(request, "node");
    const std::string name = text_of(request, "name");
    const bool removes = has_flag(request, "remove");
    if (has_flag(request, "private") || has(request, "dampen_ms")) return {};
    if (has_flag(request, "permanent")) {
        Element& configuration = cib.child_or_new("configuration");
        if (!removes)
            return cib::set_node_value(configuration, node, cib::SetKind::Parameter, name,
                                       text_of(request, "value"));
        return cib::unset_node_value(configuration, node, cib::SetKind::Parameter, name);
    }
    Element* state = XB_TRY(node_state(cib, node));
    if (removes) {
        forget_transient(*state, name);
    } else {
        set_transient_attribute(*state, name, text_of(request, "value"));
    }
    return {};
}

Result<void> set_ticket(Element& cib, const Request& request) {
    const std::string id = text_of(request, "ticket");
    Element& tickets = cib.child_or_new("status").child_or_new("tickets");
    auto found = std::find_if(tickets.children.begin(), tickets.children.end(),
                              [&](const Element& one) { return one.get("id") == id; });
    const std::string name = text_of(request, "name");
    if (has_flag(request, "remove")) {
        if (found == tickets.children.end()) {
            return Error{.code = Code::NotFound,
                         .context = concat("there is no ticket '", id, "'")};
        }
        if (name.empty()) {
            tickets.children.erase(found);
        } else {
            found->unset(name);
        }
        return {};
    }
    if (found == tickets.children.end()) {
        Element state;
        state.name = "ticket_state";
        state.set("id", id);
        tickets.children.push_back(std::move(state));
        found = tickets.children.end() - 1;
    }
    found->set(name, text_of(request, "value"));
    return {};
}

// A group or a clone stands for the primitives in it; bounded by the depth of the tree.
void collect_primitives(const Element& element, std::vector<std::string>& ids) {
    if (element.name == "primitive") ids.emplace_back(element.get("id"));
    for (const Element& child : element.children) collect_primitives(child, ids);
}

bool is_failed(const Element& history) {
    return std::any_of(history.children.begin(), history.children.end(), [](const Element& record) {
        const std::string_view rc = record.get("rc-code");
        return record.get("id").ends_with("_last_failure_0") ||
               (rc != "0" && rc != "7" && rc != "8");
    });
}

// "web" and its instances "web:0"; fail counts are called "fail-count-web#monitor_10000".
bool belongs_to(std::string_view name, const std::vector<std::string>& resources) {
    return resources.empty() ||
           std::any_of(resources.begin(), resources.end(), [&](const std::string& resource) {
               return name == resource || name.starts_with(resource + ":") ||
                      name.starts_with(resource + "#");
           });
}

void clean_node(Element& state, const std::vector<std::string>& resources, bool failed_only) {
    if (Element* lrm = state.child("lrm")) {
        std::erase_if(lrm->child_or_new("lrm_resources").children, [&](const Element& history) {
            return belongs_to(history.get("id"), resources) && (!failed_only || is_failed(history));
        });
    }
    Element* owner = state.child("transient_attributes");
    Element* set = owner == nullptr ? nullptr : owner->child("instance_attributes");
    if (set == nullptr) return;
    std::erase_if(set->children, [&](const Element& pair) {
        std::string_view name = pair.get("name");
        for (const std::string_view prefix : {"fail-count-", "last-failure-"}) {
            if (name.starts_with(prefix)) return belongs_to(name.substr(prefix.size()), resources);
        }
        return false;
    });
}

Result<void> clean(Element& cib, const Request& request) {
    const std::string resource = text_of(request, "resource");
    std::vector<std::string> resources;
    if (!resource.empty()) {
        const Element* configured = cib.child_or_new("configuration").child("resources");
        const Element* found = configured == nullptr ? nullptr : configured->find_id(resource);
        if (found == nullptr) {
            return Error{.code = Code::NotFound,
                         .context = concat("there is no resource '", resource, "'")};
        }
        collect_primitives(*found, resources);
    }
    const std::string node = text_of(request, "node");
    const bool failed_only = has_flag(request, "failed_only");
    if (!node.empty()) {
        clean_node(*XB_TRY(node_state(cib, node)), resources, failed_only);
        return {};
    }
    for (Element& state : cib.child_or_new("status").children) {
        if (state.name == "node_state") clean_node(state, resources, failed_only);
    }
    return {};
}

// The one monitor that a failure is pretended of is one that nobody configured, as in
// `crm_resource --fail`.
Result<void> fail_resource(Element& cib, const Request& request, EpochSeconds now) {
    const std::string resource = text_of(request, "resource");
    const std::string node = text_of(request, "node");
    Element* state = XB_TRY(node_state(cib, node));
    const Element* lrm = state->child("lrm");
    if (lrm == nullptr || lrm->find_id(resource) == nullptr) {
        return Error{.code = Code::NotFound,
                     .context = concat("'", resource, "' has no history on ", node)};
    }
    const WhatIf failure{.failures = {concat(resource, ":asyncmon@", node, "=1")}};
    return apply_what_if(cib, failure, now);
}

Result<void> fence(Element& cib, const Request& request, EpochSeconds now) {
    const std::string node = text_of(request, "node");
    // Powering on changes nothing that is planned; what comes up then joins by itself.
    if (text_of(request, "action") == "on") {
        XB_TRY(node_state(cib, node));
        return {};
    }
    return apply_what_if(cib, WhatIf{.nodes_failed = {node}}, now);
}

}  // namespace

Result<void> apply_request(Element& cib, const Request& request, EpochSeconds now) {
    if (request.op == "set_attribute") return set_attribute(cib, request);
    if (request.op == "set_ticket") return set_ticket(cib, request);
    if (request.op == "cleanup") return clean(cib, request);
    if (request.op == "fail") return fail_resource(cib, request, now);
    if (request.op == "fence") return fence(cib, request, now);
    if (request.op == "confirm")
        return apply_what_if(cib, WhatIf{.nodes_down = {text_of(request, "node")}}, now);
    if (request.op == "forget_fences") return {};  // nothing is planned from it
    XB_CHECK(request.op == "leave");
    Element* state = XB_TRY(node_state(cib, text_of(request, "node")));
    set_transient_attribute(*state, "shutdown", concat(now.value));
    return {};
}

}  // namespace xbeat::cli
