#include "replicate/apply.h"

#include <algorithm>
#include <variant>

#include "cib/upgrade.h"
#include "core/limits.h"
#include "core/text.h"
#include "replicate/dates.h"

namespace xbeat::replicate {
namespace {

using cib::Element;

Element make(std::string_view name) {
    Element element;
    element.name = name;
    return element;
}

Element* find_child(Element& parent, std::string_view name, std::string_view attribute,
                    std::string_view value) {
    for (Element& child : parent.children) {
        if (child.name == name && child.get(attribute) == value) return &child;
    }
    return nullptr;
}

const Element* find_child(const Element& parent, std::string_view name, std::string_view attribute,
                          std::string_view value) {
    for (const Element& child : parent.children) {
        if (child.name == name && child.get(attribute) == value) return &child;
    }
    return nullptr;
}

Element& child_with_id(Element& parent, std::string_view name, std::string_view id) {
    if (Element* found = find_child(parent, name, "id", id)) return *found;
    Element child = make(name);
    child.set("id", id);
    parent.children.push_back(std::move(child));
    return parent.children.back();
}

void count_update(Element& cib) {
    const std::int64_t updates = parse_integer(cib.get("num_updates")).value_or(0);
    cib.set("num_updates", concat(updates + 1));
}

Element& node_state_or_new(Element& cib, std::string_view id) {
    return child_with_id(cib.child_or_new("status"), "node_state", id);
}

bool is_same_history(const Element& entry, const wire::SetHistory& record) {
    if (entry.attributes.size() != record.attributes.size()) return false;
    return std::equal(entry.attributes.begin(), entry.attributes.end(), record.attributes.begin(),
                      [](const cib::Attribute& a, const auto& b) {
                          return a.name == b.first && a.value == b.second;
                      });
}

// One overload a kind of record. Each returns whether the CIB changed.
struct Applier {
    State& state;
    LogIndex index;

    bool operator()(const wire::ProposeConfiguration& wanted) {
        state.proposal = {.index = index, .wanted = wanted};
        return false;
    }

    bool operator()(const wire::CommitConfiguration& commit) {
        if (!state.proposal || state.proposal->index != commit.proposal) return false;
        const wire::ProposeConfiguration wanted = std::move(state.proposal->wanted);
        state.proposal.reset();
        Result<Element> configuration = cib::parse_xml(wanted.configuration);
        if (!configuration) return false;  // it was parsed before it was proposed
        Element& cib = state.cib;
        cib.child_or_new("configuration") = std::move(*configuration);
        if (!wanted.validate_with.empty()) cib.set("validate-with", wanted.validate_with);
        cib.set("crm_feature_set", cib::kFeatureSet);
        cib.set("admin_epoch", concat(wanted.admin_epoch));
        cib.set("epoch", concat(wanted.epoch));
        cib.set("num_updates", "0");
        cib.set("cib-last-written", calendar_text(wanted.when));
        cib.set("update-origin", wanted.origin);
        cib.set("update-client", "xbeat");
        cib.set("update-user", wanted.user);
        return false;  // the version is set already
    }

    bool operator()(const wire::AbortConfiguration& abort) {
        if (state.proposal && state.proposal->index == abort.proposal) state.proposal.reset();
        return false;
    }

    bool operator()(const wire::EnsureNode& node) {
        Element& nodes = state.cib.child_or_new("configuration").child_or_new("nodes");
        if (find_child(nodes, "node", "uname", node.name) != nullptr) return false;
        if (find_child(nodes, "node", "id", node.id) != nullptr) return false;
        child_with_id(nodes, "node", node.id).set("uname", node.name);
        const std::int64_t epoch = parse_integer(state.cib.get("epoch")).value_or(0);
        state.cib.set("epoch", concat(epoch + 1));
        state.cib.set("num_updates", "0");
        // The author of the version before has nothing to do with it. When it was made stands in
        // no record: both copies have to say the same.
        state.cib.set("update-user", "xbeat");
        state.cib.set("update-origin", node.name);
        state.cib.unset("cib-last-written");
        return false;
    }

    bool operator()(const wire::SetNodeState& wanted) {
        Element& cib = state.cib;
        Element& node = node_state_or_new(cib, wanted.id);
        const Element before = node;
        node.set("uname", wanted.name);
        node.set("in_ccm", wanted.is_member ? "true" : "false");
        node.set("crmd", wanted.is_online ? "online" : "offline");
        node.set("join", wanted.join);
        node.set("expected", wanted.expected);
        node.set("crm-debug-origin", "xbeat");
        if (wanted.forget) {
            node.children.clear();
            std::erase_if(state.privates, [&wanted](const PrivateAttribute& attribute) {
                return attribute.node == wanted.id;
            });
        }
        return !(node == before);
    }

    bool operator()(const wire::SetTransient& wanted) {
        if (wanted.is_private || wanted.remove) set_private(wanted);
        if (wanted.is_private && !wanted.remove) return false;
        Element& node = node_state_or_new(state.cib, wanted.node);
        Element& holder = child_with_id(node, "transient_attributes", wanted.node);
        Element& set = child_with_id(holder, "instance_attributes", concat("status-", wanted.node));
        if (wanted.remove) {
            return std::erase_if(set.children, [&wanted](const Element& pair) {
                       return pair.get("name") == wanted.name;
                   }) > 0;
        }
        if (Element* pair = find_child(set, "nvpair", "name", wanted.name)) {
            if (pair->get("value") == wanted.value) return false;
            pair->set("value", wanted.value);
            return true;
        }
        Element pair = make("nvpair");
        pair.set("id", concat("status-", wanted.node, '-', id_of(wanted.name)));
        pair.set("name", wanted.name);
        pair.set("value", wanted.value);
        set.children.push_back(std::move(pair));
        return true;
    }

    bool operator()(const wire::SetHistory& record) {
        if (record.attributes.empty()) return false;
        Element& node = node_state_or_new(state.cib, record.node);
        Element& lrm = child_with_id(node, "lrm", record.node);
        Element& resource =
            child_with_id(lrm.child_or_new("lrm_resources"), "lrm_resource", record.resource);
        resource.set("type", record.agent_type);
        resource.set("class", record.agent_class);
        if (!record.agent_provider.empty()) resource.set("provider", record.agent_provider);
        bool is_changed = false;
        if (record.ends_recurring) {
            is_changed = std::erase_if(resource.children, [](const Element& entry) {
                             return is_recurring(entry);
                         }) > 0;
        }
        Element& entry = child_with_id(resource, "lrm_rsc_op", record.attributes.front().second);
        if (is_same_history(entry, record)) return is_changed;
        entry.attributes.clear();
        for (const auto& [name, value] : record.attributes) entry.set(name, value);
        return true;
    }

    bool operator()(const wire::EraseHistory& record) {
        Element* node =
            find_child(state.cib.child_or_new("status"), "node_state", "id", record.node);
        Element* resources = node == nullptr ? nullptr : histories_of(*node);
        if (resources == nullptr) return false;
        if (record.entry.empty()) {
            return std::erase_if(resources->children, [&record](const Element& resource) {
                       return record.resource.empty() || resource.get("id") == record.resource;
                   }) > 0;
        }
        Element* resource = find_child(*resources, "lrm_resource", "id", record.resource);
        if (resource == nullptr) return false;
        return std::erase_if(resource->children, [&record](const Element& entry) {
                   return entry.get("id") == record.entry;
               }) > 0;
    }

    bool operator()(const wire::RecordFence& fence) {
        state.fences.push_back(fence);
        if (state.fences.size() > kFenceHistoryMax) state.fences.pop_front();
        return false;
    }

    bool operator()(const wire::EraseFences& wanted) {
        std::erase_if(state.fences, [&wanted](const wire::RecordFence& fence) {
            return wanted.target.empty() || fence.target == wanted.target;
        });
        return false;
    }

    bool operator()(const wire::SetCluster& wanted) {
        Element& cib = state.cib;
        const std::string_view quorum = wanted.have_quorum ? "1" : "0";
        if (cib.get("have-quorum") == quorum && cib.get("dc-uuid") == wanted.coordinator) {
            return false;
        }
        cib.set("have-quorum", quorum);
        cib.set("dc-uuid", wanted.coordinator);
        return true;
    }

    bool operator()(const wire::SetTicketState& wanted) {
        Element& tickets = state.cib.child_or_new("status").child_or_new("tickets");
        if (wanted.remove && wanted.name.empty()) {
            return std::erase_if(tickets.children, [&wanted](const Element& ticket) {
                       return ticket.get("id") == wanted.ticket;
                   }) > 0;
        }
        Element& ticket = child_with_id(tickets, "ticket_state", wanted.ticket);
        const Element before = ticket;
        if (wanted.remove) {
            std::erase_if(ticket.attributes, [&wanted](const cib::Attribute& attribute) {
                return attribute.name == wanted.name;
            });
        } else {
            ticket.set(wanted.name, wanted.value);
        }
        return !(ticket == before);
    }

    // The coordinator keeps the limit; what is past it here is left out on every member alike.
    void set_private(const wire::SetTransient& wanted) const {
        std::vector<PrivateAttribute>& privates = state.privates;
        const auto found =
            std::find_if(privates.begin(), privates.end(), [&wanted](const auto& each) {
                return each.node == wanted.node && each.name == wanted.name;
            });
        if (wanted.remove) {
            if (found != privates.end()) privates.erase(found);
        } else if (found != privates.end()) {
            found->value = wanted.value;
        } else if (privates.size() < kPrivateAttributesMax) {
            privates.push_back({.node = wanted.node, .name = wanted.name, .value = wanted.value});
        }
    }

    // A recurring monitor's own entry; the record of a failure (RSC_last_failure_0) stays.
    static bool is_recurring(const Element& entry) {
        if (entry.get("interval") == "0" || entry.get("interval").empty()) return false;
        return entry.get("id") == entry.get("operation_key");
    }

    // Attribute names may hold what an XML id may not.
    static std::string id_of(std::string_view name) {
        std::string id(name);
        for (char& c : id) {
            const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
            if (!is_plain) c = '.';
        }
        return id;
    }
};

}  // namespace

Result<void> apply(State& state, const wire::Record& record) {
    if (record.index.value != state.applied.value + 1) {
        return Error{Code::Conflict, concat("record ", record.index.value, " does not follow ",
                                            state.applied.value)};
    }
    if (record.term < state.last_term()) {
        return Error{Code::Conflict, concat("record ", record.index.value, " is of the old term ",
                                            record.term.value)};
    }
    if (state.terms.empty() || state.terms.back().term != record.term) {
        state.terms.push_back({.term = record.term, .first = record.index});
        if (state.terms.size() > kTermHistoryMax) state.terms.erase(state.terms.begin());
    }
    if (std::visit(Applier{.state = state, .index = record.index}, record.body)) {
        count_update(state.cib);
    }
    state.applied = record.index;
    return {};
}

const Element* node_state(const Element& cib, std::string_view id) {
    const Element* status = cib.child("status");
    return status == nullptr ? nullptr : find_child(*status, "node_state", "id", id);
}

const Element* history_of(const Element& cib, std::string_view node_id, std::string_view resource) {
    const Element* node = node_state(cib, node_id);
    const Element* resources = node == nullptr ? nullptr : histories_of(*node);
    return resources == nullptr ? nullptr : find_child(*resources, "lrm_resource", "id", resource);
}

std::string_view transient_attribute(const Element& cib, std::string_view node_id,
                                     std::string_view name) {
    const Element* node = node_state(cib, node_id);
    const Element* holder = node == nullptr ? nullptr : node->child("transient_attributes");
    if (holder == nullptr) return {};
    for (const Element& set : holder->children) {
        if (const Element* pair = find_child(set, "nvpair", "name", name)) {
            return pair->get("value");
        }
    }
    return {};
}

}  // namespace xbeat::replicate
