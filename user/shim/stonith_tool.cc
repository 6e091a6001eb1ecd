// stonith_admin: fencing by hand, its history, and the devices.
#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "core/text.h"
#include "fence/devices.h"
#include "shim/tools.h"
#include "sys/boot_clock.h"

namespace xbeat::shim {
namespace {

using cib::Element;

constexpr std::array kStonithOptions{
    OptionRow{'B', "reboot", Takes::Value},
    OptionRow{'F', "fence", Takes::Value},
    OptionRow{'U', "unfence", Takes::Value},
    OptionRow{'C', "confirm", Takes::Value},
    OptionRow{'H', "history", Takes::Value},
    OptionRow{'h', "last", Takes::Value},
    OptionRow{'L', "list-registered", Takes::Nothing},
    OptionRow{'I', "list-installed", Takes::Nothing},
    OptionRow{'l', "list", Takes::Value},
    OptionRow{'s', "list-targets", Takes::Value},
    OptionRow{'Q', "query", Takes::Value},
    OptionRow{'M', "metadata", Takes::Nothing},
    OptionRow{'K', "validate", Takes::Nothing},
    OptionRow{'R', "register", Takes::Value},
    OptionRow{'D', "deregister", Takes::Value},
    OptionRow{'r', "register-level", Takes::Value},
    OptionRow{'d', "deregister-level", Takes::Value},
    OptionRow{'a', "agent", Takes::Value},
    OptionRow{'o', "option", Takes::Value},
    OptionRow{'e', "env-option", Takes::Value},
    OptionRow{'T', "tag", Takes::Value},
    OptionRow{'v', "device", Takes::Value},
    OptionRow{'i', "index", Takes::Value},
    OptionRow{'t', "timeout", Takes::Value},
    OptionRow{'y', "delay", Takes::Value},
    OptionRow{0, "tolerance", Takes::Value},
    OptionRow{'n', "as-node-id", Takes::Nothing},
    OptionRow{'c', "cleanup", Takes::Nothing},
    OptionRow{'b', "broadcast", Takes::Nothing},
    OptionRow{'V', "verbose", Takes::Nothing},
    OptionRow{'q', "quiet", Takes::Nothing},
};

std::string_view outcome_of(const FenceEvent& event) {
    if (event.outcome == "pending") return "pending";
    const bool is_good = event.outcome == "success" || event.outcome.starts_with("confirmed");
    return is_good ? "success" : "failed";
}

int fence_history(const Tool& tool, const Arguments& given) {
    const std::string target = given.get("history");
    if (given.has("cleanup")) {
        const Result<void> gone = tool.cluster.forget_fences(target == "*" ? "" : target);
        if (!gone) return tool.fail(gone.error());
        tool.io.out << "cleaning up fencing-history"
                    << (target == "*" ? "" : concat(" for node ", target)) << '\n';
        return kOk;
    }
    const Result<std::vector<FenceEvent>> events = tool.cluster.fence_history();
    if (!events) return tool.fail(events.error());
    Element list = Tool::element("fence_history");
    list.set("status", "0");
    for (const FenceEvent& event : *events) {
        if (target != "*" && event.target != target) continue;
        const std::string_view status = outcome_of(event);
        if (!tool.is_xml) {
            tool.io.out << event.origin << (status == "success" ? " was able to " : " wanted to ")
                        << event.action << " node " << event.target << ": " << status << '\n';
            continue;
        }
        Element element = Tool::element("fence_event");
        element.set("action", event.action);
        element.set("target", event.target);
        element.set("client", "xbeat");
        element.set("origin", event.origin);
        element.set("status", status);
        element.set("extended-status", status);
        list.children.push_back(std::move(element));
    }
    if (tool.is_xml) tool.show(list);
    return kOk;
}

int last_fenced(const Tool& tool, const std::string& target) {
    const Result<std::vector<FenceEvent>> events = tool.cluster.fence_history();
    if (!events) return tool.fail(events.error());
    std::int64_t last = 0;
    for (const FenceEvent& event : *events) {
        if (event.target == target && event.action != "on" && outcome_of(event) == "success")
            last = std::max(last, event.time_s);
    }
    if (tool.is_xml) {
        Element shown = Tool::element("last-fenced");
        shown.set("target", target);
        shown.set("when", last == 0 ? std::string() : sys::calendar_text({last}));
        tool.show(shown);
    } else if (last == 0) {
        tool.io.out << "Node " << target << " has never been fenced\n";
    } else {
        tool.io.out << "Node " << target << " last fenced at: " << sys::calendar_text({last})
                    << '\n';
    }
    return kOk;
}

std::vector<std::string> node_names(const Element& document) {
    std::vector<std::string> names;
    const Element* const configuration = document.child("configuration");
    const Element* const nodes = configuration == nullptr ? nullptr : configuration->child("nodes");
    if (nodes == nullptr) return names;
    for (const Element& node : nodes->children) {
        if (node.name == "node") names.emplace_back(node.get("uname"));
    }
    return names;
}

// Every device, as (id, target) pairs: what the plan would use from any other node.
std::set<std::pair<std::string, std::string>> devices_and_targets(const Element& document) {
    const EpochSeconds now{std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count()};
    std::set<std::pair<std::string, std::string>> found;
    const std::vector<std::string> nodes = node_names(document);
    for (const std::string& target : nodes) {
        for (const std::string& executor : nodes) {
            if (executor == target) continue;
            for (const fence::Level& level :
                 fence::levels_for(document, target, executor, "off", now)) {
                for (const fence::Device& device : level) found.emplace(device.id, target);
            }
        }
    }
    return found;
}

void collect_devices(const Element& element, std::vector<std::string>& ids) {
    if (element.name == "primitive" && element.get("class") == "stonith")
        ids.emplace_back(element.get("id"));
    for (const Element& child : element.children) collect_devices(child, ids);
}

std::vector<std::string> all_devices(const Element& document) {
    std::vector<std::string> ids;
    const Element* const configuration = document.child("configuration");
    const Element* const resources =
        configuration == nullptr ? nullptr : configuration->child("resources");
    if (resources != nullptr) collect_devices(*resources, ids);
    return ids;
}

void show_devices(const Tool& tool, std::string_view heading, const std::vector<std::string>& ids) {
    tool.show_list(heading, "device", ids);
    if (!tool.is_xml) {
        tool.io.out << ids.size() << (ids.size() == 1 ? " fence device" : " fence devices")
                    << " found\n";
    }
}

int show_known(const Tool& tool, const Arguments& given) {
    const Result<Element> document = tool.cluster.cib({});
    if (!document) return tool.fail(document.error());
    if (given.has("list-registered")) {
        show_devices(tool, "Registered fence devices", all_devices(*document));
        return kOk;
    }
    const auto pairs = devices_and_targets(*document);
    std::vector<std::string> names;
    const bool of_target = given.has("list");
    const std::string wanted = given.get(of_target ? "list" : "list-targets");
    for (const auto& [device, target] : pairs) {
        if ((of_target ? target : device) == wanted) names.push_back(of_target ? device : target);
    }
    if (of_target) {
        show_devices(tool, "Fence devices", names);
        return kOk;
    }
    const std::vector<std::string> devices = all_devices(*document);
    if (std::find(devices.begin(), devices.end(), wanted) == devices.end()) {
        return tool.fail(
            {.code = Code::NotFound, .context = concat("there is no fence device ", wanted)});
    }
    tool.show_list("Fence Targets", "target", names);
    return kOk;
}

}  // namespace

int run_stonith(const Tool& tool, Words words) {
    const Result<Arguments> given = Arguments::parse(words, kStonithOptions);
    if (!given) return tool.fail_usage(given.error().context);
    for (const char* form : {"register", "deregister", "register-level", "deregister-level"}) {
        if (given->has(form)) {
            return tool.fail_left_out(
                "devices and levels are part of the configuration: 'xbeat configure primitive NAME "
                "stonith:AGENT' and 'xbeat configure fencing_topology'");
        }
    }
    if (given->has("validate")) {
        return tool.fail_left_out("'xbeat fence validate DEVICE' asks a configured device");
    }
    if (given->has("metadata")) return tool.fail_usage("an agent is needed: -a AGENT");
    if (given->has("history")) return fence_history(tool, *given);
    if (given->has("last")) return last_fenced(tool, given->get("last"));
    if (given->has("list-registered") || given->has("list") || given->has("list-targets")) {
        return show_known(tool, *given);
    }
    if (given->has("query")) {
        const Result<void> good = tool.cluster.validate_device(given->get("query"));
        return good ? kOk : tool.fail(good.error());
    }
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
    return tool.fail_usage("say what is wanted: see stonith_admin --help");
}

}  // namespace xbeat::shim
