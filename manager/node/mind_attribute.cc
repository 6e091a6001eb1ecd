// Attributes of nodes, and the state of tickets.
//
// A transient attribute may be dampened: the node that was asked keeps the new value to itself
// until it has not changed for that long, so that a value that swings is written once. It is
// written through the coordinator, and again until the CIB shows it, because a coordinator may be
// gone before it could. Private attributes are replicated beside the CIB and cause no plan.
#include <algorithm>

#include "core/limits.h"
#include "core/text.h"
#include "node/mind.h"

namespace xbeat::node {
namespace {

constexpr Duration kWriteAgain = 2s;  // after a write that the CIB does not show yet

cib::Element* find_by_name(cib::Element& nodes, std::string_view name) {
    for (cib::Element& node : nodes.children) {
        if (node.name == "node" && node.get("uname") == name) return &node;
    }
    return nullptr;
}

// Sets or removes a permanent attribute of a node in a configuration.
void set_permanent(cib::Element& node, const SetAttribute& wanted) {
    const std::string id = concat("nodes-", node.get("id"));
    cib::Element* set = nullptr;
    for (cib::Element& each : node.children) {
        if (each.name == "instance_attributes") set = &each;
    }
    if (set == nullptr) {
        if (wanted.remove) return;
        cib::Element created;
        created.name = "instance_attributes";
        created.set("id", id);
        node.children.push_back(std::move(created));
        set = &node.children.back();
    }
    if (wanted.remove) {
        std::erase_if(set->children, [&wanted](const cib::Element& pair) {
            return pair.get("name") == wanted.name;
        });
        return;
    }
    for (cib::Element& pair : set->children) {
        if (pair.get("name") == wanted.name) return pair.set("value", wanted.value);
    }
    cib::Element pair;
    pair.name = "nvpair";
    pair.set("id", concat(set->get("id"), '-', wanted.name));
    pair.set("name", wanted.name);
    pair.set("value", wanted.value);
    set->children.push_back(std::move(pair));
}

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= kIdBytesMax &&
           std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x21 || c == '"' || c == '<' || c == '>';
           });
}

// What may stand as an attribute of an XML element.
bool is_xml_name(std::string_view text) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (text.empty() || text.size() > kIdBytesMax || !is_letter(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

// What a value will be once it is calm; nothing for one that is to go.
std::optional<std::string> expected_of(const SetAttribute& wanted) {
    if (wanted.remove) return std::nullopt;
    return wanted.value;
}

}  // namespace

std::optional<Error> Mind::attribute_error(const SetAttribute& wanted) const {
    if (!is_word(wanted.name) || wanted.value.size() > kXmlValueBytesMax) {
        return Error{Code::Invalid, concat("\"", wanted.name,
                                           "\" cannot be an attribute's name, or "
                                           "its value is too long")};
    }
    if (wanted.is_permanent && (wanted.is_private || wanted.dampen_ms != 0)) {
        return Error{Code::Invalid, "a permanent attribute can be neither private nor dampened"};
    }
    if (wanted.dampen_ms < 0 || wanted.dampen_ms > kDampenMsMax) {
        return Error{Code::Invalid, "an attribute is dampened for at most 24 hours"};
    }
    if (!wanted.is_permanent && !place_of(wanted.node)) {
        return Error{Code::NotFound, concat("there is no node ", wanted.node)};
    }
    return std::nullopt;
}

void Mind::request(const Asker& asker, const SetAttribute& wanted) {
    if (const std::optional<Error> error = attribute_error(wanted)) return reply(asker, *error);
    if (wanted.is_permanent) return set_permanent_attribute(asker, wanted);
    const auto& privates = shared_.privates;
    if (wanted.is_private && privates.size() >= kPrivateAttributesMax) {
        return reply(asker, Error{Code::Limit, "there are too many private attributes"});
    }
    set_transient(wanted);
    reply(asker,
          concat(wanted.name, " of ", wanted.node, wanted.remove ? " was removed" : " was set"));
}

void Mind::set_permanent_attribute(const Asker& asker, const SetAttribute& wanted) {
    const cib::Element* present = shared_.cib.child("configuration");
    XB_CHECK(present != nullptr);
    cib::Element configuration = *present;
    cib::Element* node = find_by_name(configuration.child_or_new("nodes"), wanted.node);
    if (node == nullptr) {
        return reply(asker, Error{Code::NotFound, concat("there is no node ", wanted.node)});
    }
    set_permanent(*node, wanted);
    if (configuration == *present) return reply(asker, std::string("nothing to change"));
    propose({.asker = asker,
             .configuration = std::move(configuration),
             .validate_with = {},
             .admin_epoch = {},
             .answer = concat(wanted.name, " of ", wanted.node,
                              wanted.remove ? " was removed" : " was set")});
}

// Only the coordinator. The place is known.
void Mind::set_transient(const SetAttribute& wanted) {
    const std::string before = replicate::version_of(shared_.cib);
    append(wire::SetTransient{.node = place_of(wanted.node)->id,
                              .name = wanted.name,
                              .value = wanted.value,
                              .remove = wanted.remove,
                              .is_private = wanted.is_private});
    if (before != replicate::version_of(shared_.cib)) {
        want_plan(concat(wanted.name, " of ", wanted.node, " changed"));
    }
}

bool Mind::is_in_force(const SetAttribute& wanted) const {
    const std::vector<AttributeView> known = attribute_views();
    const auto found = std::find_if(known.begin(), known.end(), [&wanted](const auto& each) {
        return each.node == wanted.node && each.name == wanted.name && each.value.has_value();
    });
    if (found == known.end()) return wanted.remove;
    return !wanted.remove && found->value == wanted.value && found->is_private == wanted.is_private;
}

void Mind::dampen(const Asker& asker, const SetAttribute& wanted) {
    if (const std::optional<Error> error = attribute_error(wanted)) return reply(asker, *error);
    const std::string text = concat(wanted.name, " of ", wanted.node, " will be ",
                                    wanted.remove ? "removed" : "set", " once it is calm");
    const auto waiting = dampened_.find({wanted.node, wanted.name});
    if (waiting == dampened_.end()) {
        if (is_in_force(wanted)) return reply(asker, std::string("nothing to change"));
        if (dampened_.size() >= kDampenedMax) {
            return reply(asker, Error{Code::Limit, "too many attributes wait for calm"});
        }
    } else if (expected_of(waiting->second.wanted) == expected_of(wanted)) {
        return reply(asker, text);
    }
    Dampened entry{.wanted = wanted,
                   .due = now_.boot + std::chrono::milliseconds(wanted.dampen_ms)};
    entry.wanted.dampen_ms = 0;
    dampened_.insert_or_assign({wanted.node, wanted.name}, std::move(entry));
    reply(asker, text);
}

void Mind::write_dampened() {
    for (auto entry = dampened_.begin(); entry != dampened_.end();) {
        Dampened& dampened = entry->second;
        if (dampened.due > now_.boot) {
            ++entry;
            continue;
        }
        if (is_coordinator()) set_transient(dampened.wanted);
        if (is_in_force(dampened.wanted)) {
            entry = dampened_.erase(entry);
            continue;
        }
        const bool has_coordinator = phase_ == member::Phase::Active && is_peer_member();
        if (!is_coordinator() && has_coordinator) {
            say(wire::Forward{.client = {}, .user = "dampening", .body = dampened.wanted});
        }
        dampened.due = now_.boot + kWriteAgain;
        ++entry;
    }
}

std::vector<AttributeView> Mind::attribute_views() const {
    std::map<std::pair<std::string, std::string>, AttributeView> views;
    for (const NodeName& node : options_.nodes) {
        const std::string id = place_of(node.name)->id;
        const cib::Element* state = replicate::node_state(shared_.cib, id);
        const cib::Element* holder =
            state == nullptr ? nullptr : state->child("transient_attributes");
        if (holder != nullptr) {
            for (const cib::Element& set : holder->children) {
                for (const cib::Element& pair : set.children) {
                    AttributeView& view = views[{node.name, std::string(pair.get("name"))}];
                    view.value = std::string(pair.get("value"));
                }
            }
        }
        for (const replicate::PrivateAttribute& each : shared_.privates) {
            if (each.node != id) continue;
            AttributeView& view = views[{node.name, each.name}];
            view.value = each.value;
            view.is_private = true;
        }
    }
    for (const auto& [key, dampened] : dampened_) {
        AttributeView& view = views[key];
        view.is_waiting = true;
        view.is_private = view.is_private || dampened.wanted.is_private;
        view.expected = expected_of(dampened.wanted);
    }
    std::vector<AttributeView> out;
    for (auto& [key, view] : views) {
        view.node = key.first;
        view.name = key.second;
        out.push_back(std::move(view));
    }
    return out;
}

// --- Tickets ------------------------------------------------------------------------------------

void Mind::request(const Asker& asker, const SetTicket& wanted) {
    const bool is_whole = wanted.remove && wanted.name.empty();
    if (!is_word(wanted.ticket) || (!is_whole && !is_xml_name(wanted.name)) ||
        wanted.name == "id" || wanted.value.size() > kXmlValueBytesMax) {
        return reply(asker, Error{Code::Invalid,
                                  concat("\"", wanted.ticket, "\" or \"", wanted.name,
                                         "\" cannot be the name of a ticket or its attribute")});
    }
    const bool is_switch = wanted.name == "granted" || wanted.name == "standby";
    if (is_switch && !wanted.remove && wanted.value != "true" && wanted.value != "false") {
        return reply(
            asker, Error{Code::Invalid, concat(wanted.name, " of a ticket is true or false, not \"",
                                               wanted.value, '"')});
    }
    const std::string before = replicate::version_of(shared_.cib);
    append(wire::SetTicketState{.ticket = wanted.ticket,
                                .name = wanted.name,
                                .value = wanted.value,
                                .remove = wanted.remove});
    if (wanted.name == "granted" && wanted.value == "true") {
        append(wire::SetTicketState{.ticket = wanted.ticket,
                                    .name = "last-granted",
                                    .value = concat(now_.calendar.value),
                                    .remove = false});
    }
    if (before != replicate::version_of(shared_.cib)) {
        note(Level::Info, "ticket-changed",
             concat("ticket ", wanted.ticket, ": ",
                    is_whole ? std::string("forgotten") : wanted.name,
                    wanted.remove ? "" : concat(" is ", wanted.value), ", for ", asker.user),
             {{"ticket", wanted.ticket}, {"name", wanted.name}, {"value", wanted.value}});
        want_plan(concat("ticket ", wanted.ticket, " changed"));
    }
    reply(asker, concat("ticket ", wanted.ticket, is_whole ? " was forgotten" : " was changed"));
}

}  // namespace xbeat::node
