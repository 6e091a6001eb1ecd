// crm_node, crmadmin, crm_ticket, stonith_admin.
#include <algorithm>
#include <array>

#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kNodeOptions{
    OptionRow{'n', "name", Takes::Nothing},   OptionRow{'i', "cluster-id", Takes::Nothing},
    OptionRow{'l', "list", Takes::Nothing},   OptionRow{'p', "partition", Takes::Nothing},
    OptionRow{'q', "quorum", Takes::Nothing}, OptionRow{'N', "name-for-id", Takes::Value},
    OptionRow{'Q', "quiet", Takes::Nothing},  OptionRow{'V', "verbose", Takes::Nothing},
};
constexpr std::array kAdminOptions{
    OptionRow{'D', "dc_lookup", Takes::Nothing},   OptionRow{'N', "nodes", Takes::PerhapsValue},
    OptionRow{'S', "status", Takes::PerhapsValue}, OptionRow{'q', "quiet", Takes::Nothing},
    OptionRow{'t', "timeout", Takes::Value},
};
constexpr std::array kTicketOptions{
    OptionRow{'t', "ticket", Takes::Value},     OptionRow{'g', "grant", Takes::Nothing},
    OptionRow{'r', "revoke", Takes::Nothing},   OptionRow{'s', "standby", Takes::Nothing},
    OptionRow{'a', "activate", Takes::Nothing}, OptionRow{'G', "get-attr", Takes::Value},
    OptionRow{'S', "set-attr", Takes::Value},   OptionRow{'D', "delete-attr", Takes::Value},
    OptionRow{'v', "attr-value", Takes::Value}, OptionRow{'d', "default", Takes::Value},
    OptionRow{'c', "cleanup", Takes::Nothing},  OptionRow{'l', "info", Takes::Nothing},
    OptionRow{'L', "details", Takes::Nothing},  OptionRow{'f', "force", Takes::Nothing},
    OptionRow{'Q', "quiet", Takes::Nothing},
};
constexpr std::array kStonithOptions{
    OptionRow{'B', "reboot", Takes::Value},    OptionRow{'F', "fence", Takes::Value},
    OptionRow{'U', "unfence", Takes::Value},   OptionRow{'C', "confirm", Takes::Value},
    OptionRow{'H', "history", Takes::Value},   OptionRow{0, "output-as", Takes::Value},
    OptionRow{'T', "tag", Takes::Value},       OptionRow{0, "tag", Takes::Value},
    OptionRow{'t', "timeout", Takes::Value},   OptionRow{'v', "verbose", Takes::Nothing},
    OptionRow{'V', "verbose", Takes::Nothing}, OptionRow{'q', "quiet", Takes::Nothing},
};

// A member's partition is what its coordinator sees.
struct Member {
    std::string id;
    std::string name;
    bool is_member = false;
};

std::vector<Member> members_of(const Element& document) {
    std::vector<Member> members;
    const Element* status = document.child("status");
    const Element* configuration = document.child("configuration");
    const Element* nodes = configuration == nullptr ? nullptr : configuration->child("nodes");
    if (nodes == nullptr) return members;
    for (const Element& node : nodes->children) {
        if (node.name != "node") continue;
        Member member{.id = std::string(node.get("id")),
                      .name = std::string(node.get("uname")),
                      .is_member = false};
        if (status != nullptr) {
            for (const Element& state : status->children) {
                if (state.get("id") == member.id && state.get("in_ccm") == "true") {
                    member.is_member = true;
                }
            }
        }
        members.push_back(std::move(member));
    }
    return members;
}

int fence_history(const Tool& tool, const Arguments& given) {
    const Result<std::vector<FenceEvent>> events = tool.cluster.fence_history();
    if (!events) return tool.fail(events.error());
    const std::string target = given.get("history");
    const bool is_xml = given.get("output-as") == "xml";
    if (is_xml) {
        tool.io.out << "<pacemaker-result api-version=\"2.25\" request=\"stonith_admin\">\n"
                       "  <fence_history status=\"0\">\n";
    }
    for (const FenceEvent& event : *events) {
        if (target != "*" && event.target != target) continue;
        const bool is_pending = event.outcome == "pending";
        const bool is_good = event.outcome == "success" || event.outcome.starts_with("confirmed");
        const std::string_view status = is_pending ? "pending" : is_good ? "success" : "failed";
        if (!is_xml) {
            tool.io.out << event.origin << (is_good ? " was able to " : " wanted to ")
                        << event.action << " node " << event.target << ": " << status << '\n';
            continue;
        }
        Element element;
        element.name = "fence_event";
        element.set("action", event.action);
        element.set("target", event.target);
        element.set("client", "xbeat");
        element.set("origin", event.origin);
        element.set("status", status);
        element.set("extended-status", status);
        tool.io.out << "    " << cib::print_xml(element);
    }
    if (is_xml) {
        tool.io.out << "  </fence_history>\n  <status code=\"0\" message=\"OK\"/>\n"
                       "</pacemaker-result>\n";
    }
    return kOk;
}

int change_ticket(const Tool& tool, const Arguments& given, const std::string& ticket) {
    std::string name;
    std::optional<std::string> value;
    if (given.has("grant") || given.has("revoke")) {
        name = "granted";
        value = given.has("grant") ? "true" : "false";
    } else if (given.has("standby") || given.has("activate")) {
        name = "standby";
        value = given.has("standby") ? "true" : "false";
    } else if (given.has("set-attr")) {
        name = given.get("set-attr");
        value = given.get("attr-value");
    } else if (given.has("delete-attr")) {
        name = given.get("delete-attr");
    } else if (!given.has("cleanup")) {
        return tool.fail_usage("nothing to do: see crm_ticket(8)");
    }
    const Result<void> changed = tool.cluster.set_ticket(ticket, name, value);
    return changed ? kOk : tool.fail(changed.error());
}

}  // namespace

int run_node(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kNodeOptions);
    if (!given) return tool.fail_usage(given.error().context);
    // One thing at a time: `crm_node -l -p` shows the partition.
    constexpr std::array<std::string_view, 6> kModes{"name",      "cluster-id", "list",
                                                     "partition", "quorum",     "name-for-id"};
    const std::string_view mode = given->last_of(kModes);
    if (mode.empty()) return tool.fail_usage("say what is wanted: -n, -i, -l, -p, -q or -N ID");
    if (mode == "name") {
        const Result<std::string> node = tool.node_or_local("");
        if (!node) return tool.fail(node.error());
        tool.io.out << *node << '\n';
        return kOk;
    }
    if (mode == "cluster-id") {
        const Result<Self> self = tool.cluster.self();
        if (!self) return tool.fail(self.error());
        tool.io.out << self->node_id << '\n';
        return kOk;
    }
    const Result<Element> document = tool.cluster.cib({.sections = {"nodes", "members"}});
    if (!document) return tool.fail(document.error());
    if (mode == "quorum") {
        tool.io.out << (document->get("have-quorum") == "1" ? "1" : "0") << '\n';
        return kOk;
    }
    const std::vector<Member> members = members_of(*document);
    if (mode == "name-for-id") {
        for (const Member& member : members) {
            if (member.id != given->get("name-for-id")) continue;
            tool.io.out << member.name << '\n';
            return kOk;
        }
        return tool.fail({.code = Code::NotFound, .context = "there is no node of that id"});
    }
    for (const Member& member : members) {
        if (mode == "list") {
            tool.io.out << member.id << ' ' << member.name << ' '
                        << (member.is_member ? "member" : "lost") << '\n';
        } else if (member.is_member) {
            tool.io.out << member.name << ' ';
        }
    }
    if (mode == "partition") tool.io.out << '\n';
    return kOk;
}

int run_admin(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kAdminOptions);
    if (!given) return tool.fail_usage(given.error().context);
    const Result<Element> document = tool.cluster.cib({.sections = {"nodes", "members"}});
    if (!document) return tool.fail(document.error());
    const std::vector<Member> members = members_of(*document);
    if (given->has("nodes")) {
        for (const Member& member : members) {
            tool.io.out << "cluster node: " << member.name << " (" << member.id << ")\n";
        }
        return kOk;
    }
    if (!given->has("dc_lookup")) return tool.fail_usage("say what is wanted: -D or -N");
    for (const Member& member : members) {
        if (member.id != document->get("dc-uuid")) continue;
        tool.io.out << (given->has("quiet") ? "" : "Designated Controller is: ") << member.name
                    << '\n';
        return kOk;
    }
    tool.io.out << "Designated Controller is: not yet elected\n";
    return kOk;
}

int run_ticket(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kTicketOptions);
    if (!given) return tool.fail_usage(given.error().context);
    const std::string wanted = given->get("ticket");
    const bool is_query = given->has("get-attr") || given->has("info") || given->has("details");
    if (!is_query) {
        if (wanted.empty()) return tool.fail_usage("a ticket is needed: -t TICKET");
        return change_ticket(tool, *given, wanted);
    }
    const Result<Element> document = tool.cluster.cib({.sections = {"tickets"}});
    if (!document) return tool.fail(document.error());
    const Element* status = document->child("status");
    const Element* tickets = status == nullptr ? nullptr : status->child("tickets");
    static const Element kNone;
    const Element& list = tickets == nullptr ? kNone : *tickets;
    for (const Element& ticket : list.children) {
        if (!wanted.empty() && ticket.get("id") != wanted) continue;
        if (!given->has("get-attr")) {
            const bool is_granted = ticket.get("granted") == "true";
            tool.io.out << ticket.get("id") << (is_granted ? "\tgranted" : "\trevoked")
                        << (ticket.get("standby") == "true" ? "\t[standby]" : "") << '\n';
        } else if (ticket.has(given->get("get-attr"))) {
            tool.io.out << ticket.get(given->get("get-attr")) << '\n';
            return kOk;
        }
    }
    if (!given->has("get-attr")) return kOk;
    if (!given->has("default")) {
        return tool.fail({.code = Code::NotFound, .context = "No such device or address"});
    }
    tool.io.out << given->get("default") << '\n';
    return kOk;
}

int run_stonith(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kStonithOptions);
    if (!given) return tool.fail_usage(given.error().context);
    if (given->has("history")) return fence_history(tool, *given);
    if (given->has("confirm")) {
        const Result<void> done = tool.cluster.confirm_fenced(given->get("confirm"));
        return done ? kOk : tool.fail(done.error());
    }
    constexpr std::array<std::pair<const char*, const char*>, 3> kActions{
        {{"reboot", "reboot"}, {"fence", "off"}, {"unfence", "on"}}};
    for (const auto& [option, action] : kActions) {
        if (!given->has(option)) continue;
        const Result<void> done = tool.cluster.fence(given->get(option), action);
        return done ? kOk : tool.fail(done.error());
    }
    return tool.fail_usage("say what is wanted: -B, -F, -U, -C NODE or -H NODE");
}

}  // namespace xbeat::shim
