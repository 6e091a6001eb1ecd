// crm_resource.
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <set>
#include <thread>

#include "cib/duration.h"
#include "cib/edit.h"
#include "core/text.h"
#include "schedule/schedule.h"
#include "shim/tools.h"
#include "sys/boot_clock.h"

namespace xbeat::shim {
namespace {

using cib::Element;
using schedule::ResourceView;

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
    OptionRow{'o', "list-operations", Takes::Nothing},
    OptionRow{'O', "list-all-operations", Takes::Nothing},
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

int locate(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    const Result<schedule::Situation> situation = observe(tool, id);
    if (!situation) return tool.fail(situation.error());
    std::vector<const ResourceView*> views;
    find_views(situation->resources, id, views);
    if (views.empty()) return no_such(tool, id);
    bool is_running = false;
    std::set<std::pair<std::string, bool>> told;  // a group stands once, not once for each member
    for (const ResourceView* view : views) {
        for (const std::string& node : view->nodes) {
            is_running = true;
            if (!told.emplace(node, view->role == schedule::RoleView::Promoted).second) continue;
            if (given.has("quiet")) {
                tool.io.out << node << '\n';
                continue;
            }
            const bool is_promoted = view->role == schedule::RoleView::Promoted;
            tool.io.out << "resource " << id << " is running on: " << node
                        << (is_promoted ? " Promoted" : "") << '\n';
        }
    }
    if (!is_running && !given.has("quiet")) {
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

int set_parameter(const Tool& tool, const Arguments& given) {
    const std::string id = base_of(given.get("resource"));
    const bool is_removal = given.has("delete-parameter");
    const std::string name = given.get(is_removal ? "delete-parameter" : "set-parameter");
    if (!is_removal && !given.has("parameter-value")) {
        return tool.fail_usage("a value is needed: -v VALUE");
    }
    const cib::SetKind kind = kind_of(given);
    bool is_done = false;
    const Result<void> changed =
        tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
            if (configuration.find_id(id) == nullptr) {
                return Error{.code = Code::NotFound,
                             .context = concat("Resource '", id, "' not found")};
            }
            if (!is_removal) {
                is_done = true;
                return cib::set_resource_value(configuration, id, kind, name,
                                               given.get("parameter-value"));
            }
            const Result<void> removed = cib::unset_resource_value(configuration, id, kind, name);
            is_done = removed.has_value();
            if (!removed && removed.error().code == Code::NotFound) return {};
            return removed;
        });
    if (!changed) return tool.fail(changed.error());
    if (!is_done || given.has("quiet")) return kOk;
    tool.io.out << (is_removal ? "Deleted '" : "Set '") << id << "' option: name=" << name;
    if (!is_removal) tool.io.out << " value=" << given.get("parameter-value");
    tool.io.out << '\n';
    return kOk;
}

std::string time_text(std::string_view seconds) {
    const std::time_t at = static_cast<std::time_t>(parse_integer(seconds).value_or(0));
    std::tm parts{};
    ::localtime_r(&at, &parts);
    std::array<char, 64> text{};
    const std::size_t size =
        std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &parts);
    return {text.data(), size};
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
    for (const ResourceView& view : situation->resources) {
        std::vector<const ResourceView*> leaves;
        collect_leaves(view, leaves);
        for (const ResourceView* leaf : leaves) tool.io.out << leaf->id << '\n';
    }
    return kOk;
}

int query_xml(const Tool& tool, const Arguments& given) {
    const std::string id = given.get("resource");
    Result<Element> document =
        tool.cluster.cib({.sections = {"resources"}, .resource = base_of(id)});
    if (!document) return tool.fail(document.error());
    const Element* found = document->child_or_new("configuration").find_id(base_of(id));
    if (found == nullptr) return no_such(tool, id);
    if (!given.has("query-xml-raw")) tool.io.out << "Resource XML:\n";
    tool.io.out << cib::print_xml(*found);
    return kOk;
}

int change_constraints(const Tool& tool, const Arguments& given) {
    const std::string id = base_of(given.get("resource"));
    std::string node = given.has("node") ? given.get("node") : given.get("host-uname");
    cib::MoveOptions options;
    options.only_promoted = given.has("promoted") || given.has("master");
    if (given.has("lifetime")) {
        const std::optional<Duration> span = cib::parse_duration(given.get("lifetime"));
        if (!span) return tool.fail_usage(concat("'", given.get("lifetime"), "' is no duration"));
        options.expires = EpochSeconds{
            clock_now().value + std::chrono::duration_cast<std::chrono::seconds>(*span).count()};
    }
    if (given.has("ban") && node.empty()) {
        const Result<schedule::Situation> situation = observe(tool, id);
        if (!situation) return tool.fail(situation.error());
        std::vector<const ResourceView*> views;
        find_views(situation->resources, id, views);
        for (const ResourceView* view : views) {
            if (!view->nodes.empty() && node.empty()) node = view->nodes.front();
        }
        if (node.empty()) return tool.fail_usage("the resource runs nowhere: name a node with -N");
    }
    if (given.has("move") && node.empty()) return tool.fail_usage("name the node with -N");
    const Result<void> changed =
        tool.cluster.change_configuration([&](Element& configuration) -> Result<void> {
            if (given.has("clear")) {
                (void)cib::clear_resource(configuration, id, node);
                return {};
            }
            if (given.has("ban")) return cib::ban_resource(configuration, id, node, options);
            return cib::move_resource(configuration, id, node, options);
        });
    return changed ? kOk : tool.fail(changed.error());
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

int run_resource(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kOptions);
    if (!given) return tool.fail_usage(given.error().context);
    if (given->has("list") || given->has("list-raw")) return list_resources(tool);
    if (given->has("list-operations") || given->has("list-all-operations")) {
        return list_operations(tool, *given);
    }
    if (given->has("wait")) return wait_until_idle(tool, *given);
    const std::string node = given->has("node") ? given->get("node") : given->get("host-uname");
    if (given->has("cleanup") || given->has("refresh")) {
        const Result<void> done =
            tool.cluster.clean_up(base_of(given->get("resource")), node, given->has("cleanup"));
        return done ? kOk : tool.fail(done.error());
    }
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
        return change_constraints(tool, *given);
    }
    if (given->has("fail")) {
        const Result<std::string> place = tool.node_or_local(node);
        if (!place) return tool.fail(place.error());
        const Result<void> done = tool.cluster.fail_resource(given->get("resource"), *place);
        return done ? kOk : tool.fail(done.error());
    }
    return tool.fail_usage("this form is not known to xbeat's crm_resource");
}

}  // namespace xbeat::shim
