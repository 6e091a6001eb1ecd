// crm_node, crmadmin: the nodes and their daemons.
#include <algorithm>
#include <array>

#include "cib/edit.h"
#include "core/text.h"
#include "shim/tools.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kNodeOptions{
    OptionRow{'n', "name", Takes::Nothing},   OptionRow{'i', "cluster-id", Takes::Nothing},
    OptionRow{'l', "list", Takes::Nothing},   OptionRow{'p', "partition", Takes::Nothing},
    OptionRow{'q', "quorum", Takes::Nothing}, OptionRow{'N', "name-for-id", Takes::Value},
    OptionRow{'R', "remove", Takes::Value},   OptionRow{'f', "force", Takes::Nothing},
    OptionRow{'Q', "quiet", Takes::Nothing},  OptionRow{'V', "verbose", Takes::Nothing},
};
constexpr std::array kAdminOptions{
    OptionRow{'D', "dc_lookup", Takes::Nothing},   OptionRow{'N', "nodes", Takes::PerhapsValue},
    OptionRow{'S', "status", Takes::Value},        OptionRow{'P', "pacemakerd", Takes::Nothing},
    OptionRow{'B', "bash-export", Takes::Nothing}, OptionRow{'q', "quiet", Takes::Nothing},
    OptionRow{'t', "timeout", Takes::Value},       OptionRow{'i', "ipc-name", Takes::Value},
    OptionRow{'V', "verbose", Takes::Nothing},
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

// As `xbeat node remove`: not a member, and not while something names it.
int remove_node(const Tool& tool, const Arguments& given, const std::vector<Member>& members) {
    const std::string name = given.get("remove");
    if (!given.has("force")) {
        tool.io.err << "The supplied command is considered dangerous.  To prevent accidental "
                       "destruction of the cluster, the --force flag is required in order to "
                       "proceed.\n";
        return kUsage;
    }
    const auto found = std::find_if(members.begin(), members.end(), [&name](const Member& each) {
        return each.name == name || each.id == name;
    });
    if (found == members.end()) {
        return tool.fail({.code = Code::NotFound, .context = concat("there is no node ", name)});
    }
    if (found->is_member) {
        return tool.fail(
            {.code = Code::Unsafe,
             .context = concat(name, " is a member; run 'xbeat shutdown' on it first")});
    }
    const std::vector<std::string> ids{found->name};
    const Result<void> changed = tool.cluster.change_configuration([&](Element& configuration) {
        return cib::remove_objects(configuration, ids, cib::Force::Yes);
    });
    return changed ? kOk : tool.fail(changed.error());
}

// The words of Pacemaker's state machine for what a coordinator or another member does.
int show_state(const Tool& tool, const Arguments& given, const Element& document,
               const std::vector<Member>& members) {
    const std::string name = given.get("status");
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&name](const Member& each) { return each.name == name; });
    if (found == members.end()) {
        return tool.fail({.code = Code::NotFound, .context = concat("there is no node ", name)});
    }
    if (!found->is_member) {
        return tool.fail(
            {.code = Code::Timeout,
             .context = concat("no reply from the controller on ", name, ": it is no member")});
    }
    std::string_view state = "S_NOT_DC";
    if (found->id == document.get("dc-uuid")) {
        const Result<bool> idle = tool.cluster.is_idle();
        if (!idle) return tool.fail(idle.error());
        state = *idle ? "S_IDLE" : "S_TRANSITION_ENGINE";
    }
    if (tool.is_xml) {
        Element status = Tool::element("crmd");
        status.set("host", name);
        status.set("state", state);
        status.set("result", "ok");
        tool.show(status);
    } else if (given.has("quiet")) {
        tool.io.out << state << '\n';
    } else {
        tool.io.out << "Controller on " << name << " in state " << state << ": ok\n";
    }
    return kOk;
}

void show_nodes(const Tool& tool, const Arguments& given, const std::vector<Member>& members) {
    // There are no guest and no remote nodes.
    const std::string kinds = given.get("nodes");
    const bool has_members = kinds.empty() || kinds.find("all") != std::string::npos ||
                             kinds.find("cluster") != std::string::npos;
    Element list = Tool::element("nodes");
    for (const Member& member : members) {
        if (!has_members) break;
        if (tool.is_xml) {
            Element node = Tool::element("node");
            node.set("type", "cluster");
            node.set("name", member.name);
            node.set("id", member.id);
            list.children.push_back(std::move(node));
        } else if (given.has("bash-export")) {
            tool.io.out << "export " << member.name << '=' << member.id << '\n';
        } else if (given.has("quiet")) {
            tool.io.out << member.name << '\n';
        } else {
            tool.io.out << "cluster node: " << member.name << " (" << member.id << ")\n";
        }
    }
    if (tool.is_xml) tool.show(list);
}

}  // namespace

int run_node(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kNodeOptions);
    if (!given) return tool.fail_usage(given.error().context);
    // One thing at a time: `crm_node -l -p` shows the partition.
    constexpr std::array<std::string_view, 7> kModes{"name",   "cluster-id",  "list",  "partition",
                                                     "quorum", "name-for-id", "remove"};
    const std::string_view mode = given->last_of(kModes);
    if (mode.empty())
        return tool.fail_usage("say what is wanted: -n, -i, -l, -p, -q, -N ID or -R NODE");
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
    if (mode == "remove") return remove_node(tool, *given, members);
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
    constexpr std::array<std::string_view, 4> kModes{"dc_lookup", "nodes", "status", "pacemakerd"};
    const std::string_view mode = given->last_of(kModes);
    if (mode.empty())
        return tool.fail_usage("Must specify a command option: -D, -S NODE, -P or -N");
    if (mode == "pacemakerd") {
        const Result<Self> self = tool.cluster.self();
        if (!self) return tool.fail(self.error());
        tool.io.out << (given->has("quiet") ? "running\n"
                                            : "Status of pacemakerd: 'Pacemaker is running'\n");
        return kOk;
    }
    const Result<Element> document = tool.cluster.cib({.sections = {"nodes", "members"}});
    if (!document) return tool.fail(document.error());
    const std::vector<Member> members = members_of(*document);
    if (mode == "status") return show_state(tool, *given, *document, members);
    if (mode == "nodes") {
        show_nodes(tool, *given, members);
        return kOk;
    }
    const auto coordinator = std::find_if(
        members.begin(), members.end(),
        [&document](const Member& each) { return each.id == document->get("dc-uuid"); });
    const std::string name = coordinator == members.end() ? std::string() : coordinator->name;
    if (tool.is_xml) {
        Element dc = Tool::element("dc");
        dc.set("node_name", name);
        tool.show(dc);
    } else if (given->has("quiet")) {
        if (!name.empty()) tool.io.out << name << '\n';
    } else {
        tool.io.out << "Designated Controller is: " << (name.empty() ? "not yet elected" : name)
                    << '\n';
    }
    return kOk;
}

}  // namespace xbeat::shim
