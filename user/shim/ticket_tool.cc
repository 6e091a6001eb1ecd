// crm_ticket.
//
// What may stop resources (revoking, forgetting) or start them on two sites (granting) needs
// --force, as Pacemaker's tool wants it: booth and people's scripts say it.
#include <array>

#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kTicketOptions{
    OptionRow{'t', "ticket", Takes::Value},     OptionRow{'g', "grant", Takes::Nothing},
    OptionRow{'r', "revoke", Takes::Nothing},   OptionRow{'s', "standby", Takes::Nothing},
    OptionRow{'a', "activate", Takes::Nothing}, OptionRow{'G', "get-attr", Takes::Value},
    OptionRow{'S', "set-attr", Takes::Value},   OptionRow{'D', "delete-attr", Takes::Value},
    OptionRow{'v', "attr-value", Takes::Value}, OptionRow{'d', "default", Takes::Value},
    OptionRow{'C', "cleanup", Takes::Nothing},  OptionRow{'c', "constraints", Takes::Nothing},
    OptionRow{'l', "info", Takes::Nothing},     OptionRow{'L', "details", Takes::Nothing},
    OptionRow{'w', "raw", Takes::Nothing},      OptionRow{'q', "query-xml", Takes::Nothing},
    OptionRow{'f', "force", Takes::Nothing},    OptionRow{'Q', "quiet", Takes::Nothing},
    OptionRow{'n', "set-name", Takes::Value},   OptionRow{'i', "nvpair", Takes::Value},
    OptionRow{'V', "verbose", Takes::Nothing},
};

int no_such_ticket(const Tool& tool, std::string_view ticket) {
    tool.io.err << "crm_ticket: No such ticket '" << ticket << "'\n";
    return kNoSuch;
}

int refuse_grant(const Tool& tool, std::string_view ticket) {
    tool.io.err << "crm_ticket: Ticket modification not allowed\n"
                   "This command cannot help you verify whether '"
                << ticket << "' has been already granted elsewhere.\nIf you really want to grant '"
                << ticket << "' to this site now, and you know what you are doing,\n"
                << "please specify --force.\n";
    return kNotAllowed;
}

int refuse_revoke(const Tool& tool, std::string_view ticket) {
    tool.io.err << "crm_ticket: Ticket modification not allowed\nRevoking '" << ticket
                << "' can trigger the specified 'loss-policy'(s) relating to '" << ticket
                << "'.\n\nYou can check that with:\ncrm_ticket --ticket " << ticket
                << " --constraints\n\nOtherwise before revoking '" << ticket
                << "', you may want to make '" << ticket << "' standby with:\ncrm_ticket --ticket "
                << ticket << " --standby\n\nIf you really want to revoke '" << ticket
                << "' from this site now, and you know what you are doing,\n"
                << "please specify --force.\n";
    return kNotAllowed;
}

const Element* find_ticket(const Element& list, std::string_view id) {
    for (const Element& ticket : list.children) {
        if (ticket.get("id") == id) return &ticket;
    }
    return nullptr;
}

int show_one(const Tool& tool, const Element& ticket, bool has_details) {
    // Pacemaker sets the second word to the right of ten columns, also when there is none.
    const bool is_granted = ticket.get("granted") == "true";
    const bool is_standby = ticket.get("standby") == "true";
    std::string line = concat(ticket.get("id"), '\t', is_granted ? "granted" : "revoked",
                              is_standby ? "  [standby]" : "           ");
    const bool has_time = ticket.has("last-granted");
    if (!has_details) {
        if (has_time) line += concat("last-granted='", time_text(ticket.get("last-granted")), '\'');
        tool.io.out << line << '\n';
        return kOk;
    }
    std::string list;
    for (const cib::Attribute& each : ticket.attributes) {
        if (each.name == "id") continue;
        if (!list.empty()) list += ", ";
        const bool is_time = each.name == "last-granted" || each.name == "expires";
        list += is_time ? concat(each.name, "='", time_text(each.value), '\'')
                        : concat(each.name, '=', each.value);
    }
    tool.io.out << line << '(' << list << ")\n";
    return kOk;
}

int show_tickets(const Tool& tool, const Arguments& given, const Element& list,
                 const std::string& wanted) {
    if (!wanted.empty() && find_ticket(list, wanted) == nullptr && !given.has("query-xml")) {
        return no_such_ticket(tool, wanted);
    }
    if (given.has("query-xml")) {
        const Element* const one = wanted.empty() ? nullptr : find_ticket(list, wanted);
        if (list.children.empty() || (one == nullptr && !wanted.empty())) {
            tool.io.err << "crm_ticket: Could not query ticket XML: No such device or address\n";
            return kNoSuch;
        }
        tool.io.out << "State XML:\n\n" << cib::print_xml(one == nullptr ? list : *one);
        return kOk;
    }
    for (const Element& ticket : list.children) {
        if (!wanted.empty() && ticket.get("id") != wanted) continue;
        if (given.has("raw")) {
            tool.io.out << ticket.get("id") << '\n';
        } else {
            show_one(tool, ticket, given.has("details"));
        }
    }
    return kOk;
}

int show_constraints_of(const Tool& tool, const std::string& wanted) {
    const Result<Element> document = tool.cluster.cib({.sections = {"constraints"}});
    if (!document) return tool.fail(document.error());
    const Element* const configuration = document->child("configuration");
    const Element* const list =
        configuration == nullptr ? nullptr : configuration->child("constraints");
    std::string text;
    if (list != nullptr) {
        for (const Element& each : list->children) {
            const bool is_meant =
                each.name == "rsc_ticket" && (wanted.empty() || each.get("ticket") == wanted);
            if (is_meant) text += cib::print_xml(each);
        }
    }
    if (text.empty()) {
        tool.io.err << "crm_ticket: Could not show ticket constraints: No such device or address\n";
        return kNoSuch;
    }
    tool.io.out << "Constraints XML:\n\n" << text;
    return kOk;
}

int get_attribute(const Tool& tool, const Arguments& given, const Element* ticket) {
    const std::string name = given.get("get-attr");
    if (ticket != nullptr && ticket->has(name)) {
        tool.io.out << ticket->get(name) << '\n';
        return kOk;
    }
    if (!given.has("default")) {
        // Pacemaker's tool says nothing; the exit code is what its callers read.
        tool.io.err << "crm_ticket: no such ticket, or it has no '" << name << "'\n";
        return kNoSuch;
    }
    tool.io.out << given.get("default") << '\n';
    return kOk;
}

struct Change {
    std::string name;
    std::optional<std::string> value;
};

std::optional<Change> change_of(const Arguments& given) {
    constexpr std::array<std::string_view, 7> kModes{
        "grant", "revoke", "standby", "activate", "set-attr", "delete-attr", "cleanup"};
    const std::string_view mode = given.last_of(kModes);
    if (mode == "grant") return Change{.name = "granted", .value = "true"};
    if (mode == "revoke") return Change{.name = "granted", .value = "false"};
    if (mode == "standby") return Change{.name = "standby", .value = "true"};
    if (mode == "activate") return Change{.name = "standby", .value = "false"};
    if (mode == "set-attr")
        return Change{.name = given.get("set-attr"), .value = given.get("attr-value")};
    if (mode == "delete-attr") return Change{.name = given.get("delete-attr"), .value = {}};
    if (mode == "cleanup") return Change{};
    return std::nullopt;
}

int change_ticket(const Tool& tool, const Arguments& given, const std::string& id,
                  const Change& change, const Element* ticket) {
    if (given.has("set-attr") && !given.has("attr-value")) {
        return tool.fail_usage(concat("Must supply attribute value with -v for -S ", change.name));
    }
    const bool is_granted = ticket != nullptr && ticket->get("granted") == "true";
    if (!given.has("force")) {
        const bool grants = change.name == "granted" && change.value == "true";
        const bool revokes = change.name == "granted" && change.value != "true";
        const bool forgets_granted = change.name.empty() && is_granted;
        if (grants) return refuse_grant(tool, id);
        if (revokes || forgets_granted) return refuse_revoke(tool, id);
    }
    if (change.name.empty() && ticket == nullptr) return no_such_ticket(tool, id);
    const Result<void> changed = tool.cluster.set_ticket(id, change.name, change.value);
    if (!changed) return tool.fail(changed.error());
    if (change.name.empty() && !given.has("quiet")) tool.io.out << "Cleaned up " << id << '\n';
    return kOk;
}

}  // namespace

int run_ticket(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kTicketOptions);
    if (!given) return tool.fail_usage(given.error().context);
    const std::string wanted = given->get("ticket");
    if (given->has("constraints")) return show_constraints_of(tool, wanted);
    const std::optional<Change> change = change_of(*given);
    const bool shows =
        given->has("info") || given->has("details") || given->has("raw") || given->has("query-xml");
    if (!shows && !given->has("get-attr") && !change) {
        return tool.fail_usage("Must supply a command");
    }
    if (!shows && wanted.empty()) return tool.fail_usage("Must supply ticket ID with -t");
    const Result<Element> document = tool.cluster.cib({.sections = {"tickets"}});
    if (!document) return tool.fail(document.error());
    const Element* status = document->child("status");
    const Element* tickets = status == nullptr ? nullptr : status->child("tickets");
    static const Element kNone;
    const Element& list = tickets == nullptr ? kNone : *tickets;
    if (shows) return show_tickets(tool, *given, list, wanted);
    if (given->has("get-attr")) return get_attribute(tool, *given, find_ticket(list, wanted));
    return change_ticket(tool, *given, wanted, *change, find_ticket(list, wanted));
}

}  // namespace xbeat::shim
