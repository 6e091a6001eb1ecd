#include "cli/what_if.h"

#include <algorithm>

#include "core/text.h"
#include "rules/calendar.h"

namespace xbeat::cli {
Result<cib::Element*> node_state(cib::Element& cib, const std::string& name) {
    const cib::Element* configuration = cib.child("configuration");
    const cib::Element* nodes = configuration == nullptr ? nullptr : configuration->child("nodes");
    std::string id;
    if (nodes != nullptr) {
        for (const cib::Element& node : nodes->children) {
            if (node.name != "node") continue;
            if (node.get("uname") == name || node.get("id") == name) id = node.get("id");
        }
    }
    if (id.empty()) {
        return Error{.code = Code::NotFound, .context = concat("there is no node ", name)};
    }
    cib::Element& status = cib.child_or_new("status");
    for (cib::Element& state : status.children) {
        if (state.name == "node_state" && state.get("id") == id) return &state;
    }
    cib::Element state;
    state.name = "node_state";
    state.set("id", id);
    state.set("uname", name);
    status.children.push_back(std::move(state));
    return &status.children.back();
}

namespace {

// The call number of an invented record: later than any real one.
constexpr std::string_view kLastCall = "1000000000";
constexpr std::string_view kUuid = "00000000-0000-0000-0000-000000000000";

Result<void> set_node(cib::Element& cib, const std::string& name, bool up) {
    cib::Element* state = XB_TRY(node_state(cib, name));
    state->set("in_ccm", up ? "true" : "false");
    state->set("crmd", up ? "online" : "offline");
    state->set("join", up ? "member" : "down");
    state->set("expected", up ? "member" : "down");
    if (up) return {};
    // What went down in good order runs nothing any more.
    std::erase_if(state->children, [](const cib::Element& each) {
        return each.name == "lrm" || each.name == "transient_attributes";
    });
    return {};
}

// Lost without a word: what runs there is not known until it is fenced.
Result<void> lose_node(cib::Element& cib, const std::string& name) {
    cib::Element* state = XB_TRY(node_state(cib, name));
    state->set("in_ccm", "false");
    state->set("crmd", "offline");
    state->set("join", "down");
    state->set("expected", "member");
    return {};
}

Result<void> add_failure(cib::Element& cib, const std::string& text, EpochSeconds now) {
    const Failure failure = XB_TRY(parse_failure("--fail", text));
    cib::Element* state = XB_TRY(node_state(cib, failure.node));
    cib::Element& history = history_of(*state, failure.resource);
    const std::string id = concat(failure.resource, "_last_failure_0");
    std::erase_if(history.children,
                  [&id](const cib::Element& record) { return record.get("id") == id; });
    cib::Element record;
    record.name = "lrm_rsc_op";
    record.set("id", id);
    record.set("operation", failure.operation);
    record.set("operation_key",
               concat(failure.resource, '_', failure.operation, '_', failure.interval_ms));
    record.set("call-id", kLastCall);
    record.set("rc-code", concat(failure.rc));
    record.set("op-status", "0");
    record.set("interval", concat(failure.interval_ms));
    record.set("transition-key", concat("1:0:0:", kUuid));
    record.set("transition-magic", concat("0:", failure.rc, ";1:0:0:", kUuid));
    record.set("last-rc-change", concat(now.value));
    history.children.push_back(std::move(record));
    raise_fail_count(cib, failure, now);
    return {};
}

void set_ticket(cib::Element& cib, const std::string& id, std::string_view what, bool value) {
    cib::Element& tickets = cib.child_or_new("status").child_or_new("tickets");
    for (cib::Element& ticket : tickets.children) {
        if (ticket.get("id") != id) continue;
        ticket.set(what, value ? "true" : "false");
        return;
    }
    cib::Element ticket;
    ticket.name = "ticket_state";
    ticket.set("id", id);
    if (what != "granted") ticket.set("granted", "false");
    ticket.set(what, value ? "true" : "false");
    tickets.children.push_back(std::move(ticket));
}

}  // namespace

Result<Failure> parse_failure(std::string_view option, const std::string& text) {
    const Error wrong{.code = Code::Invalid,
                      .context = concat(option, ' ', text,
                                        ": write RESOURCE:OPERATION[:INTERVAL]@NODE=RC, such as ",
                                        "web:monitor:10s@pm01=7")};
    const std::size_t at = text.find('@');
    const std::size_t equals = text.rfind('=');
    if (at == std::string::npos || equals == std::string::npos || equals < at) return wrong;
    Failure out;
    out.node = text.substr(at + 1, equals - at - 1);
    const auto rc = parse_integer(std::string_view(text).substr(equals + 1));
    if (!rc || *rc < 0 || *rc > 255) return wrong;
    out.rc = *rc;
    std::string_view what = std::string_view(text).substr(0, at);
    std::string_view last = what.substr(what.rfind(':') + 1);
    // An instance's number is part of its name: RESOURCE:NUMBER:OPERATION.
    const auto interval = rules::parse_interval_ms(last);
    const bool has_interval = interval.has_value() && !last.empty() && last[0] >= '0' &&
                              last[0] <= '9' && what.find(':') != what.rfind(':');
    if (has_interval) {
        out.interval_ms = *interval;
        what.remove_suffix(last.size() + 1);
        last = what.substr(what.rfind(':') + 1);
    }
    if (what.find(':') == std::string_view::npos) return wrong;
    out.operation = last;
    what.remove_suffix(last.size() + 1);
    out.resource = what;
    if (out.resource.empty() || out.operation.empty() || out.node.empty()) return wrong;
    return out;
}

cib::Element& history_of(cib::Element& state, std::string_view resource) {
    cib::Element& list = state.child_or_new("lrm").child_or_new("lrm_resources");
    for (cib::Element& each : list.children) {
        if (each.name == "lrm_resource" && each.get("id") == resource) return each;
    }
    cib::Element history;
    history.name = "lrm_resource";
    history.set("id", resource);
    list.children.push_back(std::move(history));
    return list.children.back();
}

void set_transient_attribute(cib::Element& state, const std::string& name,
                             const std::string& value) {
    cib::Element& set =
        state.child_or_new("transient_attributes").child_or_new("instance_attributes");
    if (!set.has("id")) set.set("id", concat("status-", state.get("id")));
    for (cib::Element& pair : set.children) {
        if (pair.get("name") != name) continue;
        pair.set("value", value);
        return;
    }
    cib::Element pair;
    pair.name = "nvpair";
    pair.set("id", concat(set.get("id"), '-', name));
    pair.set("name", name);
    pair.set("value", value);
    set.children.push_back(std::move(pair));
}

void raise_fail_count(cib::Element& cib, const Failure& failure, EpochSeconds now) {
    const Result<cib::Element*> found = node_state(cib, failure.node);
    if (!found) return;  // nobody counts there
    cib::Element& state = **found;
    const std::string tail =
        concat(failure.resource, '#', failure.operation, '_', failure.interval_ms);
    std::int64_t count = 1;
    const cib::Element& set =
        state.child_or_new("transient_attributes").child_or_new("instance_attributes");
    for (const cib::Element& pair : set.children) {
        if (pair.get("name") == concat("fail-count-", tail)) {
            count = parse_integer(pair.get("value")).value_or(0) + 1;
        }
    }
    const bool fatal = failure.operation == "start" || failure.operation == "stop";
    set_transient_attribute(state, concat("fail-count-", tail), fatal ? "INFINITY" : concat(count));
    set_transient_attribute(state, concat("last-failure-", tail), concat(now.value));
}

Result<void> apply_what_if(cib::Element& cib, const WhatIf& what_if, EpochSeconds now) {
    for (const std::string& node : what_if.nodes_down) XB_TRY(set_node(cib, node, false));
    for (const std::string& node : what_if.nodes_up) XB_TRY(set_node(cib, node, true));
    for (const std::string& node : what_if.nodes_failed) XB_TRY(lose_node(cib, node));
    for (const std::string& failure : what_if.failures) XB_TRY(add_failure(cib, failure, now));
    for (const std::string& id : what_if.tickets_granted) set_ticket(cib, id, "granted", true);
    for (const std::string& id : what_if.tickets_revoked) set_ticket(cib, id, "granted", false);
    for (const std::string& id : what_if.tickets_standby) set_ticket(cib, id, "standby", true);
    for (const std::string& id : what_if.tickets_active) set_ticket(cib, id, "standby", false);
    if (!what_if.quorum.empty()) cib.set("have-quorum", what_if.quorum == "yes" ? "1" : "0");
    return {};
}

}  // namespace xbeat::cli
