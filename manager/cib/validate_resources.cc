// Resources and their operations.
#include <algorithm>
#include <array>

#include "cib/duration.h"
#include "cib/flat.h"
#include "cib/suggest.h"
#include "cib/validate_context.h"
#include "core/limits.h"
#include "core/text.h"

namespace xbeat::cib {
namespace {

constexpr std::array<std::string_view, 10> kClasses = {"ocf",       "systemd", "service", "lsb",
                                                       "stonith",   "xbeat",   "upstart", "nagios",
                                                       "heartbeat", "fencing"};
constexpr std::string_view kOnFail =
    "ignore block stop demote restart fence standby restart-container";

void check_operation(Checker& checker, const Element& op,
                     std::map<std::string, const Element*>& seen) {
    if (op.get("name").empty()) {
        checker.error(op, "bad-operation",
                      "an operation needs a name such as monitor; give it one");
        return;
    }
    check_duration(checker, op, "interval", "bad-operation");
    if (op.has("timeout") && !parse_duration(op.get("timeout"))) {
        checker.warn(op, "bad-operation",
                     concat("'", op.get("timeout"),
                            "' is no timeout, so the default counts; give a duration such as 20s"));
    }
    check_duration(checker, op, "start-delay", "bad-operation");
    check_choice(checker, op, "on-fail", kOnFail, "bad-operation");
    check_role(checker, op, "role");
    check_boolean(checker, op, "enabled");
    check_boolean(checker, op, "record-pending");
    check_sets(checker, op);
    const Duration every = parse_duration(op.get("interval")).value_or(Duration{});
    const bool is_monitor = op.get("name") == "monitor";
    const std::string_view role = !is_monitor      ? std::string_view()
                                  : op.has("role") ? op.get("role")
                                                   : "Started";
    const std::string key = concat(op.get("name"), " ", every.count(), " ", to_lower(role));
    const auto [first, is_new] = seen.emplace(key, &op);
    if (!is_new) {
        checker.warn(
            op, "duplicate-operation",
            concat("operation ", op.get("name"),
                   every == Duration{} ? std::string() : concat(" every ", print_duration(every)),
                   role.empty() ? "" : " in role ", role, " stands twice",
                   first->second->line == 0 ? "" : concat(", first on line ", first->second->line),
                   "; only one of them counts, change its interval or remove it"));
    }
    if (every != Duration{} && !is_monitor) {
        checker.warn(op, "bad-operation",
                     concat("only monitor can repeat; remove the interval of ", op.get("name")));
    }
}

void check_agent(Checker& checker, const Element& resource) {
    if (resource.has("template")) {
        const auto found = checker.resources.find(resource.get("template"));
        if (found == checker.resources.end() || found->second->name != "template") {
            checker.error(resource, "unknown-reference",
                          concat("template '", resource.get("template"), "' is not there",
                                 checker.hint(resource.get("template"), checker.resource_names)));
        }
        return;
    }
    const std::string_view cls = resource.get("class");
    if (cls.empty() || resource.get("type").empty()) {
        checker.error(
            resource, "missing-attribute",
            concat("a ", resource.name, " needs a class and a type (or a template); give it both"));
        return;
    }
    if (std::find(kClasses.begin(), kClasses.end(), cls) == kClasses.end()) {
        checker.error(resource, "unknown-class",
                      concat("unknown class of agents '", cls, "'", did_you_mean(cls, kClasses),
                             "; there are ocf, systemd, service, lsb, stonith and xbeat"));
    } else if (cls == "ocf" && resource.get("provider").empty()) {
        checker.error(resource, "missing-attribute",
                      "an ocf agent needs a provider such as heartbeat; give it one");
    } else if (cls == "upstart" || cls == "nagios" || cls == "heartbeat") {
        checker.warn(resource, "unknown-class",
                     concat("class ", cls, " is gone; use systemd or ocf"));
    }
}

void check_primitive(Checker& checker, const Element& resource) {
    check_agent(checker, resource);
    check_sets(checker, resource);
    check_meta(checker, resource);
    std::map<std::string, const Element*> seen;
    for (const Element& operations : resource.children) {
        if (operations.name != "operations") continue;
        if (operations.has("id-ref") &&
            checker.ids.find(operations.get("id-ref")) == checker.ids.end()) {
            checker.error(operations, "unknown-reference",
                          concat("operations id-ref names '", operations.get("id-ref"),
                                 "', which is not there"));
        }
        for (const Element& op : operations.children) {
            if (op.name == "op") check_operation(checker, op, seen);
        }
    }
}

std::size_t count_members(const Element& resource) {
    return static_cast<std::size_t>(
        std::count_if(resource.children.begin(), resource.children.end(),
                      [](const Element& child) { return is_resource(child.name); }));
}

void check_bundle(Checker& checker, const Element& bundle) {
    std::size_t containers = 0;
    for (const Element& child : bundle.children) {
        if (child.name != "docker" && child.name != "podman" && child.name != "rkt") continue;
        ++containers;
        if (child.get("image").empty())
            checker.error(child, "missing-attribute",
                          concat("a ", child.name, " needs an image; name one"));
        for (const std::string_view number : {"replicas", "replicas-per-host", "promoted-max"}) {
            const std::optional<std::int64_t> value = parse_integer(child.get(number));
            if (child.has(number) && (!value || *value < 0))
                checker.error(child, "bad-value",
                              concat(number, "=\"", child.get(number),
                                     "\" is no number; give one from 0 up"));
        }
    }
    if (containers != 1)
        checker.error(bundle, "bad-nesting",
                      "a bundle needs exactly one of docker, podman and rkt");
    if (count_members(bundle) > 1)
        checker.error(bundle, "bad-nesting",
                      "a bundle holds one primitive at most; remove the others");
}

void check_resource(Checker& checker, const Element& resource, std::size_t& count) {
    ++count;
    checker.set_owner(resource.get("id"));
    if (resource.name == "primitive" || resource.name == "template") {
        check_primitive(checker, resource);
        return;
    }
    check_sets(checker, resource);
    check_meta(checker, resource);
    const std::size_t members = count_members(resource);
    if (resource.name == "bundle") {
        check_bundle(checker, resource);
    } else if (resource.name == "group") {
        if (members == 0)
            checker.error(resource, "empty-group",
                          "the group is empty; put a primitive in it or remove it");
    } else if (members != 1) {
        checker.error(resource, "bad-nesting",
                      concat("a ", resource.name,
                             " holds exactly one primitive or group; this one holds ", members));
    }
    for (const Element& child : resource.children) {
        if (is_resource(child.name)) check_resource(checker, child, count);
    }
}

}  // namespace

void check_resources(Checker& checker, const Element& configuration) {
    std::size_t count = 0;
    for (const Element& section : configuration.children) {
        if (section.name != "resources") continue;
        for (const Element& resource : section.children) {
            if (section_of(resource.name) == "resources") check_resource(checker, resource, count);
        }
        if (count > kResourcesMax) {
            checker.error(section, "limit",
                          concat(count, " resources are more than the ", kResourcesMax,
                                 " that are supported; remove some"));
        }
    }
}

}  // namespace xbeat::cib
