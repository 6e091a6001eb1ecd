#include "cli/simulate_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.h"

namespace xbeat::cli {
namespace {

using schedule::Action;
using schedule::ActionKind;

constexpr std::string_view kUuid = "00000000-0000-0000-0000-000000000000";

std::string meta_of(const Action& action, std::string_view name) {
    for (const schedule::NameValue& pair : action.meta) {
        if (pair.name == name) return pair.value;
    }
    return {};
}

// Each action behind its inputs, again and again from the first to the last as a graph is executed.
std::vector<std::uint32_t> order_of_execution(const std::vector<Action>& actions) {
    std::vector<std::uint32_t> order;
    std::vector<bool> done(actions.size(), false);
    bool moved = true;
    while (moved) {
        moved = false;
        for (std::uint32_t at = 0; at < actions.size(); ++at) {
            const auto is_done = [&](std::uint32_t input) {
                return input >= actions.size() || done[input];
            };
            if (done[at] ||
                !std::all_of(actions[at].inputs.begin(), actions[at].inputs.end(), is_done)) {
                continue;
            }
            done[at] = true;
            order.push_back(at);
            moved = true;
        }
    }
    return order;
}

class Model {
public:
    Model(cib::Element& cib, EpochSeconds now) : cib_(cib), now_(now) {
        for_each_history([this](const cib::Element& history) {
            names_.insert(std::string(history.get("id")));
            for (const cib::Element& record : history.children) {
                last_call_ = std::max(last_call_, parse_integer(record.get("call-id")).value_or(0));
            }
        });
    }

    // The name under which an instance's history is kept: an anonymous one's carries a number only
    // where its history does already, or nothing is known of any of them.
    [[nodiscard]] std::string name_of(const Action& action) const {
        if (action.resource_long_id.empty() || names_.contains(action.resource_id)) {
            return action.resource_id;
        }
        return action.resource_long_id;
    }

    void record(const Action& action, const std::string& name, std::int64_t rc) {
        cib::Element* state = state_of(action);
        if (state == nullptr) return;
        cib::Element& history = history_of(*state, name);
        history.set("class", action.agent_class);
        if (!action.agent_provider.empty()) history.set("provider", action.agent_provider);
        history.set("type", action.agent_type);
        const std::string key = concat(name, '_', action.task, '_', action.interval_ms);
        const bool is_migration = action.task == "migrate_to" || action.task == "migrate_from";
        std::string id = concat(name, "_last_0");
        if (rc != action.target_rc) {
            id = concat(name, "_last_failure_0");
        } else if (action.interval_ms > 0 || is_migration) {
            id = key;
        }
        const auto matches = [&id](const cib::Element& each) { return each.get("id") == id; };
        std::erase_if(history.children, matches);
        const std::string transition = concat("1:0:", action.target_rc, ':', kUuid);
        cib::Element record;
        record.name = "lrm_rsc_op";
        record.set("id", id);
        record.set("operation", action.task);
        record.set("operation_key", key);
        record.set("call-id", concat(++last_call_));
        record.set("rc-code", concat(rc));
        record.set("op-status", rc == action.target_rc ? "0" : "4");
        record.set("interval", concat(action.interval_ms));
        record.set("transition-key", transition);
        record.set("transition-magic",
                   concat(rc == action.target_rc ? "0:" : "4:", rc, ';', transition));
        record.set("last-rc-change", concat(now_.value));
        if (is_migration) {
            record.set("migrate_source", meta_of(action, "CRM_meta_migrate_source"));
            record.set("migrate_target", meta_of(action, "CRM_meta_migrate_target"));
        }
        history.children.push_back(std::move(record));
        if (rc == 0 && action.task == "stop" && action.agent_type == "remote") {
            take_down(name);
        }
    }

    void forget(const Action& action, const std::string& name) {
        cib::Element* state = state_of(action);
        if (state == nullptr) return;
        cib::Element& list = state->child_or_new("lrm").child_or_new("lrm_resources");
        std::erase_if(list.children,
                      [&name](const cib::Element& each) { return each.get("id") == name; });
    }

    void cancel(const Action& action, const std::string& name) {
        cib::Element* state = state_of(action);
        if (state == nullptr) return;
        const std::string id = concat(name, '_', meta_of(action, "CRM_meta_operation"), '_',
                                      meta_of(action, "CRM_meta_interval"));
        std::erase_if(history_of(*state, name).children,
                      [&id](const cib::Element& each) { return each.get("id") == id; });
    }

    void note_maintenance(const Action& action) {
        for (const schedule::NameValue& node : action.maintenance) {
            for (cib::Element& state : cib_.child_or_new("status").children) {
                if (state.get("id") == node.name) state.set("node_in_maintenance", node.value);
            }
        }
    }

    void clear_fail_count(const Action& action, const std::string& name) {
        cib::Element* state = state_of(action);
        if (state == nullptr) return;
        const std::string count = concat("fail-count-", name);
        const std::string last = concat("last-failure-", name);
        const auto is_its = [&](const cib::Element& pair) {
            const std::string_view key = pair.get("name");
            const auto fits = [key](const std::string& prefix) {
                return key == prefix || (key.starts_with(prefix) && key[prefix.size()] == '#');
            };
            return fits(count) || fits(last);
        };
        for (cib::Element& attributes : state->children) {
            if (attributes.name != "transient_attributes") continue;
            for (cib::Element& set : attributes.children) std::erase_if(set.children, is_its);
        }
        const std::string failure = concat(name, "_last_failure_0");
        std::erase_if(history_of(*state, name).children,
                      [&failure](const cib::Element& each) { return each.get("id") == failure; });
    }

    // A node that was never seen has no state yet; once fenced, it is known to be down.
    void make_known(const Action& action) { static_cast<void>(state_of(action)); }

    void take_down(const std::string& id) {
        for (cib::Element& state : cib_.child_or_new("status").children) {
            if (state.get("id") != id && state.get("uname") != id) continue;
            std::erase_if(state.children, [](const cib::Element& each) {
                return each.name == "lrm" || each.name == "transient_attributes";
            });
            if (state.get("remote_node") == "true" || state.get("remote_node") == "1") return;
            state.set("in_ccm", "false");
            state.set("crmd", "offline");
            state.set("join", "down");
            state.set("expected", "down");
            return;
        }
    }

    void switch_on(const Action& action) {
        cib::Element* state = state_of(action);
        if (state == nullptr) return;
        set_transient_attribute(*state, "#node-unfenced", concat(now_.value));
        for (const std::string_view kind : {"all", "secure"}) {
            const std::string digests = meta_of(action, concat("CRM_meta_digests_", kind));
            if (!digests.empty()) {
                set_transient_attribute(*state, concat("#digests-", kind), digests);
            }
        }
    }

private:
    template <class Visit>
    void for_each_history(Visit visit) const {
        const cib::Element* status = cib_.child("status");
        if (status == nullptr) return;
        for (const cib::Element& state : status->children) {
            const cib::Element* list = cib::histories_of(state);
            if (list == nullptr) continue;
            for (const cib::Element& history : list->children) visit(history);
        }
    }

    // The node's state; a remote or guest node that was never seen gets one.
    cib::Element* state_of(const Action& action) {
        if (action.node.empty()) return nullptr;
        cib::Element& status = cib_.child_or_new("status");
        for (cib::Element& state : status.children) {
            if (state.name != "node_state") continue;
            if (state.get("uname") == action.node || state.get("id") == action.node_id) {
                return &state;
            }
        }
        cib::Element state;
        state.name = "node_state";
        state.set("id", action.node_id);
        state.set("uname", action.node);
        if (!action.router_node.empty()) state.set("remote_node", "true");
        status.children.push_back(std::move(state));
        return &status.children.back();
    }

    cib::Element& cib_;
    EpochSeconds now_;
    std::int64_t last_call_ = 0;
    std::set<std::string> names_;
};

std::string cluster_line(const Action& action) {
    const std::string how = meta_of(action, "CRM_meta_stonith_action");
    if (action.task == "stonith") return fmt::format("Fencing {} ({})", action.node, how);
    const std::string whose =
        action.resource_id.empty() ? std::string() : fmt::format(" for {}", action.resource_id);
    return fmt::format("Cluster action:  {}{} on {}", action.task, whose, action.node);
}

std::string resource_line(const Action& action, const std::string& name) {
    std::string task = action.task;
    std::int64_t interval = action.interval_ms;
    if (task == "cancel") {
        interval = parse_integer(meta_of(action, "CRM_meta_interval")).value_or(interval);
    }
    if (interval > 0) task = fmt::format("{}={}", task, interval);
    return fmt::format("Resource action: {:<15} {} on {}", name, task, action.node);
}

const Failure* failure_of(const Action& action, const std::string& name,
                          const std::vector<Failure>& failures) {
    for (const Failure& failure : failures) {
        const bool is_named = failure.resource == name || failure.resource == action.resource_id ||
                              failure.resource == action.resource_long_id;
        if (is_named && failure.operation == action.task && failure.node == action.node &&
            failure.interval_ms == action.interval_ms) {
            return &failure;
        }
    }
    return nullptr;
}

// Nothing of it stays in the history.
bool is_forgotten(const Action& action) {
    return action.task == "notify" || action.task == "meta-data" || action.is_no_op;
}

}  // namespace

ModelRun carry_out(cib::Element& cib, const schedule::Plan& plan, EpochSeconds now,
                   const std::vector<Failure>& failures, bool nodes_leave) {
    ModelRun out;
    Model model(cib, now);
    for (const std::uint32_t at : order_of_execution(plan.actions)) {
        const Action& action = plan.actions[at];
        if (action.kind == ActionKind::Pseudo) {
            out.lines.push_back("Pseudo action:   " + action.key);
            model.note_maintenance(action);
            continue;
        }
        const std::string name = model.name_of(action);
        if (action.kind == ActionKind::Cluster) {
            out.lines.push_back(cluster_line(action));
            if (action.task == "stonith") {
                if (meta_of(action, "CRM_meta_stonith_action") == "on") {
                    model.switch_on(action);
                } else {
                    model.make_known(action);
                    model.take_down(action.node);
                }
            } else if (action.task == "do_shutdown" && nodes_leave) {
                model.take_down(action.node);
            } else if (action.task == "clear_failcount" && nodes_leave) {
                model.clear_fail_count(action, name);
            }
            continue;
        }
        out.lines.push_back(resource_line(action, name));
        if (action.task == "delete") {
            model.forget(action, name);
        } else if (action.task == "cancel") {
            model.cancel(action, name);
        } else if (!is_forgotten(action)) {
            const Failure* failure = failure_of(action, name, failures);
            const std::int64_t rc = failure == nullptr ? action.target_rc : failure->rc;
            model.record(action, name, rc);
            if (failure == nullptr) continue;
            raise_fail_count(cib, *failure, now);
            out.has_failed = true;
            return out;
        }
    }
    return out;
}

}  // namespace xbeat::cli
