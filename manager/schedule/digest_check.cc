#include "schedule/digest_check.h"

#include <algorithm>

#include "core/text.h"
#include "model/parameter_digest.h"
#include "rules/compare.h"
#include "schedule/steps.h"

namespace xbeat::schedule {
namespace {

Attributes digested_parameters(World& world, Resource& resource, const Node& node,
                               const Recorded& record) {
    const OperationConfig& config =
        operation_config(world, resource, record.kind, record.interval_ms);
    Attributes out = parameters_of(world, resource, &node);
    if (config.xml != nullptr) {
        rules::RuleInput input{
            .now = world.now, .ids = &world.ids, .node_attributes = &node.attributes};
        Attributes own;
        rules::collect_attributes(*config.xml, "instance_attributes", input, {}, own);
        for (const auto& [name, value] : own) out[name] = value;
    }
    if (const auto addr = out.find("addr"); resource.is_connection && addr != out.end() &&
                                            addr->second == "#uname" &&
                                            resource.launcher != nullptr) {
        if (const Node* host = active_on(*resource.launcher)) addr->second = host->name;
    }
    std::erase_if(out, [](const auto& pair) { return pair.first.starts_with("CRM_meta_"); });
    if (record.interval_ms > 0) {
        const auto timeout = config.meta.find("timeout");
        if (timeout != config.meta.end()) out["CRM_meta_timeout"] = timeout->second;
    }
    return out;
}

bool has_own_parameters(World& world, Resource& resource, const Recorded& record) {
    const OperationConfig& config =
        operation_config(world, resource, record.kind, record.interval_ms);
    return config.xml != nullptr && config.xml->child("instance_attributes") != nullptr;
}

bool is_listed(std::string_view list, std::string_view name);

// A CIB that was made public has its secrets masked; then only the rest can be compared.
bool only_secrets_masked(const Resource& resource, const Attributes& parameters,
                         const Recorded& record) {
    const std::string_view secure = record.xml->get("op-secure-digest");
    const std::string_view secrets = record.xml->get("op-secure-params");
    if (secure.empty() || secrets.empty()) return false;
    bool any_masked = false;
    Attributes open = parameters;
    open.erase("CRM_meta_timeout");
    if (resource.is_fence_device &&
        rules::compare_versions(record.xml->get("crm_feature_set"), "3.16.0") < 0) {
        // Before that version the cluster's own parameters of devices were left out.
        std::erase_if(open, [](const auto& pair) { return pair.first.starts_with("pcmk_"); });
        open.erase("provides");
        open.erase("stonith-timeout");
    }
    std::erase_if(open, [&](const auto& pair) {
        if (!is_listed(secrets, pair.first)) return false;
        any_masked |=
            !pair.second.empty() && pair.second.find_first_not_of('*') == std::string::npos;
        return true;
    });
    return any_masked && model::parameter_digest(open) == secure;
}

bool is_listed(std::string_view list, std::string_view name) {
    const std::vector<std::string_view> words = split_words(list);
    return std::find(words.begin(), words.end(), name) != words.end();
}

}  // namespace

Change parameters_changed(World& world, Resource& resource, Node& node, const Recorded& record) {
    const std::string_view recorded = record.xml->get("op-digest");
    const std::string_view restart = record.xml->get("op-restart-digest");
    if (recorded.empty() && restart.empty()) return Change::None;
    const Attributes parameters = digested_parameters(world, resource, node, record);
    if (only_secrets_masked(resource, parameters, record)) return Change::None;
    if (!restart.empty()) {
        Attributes unreloadable = parameters;
        if (record.xml->has("op-force-restart")) {
            const std::string_view list = record.xml->get("op-force-restart");
            std::erase_if(unreloadable,
                          [list](const auto& pair) { return !is_listed(list, pair.first); });
        }
        if (model::parameter_digest(unreloadable) != restart) return Change::Restart;
    }
    if (recorded.empty() || model::parameter_digest(parameters) == recorded) return Change::None;
    // Parameters of the operation itself are only applied when it runs again.
    if (record.interval_ms == 0 && has_own_parameters(world, resource, record)) {
        return Change::Restart;
    }
    return restart.empty() ? Change::Other : Change::Reload;
}

bool failure_parameters_changed(World& world, Resource& resource, Node& node,
                                const Recorded& record) {
    if (record.kind != Task::Start && record.kind != Task::Monitor) return false;
    // Where a container's connection is to be is not known yet, nor are its parameters.
    if (resource.is_connection && is_bundled(resource)) return false;
    return parameters_changed(world, resource, node, record) != Change::None;
}

}  // namespace xbeat::schedule
