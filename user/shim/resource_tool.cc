// crm_resource.
#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <thread>

#include "cib/duration.h"
#include "cib/edit.h"
#include "core/text.h"
#include "shim/resource_tool.h"
#include "sys/boot_clock.h"

namespace xbeat::shim {

using cib::Element;
using schedule::ResourceView;

std::string base_of(const std::string& id) { return id.substr(0, id.find(':')); }

void collect_leaves(const ResourceView& view, std::vector<const ResourceView*>& leaves) {
    if (view.children.empty()) leaves.push_back(&view);
    for (const ResourceView& child : view.children) collect_leaves(child, leaves);
}

// The resources of that name: itself, its instances, or its members' ones.
void find_views(const std::vector<ResourceView>& views, std::string_view id,
                std::vector<const ResourceView*>& found) {
    for (const ResourceView& view : views) {
        if (view.id == id || base_of(view.id) == id) {
            collect_leaves(view, found);
        } else {
            find_views(view.children, id, found);
        }
    }
}

EpochSeconds clock_now() {
    return EpochSeconds{std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count()};
}

// Of one resource, or (empty) of all: without what only matters for where things should run.
Result<schedule::Situation> observe(const Tool& tool, const std::string& resource) {
    const Element document = XB_TRY(tool.cluster.cib(
        {.sections = {"nodes", "crm_config", "rsc_defaults", "op_defaults", "resources", "status"},
         .resource = base_of(resource)}));
    schedule::Options options;
    options.now = clock_now();
    return schedule::observe(document, options);
}

int no_such(const Tool& tool, std::string_view id) {
    tool.io.err << "crm_resource: Resource '" << id
                << "' not found\nError performing operation: No such object\n";
    return kNoSuch;
}

bool has_node(const schedule::Situation& situation, std::string_view name) {
    return std::any_of(situation.nodes.begin(), situation.nodes.end(),
                       [name](const schedule::NodeView& node) { return node.name == name; });
}

int no_such_node(const Tool& tool, std::string_view name) {
    tool.io.err << "crm_resource: Node '" << name
                << "' not found\nError performing operation: No such object\n";
    return kNoSuch;
}

std::string node_of(const Arguments& given) {
    return given.has("node") ? given.get("node") : given.get("host-uname");
}

namespace {

constexpr std::array kOptions{
    OptionRow{'r', "resource", Takes::Value},
    OptionRow{'N', "node", Takes::Value},
    OptionRow{'H', "host-uname", Takes::Value},
    OptionRow{'m', "meta", Takes::Nothing},
    OptionRow{'z', "utilization", Takes::Nothing},
    OptionRow{'p', "set-parameter", Takes::Value},
    OptionRow{'g', "get-parameter", Takes::Value},
    OptionRow{'d', "delete-parameter", Takes::Value},
    OptionRow{'v', "parameter-value", Takes::Value},
    OptionRow{'W', "locate", Takes::Nothing},
    OptionRow{'L', "list", Takes::Nothing},
    OptionRow{'l', "list-raw", Takes::Nothing},
    OptionRow{'O', "list-operations", Takes::Nothing},
    OptionRow{'o', "list-all-operations", Takes::Nothing},
    OptionRow{'a', "constraints", Takes::Nothing},
    OptionRow{'A', "stack", Takes::Nothing},
    OptionRow{0, "recursive", Takes::Nothing},
    OptionRow{'Y', "why", Takes::Nothing},
    OptionRow{'D', "delete", Takes::Nothing},
    OptionRow{'t', "resource-type", Takes::Value},
    OptionRow{'e', "expired", Takes::Nothing},
    OptionRow{'n', "operation", Takes::Value},
    OptionRow{'I', "interval", Takes::Value},
    OptionRow{'s', "set-name", Takes::Value},
    OptionRow{'i', "nvpair", Takes::Value},
    OptionRow{0, "digests", Takes::Nothing},
    OptionRow{0, "validate", Takes::PerhapsValue},
    OptionRow{0, "force-start", Takes::Nothing},
    OptionRow{0, "force-stop", Takes::Nothing},
    OptionRow{0, "force-promote", Takes::Nothing},
    OptionRow{0, "force-demote", Takes::Nothing},
    OptionRow{0, "force-check", Takes::PerhapsValue},
    OptionRow{0, "class", Takes::Value},
    OptionRow{0, "provider", Takes::Value},
    OptionRow{0, "agent", Takes::Value},
    OptionRow{0, "option", Takes::Value},
    OptionRow{'q', "query-xml", Takes::Nothing},
    OptionRow{'w', "query-xml-raw", Takes::Nothing},
    OptionRow{'U', "clear", Takes::Nothing},
    OptionRow{'B', "ban", Takes::Nothing},
    OptionRow{'M', "move", Takes::Nothing},
    OptionRow{'C', "cleanup", Takes::Nothing},
    OptionRow{'R', "refresh", Takes::Nothing},
    OptionRow{'F', "fail", Takes::Nothing},
    OptionRow{0, "wait", Takes::Nothing},
    OptionRow{0, "promoted", Takes::Nothing},
    OptionRow{0, "master", Takes::Nothing},
    OptionRow{'u', "lifetime", Takes::Value},
    OptionRow{'T', "timeout", Takes::Value},
    OptionRow{'f', "force", Takes::Nothing},
    OptionRow{'Q', "quiet", Takes::Nothing},
    OptionRow{'V', "verbose", Takes::Nothing},
};

cib::SetKind kind_of(const Arguments& given) {
    if (given.has("meta")) return cib::SetKind::Meta;
    return given.has("utilization") ? cib::SetKind::Utilization : cib::SetKind::Parameter;
}

int locate(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    const Result<schedule::Situation> situation = observe(tool, id);
    if (!situation) return tool.fail(situation.error());
    std::vector<const ResourceView*> views;
    find_views(situation->resources, id, views);
    if (views.empty()) return no_such(tool, id);
    bool is_running = false;
    Element list = tool.element("nodes");
    list.set("resource", id);
    std::set<std::pair<std::string, bool>> told;  // a group stands once, not once for each member
    for (const ResourceView* view : views) {
        for (const std::string& node : view->nodes) {
            is_running = true;
            if (!told.emplace(node, view->role == schedule::RoleView::Promoted).second) continue;
            const bool is_promoted = view->role == schedule::RoleView::Promoted;
            if (tool.is_xml) {
                Element place = tool.element("node");
                if (is_promoted) place.set("state", "promoted");
                place.children.push_back(tool.text(node));
                list.children.push_back(std::move(place));
                continue;
            }
            if (given.has("quiet")) {
                tool.io.out << node << '\n';
                continue;
            }
            tool.io.out << "resource " << id << " is running on: " << node
                        << (is_promoted ? " Promoted" : "") << '\n';
        }
    }
    if (tool.is_xml) {
        tool.show(list);
    } else if (!is_running && !given.has("quiet")) {
        tool.io.out << "resource " << id << " is NOT running\n";
    }
    return kOk;
}

int get_parameter(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    const std::string name = given.get("get-parameter");
    Result<Element> document =
        tool.cluster.cib({.sections = {"resources"}, .resource = base_of(id)});
    if (!document) return tool.fail(document.error());
    const Element& configuration = document->child_or_new("configuration");
    if (configuration.find_id(base_of(id)) == nullptr) return no_such(tool, id);
    const auto value = cib::get_resource_value(configuration, base_of(id), kind_of(given), name);
    if (value) {
        tool.io.out << *value << '\n';
    } else {
        tool.io.err << "Attribute '" << name << "' not found for '" << id << "'\n";
    }
    return kOk;
}

// Where the value stands: the ids of the pair and of its set; empty without one.
struct Pair {
    std::string id;
    std::string set;
};

Pair find_pair(const Element& configuration, const std::string& resource, cib::SetKind kind,
               std::string_view name) {
    const Element* const owner = configuration.find_id(resource);
    if (owner == nullptr) return {};
    const std::string_view sets = kind == cib::SetKind::Meta          ? "meta_attributes"
                                  : kind == cib::SetKind::Utilization ? "utilization"
                                                                      : "instance_attributes";
    for (const Element& set : owner->children) {
        if (set.name != sets) continue;
        for (const Element& pair : set.children) {
            if (pair.get("name") == name)
                return {.id = std::string(pair.get("id")), .set = std::string(set.get("id"))};
        }
    }
    return {};
}

int set_parameter(const Tool& tool, const Arguments& given) {
    const std::string id = base_of(given.get("resource"));
    const bool is_removal = given.has("delete-parameter");
    const std::string name = given.get(is_removal ? "delete-parameter" : "set-parameter");
    if (!is_removal && !given.has("parameter-value")) {
        return tool.fail_usage("You need to supply a value with the -v option");
    }
    if (!is_resource(tool, id)) return no_such_or_down(tool, id);
    const cib::SetKind kind = kind_of(given);
    Pair before;
    Pair after;
    const Result<void> changed =
        tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
            before = find_pair(configuration, id, kind, name);
            if (is_removal) {
                const Result<void> removed =
                    cib::unset_resource_value(configuration, id, kind, name);
                if (!removed && removed.error().code == Code::NotFound) return {};
                return removed;
            }
            XB_TRY(cib::set_resource_value(configuration, id, kind, name,
                                           given.get("parameter-value")));
            after = find_pair(configuration, id, kind, name);
            return {};
        });
    if (!changed) return tool.fail(changed.error());
    if (given.has("quiet") || tool.is_xml) return kOk;
    if (is_removal) {
        if (before.id.empty()) return kOk;
        tool.io.out << "Deleted '" << id << "' option: id=" << before.id << " name=" << name
                    << '\n';
        return kOk;
    }
    tool.io.out << "Set '" << id << "' option: id=" << after.id;
    if (before.id.empty()) tool.io.out << " set=" << after.set;
    tool.io.out << " name=" << name << " value=" << given.get("parameter-value") << '\n';
    return kOk;
}

// The resource whose history it is: the instance on that node, where there are several.
const ResourceView* view_of(const std::vector<const ResourceView*>& leaves, std::string_view id,
                            std::string_view node) {
    const ResourceView* found = nullptr;
    for (const ResourceView* leaf : leaves) {
        if (leaf->id != id && base_of(leaf->id) != id) continue;
        if (std::find(leaf->nodes.begin(), leaf->nodes.end(), node) != leaf->nodes.end())
            return leaf;
        if (found == nullptr) found = leaf;
    }
    return found;
}

std::string_view role_text(const ResourceView* view) {
    if (view == nullptr) return "Stopped";  // nothing runs of what nobody knows
    // What is under way says more than where it began, but for a look.
    if (!view->pending_task.empty() && view->pending_task != "Monitoring")
        return view->pending_task;
    return to_string(view->role);
}

// The executor's status of an operation, in the words of Pacemaker's tools.
std::string_view status_text(std::string_view status) {
    constexpr std::array<std::string_view, 11> kWords{"complete",
                                                      "Cancelled",
                                                      "Timed Out",
                                                      "Not supported",
                                                      "Error",
                                                      "Hard error",
                                                      "Fatal error",
                                                      "Not installed",
                                                      "Internal communication failure",
                                                      "No device",
                                                      "Internal communication failure"};
    if (status == "-1") return "pending";
    const auto number = parse_integer(status);
    if (!number || *number < 0 || static_cast<std::size_t>(*number) >= kWords.size())
        return "Unknown";
    return kWords[static_cast<std::size_t>(*number)];
}

void list_operations_of(const Tool& tool, const Element& resource, std::string_view node,
                        std::string_view role) {
    for (const Element& op : resource.children) {
        tool.io.out << resource.get("id") << "\t(" << resource.get("class");
        if (resource.has("provider")) tool.io.out << ':' << resource.get("provider");
        tool.io.out << ':' << resource.get("type") << "):\t " << role << ": "
                    << op.get("operation_key") << " (node=" << node
                    << ", call=" << op.get("call-id") << ", rc=" << op.get("rc-code");
        if (op.has("last-rc-change")) {
            tool.io.out << ", last-rc-change='" << time_text(op.get("last-rc-change"))
                        << "', exec=" << op.get("exec-time") << "ms";
        }
        tool.io.out << "): " << status_text(op.get("op-status")) << '\n';
    }
}

int list_operations(const Tool& tool, const Arguments& given) {
    const std::string wanted = given.has("node") ? given.get("node") : given.get("host-uname");
    const std::string id = given.get("resource");
    Result<Element> document = tool.cluster.cib(
        {.sections = {"nodes", "crm_config", "rsc_defaults", "op_defaults", "resources", "status"},
         .resource = base_of(id)});
    if (!document) return tool.fail(document.error());
    const schedule::Situation situation = schedule::observe(*document, {.now = clock_now()});
    std::vector<const ResourceView*> leaves;
    for (const ResourceView& view : situation.resources) collect_leaves(view, leaves);
    for (const Element& node : document->child_or_new("status").children) {
        if (node.name != "node_state" || (!wanted.empty() && node.get("uname") != wanted)) continue;
        const Element* resources = histories_of(node);
        if (resources == nullptr) continue;
        for (const Element& resource : resources->children) {
            const std::string name(resource.get("id"));
            if (!id.empty() && name != id && base_of(name) != id) continue;
            const ResourceView* view = view_of(leaves, name, node.get("uname"));
            list_operations_of(tool, resource, node.get("uname"), role_text(view));
        }
    }
    return kOk;
}

int list_resources(const Tool& tool) {
    const Result<schedule::Situation> situation = observe(tool, "");
    if (!situation) return tool.fail(situation.error());
    std::vector<std::string> names;
    for (const ResourceView& view : situation->resources) {
        std::vector<const ResourceView*> leaves;
        collect_leaves(view, leaves);
        for (const ResourceView* leaf : leaves) names.push_back(leaf->id);
    }
    tool.show_list("resource names", "resource", names);
    return kOk;
}

// One leaf as the lists of resources show it, on the node that it is on.
void show_leaf(const Tool& tool, const ResourceView& view) {
    tool.io.out << view.display_name << "\t(" << view.agent_class;
    if (!view.agent_provider.empty()) tool.io.out << ':' << view.agent_provider;
    tool.io.out << ':' << view.agent_type << "):\t " << to_string(view.role);
    for (const std::string& node : view.nodes) tool.io.out << ' ' << node;
    tool.io.out << '\n';
}

// A clone's instances by what they are.
void show_instances(const Tool& tool, const std::vector<const ResourceView*>& views) {
    constexpr std::array kRoles{schedule::RoleView::Promoted, schedule::RoleView::Unpromoted,
                                schedule::RoleView::Started};
    for (const schedule::RoleView role : kRoles) {
        std::set<std::string> nodes;
        for (const ResourceView* view : views) {
            if (view->role == role) nodes.insert(view->nodes.begin(), view->nodes.end());
        }
        if (nodes.empty()) continue;
        tool.io.out << to_string(role) << ": [";
        for (const std::string& node : nodes) tool.io.out << ' ' << node;
        tool.io.out << " ]\n";
    }
}

int query_xml(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    Result<Element> document =
        tool.cluster.cib({.sections = {"resources"}, .resource = base_of(id)});
    if (!document) return tool.fail(document.error());
    const Element* found = document->child_or_new("configuration").find_id(base_of(id));
    if (found == nullptr) return no_such(tool, id);
    if (tool.is_xml) {
        tool.show(*found);
        return kOk;
    }
    const Result<schedule::Situation> situation = observe(tool, id);
    if (!situation) return tool.fail(situation.error());
    std::vector<const ResourceView*> views;
    find_views(situation->resources, id, views);
    const bool is_clone = found->name == "clone" || found->name == "master";
    if (is_clone) {
        show_instances(tool, views);
    } else {
        for (const ResourceView* view : views) show_leaf(tool, *view);
    }
    tool.io.out << "Resource XML:\n" << cib::print_xml(*found);
    return kOk;
}

int delete_resource(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    const std::string kind = given.get("resource-type");
    if (kind.empty()) {
        tool.io.err << "crm_resource: You need to specify a resource type with -t\n"
                       "Error performing operation: No such object\n";
        return kNoSuch;
    }
    if (!is_resource(tool, id)) return no_such_or_down(tool, id);
    const Result<void> changed =
        tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
            const Element* const present = configuration.find_id(id);
            // Pacemaker's looks for an element of that name, and finds none to delete.
            if (present == nullptr || present->name != kind) return {};
            const std::vector<std::string> ids{id};
            return cib::remove_objects(configuration, ids,
                                       given.has("force") ? cib::Force::Yes : cib::Force::No);
        });
    return changed ? kOk : tool.fail(changed.error());
}

// The forms of --why that ask where something runs; 'xbeat why' tells the reasons.
int why(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    const std::string node = node_of(given);
    const Result<schedule::Situation> situation = observe(tool, id);
    if (!situation) return tool.fail(situation.error());
    if (!node.empty() && !has_node(*situation, node)) return no_such_node(tool, node);
    const auto tell = [&](const std::string& name, const std::vector<const ResourceView*>& views) {
        const bool runs = std::any_of(views.begin(), views.end(), [&](const ResourceView* view) {
            if (node.empty()) return !view->nodes.empty();
            return std::find(view->nodes.begin(), view->nodes.end(), node) != view->nodes.end();
        });
        tool.io.out << "Resource " << name << (runs ? " is running" : " is not running");
        if (!node.empty()) tool.io.out << " on host " << node;
        tool.io.out << '\n';
        return runs;
    };
    if (!id.empty()) {
        std::vector<const ResourceView*> views;
        find_views(situation->resources, id, views);
        if (views.empty()) return no_such(tool, id);
        tell(id, views);
        return kOk;
    }
    for (const ResourceView& view : situation->resources) {
        std::vector<const ResourceView*> leaves;
        collect_leaves(view, leaves);
        if (node.empty()) {
            tell(view.id, leaves);
            continue;
        }
        for (const ResourceView* leaf : leaves) {
            const auto& nodes = leaf->nodes;
            if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) tell(leaf->id, {leaf});
        }
    }
    return kOk;
}

int clean_up(const Tool& tool, const Arguments& given) {
    const std::string id = base_of(given.get("resource"));
    const std::string node = node_of(given);
    if (!id.empty() && !is_resource(tool, id)) return no_such_or_down(tool, id);
    const Result<schedule::Situation> situation = observe(tool, id);
    if (!situation) return tool.fail(situation.error());
    if (!node.empty() && !has_node(*situation, node)) return no_such_node(tool, node);
    const Result<void> done = tool.cluster.clean_up(id, node, given.has("cleanup"));
    if (!done) return tool.fail(done.error());
    if (given.has("quiet") || tool.is_xml) return kOk;
    if (id.empty()) {
        tool.io.out << "Cleaned up all resources on " << (node.empty() ? "all nodes" : node)
                    << '\n';
        return kOk;
    }
    for (const schedule::NodeView& each : situation->nodes) {
        if (!node.empty() && each.name != node) continue;
        tool.io.out << "Cleaned up " << id << " on " << each.name << '\n';
    }
    return kOk;
}

// Forms that nothing here needs, and (see commands.cc) those that another command answers.
int left_out(const Tool& tool, const Arguments& given) {
    if (given.has("digests"))
        return tool.fail_left_out("'xbeat why RESOURCE' tells what a change would restart");
    if (given.has("validate")) return tool.fail_left_out("'xbeat verify' checks the configuration");
    return tool.fail_usage("Must supply a resource id with -r");
}

// There is no event for "nothing is planned any more" without following the daemon's log.
int wait_until_idle(const Tool& tool, const Arguments& given) {
    const Duration patience =
        cib::parse_duration(given.get("timeout")).value_or(std::chrono::hours(1));
    const Instant deadline = sys::boot_now() + patience;
    for (;;) {
        const Result<bool> idle = tool.cluster.is_idle();
        if (!idle) return tool.fail(idle.error());
        if (*idle) return kOk;
        if (sys::boot_now() >= deadline) {
            return tool.fail({.code = Code::Timeout, .context = "the cluster is still busy"});
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

}  // namespace

int no_such_or_down(const Tool& tool, std::string_view id) {
    const Result<Self> self = tool.cluster.self();
    return self ? no_such(tool, id) : tool.fail(self.error());
}

int run_resource(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kOptions);
    if (!given) return tool.fail_usage(given.error().context);
    for (const char* const form : {"digests", "validate", "force-start", "force-stop",
                                   "force-promote", "force-demote", "force-check"}) {
        if (given->has(form)) return left_out(tool, *given);
    }
    if (given->has("list") || given->has("list-raw")) return list_resources(tool);
    if (given->has("list-operations") || given->has("list-all-operations")) {
        return list_operations(tool, *given);
    }
    if (given->has("wait")) return wait_until_idle(tool, *given);
    if (given->has("cleanup") || given->has("refresh")) return clean_up(tool, *given);
    if (given->has("why")) return why(tool, *given);
    if (given->get("resource").empty()) {
        return tool.fail_usage("Must supply a resource id with -r");
    }
    if (given->has("locate")) return locate(tool, *given);
    if (given->has("get-parameter")) return get_parameter(tool, *given);
    if (given->has("set-parameter") || given->has("delete-parameter")) {
        return set_parameter(tool, *given);
    }
    if (given->has("query-xml") || given->has("query-xml-raw")) return query_xml(tool, *given);
    if (given->has("clear") || given->has("ban") || given->has("move")) {
        return change_place(tool, *given);
    }
    if (given->has("constraints") || given->has("stack")) return show_constraints(tool, *given);
    if (given->has("delete")) return delete_resource(tool, *given);
    if (given->has("fail")) {
        const Result<std::string> place = tool.node_or_local(node_of(*given));
        if (!place) return tool.fail(place.error());
        const Result<void> done = tool.cluster.fail_resource(given->get("resource"), *place);
        return done ? kOk : tool.fail(done.error());
    }
    // Pacemaker's shows all resources then; the row of this one is what is meant.
    return query_xml(tool, *given);
}

}  // namespace xbeat::shim
