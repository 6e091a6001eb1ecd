#include "shim/cluster.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "control/client.h"
#include "core/text.h"
#include "sys/boot_clock.h"

namespace xbeat::shim {
namespace {

using nlohmann::json;

// How long a change waits for a coordinator: agents call while one takes over from the other.
constexpr Duration kPatience = std::chrono::seconds(20);
constexpr Duration kPause = std::chrono::milliseconds(50);
constexpr int kEditsMax = 50;  // of one change that others keep overtaking

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::string> value_of(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
}

bool flag_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

json list_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : json::array();
}

cib::Element without_status(cib::Element document) {
    std::erase_if(document.children,
                  [](const cib::Element& child) { return child.name == "status"; });
    return document;
}

std::string number_of(const cib::Element& document, const char* name) {
    const std::string_view value = document.get(name);
    return std::string(value.empty() ? "0" : value);
}

class Daemon final : public Cluster {
public:
    explicit Daemon(std::string run_dir) : run_dir_(std::move(run_dir)) {}

    Result<Self> self() override {
        const json reply = XB_TRY(ask({{"op", "ping"}}, control::Role::Viewer));
        const auto id = reply.find("node_id");
        const bool has_id = id != reply.end() && id->is_number_integer();
        return Self{.node = text_of(reply, "node"),
                    .node_id = has_id ? std::to_string(id->get<std::int64_t>()) : std::string()};
    }

    Result<cib::Element> cib(const cib::Part& part) override {
        // With the most that the caller may have: others see no secrets.
        const auto role = ::geteuid() == 0 ? control::Role::Admin : control::Role::Viewer;
        return cib::parse_xml(text_of(XB_TRY(ask_for_part("cib", part, role)), "cib"));
    }

    Result<std::vector<TransientAttribute>> attributes() override {
        const auto role = ::geteuid() == 0 ? control::Role::Admin : control::Role::Viewer;
        const json reply = XB_TRY(ask({{"op", "attributes"}}, role));
        std::vector<TransientAttribute> out;
        for (const json& each : list_of(reply, "attributes")) {
            out.push_back({.node = text_of(each, "node"),
                           .name = text_of(each, "name"),
                           .value = value_of(each, "value"),
                           .is_private = flag_of(each, "private"),
                           .is_waiting = each.contains("expected"),
                           .expected = value_of(each, "expected")});
        }
        return out;
    }

    Result<void> set_attribute(const AttributeChange& change) override {
        json request{{"op", "set_attribute"}, {"node", change.node}, {"name", change.name}};
        if (change.value) {
            request["value"] = *change.value;
        } else {
            request["remove"] = true;
        }
        if (change.is_private) request["private"] = true;
        if (change.dampening > Duration{}) {
            request["dampen_ms"] =
                std::chrono::duration_cast<std::chrono::milliseconds>(change.dampening).count();
        }
        return tell(request, control::Role::Operator);
    }

    Result<void> set_ticket(std::string_view ticket, std::string_view name,
                            const std::optional<std::string>& value) override {
        json request{{"op", "set_ticket"}, {"ticket", ticket}};
        if (!name.empty()) request["name"] = name;
        if (value) {
            request["value"] = *value;
        } else {
            request["remove"] = true;
        }
        return tell(request, control::Role::Operator);
    }

    Result<void> change_document(const Edit& edit) override {
        for (int attempt = 0; attempt < kEditsMax; ++attempt) {
            cib::Element document = XB_TRY(cib({}));
            const cib::Element before = without_status(document);
            XB_TRY(edit(document));
            const cib::Element after = without_status(std::move(document));
            if (after == before) return {};
            const Result<void> outcome =
                tell({{"op", "replace_configuration"},
                      {"configuration", cib::print_xml(after)},
                      {"base_version",
                       number_of(before, "admin_epoch") + "." + number_of(before, "epoch")}},
                     control::Role::Admin);
            if (outcome || outcome.error().code != Code::Conflict) return outcome;
        }
        return Error{.code = Code::Conflict,
                     .context = "others keep changing the configuration; try again later"};
    }

    Result<void> clean_up(std::string_view resource, std::string_view node,
                          bool failed_only) override {
        json request{{"op", "cleanup"}, {"failed_only", failed_only}};
        if (!resource.empty()) request["resource"] = resource;
        if (!node.empty()) request["node"] = node;
        return tell(request, control::Role::Operator);
    }

    Result<void> fail_resource(std::string_view resource, std::string_view node) override {
        return tell({{"op", "fail"}, {"resource", resource}, {"node", node}},
                    control::Role::Operator);
    }

    Result<void> fence(std::string_view node, std::string_view action) override {
        return tell({{"op", "fence"}, {"node", node}, {"action", action}}, control::Role::Admin);
    }

    Result<void> confirm_fenced(std::string_view node) override {
        return tell({{"op", "confirm"}, {"node", node}}, control::Role::Admin);
    }

    Result<void> forget_fences(std::string_view node) override {
        json request{{"op", "forget_fences"}};
        if (!node.empty()) request["node"] = node;
        return tell(request, control::Role::Admin);
    }

    Result<void> validate_device(std::string_view device) override {
        return tell({{"op", "validate_device"}, {"device", device}}, control::Role::Admin);
    }

    Result<std::vector<FenceEvent>> fence_history() override {
        const json reply =
            XB_TRY(ask_for_part("status", {.sections = {"none"}}, control::Role::Viewer));
        std::vector<FenceEvent> out;
        for (const json& each : list_of(reply, "fence_history")) {
            const auto time = each.find("time_s");
            const bool has_time = time != each.end() && time->is_number_integer();
            out.push_back({.target = text_of(each, "target"),
                           .action = text_of(each, "action"),
                           .origin = text_of(each, "origin"),
                           .outcome = text_of(each, "outcome"),
                           .time_s = has_time ? time->get<std::int64_t>() : 0});
        }
        return out;
    }

    Result<bool> is_idle() override {
        const json reply = XB_TRY(ask({{"op", "ping"}}, control::Role::Viewer));
        if (reply.contains("activity")) return text_of(reply, "activity") == "idle";
        // A daemon of the release before.
        return text_of(XB_TRY(ask({{"op", "status"}}, control::Role::Viewer)), "activity") ==
               "idle";
    }

private:
    // A daemon of the release before knows no parts, until it is restarted: it is asked for all.
    Result<json> ask_for_part(std::string_view op, const cib::Part& part, control::Role role) {
        json request{{"op", op}};
        std::string sections;
        for (const std::string& section : part.sections) sections += section + ' ';
        if (!sections.empty()) request["sections"] = sections;
        if (!part.resource.empty()) request["resource"] = part.resource;
        Result<json> reply = ask(request, role);
        const bool is_older = !reply && reply.error().code == Code::Invalid && request.size() > 1;
        return is_older ? ask({{"op", op}}, role) : std::move(reply);
    }

    Result<json> ask(const json& request, control::Role role) {
        control::Client client =
            XB_TRY(control::Client::connect({.run_dir = run_dir_, .role = role}));
        return client.call(request);
    }

    // A change that nobody could take up is asked for again for a while. There is no event to wait
    // for where there is no daemon or coordinator.
    Result<void> tell(const json& request, control::Role role) {
        const Instant deadline = sys::boot_now() + kPatience;
        for (;;) {
            const Result<json> reply = ask(request, role);
            if (reply) return {};
            const bool may_work_later = reply.error().code == Code::Unavailable;
            if (!may_work_later || sys::boot_now() >= deadline) return reply.error();
            std::this_thread::sleep_for(kPause);
        }
    }

    std::string run_dir_;
};

}  // namespace

Result<void> Cluster::change_configuration(const Edit& edit) {
    return change_document([&edit](cib::Element& document) -> Result<void> {
        cib::Element* configuration = document.child("configuration");
        if (configuration == nullptr) {
            return Error{.code = Code::Corrupt, .context = "the CIB has no configuration"};
        }
        return edit(*configuration);
    });
}

std::unique_ptr<Cluster> connect_to_daemon(std::string run_dir) {
    return std::make_unique<Daemon>(std::move(run_dir));
}

}  // namespace xbeat::shim
